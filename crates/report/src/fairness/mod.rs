//! The report of a fairness audit in the forms that people and pipelines read.

mod html;
mod junit;
mod markdown;
#[cfg(test)]
mod tests;
mod watched;

pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use watched::{Trace, watched};

use comptroller_stats::fairness::report::{Aggregate, Family};
use comptroller_stats::fairness::value::Value;
use comptroller_stats::fairness::verdict::{State, Verdict};

/// What stands below every report.
const NO_CONCLUSION: &str =
    "A verdict speaks of these rows, these groups and this bound. It is no legal conclusion.";

/// A value in a cell: the number, or why there is none.
fn cell(value: &Value) -> String {
    match value {
        Value::Estimate { value, .. } => format!("{value:.3}"),
        Value::InsufficientEvidence { rows, rows_needed, .. } => format!("{rows} of {rows_needed} rows"),
        Value::NotEvaluable { reason, .. } => reason.text().to_owned(),
    }
}

/// A value with its interval.
fn with_interval(value: &Value) -> String {
    match value.interval() {
        Some(interval) => format!("{} [{:.3}, {:.3}]", cell(value), interval.lower, interval.upper),
        None => cell(value),
    }
}

/// The attributes of a family, and the stratum.
fn title(family: &Family) -> String {
    place(&family.attributes, family.stratum.as_ref().map(ToString::to_string))
}

/// Of what a verdict speaks.
fn subject(verdict: &Verdict) -> String {
    place(&verdict.attributes, verdict.stratum.as_ref().map(ToString::to_string))
}

fn place(attributes: &[String], stratum: Option<String>) -> String {
    let within = stratum.map(|stratum| format!(" within {stratum}")).unwrap_or_default();
    format!("{}{within}", attributes.join(" and "))
}

/// The state in words.
fn words(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::Fail => "fail",
        State::Inconclusive => "inconclusive",
        State::InsufficientEvidence => "insufficient evidence",
        State::NotEvaluable => "not evaluable",
    }
}

/// What was demanded, in words.
fn demand(verdict: &Verdict) -> String {
    let criterion = &verdict.criterion;
    let least = if criterion.measure.is_ratio() { "at least" } else { "at most" };
    format!("{} {least} {}", criterion.measure.name().replace('_', " "), criterion.bound)
}

/// The gravest of some states: fail, then inconclusive, then what has no evidence; nothing without verdicts.
fn gravest(verdicts: &[Verdict]) -> Option<State> {
    let order =
        [State::Fail, State::Inconclusive, State::InsufficientEvidence, State::NotEvaluable, State::Pass];
    order.into_iter().find(|state| verdicts.iter().any(|verdict| verdict.state == *state))
}

/// Groups that an aggregate says nothing about, with why.
fn uncovered(family: &Family, aggregate: &Aggregate) -> Vec<String> {
    let all = aggregate.not_covered.iter().chain(&aggregate.left_out);
    let name =
        |group: usize| family.groups.get(group).map(|group| group.name.to_string()).unwrap_or_default();
    all.map(|one| format!("{}: {}", name(one.group), one.because)).collect()
}
