//! The rules of a bundle by act and kind of principal, so that a decision asks only those that can apply.
//!
//! Nothing is decided here: a rule that is left out could neither match nor error (see [`crate::scope`]). A property
//! test compares every answer with that of the whole set.

use crate::action::Action;
use crate::engine::Names;
use crate::scope;
use cedar_policy::PolicySet;
use comptroller_core::vocab::PrincipalKind;
use std::collections::HashMap;

/// The rules that can apply to one act by one kind of principal.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) hard: PolicySet,
    pub(crate) review: PolicySet,
    pub(crate) permits: PolicySet,
}

/// A bucket for every act and kind of principal that can be asked about.
#[derive(Debug)]
pub(crate) struct Index(HashMap<(Action, PrincipalKind), Bucket>);

impl Index {
    pub(crate) fn new(names: &Names, hard: &PolicySet, review: &PolicySet, permits: &PolicySet) -> Self {
        let mut buckets = HashMap::new();
        for &action in Action::ALL {
            for &kind in PrincipalKind::ALL {
                let slice = |set: &PolicySet| {
                    let policies = scope::slice(set, names.action(action), names.kind(kind));
                    // Proof: the policies come from one set, which has no two of one name.
                    PolicySet::from_policies(policies).expect("a part of a set")
                };
                let bucket = Bucket { hard: slice(hard), review: slice(review), permits: slice(permits) };
                buckets.insert((action, kind), bucket);
            }
        }
        Self(buckets)
    }

    pub(crate) fn bucket(&self, action: Action, kind: PrincipalKind) -> &Bucket {
        // Proof: `new` makes one for every pair.
        &self.0[&(action, kind)]
    }
}
