//! Sealing: what waits becomes blocks, and the blocks become events.

use super::Ingest;
use super::pending::{Stream, Waiting};
use crate::{App, AppError};
use bytes::Bytes;
use comptroller_core::ids::{BlockId, UploadId};
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_lake::block::{self, Block, MAX_BLOCK_ROWS, Sealed};
use comptroller_lake::filter::IdFilter;
use comptroller_lake::records::Records;
use comptroller_store::areas::predictions::{self, BatchRow, BlockRow};
use comptroller_store::artifacts::{self, MAX_PART_BYTES, Part};
use comptroller_store::keys::{self, DataKey};
use comptroller_store::{Draft, StoreError};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A block that is stored and not yet on record.
struct NewBlock {
    id: BlockId,
    day: i32,
    sealed: Sealed,
    digest: Digest,
}

impl App {
    /// Seals every stream that is due; all that wait if `all` is set. Answers how many blocks were made.
    pub async fn seal_predictions(&self, all: bool) -> Result<usize, AppError> {
        let Some(ingest) = &self.ingest else { return Ok(0) };
        let _turn = ingest.sealing.lock().await;
        let after = if all { Duration::ZERO } else { ingest.settings.seal_after };
        let (mut blocks, mut failed) = (0, None);
        for stream in ingest.pending.due(MAX_BLOCK_ROWS, after) {
            match self.seal_all_of(ingest, stream, after).await {
                Ok(made) => blocks += made,
                // The others are not to wait for this one.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(blocks), Err)
    }

    async fn seal_all_of(&self, ingest: &Ingest, stream: Stream, after: Duration) -> Result<usize, AppError> {
        let mut blocks = 0;
        while ingest.pending.due(MAX_BLOCK_ROWS, after).contains(&stream) {
            let batches = ingest.pending.oldest(stream, MAX_BLOCK_ROWS);
            blocks += self.seal_stream(stream, &batches).await?;
            ingest.pending.sealed(stream, &batches);
            for waiting in &batches {
                // The file stays if it cannot be removed; at the next start its batches are found sealed.
                if let Err(error) = ingest.wal.release(waiting.position) {
                    tracing::warn!(error = %error, "a segment of the write-ahead log could not be removed");
                }
            }
        }
        Ok(blocks)
    }

    /// Waits until a block may be full.
    pub(crate) async fn records_are_many(&self) {
        match &self.ingest {
            Some(ingest) => ingest.pending.full.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn seal_stream(&self, stream: Stream, batches: &[Waiting]) -> Result<usize, AppError> {
        let fresh = self.not_sealed(stream, batches).await?;
        if fresh.is_empty() {
            return Ok(0);
        }
        let records: Vec<Records> = fresh.iter().map(|waiting| waiting.batch.records.clone()).collect();
        let days = tokio::task::spawn_blocking(move || Records::concat(&records)?.by_day());
        let days = days.await.map_err(|error| AppError::Internal(error.to_string()))??;
        let (mut stored, mut keys) = (Vec::new(), Vec::new());
        for (day, records) in days {
            let key = self.day_key(stream, day).await?;
            keys.push((key_name(stream.version, stream.environment, i64::from(day)), key.clone()));
            for from in (0..records.len()).step_by(MAX_BLOCK_ROWS) {
                let part = records.slice(from, MAX_BLOCK_ROWS.min(records.len() - from));
                stored.push(self.store_block(&key, day, part).await?);
            }
        }
        self.record_blocks(stream, &fresh, stored, keys).await
    }

    /// The batches that nobody has sealed: not this server before a crash, nor another one.
    async fn not_sealed(&self, stream: Stream, batches: &[Waiting]) -> Result<Vec<Waiting>, AppError> {
        let mut conn = self.store.read().await?;
        let mut fresh: Vec<Waiting> = Vec::with_capacity(batches.len());
        let mut seen = BTreeSet::new();
        for waiting in batches {
            let id = &waiting.batch.id;
            let sealed =
                predictions::batch(&mut conn, stream.version, stream.environment, stream.records, id).await?;
            if sealed.is_none() && seen.insert(id) {
                fresh.push(waiting.clone());
            }
        }
        Ok(fresh)
    }

    /// The key of a day of a stream: destroying it destroys the day.
    async fn day_key(&self, stream: Stream, day: i32) -> Result<DataKey, AppError> {
        let name = key_name(stream.version, stream.environment, i64::from(day));
        if let Some(key) = self.store.data_key(&name).await? {
            return Ok(key);
        }
        self.store.write(move |tx| Box::pin(async move { Ok(tx.data_key(&name).await?) })).await
    }

    async fn store_block(&self, key: &DataKey, day: i32, records: Records) -> Result<NewBlock, AppError> {
        let secret = keys::random::<32>()?;
        let id = BlockId::new(self.store.clock().now(), keys::random()?);
        let sealed = tokio::task::spawn_blocking(move || block::seal(&records, &secret));
        let sealed = sealed.await.map_err(|error| AppError::Internal(error.to_string()))??;
        let upload = place(id)?;
        let mut parts: Vec<Bytes> = Vec::new();
        let mut rest = sealed.parquet.clone();
        while !rest.is_empty() {
            parts.push(rest.split_to(rest.len().min(MAX_PART_BYTES as usize)));
        }
        parts.push(sealed.filter.clone());
        for (number, bytes) in (1..).zip(parts) {
            let part = artifacts::encrypt_part(key, upload, number, bytes).await.map_err(stored)?;
            artifacts::store_part(self.store.objects(), key, upload, part).await.map_err(stored)?;
        }
        let digest = comptroller_ledger::digest(&sealed.parquet).to_string().parse()?;
        Ok(NewBlock { id, day, sealed, digest })
    }

    /// The events of the blocks and the ids of their batches, together or not at all.
    async fn record_blocks(
        &self,
        stream: Stream,
        batches: &[Waiting],
        blocks: Vec<NewBlock>,
        keys: Vec<(String, DataKey)>,
    ) -> Result<usize, AppError> {
        let rows: Vec<(String, String, i64)> = batches
            .iter()
            .map(|waiting| {
                let batch = &waiting.batch;
                (batch.id.clone(), batch.digest.clone(), batch.records.len() as i64)
            })
            .collect();
        let made = blocks.len();
        let mut drafts = Vec::with_capacity(made);
        for NewBlock { id, day, sealed, digest } in blocks {
            let event = Event::PredictionsSealed {
                block: id,
                records: stream.records,
                system: stream.system,
                version: stream.version,
                environment: stream.environment,
                day: u32::try_from(day).unwrap_or(0),
                rows: u32::try_from(sealed.rows).unwrap_or(u32::MAX),
                root: sealed.root.to_string().parse()?,
                digest,
                bytes: sealed.parquet.len() as u64,
                filter_bytes: sealed.filter.len() as u64,
                first_at: Timestamp::from_micros(sealed.times.0),
                last_at: Timestamp::from_micros(sealed.times.1),
            };
            drafts.push(Draft::new("system", event).about("version", &stream.version).about("block", &id));
        }
        self.store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    for (name, key) in &keys {
                        // A purge of that day came between: the blocks are noise now, and are made again.
                        if !tx.has_data_key(name, key).await? {
                            return Err(StoreError::Config(format!(
                                "the key {name} was destroyed meanwhile"
                            )));
                        }
                    }
                    for (batch, digest, rows) in &rows {
                        let row = BatchRow {
                            version: stream.version,
                            environment: stream.environment,
                            records: stream.records,
                            batch,
                            digest,
                            rows: *rows,
                        };
                        // INVARIANT (once-only): a batch that another server sealed meanwhile violates the key, and
                        // nothing of this transaction remains.
                        predictions::put_batch(tx.conn(), &row, now).await?;
                    }
                    for draft in drafts {
                        tx.record(draft).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(made)
    }

    /// The records of a block, opened and held against the event that sealed it.
    pub(crate) async fn open_block(&self, row: &BlockRow) -> Result<Block, AppError> {
        let key = self.block_key(row).await?;
        let upload = place(row.id.0)?;
        let mut left = row.bytes.unsigned_abs();
        let mut bytes = Vec::with_capacity(left as usize);
        let mut number = 1;
        while left > 0 {
            let part = Part { number, bytes: left.min(MAX_PART_BYTES) };
            let mut frames = std::pin::pin!(artifacts::read_part(self.store.objects(), &key, upload, part));
            while let Some(frame) = frames.try_next().await.map_err(stored)? {
                bytes.extend_from_slice(&frame);
            }
            left -= part.bytes;
            number += 1;
        }
        let (expected, kind) = (row.digest.0.clone(), row.records.0);
        let opened = tokio::task::spawn_blocking(move || {
            if comptroller_ledger::digest(&bytes).to_string() != expected.as_str() {
                return Err(AppError::Internal("the file of a block is not the one on record".into()));
            }
            Ok(Block::read(kind, bytes.into())?)
        });
        opened.await.map_err(|error| AppError::Internal(error.to_string()))?
    }

    /// The filter of a block's ids; none when this server's memory of it and the store have none.
    pub(crate) async fn block_filter(
        &self,
        ingest: &Ingest,
        row: &BlockRow,
    ) -> Result<Arc<IdFilter>, AppError> {
        let id = row.id.0;
        if let Some(filter) = ingest.filters.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(filter));
        }
        let key = self.block_key(row).await?;
        let number = u32::try_from(row.bytes.unsigned_abs().div_ceil(MAX_PART_BYTES) + 1).unwrap_or(u32::MAX);
        let part = Part { number, bytes: row.filter_bytes.unsigned_abs() };
        let mut bytes = Vec::new();
        let mut frames = std::pin::pin!(artifacts::read_part(self.store.objects(), &key, place(id)?, part));
        while let Some(frame) = frames.try_next().await.map_err(stored)? {
            bytes.extend_from_slice(&frame);
        }
        let filter = IdFilter::from_bytes(&bytes)
            .ok_or_else(|| AppError::Internal(format!("the filter of block {id} is not one")))?;
        let filter = Arc::new(filter);
        let mut filters = ingest.filters.lock().unwrap_or_else(PoisonError::into_inner);
        if filters.values().map(|filter| filter.size()).sum::<usize>() + filter.size() > super::MAX_FILTERS {
            filters.clear();
        }
        filters.insert(id, Arc::clone(&filter));
        Ok(filter)
    }

    async fn block_key(&self, row: &BlockRow) -> Result<DataKey, AppError> {
        let name = key_name(row.version.0, row.environment.0, row.day);
        let key = self.store.data_key(&name).await?;
        key.ok_or_else(|| AppError::Internal(format!("the data key {name} is missing")))
    }
}

fn key_name(
    version: comptroller_core::ids::VersionId,
    environment: comptroller_core::Environment,
    day: i64,
) -> String {
    format!("predictions/{version}/{environment}/{day}")
}

/// A block's bytes stand where the parts of an upload of the same id would.
fn place(block: BlockId) -> Result<UploadId, AppError> {
    Ok(block.to_string().parse()?)
}

fn stored(error: artifacts::ArtifactsError) -> AppError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    AppError::Internal(text)
}
