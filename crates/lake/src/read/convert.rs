//! Arrow columns as cells: numbers of every width as 64-bit floats, truth values and texts as texts, times as
//! microseconds.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};
use comptroller_stats::cells::{Block, BlockBuilder};

use super::raw;
use crate::source::{ColumnInfo, Declared};

/// The columns of a schema.
pub(crate) fn columns(schema: &Schema) -> Vec<ColumnInfo> {
    schema
        .fields()
        .iter()
        .map(|field| ColumnInfo { name: field.name().clone(), declared: declared(field.data_type()) })
        .collect()
}

fn declared(kind: &DataType) -> Declared {
    match kind {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Declared::Time,
        DataType::Dictionary(_, values) => declared(values),
        kind if kind.is_numeric() => Declared::Plain,
        DataType::Boolean
        | DataType::Null
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_) => Declared::Plain,
        kind if raw::is_vector(kind) => Declared::Vector,
        _ => Declared::Nested,
    }
}

/// One column of a batch. Nested columns and vectors are all null.
pub(crate) fn block(array: &ArrayRef) -> Result<Block, ArrowError> {
    match array.data_type() {
        DataType::Float64 => Ok(numbers(array)),
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => texts(array),
        DataType::Dictionary(_, values) if !values.is_numeric() => texts(array),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            Ok(numbers(&cast(&cast(&micros, &DataType::Int64)?, &DataType::Float64)?))
        }
        DataType::Time32(_) => Ok(numbers(&cast(&cast(array, &DataType::Int32)?, &DataType::Float64)?)),
        DataType::Time64(_) | DataType::Duration(_) => {
            Ok(numbers(&cast(&cast(array, &DataType::Int64)?, &DataType::Float64)?))
        }
        kind if declared(kind) == Declared::Plain => Ok(numbers(&cast(array, &DataType::Float64)?)),
        _ => {
            let mut nothing = BlockBuilder::default();
            for _ in 0..array.len() {
                nothing.null();
            }
            Ok(nothing.finish())
        }
    }
}

fn numbers(array: &ArrayRef) -> Block {
    let array = array.as_primitive::<Float64Type>();
    if array.null_count() == 0 {
        return Block::of_numbers(array.values().to_vec());
    }
    let mut builder = BlockBuilder::default();
    for value in array {
        match value {
            Some(number) => builder.number(number),
            None => builder.null(),
        }
    }
    builder.finish()
}

fn texts(array: &ArrayRef) -> Result<Block, ArrowError> {
    let mut builder = BlockBuilder::default();
    if let DataType::Boolean = array.data_type() {
        for value in array.as_boolean() {
            match value {
                Some(truth) => builder.text(if truth { "true" } else { "false" }),
                None => builder.null(),
            }
        }
        return Ok(builder.finish());
    }
    let plain: ArrayRef = match array.data_type() {
        DataType::Utf8 => Arc::clone(array),
        _ => cast(array, &DataType::Utf8)?,
    };
    for value in plain.as_string::<i32>() {
        match value {
            Some(text) => builder.text(text),
            None => builder.null(),
        }
    }
    Ok(builder.finish())
}
