//! Proofs about policies: for every request that there can be, not for those that somebody thought of.
//!
//! Four questions, each answered by the solver cvc5 after Cedar's symbolic compiler turned the policies into logic:
//! - [`never_errors`]: can a rule error, so that a request comes out as unknown?
//! - [`invariants`]: is something ever allowed that must never be?
//! - [`compare`]: does a change of the policies let in something new?
//! - [`minimal`]: would fewer steps than those of a shortest path do?
//!
//! What cannot be shown is unproven, with its cause; a missing solver, a timeout or an odd answer never proves
//! anything. A request that the solver found is decided again by the bundles before it is reported.
//!
//! Proofs are about rules, not about facts: whoever computes a fact wrongly is not found here.
//!
//! Every function here takes seconds and waits for another program: call it on a thread that may block.

mod again;
mod compare;
mod example;
mod invariants;
mod meaning;
mod minimal;
mod process;
mod report;
mod session;
mod solver;
mod threads;
mod total;
mod words;
mod world;

use crate::{Bundle, BundleError, Package, Request};
pub use again::Again;
use comptroller_core::vocab::BundleVerdict;
pub use example::Example;
pub(crate) use invariants::FILE as INVARIANTS_FILE;
pub use invariants::{BUILTIN as BUILTIN_INVARIANTS, check as check_invariants};
pub use process::Limits;
pub use report::{
    Answered, Comparison, Finding, Flip, InvariantProof, Minimality, Query, Report, RuleProof, SliceProof,
    Standing, Totality,
};
pub use solver::Solver;
use threads::aside;
pub(crate) use world::facts as declared_facts;

/// Told what is being examined, so that somebody who waits sees it.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// Whether rules can error: every rule in every request environment to which it applies.
pub fn never_errors(bundle: &Bundle, solver: &Solver, progress: Progress) -> Vec<RuleProof> {
    total::prove(bundle, solver, progress).unwrap_or_else(|why| {
        let unproven = |rule: &crate::RuleInfo| RuleProof {
            rule: rule.id.clone(),
            set: rule.set,
            verdict: Totality::Unproven { why: why.clone() },
            queries: Vec::new(),
        };
        bundle.rules().map(unproven).collect()
    })
}

/// Whether standing invariants hold; `text` is a file like `policies/base/invariants.cedar`.
///
/// # Errors
/// [`BundleError`] when an invariant is not in order, or when the proof broke off.
pub fn invariants(
    bundle: &Bundle,
    text: &str,
    solver: &Solver,
    progress: Progress,
) -> Result<Vec<InvariantProof>, BundleError> {
    aside(|| invariants::prove(bundle, text, solver, progress))
        .unwrap_or_else(|why| Err(BundleError::Parse { file: INVARIANTS_FILE, findings: vec![why] }))
}

/// What a change from `old` to `new` lets in and keeps out.
pub fn compare(old: &Bundle, new: &Bundle, solver: &Solver, progress: Progress) -> Comparison {
    aside(|| compare::prove(old, new, solver, progress)).flatten().unwrap_or_else(|why| {
        let doubt = Finding::Unproven { why };
        let everything = SliceProof {
            principal: "any".to_owned(),
            action: "any".to_owned(),
            resource: "any".to_owned(),
            verdict: BundleVerdict::Unproven,
            lets_in: doubt.clone(),
            keeps_out: doubt,
            queries: Vec::new(),
        };
        Comparison {
            old: old.digest().clone(),
            new: new.digest().clone(),
            verdict: BundleVerdict::Unproven,
            unchanged: 0,
            slices: vec![everything],
            goes_earlier: new.retention().goes_earlier_than(old.retention()),
            watches_less: new.monitors().watches_less_than(old.monitors()),
        }
    })
}

/// Whether the `size` steps of a shortest path are the fewest with which a request would be allowed, given what the
/// votes that were cast are once newly fired rules are quiet.
pub fn minimal(
    bundle: &Bundle,
    request: &Request,
    votes: Option<&crate::path::Votes>,
    size: usize,
    solver: &Solver,
    progress: Progress,
) -> Minimality {
    aside(|| minimal::prove(bundle, request, votes, size, solver, progress))
        .unwrap_or_else(|why| Minimality::Unproven { why })
}

/// Everything that there is to know about a change before anybody votes: whether a rule of the new bundle can err,
/// whether the standing invariants hold, those that ship and its own, and what the change lets in and keeps out.
///
/// # Errors
/// [`BundleError`] when an invariant is not in order.
pub fn analyse(
    old: &Bundle,
    new: &Bundle,
    package: &Package,
    solver: &Solver,
    progress: Progress,
) -> Result<Report, BundleError> {
    let mut report = Report::new(new, solver);
    report.rules = never_errors(new, solver, progress);
    // Whatever a bundle says about itself, it is held to the invariants that ship; its own come on top.
    report.invariants = invariants(new, BUILTIN_INVARIANTS, solver, progress)?;
    if let Some(own) = package.files().get(INVARIANTS_FILE).filter(|own| *own != BUILTIN_INVARIANTS) {
        report.invariants.extend(invariants(new, own, solver, progress)?);
    }
    report.comparison = Some(compare(old, new, solver, progress));
    Ok(report)
}
