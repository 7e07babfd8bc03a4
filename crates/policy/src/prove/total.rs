//! Can a rule error? Cedar skips a rule that errors; here that makes the outcome unknown, and a proof that it cannot
//! happen is worth more than a safe failure.

use super::example::{self, Example};
use super::report::{RuleProof, Totality};
use super::session::Session;
use super::solver::Solver;
use super::{Progress, threads, world};
use crate::RuleInfo;
use crate::bundle::Bundle;
use crate::request::Request;
use cedar_policy::{Policy, PolicyId, RequestEnv};

/// Examines every rule in every request environment to which it applies.
///
/// # Errors
/// Why a proof broke off.
pub(super) fn prove(bundle: &Bundle, solver: &Solver, progress: Progress) -> Result<Vec<RuleProof>, String> {
    let slices = world::slices(bundle);
    let problem = solver.problem().map(str::to_owned).or_else(|| world::check(&bundle.declared).err());
    let rules: Vec<&RuleInfo> = bundle.rules().collect();
    threads::each(&rules, |rule| {
        progress(rule.id.as_str());
        let id = PolicyId::new(rule.id.as_str());
        let policy = bundle.hard.policy(&id).or_else(|| bundle.review.policy(&id));
        let mut session = Session::new(solver, &bundle.schema);
        let verdict = match (&problem, policy, &mut session) {
            (Some(why), _, _) => Totality::Unproven { why: why.clone() },
            (None, Some(policy), Ok(session)) => of_rule(bundle, policy, &slices, session),
            (None, None, _) => Totality::Unproven { why: "the rule has no policy".to_owned() },
            (None, _, Err(why)) => Totality::Unproven { why: why.clone() },
        };
        let queries = session.as_mut().map(Session::queries).unwrap_or_default();
        RuleProof { rule: rule.id.clone(), set: rule.set, verdict, queries }
    })
}

fn of_rule(bundle: &Bundle, policy: &Policy, slices: &[RequestEnv], session: &mut Session) -> Totality {
    let mut verdict = Totality::Proven;
    let applies = |slice: &&RequestEnv| crate::scope::covers(policy, slice.action(), slice.principal());
    for slice in slices.iter().filter(applies) {
        match in_slice(bundle, policy, slice, session) {
            Totality::Proven => {}
            error @ Totality::CanError { .. } => return error,
            // An error that can be shown is worth more than a doubt, so the other slices are still looked at.
            doubt @ Totality::Unproven { .. } => verdict = doubt,
        }
    }
    verdict
}

/// Whether a rule errors on some request of a slice.
pub(super) fn in_slice(
    bundle: &Bundle,
    policy: &Policy,
    slice: &RequestEnv,
    session: &mut Session,
) -> Totality {
    let found = match session.error_of(policy, slice) {
        Ok(None) => return Totality::Proven,
        Ok(Some(found)) => found,
        Err(why) => return Totality::Unproven { why },
    };
    let request = match example::request(&found) {
        Ok(request) => example::fit(request),
        Err(why) => return Totality::Unproven { why: format!("the solver found a request, but {why}") },
    };
    let erring = |request: &Request| {
        bundle.ask_one(policy, request).and_then(|verdict| verdict.errors.into_iter().next())
    };
    let request = example::plain(request, &|request| erring(request).is_some());
    match erring(&request) {
        Some(error) => Totality::CanError { example: Example::of(&request), error },
        None => Totality::Unproven {
            why: format!("the solver found {}, on which the rule does not error", Example::of(&request)),
        },
    }
}
