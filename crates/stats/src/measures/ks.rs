//! Kolmogorov and Smirnov's distance between two samples, exact with ties, and its p-values.
//!
//! D is the largest distance of the two right-continuous empirical distribution functions, found at the distinct
//! values and kept as a whole number over n1 n2, so that nothing is rounded before the end.

use serde::Serialize;

use crate::num::{real, size};
use crate::tail::kolmogorov_upper;

/// Path steps (n1 times n2) up to which the p-value is exact; beyond, Kolmogorov's limit stands in. 4 million take
/// some ten milliseconds; at that size the limit is within a per cent of the exact value in the range that matters.
pub const EXACT_STEPS: u128 = 4_000_000;

/// How a distance or p-value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From every value.
    Exact,
    /// From the stored bins of the reference; the true value is within `bound` above.
    Binned,
}

/// D as a fraction, with the sizes of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// max |i n2 - j n1| over all values, i and j being the values up to there of each sample.
    pub steps: u128,
    /// Values of the first sample, at least 1.
    pub n1: u64,
    /// Values of the second sample, at least 1.
    pub n2: u64,
}

impl Distance {
    /// D, 0..=1.
    #[expect(clippy::cast_precision_loss, reason = "the last rounding of an exact fraction")]
    pub fn d(&self) -> f64 {
        self.steps as f64 / (real(self.n1) * real(self.n2))
    }

    /// Two-sided p-value under no drift: exact if n1 n2 is at most [`EXACT_STEPS`], else the limit. Ties make either
    /// conservative.
    pub fn p(&self) -> f64 {
        if u128::from(self.n1) * u128::from(self.n2) <= EXACT_STEPS { self.exact_p() } else { self.limit_p() }
    }

    /// P(D >= d) over all orders of the pooled sample, each as likely.
    ///
    /// B(i, j) is the chance that a random order of the first i and j values has touched the distance before: certain
    /// where |i n2 - j n1| >= steps, else B(i-1, j) i/(i+j) + B(i, j-1) j/(i+j), as the last of i + j values is of the
    /// first sample with chance i/(i+j) (the lattice paths of Gnedenko and Korolyuk 1951, Hodges 1958). Only sums of
    /// positive terms: tiny p-values keep their digits. Takes n1 n2 steps and the memory of one row.
    pub fn exact_p(&self) -> f64 {
        if self.steps == 0 {
            return 1.0;
        }
        let (long, short) = (self.n1.max(self.n2), self.n1.min(self.n2));
        let touched = |i: u64, j: u64| {
            (u128::from(i) * u128::from(short)).abs_diff(u128::from(j) * u128::from(long)) >= self.steps
        };
        let mut row: Vec<f64> = Vec::new();
        for j in 0..=short {
            row.push(if touched(0, j) || row.last().is_some_and(|before| *before >= 1.0) {
                1.0
            } else {
                0.0
            });
        }
        for i in 1..=long {
            for j in 0..=short {
                let at = j as usize;
                let above = row[at];
                let before = if j == 0 { 0.0 } else { row[at - 1] };
                let part = real(i) / real(i + j);
                row[at] = if touched(i, j) { 1.0 } else { above * part + before * (1.0 - part) };
            }
        }
        row.last().copied().unwrap_or(1.0).clamp(0.0, 1.0)
    }

    /// Kolmogorov's limit at sqrt(n1 n2 / (n1 + n2)) D.
    pub fn limit_p(&self) -> f64 {
        let (n1, n2) = (real(self.n1), real(self.n2));
        kolmogorov_upper((n1 * n2 / (n1 + n2)).sqrt() * self.d())
    }
}

/// D and the Wasserstein-1 distance of two samples in ascending order, in one walk; nothing if a side is empty.
///
/// W1 is the area between the two distribution functions (Vallender 1974), in the unit of the values.
pub fn exact(first: &[f64], second: &[f64]) -> Option<(Distance, f64)> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let (n1, n2) = (first.len() as i128, second.len() as i128);
    let (mut i, mut j) = (0, 0);
    let (mut gap, mut steps) = (0_i128, 0_u128);
    let mut area = crate::num::Sum::default();
    let scale = size(first.len()) * size(second.len());
    let mut last = first[0].min(second[0]);
    while i < first.len() || j < second.len() {
        let value = match (first.get(i), second.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        if gap != 0 {
            area.add(distance_of(gap, scale) * (value - last));
        }
        while first.get(i).is_some_and(|next| *next <= value) {
            i += 1;
            gap += n2;
        }
        while second.get(j).is_some_and(|next| *next <= value) {
            j += 1;
            gap -= n1;
        }
        steps = steps.max(gap.unsigned_abs());
        last = value;
    }
    Some((Distance { steps, n1: first.len() as u64, n2: second.len() as u64 }, area.value()))
}

#[expect(clippy::cast_precision_loss, reason = "a share; its last digit does not matter")]
fn distance_of(gap: i128, scale: f64) -> f64 {
    gap.unsigned_abs() as f64 / scale
}

/// D at the borders of bins, and how much larger the true one can be: inside a bin the distance exceeds its ends by
/// at most the larger share of the bin.
pub fn binned(reference: &[u64], current: &[u64]) -> Option<(Distance, f64)> {
    let (n1, n2) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n1 == 0 || n2 == 0 {
        return None;
    }
    let (mut gap, mut steps, mut bound) = (0_i128, 0_u128, 0.0_f64);
    for (before, now) in reference.iter().zip(current) {
        gap += i128::from(*before) * i128::from(n2) - i128::from(*now) * i128::from(n1);
        steps = steps.max(gap.unsigned_abs());
        bound = bound.max((real(*before) / real(n1)).max(real(*now) / real(n2)));
    }
    Some((Distance { steps, n1, n2 }, bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        values
    }

    fn range(from: u32, to: u32) -> Vec<f64> {
        (from..to).map(f64::from).collect()
    }

    /// P(D >= d) by listing every order of the pooled sample.
    fn listed_p(distance: &Distance) -> f64 {
        let (n1, n2) = (distance.n1 as u32, distance.n2 as u32);
        let (mut hits, mut all) = (0_u32, 0_u32);
        for order in 0_u32..1 << (n1 + n2) {
            if order.count_ones() != n1 {
                continue;
            }
            all += 1;
            let (mut i, mut j, mut most) = (0_i64, 0_i64, 0);
            for at in 0..n1 + n2 {
                if order >> at & 1 == 1 {
                    i += 1;
                } else {
                    j += 1;
                }
                most = most.max((i * i64::from(n2) - j * i64::from(n1)).abs());
            }
            hits += u32::from(most as u128 >= distance.steps);
        }
        f64::from(hits) / f64::from(all)
    }

    // Published values: the two-sample tests of scipy 1.17.
    #[test]
    fn published_values_of_scipy_are_met() {
        // 100 against 110 values, D = 232/1100.
        let found = Distance { steps: 2320, n1: 100, n2: 110 };
        assert!((found.exact_p() / 0.015_739_183_865_607_353 - 1.0).abs() < 1e-12, "{}", found.exact_p());
        let (found, _) = exact(&range(0, 2), &range(0, 3)).unwrap();
        assert_eq!((found.steps, found.n1, found.n2), (2, 2, 3));
        assert!((found.exact_p() - 1.0).abs() < 1e-15);
        // 5 against 5, disjoint: 2 of 252 orders.
        let (found, w1) = exact(&range(0, 5), &range(10, 15)).unwrap();
        assert!((found.d() - 1.0).abs() < 1e-15 && (w1 - 10.0).abs() < 1e-12);
        assert!((found.exact_p() - 0.007_936_507_936_507_936).abs() < 1e-15);
        // 100 against 100 and 1000 against 1000 at the distances of the research table.
        let of = |steps: u128, n: u64| Distance { steps, n1: n, n2: n };
        assert!((of(2000, 100).exact_p() - 0.036_38).abs() < 1e-5);
        assert!((of(2000, 100).limit_p() - 0.036_63).abs() < 1e-5);
        assert!((of(60_000, 1000).exact_p() - 0.054_63).abs() < 1e-5);
    }

    #[test]
    fn a_tiny_p_value_keeps_its_digits() {
        // Disjoint samples of 300 and 400: exactly 2 of binomial(700, 300) orders.
        let distance = Distance { steps: 120_000, n1: 300, n2: 400 };
        let mut logarithm = 2.0_f64.ln();
        for i in 1..=300_u32 {
            logarithm += f64::from(i).ln() - f64::from(400 + i).ln();
        }
        assert!((distance.exact_p().ln() - logarithm).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_distance_is_that_of_a_naive_count_with_ties(
            first in prop::collection::vec(-4_i32..4, 1..40),
            second in prop::collection::vec(-4_i32..4, 1..40),
        ) {
            let first = sorted(first.into_iter().map(f64::from).collect());
            let second = sorted(second.into_iter().map(f64::from).collect());
            let part = |values: &[f64], x: f64| {
                size(values.iter().filter(|value| **value <= x).count()) / size(values.len())
            };
            let naive = (-5..5)
                .map(|x| (part(&first, f64::from(x)) - part(&second, f64::from(x))).abs())
                .fold(0.0, f64::max);
            let area: f64 = (-5..5)
                .map(|x| (part(&first, f64::from(x)) - part(&second, f64::from(x))).abs())
                .sum();
            let (found, w1) = exact(&first, &second).unwrap();
            prop_assert!((found.d() - naive).abs() < 1e-14);
            prop_assert!((w1 - area).abs() < 1e-12);
        }

        #[test]
        fn the_exact_p_value_is_that_of_listing_every_order(n1 in 1_u64..8, n2 in 1_u64..8, steps in 1_u128..64) {
            let distance = Distance { steps: steps.min(u128::from(n1 * n2)), n1, n2 };
            prop_assert!((distance.exact_p() - listed_p(&distance)).abs() < 1e-12);
        }

        #[test]
        fn a_binned_distance_is_within_its_bound(
            first in prop::collection::vec(0_u32..1000, 1..300),
            second in prop::collection::vec(0_u32..1000, 1..300),
        ) {
            let first = sorted(first.into_iter().map(f64::from).collect());
            let second = sorted(second.into_iter().map(f64::from).collect());
            let grid = crate::grid::NumberGrid::of_sorted(&first);
            let (found, bound) = binned(&grid.count_sorted(&first), &grid.count_sorted(&second)).unwrap();
            let (true_one, _) = exact(&first, &second).unwrap();
            prop_assert!(found.d() <= true_one.d() + 1e-12);
            prop_assert!(true_one.d() <= found.d() + bound + 1e-12);
        }
    }
}
