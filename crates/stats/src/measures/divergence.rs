//! Other distances between two rows of counts over the same bins: population stability index, Jensen-Shannon,
//! Hellinger, total variation, and the two-sample chi-square test.
//!
//! Shown beside the coefficient for those who know them; none of them decides. Each says its binning where it is
//! reported, because none of them means anything without.

use crate::num::{Sum, real};
use crate::tail::chi_square_upper;

/// Smallest share of a bin in the population stability index; smaller ones are raised to it, on both sides. The
/// index has no value on an empty bin without some such number, and it depends on it: see docs/DRIFT.md.
pub const PSI_FLOOR: f64 = 1e-4;

/// Population stability index: sum (q - p) ln(q / p), with shares below `floor` raised to it. 0 if a side is empty.
pub fn psi(reference: &[u64], current: &[u64], floor: f64) -> f64 {
    index(reference, current, |share| share.max(floor))
}

/// Population stability index with `epsilon` added to every share, as some programs have it. 0 if a side is empty.
pub fn psi_added(reference: &[u64], current: &[u64], epsilon: f64) -> f64 {
    index(reference, current, |share| share + epsilon)
}

fn index(reference: &[u64], current: &[u64], smoothed: impl Fn(f64) -> f64) -> f64 {
    let terms = shares(reference, current).map(|(p, q)| {
        let (p, q) = (smoothed(p), smoothed(q));
        if p == 0.0 && q == 0.0 { 0.0 } else { (q - p) * (q / p).ln() }
    });
    terms.collect::<Sum>().value().max(0.0)
}

/// Jensen-Shannon distance: the root of the divergence to base 2, 0..=1 (Lin 1991; Endres and Schindelin 2003).
pub fn jensen_shannon(reference: &[u64], current: &[u64]) -> f64 {
    let half = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let terms = shares(reference, current).map(|(p, q)| {
        let middle = f64::midpoint(p, q);
        f64::midpoint(half(p, middle), half(q, middle))
    });
    terms.collect::<Sum>().value().clamp(0.0, 1.0).sqrt()
}

/// Hellinger distance: sqrt(1/2 sum (sqrt p - sqrt q)^2), 0..=1 (Hellinger 1909).
pub fn hellinger(reference: &[u64], current: &[u64]) -> f64 {
    let terms = shares(reference, current).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2));
    (terms.collect::<Sum>().value() / 2.0).clamp(0.0, 1.0).sqrt()
}

/// Total variation distance: 1/2 sum |p - q|, 0..=1.
pub fn total_variation(reference: &[u64], current: &[u64]) -> f64 {
    (shares(reference, current).map(|(p, q)| (p - q).abs()).collect::<Sum>().value() / 2.0).clamp(0.0, 1.0)
}

/// Largest difference of shares, 0..=1.
pub fn largest_difference(reference: &[u64], current: &[u64]) -> f64 {
    shares(reference, current).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}

/// A chi-square test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub freedom: usize,
    /// Chance of a statistic this large under no drift.
    pub p: f64,
}

/// Pearson's test of homogeneity on the 2 x K table, without Yates' correction (Pearson 1900): both samples are
/// samples, unlike the one-sample form that takes the reference for exact.
pub fn chi_square(reference: &[u64], current: &[u64]) -> ChiSquare {
    let (n1, n2) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    let (mut sum, mut bins) = (Sum::default(), 0_usize);
    if n1 > 0 && n2 > 0 {
        let (n1, n2) = (real(n1), real(n2));
        for (before, now) in reference.iter().zip(current).filter(|(a, b)| **a + **b > 0) {
            bins += 1;
            let both = real(before + now) / (n1 + n2);
            sum.add((real(*before) - n1 * both).powi(2) / (n1 * both));
            sum.add((real(*now) - n2 * both).powi(2) / (n2 * both));
        }
    }
    let freedom = bins.saturating_sub(1);
    ChiSquare { statistic: sum.value(), freedom, p: chi_square_upper(sum.value(), real(freedom as u64)) }
}

/// Shares of both sides, bin by bin; nothing if a side is empty.
fn shares<'a>(reference: &'a [u64], current: &'a [u64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let (n1, n2) = (real(reference.iter().sum()), real(current.iter().sum()));
    let both = reference.iter().zip(current);
    both.filter(move |_| n1 > 0.0 && n2 > 0.0).map(move |(p, q)| (real(*p) / n1, real(*q) / n2))
}
