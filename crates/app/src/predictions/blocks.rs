//! Reading sealed blocks: a whole one, its filter and index of ids, or one record of it.
//!
//! A file of blocks stands where the parts of an upload of its id would, and behind it the filter and the index of each
//! block in it. A block that is alone in its file has its id; see `compaction.rs` for the others.

use super::Ingest;
use crate::models::find_version;
use crate::{App, AppError};
use bytes::Bytes;
use comptroller_core::Environment;
use comptroller_core::ids::{BlockId, UploadId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::block::Block;
use comptroller_lake::block_file::{BlockFile, TAIL, Tail};
use comptroller_lake::filter::{IdFilter, IdHash};
use comptroller_lake::index;
use comptroller_lake::records::Records;
use comptroller_store::areas::predictions::{self, BlockRow};
use comptroller_store::artifacts::{self, MAX_PART_BYTES, Part};
use comptroller_store::keys::DataKey;
use comptroller_store::objects::Objects;
use futures_util::{StreamExt as _, stream};
use std::ops::Range;
use std::sync::Arc;

/// Filters that are read at once.
const AT_ONCE: usize = 4;
/// Blocks whose filters are read when a server starts, at most.
const MAX_WARM: i64 = 1 << 14;

impl App {
    /// The inputs of the newest sealed records of a version. None: there are none yet, or they cannot be read; what
    /// watches them says so of itself.
    pub(crate) async fn inputs_of(&self, version: &str) -> Result<Option<Vec<String>>, AppError> {
        let mut conn = self.store.read().await?;
        let version = find_version(&mut conn, version).await?.1.id.0;
        let newest = predictions::newest_of_version(&mut conn, version, RecordKind::Prediction).await?;
        drop(conn);
        let Some(newest) = newest else { return Ok(None) };
        let Ok(block) = self.open_block(&newest).await else { return Ok(None) };
        let names = block.records.names();
        Ok(Some(names.iter().filter_map(|name| name.strip_prefix("input.")).map(str::to_owned).collect()))
    }

    /// The records of a block, opened and held against the event that sealed it.
    pub(crate) async fn open_block(&self, row: &BlockRow) -> Result<Block, AppError> {
        let key = self.block_key(row).await?;
        let bytes = self.read_file(row, &key, 0..row.bytes.unsigned_abs()).await?;
        let (expected, kind) = (row.digest.0.clone(), row.records.0);
        let within = usize::try_from(row.place).unwrap_or(usize::MAX);
        let opened = tokio::task::spawn_blocking(move || {
            if comptroller_ledger::digest(&bytes).to_string() != expected.as_str() {
                return Err(AppError::Internal("the file of a block is not the one on record".into()));
            }
            Ok(Block::read_part(kind, bytes, within)?)
        });
        opened.await.map_err(|error| AppError::Internal(error.to_string()))?
    }

    /// The filter of a block's ids.
    pub(crate) async fn block_filter(
        &self,
        ingest: &Ingest,
        row: &BlockRow,
    ) -> Result<Arc<IdFilter>, AppError> {
        let id = row.id.0;
        if let Some(filter) = ingest.catalogue.filter(id) {
            return Ok(filter);
        }
        let filter = Arc::new(self.read_filter(row).await?);
        ingest.catalogue.keep(id, Arc::clone(&filter));
        Ok(filter)
    }

    async fn read_filter(&self, row: &BlockRow) -> Result<IdFilter, AppError> {
        let bytes = self.read_filter_bytes(row).await?;
        IdFilter::from_bytes(&bytes)
            .ok_or_else(|| AppError::Internal(format!("the filter of block {} is not one", row.id.0)))
    }

    /// Reads the filters of the newest blocks, so that the first who look for a record need not wait for them.
    pub(crate) async fn warm_filters(&self) -> Result<(), AppError> {
        let Some(ingest) = &self.ingest else { return Ok(()) };
        let mut conn = self.store.read().await?;
        let rows = predictions::newest(&mut conn, MAX_WARM).await?;
        drop(conn);
        let mut filters = std::pin::pin!(
            stream::iter(rows)
                .map(|row| async move { (row.id.0, self.read_filter(&row).await) })
                .buffered(AT_ONCE)
        );
        while let Some((block, filter)) = filters.next().await {
            match filter {
                Ok(filter) => {
                    if !ingest.catalogue.keep(block, Arc::new(filter)) {
                        return Ok(());
                    }
                }
                // Whoever looks into it is told.
                Err(error) => tracing::warn!(block.id = %block, error = %error, "a filter cannot be read"),
            }
        }
        Ok(())
    }

    /// Places in a block where the record of an id may stand; by its index, so hardly ever one where it does not.
    pub(super) async fn places(&self, row: &BlockRow, id: IdHash) -> Result<Vec<usize>, AppError> {
        let bytes = self.read_index_bytes(row).await?;
        index::places(&bytes, id)
            .ok_or_else(|| AppError::Internal(format!("the index of block {} is not one", row.id.0)))
    }

    /// The record in place `at` of a block, from the pieces of its file that hold it.
    pub(super) async fn record_at(&self, row: &BlockRow, at: usize) -> Result<Records, AppError> {
        let key = self.block_key(row).await?;
        let length = row.bytes.unsigned_abs();
        let mut needed = TAIL.min(length);
        let file = loop {
            let tail = self.read_file(row, &key, length - needed..length).await?;
            match BlockFile::read(&tail, length)? {
                Tail::Read(file) => break file,
                Tail::Needs(more) => needed = more.min(length),
            }
        };
        let missing = || AppError::Internal(format!("block {} has no record in place {at}", row.id.0));
        let place = file.place(usize::try_from(row.place).unwrap_or(usize::MAX), at).ok_or_else(missing)?;
        let bytes = self.read_file(row, &key, place.bytes.clone()).await?;
        let kind = row.records.0;
        let read = tokio::task::spawn_blocking(move || file.record(kind, &place, bytes));
        Ok(read.await.map_err(|error| AppError::Internal(error.to_string()))??)
    }

    /// Bytes of a block's file, which may stand in several parts.
    async fn read_file(&self, row: &BlockRow, key: &DataKey, range: Range<u64>) -> Result<Bytes, AppError> {
        let upload = place(row.file.0)?;
        let length = row.bytes.unsigned_abs();
        let mut pieces = Vec::new();
        for part in parts_of(length) {
            let start = u64::from(part.number - 1) * MAX_PART_BYTES;
            let (from, to) = (range.start.max(start), range.end.min(start + part.bytes));
            if from < to {
                let within = from - start..to - start;
                let piece = artifacts::read_range(self.store.objects(), key, upload, part, within).await;
                pieces.push(piece.map_err(stored)?);
            }
        }
        Ok(match pieces.len() {
            1 => pieces.remove(0),
            _ => pieces.concat().into(),
        })
    }

    /// The filter of a block as it is stored.
    pub(super) async fn read_filter_bytes(&self, row: &BlockRow) -> Result<Bytes, AppError> {
        self.read_small(row, 1, row.filter_bytes.unsigned_abs()).await
    }

    /// The index of a block as it is stored.
    pub(crate) async fn read_index_bytes(&self, row: &BlockRow) -> Result<Bytes, AppError> {
        self.read_small(row, 2, index::bytes_of(row.row_count.unsigned_abs())).await
    }

    /// A small part of a block that stands behind its file.
    async fn read_small(&self, row: &BlockRow, which: u64, bytes: u64) -> Result<Bytes, AppError> {
        let key = self.block_key(row).await?;
        let file = parts_of(row.bytes.unsigned_abs()).len() as u64;
        let number = u32::try_from(file + row.place.unsigned_abs() * 2 + which).unwrap_or(u32::MAX);
        let (part, upload) = (Part { number, bytes }, place(row.file.0)?);
        artifacts::read_range(self.store.objects(), &key, upload, part, 0..bytes).await.map_err(stored)
    }

    pub(super) async fn block_key(&self, row: &BlockRow) -> Result<DataKey, AppError> {
        let name = key_name(row.version.0, row.environment.0, row.day);
        let key = self.store.data_key(&name).await?;
        key.ok_or_else(|| AppError::Internal(format!("the data key {name} is missing")))
    }
}

/// The parts that a file of so many bytes stands in.
fn parts_of(length: u64) -> Vec<Part> {
    let starts = (0..length).step_by(MAX_PART_BYTES as usize);
    let part = |(number, start)| Part { number, bytes: MAX_PART_BYTES.min(length - start) };
    (1..).zip(starts).map(part).collect()
}

/// The name of the key of a day of a version's records.
pub(super) fn key_name(version: VersionId, environment: Environment, day: i64) -> String {
    format!("predictions/{version}/{environment}/{day}")
}

/// Stores a file and what stands behind it.
pub(super) async fn store_parts(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    mut file: Bytes,
    behind: Vec<Bytes>,
) -> Result<(), AppError> {
    let mut parts: Vec<Bytes> = Vec::new();
    while !file.is_empty() {
        parts.push(file.split_to(file.len().min(MAX_PART_BYTES as usize)));
    }
    parts.extend(behind);
    for (number, bytes) in (1..).zip(parts) {
        let part = artifacts::encrypt_part(key, upload, number, bytes).await.map_err(stored)?;
        artifacts::store_part(objects, key, upload, part).await.map_err(stored)?;
    }
    Ok(())
}

/// A block's bytes stand where the parts of an upload of the same id would.
pub(super) fn place(block: BlockId) -> Result<UploadId, AppError> {
    Ok(block.to_string().parse()?)
}

pub(super) fn stored(error: artifacts::ArtifactsError) -> AppError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    AppError::Internal(text)
}
