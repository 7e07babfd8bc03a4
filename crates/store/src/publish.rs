//! Signing: turns the committed head into a checkpoint that others may rely on.
//!
//! // INVARIANT (append-only): a head is signed only after the entries since the last signed head were read back
//! // from the database, hashed again, and found to lead from that head to this one. A smaller size, the same size
//! // with another root, or a clock before the last signature is fatal.
//!
//! Order (Sunlight's commit): full tiles to the object store, create-only -> the checkpoint row by compare-and-swap
//! -> the guard file -> the published object. A crash between any two steps is repaired by the next run.

use crate::batch::CLOCK_SLACK_MICROS;
use crate::db::{Conn, Db, execute};
use crate::guard::{self, Guard};
use crate::journal::{self, CheckpointRow};
use crate::objects::Objects;
use crate::tx::HeadRow;
use crate::{LogSigner, StoreError};
use comptroller_core::Clock;
use comptroller_ledger::tile::{decode_bundle, encode_tile, new_full_tiles};
use comptroller_ledger::{Checkpoint, EntryBundle, Frontier, Hash, leaf_hash};
use std::collections::HashMap;
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
        // Read in this order: another process may be at work, and each of these only grows.
        let mark = self.guard.read()?;
        let mut conn = self.db.read().await?;
        let last = journal::checkpoint(&mut conn).await?;
        let Some(head) = journal::head(&mut conn).await? else {
            return Ok(last);
        };
        guard::check(mark.as_ref(), head.size, &head.root)?;
        let signed_size = last.as_ref().map_or(0, |c| c.size);
        if head.size < signed_size {
            return Err(StoreError::Damaged(format!(
                "the log has {} entries, but a head of {signed_size} was signed",
                head.size
            )));
        }
        if head.size == signed_size {
            let Some(last) = same_size(last, &head)? else { return Ok(None) };
            // A crash right after the last signature may have left the steps that follow it undone.
            self.show(&last, &mut last_object, last.signed_at).await?;
            return Ok(Some(last));
        }
        let now = self.now(last.as_ref())?;
        let from = frontier_of(last.as_ref())?;
        let subtrees = reread(&mut conn, &from, &head).await?;
        self.write_tiles(&mut conn, signed_size, head.size, &subtrees).await?;
        drop(conn);
        let row = self.swap(self.sign(&head, now)?).await?;
        self.show(&row, &mut last_object, now).await?;
        Ok(Some(row))
    }

    /// Raises the guard's mark, and writes the checkpoint as an object if the last one is old.
    async fn show(
        &self,
        row: &CheckpointRow,
        last_object: &mut Option<i64>,
        now: i64,
    ) -> Result<(), StoreError> {
        self.guard.raise(row.size, &row.root)?;
        if last_object.is_none_or(|at| now - at >= OBJECT_EVERY_MICROS) {
            let name = format!("log/checkpoints/{:020}", row.size);
            self.objects.put_new(&name, row.note.clone().into()).await?;
            *last_object = Some(now);
        }
        Ok(())
    }

    /// Never earlier than the last signature; a clock that is far behind it is fatal.
    fn now(&self, last: Option<&CheckpointRow>) -> Result<i64, StoreError> {
        let now = self.clock.now().micros();
        let signed = last.map_or(now, |c| c.signed_at);
        if now + CLOCK_SLACK_MICROS < signed {
            return Err(StoreError::ClockWentBack { seconds: (signed - now) / 1_000_000 });
        }
        Ok(now.max(signed))
    }

    async fn write_tiles(
        &self,
        conn: &mut Conn,
        old: i64,
        new: i64,
        subtrees: &Subtrees,
    ) -> Result<(), StoreError> {
        for tile in new_full_tiles(old.unsigned_abs(), new.unsigned_abs()) {
            let hashes = journal::tile(conn, tile).await?;
            // INVARIANT (append-only): a tile is shown to others only if it leads to the head that is signed. Its
            // older part may have been edited since it was last read.
            if hashes.len() != 256 || subtrees.get(&(tile.level + 1, tile.index)) != Some(&root_of(&hashes)) {
                return Err(StoreError::Damaged(format!("{tile} does not lead to the head of the log")));
            }
            self.put(&tile.path(), encode_tile(&hashes)).await?;
            if tile.level == 0 {
                let bundle = EntryBundle::new(tile.index, 256)
                    .map_err(|error| StoreError::Damaged(error.to_string()))?;
                let bytes = checked_bundle(conn, bundle, &hashes).await?;
                self.put(&bundle.path(), bytes).await?;
            }
        }
        Ok(())
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.objects.put_new(&format!("log/{path}"), bytes.into()).await?;
        Ok(())
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

    /// Stores the checkpoint unless one of this size or a later one is there. Answers the newest one.
    async fn swap(&self, row: CheckpointRow) -> Result<CheckpointRow, StoreError> {
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
            Ok(1) => return Ok(row),
            // Another process signed this head or a later one; the serial head makes both consistent.
            Ok(_) => {}
            Err(error) if error.is_unique_violation() => {}
            Err(error) => return Err(error),
        }
        let stored = journal::checkpoint(&mut conn).await?;
        stored.ok_or_else(|| StoreError::Damaged(format!("the checkpoint of {} vanished", row.size)))
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
        return Err(StoreError::Damaged(format!(
            "checkpoint of {}: its frontier has another root",
            last.size
        )));
    }
    Ok(frontier)
}

/// Roots of the complete subtrees of 256^level leaves, by level and index.
type Subtrees = HashMap<(u8, u64), Hash>;

/// Reads the new entries back and hashes them again: what is signed is what is stored.
///
/// Answers the subtrees that they completed.
async fn reread(conn: &mut Conn, from: &Frontier, head: &HeadRow) -> Result<Subtrees, StoreError> {
    let mut frontier = from.clone();
    let mut subtrees = Subtrees::new();
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
            frontier.append_noting(leaf, |level, index, root| {
                subtrees.insert((level, index), root);
            });
            next += 1;
        }
    }
    if frontier.root().to_string() != head.root {
        return Err(StoreError::Damaged(format!(
            "the entries up to {} do not lead from the last signed head to the head of the log",
            head.size
        )));
    }
    Ok(subtrees)
}

/// Root of the subtree over the hashes of one full tile.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut subtree = Frontier::new();
    for hash in hashes {
        subtree.append(*hash);
    }
    subtree.root()
}

/// The bytes of one full bundle, whose entries must hash to `leaves`.
async fn checked_bundle(
    conn: &mut Conn,
    bundle: EntryBundle,
    leaves: &[Hash],
) -> Result<Vec<u8>, StoreError> {
    let bytes = journal::bundle(conn, bundle).await?;
    let entries = decode_bundle(&bytes).map_err(|error| StoreError::Damaged(error.to_string()))?;
    if entries.len() != leaves.len()
        || entries.iter().zip(leaves).any(|(entry, leaf)| leaf_hash(entry) != *leaf)
    {
        return Err(StoreError::Damaged(format!("{bundle} does not hash to its tile")));
    }
    Ok(bytes)
}
