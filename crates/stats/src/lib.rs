//! Drift, fairness, performance and data quality over mergeable summaries.
//!
//! Pure: values in, values out; no files, no clock, no randomness that is not seeded by the caller.
//!
//! The way through: cells of a column ([`cells`]) are gathered ([`gather`]); the reference freezes bins ([`grid`]);
//! both sides are counted in them ([`counts`]); the counts are compared ([`measures`]) and put together to one
//! coefficient ([`coefficient`]) with its causes and a verdict ([`drift`]). A [`profile`] is bins and counts on disk.
//! Fairness ([`fairness`]) counts decisions by group in one pass of its own.

pub mod cells;
pub mod coefficient;
pub mod column;
pub mod counts;
pub mod dependence;
pub mod drift;
pub mod embedding;
mod error;
pub mod fairness;
pub mod gather;
pub mod grid;
pub mod measures;
mod num;
pub mod numeric;
pub mod outcomes;
pub mod profile;
pub mod sort;
pub mod stream;
pub mod tail;
pub mod text;
pub mod wide;

pub use error::StatsError;
