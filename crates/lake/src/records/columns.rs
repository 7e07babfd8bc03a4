//! Records as columns: an Arrow IPC stream or a Parquet file.
//!
//! Columns with a meaning keep their names; every other column is an input, with or without the prefix `input.`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow_cast::cast;
use arrow_ipc::reader::StreamReader;
use arrow_schema::{DataType, Field as ArrowField, Schema, TimeUnit};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use comptroller_core::Timestamp;
use comptroller_core::vocab::RecordKind;
use comptroller_stats::cells::number_name;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::json::arrow_type;
use super::{Kind, MAX_BATCH_BYTES, MAX_BATCH_ROWS, RecordError, bytes_of, reserved};
use crate::read::raw::is_vector;
use crate::read::{guarded, next_batch};

/// Rows that are read at once, so that a batch which grows too large is noticed early.
const STEP: usize = 4096;

pub(super) fn arrow(kind: RecordKind, bytes: &[u8], now: i64) -> Result<RecordBatch, RecordError> {
    let place = "Arrow IPC stream";
    let reader = guarded(|| StreamReader::try_new(bytes, None).map_err(|error| error.to_string()));
    gather(kind, place, &mut reader.map_err(|error| RecordError::format(place, error))?, now)
}

pub(super) fn parquet(kind: RecordKind, bytes: &[u8], now: i64) -> Result<RecordBatch, RecordError> {
    let place = "Parquet file";
    let broken = |error: String| RecordError::format(place, error);
    let bytes = Bytes::copy_from_slice(bytes);
    let builder =
        guarded(|| ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string()))
            .map_err(broken)?;
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
    if rows > MAX_BATCH_ROWS {
        return Err(RecordError::TooMany { rows });
    }
    if listed(builder.metadata()) > MAX_BATCH_BYTES / size_of::<f32>() {
        return Err(RecordError::TooLarge);
    }
    let reader = guarded(|| builder.with_batch_size(STEP).build().map_err(|error| error.to_string()));
    gather(kind, place, &mut reader.map_err(broken)?, now)
}

/// Numbers that stand in lists. Rows bound the other columns; of a list a few bytes of a file can say that one row has a
/// billion, and they would be in memory before anybody counts them.
fn listed(file: &ParquetMetaData) -> usize {
    let columns = file.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let lists = columns.filter(|column| column.column_descr().max_rep_level() > 0);
    lists.fold(0, |sum, list| sum.saturating_add(usize::try_from(list.num_values()).unwrap_or(usize::MAX)))
}

fn gather<E: std::fmt::Display>(
    kind: RecordKind,
    place: &str,
    batches: &mut impl Iterator<Item = Result<RecordBatch, E>>,
    now: i64,
) -> Result<RecordBatch, RecordError> {
    let mut all = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = next_batch(batches) {
        let batch = batch.map_err(|error| RecordError::format(place, error))?;
        rows += batch.num_rows();
        bytes += bytes_of(&batch);
        if rows > MAX_BATCH_ROWS {
            return Err(RecordError::TooMany { rows });
        }
        if bytes > MAX_BATCH_BYTES {
            return Err(RecordError::TooLarge);
        }
        all.push(canonical(kind, &batch, now)?);
    }
    let Some(first) = all.first() else { return Err(RecordError::Empty) };
    if all.len() == 1 {
        return Ok(first.clone());
    }
    concat_batches(&first.schema(), &all).map_err(|error| RecordError::format("batches", error))
}

/// The columns of a batch under their kept names and types.
fn canonical(kind: RecordKind, batch: &RecordBatch, now: i64) -> Result<RecordBatch, RecordError> {
    let mut columns: BTreeMap<String, ArrayRef> = BTreeMap::new();
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let known = reserved(kind).iter().find(|(name, _)| name == field.name());
        let (name, column) = match known {
            Some(("time", _)) => ("time".to_owned(), times(column)?),
            Some((name, known)) => ((*name).to_owned(), as_kind(field.name(), column, *known)?),
            None if kind == RecordKind::Label => continue,
            None => {
                let prefixed = field.name().starts_with("input.") || field.name().starts_with("attribution.");
                let name = if prefixed { field.name().clone() } else { format!("input.{}", field.name()) };
                let wanted = guess(column.data_type()).ok_or_else(|| {
                    let problem = format!("values of type {} cannot be kept", column.data_type());
                    RecordError::format(format!("column {:?}", field.name()), problem)
                })?;
                (name, as_kind(field.name(), column, wanted)?)
            }
        };
        if columns.insert(name.clone(), column).is_some() {
            return Err(RecordError::format(format!("column {name:?}"), "it stands there twice"));
        }
    }
    let rows = batch.num_rows();
    if !columns.contains_key("time") {
        columns.insert("time".to_owned(), Arc::new(Int64Array::from(vec![now; rows])));
    }
    for needed in ["id", if kind == RecordKind::Label { "label" } else { "id" }] {
        let Some(column) = columns.get(needed) else {
            return Err(RecordError::format(format!("column {needed:?}"), "it is missing"));
        };
        if column.null_count() > 0 {
            let row = (0..rows).find(|row| column.is_null(*row)).unwrap_or(0);
            return Err(RecordError::at(row, needed, "it is missing"));
        }
    }
    let fields: Vec<ArrowField> = columns
        .iter()
        .map(|(name, column)| ArrowField::new(name, column.data_type().clone(), true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        columns.into_values().collect(),
        &options,
    )
    .map_err(RecordError::own)
}

/// As what an input of this type is kept.
fn guess(kind: &DataType) -> Option<Kind> {
    match kind {
        DataType::Boolean => Some(Kind::Truth),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Some(Kind::Text),
        DataType::Dictionary(_, values) => guess(values),
        kind if is_vector(kind) => Some(Kind::Vector),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Some(Kind::Whole),
        kind if kind.is_numeric() => Some(Kind::Number),
        _ => None,
    }
}

fn as_kind(name: &str, column: &ArrayRef, kind: Kind) -> Result<ArrayRef, RecordError> {
    let broken =
        |error: arrow_schema::ArrowError| RecordError::format(format!("column {name:?}"), error.to_string());
    let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
    match (column.data_type(), kind) {
        (DataType::Timestamp(..) | DataType::Date32 | DataType::Date64, Kind::Whole) => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None)).map_err(broken)?;
            cast(&micros, &DataType::Int64).map_err(broken)
        }
        (from, _) if *from == arrow_type(kind) => Ok(Arc::clone(column)),
        // 1 and 1.0 are one class.
        (from, Kind::Text) if from.is_numeric() => {
            let numbers =
                arrow_cast::cast_with_options(column, &DataType::Float64, &options).map_err(broken)?;
            let names = numbers.as_primitive::<Float64Type>().iter().map(|number| number.map(number_name));
            Ok(Arc::new(names.collect::<StringArray>()))
        }
        _ => arrow_cast::cast_with_options(column, &arrow_type(kind), &options).map_err(broken),
    }
}

/// Times in microseconds: from points in time, or from RFC 3339.
fn times(column: &ArrayRef) -> Result<ArrayRef, RecordError> {
    let whole = match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(column, &DataType::Utf8).map_err(RecordError::own)?;
            let mut moments = Vec::with_capacity(texts.len());
            for (row, text) in texts.as_string::<i32>().iter().enumerate() {
                let moment = text.map(str::parse::<Timestamp>).transpose();
                let moment = moment.map_err(|error| RecordError::at(row, "time", error.to_string()))?;
                moments.push(moment.map(Timestamp::micros));
            }
            Arc::new(Int64Array::from(moments)) as ArrayRef
        }
        _ => as_kind("time", column, Kind::Whole)?,
    };
    let times = whole.as_primitive::<Int64Type>();
    if let Some(row) = (0..times.len()).find(|row| times.is_null(*row)) {
        return Err(RecordError::at(row, "time", "it is missing"));
    }
    Ok(whole)
}
