//! Signing: turns the committed head into a checkpoint that others may rely on.
//!
//! // INVARIANT (append-only): a head is signed only after the entries since the last signed head were read back
//! // from the database, hashed again, and found to lead from that head to this one. A smaller size, the same size
//! // with another root, or a clock before the last signature is fatal.
//!
//! Order (Sunlight's commit): full tiles to the object store, create-only -> the checkpoint row by compare-and-swap
//! -> the guard file -> the published object. A crash between any two steps is repaired by the next run.

use crate::db::{Conn, Db, execute};
use crate::guard::Guard;
use crate::journal::{self, CheckpointRow};
use crate::objects::Objects;
use crate::tx::HeadRow;
use crate::{StoreError, LogSigner};
use comptroller_core::Clock;
use comptroller_ledger::tile::{encode_tile, new_full_tiles};
use comptroller_ledger::{Checkpoint, EntryBundle, Frontier, Hash, leaf_hash};
use std::sync::Arc;

/// Entries read at a time.
const CHUNK: i64 = 1_024;
/// How often, at most, a checkpoint is also written as an object.
const OBJECT_EVERY_MICROS: i64 = 60_000_000;

/// What the publisher needs.
pub(crate) struct Publisher {
    pub(crate) db: Db,
    pub(crate) objects: Objects,
    pub(crate) guard: Guard,
    pub(crate) signer: LogSigner,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the guard is read and the signature made, one at a time.
    pub(crate) turn: tokio::sync::Mutex<Option<i64>>,
}

impl Publisher {
    /// Signs the present head if it is ahead of the last signed one. Answers the newest checkpoint.
    pub(crate) async fn publish(&self) -> Result<Option<CheckpointRow>, StoreError> {
        let mut last_object = self.turn.lock().await;
        let mut conn = self.db.read().await?;
        let last = journal::checkpoint(&mut conn).await?;
        let Some(head) = journal::head(&mut conn).await? else {
            return Ok(last);
        };
        let signed_size = last.as_ref().map_or(0, |c| c.size);
        if head.size < signed_size {
            return Err(StoreError::Damaged(format!(
                "the log has {} entries, but a head of {signed_size} was signed",
                head.size
            )));
        }
        if head.size == signed_size {
            return same_size(last, &head);
        }
        let now = self.clock.now().micros();
        if let Some(last) = &last
            && now < last.signed_at
        {
            return Err(StoreError::ClockWentBack { seconds: (last.signed_at - now) / 1_000_000 });
        }
        let from = frontier_of(last.as_ref())?;
        reread(&mut conn, &from, &head).await?;
        self.write_tiles(&mut conn, signed_size, head.size).await?;
        drop(conn);
        let row = self.sign(&head, now)?;
        self.guard.check(row.size, &row.root)?;
        self.swap(&row).await?;
        self.guard.raise(row.size, &row.root)?;
        if last_object.is_none_or(|at| now - at >= OBJECT_EVERY_MICROS) {
            let name = format!("log/checkpoints/{:020}", row.size);
            self.objects
                .put_new(&name, row.note.clone().into())
                .await
                .map_err(|error| StoreError::Objects(error.to_string()))?;
            *last_object = Some(now);
        }
        Ok(Some(row))
    }

    async fn write_tiles(&self, conn: &mut Conn, old: i64, new: i64) -> Result<(), StoreError> {
        for tile in new_full_tiles(old.unsigned_abs(), new.unsigned_abs()) {
            let hashes = journal::tile(conn, tile).await?;
            if hashes.len() != 256 {
                return Err(StoreError::Damaged(format!("{tile} should be full")));
            }
            self.put(&tile.path(), encode_tile(&hashes)).await?;
            if tile.level == 0 {
                let bundle = EntryBundle::new(tile.index, 256).map_err(|error| StoreError::Damaged(error.to_string()))?;
                let bytes = journal::bundle(conn, bundle).await?;
                self.put(&bundle.path(), bytes).await?;
            }
        }
        Ok(())
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.objects
            .put_new(&format!("log/{path}"), bytes.into())
            .await
            .map(|_| ())
            .map_err(|error| StoreError::Objects(error.to_string()))
    }

    fn sign(&self, head: &HeadRow, now: i64) -> Result<CheckpointRow, StoreError> {
        let root: Hash = head.root.parse().map_err(|_| StoreError::Damaged("log_head.root".into()))?;
        let note = self.signer.sign(&Checkpoint::new(&head.origin, head.size.unsigned_abs(), root))?;
        Ok(CheckpointRow {
            size: head.size,
            root: head.root.clone(),
            frontier: head.frontier.clone(),
            note,
            signed_at: now,
        })
    }

    async fn swap(&self, row: &CheckpointRow) -> Result<(), StoreError> {
        let mut conn = self.db.write().await?;
        let inserted = execute!(
            &mut conn,
            "INSERT INTO checkpoint (size, root, frontier, note, signed_at) \
             SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT) \
             WHERE NOT EXISTS (SELECT 1 FROM checkpoint WHERE size >= $1)",
            row.size,
            row.root.as_str(),
            row.frontier.as_str(),
            row.note.as_str(),
            row.signed_at
        );
        match inserted {
            Ok(1) => Ok(()),
            // Another process signed this head or a later one; the serial head makes both consistent.
            Ok(_) => Ok(()),
            Err(error) if error.is_unique_violation() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn same_size(last: Option<CheckpointRow>, head: &HeadRow) -> Result<Option<CheckpointRow>, StoreError> {
    match &last {
        Some(signed) if signed.root != head.root => Err(StoreError::Damaged(format!(
            "the head of {} entries has another root than the one that was signed",
            head.size
        ))),
        _ => Ok(last),
    }
}

fn frontier_of(last: Option<&CheckpointRow>) -> Result<Frontier, StoreError> {
    let Some(last) = last else { return Ok(Frontier::new()) };
    let frontier = Frontier::decode(last.size.unsigned_abs(), &last.frontier)
        .map_err(|error| StoreError::Damaged(format!("checkpoint of {}: {error}", last.size)))?;
    if frontier.root().to_string() != last.root {
        return Err(StoreError::Damaged(format!("checkpoint of {}: its frontier has another root", last.size)));
    }
    Ok(frontier)
}

/// Reads the new entries back and hashes them again: what is signed is what is stored.
async fn reread(conn: &mut Conn, from: &Frontier, head: &HeadRow) -> Result<(), StoreError> {
    let mut frontier = from.clone();
    let mut next = from.size() as i64;
    while next < head.size {
        let rows = journal::entries(conn, next, (next + CHUNK).min(head.size)).await?;
        if rows.is_empty() {
            return Err(StoreError::Damaged(format!("entry {next} is missing")));
        }
        for row in rows {
            if row.idx != next {
                return Err(StoreError::Damaged(format!("entry {next} is missing")));
            }
            let leaf = leaf_hash(row.entry.as_bytes());
            if leaf.to_string() != row.leaf_hash {
                return Err(StoreError::Damaged(format!("entry {next} does not hash to its stored leaf")));
            }
            frontier.append(leaf);
            next += 1;
        }
    }
    if frontier.root().to_string() != head.root {
        return Err(StoreError::Damaged(format!(
            "the entries up to {} do not lead from the last signed head to the head of the log",
            head.size
        )));
    }
    Ok(())
}
