//! The arithmetic behind intervals and tests: the normal law, shares, differences, ratios, exact tests, corrections.
//!
//! Every function here answers with finite numbers for every input its documentation admits.

pub mod interval;
pub mod normal;
pub mod significance;

/// A count as a real number: exact to 2^53, which no number of rows here comes near.
#[expect(clippy::cast_precision_loss, reason = "counts of rows stay below 2^53")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A length as a real number.
pub(crate) fn size(length: usize) -> f64 {
    real(length as u64)
}
