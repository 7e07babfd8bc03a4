//! Frameworks as dated data: what they ask, of whom, from when, and since when that is known.
//!
//! The shipped data lie in `frameworks/` at the root of the repository and in the binary; custom frameworks, licensed
//! texts and crosswalks come from folders that the caller has read. docs/FRAMEWORKS.md says what every field means.

mod builtin;
mod catalogue;
mod check;
mod data;
mod day;
mod diff;
mod error;
mod read;
mod words;

pub use catalogue::{Catalogue, Folder};
pub(crate) use data::digest_of;
pub use data::{DateRow, Framework, Limit, Mapping, Reading, Row};
pub use day::Day;
pub use diff::{Change, DateChange, Diff, RowChange, diff};
pub use error::DataError;
pub(crate) use error::shown;
pub use words::{Class, Grade, Kind, Relation, Route, Status, Unit, Who};
