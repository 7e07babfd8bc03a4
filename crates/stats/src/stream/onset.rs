//! Since when a column drifts: the row of the current ones, in the order of time, from which its values are others.
//!
//! Each row becomes one number, how much its bin speaks for "current" against "reference": (q - p) / (q + p) with the
//! shares of the bin on both sides, which is what V is made of. In the reference its mean and deviation are known. The
//! numbers, in deviations, are summed less half of the mean excess of those that drifted; the drift began where that sum
//! was lowest (Page 1954), which is the likeliest place of one change of this size. It began with the first row if the
//! sum never fell below 0 by more than it would in one of a hundred cases if all rows had drifted: a walk that rises by `delta` a step
//! with variance s^2 falls below -b with a chance of at most exp(-2 b delta / s^2) (Lundberg's bound).

use serde::Serialize;

use crate::cells::Block;
use crate::column::row_bins;
use crate::counts::Counts;
use crate::grid::Grid;
use crate::num::{real, share};

/// Rows with a time that are needed, at least.
const LEAST_ROWS: usize = 100;
/// Times that the excess is measured anew from where the drift began.
const ROUNDS: usize = 6;
/// Chance that a drift from the first row on is dated later.
const LATE: f64 = 0.01;

/// When a drift began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Onset {
    /// The detector: `page-hinkley`.
    pub detector: &'static str,
    /// The column by which it is dated; or what of the model's errors, where only what a score means has changed.
    pub column: String,
    /// The time of the first row that has drifted, as the file writes it or as RFC 3339.
    pub time: String,
    /// Share of the dated rows that came before it, 0..=1; 0 means since the first.
    pub before: f64,
    /// Rows that were dated: all of them, or an even sample.
    pub rows: usize,
}

/// The place in `order` from which the rows of a column have drifted; nothing where the rows are too few or do not
/// differ. `order` names rows of the sample in the order of time.
pub fn onset(
    grid: &Grid,
    reference: &Counts,
    current: &Counts,
    sample: &Block,
    order: &[usize],
) -> Option<usize> {
    let (before, now) = (reference.scored(grid, true), current.scored(grid, false));
    let (n1, n2) = (before.iter().sum::<u64>(), now.iter().sum::<u64>());
    let weight = |bin: usize| {
        let (p, q) = (share(before[bin], n1), share(now[bin], n2));
        if p + q > 0.0 { (q - p) / (p + q) } else { 1.0 }
    };
    let weights: Vec<f64> = (0..before.len()).map(weight).collect();
    let moment = |power: i32| -> f64 {
        weights.iter().zip(&before).map(|(weight, rows)| weight.powi(power) * share(*rows, n1)).sum()
    };
    let mean = moment(1);
    let deviation = (moment(2) - mean * mean).max(0.0).sqrt().max(1e-3);
    let bins = row_bins(grid, sample);
    let standard: Vec<f64> = order
        .iter()
        .filter_map(|row| bins.get(*row))
        .map(|bin| (weights.get(*bin).copied().unwrap_or(1.0) - mean) / deviation)
        .collect();
    since(&standard)
}

/// The place from which numbers, in deviations of the reference from its mean, are larger than it; nothing where they
/// are too few or not larger as a whole.
pub fn since(standard: &[f64]) -> Option<usize> {
    if standard.len() < LEAST_ROWS {
        return None;
    }
    let mut place = 0;
    for _ in 0..ROUNDS {
        // The excess of the rows that drifted, as far as it is known when they began.
        let drifted = standard.get(place..)?;
        let rows = real(drifted.len() as u64);
        let excess = drifted.iter().sum::<f64>() / rows;
        if drifted.is_empty() || excess <= 0.0 {
            return None;
        }
        let spread = drifted.iter().map(|value| (value - excess).powi(2)).sum::<f64>() / rows;
        let delta = excess / 2.0;
        let next = lowest(standard, delta, -LATE.ln() * spread / (2.0 * delta))?;
        if next == place {
            break;
        }
        place = next;
    }
    Some(place)
}

/// The row after the one where the sum of the numbers less `delta` is lowest; the first if it is never below `-bound`.
fn lowest(standard: &[f64], delta: f64, bound: f64) -> Option<usize> {
    let (mut sum, mut least, mut place) = (0.0, -bound, 0);
    for (row, value) in standard.iter().enumerate() {
        sum += value - delta;
        if sum < least {
            (least, place) = (sum, row + 1);
        }
    }
    (place < standard.len()).then_some(place)
}
