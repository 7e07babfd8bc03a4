//! CSV files: UTF-8, a header, as many fields in every row. Anything else is named with its line.

use std::cell::Cell;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use comptroller_stats::cells::{Block, BlockBuilder};

use super::text::field;
use super::{MAX_ROW, broken, open, places, raw};
use crate::error::LakeError;
use crate::source::{ColumnInfo, Declared, Take, Visit};

/// Separators that are told from the header, the commonest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Bytes of the header that the separator is told from.
const HEADER: u64 = 1 << 20;
/// Cells of a batch, so that a batch of many columns has fewer rows.
const BATCH_CELLS: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
    separator: u8,
    columns: Vec<ColumnInfo>,
}

impl CsvFile {
    pub(crate) fn open(path: &Path, separator: Option<u8>) -> Result<Self, LakeError> {
        let separator = match separator {
            Some(separator) => separator,
            None => guess(path)?,
        };
        let mut file = Self { path: path.to_owned(), separator, columns: Vec::new() };
        let mut reader = file.reader(&Rc::new(Cell::new(MAX_ROW)))?;
        let header = reader.byte_headers().map_err(|error| file.broken(&error, 0))?.clone();
        for (at, name) in header.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|_| file.not_utf8(1, at))?;
            // A byte order mark is no part of the name.
            let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { name };
            let name =
                if name.trim().is_empty() { format!("column {}", at + 1) } else { name.trim().to_owned() };
            file.columns.push(ColumnInfo { name, declared: Declared::Plain });
        }
        Ok(file)
    }

    pub(crate) fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    pub(crate) fn scan(&self, names: &[&str], take: Take<'_>) -> Result<(), LakeError> {
        let places = places(&self.columns, names);
        let batch = (BATCH_CELLS / places.len().max(1)).clamp(64, crate::source::BATCH);
        let left = Rc::new(Cell::new(MAX_ROW));
        let mut reader = self.reader(&left)?;
        let mut line = 1;
        let mut record = csv::ByteRecord::new();
        let mut builders = vec![BlockBuilder::default(); places.len()];
        loop {
            left.set(MAX_ROW);
            let more = reader.read_byte_record(&mut record).map_err(|error| self.broken(&error, line))?;
            if more {
                line = record.position().map_or(line, csv::Position::line);
                for (builder, place) in builders.iter_mut().zip(&places) {
                    let bytes = record.get(*place).unwrap_or_default();
                    let text = std::str::from_utf8(bytes).map_err(|_| self.not_utf8(line, *place))?;
                    field(builder, text);
                }
            }
            let rows = builders.first().map_or(0, BlockBuilder::len);
            if rows >= batch || (!more && rows > 0) {
                let blocks: Vec<Block> =
                    builders.iter_mut().map(|builder| std::mem::take(builder).finish()).collect();
                take(&blocks)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    pub(crate) fn visit(&self, names: &[&str], take: Visit<'_>) -> Result<(), LakeError> {
        let places = places(&self.columns, names);
        let left = Rc::new(Cell::new(MAX_ROW));
        let mut reader = self.reader(&left)?;
        let mut line = 1;
        let mut record = csv::ByteRecord::new();
        loop {
            left.set(MAX_ROW);
            if !reader.read_byte_record(&mut record).map_err(|error| self.broken(&error, line))? {
                return Ok(());
            }
            line = record.position().map_or(line, csv::Position::line);
            for (at, place) in places.iter().enumerate() {
                let bytes = record.get(*place).unwrap_or_default();
                let text = std::str::from_utf8(bytes).map_err(|_| self.not_utf8(line, *place))?;
                raw::field(text, &mut |cell| take(at, cell));
            }
        }
    }

    fn reader(&self, left: &Rc<Cell<u64>>) -> Result<csv::Reader<Bounded>, LakeError> {
        let file = Bounded { file: open(&self.path)?, left: Rc::clone(left) };
        let mut builder = csv::ReaderBuilder::new();
        Ok(builder.delimiter(self.separator).buffer_capacity(1 << 18).from_reader(file))
    }

    fn broken(&self, error: &csv::Error, line: u64) -> LakeError {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = pos.as_ref().map_or(line, csv::Position::line);
                let problem = format!("it has {len} fields, the header has {expected_len}");
                broken(&self.path, &format!("line {line}"), problem)
            }
            _ => broken(&self.path, &format!("behind line {line}"), error),
        }
    }

    fn not_utf8(&self, line: u64, column: usize) -> LakeError {
        broken(&self.path, &format!("line {line}, field {}", column + 1), "it is not UTF-8")
    }
}

/// The separator that the first line holds most of.
fn guess(path: &Path) -> Result<u8, LakeError> {
    let io = |source| LakeError::Io { path: path.to_owned(), source };
    let mut head = Vec::new();
    open(path)?.take(HEADER).read_to_end(&mut head).map_err(io)?;
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: u8| line.split(|byte| *byte == separator).count();
    let best = SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator));
    Ok(best.unwrap_or(b','))
}

/// The file, of which one row may take only so much.
struct Bounded {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(left) = self.left.get().checked_sub(buffer.len() as u64) else {
            let problem = format!("a row has more than {MAX_ROW} bytes; is a quote not closed?");
            return Err(Error::new(ErrorKind::InvalidData, problem));
        };
        self.left.set(left);
        self.file.read(buffer)
    }
}
