//! What is found out about a proposed bundle before anybody votes: its tests, and the proofs.

use crate::AppError;
use comptroller_core::vocab::BundleVerdict;
use comptroller_core::{Digest, Event};
use comptroller_policy::cases::Cases;
use comptroller_policy::prove::{self, Limits, Report, Solver, Standing, Totality};
use comptroller_policy::{Bundle, Package, card};
use comptroller_store::areas::policies::ProposalRow;
use std::time::Duration;

/// Longest time that the solver has for one question, when a proposal is compared.
const QUESTION: Duration = Duration::from_secs(20);

/// Whether every case of the bundle comes out as written, those of the rules in Cedar and those of the cards.
pub(super) fn tests_pass(package: &Package) -> Result<bool, AppError> {
    let refuse = |error: String| AppError::invalid("files", error);
    let mut results = card::run(package).map_err(|error| refuse(error.to_string()))?;
    let Some(text) = package.files().get("tests.toml") else { return Ok(false) };
    // The cases of the Cedar rules are about them alone: a card may stand against what they allow.
    let bundle = Bundle::of(&package.without_cards()).map_err(|error| refuse(error.to_string()))?;
    let cases = Cases::parse(text).map_err(|error| refuse(error.to_string()))?;
    results.extend(comptroller_policy::cases::run(&bundle, &cases));
    Ok(results.iter().all(|result| result.failure.is_none()))
}

/// Makes every proof about a change. Takes seconds.
pub(super) fn analyse(
    old: &Bundle,
    new: &Bundle,
    package: &Package,
    solver: Option<&std::path::Path>,
) -> Result<Report, AppError> {
    let solver = Solver::find(solver, Limits { time: QUESTION, ..Limits::default() });
    prove::analyse(old, new, package, &solver, &|_| ())
        .map_err(|error| AppError::invalid("files", error.to_string()))
}

/// The event that says what was found.
pub(super) fn analysed(row: &ProposalRow, against: Digest, report: &Report) -> Event {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let standing = |is: fn(&Standing) -> bool| {
        count(report.invariants.iter().filter(|proof| is(&proof.verdict)).count())
    };
    let total =
        |is: fn(&Totality) -> bool| count(report.rules.iter().filter(|proof| is(&proof.verdict)).count());
    let verdict = report.comparison.as_ref().map_or(BundleVerdict::Unproven, |comparison| comparison.verdict);
    Event::PolicyAnalysed {
        proposal: row.id.0,
        bundle: row.bundle.0.clone(),
        against,
        verdict,
        invariants_violated: standing(|s| matches!(s, Standing::Violated { .. })),
        invariants_unproven: standing(|s| matches!(s, Standing::Unproven { .. })),
        rules_may_err: total(|t| matches!(t, Totality::CanError { .. })),
        rules_unproven: total(|t| matches!(t, Totality::Unproven { .. })),
        report: report.digest(),
        solver: report.solver.as_deref().and_then(|solver| solver.parse().ok()),
    }
}
