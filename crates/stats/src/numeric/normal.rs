//! The standard normal law: upper tail and quantile.

use statrs::distribution::{ContinuousCDF as _, Normal};

/// Smallest probability whose quantile is asked for; a smaller one is taken for it.
const SMALLEST: f64 = 1e-300;

/// P(Z > `z`); 1 for what is no number, so that it never looks significant.
pub fn upper_tail(z: f64) -> f64 {
    if z.is_nan() {
        return 1.0;
    }
    Normal::standard().sf(z).clamp(0.0, 1.0)
}

/// The `z` that is exceeded with probability `p`, for `p` in 0..1 (kept within 1e-300 and 1 - 1e-16).
pub fn upper_quantile(p: f64) -> f64 {
    -Normal::standard().inverse_cdf(p.clamp(SMALLEST, 1.0 - 1e-16))
}

/// Standard deviations on each side of a two-sided interval that misses with probability `alpha` when `comparisons`
/// such intervals shall hold together (Bonferroni: each gets `alpha / comparisons`).
pub fn two_sided(alpha: f64, comparisons: u64) -> f64 {
    upper_quantile(alpha / (2.0 * super::real(comparisons.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: scipy 1.17, norm.sf and norm.isf.
    #[test]
    fn tails_and_quantiles_are_those_of_scipy() {
        assert!((upper_tail(1.959_963_984_540_054) - 0.025).abs() < 1e-10);
        assert!((upper_tail(6.0) / 9.865_876_450_377e-10 - 1.0).abs() < 1e-9);
        assert!((upper_quantile(0.025) - 1.959_963_984_540_054).abs() < 1e-9);
        assert!((upper_quantile(1e-6) - 4.753_424_308_822_899).abs() < 1e-8);
        assert!((two_sided(0.05, 45) - upper_quantile(0.05 / 90.0)).abs() < 1e-15);
        assert!(upper_quantile(0.0).is_finite() && upper_quantile(1.0).is_finite());
    }
}
