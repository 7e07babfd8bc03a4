//! Several tables of records as one, and one as several by the day or hour.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringArray, UInt32Array,
    new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use arrow_select::take::take;

use super::row::vector_at;
use super::{RecordError, Records};

fn table(all: &[Records], kinds: &BTreeMap<String, DataType>) -> Result<RecordBatch, RecordError> {
    let mut fields = Vec::with_capacity(kinds.len());
    let mut columns = Vec::with_capacity(kinds.len());
    for (name, kind) in kinds {
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(all.len());
        for records in all {
            parts.push(match records.batch.column_by_name(name) {
                None => new_null_array(kind, records.len()),
                Some(column) if column.data_type() == kind => Arc::clone(column),
                Some(column) => match column.as_list_opt::<i32>() {
                    Some(vectors) => bracketed(vectors),
                    None => cast(column, kind).map_err(RecordError::own)?,
                },
            });
        }
        let parts: Vec<&dyn arrow_array::Array> = parts.iter().map(AsRef::as_ref).collect();
        columns.push(arrow_select::concat::concat(&parts).map_err(RecordError::own)?);
        fields.push(ArrowField::new(name, kind.clone(), true));
    }
    let rows = all.iter().map(Records::len).sum();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(RecordError::own)
}

/// Vectors as texts in brackets, where other records of a day hold something else in the column.
fn bracketed(vectors: &ListArray) -> ArrayRef {
    let text = |at: usize| {
        let numbers: Vec<String> = vector_at(vectors, at).iter().map(f32::to_string).collect();
        vectors.is_valid(at).then(|| format!("[{}]", numbers.join(",")))
    };
    Arc::new((0..vectors.len()).map(text).collect::<StringArray>())
}

fn kinds(all: &[Records]) -> BTreeMap<String, DataType> {
    let mut kinds: BTreeMap<String, DataType> = BTreeMap::new();
    for records in all {
        for field in records.batch.schema().fields() {
            kinds
                .entry(field.name().clone())
                .and_modify(|kind| {
                    if kind != field.data_type() {
                        // What was a number here and a text there is told apart by the profile, cell by cell.
                        *kind = DataType::Utf8;
                    }
                })
                .or_insert_with(|| field.data_type().clone());
        }
    }
    kinds
}

pub(super) fn concat(all: &[Records]) -> Result<Records, RecordError> {
    let Some(first) = all.first() else { return Err(RecordError::Empty) };
    if let [only] = all {
        return Ok(only.clone());
    }
    let batch = table(all, &kinds(all))?;
    Ok(Records::of_batch(first.kind, batch))
}

/// The records of each span of `micros`, counted from 1970-01-01, in the order of the spans.
pub(super) fn by_span(records: &Records, micros: i64) -> Result<Vec<(i64, Records)>, RecordError> {
    let mut spans: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, time) in records.times().iter().enumerate() {
        spans.entry(time.div_euclid(micros)).or_default().push(row as u32);
    }
    if spans.len() == 1 {
        return Ok(spans.into_keys().map(|span| (span, records.clone())).collect());
    }
    let mut parts = Vec::with_capacity(spans.len());
    for (span, rows) in spans {
        let rows = UInt32Array::from(rows);
        let mut columns = Vec::with_capacity(records.batch.num_columns());
        for column in records.batch.columns() {
            columns.push(take(column, &rows, None).map_err(RecordError::own)?);
        }
        let batch = RecordBatch::try_new(records.batch.schema(), columns).map_err(RecordError::own)?;
        parts.push((span, Records::of_batch(records.kind, batch)));
    }
    Ok(parts)
}
