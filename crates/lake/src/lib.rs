//! Data files as columns: Parquet, Arrow IPC, CSV and lines of JSON, read in batches with bounded memory; and
//! prediction records: their write-ahead log and their sealed blocks.
//!
//! The only crate that knows Arrow and Parquet: what it hands over are the cells of `comptroller-stats`. Data files
//! are opened for reading and nothing else; the one thing that is written to is the folder of the write-ahead log.

pub mod block;
pub mod block_file;
mod error;
pub mod filter;
pub mod index;
mod read;
pub mod records;
pub mod roles;
mod source;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod wal;

pub use error::LakeError;
pub use source::{ColumnInfo, Declared, MAX_COLUMNS, MAX_FILES, Raw, Source, Take, Visit, paths};
