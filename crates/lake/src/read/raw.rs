//! Cells as a file has them, whole: texts of any length and vectors, which the blocks of a scan cannot hold.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use comptroller_stats::cells::Cell;
use serde_json::Value;

use super::convert;
use super::text::NOTHING;
use crate::source::Raw;

/// Whether an Arrow type is a list of numbers.
pub(crate) fn is_vector(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        _ => false,
    }
}

/// Visits one column of a batch.
pub(crate) fn arrow(array: &ArrayRef, take: &mut dyn FnMut(Raw<'_>)) -> Result<(), ArrowError> {
    match array.data_type() {
        kind if is_vector(kind) => vectors(array, take),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let plain: ArrayRef = match array.data_type() {
                DataType::Utf8 => Arc::clone(array),
                _ => cast(array, &DataType::Utf8)?,
            };
            for value in plain.as_string::<i32>() {
                take(value.map_or(Raw::Nothing, text));
            }
            Ok(())
        }
        _ => {
            for cell in convert::block(array)?.cells() {
                take(match cell {
                    Cell::Number(number) => Raw::Number(number),
                    Cell::Text(text) => Raw::Text(text),
                    Cell::Null | Cell::Other => Raw::Nothing,
                });
            }
            Ok(())
        }
    }
}

fn vectors(array: &ArrayRef, take: &mut dyn FnMut(Raw<'_>)) -> Result<(), ArrowError> {
    for row in 0..array.len() {
        if array.is_null(row) {
            take(Raw::Nothing);
            continue;
        }
        let items = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().value(row),
            DataType::LargeList(_) => array.as_list::<i64>().value(row),
            _ => array.as_fixed_size_list().value(row),
        };
        let items = match items.data_type() {
            DataType::Float32 => items,
            _ => cast(&items, &DataType::Float32)?,
        };
        let items = items.as_primitive::<Float32Type>();
        if items.null_count() == 0 {
            take(Raw::Vector(items.values()));
        } else {
            let values: Vec<f32> = items.iter().map(|item| item.unwrap_or(f32::NAN)).collect();
            take(Raw::Vector(&values));
        }
    }
    Ok(())
}

/// Visits a value of JSON.
pub(crate) fn json(value: Option<&Value>, take: &mut dyn FnMut(Raw<'_>)) {
    match value {
        Some(Value::String(value)) => take(text(value)),
        Some(Value::Number(number)) => take(number.as_f64().map_or(Raw::Nothing, Raw::Number)),
        Some(Value::Array(items)) if is_numbers(items) => {
            let values: Vec<f32> =
                items.iter().map(|item| narrow(item.as_f64().unwrap_or(f64::NAN))).collect();
            take(Raw::Vector(&values));
        }
        _ => take(Raw::Nothing),
    }
}

/// Whether a list of JSON is a vector.
pub(crate) fn is_numbers(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.is_number() || item.is_null())
}

/// Visits a field of a text file; one in square brackets is a vector.
pub(crate) fn field(field: &str, take: &mut dyn FnMut(Raw<'_>)) {
    let field = field.trim();
    if NOTHING.contains(&field) {
        take(Raw::Nothing);
        return;
    }
    let inner = field.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let Some(inner) = inner else {
        match field.parse::<f64>() {
            Ok(number) => take(Raw::Number(number)),
            Err(_) => take(text(field)),
        }
        return;
    };
    let items =
        inner.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|item| !item.is_empty());
    match items.map(str::parse::<f32>).collect::<Result<Vec<f32>, _>>() {
        Ok(values) if !values.is_empty() => take(Raw::Vector(&values)),
        _ => take(text(field)),
    }
}

fn text(text: &str) -> Raw<'_> {
    if text.trim().is_empty() { Raw::Nothing } else { Raw::Text(text) }
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are kept with 32 bits a number")]
pub(crate) fn narrow(number: f64) -> f32 {
    number as f32
}
