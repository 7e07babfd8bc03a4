//! Tests of two shares for equality, and the correction of many of them.

use super::interval::Proportion;
use super::{normal, real};
use statrs::function::factorial::ln_binomial;

/// Below this expected count in one of the four cells the exact test is used instead of the normal one (Cochran 1954).
pub const EXPECTED_CELL: f64 = 5.0;
/// Tables whose probability is within this relative distance of the observed one count as equally likely.
const TIE: f64 = 1e-7;

/// Two-sided p-value of "both shares are equal", from hits and rows: Fisher's exact test if a cell expects fewer than
/// [`EXPECTED_CELL`] rows, else the pooled two-proportion z test. 1 when nothing can differ.
pub fn equal_counts(hits_a: u64, rows_a: u64, hits_b: u64, rows_b: u64) -> f64 {
    let (hits, rows) = (hits_a + hits_b, rows_a + rows_b);
    if rows_a == 0 || rows_b == 0 || hits == 0 || hits == rows {
        return 1.0;
    }
    let smallest = real(rows_a.min(rows_b)) * real(hits.min(rows - hits)) / real(rows);
    if smallest < EXPECTED_CELL {
        return fisher(hits_a, rows_a, hits_b, rows_b);
    }
    let of = |hits: u64, rows: u64| Proportion { rate: real(hits) / real(rows), size: real(rows) };
    equal_shares(of(hits_a, rows_a), of(hits_b, rows_b))
}

/// Two-sided p-value of "both shares are equal" by the pooled two-proportion z test, for effective sizes.
pub fn equal_shares(a: Proportion, b: Proportion) -> f64 {
    let pooled = (a.rate * a.size + b.rate * b.size) / (a.size + b.size);
    let variance = pooled * (1.0 - pooled) * (1.0 / a.size + 1.0 / b.size);
    if variance <= 0.0 {
        return 1.0;
    }
    (2.0 * normal::upper_tail((a.rate - b.rate).abs() / variance.sqrt())).min(1.0)
}

/// Fisher's exact test, two-sided: all tables with the same margins that are at most as likely as the observed one.
/// Takes time in proportion to the smallest margin.
pub fn fisher(hits_a: u64, rows_a: u64, hits_b: u64, rows_b: u64) -> f64 {
    let (hits, rows) = (hits_a + hits_b, rows_a + rows_b);
    let total = ln_binomial(rows, hits);
    let chance = |k: u64| (ln_binomial(rows_a, k) + ln_binomial(rows_b, hits - k) - total).exp();
    let observed = chance(hits_a) * (1.0 + TIE);
    let (first, last) = (hits.saturating_sub(rows_b), hits.min(rows_a));
    let sum: f64 = (first..=last).map(chance).filter(|p| *p <= observed).sum();
    sum.clamp(0.0, 1.0)
}

/// Holm's adjusted p-values (Holm 1979), in the order given: those below `alpha` are significant together at `alpha`.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.iter().enumerate() {
        let left = super::size(p_values.len() - rank);
        largest = largest.max((p_values[*index] * left).min(1.0));
        adjusted[*index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tables_are_tested_exactly() {
        // The lady tasting tea, 3 of 4 against 1 of 4 (Fisher 1935): 17 / 35.
        assert!((fisher(3, 4, 1, 4) - 34.0 / 70.0).abs() < 1e-12);
        assert!((equal_counts(3, 4, 1, 4) - 34.0 / 70.0).abs() < 1e-12);
        assert!((equal_counts(0, 10, 0, 20) - 1.0).abs() < 1e-15);
        assert!((equal_counts(10, 10, 20, 20) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn large_tables_are_tested_by_the_normal_law() {
        // statsmodels 0.14 proportions_ztest([60, 40], [100, 100]).
        assert!((equal_counts(60, 100, 40, 100) - 0.004_677_734_981_047_266).abs() < 1e-9);
    }

    #[test]
    fn holm_is_never_below_its_input_and_keeps_the_order() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert!(holm(&[]).is_empty());
    }
}
