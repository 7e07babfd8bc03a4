//! From a request to an outcome with every rule that fired.

use crate::bundle::Bundle;
use crate::engine::{Verdict, ask};
use crate::request::Request;
use crate::rule::{Effect, FiredRule, RuleInfo, RuleSet};
use cedar_policy::{Policy, PolicyId, PolicySet};
use comptroller_core::vocab::Outcome;
use comptroller_core::{Digest, Slug};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the rule that stands for "nothing permits this".
pub(crate) const NO_PERMIT: &str = "no-permit";

/// The answer, with everything that is needed to explain it and to repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Decision {
    /// Allow, needs-review, deny or unknown. Only allow lets the act happen.
    pub outcome: Outcome,
    /// Every rule that stands against the act, hard ones first, each set by name.
    pub rules: Vec<FiredRule>,
    /// The permits that matched, by name: under which rule the act is let happen.
    pub permits: Vec<Slug>,
    /// What went wrong while deciding; not empty exactly when the outcome is unknown.
    pub errors: Vec<String>,
    /// The digest of the bundle that decided.
    pub bundle: Digest,
    /// The facts used, and the principal's kind, roles and credential environment.
    pub facts: BTreeMap<String, Value>,
}

impl Bundle {
    /// Decides. Total: never panics, never fails; what cannot be decided is [`Outcome::Unknown`].
    pub fn decide(&self, request: &Request) -> Decision {
        let bucket = self.index.bucket(request.action, request.principal.kind);
        self.decide_by(request, &bucket.hard, &bucket.review, &bucket.permits)
    }

    /// Decides by asking every rule, without the index: slower, and what the index is measured against.
    pub fn decide_by_scan(&self, request: &Request) -> Decision {
        self.decide_by(request, &self.hard, &self.review, &self.permits)
    }

    /// The outcome if one rule were not there.
    pub(crate) fn outcome_without(&self, rule: &str, request: &Request) -> Outcome {
        let others = |set: &PolicySet| {
            let others = set.policies().filter(|policy| AsRef::<str>::as_ref(policy.id()) != rule).cloned();
            // Proof: the policies come from one set, which has no two of one name.
            PolicySet::from_policies(others).expect("a part of a set")
        };
        self.decide_by(request, &others(&self.hard), &others(&self.review), &others(&self.permits)).outcome
    }

    fn decide_by(
        &self,
        request: &Request,
        hard: &PolicySet,
        review: &PolicySet,
        permits: &PolicySet,
    ) -> Decision {
        let mut decision = Decision {
            outcome: Outcome::Unknown,
            rules: Vec::new(),
            permits: Vec::new(),
            errors: request.check(),
            bundle: self.digest().clone(),
            facts: request.record(),
        };
        if !decision.errors.is_empty() {
            return decision;
        }
        let prepared = match self.names.prepare(&self.schema, request) {
            Ok(prepared) => prepared,
            Err(error) => {
                decision.errors.push(error);
                return decision;
            }
        };
        let hard = ask(hard, &prepared);
        let review = ask(review, &prepared);
        // Cedar names no permit once a forbid has matched, but whoever is refused wants to know all that is missing.
        let permits = if hard.allowed { hard.matched.clone() } else { ask(permits, &prepared).matched };

        for id in hard.matched.iter().chain(&review.matched) {
            match self.rules.get(id.as_str()) {
                Some(rule) if rule.effect == Effect::Forbid => decision.rules.push(rule.fired()),
                _ => {}
            }
        }
        decision.permits = permits.iter().filter_map(|id| id.parse().ok()).collect();
        if permits.is_empty() {
            decision.rules.insert(0, self.no_permit(request));
        }
        // The permits are a part of the hard set, so their errors are already among the hard ones.
        decision.errors = hard.errors;
        decision.errors.extend(review.errors);

        let review_fired = !review.matched.is_empty();
        // INVARIANT (deny-on-error): an error outweighs whatever the other policies said, an allow above all.
        decision.outcome = match (decision.errors.is_empty(), hard.allowed, review_fired) {
            (false, _, _) => Outcome::Unknown,
            (true, false, _) => Outcome::Deny,
            (true, true, true) => Outcome::NeedsReview,
            (true, true, false) => Outcome::Allow,
        };
        decision
    }

    /// Whether a rule stands against a request, without asking the others.
    pub(crate) fn fires(&self, rule: &str, request: &Request) -> bool {
        let id = PolicyId::new(rule);
        match self.hard.policy(&id).or_else(|| self.review.policy(&id)) {
            // What cannot be asked stands against it, as does what errs.
            Some(policy) => self
                .ask_one(policy, request)
                .is_none_or(|verdict| !verdict.matched.is_empty() || !verdict.errors.is_empty()),
            // The absence of a permit is no policy.
            None => self.decide(request).rules.iter().any(|fired| fired.id.as_str() == rule),
        }
    }

    /// What one policy alone says about a request; none if the request is unfit to be decided.
    pub(crate) fn ask_one(&self, policy: &Policy, request: &Request) -> Option<Verdict> {
        if !request.check().is_empty() {
            return None;
        }
        let prepared = self.names.prepare(&self.schema, request).ok()?;
        Some(ask(&PolicySet::from_policies([policy.clone()]).ok()?, &prepared))
    }

    /// The rule that stands for the absence of a permit: who may do the act, and under what condition.
    fn no_permit(&self, request: &Request) -> FiredRule {
        let action = request.action.as_str();
        let permits: Vec<&RuleInfo> =
            self.rules().filter(|rule| rule.effect == Effect::Permit && rule.covers(action)).collect();
        let mut ways = Vec::new();
        let mut roles = BTreeSet::new();
        let mut control = BTreeSet::new();
        for permit in permits {
            let names: Vec<&str> = permit.roles.iter().map(|role| role.as_str()).collect();
            ways.push(format!("{} ({}: {})", names.join(", "), permit.id, permit.reason));
            roles.extend(permit.roles.iter().copied());
            control.extend(permit.control.iter().cloned());
        }
        let reason = if ways.is_empty() {
            format!("nobody may do {action}: no rule permits it")
        } else {
            format!("no rule permits {action} here; it is for {}", ways.join("; or for "))
        };
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let remedy = if names.is_empty() {
            "the owner of the policies can add a permit for it".to_owned()
        } else {
            format!(
                "leave it to somebody who holds one of the roles {}, or ask an owner or administrator for one",
                names.join(", ")
            )
        };
        FiredRule {
            // Proof: the constant is lower-case letters and a hyphen.
            id: NO_PERMIT.parse().expect("a constant slug"),
            reason,
            control: control.into_iter().collect(),
            remedy,
            set: RuleSet::Hard,
            waivable: false,
        }
    }
}
