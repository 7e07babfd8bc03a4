//! The arithmetic behind intervals and tests: the normal law, shares, differences, ratios, exact tests, corrections.
//!
//! Every function here answers with finite numbers for every input its documentation admits.

pub mod interval;
pub mod normal;
pub mod significance;

pub(crate) use crate::num::{real, size};
