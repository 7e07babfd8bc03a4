//! A file of records as batches to be sent: lines of JSON as they stand, Parquet and Arrow as Arrow IPC streams.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{RecordBatch, StringArray, UInt32Array};
use arrow_cast::cast;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;
use comptroller_ledger::hash::digest;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::RecordError;
use crate::read::{guarded, next_batch};

/// Bytes of a line, at most.
const MAX_LINE: u64 = 1 << 20;

/// A batch to be sent.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The beginning of the SHA-256 of its bytes, and its number: the same file gives the same ids.
    pub id: String,
    /// What the bytes are.
    pub media_type: &'static str,
    /// The records.
    pub bytes: Vec<u8>,
}

/// How a file becomes batches.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Records of a batch, at least 1.
    pub rows: usize,
    /// Columns that get another name: from, to.
    pub rename: Vec<(String, String)>,
    /// A file with further columns of the same records, and the column that tells which.
    pub join: Option<(PathBuf, String)>,
    /// The time of records that have none, RFC 3339.
    pub time: Option<String>,
}

/// The batches of a file.
pub type Batches = Box<dyn Iterator<Item = Result<Batch, RecordError>>>;

/// Reads a file as batches.
pub fn batches(path: &Path, options: FileOptions) -> Result<Batches, RecordError> {
    let rows = options.rows.max(1);
    let Some(tables) = tables(path, rows)? else {
        if !options.rename.is_empty() || options.join.is_some() || options.time.is_some() {
            return Err(RecordError::format(
                path.display().to_string(),
                "renaming, joining and a common time are for Parquet and Arrow files; write them into the lines",
            ));
        }
        let file =
            File::open(path).map_err(|error| RecordError::format(path.display().to_string(), error))?;
        let lines = Lines { reader: BufReader::new(file), path: path.to_owned(), rows, line: 0 };
        return Ok(Box::new(
            lines.enumerate().map(|(number, bytes)| Ok(batch(number, "application/x-ndjson", bytes?))),
        ));
    };
    let join = options.join.as_ref().map(|(path, on)| Joined::open(path, on)).transpose()?;
    let media_type = "application/vnd.apache.arrow.stream";
    Ok(Box::new(tables.enumerate().map(move |(number, table)| {
        let mut table = table?;
        if let Some(join) = &join {
            table = join.add_to(&table)?;
        }
        let table = named(&table, &options)?;
        Ok(batch(number, media_type, stream(&table)?))
    })))
}

type Tables = Box<dyn Iterator<Item = Result<RecordBatch, RecordError>>>;

/// The tables of a Parquet or Arrow IPC file; none if it is neither.
fn tables(path: &Path, rows: usize) -> Result<Option<Tables>, RecordError> {
    let place = path.display().to_string();
    let broken = |error: &dyn std::fmt::Display| RecordError::format(place.clone(), error);
    let open = || File::open(path).map_err(|error| broken(&error));
    let mut head = [0; 6];
    let length = open()?.read(&mut head).map_err(|error| broken(&error))?;
    if head[..length].starts_with(b"PAR1") {
        let builder = ParquetRecordBatchReaderBuilder::try_new(open()?).map_err(|error| broken(&error))?;
        let reader = builder.with_batch_size(rows).build().map_err(|error| broken(&error))?;
        return Ok(Some(Box::new(
            reader.map(move |table| table.map_err(|e| RecordError::format(place.clone(), e))),
        )));
    }
    if head == *b"ARROW1" {
        let reader = FileReader::try_new(open()?, None).map_err(|error| broken(&error))?;
        return Ok(Some(Box::new(reader.flat_map(move |table| match table {
            Ok(table) => slices(&table, rows),
            Err(error) => vec![Err(RecordError::format(place.clone(), error))],
        }))));
    }
    // A message of a stream begins with this mark.
    if head[..length].starts_with(&[0xff; 4]) {
        let opened = open()?;
        let reader = guarded(|| StreamReader::try_new(opened, None).map_err(|error| error.to_string()));
        let mut reader = reader.map_err(|error| broken(&error))?;
        let next = std::iter::from_fn(move || next_batch(&mut reader));
        return Ok(Some(Box::new(next.flat_map(move |table| match table {
            Ok(table) => slices(&table, rows),
            Err(error) => vec![Err(RecordError::format(place.clone(), error))],
        }))));
    }
    Ok(None)
}

fn slices(table: &RecordBatch, rows: usize) -> Vec<Result<RecordBatch, RecordError>> {
    let parts = (0..table.num_rows()).step_by(rows);
    parts.map(|from| Ok(table.slice(from, rows.min(table.num_rows() - from)))).collect()
}

fn stream(table: &RecordBatch) -> Result<Vec<u8>, RecordError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &table.schema()).map_err(RecordError::own)?;
    writer.write(table).map_err(RecordError::own)?;
    writer.into_inner().map_err(RecordError::own)
}

/// The table under its new names, with the common time.
fn named(table: &RecordBatch, options: &FileOptions) -> Result<RecordBatch, RecordError> {
    let schema = table.schema();
    for (from, _) in &options.rename {
        if schema.column_with_name(from).is_none() {
            return Err(RecordError::format(
                format!("column {from:?}"),
                "it is to be renamed and is not there",
            ));
        }
    }
    let mut fields = Vec::new();
    for field in schema.fields() {
        let renamed = options.rename.iter().find(|(from, _)| from == field.name());
        let name = renamed.map_or(field.name(), |(_, to)| to);
        fields.push(Field::new(name, field.data_type().clone(), true));
    }
    let mut columns = table.columns().to_vec();
    if let Some(time) = &options.time
        && fields.iter().all(|field| field.name() != "time")
    {
        fields.push(Field::new("time", DataType::Utf8, true));
        columns.push(Arc::new(StringArray::from(vec![time.as_str(); table.num_rows()])));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(RecordError::own)
}

/// Further columns of the same records, in memory.
struct Joined {
    table: RecordBatch,
    on: String,
    rows: HashMap<String, u32>,
    place: String,
}

impl Joined {
    fn open(path: &Path, on: &str) -> Result<Self, RecordError> {
        let place = path.display().to_string();
        let Some(tables) = tables(path, 65_536)? else {
            return Err(RecordError::format(place, "it is neither a Parquet nor an Arrow IPC file"));
        };
        let tables = tables.collect::<Result<Vec<_>, _>>()?;
        let Some(first) = tables.first() else { return Err(RecordError::format(place, "it holds no row")) };
        let table = concat_batches(&first.schema(), &tables).map_err(RecordError::own)?;
        let mut rows = HashMap::new();
        for (row, key) in keys(&table, on, &place)?.into_iter().enumerate() {
            if let Some(key) = key
                && rows.insert(key, row as u32).is_some()
            {
                return Err(RecordError::at(row, on, format!("in {place} it stands there twice")));
            }
        }
        Ok(Self { table, on: on.to_owned(), rows, place })
    }

    fn add_to(&self, table: &RecordBatch) -> Result<RecordBatch, RecordError> {
        let mut rows = Vec::with_capacity(table.num_rows());
        for (row, key) in keys(table, &self.on, "the records")?.into_iter().enumerate() {
            let found = key.and_then(|key| self.rows.get(&key).copied());
            let missing = || RecordError::at(row, &self.on, format!("{} has no such row", self.place));
            rows.push(found.ok_or_else(missing)?);
        }
        let rows = UInt32Array::from(rows);
        let mut fields: Vec<Field> =
            table.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut columns = table.columns().to_vec();
        for (field, column) in self.table.schema().fields().iter().zip(self.table.columns()) {
            if table.schema().column_with_name(field.name()).is_none() {
                fields.push(field.as_ref().clone());
                columns.push(take(column, &rows, None).map_err(RecordError::own)?);
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(RecordError::own)
    }
}

/// A column as texts.
fn keys(table: &RecordBatch, name: &str, place: &str) -> Result<Vec<Option<String>>, RecordError> {
    let column = table
        .column_by_name(name)
        .ok_or_else(|| RecordError::format(format!("column {name:?}"), format!("{place} lacks it")))?;
    let texts = cast(column, &DataType::Utf8).map_err(RecordError::own)?;
    Ok(texts.as_string::<i32>().iter().map(|key| key.map(str::to_owned)).collect())
}

fn batch(number: usize, media_type: &'static str, bytes: Vec<u8>) -> Batch {
    let digest = digest(&bytes).to_string();
    Batch { id: format!("{}-{number}", &digest[..32]), media_type, bytes }
}

struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    rows: usize,
    line: usize,
}

impl Iterator for Lines {
    type Item = Result<Vec<u8>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        let mut rows = 0;
        while rows < self.rows {
            let before = bytes.len();
            let read = self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes);
            let place = || format!("{}:{}", self.path.display(), self.line + 1);
            match read {
                Ok(0) => break,
                Ok(length) if length as u64 > MAX_LINE => {
                    return Some(Err(RecordError::format(place(), "a line of more than 1 MiB")));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(RecordError::format(place(), error))),
            }
            self.line += 1;
            rows += usize::from(!bytes[before..].trim_ascii().is_empty());
        }
        (rows > 0).then_some(Ok(bytes))
    }
}
