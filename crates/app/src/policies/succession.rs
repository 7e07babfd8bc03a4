//! Whether policies leave somebody who can change them again.
//!
//! The policies in force decide about their own succession. A bundle under which nobody may propose, approve or activate
//! another one would stay for ever, whatever is wrong with it, so it does not come in force.

use crate::AppError;
use comptroller_core::Role;
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_policy::{Action, Bundle, Facts, Principal, Request};
use comptroller_store::Conn;
use comptroller_store::areas::people;
use std::collections::{BTreeMap, BTreeSet};

/// People with the same roles; one of them stands for all.
struct Alike {
    roles: BTreeSet<Role>,
    one: PrincipalId,
    people: i64,
}

impl Alike {
    fn may(&self, bundle: &Bundle, action: Action, facts: Facts) -> bool {
        let principal = Principal {
            id: self.one,
            kind: PrincipalKind::Person,
            roles: self.roles.clone(),
            credential_environment: None,
        };
        let resource = "proposal/next".to_owned();
        let request = Request { principal, action, resource, environment: None, facts };
        bundle.decide(&request).outcome == Outcome::Allow
    }
}

/// Refuses policies that no people with the roles of now could change again, not even by a change that is tested,
/// proven to be equivalent, and approved by everybody who may.
pub(super) async fn check(conn: &mut Conn, bundle: &Bundle) -> Result<(), AppError> {
    let groups = groups(conn).await?;
    let vote =
        || Facts::new().bool("voter_is_proposer", false).bool("already_voted", false).bool("decided", false);
    let votes: Vec<bool> = groups.iter().map(|of| of.may(bundle, Action::PolicyApprove, vote())).collect();
    let voters: i64 = groups.iter().zip(&votes).filter(|(_, votes)| **votes).map(|(of, _)| of.people).sum();
    let mut anybody = false;
    for (proposer, votes) in groups.iter().zip(&votes) {
        if !proposer.may(bundle, Action::PolicyPropose, Facts::new()) {
            continue;
        }
        anybody = true;
        // INVARIANT (separation-of-duties): whoever proposes does not vote.
        let approvals = voters - i64::from(*votes);
        if groups.iter().any(|of| of.may(bundle, Action::PolicyActivate, best(approvals))) {
            return Ok(());
        }
    }
    let what = if anybody { "have others approved and put them in force" } else { "propose others" };
    Err(AppError::Conflict(format!(
        "under these policies nobody who acts here could {what}, so they would stay for ever: change their rules about \
         policy.propose, policy.approve and policy.activate, or give more people a role that these rules name"
    )))
}

async fn groups(conn: &mut Conn) -> Result<Vec<Alike>, AppError> {
    let mut of_person: BTreeMap<PrincipalId, BTreeSet<Role>> = BTreeMap::new();
    for (person, role) in people::with_roles(conn).await? {
        of_person.entry(person).or_default().insert(role);
    }
    let mut of_roles: BTreeMap<BTreeSet<Role>, Alike> = BTreeMap::new();
    for (one, roles) in of_person {
        let alike = of_roles.entry(roles.clone()).or_insert(Alike { roles, one, people: 0 });
        alike.people += 1;
    }
    Ok(of_roles.into_values().collect())
}

/// The facts of a change with nothing against it.
fn best(approvals: i64) -> Facts {
    ["invariants_violated", "invariants_unproven", "rules_may_err", "rules_unproven"]
        .into_iter()
        .fold(Facts::new(), |facts, name| facts.long(name, 0))
        .bool("tests_passed", true)
        .bool("analysed", true)
        .text("verdict", "equivalent")
        .long("approvals_valid", approvals)
        .bool("refused", false)
}
