//! Sealing: what waits becomes blocks, and the blocks become events.

use super::Ingest;
use super::blocks::{key_name, place, store_parts};
use super::pending::{Batch, Stream, Waiting};
use crate::{App, AppError};
use comptroller_core::ids::BlockId;
use comptroller_core::vocab::RecordKind;
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_lake::block::{self, MAX_BLOCK_ROWS, Sealed};
use comptroller_lake::records::Records;
use comptroller_lake::wal::Position;
use comptroller_store::areas::labels;
use comptroller_store::areas::predictions::{self, BatchRow};
use comptroller_store::keys::{self, DataKey};
use comptroller_store::{Draft, StoreError};
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
            let (made, refused) = self.seal_stream(stream, &batches).await?;
            blocks += made;
            ingest.pending.sealed(stream, &batches);
            for waiting in batches.iter().filter(|waiting| !refused.contains(&waiting.position)) {
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

    /// Blocks that were made, and where batches stand that cannot be sealed.
    async fn seal_stream(
        &self,
        stream: Stream,
        batches: &[Waiting],
    ) -> Result<(usize, Vec<Position>), AppError> {
        let (fresh, refused) = self.not_sealed(stream, batches).await?;
        if fresh.is_empty() {
            return Ok((0, refused));
        }
        let records: Vec<Records> = fresh.iter().map(|waiting| waiting.batch.records.clone()).collect();
        let days = tokio::task::spawn_blocking(move || Records::concat(&records)?.by_day());
        let days = days.await.map_err(|error| AppError::Internal(error.to_string()))??;
        let (mut stored, mut keys, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
        for (day, records) in days {
            let key = self.day_key(stream, day).await?;
            keys.push((key_name(stream.version, stream.environment, i64::from(day)), key.clone()));
            for from in (0..records.len()).step_by(MAX_BLOCK_ROWS) {
                let part = records.slice(from, MAX_BLOCK_ROWS.min(records.len() - from));
                let block = self.store_block(&key, day, part.clone()).await?;
                sealed.push((block.id, part));
                stored.push(block);
            }
        }
        let made = self.record_blocks(stream, &fresh, stored, keys).await?;
        if stream.records == RecordKind::Prediction {
            for (block, records) in sealed {
                self.count_sealed(block, records).await;
            }
        }
        Ok((made, refused))
    }

    /// The batches that nobody has sealed: not this server before a crash, nor another one. Then where those stand of
    /// whose ids another server has sealed other records: a sender gave one id to two batches, on two servers at once.
    /// They stay in the write-ahead log, so that nothing is lost in silence.
    async fn not_sealed(
        &self,
        stream: Stream,
        batches: &[Waiting],
    ) -> Result<(Vec<Waiting>, Vec<Position>), AppError> {
        let mut conn = self.store.read().await?;
        let (mut fresh, mut refused) = (Vec::with_capacity(batches.len()), Vec::new());
        for waiting in batches {
            let Batch { id, digest, .. } = &waiting.batch;
            let sealed =
                predictions::batch(&mut conn, stream.version, stream.environment, stream.records, id).await?;
            match sealed {
                None => fresh.push(waiting.clone()),
                Some((known, _)) if known == *digest => {}
                Some(_) => {
                    tracing::error!(
                        batch = id, version.id = %stream.version, position = ?waiting.position,
                        "another server sealed a batch of this id with other records; this one stays in the \
                         write-ahead log and nowhere else: the sender has to send it under an id of its own"
                    );
                    refused.push(waiting.position);
                }
            }
        }
        Ok((fresh, refused))
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
        let behind = vec![sealed.filter.clone(), sealed.index.clone()];
        store_parts(self.store.objects(), key, upload, sealed.parquet.clone(), behind).await?;
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
        let labels: Vec<BlockId> = match stream.records {
            RecordKind::Label => blocks.iter().map(|block| block.id).collect(),
            RecordKind::Prediction => Vec::new(),
        };
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
                    for block in labels {
                        labels::put_unread(tx.conn(), block).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(made)
    }
}
