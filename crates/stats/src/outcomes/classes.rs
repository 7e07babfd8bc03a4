//! The score of one class beside what came true and what was decided, by stored bin of the score.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::grid::NumberGrid;
use crate::num::real;

use super::skill::{Area, area, average_precision};

/// Counters of one class against all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassScores {
    /// The class.
    pub class: String,
    /// Labelled rows by stored bin of the score: of another class, of this one.
    pub by_score: Vec<[u64; 2]>,
    /// All rows, with a label or without, by stored bin of the score: without a decision, decided for another class,
    /// decided for this one.
    pub decided: Vec<[u64; 3]>,
}

impl ClassScores {
    pub(super) fn empty(class: &str, grid: &NumberGrid) -> Self {
        let bins = grid.bins();
        Self { class: class.to_owned(), by_score: vec![[0; 2]; bins], decided: vec![[0; 3]; bins] }
    }

    /// Counts a row whose score lies in the bin; `decision` and `label` are none where there is none.
    pub(super) fn add(&mut self, bin: usize, decision: Option<&str>, label: Option<&str>) {
        let state = decision.map_or(0, |decision| if decision == self.class { 2 } else { 1 });
        self.decided[bin][state] += 1;
        if let Some(label) = label {
            self.by_score[bin][usize::from(label == self.class)] += 1;
        }
    }

    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.class == other.class && self.by_score.len() == other.by_score.len()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.by_score.iter_mut().flatten().zip(other.by_score.iter().flatten()) {
            *ours += theirs;
        }
        for (ours, theirs) in self.decided.iter_mut().flatten().zip(other.decided.iter().flatten()) {
            *ours += theirs;
        }
    }

    /// The area under the ROC curve of this class against the others.
    pub fn area(&self) -> Option<Area> {
        area(self.weights())
    }

    /// The average precision of this class against the others.
    pub fn average_precision(&self) -> Option<f64> {
        average_precision(self.weights())
    }

    fn weights(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        self.by_score.iter().map(|[other, own]| (real(*other), real(*own)))
    }

    pub(super) fn check(&self, rows: u64, most: usize) -> Result<(), StatsError> {
        let all: u128 = self.decided.iter().flatten().map(|count| u128::from(*count)).sum();
        let known: u128 = self.by_score.iter().flatten().map(|count| u128::from(*count)).sum();
        let fits = self.by_score.len() == self.decided.len()
            && self.by_score.len() <= most
            && all <= u128::from(rows)
            && known <= all;
        if fits {
            return Ok(());
        }
        let problem = "its counters by score do not fit each other".to_owned();
        Err(StatsError::Inconsistent { place: format!("outcomes of {:?}", self.class), problem })
    }
}
