//! The drift coefficient of one column: Cramer's V of the table "which sample" by "which bin", both samples weighted
//! alike.
//!
//! V^2 = 1/2 sum (p - q)^2 / (p + q) over the bins that either side fills; p and q are the shares of the reference and
//! of the current rows. It is the chi-square statistic of that table over its total at equal weights (Cramer 1946,
//! Cohen's w), the triangular discrimination whose root is a metric (Vincze 1981, Le Cam 1986, Topsoe 2000), and the
//! share of the variance of "which sample" that the bin explains. It needs no epsilon and lies within 0..=1.

use crate::num::{Sum, real};
use crate::tail::{chi_square_upper, noncentral_chi_square_lower};

/// V with what the noise of finite samples does to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balanced {
    /// V, 0..=1.
    pub v: f64,
    /// V without the part that is to be expected of noise alone, 0..=1: sqrt(max(0, V^2 - c (K - 1))).
    pub corrected: f64,
    /// Bins that either side fills.
    pub bins: usize,
    /// c = 1/4 (1/n1 + 1/n2): under no drift V^2 / c follows a chi-square law with K - 1 degrees of freedom.
    pub noise: f64,
    /// Chance of a V this large under no drift, before any correction for many columns.
    pub p: f64,
}

/// Compares two rows of counts over the same bins; nothing if a side is empty.
pub fn balanced(reference: &[u64], current: &[u64]) -> Option<Balanced> {
    let (n1, n2) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n1 == 0 || n2 == 0 {
        return None;
    }
    let (n1, n2) = (real(n1), real(n2));
    let mut bins = 0;
    let mut sum = Sum::default();
    for (before, now) in reference.iter().zip(current) {
        if before + now == 0 {
            continue;
        }
        bins += 1;
        let (p, q) = (real(*before) / n1, real(*now) / n2);
        sum.add((p - q) * (p - q) / (p + q));
    }
    let squared = (sum.value() / 2.0).clamp(0.0, 1.0);
    let noise = 0.25 * (1.0 / n1 + 1.0 / n2);
    let freedom = real(bins as u64 - 1);
    Some(Balanced {
        v: squared.sqrt(),
        corrected: (squared - noise * freedom).max(0.0).sqrt(),
        bins,
        noise,
        p: chi_square_upper(squared / noise, freedom),
    })
}

/// Rows of the smaller side that the chi-square law needs for each bin.
const ROWS_FOR_EACH_BIN: f64 = 5.0;

impl Balanced {
    /// Whether V is more than noise at level `alpha` (already divided by the number of columns).
    pub fn passes(&self, alpha: f64) -> bool {
        self.p < alpha
    }

    /// Whether the true V is below `limit`, at level `alpha`: V^2 / c then follows a non-central chi-square law with
    /// shift limit^2 / c, of which so small a value would be rare.
    ///
    /// The law needs at least 5 rows for each bin on the smaller side (Cochran 1954): with fewer, V^2 / c cannot reach
    /// its usual size whatever is true, and nothing is claimed.
    pub fn is_below(&self, limit: f64, alpha: f64) -> bool {
        let shift = limit * limit / self.noise;
        let rows = 1.0 / (4.0 * self.noise);
        if self.bins >= 2 && rows < ROWS_FOR_EACH_BIN * real(self.bins as u64 - 1) {
            return false;
        }
        if self.bins < 2 {
            // One bin on both sides: nothing varies, and the rows decide whether that says anything.
            return (-shift / 2.0).exp() < alpha;
        }
        noncentral_chi_square_lower(self.v * self.v / self.noise, real(self.bins as u64 - 1), shift) < alpha
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v(p: &[u64], q: &[u64]) -> f64 {
        balanced(p, q).unwrap().v
    }

    #[test]
    fn few_rows_are_never_called_stable() {
        let reference = [100_u64; 33];
        for rows in 1..=100_usize {
            let mut current = [0_u64; 33];
            for row in 0..rows {
                current[row * 7 % 33] += 1;
            }
            let few = balanced(&reference, &current).unwrap();
            assert!(!few.is_below(0.1, 0.05), "{rows} rows");
        }
        let many = balanced(&reference, &[90; 33]).unwrap();
        assert!(many.is_below(0.1, 0.05));
    }

    #[test]
    fn disjoint_samples_have_one_and_equal_ones_zero_and_empty_ones_none() {
        assert!((v(&[5, 0], &[0, 9]) - 1.0).abs() < 1e-15);
        assert!(v(&[5, 10, 0], &[50, 100, 0]).abs() < 1e-15);
        assert!(balanced(&[0, 0], &[1, 2]).is_none() && balanced(&[1], &[0]).is_none());
    }

    #[test]
    fn a_share_of_new_mass_scores_as_published() {
        // Shares of a new bin and their V: from the definition, V^2 = 1/2 (s + s^2 / (2 - s)).
        for (share, expected) in
            [(1_u64, 0.071), (5, 0.160), (10, 0.229), (20, 0.333), (30, 0.420), (50, 0.577)]
        {
            let found = v(&[100_000, 0], &[1000 * (100 - share), 1000 * share]);
            assert!((found - expected).abs() < 5e-4, "{share} %: {found}");
        }
    }

    proptest! {
        #[test]
        fn v_is_a_metric_within_its_bounds(
            a in prop::collection::vec(0_u64..1000, 6),
            b in prop::collection::vec(0_u64..1000, 6),
            c in prop::collection::vec(0_u64..1000, 6),
        ) {
            prop_assume!([&a, &b, &c].iter().all(|side| side.iter().sum::<u64>() > 0));
            prop_assert!((v(&a, &b) - v(&b, &a)).abs() < 1e-12, "symmetric");
            prop_assert!(v(&a, &a).abs() < 1e-12);
            prop_assert!(v(&a, &c) <= v(&a, &b) + v(&b, &c) + 1e-12, "triangle");
            let (n1, n2) = (a.iter().sum::<u64>(), b.iter().sum::<u64>());
            let variation: f64 =
                a.iter().zip(&b).map(|(x, y)| (real(*x) / real(n1) - real(*y) / real(n2)).abs()).sum::<f64>() / 2.0;
            prop_assert!(variation <= v(&a, &b) + 1e-12 && v(&a, &b) <= variation.sqrt() + 1e-12);
            let coarse = |side: &[u64]| vec![side[0] + side[1], side[2], side[3], side[4] + side[5]];
            prop_assert!(v(&coarse(&a), &coarse(&b)) <= v(&a, &b) + 1e-12, "merging bins never adds drift");
        }
    }
}
