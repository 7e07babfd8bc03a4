//! Files with one JSON object on each line (NDJSON, JSON Lines). Lists of numbers are vectors; other
//! lists and objects are not compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use comptroller_stats::cells::{Block, BlockBuilder};
use serde_json::Value;

use super::{MAX_ROW, broken, open, raw};
use crate::error::LakeError;
use crate::source::{BATCH, ColumnInfo, Declared, Take, Visit};

/// Rows whose names are the columns; a name that first comes later is not seen.
const NAMING_ROWS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct JsonFile {
    path: PathBuf,
    columns: Vec<ColumnInfo>,
}

type Row = BTreeMap<String, Value>;

impl JsonFile {
    pub(crate) fn open(path: &Path) -> Result<Self, LakeError> {
        let mut columns = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut lines = lines(path)?;
        for _ in 0..NAMING_ROWS {
            let Some(row) = lines.next()? else { break };
            for (name, value) in row {
                let place = *places.entry(name.clone()).or_insert_with(|| {
                    columns.push(ColumnInfo { name, declared: Declared::Plain });
                    columns.len() - 1
                });
                let declared = &mut columns[place].declared;
                match value {
                    Value::Array(items) if raw::is_numbers(&items) && *declared != Declared::Nested => {
                        *declared = Declared::Vector;
                    }
                    Value::Array(_) | Value::Object(_) => *declared = Declared::Nested,
                    _ => {}
                }
            }
        }
        Ok(Self { path: path.to_owned(), columns })
    }

    pub(crate) fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    pub(crate) fn scan(&self, names: &[&str], take: Take<'_>) -> Result<(), LakeError> {
        let mut lines = lines(&self.path)?;
        let mut builders = vec![BlockBuilder::default(); names.len()];
        loop {
            let row = lines.next()?;
            if let Some(row) = &row {
                for (builder, name) in builders.iter_mut().zip(names) {
                    cell(builder, row.get(*name));
                }
            }
            let rows = builders.first().map_or(0, BlockBuilder::len);
            if rows >= BATCH || (row.is_none() && rows > 0) {
                let blocks: Vec<Block> =
                    builders.iter_mut().map(|builder| std::mem::take(builder).finish()).collect();
                take(&blocks)?;
            }
            if row.is_none() {
                return Ok(());
            }
        }
    }
}

impl JsonFile {
    pub(crate) fn visit(&self, names: &[&str], take: Visit<'_>) -> Result<(), LakeError> {
        let mut lines = lines(&self.path)?;
        while let Some(row) = lines.next()? {
            for (at, name) in names.iter().enumerate() {
                raw::json(row.get(*name), &mut |cell| take(at, cell));
            }
        }
        Ok(())
    }
}

fn lines(path: &Path) -> Result<Lines<'_>, LakeError> {
    Ok(Lines { path, reader: BufReader::new(open(path)?), line: 0, bytes: Vec::new() })
}

fn cell(builder: &mut BlockBuilder, value: Option<&Value>) {
    match value {
        Some(Value::Bool(truth)) => builder.text(if *truth { "true" } else { "false" }),
        Some(Value::Number(number)) => builder.number(number.as_f64().unwrap_or(f64::NAN)),
        Some(Value::String(text)) => builder.text(text.trim()),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => builder.null(),
    }
}

struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    line: u64,
    bytes: Vec<u8>,
}

impl Lines<'_> {
    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<Row>, LakeError> {
        loop {
            self.bytes.clear();
            self.line += 1;
            let place = format!("line {}", self.line);
            let read = (&mut self.reader).take(MAX_ROW).read_until(b'\n', &mut self.bytes);
            if read.map_err(|source| LakeError::Io { path: self.path.to_owned(), source })? == 0 {
                return Ok(None);
            }
            if self.bytes.len() as u64 >= MAX_ROW {
                return Err(broken(self.path, &place, format!("it has more than {MAX_ROW} bytes")));
            }
            let text = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes).trim_ascii();
            if text.is_empty() {
                continue;
            }
            if text.starts_with(b"[") {
                return Err(broken(self.path, &place, "a list; write one object on each line"));
            }
            return serde_json::from_slice(text).map(Some).map_err(|error| broken(self.path, &place, error));
        }
    }
}
