//! The audit on the terminal.

use crate::output::{Style, one_line};
use comptroller_app::escape::cut;
use comptroller_app::fairness::{Examined, Family, GroupName, State, Value, Verdict};
use std::fmt::Write as _;

/// Groups of a family that are listed, at most.
const LISTED: usize = 40;
/// Width of the longest group name that is shown whole.
const NAME: usize = 40;

/// Verdicts, then each family of groups.
pub(super) fn render(found: &Examined, style: Style) -> String {
    let mut text = String::new();
    let report = &found.report;
    let joined = found.joined.as_ref().map(|file| format!(" with {}", one_line(file))).unwrap_or_default();
    let _ = writeln!(
        text,
        "{} ({} rows)",
        style.strong(&format!("{}{joined}", one_line(&found.name))),
        report.rows.total
    );
    for verdict in &report.verdicts {
        let _ = writeln!(text, "  {}", line(verdict, style));
    }
    for family in &report.families {
        groups(&mut text, family, style);
    }
    let _ = writeln!(text);
    for note in found.notes() {
        let _ = writeln!(text, "{}", style.dim(&format!("note: {}", one_line(&note))));
    }
    let last = "note: intervals hold together over groups; a verdict is no legal conclusion";
    let _ = writeln!(text, "{}", style.dim(last));
    text
}

/// A state as a column of its own.
pub(super) fn state(state: State, style: Style) -> String {
    let word = format!("{:<21}", state.name().replace('_', " "));
    match state {
        State::Pass => style.good(&word),
        State::Fail => style.bad(&word),
        _ => style.caution(&word),
    }
}

/// The names of the groups that are listed, cut, and how wide the column of them is, at least `least`.
pub(super) fn names<'a>(groups: impl Iterator<Item = &'a GroupName>, least: usize) -> (Vec<String>, usize) {
    let names: Vec<String> =
        groups.take(LISTED).map(|name| cut(&one_line(&name.to_string()), NAME)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(least).max(least);
    (names, width)
}

fn line(verdict: &Verdict, style: Style) -> String {
    let state = state(verdict.state, style);
    let sign = if verdict.criterion.measure.is_ratio() { ">=" } else { "<=" };
    let place = place(&verdict.attributes, verdict.stratum.as_ref().map(ToString::to_string));
    let demand = format!("{} {sign} {}", verdict.criterion.measure.name(), verdict.criterion.bound);
    format!("{state}  {demand} by {}: {}", one_line(&place), one_line(&verdict.because))
}

fn place(attributes: &[String], stratum: Option<String>) -> String {
    let within = stratum.map(|stratum| format!(" within {stratum}")).unwrap_or_default();
    format!("{}{within}", attributes.join(", "))
}

pub(in crate::commands) fn groups(text: &mut String, family: &Family, style: Style) {
    let title = place(&family.attributes, family.stratum.as_ref().map(ToString::to_string));
    let _ = writeln!(text, "\n{}", style.strong(&format!("by {}", one_line(&title))));
    let (names, width) = names(family.groups.iter().map(|group| &group.name), 5);
    let head = format!(
        "  {:<width$}  {:>9}  {:>8}  {:>17}  {:>6}  {:>6}  {:>6}",
        "GROUP", "ROWS", "SELECTED", "INTERVAL", "RATIO", "TPR", "FPR"
    );
    let _ = writeln!(text, "{}", style.dim(&head));
    for (place, name) in names.iter().enumerate() {
        let of = |metric: usize| family.metrics.get(metric).map(|one| one.groups[place].value);
        let selected = of(0);
        let interval = selected.and_then(|value| value.interval());
        let interval =
            interval.map_or(String::new(), |found| format!("[{:.3}, {:.3}]", found.lower, found.upper));
        let ratio = family.impact_ratio.groups[place].ratio;
        let ratio = ratio.map_or("ref".to_owned(), |ratio| short(Some(ratio)));
        let _ = writeln!(
            text,
            "  {name:<width$}  {:>9}  {:>8}  {interval:>17}  {ratio:>6}  {:>6}  {:>6}",
            family.groups[place].rows,
            short(selected),
            short(of(2)),
            short(of(4)),
        );
    }
    if family.groups.len() > names.len() {
        let _ = writeln!(
            text,
            "{}",
            style.dim(&format!("  and {} more groups", family.groups.len() - names.len()))
        );
    }
    if family.absent_count > 0 {
        let _ =
            writeln!(text, "{}", style.dim(&format!("  {} combinations have no rows", family.absent_count)));
    }
}

/// A value in six characters: `few` for too few rows, `none` where there is none.
fn short(value: Option<Value>) -> String {
    match value {
        Some(Value::Estimate { value, .. }) => format!("{value:.3}"),
        Some(Value::InsufficientEvidence { .. }) => "few".to_owned(),
        Some(Value::NotEvaluable { .. }) | None => "none".to_owned(),
    }
}
