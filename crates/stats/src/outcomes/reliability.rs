//! Whether a score is a chance: its mean beside the share that came true, in ten bins of equal width.

use serde::{Deserialize, Serialize};

use crate::num::{Sum, real};

/// Bins of equal width over 0..=1.
const BINS: usize = 10;
/// Parts of one unit of the summed scores.
const PARTS: f64 = 1e6;

/// Counters of the ten bins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// Labelled rows with a score in the bin; how many came true; the sum of their scores in millionths.
    bins: [[u64; 3]; BINS],
}

impl Reliability {
    /// Counts a row with a score within 0..=1. A bin holds its upper end, the first one also 0.
    pub(super) fn add(&mut self, score: f64, came_true: bool) {
        let bin = ((score * crate::num::size(BINS)).ceil() as usize).clamp(1, BINS) - 1;
        let [rows, positives, scores] = &mut self.bins[bin];
        *rows += 1;
        *positives += u64::from(came_true);
        *scores += (score * PARTS).round() as u64;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.bins.iter_mut().flatten().zip(other.bins.iter().flatten()) {
            *ours += theirs;
        }
    }

    /// Expected calibration error (Naeini et al. 2015), 0..=1: the mean over rows of |share that came true - mean
    /// score| of their bin. Nothing without rows.
    pub fn error(&self) -> Option<f64> {
        let all: u64 = self.bins.iter().map(|[rows, ..]| rows).sum();
        let gap = |[_, positives, scores]: &[u64; 3]| (real(*positives) - real(*scores) / PARTS).abs();
        (all > 0).then(|| self.bins.iter().map(gap).collect::<Sum>().value() / real(all))
    }

    pub(super) fn fits(&self, rows: u64) -> bool {
        let all: u128 = self.bins.iter().map(|[rows, ..]| u128::from(*rows)).sum();
        let within = |[rows, positives, scores]: &[u64; 3]| {
            positives <= rows && u128::from(*scores) <= u128::from(*rows) * PARTS as u128
        };
        all <= u128::from(rows) && self.bins.iter().all(within)
    }
}
