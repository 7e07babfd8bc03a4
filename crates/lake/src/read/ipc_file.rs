//! Arrow IPC files (also Feather version 2).

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use arrow_ipc::reader::FileReader;

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

fn reader(path: &Path, places: Option<Vec<usize>>) -> Result<FileReader<BufReader<File>>, LakeError> {
    let file = BufReader::new(open(path)?);
    guarded(|| FileReader::try_new(file, places).map_err(|error| error.to_string()))
        .map_err(|error| broken(path, "metadata", error))
}
