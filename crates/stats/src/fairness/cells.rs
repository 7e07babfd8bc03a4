//! The one pass over the rows: how many of which group had which label and which decision.
//!
//! Everything about decisions is computed from these counts, so they can be merged over shards, files and periods.

use super::error::FairnessError;
use super::input::{Columns, Keys, UNKNOWN, check_weights, same_length};
use crate::numeric::{interval::Proportion, real};

/// Cells of a group: label negative, positive, unknown times decision negative, positive, unknown.
pub const CELLS: usize = 9;
/// Counters per group in the pass: a power of two, so that an index is a shift.
const STRIDE: usize = 16;

/// Rows and what they weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mass {
    /// Rows.
    pub rows: u64,
    /// Sum of their weights; the rows without weights.
    pub weight: f64,
    /// Sum of the squares of their weights; the rows without weights.
    pub square: f64,
}

impl Mass {
    /// Rows of weight 1.
    pub fn of_rows(rows: u64) -> Self {
        Self { rows, weight: real(rows), square: real(rows) }
    }

    /// Adds other rows.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.square += other.square;
    }

    /// Kish's effective number of rows; 0 without any weight.
    pub fn effective(self) -> f64 {
        if self.square > 0.0 { self.weight * self.weight / self.square } else { 0.0 }
    }
}

/// The cells of a group. The cell of label `y` and decision `p` is `3 * y + p`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confusion {
    /// By label and decision.
    pub cells: [Mass; CELLS],
}

impl Confusion {
    /// From the four counts of labelled and decided rows.
    pub fn of_counts(
        true_positives: u64,
        false_positives: u64,
        true_negatives: u64,
        false_negatives: u64,
    ) -> Self {
        let mut found = Self::default();
        found.cells[0] = Mass::of_rows(true_negatives);
        found.cells[1] = Mass::of_rows(false_positives);
        found.cells[3] = Mass::of_rows(false_negatives);
        found.cells[4] = Mass::of_rows(true_positives);
        found
    }

    /// All rows of some groups.
    pub fn all_of(groups: &[Self]) -> Self {
        let mut all = Self::default();
        for group in groups {
            all.add(group);
        }
        all
    }

    /// Adds the rows of another group.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            mine.add(*theirs);
        }
    }

    /// The rows of some cells: bit `i` of `mask` takes cell `i`.
    pub fn sum(&self, mask: u16) -> Mass {
        let mut sum = Mass::default();
        for (bit, cell) in self.cells.iter().enumerate() {
            if mask >> bit & 1 == 1 {
                sum.add(*cell);
            }
        }
        sum
    }

    /// All rows.
    pub fn total(&self) -> Mass {
        self.sum(u16::MAX)
    }

    /// The weights of the cells alone.
    pub fn weights(&self) -> [f64; CELLS] {
        self.cells.map(|cell| cell.weight)
    }
}

/// A share of a group, with the rows it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// What is counted.
    pub hits: Mass,
    /// Of what.
    pub of: Mass,
}

impl Share {
    /// As a rate of an effective number of rows; nothing where there is nothing to count.
    pub fn proportion(&self) -> Option<Proportion> {
        if self.of.rows == 0 || self.of.weight <= 0.0 {
            return None;
        }
        let rate = (self.hits.weight / self.of.weight).clamp(0.0, 1.0);
        Some(Proportion { rate, size: self.of.effective() })
    }
}

/// The counts of every combination of sensitive values and strata.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// By combination; see [`super::groups`] for their names.
    pub combinations: Vec<Confusion>,
    /// Whether rows had weights: their counts then say little about their precision.
    pub weighted: bool,
}

impl Counts {
    /// Counts labels and decisions.
    ///
    /// # Errors
    /// For columns of different lengths and weights that are none.
    pub(crate) fn of(columns: &Columns<'_>, keys: &Keys) -> Result<Self, FairnessError> {
        let length = keys.rows.len();
        same_length("prediction", columns.predictions.len(), length)?;
        if let Some(labels) = columns.labels {
            same_length("label", labels.len(), length)?;
        }
        let size = keys.groups * keys.strata;
        let combinations = match columns.weights {
            Some(weights) => {
                same_length("weight", weights.len(), length)?;
                check_weights(weights)?;
                weighed(columns, weights, &keys.rows, size)
            }
            None => counted(columns, &keys.rows, size),
        };
        Ok(Self { combinations, weighted: columns.weights.is_some() })
    }

    /// Adds the counts of other rows of the same attributes and levels.
    ///
    /// # Errors
    /// When the other counts have other combinations.
    pub fn merge(&mut self, other: &Self) -> Result<(), FairnessError> {
        same_length("combinations", other.combinations.len(), self.combinations.len())?;
        for (mine, theirs) in self.combinations.iter_mut().zip(&other.combinations) {
            mine.add(theirs);
        }
        self.weighted |= other.weighted;
        Ok(())
    }
}

fn place(key: u32, label: u8, prediction: u8) -> usize {
    key as usize * STRIDE + usize::from(label.min(UNKNOWN)) * 3 + usize::from(prediction.min(UNKNOWN))
}

fn counted(columns: &Columns<'_>, keys: &[u32], size: usize) -> Vec<Confusion> {
    let mut counts = vec![0_u64; size * STRIDE];
    match columns.labels {
        Some(labels) => {
            for ((key, prediction), label) in keys.iter().zip(columns.predictions).zip(labels) {
                counts[place(*key, *label, *prediction)] += 1;
            }
        }
        None => {
            for (key, prediction) in keys.iter().zip(columns.predictions) {
                counts[place(*key, UNKNOWN, *prediction)] += 1;
            }
        }
    }
    let confusion = |group: &[u64]| {
        let mut found = Confusion::default();
        for (cell, rows) in found.cells.iter_mut().zip(group) {
            *cell = Mass::of_rows(*rows);
        }
        found
    };
    counts.chunks_exact(STRIDE).map(confusion).collect()
}

fn weighed(columns: &Columns<'_>, weights: &[f64], keys: &[u32], size: usize) -> Vec<Confusion> {
    let mut sums = vec![Mass::default(); size * STRIDE];
    for (row, ((key, prediction), weight)) in keys.iter().zip(columns.predictions).zip(weights).enumerate() {
        // A row without weight is no row.
        if *weight > 0.0 {
            let label = columns.labels.map_or(UNKNOWN, |labels| labels[row]);
            let mass = Mass { rows: 1, weight: *weight, square: weight * weight };
            sums[place(*key, label, *prediction)].add(mass);
        }
    }
    let confusion = |group: &[Mass]| {
        let mut found = Confusion::default();
        found.cells.copy_from_slice(&group[..CELLS]);
        found
    };
    sums.chunks_exact(STRIDE).map(confusion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::input::Attribute;
    use proptest::prelude::*;

    fn attribute(codes: &[u32]) -> Attribute {
        Attribute {
            name: "g".to_owned(),
            levels: vec!["a".to_owned(), "b".to_owned()],
            codes: codes.to_vec(),
        }
    }

    fn count(labels: &[u8], predictions: &[u8], weights: Option<&[f64]>, codes: &[u32]) -> Counts {
        let attributes = [attribute(codes)];
        let columns = Columns {
            predictions,
            labels: Some(labels),
            scores: None,
            weights,
            attributes: &attributes,
            strata: &[],
        };
        let keys = Keys::of(codes.len(), &attributes, &[]).expect("known codes");
        Counts::of(&columns, &keys).expect("equal lengths")
    }

    proptest! {
        #[test]
        fn counting_is_what_a_reader_would_count(
            rows in proptest::collection::vec((0_u8..3, 0_u8..3, 0_u32..3), 0..200), cut in 0_usize..200,
        ) {
            let labels: Vec<u8> = rows.iter().map(|row| row.0).collect();
            let predictions: Vec<u8> = rows.iter().map(|row| row.1).collect();
            let codes: Vec<u32> = rows.iter().map(|row| if row.2 == 2 { u32::MAX } else { row.2 }).collect();
            let counts = count(&labels, &predictions, None, &codes);
            for (group, confusion) in counts.combinations.iter().enumerate() {
                for (cell, mass) in confusion.cells.iter().enumerate() {
                    let same = |row: &&(u8, u8, u32)| {
                        row.2 as usize == group && usize::from(row.0) * 3 + usize::from(row.1) == cell
                    };
                    prop_assert_eq!(mass.rows, rows.iter().filter(same).count() as u64);
                }
            }
            // Weights of 1 change nothing, and parts add up to the whole.
            let ones = vec![1.0; rows.len()];
            prop_assert_eq!(&count(&labels, &predictions, Some(&ones), &codes).combinations, &counts.combinations);
            let cut = cut.min(rows.len());
            let mut parts = count(&labels[..cut], &predictions[..cut], None, &codes[..cut]);
            parts.merge(&count(&labels[cut..], &predictions[cut..], None, &codes[cut..])).expect("same levels");
            prop_assert_eq!(parts, counts);
        }
    }

    #[test]
    fn a_weight_that_is_none_is_refused_with_its_row() {
        let attributes = [attribute(&[0, 1])];
        let columns = Columns {
            predictions: &[0, 1],
            labels: None,
            scores: None,
            weights: Some(&[1.0, f64::NAN]),
            attributes: &attributes,
            strata: &[],
        };
        let keys = Keys::of(2, &attributes, &[]).expect("known codes");
        let error = Counts::of(&columns, &keys).expect_err("NaN is no weight");
        assert_eq!(error.to_string(), "row 1 has the weight NaN: weights are finite numbers from 0 to 1e15");
    }

    #[test]
    fn equal_weights_are_as_precise_as_rows() {
        let mass = Mass { rows: 7, weight: 14.0, square: 28.0 };
        assert!((mass.effective() - 7.0).abs() < 1e-12);
        assert!(Mass::default().effective().abs() < 1e-15);
    }
}
