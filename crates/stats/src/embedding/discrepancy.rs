//! The linear-time maximum mean discrepancy (Gretton et al. 2012, section 6): how far two samples are apart in the
//! eyes of a Gaussian kernel, from pairs of rows that are used once each.
//!
//! Over pairs (x, x') of the reference and (y, y') of the current rows, h = k(x, x') + k(y, y') - k(x, y') - k(x', y).
//! Its mean is an unbiased estimate of MMD^2; the pairs are independent, so mean over standard error is normal under no
//! drift, and one side is asked. It sees every kind of difference and needs more rows for it than the classifier.

use serde::Serialize;

use super::Vectors;
use crate::num::size;
use crate::numeric::normal::upper_tail;
use crate::sort::ascending;

/// Vectors of the reference whose distances give the width of the kernel.
const WIDTH_ROWS: usize = 200;
/// Pairs that the normal law needs, at least.
const LEAST_PAIRS: usize = 25;

/// MMD^2 of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Discrepancy {
    /// The estimate of MMD^2; below 0 by chance.
    pub squared: f64,
    /// Its standard error.
    pub error: f64,
    /// The estimate over its error.
    pub z: f64,
    /// Chance of this z or more under no drift, by itself.
    pub p: f64,
    /// The width of the kernel: the median distance of rows of the reference.
    pub width: f64,
    /// Pairs of each side.
    pub pairs: usize,
}

/// Compares both samples; nothing where there are too few vectors or they do not vary.
pub fn linear_discrepancy(reference: &Vectors, current: &Vectors) -> Option<Discrepancy> {
    let pairs = reference.len().min(current.len()) / 2;
    if reference.dims != current.dims || pairs < LEAST_PAIRS {
        return None;
    }
    let width = width(reference)?;
    let kernel = |a: &[f32], b: &[f32]| (-squared_distance(a, b) / (2.0 * width * width)).exp();
    let (before, now): (Vec<&[f32]>, Vec<&[f32]>) = (reference.iter().collect(), current.iter().collect());
    let values: Vec<f64> = before
        .chunks_exact(2)
        .zip(now.chunks_exact(2))
        .map(|(x, y)| kernel(x[0], x[1]) + kernel(y[0], y[1]) - kernel(x[0], y[1]) - kernel(x[1], y[0]))
        .collect();
    let mean = values.iter().sum::<f64>() / size(pairs);
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / size(pairs - 1);
    let error = (spread / size(pairs)).sqrt();
    let z = if error > 0.0 { mean / error } else { 0.0 };
    Some(Discrepancy { squared: mean, error, z, p: upper_tail(z), width, pairs })
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum()
}

/// The median distance of the first sampled vectors, each with the next; the mean of all where half of them are equal.
fn width(reference: &Vectors) -> Option<f64> {
    let rows: Vec<&[f32]> = reference.iter().take(WIDTH_ROWS).collect();
    let mut distances = Vec::new();
    for (at, first) in rows.iter().enumerate() {
        distances.extend(rows[at + 1..].iter().map(|second| squared_distance(first, second).sqrt()));
    }
    ascending(&mut distances);
    let median = distances.get(distances.len() / 2).copied().unwrap_or(0.0);
    let mean = distances.iter().sum::<f64>() / size(distances.len().max(1));
    [median, mean].into_iter().find(|width| *width > 0.0 && width.is_finite())
}
