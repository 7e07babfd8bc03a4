//! Fairness of what is no yes or no: numbers, rankings, and more than two classes.

use super::codes::{attribute, numbers};
use super::table::Table;
use super::{AuditError, Examined, Join, Settings, each_once};
use comptroller_stats::cells::{Block, Cell, number_name};
use comptroller_stats::fairness::gaps::{GapBound, GapFamily, GapVerdict, judge_gaps};
use comptroller_stats::fairness::input::{Attribute, MISSING};
use comptroller_stats::fairness::multiclass::{Classified, audit_classes};
use comptroller_stats::fairness::ranking::{Ranked, audit_ranking};
use comptroller_stats::fairness::regression::{Predicted, audit_regression};
use std::collections::HashMap;

/// What the model gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Numbers, in this column, beside the true ones in the label.
    Regression {
        /// The column with what was predicted.
        prediction: String,
    },
    /// An order of the rows of each query, by a score; the label says how relevant a row is, from 0.
    Ranking {
        /// The column with the score, the higher the further up.
        score: String,
        /// The column that names the query.
        query: String,
    },
}

/// What to audit.
#[derive(Clone, Debug)]
pub struct TaskRequest {
    /// A file, a folder or a pattern.
    pub data: String,
    /// Where further columns are.
    pub join: Option<Join>,
    /// What the model gives.
    pub task: Task,
    /// The column with what came true.
    pub label: Option<String>,
    /// The column with the weights, of a regression.
    pub weight: Option<String>,
    /// The sensitive attributes.
    pub by: Vec<String>,
    /// Under which rules.
    pub settings: Settings,
    /// What is demanded.
    pub bounds: Vec<GapBound>,
}

/// Gaps with where the rows came from.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TaskReport {
    /// `comptroller-fairness-gaps`.
    pub format: &'static str,
    /// Of the format.
    pub version: u32,
    /// `regression` or `ranking`.
    pub task: &'static str,
    /// The file, folder or pattern.
    pub name: String,
    /// The joined file.
    pub joined: Option<String>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows without a partner in the joined file; they are not audited.
    pub unmatched: u64,
    /// Confidence that all intervals of a gap hold together.
    pub confidence: f64,
    /// By attributes, alone and in every combination.
    pub families: Vec<GapFamily>,
    /// The bounds, on every family.
    pub verdicts: Vec<GapVerdict>,
}

/// Audits a regression or a ranking.
///
/// # Errors
/// As [`super::audit`], and for a regression without labels.
pub fn audit_task(request: &TaskRequest) -> Result<TaskReport, AuditError> {
    let table = read(request)?;
    let column = |name: &String| numbers(name, table.column(name)?);
    let label = request.label.as_ref().map(column).transpose()?;
    let attributes = attributes(&table, &request.by)?;
    let (task, rows, families): (_, _, Vec<GapFamily>) = match &request.task {
        Task::Regression { prediction } => {
            let truths = label.ok_or_else(|| {
                AuditError::invalid("a regression has errors only beside labels", "name them with --label")
            })?;
            let weights = request.weight.as_ref().map(column).transpose()?;
            let predictions = column(prediction)?;
            let columns = Predicted {
                predictions: &predictions,
                truths: &truths,
                weights: weights.as_deref(),
                attributes: &attributes,
            };
            let found = audit_regression(&columns, &request.settings)?;
            ("regression", predictions.len(), found.into_iter().map(GapFamily::from).collect())
        }
        Task::Ranking { score, query } => {
            let mut scores = column(score)?;
            let queries = queries(query, table.column(query)?, &mut scores)?;
            let columns = Ranked {
                queries: &queries,
                scores: &scores,
                relevance: label.as_deref(),
                attributes: &attributes,
            };
            let found = audit_ranking(&columns, &request.settings)?;
            ("ranking", scores.len(), found.into_iter().map(GapFamily::from).collect())
        }
    };
    Ok(TaskReport {
        format: "comptroller-fairness-gaps",
        version: 1,
        task,
        name: request.data.clone(),
        joined: request.join.as_ref().map(|join| join.file.clone()),
        rows: rows as u64,
        unmatched: table.unmatched,
        confidence: request.settings.confidence,
        verdicts: judge_gaps(&families, &request.bounds)?,
        families,
    })
}

fn read(request: &TaskRequest) -> Result<Table, AuditError> {
    let of_task: Vec<&String> = match &request.task {
        Task::Regression { prediction } => vec![prediction],
        Task::Ranking { score, query } => vec![score, query],
    };
    let others = [&request.label, &request.weight].into_iter().flatten();
    let names = each_once(of_task.into_iter().chain(others), request.by.iter())?;
    Table::read(&request.data, request.join.as_ref(), &names)
}

fn attributes(table: &Table, by: &[String]) -> Result<Vec<Attribute>, AuditError> {
    by.iter().map(|name| attribute(name, table.column(name)?)).collect()
}

/// A code for each query; a row without one is not ranked, which its score then says.
fn queries(name: &str, block: &Block, scores: &mut [f64]) -> Result<Vec<u32>, AuditError> {
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(block.len());
    for (row, cell) in block.cells().enumerate() {
        let query = match cell {
            Cell::Number(number) if !number.is_nan() => number_name(number),
            Cell::Text(text) => text.to_owned(),
            Cell::Number(_) | Cell::Null => {
                scores[row] = f64::NAN;
                codes.push(MISSING);
                continue;
            }
            Cell::Other => {
                return Err(AuditError::invalid(
                    format!("`{name}` has more different texts than can be told apart"),
                    "name the queries by numbers",
                ));
            }
        };
        let next = known.len() as u32;
        codes.push(*known.entry(query).or_insert(next));
    }
    Ok(codes)
}

/// A class with the audit of "this one or another".
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OfClass {
    /// The class that counts as favourable.
    pub class: String,
    /// What was found.
    pub examined: Examined,
}

/// Audits every class of a classification against all others. Attributes, strata, weights and settings are those of the
/// request; its positive value, score and threshold are not used.
///
/// # Errors
/// As [`super::audit`], and for fewer than 2 or more than 100 classes.
pub fn audit_each_class(request: &super::Request) -> Result<Vec<OfClass>, AuditError> {
    let Some(prediction) = &request.prediction else {
        return Err(AuditError::invalid("no column says the class", "name it with --prediction"));
    };
    let table = Table::read(&request.data, request.join.as_ref(), &super::names(request)?)?;
    let said = attribute(prediction, table.column(prediction)?)?;
    let truth = match &request.label {
        Some(name) => Some(attribute(name, table.column(name)?)?),
        None => None,
    };
    let mut classes = said.levels.clone();
    for level in truth.iter().flat_map(|truth| &truth.levels) {
        if !classes.contains(level) {
            classes.push(level.clone());
        }
    }
    let labels: Option<Vec<u32>> = truth.map(|truth| {
        let place = |code: &u32| truth.levels.get(*code as usize).and_then(|level| place_of(&classes, level));
        truth.codes.iter().map(|code| place(code).unwrap_or(MISSING)).collect()
    });
    let weights = request.weight.as_ref().map(|name| numbers(name, table.column(name)?)).transpose()?;
    let (attributes, strata) = (attributes(&table, &request.by)?, attributes(&table, &request.within)?);
    let columns = Classified {
        classes: &classes,
        predictions: &said.codes,
        labels: labels.as_deref(),
        weights: weights.as_deref(),
        attributes: &attributes,
        strata: &strata,
    };
    let found = audit_classes(&columns, &request.settings)?;
    let of_class = |one: comptroller_stats::fairness::multiclass::OneAgainstRest| OfClass {
        class: one.class,
        examined: Examined {
            name: request.data.clone(),
            joined: request.join.as_ref().map(|join| join.file.clone()),
            unmatched: table.unmatched,
            report: one.report,
        },
    };
    Ok(found.into_iter().map(of_class).collect())
}

fn place_of(classes: &[String], level: &String) -> Option<u32> {
    classes.iter().position(|class| class == level).and_then(|place| u32::try_from(place).ok())
}
