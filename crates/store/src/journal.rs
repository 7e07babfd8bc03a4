//! Reading the event journal: entries, payloads, tiles and proofs. Never writes.

use crate::StoreError;
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::keys::OrgKey;
use crate::tx::HeadRow;
use comptroller_core::ids::KeyId;
use comptroller_ledger::proof::{ConsistencyPlan, InclusionPlan};
use comptroller_ledger::{EntryBundle, Hash, Tile};
use std::collections::{BTreeMap, btree_map};
use zeroize::Zeroizing;

/// One entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EntryRow {
    /// Dense index.
    pub idx: i64,
    /// Its type.
    pub kind: String,
    /// Canonical bytes.
    pub entry: String,
    /// Leaf hash, hex.
    pub leaf_hash: String,
}

/// A signed checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CheckpointRow {
    /// Log size.
    pub size: i64,
    /// Root, hex.
    pub root: String,
    /// Right edge.
    pub frontier: String,
    /// The signed note.
    pub note: String,
    /// When it was signed, microseconds.
    pub signed_at: i64,
}

/// What a list of entries is narrowed to; empty text = anything.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Event type.
    pub kind: String,
    /// Actor, `principal/<id>`.
    pub actor: String,
    /// Subject, for example `version/<id>`.
    pub subject: String,
    /// Stream.
    pub stream: String,
}

/// The private part of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Readable: salt and canonical JSON.
    Readable {
        /// Name of the commitment.
        name: String,
        /// The salt of the commitment.
        salt: [u8; 32],
        /// Canonical JSON; cleared from memory when dropped.
        plain: Zeroizing<Vec<u8>>,
    },
    /// Its key was destroyed.
    Erased,
    /// The event has none.
    Absent,
}

/// The head of the log, whether or not it is signed yet.
pub async fn head(conn: &mut Conn) -> Result<Option<HeadRow>, StoreError> {
    fetch_optional!(
        conn,
        HeadRow,
        "SELECT origin, size, root, frontier, recorded_at FROM log_head WHERE id = 0"
    )
}

/// The newest signed checkpoint.
pub async fn checkpoint(conn: &mut Conn) -> Result<Option<CheckpointRow>, StoreError> {
    fetch_optional!(
        conn,
        CheckpointRow,
        "SELECT size, root, frontier, note, signed_at FROM checkpoint ORDER BY size DESC LIMIT 1"
    )
}

/// Signed checkpoints with `from <= size <= to`, ascending, at most `limit`.
pub async fn checkpoints(
    conn: &mut Conn,
    from: i64,
    to: i64,
    limit: i64,
) -> Result<Vec<CheckpointRow>, StoreError> {
    fetch_all!(
        conn,
        CheckpointRow,
        "SELECT size, root, frontier, note, signed_at FROM checkpoint WHERE size >= $1 AND size <= $2 \
         ORDER BY size LIMIT $3",
        from,
        to,
        limit
    )
}

/// Entries `from..to`, ascending.
pub async fn entries(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<EntryRow>, StoreError> {
    fetch_all!(
        conn,
        EntryRow,
        "SELECT idx, kind, entry, leaf_hash FROM journal WHERE idx >= $1 AND idx < $2 ORDER BY idx",
        from,
        to
    )
}

/// Entries `from..to` that changes of production follow from, but for the decisions, ascending.
pub async fn entries_of_changes(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<EntryRow>, StoreError> {
    fetch_all!(
        conn,
        EntryRow,
        "SELECT idx, kind, entry, leaf_hash FROM journal WHERE idx >= $1 AND idx < $2 AND kind IN \
         ('version.registered', 'approval.requested', 'approval.voted', 'emergency.opened', 'emergency.confirmed', \
         'emergency.used', 'deployment.created') ORDER BY idx",
        from,
        to
    )
}

/// The entries of the decisions behind the deployments `from..=to` of the log.
pub async fn decisions_of_deployments(
    conn: &mut Conn,
    from: i64,
    to: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    fetch_all!(
        conn,
        EntryRow,
        "SELECT idx, kind, entry, leaf_hash FROM journal WHERE idx IN (SELECT d.idx FROM deployment p \
         JOIN decision d ON d.id = p.decision WHERE p.idx >= $1 AND p.idx <= $2)",
        from,
        to
    )
}

/// Entries before `before` that match `filter`, newest first, at most `limit`.
pub async fn search(
    conn: &mut Conn,
    filter: &EntryFilter,
    before: i64,
    limit: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    fetch_all!(
        conn,
        EntryRow,
        "SELECT idx, kind, entry, leaf_hash FROM journal WHERE idx < $1 AND ($2 = '' OR kind = $2) \
         AND ($3 = '' OR actor = $3) AND ($4 = '' OR stream = $4) \
         AND ($5 = '' OR EXISTS (SELECT 1 FROM journal_subject s WHERE s.subject = $5 AND s.idx = journal.idx)) \
         ORDER BY idx DESC LIMIT $6",
        before,
        filter.kind.as_str(),
        filter.actor.as_str(),
        filter.stream.as_str(),
        filter.subject.as_str(),
        limit
    )
}

/// How many `record.read` events name `resource`, by actor: who queried what, and how often.
pub async fn readers_of(conn: &mut Conn, resource: &str) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        conn,
        (String, i64),
        "SELECT journal.actor, CAST(COUNT(*) AS BIGINT) FROM journal \
         JOIN journal_subject s ON s.idx = journal.idx \
         WHERE s.subject = $1 AND journal.kind = 'record.read' GROUP BY journal.actor ORDER BY journal.actor",
        resource
    )
}

/// Opens the private part of an event. Damaged ciphertext is an error; a destroyed key is [`Opened::Erased`].
pub async fn payload(conn: &mut Conn, key: &OrgKey, idx: i64) -> Result<Opened, StoreError> {
    let row = fetch_optional!(
        conn,
        (String, String, String, Option<String>),
        "SELECT p.name, p.key_id, p.ciphertext, k.wrapped FROM payload p \
         LEFT JOIN data_key k ON k.key_id = p.key_id WHERE p.idx = $1",
        idx
    )?;
    let Some((name, id, ciphertext, wrapped)) = row else {
        return Ok(Opened::Absent);
    };
    let Some(wrapped) = wrapped else {
        return Ok(Opened::Erased);
    };
    let data_key = key.unwrap(key_id(&id)?, &wrapped)?;
    let aad = format!("payload/{idx}/{name}");
    let (salt, plain) = crate::keys::open_payload(&data_key, aad.as_bytes(), &ciphertext)?;
    Ok(Opened::Readable { name, salt, plain })
}

/// Entries below `size` whose private part can be read, ascending; `personal`: also those that are under the key of a
/// person or of a data subject.
pub async fn openings(conn: &mut Conn, size: i64, personal: bool) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64,)> = fetch_all!(
        conn,
        (i64,),
        "SELECT p.idx FROM payload p JOIN data_key k ON k.key_id = p.key_id \
         WHERE p.idx < $1 AND ($2 = 1 OR k.subject IS NULL) ORDER BY p.idx",
        size,
        i64::from(personal)
    )?;
    Ok(rows.into_iter().map(|(idx,)| idx).collect())
}

/// A key id as it stands in a row.
pub(crate) fn key_id(text: &str) -> Result<KeyId, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("key id {text:?}")))
}

/// The private part of an event as `T`; none if it has none or was erased.
pub async fn private<T: serde::de::DeserializeOwned>(
    conn: &mut Conn,
    key: &OrgKey,
    idx: Option<i64>,
) -> Result<Option<T>, StoreError> {
    let Some(idx) = idx else { return Ok(None) };
    match payload(conn, key, idx).await? {
        Opened::Readable { plain, .. } => serde_json::from_slice(&plain)
            .map(Some)
            .map_err(|error| StoreError::Damaged(format!("payload of event {idx}: {error}"))),
        Opened::Erased | Opened::Absent => Ok(None),
    }
}

/// The hashes of one tile, full or partial. Fewer than asked for = the log is not that long.
pub async fn tile(conn: &mut Conn, tile: Tile) -> Result<Vec<Hash>, StoreError> {
    let first = i64::try_from(tile.index * 256).map_err(|_| StoreError::Damaged("tile index".into()))?;
    let last = first + i64::from(tile.width);
    let row = if tile.level == 0 {
        fetch_optional!(
            conn,
            (Option<String>,),
            "SELECT string_agg(leaf_hash, '\n' ORDER BY idx) FROM journal WHERE idx >= $1 AND idx < $2",
            first,
            last
        )?
    } else {
        fetch_optional!(
            conn,
            (Option<String>,),
            "SELECT string_agg(hash, '\n' ORDER BY idx) FROM tile_hash \
             WHERE level = $1 AND idx >= $2 AND idx < $3",
            i64::from(tile.level),
            first,
            last
        )?
    };
    let Some((Some(hashes),)) = row else { return Ok(Vec::new()) };
    hashes
        .split('\n')
        .map(|hash| hash.parse().map_err(|_| StoreError::Damaged(format!("a hash of tile {tile}"))))
        .collect()
}

/// The bytes of one entry bundle.
pub async fn bundle(conn: &mut Conn, bundle: EntryBundle) -> Result<Vec<u8>, StoreError> {
    let first = i64::try_from(bundle.index * 256).map_err(|_| StoreError::Damaged("bundle index".into()))?;
    let block = block(conn, first, first + i64::from(bundle.width)).await?;
    let entries: Vec<&str> = block.iter().map(|(_, entry, _)| entry).collect();
    comptroller_ledger::tile::encode_bundle(&entries).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// Entries that follow one another, read as one row: a row for each would cost more than what stands in it.
#[derive(Clone, Debug)]
pub struct Block {
    first: i64,
    /// A line for each; canonical JSON has no line break in it.
    entries: Option<String>,
    hashes: Option<String>,
}

impl Block {
    /// Index, canonical bytes and leaf hash in hex of each entry.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &str, &str)> {
        let entries = self.entries.iter().flat_map(|entries| entries.split('\n'));
        let hashes = self.hashes.iter().flat_map(|hashes| hashes.split('\n'));
        (self.first..).zip(entries.zip(hashes)).map(|(idx, (entry, hash))| (idx, entry, hash))
    }
}

/// Entries `from..to` of the log as one block.
pub async fn block(conn: &mut Conn, from: i64, to: i64) -> Result<Block, StoreError> {
    let row = fetch_optional!(
        conn,
        (Option<String>, Option<String>),
        "SELECT string_agg(entry, '\n' ORDER BY idx), string_agg(leaf_hash, '\n' ORDER BY idx) FROM journal \
         WHERE idx >= $1 AND idx < $2",
        from,
        to
    )?;
    let (entries, hashes) = row.unwrap_or_default();
    Ok(Block { first: from, entries, hashes })
}

/// The first `limit` entries below `size` of a type, ascending.
pub async fn of_kind(conn: &mut Conn, kind: &str, size: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64,)> = fetch_all!(
        conn,
        (i64,),
        "SELECT idx FROM journal WHERE kind = $1 AND idx < $2 ORDER BY idx LIMIT $3",
        kind,
        size,
        limit
    )?;
    Ok(rows.into_iter().map(|(idx,)| idx).collect())
}

/// Builds proofs, and keeps the tiles of the last one for the next: proofs of neighbours need the same.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

impl Prover {
    /// The inclusion proof of an entry in the tree of `size` entries, leaf's sibling first.
    pub async fn inclusion(
        &mut self,
        conn: &mut Conn,
        index: u64,
        size: u64,
    ) -> Result<Vec<Hash>, StoreError> {
        let plan = InclusionPlan::new(index, size).map_err(|error| StoreError::Config(error.to_string()))?;
        self.read(conn, plan.tiles()).await?;
        plan.build(&|wanted| self.tiles.get(&wanted).cloned())
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Reads the tiles that a proof needs and forgets all others.
    async fn read(&mut self, conn: &mut Conn, wanted: Vec<Tile>) -> Result<(), StoreError> {
        self.tiles.retain(|known, _| wanted.contains(known));
        for wanted in wanted {
            if let btree_map::Entry::Vacant(place) = self.tiles.entry(wanted) {
                place.insert(tile(conn, wanted).await?);
            }
        }
        Ok(())
    }
}

/// The inclusion proof of one entry.
pub async fn inclusion(conn: &mut Conn, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
    Prover::default().inclusion(conn, index, size).await
}

/// The proof that the tree of `old` entries is a prefix of the tree of `new` entries; empty if `old` is 0 or `new`.
pub async fn consistency(conn: &mut Conn, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
    let plan = ConsistencyPlan::new(old, new).map_err(|error| StoreError::Config(error.to_string()))?;
    let mut prover = Prover::default();
    prover.read(conn, plan.tiles()).await?;
    plan.build(&|wanted| prover.tiles.get(&wanted).cloned())
        .map_err(|error| StoreError::Damaged(error.to_string()))
}
