//! Arrow IPC files (also Feather version 2) and streams.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};

use super::{Each, blocks, broken, convert, guarded, next_batch, open, places, visited};
use crate::error::LakeError;
use crate::source::{ColumnInfo, Take, Visit};

#[derive(Debug)]
pub(crate) struct IpcFile {
    path: PathBuf,
    columns: Vec<ColumnInfo>,
}

impl IpcFile {
    pub(crate) fn open(path: &Path) -> Result<Self, LakeError> {
        let reader = reader(path, None)?;
        Ok(Self { path: path.to_owned(), columns: convert::columns(&reader.schema()) })
    }

    pub(crate) fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    pub(crate) fn scan(&self, names: &[&str], take: Take<'_>) -> Result<(), LakeError> {
        self.batches(names, &mut |place, batch| take(&blocks(&self.path, place, batch, names)?))
    }

    pub(crate) fn visit(&self, names: &[&str], take: Visit<'_>) -> Result<(), LakeError> {
        self.batches(names, &mut |place, batch| visited(&self.path, place, batch, names, take))
    }

    fn batches(&self, names: &[&str], each: Each<'_>) -> Result<(), LakeError> {
        let mut places = places(&self.columns, names);
        places.sort_unstable();
        let mut row = 0;
        let mut reader = reader(&self.path, Some(places))?;
        while let Some(batch) = next_batch(&mut reader) {
            let place = format!("behind row {row}");
            let batch = batch.map_err(|error| broken(&self.path, &place, error))?;
            row += batch.num_rows();
            each(&place, &batch)?;
        }
        Ok(())
    }
}

/// A file has its index at the end, a stream is read as it comes.
enum Batches {
    File(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
}

impl Batches {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        }
    }
}

fn reader(path: &Path, places: Option<Vec<usize>>) -> Result<Batches, LakeError> {
    let io = |source| LakeError::Io { path: path.to_owned(), source };
    let mut file = open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(6).read_to_end(&mut head).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let file = BufReader::new(file);
    let opened = guarded(|| {
        if head == b"ARROW1" {
            return FileReader::try_new(file, places).map(Batches::File).map_err(|error| error.to_string());
        }
        StreamReader::try_new(file, places).map(Batches::Stream).map_err(|error| error.to_string())
    });
    opened.map_err(|error| broken(path, "metadata", error))
}
