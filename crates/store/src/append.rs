//! Appends the staged events of a batch to the log: rows, hashes and the new head, in the batch's transaction.

use crate::db::{Conn, execute};
use crate::tx::{Staged, Tx};
use crate::{StoreError, erase};
use sqlx::QueryBuilder;
use std::collections::BTreeMap;

/// Most rows of one INSERT: 8 binds a row stay far under SQLite's 32,766 and PostgreSQL's 65,535.
const ROWS: usize = 512;

/// Inserts several rows with one statement on either database.
macro_rules! insert_rows {
    ($conn:expr, $sql:expr, $rows:expr, |$b:ident, $row:pat_param| $push:expr) => {
        match $conn {
            Conn::Sqlite(c) => {
                let mut query = QueryBuilder::<sqlx::Sqlite>::new($sql);
                query.push_values($rows, |mut $b, $row| {
                    $push;
                });
                query.build().execute(&mut **c).await.map(|_| ()).map_err(StoreError::from)
            }
            Conn::Postgres(c) => {
                let mut query = QueryBuilder::<sqlx::Postgres>::new($sql);
                query.push_values($rows, |mut $b, $row| {
                    $push;
                });
                query.build().execute(&mut **c).await.map(|_| ()).map_err(StoreError::from)
            }
        }
    };
}

pub(crate) async fn append_staged(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.staged.is_empty() {
        return Ok(());
    }
    let mut frontier = tx.frontier()?;
    let mut staged = std::mem::take(&mut tx.staged);
    erase::bury(&mut staged, &tx.erasures);
    let mut tiles: Vec<(i64, i64, String)> = Vec::new();
    for event in &staged {
        frontier.append_noting(event.leaf, |level, index, hash| {
            tiles.push((i64::from(level), index as i64, hash.to_string()));
        });
    }
    let first = tx.head.size;
    for (chunk_no, chunk) in staged.chunks(ROWS).enumerate() {
        insert_journal(&mut tx.conn, first + (chunk_no * ROWS) as i64, chunk).await?;
    }
    if !tiles.is_empty() {
        insert_rows!(&mut tx.conn, "INSERT INTO tile_hash (level, idx, hash) ", &tiles, |b,
                                                                                         (
            level,
            idx,
            hash,
        )| b
            .push_bind(*level)
            .push_bind(*idx)
            .push_bind(hash.as_str()))?;
    }
    raise_streams(tx, first, &staged).await?;
    let size = first + staged.len() as i64;
    // INVARIANT (append-only): compare and swap on the head that this batch began with.
    let swapped = execute!(
        &mut tx.conn,
        "UPDATE log_head SET size = $1, root = $2, frontier = $3, recorded_at = $4 \
         WHERE id = 0 AND size = $5 AND root = $6",
        size,
        frontier.root().to_string(),
        frontier.encode(),
        tx.now.micros(),
        first,
        tx.head.root.as_str()
    )?;
    if swapped != 1 {
        return Err(StoreError::Damaged("another writer moved the head of the log under a batch".into()));
    }
    Ok(())
}

async fn insert_journal(conn: &mut Conn, first: i64, chunk: &[Staged]) -> Result<(), StoreError> {
    insert_rows!(
        conn,
        "INSERT INTO journal (idx, stream, stream_seq, kind, recorded_at, actor, entry, leaf_hash) ",
        chunk.iter().enumerate(),
        |b, (offset, event)| b
            .push_bind(first + offset as i64)
            .push_bind(event.entry.stream.as_str())
            .push_bind(event.entry.stream_seq as i64)
            .push_bind(event.entry.kind.as_str())
            .push_bind(event.entry.recorded_at)
            .push_bind(event.entry.actor.as_str())
            .push_bind(event.bytes.as_str())
            .push_bind(event.leaf.to_string())
    )?;
    let payloads: Vec<_> = chunk
        .iter()
        .enumerate()
        .filter_map(|(offset, event)| Some((first + offset as i64, event.payload.as_ref()?)))
        .collect();
    if !payloads.is_empty() {
        insert_rows!(conn, "INSERT INTO payload (idx, name, key_id, ciphertext) ", &payloads, |b,
                                                                                               (
            idx,
            (name, key_id, ciphertext),
        )| b
            .push_bind(*idx)
            .push_bind(name.as_str())
            .push_bind(key_id.as_str())
            .push_bind(ciphertext.as_str()))?;
    }
    insert_subjects(
        conn,
        chunk
            .iter()
            .enumerate()
            .map(|(offset, event)| (first + offset as i64, event.entry.subjects.as_slice())),
    )
    .await
}

/// Indexes what each event is about. Shared with the rebuild, which fills the same table from the journal.
pub(crate) async fn insert_subjects<'e>(
    conn: &mut Conn,
    events: impl Iterator<Item = (i64, &'e [String])>,
) -> Result<(), StoreError> {
    let mut rows: Vec<(&str, i64)> =
        events.flat_map(|(idx, subjects)| subjects.iter().map(move |s| (s.as_str(), idx))).collect();
    rows.sort_unstable();
    rows.dedup();
    for chunk in rows.chunks(ROWS) {
        insert_rows!(conn, "INSERT INTO journal_subject (subject, idx) ", chunk, |b, (subject, idx)| b
            .push_bind(*subject)
            .push_bind(*idx))?;
    }
    Ok(())
}

async fn raise_streams(tx: &mut Tx, first: i64, staged: &[Staged]) -> Result<(), StoreError> {
    let mut last: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for (offset, event) in staged.iter().enumerate() {
        last.insert(&event.entry.stream, (event.entry.stream_seq as i64 + 1, first + offset as i64));
    }
    let rows: Vec<_> = last.into_iter().collect();
    for chunk in rows.chunks(ROWS) {
        raise_stream_rows(&mut tx.conn, chunk).await?;
    }
    Ok(())
}

/// Sets count and last index of streams.
pub(crate) async fn raise_stream_rows(
    conn: &mut Conn,
    rows: &[(&str, (i64, i64))],
) -> Result<(), StoreError> {
    macro_rules! upsert {
        ($db:ty, $c:expr) => {{
            let mut query = QueryBuilder::<$db>::new("INSERT INTO stream_head (stream, count, last_idx) ");
            query.push_values(rows, |mut b, (stream, (count, last))| {
                b.push_bind(*stream).push_bind(*count).push_bind(*last);
            });
            query.push(
                " ON CONFLICT (stream) DO UPDATE SET count = excluded.count, last_idx = excluded.last_idx",
            );
            query.build().execute(&mut **$c).await.map(|_| ()).map_err(StoreError::from)
        }};
    }
    match conn {
        Conn::Sqlite(c) => upsert!(sqlx::Sqlite, c),
        Conn::Postgres(c) => upsert!(sqlx::Postgres, c),
    }
}
