//! Fairness without a server: a data file in, an audit out. Opens no store.
//!
//! Reads the named columns, joins a second file by a key if one is named, and turns cells into codes; everything that is
//! measured is measured by `comptroller-stats`.

mod codes;
mod error;
mod table;
mod tasks;

pub use comptroller_report::fairness::{html, junit, markdown};
pub use comptroller_stats::fairness::gaps::{GapBound, GapFamily, GapMeasure};
pub use comptroller_stats::fairness::groups::{GroupName, GroupValue};
pub use comptroller_stats::fairness::report::{Aggregate, Family, Report};
pub use comptroller_stats::fairness::settings::{
    Bootstrap, MIN_ROWS, REPLICATES, Reference, SMALL_CATEGORY, Settings,
};
pub use comptroller_stats::fairness::value::Value;
pub use comptroller_stats::fairness::verdict::{Criterion, Measure, State, Verdict};
pub use error::AuditError;
pub use tasks::{OfClass, Task, TaskReport, TaskRequest, audit_each_class, audit_task};

use codes::{attribute, binary, holds, not_held, numbers};
use comptroller_stats::fairness::input::{Attribute, Columns, MISSING, decisions_at};
use table::Table;

/// An audit with where its rows came from.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Examined {
    /// The file, folder or pattern.
    pub name: String,
    /// The joined file.
    pub joined: Option<String>,
    /// Rows without a partner in the joined file; they are not audited.
    pub unmatched: u64,
    /// What was found.
    pub report: Report,
}

impl Examined {
    /// What a reader must know of the rows, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let rows = self.report.rows;
        let mut notes = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                notes.push(format!("{count} rows {what}"));
            }
        };
        note(self.unmatched, "have no partner in the joined file and are not audited");
        note(rows.without_decision, "have no decision and count nowhere");
        note(rows.without_label, "have no label and count for selection rates alone");
        notes
    }
}

/// A second file whose rows belong to rows of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// A file, a folder or a pattern.
    pub file: String,
    /// The column that both have, with values that name one row each.
    pub on: String,
}

/// What to audit.
#[derive(Clone, Debug)]
pub struct Request {
    /// A file, a folder or a pattern.
    pub data: String,
    /// Where further columns are.
    pub join: Option<Join>,
    /// The column with what came true.
    pub label: Option<String>,
    /// The column with the decision; without it a score decides.
    pub prediction: Option<String>,
    /// The column with the score.
    pub score: Option<String>,
    /// From which score on the decision is positive, where there is no column for it.
    pub threshold: f64,
    /// The value of labels and decisions that counts as positive; 1 or true without.
    pub positive: Option<String>,
    /// The column with the weights.
    pub weight: Option<String>,
    /// The sensitive attributes.
    pub by: Vec<String>,
    /// The control features.
    pub within: Vec<String>,
    /// Under which rules.
    pub settings: Settings,
}

/// Audits a file.
///
/// # Errors
/// For files that cannot be read, columns that are not there, and values that are none of what a column stands for.
pub fn audit(request: &Request) -> Result<Examined, AuditError> {
    if request.prediction.is_none() && request.score.is_none() {
        return Err(AuditError::invalid(
            "there is neither a prediction nor a score",
            "name the column with --prediction or --score",
        ));
    }
    let table = Table::read(&request.data, request.join.as_ref(), &names(request)?)?;
    let positive = request.positive.as_deref();
    let column = |name: &String| table.column(name);
    if let Some(wanted) = positive {
        let named: Vec<&String> = [&request.prediction, &request.label].into_iter().flatten().collect();
        let mut held = named.is_empty();
        for name in &named {
            held |= holds(column(name)?, wanted);
        }
        if let (false, Some(name)) = (held, named.first()) {
            return Err(not_held(name, column(name)?, wanted));
        }
    }
    let scores = request.score.as_ref().map(|name| numbers(name, column(name)?)).transpose()?;
    let predictions = match (&request.prediction, &scores) {
        (Some(name), _) => binary(name, column(name)?, positive)?,
        (None, scores) => decisions_at(scores.as_deref().unwrap_or_default(), request.threshold),
    };
    let labels = request.label.as_ref().map(|name| binary(name, column(name)?, positive)).transpose()?;
    let weights = request.weight.as_ref().map(|name| numbers(name, column(name)?)).transpose()?;
    let attributes = |names: &[String]| -> Result<Vec<Attribute>, AuditError> {
        names.iter().map(|name| attribute(name, column(name)?)).collect()
    };
    let (attributes, strata) = (attributes(&request.by)?, attributes(&request.within)?);
    named_group(&request.settings.reference, &attributes)?;
    let columns = Columns {
        predictions: &predictions,
        labels: labels.as_deref(),
        scores: scores.as_deref(),
        weights: weights.as_deref(),
        attributes: &attributes,
        strata: &strata,
    };
    let report = comptroller_stats::fairness::audit(&columns, &request.settings)?;
    Ok(Examined {
        name: request.data.clone(),
        joined: request.join.as_ref().map(|join| join.file.clone()),
        unmatched: table.unmatched,
        report,
    })
}

/// Refuses a reference group that no row belongs to: its comparisons would silently be with another one.
fn named_group(reference: &Reference, attributes: &[Attribute]) -> Result<(), AuditError> {
    let Reference::Named(values) = reference else { return Ok(()) };
    for GroupValue { attribute, value } in values {
        let Some(found) = attributes.iter().find(|one| one.name == *attribute) else {
            return Err(AuditError::invalid(
                format!("--reference names {attribute:?}, which is no sensitive attribute"),
                "name with it a value of each column of --by",
            ));
        };
        let known = match value {
            Some(value) => found.levels.contains(value),
            None => found.codes.contains(&MISSING),
        };
        if !known {
            let value = value.as_deref().unwrap_or("(missing)");
            let levels = found.levels.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            return Err(AuditError::invalid(
                format!("--reference {attribute}={value}: no row holds it"),
                format!("`{attribute}` holds {levels}"),
            ));
        }
    }
    if let Some(left) = attributes.iter().find(|one| values.iter().all(|value| value.attribute != one.name)) {
        return Err(AuditError::invalid(
            format!("--reference names no value of `{}`", left.name),
            "name a value of each column of --by, as sex=1,race=1",
        ));
    }
    Ok(())
}

/// Every column that is read, once.
fn names(request: &Request) -> Result<Vec<String>, AuditError> {
    let single = [&request.label, &request.prediction, &request.score, &request.weight];
    each_once(single.into_iter().flatten(), request.by.iter().chain(&request.within))
}

/// Columns and those that make groups, each once; those of groups may not be named twice.
fn each_once<'a>(
    single: impl Iterator<Item = &'a String>,
    groups: impl Iterator<Item = &'a String>,
) -> Result<Vec<String>, AuditError> {
    let mut seen: Vec<&String> = Vec::new();
    for name in groups {
        if seen.contains(&name) {
            return Err(AuditError::invalid(
                format!("the column {name:?} is named twice"),
                "name each sensitive attribute and each control feature once",
            ));
        }
        seen.push(name);
    }
    let mut names: Vec<String> = single.chain(seen).cloned().collect();
    names.sort();
    names.dedup();
    Ok(names)
}
