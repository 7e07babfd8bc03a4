//! Predictions beside what came true: joint counters of scores, decisions and labels, and what follows from them.
//!
//! Everything is a count on the frozen bins of the score and of the label, or a loss in whole millionths, so parts
//! merge in any order.

mod compare;
mod skill;

pub use compare::{Concept, Performance, SkillLoss, compare, estimate};
pub use skill::{Area, area, calibration};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::{Block, Cell, number_name};
use crate::error::StatsError;
use crate::grid::{Grid, NumberGrid};
use crate::num::{real, share};

/// Classes of decisions, and labels of each, that the table of decisions can hold. With more there is no table.
pub const MAX_CLASSES: usize = 64;
/// Groups of scores or decisions, and of labels, in the joint table, at most.
const MAX_GROUPS: usize = 2048;
/// Parts of one unit of loss: losses are summed in whole millionths, so that no order changes the sum.
const PARTS: f64 = 1e6;
/// The logarithmic loss of one row, at most: a score of 0 for what came true would make it infinite.
const MAX_LOG_LOSS: f64 = 36.0;
/// The class of texts that were not told apart when they were read.
const REST: &str = "(others)";

/// Joint counters of one sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// The label that counts as "it came true", if there are two.
    pub positive: Option<String>,
    /// Rows with a label.
    pub labelled: u64,
    /// Rows.
    pub rows: u64,
    /// Labelled rows by stored bin of the score: not positive, positive. Empty without a score or without two labels.
    pub by_score: Vec<[u64; 2]>,
    /// Sum of (score - outcome)^2 in millionths, over scores within 0..=1.
    pub squared_loss: u64,
    /// Sum of the logarithmic loss in millionths, over scores within 0..=1.
    pub log_loss: u64,
    /// Labelled rows whose score lies within 0..=1.
    pub scored: u64,
    /// Labelled rows by decision, then by label; empty without decisions, or with more than [`MAX_CLASSES`].
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Whether there were too many decisions or labels for the table.
    pub too_many_classes: bool,
    /// Labelled rows by scored bin of the score (else of the decision), then by scored bin of the label.
    pub groups: Vec<Vec<u64>>,
}

/// The columns that outcomes are counted from, with the frozen bins of each.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The score: grid and rows.
    pub score: Option<(&'a Grid, &'a Block)>,
    /// The decision: grid and rows.
    pub decision: Option<(&'a Grid, &'a Block)>,
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
        if let (Some((Grid::Numeric(grid), _)), Some(_)) = (columns.score, positive) {
            outcomes.by_score = vec![[0, 0]; grid.bins()];
        }
        for row in 0..labels.len() {
            outcomes.rows += 1;
            let Some(label) = name(labels.cell(row)) else { continue };
            outcomes.labelled += 1;
            if let Some((grid, block)) = by
                && let (Some(group), Some(class)) =
                    (group_of(grid, block.cell(row)), group_of(label_grid, labels.cell(row)))
            {
                outcomes.groups[group][class] += 1;
            }
            if let Some((Grid::Numeric(grid), block)) = columns.score
                && let (Cell::Number(score), Some(positive)) = (block.cell(row), positive)
            {
                outcomes.score(grid, score, label == positive);
            }
            if let Some((_, block)) = columns.decision
                && let Some(decision) = name(block.cell(row))
            {
                outcomes.decision(decision, label, 1);
            }
        }
        outcomes
    }

    fn score(&mut self, grid: &NumberGrid, score: f64, came_true: bool) {
        if !score.is_finite() {
            return;
        }
        self.by_score[grid.bin(score)][usize::from(came_true)] += 1;
        if (0.0..=1.0).contains(&score) {
            let given = if came_true { score } else { 1.0 - score };
            self.scored += 1;
            self.squared_loss += ((1.0 - given).powi(2) * PARTS).round() as u64;
            self.log_loss += ((-given.ln()).min(MAX_LOG_LOSS) * PARTS).round() as u64;
        }
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
            && self.by_score.len() == other.by_score.len()
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
        for (ours, theirs) in self.by_score.iter_mut().zip(&other.by_score) {
            ours[0] += theirs[0];
            ours[1] += theirs[1];
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

    /// Labelled rows that have a decision, and those of them where it is the label.
    pub fn hits(&self) -> (u64, u64) {
        let all = self.decisions.values().flat_map(BTreeMap::values).sum();
        let right = self.decisions.iter().filter_map(|(decision, labels)| labels.get(decision)).sum();
        (right, all)
    }

    /// Share of decisions that are right, if there are any.
    pub fn accuracy(&self) -> Option<f64> {
        let (right, all) = self.hits();
        (all > 0).then(|| share(right, all))
    }

    /// Share of the commonest label among the rows with a decision: what always saying the same would reach.
    pub fn majority(&self) -> Option<f64> {
        let mut labels: BTreeMap<&str, u64> = BTreeMap::new();
        for row in self.decisions.values() {
            for (label, rows) in row {
                *labels.entry(label).or_default() += rows;
            }
        }
        let all: u64 = labels.values().sum();
        labels.values().max().map(|most| share(*most, all))
    }

    /// Mean squared difference of score and outcome (Brier 1950), if there are scores within 0..=1.
    pub fn brier(&self) -> Option<f64> {
        (self.scored > 0).then(|| real(self.squared_loss) / PARTS / real(self.scored))
    }

    /// Mean logarithmic loss in nats, each row's at most 36, if there are scores within 0..=1.
    pub fn mean_log_loss(&self) -> Option<f64> {
        (self.scored > 0).then(|| real(self.log_loss) / PARTS / real(self.scored))
    }

    pub(crate) fn check(&self) -> Result<(), StatsError> {
        let counts = self.by_score.iter().flatten().chain(self.groups.iter().flatten());
        let fits = self.labelled <= self.rows
            && self.rows <= crate::profile::MAX_ROWS
            && self.by_score.len() <= MAX_GROUPS
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

/// The word for a value as a class; nothing for what is no value.
fn name(cell: Cell<'_>) -> Option<String> {
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
