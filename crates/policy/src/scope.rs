//! Which policies can apply to a slice: one act by one type of principal.
//!
//! Read from the heads of the policies alone. Whoever leaves out the others changes no answer: a policy whose head
//! does not fit never matches, and never errors either, because its condition is not evaluated.

use cedar_policy::{ActionConstraint, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint};

/// Whether a policy's head leaves room for this act by this type of principal. In doubt, it does.
pub(crate) fn covers(policy: &Policy, action: &EntityUid, principal: &EntityTypeName) -> bool {
    // A bundle has no action groups, so an act is in a list only by being named there.
    let acts = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *action,
        ActionConstraint::In(many) => many.contains(action),
    };
    acts && match policy.principal_constraint() {
        // What a principal may be a member of is the schema's business.
        PrincipalConstraint::Any | PrincipalConstraint::In(_) => true,
        PrincipalConstraint::Eq(one) => one.type_name() == principal,
        PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => kind == *principal,
    }
}

/// The policies of a set that can apply to a slice, in the order of the set.
pub(crate) fn slice(set: &PolicySet, action: &EntityUid, principal: &EntityTypeName) -> Vec<Policy> {
    set.policies().filter(|policy| covers(policy, action, principal)).cloned().collect()
}
