//! Prediction records, and labels that come later, as columns.
//!
//! Whatever format they come in, records are one table: an `id`, a `time`, what the model said, and an `input.NAME` for
//! each input. Five types of cells: numbers, whole numbers, truth values, texts and vectors (embeddings). Everything is
//! bounded here.

mod columns;
mod error;
pub mod file;
mod json;
mod merge;
pub(crate) mod row;

pub use error::RecordError;
pub use row::{Cell, Field, Kind, MAX_ROW_COLUMNS, RowError, SALT_BYTES, leaf, schema_digest};

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array as _, ListArray, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use comptroller_core::vocab::RecordKind;
use comptroller_stats::embedding::MAX_DIMS;

/// Records of one batch, at most.
pub const MAX_BATCH_ROWS: usize = 65_536;
/// Bytes of a batch in memory, at most.
pub const MAX_BATCH_BYTES: usize = 64 << 20;
/// Bytes of an id, at most.
pub const MAX_ID: usize = 128;
/// Bytes of another text, at most.
pub const MAX_TEXT: usize = 8 << 10;
/// Times are not before 2000-01-01 and not after 2200-01-01, in microseconds: a time in another unit is noticed.
pub const TIMES: std::ops::Range<i64> = 946_684_800_000_000..7_258_118_400_000_000;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// In what form records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"records": [...]}`.
    Json,
    /// One JSON object on each line.
    Ndjson,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// Columns that have a meaning, with the types that they have.
const PREDICTION: &[(&str, Kind)] = &[
    ("id", Kind::Text),
    ("time", Kind::Whole),
    ("prediction", Kind::Text),
    ("score", Kind::Number),
    ("latency_us", Kind::Whole),
    ("error", Kind::Text),
    ("caller", Kind::Text),
    ("subject", Kind::Text),
];
const LABEL: &[(&str, Kind)] = &[("id", Kind::Text), ("time", Kind::Whole), ("label", Kind::Text)];

/// The columns that have a meaning in records of a kind.
pub(crate) fn reserved(kind: RecordKind) -> &'static [(&'static str, Kind)] {
    match kind {
        RecordKind::Prediction => PREDICTION,
        RecordKind::Label => LABEL,
    }
}

/// Bytes of a table in memory. Columns of an Arrow stream share one buffer, which is not counted for each of them.
fn bytes_of(batch: &RecordBatch) -> usize {
    let of = |column: &arrow_array::ArrayRef| {
        column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    batch.columns().iter().map(of).sum()
}

/// A table of records; columns stand in the order of their names, and those without a value are left out.
#[derive(Clone, Debug)]
pub struct Records {
    kind: RecordKind,
    batch: RecordBatch,
}

impl Records {
    /// Reads records. `now` (microseconds) is the time of those that state none.
    pub fn read(kind: RecordKind, format: Format, bytes: &[u8], now: i64) -> Result<Self, RecordError> {
        let batch = match format {
            Format::Json => json::document(kind, bytes, now)?,
            Format::Ndjson => json::lines(kind, bytes, now)?,
            Format::Arrow => columns::arrow(kind, bytes, now)?,
            Format::Parquet => columns::parquet(kind, bytes, now)?,
        };
        let records = Self { kind, batch };
        records.check()?;
        Ok(records)
    }

    /// What they are.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        bytes_of(&self.batch)
    }

    /// As an Arrow IPC stream, for the write-ahead log.
    pub fn to_ipc(&self) -> Result<Vec<u8>, RecordError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &self.batch.schema()).map_err(RecordError::own)?;
        writer.write(&self.batch).map_err(RecordError::own)?;
        writer.into_inner().map_err(RecordError::own)
    }

    /// Reads what [`Records::to_ipc`] wrote.
    pub fn from_ipc(kind: RecordKind, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = StreamReader::try_new(bytes, None).map_err(RecordError::own)?;
        let batch = reader.next().ok_or_else(|| RecordError::own("a stream without a batch"))?;
        Ok(Self { kind, batch: batch.map_err(RecordError::own)? })
    }

    /// One table of several: a column that some lack is empty there, one of several types becomes text.
    pub fn concat(all: &[Self]) -> Result<Self, RecordError> {
        merge::concat(all)
    }

    /// The records of each day (days since 1970-01-01, UTC), in the order of the days.
    pub fn by_day(&self) -> Result<Vec<(i32, Self)>, RecordError> {
        let days = merge::by_span(self, DAY)?;
        Ok(days.into_iter().map(|(day, records)| (i32::try_from(day).unwrap_or(i32::MAX), records)).collect())
    }

    /// The records of each hour (hours since 1970-01-01, UTC), in the order of the hours.
    pub fn by_hour(&self) -> Result<Vec<(i64, Self)>, RecordError> {
        merge::by_span(self, DAY / 24)
    }

    /// Records `from..from + len`.
    pub fn slice(&self, from: usize, len: usize) -> Self {
        Self { kind: self.kind, batch: self.batch.slice(from, len) }
    }

    /// The first and the last time, microseconds.
    pub fn time_range(&self) -> (i64, i64) {
        let times = self.times();
        times.iter().fold((i64::MAX, i64::MIN), |(low, high), time| (low.min(*time), high.max(*time)))
    }

    /// Where the record of an id stands; the first, if there are several.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.ids().position(|known| known == id)
    }

    /// The ids, in the order of the records.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let column = self.batch.column_by_name("id").and_then(|column| column.as_string_opt::<i32>());
        column.into_iter().flat_map(|column| column.iter().flatten())
    }

    /// The times, microseconds.
    pub fn times(&self) -> &[i64] {
        self.batch
            .column_by_name("time")
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .map_or(&[], |column| column.values())
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The record in place `at`, field by field; empty behind the end.
    pub fn fields(&self, at: usize) -> Vec<Field> {
        if at < self.len() { row::fields_of(&self.batch, at) } else { Vec::new() }
    }

    /// A text of the record in place `at`; none if there is no such column, or no value.
    pub fn text(&self, column: &str, at: usize) -> Option<&str> {
        let column = self.batch.column_by_name(column)?.as_string_opt::<i32>()?;
        (at < column.len() && column.is_valid(at)).then(|| column.value(at))
    }

    /// The vectors of a column, in the order of the records; none if it holds something else.
    pub fn vectors(&self, column: &str) -> Option<impl Iterator<Item = Option<&[f32]>>> {
        let column = self.batch.column_by_name(column)?;
        let vectors =
            (Kind::of(column.data_type()) == Some(Kind::Vector)).then(|| column.as_list::<i32>())?;
        Some((0..vectors.len()).map(|at| vectors.is_valid(at).then(|| row::vector_at(vectors, at))))
    }

    /// A table of a day's block, as it was stored.
    pub(crate) fn of_batch(kind: RecordKind, batch: RecordBatch) -> Self {
        Self { kind, batch }
    }

    /// The table itself.
    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The columns as cells for statistics, each under its own name: inputs without their prefix.
    pub fn blocks(&self) -> Result<Vec<(String, comptroller_stats::cells::Block)>, RecordError> {
        let schema = self.batch.schema();
        let mut blocks = Vec::with_capacity(self.batch.num_columns());
        for (field, column) in schema.fields().iter().zip(self.batch.columns()) {
            let block = crate::read::convert::block(&Arc::clone(column)).map_err(RecordError::own)?;
            blocks.push((field.name().clone(), block));
        }
        Ok(blocks)
    }

    /// What holds for records of every format.
    fn check(&self) -> Result<(), RecordError> {
        if self.is_empty() {
            return Err(RecordError::Empty);
        }
        if self.len() > MAX_BATCH_ROWS {
            return Err(RecordError::TooMany { rows: self.len() });
        }
        if self.bytes() > MAX_BATCH_BYTES {
            return Err(RecordError::TooLarge);
        }
        if self.batch.num_columns() > MAX_ROW_COLUMNS {
            return Err(RecordError::TooManyColumns { columns: self.batch.num_columns() });
        }
        for (row, time) in self.times().iter().enumerate() {
            if !TIMES.contains(time) {
                return Err(RecordError::at(row, "time", "it is not between the years 2000 and 2200"));
            }
        }
        self.check_numbers()?;
        let schema = self.batch.schema();
        for (field, column) in schema.fields().iter().zip(self.batch.columns()) {
            if let Some(vectors) = column.as_list_opt::<i32>() {
                check_vectors(field.name(), vectors)?;
            }
            let Some(texts) = column.as_string_opt::<i32>() else { continue };
            let limit = if field.name() == "id" { MAX_ID } else { MAX_TEXT };
            for (row, text) in texts.iter().enumerate() {
                let Some(text) = text else { continue };
                if text.len() > limit {
                    let problem = format!("{} bytes, the limit is {limit}", text.len());
                    return Err(RecordError::at(row, field.name(), problem));
                }
            }
        }
        let mut seen = std::collections::HashSet::with_capacity(self.len());
        for (row, id) in self.ids().enumerate() {
            if id.is_empty() || id.chars().any(char::is_control) {
                return Err(RecordError::at(row, "id", "it is empty or has control characters"));
            }
            if !seen.insert(id) {
                return Err(RecordError::at(row, "id", format!("{id:?} stands twice in the batch")));
            }
        }
        Ok(())
    }

    /// Scores are finite numbers, and latencies are not below zero. Inputs may be anything: what they are is judged.
    fn check_numbers(&self) -> Result<(), RecordError> {
        let score =
            self.batch.column_by_name("score").and_then(|column| column.as_primitive_opt::<Float64Type>());
        for (row, score) in score.iter().flat_map(|scores| scores.iter()).enumerate() {
            if score.is_some_and(|score| !score.is_finite()) {
                return Err(RecordError::at(
                    row,
                    "score",
                    "it is no finite number; leave it out if there is none",
                ));
            }
        }
        let latency =
            self.batch.column_by_name("latency_us").and_then(|column| column.as_primitive_opt::<Int64Type>());
        for (row, latency) in latency.iter().flat_map(|all| all.iter()).enumerate() {
            if latency.is_some_and(|latency| latency < 0) {
                return Err(RecordError::at(row, "latency_us", "it is below zero"));
            }
        }
        Ok(())
    }
}

/// Vectors have 1 to [`MAX_DIMS`] numbers, all finite.
fn check_vectors(name: &str, vectors: &ListArray) -> Result<(), RecordError> {
    let items = vectors.values();
    for at in (0..vectors.len()).filter(|at| vectors.is_valid(*at)) {
        let vector = row::vector_at(vectors, at);
        if !(1..=MAX_DIMS).contains(&vector.len()) {
            let problem = format!("a vector of {} numbers; it has 1 to {MAX_DIMS}", vector.len());
            return Err(RecordError::at(at, name, problem));
        }
        let from = usize::try_from(vectors.value_offsets()[at]).unwrap_or(0);
        let wrong = |(place, number): (usize, &f32)| !number.is_finite() || items.is_null(from + place);
        if let Some(place) = vector.iter().enumerate().position(wrong) {
            let problem = format!("place {} of the vector is no finite 32-bit number", place + 1);
            return Err(RecordError::at(at, name, problem));
        }
    }
    Ok(())
}
