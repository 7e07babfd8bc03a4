//! Drift, fairness, performance and data quality over mergeable summaries.
//!
//! Pure: values in, values out; no files, no clock, no randomness that is not seeded by the caller.

pub mod fairness;
pub mod numeric;
