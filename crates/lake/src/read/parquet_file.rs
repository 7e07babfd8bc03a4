//! Parquet files. The metadata is read once; each scan reads only the columns it asks for.

use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::{Each, blocks, broken, convert, guarded, next_batch, open, places, visited};
use crate::error::LakeError;
use crate::source::{BATCH, ColumnInfo, Take, Visit};

#[derive(Debug)]
pub(crate) struct ParquetFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    columns: Vec<ColumnInfo>,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, LakeError> {
        let file = open(path)?;
        let metadata = guarded(|| {
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| error.to_string())
        })
        .map_err(|error| broken(path, "metadata", error))?;
        let columns = convert::columns(metadata.schema());
        Ok(Self { path: path.to_owned(), metadata, columns })
    }

    pub(crate) fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    pub(crate) fn scan(&self, names: &[&str], take: Take<'_>) -> Result<(), LakeError> {
        self.batches(names, &mut |place, batch| take(&blocks(&self.path, place, batch, names)?))
    }

    pub(crate) fn visit(&self, names: &[&str], take: Visit<'_>) -> Result<(), LakeError> {
        self.batches(names, &mut |place, batch| visited(&self.path, place, batch, names, take))
    }

    fn batches(&self, names: &[&str], each: Each<'_>) -> Result<(), LakeError> {
        let places = places(&self.columns, names);
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(open(&self.path)?, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().copied());
        let mut reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH)
            .build()
            .map_err(|error| broken(&self.path, "metadata", error))?;
        let mut row = 0;
        while let Some(batch) = next_batch(&mut reader) {
            let place = format!("behind row {row}");
            let batch = batch.map_err(|error| broken(&self.path, &place, error))?;
            row += batch.num_rows();
            each(&place, &batch)?;
        }
        Ok(())
    }
}
