//! Data files as columns: Parquet, Arrow IPC, CSV and lines of JSON, read in batches with bounded memory.
//!
//! The only crate that knows Arrow and Parquet: what it hands over are the cells of `comptroller-stats`. It opens files
//! for reading and nothing else.

mod error;
mod read;
pub mod roles;
mod source;

pub use error::LakeError;
pub use source::{ColumnInfo, Declared, MAX_COLUMNS, MAX_FILES, Source, Take, paths};
