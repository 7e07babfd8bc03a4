//! Predictions beside what came true: joint counters of scores, decisions and labels, and what follows from them.
//!
//! Everything is a count on the frozen bins of the score and of the label, or a loss in whole millionths, so parts
//! merge in any order.

mod classes;
mod compare;
mod decided;
mod expected;
mod reliability;
mod residuals;
mod skill;

pub use classes::ClassScores;
pub use compare::{Concept, Performance, SkillLoss, compare, estimate};
pub use decided::Decided;
pub use expected::{Estimate, Expected, expected};
pub use reliability::Reliability;
pub use residuals::Residuals;
pub use skill::{Area, area, average_precision, calibration};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::{Block, Cell, number_name};
use crate::error::StatsError;
use crate::grid::{Grid, NumberGrid};
use crate::num::{real, size};

/// Classes of decisions, and labels of each, that the table of decisions can hold. With more there is no table.
pub const MAX_CLASSES: usize = 64;
/// Groups of scores or decisions, and of labels, in the joint table, at most.
const MAX_GROUPS: usize = 2048;
/// Parts of one unit of loss: losses are summed in whole millionths, so that no order changes the sum.
const PARTS: f64 = 1e6;
/// The logarithmic loss of one row, at most: a score of 0 for what came true would make it infinite.
const MAX_LOG_LOSS: f64 = 36.0;
/// How far from 1 the scores of all classes may add up to: they may have been rounded.
const SUM_TOLERANCE: f64 = 0.01;
/// The class of texts that were not told apart when they were read.
const REST: &str = "(others)";

/// Joint counters of one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// The label that counts as "it came true", if there are two.
    pub positive: Option<String>,
    /// Rows with a label.
    pub labelled: u64,
    /// Rows.
    pub rows: u64,
    /// Scores by class: one for the positive class of two, or one for each class that has a score of its own. Empty
    /// without scores.
    pub classes: Vec<ClassScores>,
    /// Whether the score of two classes is a chance; none without such a score.
    pub reliability: Option<Reliability>,
    /// Sum of (score - outcome)^2 in millionths, over scores within 0..=1; of several classes, summed over them.
    pub squared_loss: u64,
    /// Sum of the logarithmic loss in millionths, over scores within 0..=1.
    pub log_loss: u64,
    /// Labelled rows whose score lies within 0..=1; of several classes, whose scores add up to 1 besides.
    pub scored: u64,
    /// Labelled rows by decision, then by label; empty without decisions, or with more than [`MAX_CLASSES`].
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Whether there were too many decisions or labels for the table.
    pub too_many_classes: bool,
    /// Labelled rows by scored bin of the score (else of the decision), then by scored bin of the label.
    pub groups: Vec<Vec<u64>>,
    /// Where label and score (else decision) are numbers of many values: what is left between them.
    pub residuals: Option<Residuals>,
}

/// The columns that outcomes are counted from, with the frozen bins of each.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The score: grid and rows.
    pub score: Option<(&'a Grid, &'a Block)>,
    /// The decision: grid and rows.
    pub decision: Option<(&'a Grid, &'a Block)>,
    /// The scores of a model of several classes: class, grid and rows of each.
    pub by_class: &'a [(&'a str, &'a Grid, &'a Block)],
    /// The label: grid and rows.
    pub label: (&'a Grid, &'a Block),
}

impl Outcomes {
    /// Counts rows; the blocks are of the same rows.
    pub fn of(columns: &Columns<'_>, positive: Option<&str>) -> Self {
        let mut outcomes = Self { positive: positive.map(str::to_owned), ..Self::default() };
        let (label_grid, labels) = columns.label;
        let by = columns.score.or(columns.decision);
        outcomes.groups =
            vec![vec![0; value_groups(label_grid)]; by.map_or(0, |(grid, _)| value_groups(grid))];
        let scores = scores(columns, positive);
        outcomes.classes = scores.iter().map(|(class, grid, _)| ClassScores::empty(class, grid)).collect();
        if let (Some((Grid::Numeric(_), _)), Some(_)) = (columns.score, positive) {
            outcomes.reliability = Some(Reliability::default());
        }
        if let (Some((Grid::Numeric(_), _)), Grid::Numeric(grid)) = (by, label_grid) {
            outcomes.residuals = Some(Residuals::empty(grid));
        }
        for row in 0..labels.len() {
            outcomes.row(columns, &scores, row);
        }
        outcomes
    }

    fn row(&mut self, columns: &Columns<'_>, scores: &[(&str, &NumberGrid, &Block)], row: usize) {
        let (label_grid, labels) = columns.label;
        let label = name(labels.cell(row));
        let decision = columns.decision.and_then(|(_, block)| name(block.cell(row)));
        for (class, (_, grid, block)) in self.classes.iter_mut().zip(scores) {
            if let Cell::Number(score) = block.cell(row)
                && score.is_finite()
            {
                class.add(grid.bin(score), decision.as_deref(), label.as_deref());
            }
        }
        self.rows += 1;
        let Some(label) = label else { return };
        self.labelled += 1;
        if let Some((grid, block)) = columns.score.or(columns.decision) {
            let (group, class) = (group_of(grid, block.cell(row)), group_of(label_grid, labels.cell(row)));
            if let (Some(group), Some(class)) = (group, class) {
                self.groups[group][class] += 1;
            }
            if let (Some(residuals), Cell::Number(predicted), Cell::Number(came)) =
                (&mut self.residuals, block.cell(row), labels.cell(row))
            {
                residuals.add(predicted, came);
            }
        }
        if let (Some((_, block)), Some(positive)) = (columns.score, &self.positive)
            && let Cell::Number(score) = block.cell(row)
            && (0.0..=1.0).contains(&score)
        {
            let came_true = label == *positive;
            self.losses(score, came_true);
        }
        if columns.score.is_none()
            && let Some((squared, given)) = class_losses(scores, row, &label)
        {
            self.add_losses(squared, given);
        }
        if let Some(decision) = decision {
            self.decision(decision, label, 1);
        }
    }

    fn losses(&mut self, score: f64, came_true: bool) {
        let given = if came_true { score } else { 1.0 - score };
        self.add_losses((1.0 - given).powi(2), given);
        if let Some(reliability) = &mut self.reliability {
            reliability.add(score, came_true);
        }
    }

    /// Adds a row by its squared loss and the chance that was given to what came true.
    fn add_losses(&mut self, squared: f64, given: f64) {
        self.scored += 1;
        self.squared_loss += (squared * PARTS).round() as u64;
        self.log_loss += ((-given.ln()).min(MAX_LOG_LOSS) * PARTS).round() as u64;
    }

    fn decision(&mut self, decision: String, label: String, rows: u64) {
        if self.too_many_classes {
            return;
        }
        let labels = self.decisions.entry(decision).or_default();
        let known = labels.len();
        *labels.entry(label).or_default() += rows;
        if labels.len() > known {
            self.bound();
        }
    }

    /// INVARIANT (order-free): whether all rows together have too many classes does not depend on which came first, so
    /// nothing is kept of a table that would.
    fn bound(&mut self) {
        let is_full = |count: usize| count > MAX_CLASSES;
        self.too_many_classes |=
            is_full(self.decisions.len()) || self.decisions.values().any(|labels| is_full(labels.len()));
        if self.too_many_classes {
            self.decisions.clear();
        }
    }

    /// Adds the rows of another part, counted on the same grids.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        let fits = self.positive == other.positive
            && self.classes.len() == other.classes.len()
            && self.classes.iter().zip(&other.classes).all(|(a, b)| a.is_alike(b))
            && self.reliability.is_some() == other.reliability.is_some()
            && match (&self.residuals, &other.residuals) {
                (Some(a), Some(b)) => a.is_alike(b),
                (a, b) => a.is_none() && b.is_none(),
            }
            && self.groups.len() == other.groups.len()
            && self.groups.iter().zip(&other.groups).all(|(a, b)| a.len() == b.len());
        if !fits {
            return Err(StatsError::OtherGrid(
                "their scores, decisions or labels are counted otherwise".to_owned(),
            ));
        }
        self.labelled += other.labelled;
        self.rows += other.rows;
        self.scored += other.scored;
        self.squared_loss += other.squared_loss;
        self.log_loss += other.log_loss;
        for (ours, theirs) in self.classes.iter_mut().zip(&other.classes) {
            ours.merge(theirs);
        }
        if let (Some(ours), Some(theirs)) = (&mut self.reliability, &other.reliability) {
            ours.merge(theirs);
        }
        if let (Some(ours), Some(theirs)) = (&mut self.residuals, &other.residuals) {
            ours.merge(theirs);
        }
        for (ours, theirs) in self.groups.iter_mut().flatten().zip(other.groups.iter().flatten()) {
            *ours += theirs;
        }
        self.too_many_classes |= other.too_many_classes;
        self.bound();
        for (decision, labels) in &other.decisions {
            for (label, rows) in labels {
                self.decision(decision.clone(), label.clone(), *rows);
            }
        }
        Ok(())
    }

    /// The area under the ROC curve, and its error: of the positive class, or the mean over the classes that have a
    /// score, each against the others.
    pub fn area(&self) -> Option<Area> {
        let areas: Vec<Area> = self.classes.iter().map(ClassScores::area).collect::<Option<_>>()?;
        let mean = |of: fn(&Area) -> f64| areas.iter().map(of).sum::<f64>() / size(areas.len());
        (!areas.is_empty()).then(|| Area { value: mean(|area| area.value), error: mean(|area| area.error) })
    }

    /// The average precision, likewise.
    pub fn average_precision(&self) -> Option<f64> {
        let all: Vec<f64> = self.classes.iter().map(ClassScores::average_precision).collect::<Option<_>>()?;
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / size(all.len()))
    }

    /// Mean squared difference of score and outcome, if there are scores within 0..=1. Of two classes by the one score,
    /// 0..=1; of several the sum over the classes, 0..=2, as Brier (1950) defined it.
    pub fn brier(&self) -> Option<f64> {
        (self.scored > 0).then(|| real(self.squared_loss) / PARTS / real(self.scored))
    }

    /// Mean logarithmic loss in nats, each row's at most 36, if there are scores within 0..=1.
    pub fn mean_log_loss(&self) -> Option<f64> {
        (self.scored > 0).then(|| real(self.log_loss) / PARTS / real(self.scored))
    }

    pub(crate) fn check(&self) -> Result<(), StatsError> {
        let counts = self.groups.iter().flatten();
        for class in &self.classes {
            class.check(self.rows, MAX_GROUPS)?;
        }
        if let Some(residuals) = &self.residuals {
            residuals.check(self.labelled)?;
        }
        let fits = self.labelled <= self.rows
            && self.rows <= crate::profile::MAX_ROWS
            && self.classes.len() <= MAX_CLASSES
            && self.reliability.as_ref().is_none_or(|found| found.fits(self.labelled))
            && self.groups.len() <= MAX_GROUPS
            && self.groups.iter().all(|row| row.len() <= MAX_GROUPS && row.len() == self.groups[0].len())
            && self.decisions.len() <= MAX_CLASSES
            && self.decisions.values().all(|row| row.len() <= MAX_CLASSES)
            && (self.decisions.is_empty() || !self.too_many_classes)
            && counts
                .chain(self.decisions.values().flat_map(BTreeMap::values))
                .all(|rows| *rows <= self.rows)
            && [self.squared_loss, self.log_loss, self.scored]
                .iter()
                .all(|sum| *sum <= crate::profile::MAX_ROWS);
        if fits {
            return Ok(());
        }
        let problem = "its counters do not fit each other".to_owned();
        Err(StatsError::Inconsistent { place: "outcomes".to_owned(), problem })
    }
}

/// The scores that are counted by class: those of each class, else the one score for the positive class.
fn scores<'a>(columns: &Columns<'a>, positive: Option<&'a str>) -> Vec<(&'a str, &'a NumberGrid, &'a Block)> {
    let mut scores = Vec::new();
    for (class, grid, block) in columns.by_class.iter().take(MAX_CLASSES) {
        if let Grid::Numeric(grid) = grid {
            scores.push((*class, grid, *block));
        }
    }
    if let (Some((Grid::Numeric(grid), block)), Some(positive), true) =
        (columns.score, positive, scores.is_empty())
    {
        scores.push((positive, grid, block));
    }
    scores
}

/// The squared loss of the scores of several classes, and the score of the one that came true; none where they are no
/// chances, or where that class has no score.
fn class_losses(scores: &[(&str, &NumberGrid, &Block)], row: usize, label: &str) -> Option<(f64, f64)> {
    let (mut sum, mut squared, mut given) = (0.0, 0.0, None);
    for (class, _, block) in scores {
        let Cell::Number(score) = block.cell(row) else { return None };
        if !(0.0..=1.0).contains(&score) {
            return None;
        }
        let came_true = *class == label;
        sum += score;
        squared += (score - f64::from(u8::from(came_true))).powi(2);
        if came_true {
            given = Some(score);
        }
    }
    ((sum - 1.0).abs() <= SUM_TOLERANCE).then_some((squared, given?))
}

/// The word for a value as a class; nothing for what is no value.
pub(crate) fn name(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Other => Some(REST.to_owned()),
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Number(number) if number.is_finite() => Some(number_name(number)),
        Cell::Null | Cell::Number(_) => None,
    }
}

/// Scored bins of values of a grid.
fn value_groups(grid: &Grid) -> usize {
    match grid {
        Grid::Numeric(grid) => grid.scored_borders().len() + 1,
        Grid::Categorical(grid) => grid.scored_names().len(),
    }
}

/// The scored bin of a value.
fn group_of(grid: &Grid, cell: Cell<'_>) -> Option<usize> {
    match (grid, cell) {
        (Grid::Numeric(grid), Cell::Number(value)) if value.is_finite() => Some(grid.scored_bin(value)),
        (Grid::Categorical(grid), cell) => Some(grid.scored_bin(&name(cell)?)),
        _ => None,
    }
}
