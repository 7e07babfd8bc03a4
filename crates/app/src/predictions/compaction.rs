//! Small blocks of a day that is over move into one file.
//!
//! INVARIANT (blocks-stay): a block keeps its id, its root in the ledger, and the order and salts of its records. Only
//! its bytes move, so that every proof that was made holds, and every one that is asked for can be made. Nothing is moved
//! that does not lead to its root before and after.
//!
//! The new file is written under an id of its own, and is on the list of what is to be deleted until the event says that
//! it counts; then the old files are, after a while in which whoever reads them is done. So a crash at any point leaves
//! nothing behind and loses nothing.

use super::Ingest;
use super::blocks::{key_name, place, store_parts};
use crate::{App, AppError};
use bytes::Bytes;
use comptroller_core::ids::{BlockId, UploadId};
use comptroller_core::{Digest, Event};
use comptroller_lake::block::{Block, MAX_BLOCK_ROWS, join, root};
use comptroller_ledger::Hash;
use comptroller_store::areas::predictions::{self, BlockRow, ScatteredRow};
use comptroller_store::areas::retention;
use comptroller_store::{Draft, StoreError, keys};
use std::collections::{BTreeMap, HashMap};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// A day is left alone until its last block is so many seconds old.
const REST: i64 = 3_600;
/// Seconds after which the old files go, and after which a new one goes that never came to count.
const GRACE: i64 = 3_600;
const ABANDONED: i64 = 86_400;
/// A block of so many records is left where it is.
const LARGE: i64 = MAX_BLOCK_ROWS as i64 / 2;
/// Blocks of one file, at most: their ids stand in one event.
const MAX_TOGETHER: usize = 512;
/// Days of one look, at most.
const MAX_DAYS: i64 = 1_000;

/// What was looked at and cannot be put together, with the last of its blocks, by index.
#[derive(Debug, Default)]
pub struct LeftAlone(BTreeMap<String, i64>);

/// Blocks that fit together.
#[derive(Default)]
struct Group {
    rows: Vec<BlockRow>,
    blocks: Vec<Block>,
    records: usize,
}

impl App {
    /// Puts small blocks of finished days together. Answers how many files came of it.
    pub async fn compact_predictions(&self, alone: &mut LeftAlone) -> Result<usize, AppError> {
        let Some(ingest) = &self.ingest else { return Ok(0) };
        let now = self.store.clock().now();
        let today = now.micros().div_euclid(DAY);
        let mut conn = self.store.read().await?;
        let days = predictions::scattered(&mut conn, today, now.plus_seconds(-REST), LARGE, MAX_DAYS).await?;
        drop(conn);
        let mut made = 0;
        for day in days {
            let name = format!("{}/{}/{}/{}", day.version.0, day.environment.0, day.records.0, day.day);
            if alone.0.get(&name) == Some(&day.last) {
                continue;
            }
            match self.compact_day(ingest, &day).await {
                Ok(files) => {
                    made += files;
                    alone.0.insert(name, day.last);
                }
                // The other days do not wait for this one, and it is tried again.
                Err(error) => tracing::error!(day = name, error = %error, "blocks cannot be put together"),
            }
        }
        Ok(made)
    }

    async fn compact_day(&self, ingest: &Ingest, day: &ScatteredRow) -> Result<usize, AppError> {
        // Not while the same day is sealed: the number of its blocks is to stay.
        let _turn = ingest.sealing.lock().await;
        let (version, environment, records) = (day.version.0, day.environment.0, day.records.0);
        let mut conn = self.store.read().await?;
        let rows = predictions::of_days(&mut conn, version, environment, records, (day.day, day.day)).await?;
        drop(conn);
        let mut open: HashMap<Hash, Group> = HashMap::new();
        let mut made = 0;
        for row in rows.into_iter().filter(|row| row.file.0 == row.id.0 && row.row_count < LARGE) {
            let block = self.open_block(&row).await?;
            let schema = block.schema()?;
            let group = open.entry(schema).or_default();
            if group.records + block.records.len() > MAX_BLOCK_ROWS || group.rows.len() == MAX_TOGETHER {
                made += usize::from(self.put_together(std::mem::take(group)).await?);
            }
            group.records += block.records.len();
            group.rows.push(row);
            group.blocks.push(block);
        }
        for group in open.into_values() {
            made += usize::from(self.put_together(group).await?);
        }
        Ok(made)
    }

    /// Moves blocks into one file. Answers whether there was anything to do.
    async fn put_together(&self, group: Group) -> Result<bool, AppError> {
        let Group { rows, blocks, .. } = group;
        let [first, _, ..] = &rows[..] else { return Ok(false) };
        let roots: Vec<String> = rows.iter().map(|row| row.root.0.to_string()).collect();
        let joined = tokio::task::spawn_blocking(move || joined(&blocks, &roots));
        let file = joined.await.map_err(|error| AppError::Internal(error.to_string()))??;
        let mut parts = Vec::new();
        for row in &rows {
            parts.push(self.read_filter_bytes(row).await?);
            parts.push(self.read_index_bytes(row).await?);
        }
        let name = key_name(first.version.0, first.environment.0, first.day);
        let missing = || AppError::Internal(format!("the data key {name} is missing"));
        let key = self.store.data_key(&name).await?.ok_or_else(missing)?;
        let id = BlockId::new(self.store.clock().now(), keys::random()?);
        let upload = place(id)?;
        self.store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move {
                    let until = tx.now().plus_seconds(ABANDONED);
                    retention::put_unswept(tx.conn(), upload, until).await
                })
            })
            .await?;
        let digest: Digest = comptroller_ledger::digest(&file).to_string().parse()?;
        let bytes = file.len() as u64;
        store_parts(self.store.objects(), &key, upload, file, parts).await?;
        let event = Event::PredictionsCompacted {
            file: id,
            records: first.records.0,
            system: first.system.0,
            version: first.version.0,
            environment: first.environment.0,
            day: u32::try_from(first.day).unwrap_or(0),
            blocks: rows.iter().map(|row| row.id.0).collect(),
            digest,
            bytes,
        };
        let version = first.version.0;
        let old: Vec<(BlockId, UploadId)> =
            rows.iter().map(|row| Ok((row.id.0, place(row.id.0)?))).collect::<Result<_, AppError>>()?;
        self.store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    if !tx.has_data_key(&name, &key).await? {
                        return Err(StoreError::Config(format!("the key {name} was destroyed meanwhile")));
                    }
                    for (block, upload) in &old {
                        // Another server did the same.
                        let row = predictions::block(tx.conn(), *block).await?;
                        if row.is_none_or(|row| row.file.0 != *block) {
                            return Err(StoreError::Config(format!("block {block} moved meanwhile")));
                        }
                        retention::put_unswept(tx.conn(), *upload, now.plus_seconds(GRACE)).await?;
                    }
                    tx.record(Draft::new("system", event).about("version", &version)).await?;
                    retention::keep(tx.conn(), upload).await
                })
            })
            .await?;
        Ok(true)
    }
}

/// The file of these blocks, in which each of them leads to its root.
fn joined(blocks: &[Block], roots: &[String]) -> Result<Bytes, AppError> {
    let wrong = || AppError::Internal("the records of a block do not lead to the root on record".into());
    let kind = blocks.first().ok_or_else(wrong)?.records.kind();
    let file = join(blocks)?;
    for (at, (block, expected)) in blocks.iter().zip(roots).enumerate() {
        let moved = Block::read_part(kind, file.clone(), at)?;
        for block in [block, &moved] {
            if root(&block.leaves()?).to_string() != *expected {
                return Err(wrong());
            }
        }
    }
    Ok(file)
}
