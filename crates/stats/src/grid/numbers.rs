//! The bins of a number column, frozen when the reference was profiled.
//!
//! One sorted list of cuts; a bin is what lies above one cut and not above the next, so every bin is closed on the
//! right. A value that holds much of the mass has a bin of its own: a cut at it and one at the number just below it.
//! The first cut is just below the smallest reference value and the last at the largest, so that the first and the
//! last bin are exactly "below the reference" and "above the reference".
//! INVARIANT (frozen-bins): nothing here ever looks at current data.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::num::size;

/// Quantiles of the reference that are stored as cuts. 256 bound the error of a binned KS distance by 1/256 of the
/// mass and in practice by far less.
pub const STORED_QUANTILES: usize = 256;
/// Bins for scoring, at most, besides those of single values and of what is out of range.
pub const SCORED_BINS: usize = 32;
/// Reference values per scored bin, at least; a smaller reference has fewer bins.
const VALUES_PER_BIN: usize = 20;
/// Cuts of a grid, at most: quantiles, deciles, two for each value with a bin of its own, and the ends.
const MAX_CUTS: usize = STORED_QUANTILES * 3 + SCORED_BINS + DECILES + 2;
const DECILES: usize = 9;

/// Cuts, and which of them divide the bins that are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberGrid {
    /// Strictly increasing, finite; empty if the reference held no finite number.
    cuts: Vec<f64>,
    /// Places in `cuts` that divide scored bins, increasing; first and last are the ends.
    scored: Vec<u32>,
    /// Places in `cuts` of the nine deciles (Hyndman and Fan type 7), for the population stability index.
    deciles: Vec<u32>,
}

impl NumberGrid {
    /// The grid of a reference, from its finite values in ascending order.
    pub fn of_sorted(values: &[f64]) -> Self {
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return Self { cuts: Vec::new(), scored: Vec::new(), deciles: Vec::new() };
        };
        // -0 and 0 are one value; adding 0 makes them the same bits.
        let (low, high) = (first.next_down() + 0.0, last + 0.0);
        let scored_bins = (values.len() / VALUES_PER_BIN).clamp(2, SCORED_BINS);
        let deciles: Vec<f64> = (1..=DECILES).map(|i| interpolated(values, i, DECILES + 1)).collect();
        let own = single_values(values, scored_bins);
        let scored = scored_cuts(values, scored_bins, &own, low, high);
        let mut cuts = vec![low, high];
        cuts.extend((1..STORED_QUANTILES).map(|i| quantile(values, i, STORED_QUANTILES)));
        for value in single_values(values, STORED_QUANTILES) {
            cuts.extend([value.next_down() + 0.0, value]);
        }
        cuts.extend(&scored);
        cuts.extend(&deciles);
        ascending_and_distinct(&mut cuts);
        let place = |cut: &f64| cuts.partition_point(|other| other < cut) as u32;
        let mut places: Vec<u32> = scored.iter().map(place).collect();
        places.dedup();
        let mut decile_places: Vec<u32> = deciles.iter().map(place).collect();
        decile_places.dedup();
        Self { scored: places, deciles: decile_places, cuts }
    }

    /// The cuts, ascending.
    pub fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    /// Bins: one more than cuts.
    pub fn bins(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The bin of a finite number, 0 for what lies below the reference and the last for what lies above.
    pub fn bin(&self, value: f64) -> usize {
        self.cuts.partition_point(|cut| *cut < value)
    }

    /// The scored bin of a finite number, as [`NumberGrid::scored_counts`] numbers them.
    pub fn scored_bin(&self, value: f64) -> usize {
        self.scored.partition_point(|place| self.cuts[*place as usize] < value)
    }

    /// The range of the reference: its smallest and largest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.cuts.first()?.next_up(), *self.cuts.last()?))
    }

    /// Counts each bin of finite values in ascending order, without looking at each value.
    pub fn count_sorted(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = Vec::with_capacity(self.bins());
        let mut before = 0;
        for cut in &self.cuts {
            let end = before + values[before..].partition_point(|value| value <= cut);
            counts.push((end - before) as u64);
            before = end;
        }
        counts.push((values.len() - before) as u64);
        counts
    }

    /// Sums the counts of stored bins into those of scored bins: below, the bins between the scored cuts, above.
    pub fn scored_counts(&self, counts: &[u64]) -> Vec<u64> {
        grouped(counts, &self.scored)
    }

    /// Sums the counts of stored bins into those between deciles.
    pub fn decile_counts(&self, counts: &[u64]) -> Vec<u64> {
        grouped(counts, &self.deciles)
    }

    /// The borders of the scored bins, ascending: bin i + 1 of [`NumberGrid::scored_counts`] lies above border i and
    /// not above border i + 1.
    pub fn scored_borders(&self) -> Vec<f64> {
        self.scored.iter().filter_map(|place| self.cuts.get(*place as usize)).copied().collect()
    }

    /// Checks what was read from somewhere.
    pub(crate) fn check(&self, place: &str) -> Result<(), StatsError> {
        let refuse = |problem: &str| {
            Err(StatsError::Inconsistent { place: place.to_owned(), problem: problem.to_owned() })
        };
        if self.cuts.len() > MAX_CUTS {
            return refuse("it has more cuts than are ever made");
        }
        if self.cuts.iter().any(|cut| !cut.is_finite()) || !self.cuts.is_sorted_by(|a, b| a < b) {
            return refuse("its cuts are not finite and ascending");
        }
        for places in [&self.scored, &self.deciles] {
            let within = places.iter().all(|place| (*place as usize) < self.cuts.len());
            if !within || !places.is_sorted_by(|a, b| a < b) {
                return refuse("a scored cut or decile is none of its cuts");
            }
        }
        let ends = (self.scored.first().copied(), self.scored.last().map(|last| *last as usize + 1));
        if !self.cuts.is_empty() && ends != (Some(0), Some(self.cuts.len())) {
            return refuse("its ends are not scored cuts");
        }
        Ok(())
    }
}

fn grouped(counts: &[u64], places: &[u32]) -> Vec<u64> {
    let mut sums = Vec::with_capacity(places.len() + 1);
    let mut before = 0;
    for place in places {
        let end = (*place as usize + 1).min(counts.len());
        sums.push(counts[before.min(end)..end].iter().sum());
        before = end;
    }
    sums.push(counts[before.min(counts.len())..].iter().sum());
    sums
}

/// The inverse of the empirical distribution function at `part / of` (Hyndman and Fan 1996, type 1).
fn quantile(sorted: &[f64], part: usize, of: usize) -> f64 {
    let rank = (sorted.len() as u128 * part as u128).div_ceil(of as u128) as usize;
    sorted[rank.clamp(1, sorted.len()) - 1] + 0.0
}

/// The quantile by linear interpolation (Hyndman and Fan 1996, type 7), as numpy and R have it by default.
pub fn interpolated(sorted: &[f64], part: usize, of: usize) -> f64 {
    let position = (sorted.len() - 1) as u128 * part as u128;
    let below = (position / of as u128) as usize;
    let rest = size((position % of as u128) as usize) / size(of);
    let low = sorted[below];
    match sorted.get(below + 1) {
        // Halves first: the difference of two large numbers can be infinite.
        Some(high) if rest > 0.0 => low * (1.0 - rest) + high * rest + 0.0,
        _ => low + 0.0,
    }
}

/// Values that hold at least 1/`bins` of the mass each.
fn single_values(sorted: &[f64], bins: usize) -> Vec<f64> {
    let least = sorted.len().div_ceil(bins).max(1);
    let mut found = Vec::new();
    // A run of at least `least` equal values covers a multiple of `least`.
    let mut at = 0;
    while at < sorted.len() {
        let value = sorted[at];
        let start = sorted.partition_point(|other| *other < value);
        let end = start + sorted[start..].partition_point(|other| *other <= value);
        if end - start >= least {
            found.push(value + 0.0);
        }
        at = end.max(at / least * least + least);
    }
    found
}

/// The cuts between scored bins: the ends, both sides of each value with a bin of its own, and quantiles wherever
/// they leave enough mass on both sides, so that no bin is a sliver.
fn scored_cuts(sorted: &[f64], bins: usize, own: &[f64], low: f64, high: f64) -> Vec<f64> {
    let below = |cut: f64| sorted.partition_point(|value| *value <= cut);
    let mut fixed = vec![low, high];
    for value in own {
        fixed.extend([value.next_down() + 0.0, *value]);
    }
    ascending_and_distinct(&mut fixed);
    let least = (sorted.len() / (bins * 2)).max(1);
    let mut cuts = fixed.clone();
    let mut next_fixed = 0;
    let mut last = below(low);
    for part in 1..bins {
        let cut = quantile(sorted, part, bins);
        let at = below(cut);
        while next_fixed < fixed.len() && fixed[next_fixed] <= cut {
            last = last.max(below(fixed[next_fixed]));
            next_fixed += 1;
        }
        let Some(limit) = fixed.get(next_fixed) else { break };
        if at >= last + least && below(*limit) >= at + least {
            cuts.push(cut);
            last = at;
        }
    }
    ascending_and_distinct(&mut cuts);
    cuts
}

fn ascending_and_distinct(cuts: &mut Vec<f64>) {
    cuts.retain(|cut| cut.is_finite());
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
}
