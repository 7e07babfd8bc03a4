//! One reader for each file format. Each opens by path, knows its columns, and scans some of them in batches.

pub(crate) mod convert;
pub(crate) mod csv_file;
pub(crate) mod ipc_file;
pub(crate) mod json_file;
pub(crate) mod parquet_file;
pub(crate) mod raw;
mod text;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use comptroller_stats::cells::Block;

use crate::error::LakeError;
use crate::source::{ColumnInfo, Visit};

/// Bytes of a row of text, at most: a quote that is never closed would swallow the file.
const MAX_ROW: u64 = 64 << 20;

fn open(path: &Path) -> Result<File, LakeError> {
    File::open(path).map_err(|source| LakeError::Io { path: path.to_owned(), source })
}

fn broken(path: &Path, place: &str, error: impl std::fmt::Display) -> LakeError {
    let mut problem = error.to_string();
    if problem.contains("Disabled feature") {
        // The file is sound: it is our reader that lacks its codec.
        problem = String::from("compressed by a codec that is not read here; gzip, lz4, snappy and zstd are");
    }
    LakeError::Broken { path: path.to_owned(), place: place.to_owned(), problem }
}

/// Runs a reader of foreign bytes. The libraries check most of what they read, and panic about the rest.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("its inner lengths and offsets do not fit".to_owned()))
}

/// The next batch of a reader of foreign bytes.
pub(crate) fn next_batch<E: std::fmt::Display>(
    reader: &mut impl Iterator<Item = Result<RecordBatch, E>>,
) -> Option<Result<RecordBatch, String>> {
    guarded(|| reader.next().transpose().map_err(|error| error.to_string())).transpose()
}

/// Where the columns of these names stand.
fn places(columns: &[ColumnInfo], names: &[&str]) -> Vec<usize> {
    names.iter().filter_map(|name| columns.iter().position(|column| column.name == *name)).collect()
}

/// What takes the batches of a file: where a batch lies, and the batch.
type Each<'a> = &'a mut dyn FnMut(&str, &RecordBatch) -> Result<(), LakeError>;

/// The columns of a batch as blocks, in the order of the names.
fn blocks(path: &Path, place: &str, batch: &RecordBatch, names: &[&str]) -> Result<Vec<Block>, LakeError> {
    let mut blocks = Vec::with_capacity(names.len());
    for name in names {
        let array =
            batch.column_by_name(name).ok_or_else(|| broken(path, place, format!("no column {name:?}")))?;
        blocks.push(convert::block(array).map_err(|error| broken(path, place, error))?);
    }
    Ok(blocks)
}

/// Visits the columns of a batch, in the order of the names.
fn visited(
    path: &Path,
    place: &str,
    batch: &RecordBatch,
    names: &[&str],
    take: Visit<'_>,
) -> Result<(), LakeError> {
    for (at, name) in names.iter().enumerate() {
        let array =
            batch.column_by_name(name).ok_or_else(|| broken(path, place, format!("no column {name:?}")))?;
        raw::arrow(array, &mut |cell| take(at, cell)).map_err(|error| broken(path, place, error))?;
    }
    Ok(())
}
