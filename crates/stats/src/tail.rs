//! Tails of distributions beside the normal one: chi-square, non-central chi-square, Kolmogorov.
//!
//! Central laws are those of `statrs`; every function here answers within 0..=1 and never NaN.

use statrs::distribution::{ChiSquared, ContinuousCDF as _};
use statrs::function::gamma::{gamma_lr, ln_gamma};

/// Terms of the Poisson mixture of a non-central chi-square law on each side of its centre, at most.
const MAX_TERMS: u32 = 100_000;
/// Terms of the mixture below this share add nothing that is shown.
const SMALL: f64 = 1e-17;

/// P(X > `x`) for chi-square with `df` degrees of freedom. With no degree of freedom there is nothing to test: 1.
pub fn chi_square_upper(x: f64, df: f64) -> f64 {
    if df <= 0.0 || !x.is_finite() || x <= 0.0 {
        return if x == f64::INFINITY { 0.0 } else { 1.0 };
    }
    ChiSquared::new(df).map_or(1.0, |law| law.sf(x)).clamp(0.0, 1.0)
}

/// P(X <= `x`) for a non-central chi-square law with `df` degrees of freedom and non-centrality `shift`.
///
/// The Poisson mixture of central laws, summed outwards from its largest term (Johnson, Kotz, Balakrishnan 1995,
/// chapter 29).
pub fn noncentral_chi_square_lower(x: f64, df: f64, shift: f64) -> f64 {
    if x <= 0.0 || df <= 0.0 {
        return 0.0;
    }
    let half = shift.max(0.0) / 2.0;
    let weight = |j: f64| {
        if half == 0.0 {
            f64::from(u8::from(j < 0.5))
        } else {
            (j * half.ln() - half - ln_gamma(j + 1.0)).exp()
        }
    };
    let central = |j: f64| gamma_lr(df / 2.0 + j, x / 2.0);
    let centre = half.floor();
    let mut sum = 0.0;
    let mut j = centre;
    for _ in 0..MAX_TERMS {
        let term = weight(j) * central(j);
        sum += term;
        if j < 1.0 || (weight(j) < SMALL && j < centre) {
            break;
        }
        j -= 1.0;
    }
    let mut j = centre + 1.0;
    for _ in 0..MAX_TERMS {
        let (w, c) = (weight(j), central(j));
        sum += w * c;
        if w * c < SMALL {
            break;
        }
        j += 1.0;
    }
    sum.clamp(0.0, 1.0)
}

/// P(K > `x`) for Kolmogorov's limiting law (Kolmogorov 1933; the theta-function form for small `x`).
pub fn kolmogorov_upper(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let base = -std::f64::consts::PI.powi(2) / (8.0 * x * x);
        let sum: f64 = [1.0_f64, 3.0, 5.0, 7.0].iter().map(|k| (base * k * k).exp()).sum();
        return (1.0 - (2.0 * std::f64::consts::PI).sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let mut sum = 0.0;
    let mut sign = 1.0;
    for k in 1..=100_u32 {
        let k = f64::from(k);
        let term = (-2.0 * k * k * x * x).exp();
        sum += sign * term;
        sign = -sign;
        if term < 1e-18 * sum {
            break;
        }
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{found} is not {expected}");
    }

    // Expected values: scipy 1.17 (chi2.sf, ncx2.cdf, kstwobign.sf).
    #[test]
    fn tails_are_those_of_scipy() {
        near(chi_square_upper(3.841_458_820_694_124, 1.0), 0.05);
        near(chi_square_upper(100.0, 31.0), 3.464_370_244_941_618_7e-9);
        near(kolmogorov_upper(1.0), 0.269_999_671_677_355);
        near(kolmogorov_upper(0.5), 0.963_945_243_664_875);
        near(kolmogorov_upper(3.0), 3.045_995_948_942_526e-8);
        near(noncentral_chi_square_lower(31.0, 31.0, 36.0), 0.001_256_663_992_738_437_3);
        near(noncentral_chi_square_lower(500.0, 300.0, 180.0), 0.714_562_970_881_759_6);
        near(noncentral_chi_square_lower(4000.0, 31.0, 3600.0), 0.998_659_256_263_597_6);
    }

    #[test]
    fn impossible_questions_have_an_answer() {
        assert!((chi_square_upper(5.0, 0.0) - 1.0).abs() < 1e-15);
        assert!((chi_square_upper(f64::NAN, 3.0) - 1.0).abs() < 1e-15);
        assert!(chi_square_upper(f64::INFINITY, 3.0).abs() < 1e-15);
        assert!((kolmogorov_upper(0.0) - 1.0).abs() < 1e-15);
    }
}
