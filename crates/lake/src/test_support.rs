//! Files for tests and benches, which may not name Arrow themselves.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;

/// Rows that are made at a time.
const ROWS: u64 = 1 << 17;

/// Writes a Parquet file of number columns `c0`, `c1`, ...; `value` says what stands in which row and column.
pub fn write_parquet(
    path: &Path,
    rows: u64,
    columns: u32,
    value: impl Fn(u64, u32) -> f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let fields: Vec<Field> =
        (0..columns).map(|at| Field::new(format!("c{at}"), DataType::Float64, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = ArrowWriter::try_new(File::create(path)?, Arc::clone(&schema), None)?;
    let mut start = 0;
    while start < rows {
        let end = rows.min(start + ROWS);
        let arrays: Vec<ArrayRef> = (0..columns)
            .map(|column| {
                Arc::new(Float64Array::from_iter_values((start..end).map(|row| value(row, column))))
                    as ArrayRef
            })
            .collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays)?)?;
        start = end;
    }
    writer.close()?;
    Ok(())
}
