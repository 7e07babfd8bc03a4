//! One reader for each file format. Each opens by path, knows its columns, and scans some of them in batches.

mod convert;
pub(crate) mod csv_file;
pub(crate) mod ipc_file;
pub(crate) mod json_file;
pub(crate) mod parquet_file;
mod text;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use comptroller_stats::cells::Block;

use crate::error::LakeError;
use crate::source::ColumnInfo;

/// Bytes of a row of text, at most: a quote that is never closed would swallow the file.
const MAX_ROW: u64 = 64 << 20;

fn open(path: &Path) -> Result<File, LakeError> {
    File::open(path).map_err(|source| LakeError::Io { path: path.to_owned(), source })
}

fn broken(path: &Path, place: &str, error: impl std::fmt::Display) -> LakeError {
    LakeError::Broken { path: path.to_owned(), place: place.to_owned(), problem: error.to_string() }
}

/// Where the columns of these names stand.
fn places(columns: &[ColumnInfo], names: &[&str]) -> Vec<usize> {
    names.iter().filter_map(|name| columns.iter().position(|column| column.name == *name)).collect()
}

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
