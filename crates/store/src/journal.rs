//! Reading the event journal: entries, payloads, tiles and proofs. Never writes.

use crate::StoreError;
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::keys::OrgKey;
use crate::tx::HeadRow;
use comptroller_core::ids::KeyId;
use comptroller_ledger::proof::{ConsistencyPlan, InclusionPlan};
use comptroller_ledger::{EntryBundle, Hash, Tile};
use std::collections::BTreeMap;
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
    let rows = if tile.level == 0 {
        fetch_all!(
            conn,
            (String,),
            "SELECT leaf_hash FROM journal WHERE idx >= $1 AND idx < $2 ORDER BY idx",
            first,
            last
        )?
    } else {
        fetch_all!(
            conn,
            (String,),
            "SELECT hash FROM tile_hash WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx",
            i64::from(tile.level),
            first,
            last
        )?
    };
    rows.iter()
        .map(|row| row.0.parse::<Hash>().map_err(|_| StoreError::Damaged(format!("a hash of tile {tile}"))))
        .collect()
}

/// The bytes of one entry bundle.
pub async fn bundle(conn: &mut Conn, bundle: EntryBundle) -> Result<Vec<u8>, StoreError> {
    let first = i64::try_from(bundle.index * 256).map_err(|_| StoreError::Damaged("bundle index".into()))?;
    let rows = entries(conn, first, first + i64::from(bundle.width)).await?;
    let entries: Vec<&[u8]> = rows.iter().map(|row| row.entry.as_bytes()).collect();
    comptroller_ledger::tile::encode_bundle(&entries).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The inclusion proof of an entry in the tree of `size` entries, leaf's sibling first.
pub async fn inclusion(conn: &mut Conn, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
    let plan = InclusionPlan::new(index, size).map_err(|error| StoreError::Config(error.to_string()))?;
    let tiles = tiles(conn, plan.tiles()).await?;
    plan.build(&|wanted| tiles.get(&wanted).cloned()).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The proof that the tree of `old` entries is a prefix of the tree of `new` entries; empty if `old` is 0 or `new`.
pub async fn consistency(conn: &mut Conn, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
    let plan = ConsistencyPlan::new(old, new).map_err(|error| StoreError::Config(error.to_string()))?;
    let tiles = tiles(conn, plan.tiles()).await?;
    plan.build(&|wanted| tiles.get(&wanted).cloned()).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The hashes of the tiles that a proof needs.
async fn tiles(
    conn: &mut Conn,
    wanted: impl IntoIterator<Item = Tile>,
) -> Result<BTreeMap<Tile, Vec<Hash>>, StoreError> {
    let mut tiles = BTreeMap::new();
    for wanted in wanted {
        tiles.insert(wanted, tile(conn, wanted).await?);
    }
    Ok(tiles)
}
