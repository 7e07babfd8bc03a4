//! From causes of columns, dependence and labels to findings: whose fault is it?
//!
//! A pipeline fault is named before everything else, because what it does to labels and scores goes away with it.

use std::collections::BTreeMap;

use crate::dependence::Break;
use crate::outcomes::Performance;
use crate::profile::Role;

use super::causes::percent;
use super::compared::Compared;
use super::report::{Cause, Code, Finding, FindingKind};
use super::swap::Swap;

/// Skill loss from which data drift is called harmful, and from which a loss beyond the expected one is concept drift.
pub(super) const HARM: f64 = 0.1;
/// Columns that a finding of data drift names in its text, at most.
const NAMED: usize = 5;

/// What the findings are made from.
pub(super) struct Evidence<'a> {
    pub(super) columns: &'a [Compared],
    /// For each column, its causes.
    pub(super) causes: &'a [Vec<Cause>],
    pub(super) swaps: &'a [Swap],
    pub(super) breaks: &'a [Break],
    pub(super) performance: Option<&'a Performance>,
    /// The p-value below which a change of the relation of score and label is more than chance.
    pub(super) gate: f64,
    /// The coefficient from which anything is reported.
    pub(super) least: f64,
}

/// All findings: pipeline faults, then concept drift, then data drift.
pub(super) fn findings(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut found = swaps(evidence);
    let taken: Vec<String> = found.iter().flat_map(|finding| finding.columns.clone()).collect();
    found.extend(faults(evidence, &taken));
    let has_fault = !found.is_empty();
    found.extend(concept(evidence, has_fault));
    found.extend(data(evidence, &taken, has_fault));
    found.sort_by_key(|finding| finding.kind);
    found
}

fn swaps(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for swap in evidence.swaps {
        let (first, second) = (&evidence.columns[swap.first].name, &evidence.columns[swap.second].name);
        found.push(Finding {
            kind: FindingKind::PipelineFault,
            code: Code::SwappedColumns,
            columns: vec![first.clone(), second.clone()],
            text: format!("swapped columns: {first} and {second} hold each other's values"),
            evidence: vec![format!(
                "V of the two is at least {:.2} as they are and at most {:.2} if swapped back",
                swap.as_is, swap.swapped
            )],
        });
    }
    for found_break in evidence.breaks {
        let finding = match found_break {
            Break::Swapped { first, second, left, changed } => Finding {
                kind: FindingKind::PipelineFault,
                code: Code::SwappedColumns,
                columns: vec![first.clone(), second.clone()],
                text: format!("swapped columns: {first} and {second} move with the others as each other did"),
                evidence: vec![
                    "each column alone is distributed as before".to_owned(),
                    format!(
                        "their rank correlations with the other columns changed by {changed:.2} (root mean square), \
                         and by {left:.2} if the two are swapped back"
                    ),
                ],
            },
            Break::Detached { column, before, now, with } => Finding {
                kind: FindingKind::PipelineFault,
                code: Code::DetachedColumn,
                columns: vec![column.clone()],
                text: format!("{column} no longer belongs to its rows: it moves with no other column"),
                evidence: vec![
                    format!("{column} alone is distributed as before"),
                    format!("its rank correlation with {with} was {before:.2} and is {now:.2}"),
                ],
            },
            Break::Changed { .. } => continue,
        };
        found.push(finding);
    }
    found
}

/// Columns by the fault that explains most of their drift.
fn faults(evidence: &Evidence<'_>, taken: &[String]) -> Vec<Finding> {
    let mut by_code: BTreeMap<Code, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (column, causes) in evidence.columns.iter().zip(evidence.causes) {
        let Some(main) = causes.first().filter(|cause| cause.code.is_fault()) else { continue };
        if taken.contains(&column.name) || !column.role.is_compared() || column.role == Role::Label {
            continue;
        }
        let entry = by_code.entry(main.code).or_default();
        entry.0.push(column.name.clone());
        entry.1.push(format!("{}: {}", column.name, main.text));
    }
    by_code
        .into_iter()
        .map(|(code, (columns, evidence))| {
            let list = listed(&columns);
            let text = match code {
                Code::MissingColumn => format!("schema change: {list} not there"),
                Code::MissingValues => format!("missing values: {list}"),
                Code::NotFinite => format!("values that are no number: {list}"),
                Code::WrongType => format!("schema change: {list} of another type"),
                Code::Constant => format!("constant: {list} no longer varies"),
                Code::UnitChange => format!("unit change: {list}"),
                _ => format!("categories written otherwise: {list}"),
            };
            Finding { kind: FindingKind::PipelineFault, code, columns, text, evidence }
        })
        .collect()
}

fn concept(evidence: &Evidence<'_>, has_fault: bool) -> Option<Finding> {
    let performance = evidence.performance?;
    let changed = performance
        .concept
        .filter(|concept| concept.p < evidence.gate && concept.corrected >= evidence.least);
    let unexpected = performance
        .measured
        .zip(performance.estimated)
        .filter(|(real, expected)| real.lower >= HARM && real.lower - expected.loss.max(0.0) >= HARM);
    if changed.is_none() && unexpected.is_none() {
        return None;
    }
    let mut lines = Vec::new();
    if let Some(concept) = changed {
        lines.push(format!("within groups of equal score the label's V is {:.2}", concept.corrected));
    }
    if let Some(real) = performance.measured {
        lines.push(format!(
            "{} of the skill is lost ({} {:.3} to {:.3})",
            percent(real.loss.clamp(0.0, 1.0)),
            real.measure,
            real.before,
            real.now
        ));
    }
    if let Some(expected) = performance.estimated {
        lines.push(format!("the scores alone let expect a loss of {}", percent(expected.loss)));
    }
    let text = if has_fault {
        "labels differ at the same score; repair the pipeline first, then look again"
    } else {
        "what the inputs mean for the outcome changed: labels differ at the same score"
    };
    Some(Finding {
        kind: FindingKind::ConceptDrift,
        code: Code::Concept,
        columns: Vec::new(),
        text: text.to_owned(),
        evidence: lines,
    })
}

/// Features that drift for no fault of the pipeline.
fn data(evidence: &Evidence<'_>, taken: &[String], has_fault: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let moved = evidence.columns.iter().zip(evidence.causes).filter_map(|(column, causes)| {
        let main = causes.first().filter(|cause| !cause.code.is_fault())?;
        (column.role == Role::Feature && !taken.contains(&column.name)).then_some((column, main))
    });
    let mut moved: Vec<(&Compared, &Cause)> = moved.collect();
    moved.sort_by(|a, b| b.1.strength.total_cmp(&a.1.strength));
    if !moved.is_empty() {
        let columns: Vec<String> = moved.iter().map(|(column, _)| column.name.clone()).collect();
        let mut lines: Vec<String> =
            moved.iter().map(|(column, cause)| format!("{}: {}", column.name, cause.text)).collect();
        let harm = harm(evidence.performance, &mut lines);
        let list = listed(&columns);
        let tail = if has_fault { " (besides the fault of the pipeline)" } else { harm };
        let text = format!("the inputs changed: {list}{tail}");
        found.push(Finding {
            kind: FindingKind::DataDrift,
            code: moved[0].1.code,
            columns,
            text,
            evidence: lines,
        });
    }
    let changed: Vec<String> = evidence
        .breaks
        .iter()
        .filter_map(|found| match found {
            Break::Changed { first, second, before, now } => {
                Some(format!("the rank correlation of {first} and {second} was {before:.2} and is {now:.2}"))
            }
            _ => None,
        })
        .collect();
    if !changed.is_empty() {
        found.push(Finding {
            kind: FindingKind::DataDrift,
            code: Code::Dependence,
            columns: Vec::new(),
            text: "columns move together otherwise than before, although each alone stayed".to_owned(),
            evidence: changed,
        });
    }
    found
}

/// Whether the drift harms, as far as labels or scores say.
fn harm(performance: Option<&Performance>, lines: &mut Vec<String>) -> &'static str {
    let Some(loss) = performance.and_then(|all| all.measured.or(all.estimated)) else {
        return "";
    };
    let how = if loss.is_estimated { "expected from the scores" } else { "by the labels" };
    lines.push(format!(
        "skill lost, {how}: {} ({} {:.3} to {:.3})",
        percent(loss.loss.max(0.0)),
        loss.measure,
        loss.before,
        loss.now
    ));
    if loss.lower >= HARM { "; it harms the model" } else { "; the model loses no skill by it" }
}

fn listed(columns: &[String]) -> String {
    let more = columns.len().saturating_sub(NAMED);
    let first = columns[..columns.len().min(NAMED)].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}
