//! One side of a comparison: a file, a folder or a pattern, seen as one table.
//!
//! Opening reads no data, but for the header of text formats. Files may change between two scans; the
//! number of rows is then that of the scan.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use comptroller_stats::cells::Block;

use crate::error::LakeError;
use crate::read::{csv_file, ipc_file, json_file, parquet_file};

/// Files of one side, at most.
pub const MAX_FILES: usize = 10_000;
/// Columns of a file, at most.
pub const MAX_COLUMNS: usize = 100_000;
/// Rows of a batch.
pub(crate) const BATCH: usize = 65_536;
/// Bytes that are looked at to know a format.
const HEAD: usize = 16;

/// What kind of values a file declares for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Numbers, texts or truth values; also everything in formats that declare nothing.
    Plain,
    /// Points in time.
    Time,
    /// Lists of numbers.
    Vector,
    /// Other lists, records and bytes, which are not compared.
    Nested,
}

/// A cell as the file has it, whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// No value, or one of another kind.
    Nothing,
    /// A number; of a column of times, microseconds since 1970 in UTC.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A vector; a component that is missing is NaN.
    Vector(&'a [f32]),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name, unique in the table.
    pub name: String,
    /// What kind of values it declares.
    pub declared: Declared,
}

/// A file of a table.
#[derive(Debug)]
enum Reader {
    Parquet(parquet_file::ParquetFile),
    Ipc(ipc_file::IpcFile),
    Csv(csv_file::CsvFile),
    Json(json_file::JsonFile),
}

/// What takes the batches of a scan: one block for each asked column, in the order of the question.
pub type Take<'a> = &'a mut dyn FnMut(&[Block]) -> Result<(), LakeError>;

/// What takes the cells of a visit: the place of the column in the question, and the cell. Those of one column come in the
/// order of the rows.
pub type Visit<'a> = &'a mut dyn FnMut(usize, Raw<'_>);

/// One or several files as one table.
#[derive(Debug)]
pub struct Source {
    name: String,
    columns: Vec<ColumnInfo>,
    readers: Vec<Reader>,
}

impl Source {
    /// Opens a file, all files of a folder, or those that a pattern matches, in the order of their names.
    pub fn open(argument: &str) -> Result<Self, LakeError> {
        Self::of_paths(argument, paths(argument)?)
    }

    /// Opens files as one table.
    pub fn of_paths(name: &str, paths: Vec<PathBuf>) -> Result<Self, LakeError> {
        let mut source = Self { name: name.to_owned(), columns: Vec::new(), readers: Vec::new() };
        let Some(first) = paths.first().cloned() else {
            return Err(LakeError::NotFound { argument: name.to_owned() });
        };
        for path in paths {
            let reader = Reader::open(&path)?;
            let columns = reader.columns();
            if source.readers.is_empty() {
                check(columns, &path)?;
                source.columns = columns.to_vec();
            } else if let Some(lost) =
                source.columns.iter().find(|known| columns.iter().all(|column| column.name != known.name))
            {
                return Err(LakeError::OtherColumns { path, column: lost.name.clone(), first });
            }
            source.readers.push(reader);
        }
        Ok(source)
    }

    /// How it was named.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns of the first file; every other file has them too.
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    /// Rows, where every file says so without being read.
    pub fn known_rows(&self) -> Option<u64> {
        self.readers.iter().map(Reader::known_rows).sum()
    }

    /// Whether one column can be read without reading the others.
    pub fn is_columnar(&self) -> bool {
        self.readers.iter().all(|reader| matches!(reader, Reader::Parquet(_)))
    }

    fn names(&self, places: &[usize]) -> Vec<&str> {
        places.iter().filter_map(|at| self.columns.get(*at)).map(|column| column.name.as_str()).collect()
    }

    /// Reads the columns of these places, batch by batch, in the order of the rows.
    pub fn scan(&self, columns: &[usize], take: Take<'_>) -> Result<(), LakeError> {
        let names = self.names(columns);
        for reader in &self.readers {
            match reader {
                Reader::Parquet(file) => file.scan(&names, take)?,
                Reader::Ipc(file) => file.scan(&names, take)?,
                Reader::Csv(file) => file.scan(&names, take)?,
                Reader::Json(file) => file.scan(&names, take)?,
            }
        }
        Ok(())
    }

    /// Reads the columns of these places cell by cell, for what a block cannot hold: long texts and vectors.
    pub fn visit(&self, columns: &[usize], take: Visit<'_>) -> Result<(), LakeError> {
        let names = self.names(columns);
        for reader in &self.readers {
            match reader {
                Reader::Parquet(file) => file.visit(&names, take)?,
                Reader::Ipc(file) => file.visit(&names, take)?,
                Reader::Csv(file) => file.visit(&names, take)?,
                Reader::Json(file) => file.visit(&names, take)?,
            }
        }
        Ok(())
    }
}

impl Reader {
    fn open(path: &Path) -> Result<Self, LakeError> {
        let io = |source| LakeError::Io { path: path.to_owned(), source };
        let mut head = Vec::new();
        File::open(path).map_err(io)?.take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        if head.is_empty() {
            return Err(LakeError::Empty { path: path.to_owned(), what: "bytes" });
        }
        if head.starts_with(b"PAR1") {
            return parquet_file::ParquetFile::open(path).map(Self::Parquet);
        }
        if head.starts_with(b"ARROW1") {
            return ipc_file::IpcFile::open(path).map(Self::Ipc);
        }
        // A stream begins with the marker of its first message; as text that would be no UTF-8.
        if head.starts_with(&[0xff; 4]) {
            return ipc_file::IpcFile::open(path).map(Self::Ipc);
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        match extension.as_deref() {
            Some("ndjson" | "jsonl" | "json") => json_file::JsonFile::open(path).map(Self::Json),
            Some("csv" | "txt") => csv_file::CsvFile::open(path, None).map(Self::Csv),
            Some("tsv") => csv_file::CsvFile::open(path, Some(b'\t')).map(Self::Csv),
            Some("parquet" | "pq") => Err(LakeError::Broken {
                path: path.to_owned(),
                place: "beginning".to_owned(),
                problem: "it does not begin as a Parquet file".to_owned(),
            }),
            Some("arrow" | "arrows" | "feather" | "ipc") => Err(LakeError::Broken {
                path: path.to_owned(),
                place: "beginning".to_owned(),
                problem: "it does not begin as an Arrow IPC file or stream".to_owned(),
            }),
            _ if text.trim_ascii_start().starts_with(b"{") => json_file::JsonFile::open(path).map(Self::Json),
            _ => Err(LakeError::Unknown { path: path.to_owned() }),
        }
    }

    fn columns(&self) -> &[ColumnInfo] {
        match self {
            Self::Parquet(file) => file.columns(),
            Self::Ipc(file) => file.columns(),
            Self::Csv(file) => file.columns(),
            Self::Json(file) => file.columns(),
        }
    }

    fn known_rows(&self) -> Option<u64> {
        match self {
            Self::Parquet(file) => Some(file.rows()),
            Self::Ipc(_) | Self::Csv(_) | Self::Json(_) => None,
        }
    }
}

/// The files that an argument names, in the order of their names.
pub fn paths(argument: &str) -> Result<Vec<PathBuf>, LakeError> {
    let path = Path::new(argument);
    let mut found = if path.is_file() {
        vec![path.to_owned()]
    } else if path.is_dir() {
        let io = |source| LakeError::Io { path: path.to_owned(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?.path();
            let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']));
            if entry.is_file() && !hidden {
                files.push(entry);
            }
        }
        files
    } else {
        let pattern = glob::glob(argument).map_err(|error| LakeError::Pattern {
            argument: argument.to_owned(),
            problem: error.to_string(),
        })?;
        let mut files = Vec::new();
        for entry in pattern {
            let entry = entry.map_err(|error| LakeError::Io {
                path: error.path().to_owned(),
                source: std::io::Error::new(error.error().kind(), error.error().to_string()),
            })?;
            if entry.is_file() {
                files.push(entry);
            }
        }
        files
    };
    if found.is_empty() {
        return Err(LakeError::NotFound { argument: argument.to_owned() });
    }
    if found.len() > MAX_FILES {
        let what = format!("{} files, more than the {MAX_FILES} that are read as one table", found.len());
        return Err(LakeError::TooMuch { path: path.to_owned(), what });
    }
    found.sort();
    Ok(found)
}

/// There are columns, not too many, each with a name of its own.
fn check(columns: &[ColumnInfo], path: &Path) -> Result<(), LakeError> {
    if columns.is_empty() {
        return Err(LakeError::Empty { path: path.to_owned(), what: "columns" });
    }
    if columns.len() > MAX_COLUMNS {
        let what = format!("{} columns, more than the {MAX_COLUMNS} that are read", columns.len());
        return Err(LakeError::TooMuch { path: path.to_owned(), what });
    }
    let mut names = std::collections::BTreeSet::new();
    for column in columns {
        if !names.insert(&column.name) {
            return Err(LakeError::Broken {
                path: path.to_owned(),
                place: "header".to_owned(),
                problem: format!("two columns are named {:?}", column.name),
            });
        }
    }
    Ok(())
}
