//! Appends the staged events of a batch to the log: rows, hashes and the new head, in the batch's transaction.

use crate::db::{Conn, Link, execute};
use crate::tx::{Staged, Tx};
use crate::{StoreError, erase};
use sqlx::QueryBuilder;
use std::collections::BTreeMap;

/// Most rows of one INSERT: 8 binds a row stay far under SQLite's 32,766 and PostgreSQL's 65,535.
const ROWS: usize = 256;
/// Above this many rows, an INSERT has a multiple of it.
const STEP: usize = 16;

/// Cuts rows into the blocks of one INSERT each.
///
/// Few different lengths, so that both databases nearly always find the statement prepared.
pub(crate) fn blocks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = match rows.len() {
            0 => return None,
            few @ 1..STEP => few,
            many => (many - many % STEP).min(ROWS),
        };
        let block;
        (block, rows) = rows.split_at(length);
        Some(block)
    })
}

/// Inserts several rows with one statement on either database; `$end` is the text behind the rows.
macro_rules! insert_rows {
    ($conn:expr, $sql:expr, $rows:expr, $end:expr, |$b:ident, $row:pat_param| $push:expr) => {{
        macro_rules! insert {
            ($db:ty, $c:expr) => {{
                let mut query = QueryBuilder::<$db>::new($sql);
                query.push_values($rows, |mut $b, $row| {
                    $push;
                });
                query.push($end);
                query.build().execute(&mut **$c).await?;
            }};
        }
        match $conn.ready().await? {
            Link::Sqlite(c) => insert!(sqlx::Sqlite, c),
            Link::Postgres(c) => insert!(sqlx::Postgres, c),
        }
    }};
}

/// Appends what the requests of a batch recorded.
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
    insert_journal(&mut tx.conn, first, &staged).await?;
    for block in blocks(&tiles) {
        insert_rows!(&mut tx.conn, "INSERT INTO tile_hash (level, idx, hash) ", block, "", |b, row| b
            .push_bind(row.0)
            .push_bind(row.1)
            .push_bind(row.2.as_str()));
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

async fn insert_journal(conn: &mut Conn, first: i64, staged: &[Staged]) -> Result<(), StoreError> {
    let events: Vec<(i64, &Staged)> = (first..).zip(staged).collect();
    for block in blocks(&events) {
        insert_rows!(
            conn,
            "INSERT INTO journal (idx, stream, stream_seq, kind, recorded_at, actor, entry, leaf_hash) ",
            block,
            "",
            |b, (idx, event)| b
                .push_bind(*idx)
                .push_bind(event.entry.stream.as_str())
                .push_bind(event.entry.stream_seq as i64)
                .push_bind(event.entry.kind.as_str())
                .push_bind(event.entry.recorded_at)
                .push_bind(event.entry.actor.as_str())
                .push_bind(event.bytes.as_str())
                .push_bind(event.leaf.to_string())
        );
    }
    let payloads: Vec<_> =
        events.iter().filter_map(|(idx, event)| Some((idx, event.payload.as_ref()?))).collect();
    for block in blocks(&payloads) {
        insert_rows!(conn, "INSERT INTO payload (idx, name, key_id, ciphertext) ", block, "", |b,
                                                                                               (
            idx,
            (name, key_id, ciphertext),
        )| b
            .push_bind(**idx)
            .push_bind(name.as_str())
            .push_bind(key_id.as_str())
            .push_bind(ciphertext.as_str()));
    }
    insert_subjects(conn, events.iter().map(|(idx, event)| (*idx, event.entry.subjects.as_slice()))).await
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
    for block in blocks(&rows) {
        insert_rows!(conn, "INSERT INTO journal_subject (subject, idx) ", block, "", |b, (subject, idx)| b
            .push_bind(*subject)
            .push_bind(*idx));
    }
    Ok(())
}

async fn raise_streams(tx: &mut Tx, first: i64, staged: &[Staged]) -> Result<(), StoreError> {
    let mut last: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for (idx, event) in (first..).zip(staged) {
        last.insert(&event.entry.stream, (event.entry.stream_seq as i64 + 1, idx));
    }
    let rows: Vec<_> = last.into_iter().collect();
    raise_stream_rows(&mut tx.conn, &rows).await
}

/// Sets count and last index of streams.
pub(crate) async fn raise_stream_rows(
    conn: &mut Conn,
    rows: &[(&str, (i64, i64))],
) -> Result<(), StoreError> {
    for block in blocks(rows) {
        insert_rows!(
            conn,
            "INSERT INTO stream_head (stream, count, last_idx) ",
            block,
            " ON CONFLICT (stream) DO UPDATE SET count = excluded.count, last_idx = excluded.last_idx",
            |b, (stream, (count, last))| b.push_bind(*stream).push_bind(*count).push_bind(*last)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_are_all_rows_in_order_in_few_lengths() {
        for count in [0, 1, 15, 16, 17, 100, 256, 300, 1_000] {
            let rows: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = blocks(&rows).collect();
            assert_eq!(cut.concat(), rows);
            assert!(
                cut.iter()
                    .all(|block| block.len() < 16 || block.len().is_multiple_of(16) && block.len() <= 256)
            );
        }
    }
}
