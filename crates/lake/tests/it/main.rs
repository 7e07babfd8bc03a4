//! The same table read from every format gives the same cells, and what cannot be read is named with its place.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod broken;
mod formats;
mod records;
mod support;
mod wal;
