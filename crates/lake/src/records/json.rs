//! Records in JSON: `{"records": [...]}` or one object on each line.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{
    BooleanBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatchOptions};
use arrow_schema::{DataType, Field as ArrowField, Schema};
use comptroller_core::Timestamp;
use comptroller_core::vocab::RecordKind;
use comptroller_stats::cells::number_name;
use serde::Deserialize;
use serde_json::Value;

use super::{Kind, MAX_BATCH_ROWS, MAX_ROW_COLUMNS, RecordError};
use crate::read::raw::{is_numbers, narrow};

/// A prediction as a client writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prediction {
    id: String,
    time: Option<String>,
    #[serde(rename = "prediction")]
    word: Option<Value>,
    score: Option<f64>,
    latency_us: Option<i64>,
    error: Option<String>,
    caller: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    inputs: BTreeMap<String, Value>,
    #[serde(default)]
    attributions: BTreeMap<String, f64>,
}

/// A label as a client writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    id: String,
    time: Option<String>,
    #[serde(rename = "label")]
    word: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    records: Vec<&'a serde_json::value::RawValue>,
}

pub(super) fn document(kind: RecordKind, bytes: &[u8], now: i64) -> Result<RecordBatch, RecordError> {
    let document: Document<'_> =
        serde_json::from_slice(bytes).map_err(|error| RecordError::format("body", error))?;
    let records = document.records.iter().map(|raw| raw.get().as_bytes());
    table(kind, records, now)
}

pub(super) fn lines(kind: RecordKind, bytes: &[u8], now: i64) -> Result<RecordBatch, RecordError> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    table(kind, lines, now)
}

fn table<'a>(
    kind: RecordKind,
    records: impl Iterator<Item = &'a [u8]>,
    now: i64,
) -> Result<RecordBatch, RecordError> {
    let mut table = Table::default();
    for (row, bytes) in records.enumerate() {
        if row == MAX_BATCH_ROWS {
            return Err(RecordError::TooMany { rows: row + 1 });
        }
        let broken = |error| RecordError::format(format!("record {}", row + 1), error);
        match kind {
            RecordKind::Prediction => {
                table.prediction(row, serde_json::from_slice(bytes).map_err(broken)?, now)?;
            }
            RecordKind::Label => {
                let Label { id, time, word: label } = serde_json::from_slice(bytes).map_err(broken)?;
                table.text(row, "id", id)?;
                table.whole(row, "time", moment(row, time, now)?)?;
                table.text(row, "label", word(row, "label", label)?)?;
            }
        }
        table.rows = row + 1;
    }
    table.finish()
}

/// The time of a record, microseconds.
fn moment(row: usize, time: Option<String>, now: i64) -> Result<i64, RecordError> {
    let Some(text) = time else { return Ok(now) };
    let moment: Timestamp = text.parse().map_err(|error| RecordError::at(row, "time", format!("{error}")))?;
    Ok(moment.micros())
}

/// A class or a decision as text.
fn word(row: usize, name: &str, value: Value) -> Result<String, RecordError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(truth) => Ok(truth.to_string()),
        // As a file that holds it as a number has it: 1 and 1.0 are one class.
        Value::Number(number) => Ok(number.as_f64().map_or_else(|| number.to_string(), number_name)),
        _ => Err(RecordError::at(row, name, "give a text, a number or a truth value")),
    }
}

/// Columns that grow by rows.
#[derive(Default)]
struct Table {
    rows: usize,
    columns: BTreeMap<String, Column>,
}

enum Column {
    Text(StringBuilder),
    Number(Float64Builder),
    Whole(Int64Builder),
    Truth(BooleanBuilder),
    Vector(ListBuilder<Float32Builder>),
}

impl Table {
    fn prediction(&mut self, row: usize, record: Prediction, now: i64) -> Result<(), RecordError> {
        let Prediction {
            id,
            time,
            word: said,
            score,
            latency_us,
            error,
            caller,
            subject,
            inputs,
            attributions,
        } = record;
        self.text(row, "id", id)?;
        self.whole(row, "time", moment(row, time, now)?)?;
        match said {
            None | Some(Value::Null) => {}
            Some(value) => self.text(row, "prediction", word(row, "prediction", value)?)?,
        }
        if let Some(score) = score {
            self.number(row, "score", score)?;
        }
        if let Some(latency) = latency_us {
            self.whole(row, "latency_us", latency)?;
        }
        for (name, text) in [("error", error), ("caller", caller), ("subject", subject)] {
            if let Some(text) = text {
                self.text(row, name, text)?;
            }
        }
        for (name, value) in inputs {
            let name = format!("input.{name}");
            match value {
                Value::Null => {}
                Value::Bool(truth) => self.truth(row, &name, truth)?,
                Value::Number(number) => {
                    let number =
                        number.as_f64().ok_or_else(|| RecordError::at(row, &name, "not a 64-bit number"))?;
                    self.number(row, &name, number)?;
                }
                Value::String(text) => self.text(row, &name, text)?,
                Value::Array(items) if is_numbers(&items) => self.vector(row, &name, &items)?,
                Value::Array(_) | Value::Object(_) => {
                    let problem = "an object, or a list of something else than numbers; send each of its parts as an input of its own";
                    return Err(RecordError::at(row, &name, problem));
                }
            }
        }
        for (name, value) in attributions {
            self.number(row, &format!("attribution.{name}"), value)?;
        }
        Ok(())
    }

    /// The column of a name, filled up to `row`.
    fn column(&mut self, row: usize, name: &str, kind: Kind) -> Result<&mut Column, RecordError> {
        if !self.columns.contains_key(name) {
            if self.columns.len() == MAX_ROW_COLUMNS {
                return Err(RecordError::TooManyColumns { columns: MAX_ROW_COLUMNS + 1 });
            }
            let column = match kind {
                Kind::Text => Column::Text(StringBuilder::new()),
                Kind::Number => Column::Number(Float64Builder::new()),
                Kind::Whole => Column::Whole(Int64Builder::new()),
                Kind::Truth => Column::Truth(BooleanBuilder::new()),
                Kind::Vector => Column::Vector(ListBuilder::new(Float32Builder::new())),
            };
            self.columns.insert(name.to_owned(), column);
        }
        let Some(column) = self.columns.get_mut(name) else { return Err(RecordError::own("no column")) };
        column.fill(row);
        Ok(column)
    }

    fn text(&mut self, row: usize, name: &str, value: String) -> Result<(), RecordError> {
        match self.column(row, name, Kind::Text)? {
            Column::Text(builder) => builder.append_value(value),
            other => return Err(other.mixed(row, name, "a text")),
        }
        Ok(())
    }

    fn number(&mut self, row: usize, name: &str, value: f64) -> Result<(), RecordError> {
        match self.column(row, name, Kind::Number)? {
            Column::Number(builder) => builder.append_value(value),
            other => return Err(other.mixed(row, name, "a number")),
        }
        Ok(())
    }

    fn whole(&mut self, row: usize, name: &str, value: i64) -> Result<(), RecordError> {
        match self.column(row, name, Kind::Whole)? {
            Column::Whole(builder) => builder.append_value(value),
            other => return Err(other.mixed(row, name, "a whole number")),
        }
        Ok(())
    }

    fn truth(&mut self, row: usize, name: &str, value: bool) -> Result<(), RecordError> {
        match self.column(row, name, Kind::Truth)? {
            Column::Truth(builder) => builder.append_value(value),
            other => return Err(other.mixed(row, name, "a truth value")),
        }
        Ok(())
    }

    fn vector(&mut self, row: usize, name: &str, items: &[Value]) -> Result<(), RecordError> {
        let Column::Vector(builder) = self.column(row, name, Kind::Vector)? else {
            return Err(self.columns[name].mixed(row, name, "a vector"));
        };
        for item in items {
            // An empty place is no number: what is checked of every format names it.
            builder.values().append_option(item.as_f64().map(narrow));
        }
        builder.append(true);
        Ok(())
    }

    fn finish(self) -> Result<RecordBatch, RecordError> {
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (name, mut column) in self.columns {
            column.fill(self.rows);
            let array: ArrayRef = match column {
                Column::Text(mut builder) => Arc::new(builder.finish()),
                Column::Number(mut builder) => Arc::new(builder.finish()),
                Column::Whole(mut builder) => Arc::new(builder.finish()),
                Column::Truth(mut builder) => Arc::new(builder.finish()),
                Column::Vector(mut builder) => Arc::new(builder.finish()),
            };
            fields.push(ArrowField::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(RecordError::own)
    }
}

impl Column {
    /// Rows without a value up to `rows`.
    fn fill(&mut self, rows: usize) {
        use arrow_array::builder::ArrayBuilder as _;
        match self {
            Self::Text(builder) => (builder.len()..rows).for_each(|_| builder.append_null()),
            Self::Number(builder) => (builder.len()..rows).for_each(|_| builder.append_null()),
            Self::Whole(builder) => (builder.len()..rows).for_each(|_| builder.append_null()),
            Self::Truth(builder) => (builder.len()..rows).for_each(|_| builder.append_null()),
            Self::Vector(builder) => (builder.len()..rows).for_each(|_| builder.append_null()),
        }
    }

    fn mixed(&self, row: usize, name: &str, found: &str) -> RecordError {
        let before = match self {
            Self::Text(_) => "texts",
            Self::Number(_) => "numbers",
            Self::Whole(_) => "whole numbers",
            Self::Truth(_) => "truth values",
            Self::Vector(_) => "vectors",
        };
        RecordError::at(
            row,
            name,
            format!("{found}, but records before it have {before}; a column has one type"),
        )
    }
}

/// The Arrow type of a kind.
pub(super) fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Number => DataType::Float64,
        Kind::Whole => DataType::Int64,
        Kind::Truth => DataType::Boolean,
        Kind::Vector => DataType::List(Arc::new(ArrowField::new_list_field(DataType::Float32, true))),
    }
}
