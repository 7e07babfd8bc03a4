//! Sealed blocks of prediction records and labels, and the batches that they were made of.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{BlockId, SystemId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_core::{Digest, Environment, Event, Timestamp};

/// A sealed block.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct BlockRow {
    /// Its id.
    pub id: Text<BlockId>,
    /// What it holds.
    pub records: Text<RecordKind>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version.
    pub version: Text<VersionId>,
    /// Where it ran.
    pub environment: Text<Environment>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Records.
    pub row_count: i64,
    /// Root of the tree over them.
    pub root: Text<Digest>,
    /// SHA-256 of its file.
    pub digest: Text<Digest>,
    /// Size of its file.
    pub bytes: i64,
    /// Size of the filter of ids.
    pub filter_bytes: i64,
    /// Where its bytes stand: under its own id, until it moved into a file of several blocks.
    pub file: Text<BlockId>,
    /// Its place among the blocks of that file, from 0.
    pub place: i64,
    /// The earliest time of a record.
    pub first_at: Micros,
    /// The latest.
    pub last_at: Micros,
    /// Its entry.
    pub idx: i64,
    /// When it was sealed.
    pub sealed_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    if let Event::PredictionsCompacted { file, blocks, digest, bytes, .. } = event {
        for (place, block) in (0_i64..).zip(blocks) {
            change!(
                changes,
                "UPDATE prediction_block SET file = $1, place = $2, digest = $3, bytes = $4 WHERE id = $5",
                Text(file),
                place,
                Text(digest),
                i64::try_from(*bytes).unwrap_or(i64::MAX),
                Text(block)
            );
        }
    }
    let Event::PredictionsSealed {
        block,
        records,
        system,
        version,
        environment,
        day,
        rows,
        root,
        digest,
        bytes,
        filter_bytes,
        first_at,
        last_at,
    } = event
    else {
        return;
    };
    change!(
        changes,
        "INSERT INTO prediction_block (id, records, system, version, environment, day, row_count, root, digest, bytes, \
         filter_bytes, file, place, first_at, last_at, idx, sealed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $1, 0, $12, $13, $14, $15)",
        Text(block),
        Text(records),
        Text(system),
        Text(version),
        Text(environment),
        i64::from(*day),
        i64::from(*rows),
        Text(root),
        Text(digest),
        i64::try_from(*bytes).unwrap_or(i64::MAX),
        i64::try_from(*filter_bytes).unwrap_or(i64::MAX),
        first_at.micros(),
        last_at.micros(),
        at.idx,
        at.recorded_at.micros()
    );
}

macro_rules! blocks {
    ($conn:expr, $tail:literal $(, $bind:expr)*) => {
        fetch_all!(
            $conn,
            BlockRow,
            concat!(
                "SELECT id, records, system, version, environment, day, row_count, root, digest, bytes, filter_bytes, \
                 file, place, first_at, last_at, idx, sealed_at FROM prediction_block ",
                $tail
            )
            $(, $bind)*
        )
    };
}

/// A block.
pub async fn block(conn: &mut Conn, id: BlockId) -> Result<Option<BlockRow>, StoreError> {
    Ok(blocks!(conn, "WHERE id = $1", Text(id))?.pop())
}

/// The blocks of a system behind index `since`, each with its index, in the order of the log.
pub async fn of_system(
    conn: &mut Conn,
    system: SystemId,
    records: RecordKind,
    since: i64,
) -> Result<Vec<(i64, BlockId)>, StoreError> {
    let rows = fetch_all!(
        conn,
        (i64, Text<BlockId>),
        "SELECT idx, id FROM prediction_block WHERE system = $1 AND records = $2 AND idx > $3 ORDER BY idx",
        Text(system),
        Text(records),
        since
    )?;
    Ok(rows.into_iter().map(|(idx, id)| (idx, id.0)).collect())
}

/// The newest blocks of all systems.
pub async fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<BlockRow>, StoreError> {
    blocks!(conn, "ORDER BY idx DESC LIMIT $1", limit)
}

/// The newest block of a version's records, wherever it ran.
pub async fn newest_of_version(
    conn: &mut Conn,
    version: VersionId,
    records: RecordKind,
) -> Result<Option<BlockRow>, StoreError> {
    let rows = blocks!(
        conn,
        "WHERE version = $1 AND records = $2 ORDER BY idx DESC LIMIT 1",
        Text(version),
        Text(records)
    )?;
    Ok(rows.into_iter().next())
}

/// Blocks of a version in an environment from day `from` to day `to`, both of them included.
pub async fn of_days(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    records: RecordKind,
    (from, to): (i64, i64),
) -> Result<Vec<BlockRow>, StoreError> {
    blocks!(
        conn,
        "WHERE version = $1 AND environment = $2 AND records = $3 AND day >= $4 AND day <= $5 ORDER BY day, idx",
        Text(version),
        Text(environment),
        Text(records),
        from,
        to
    )
}

/// Blocks of labels that are to be read, in the order of the log.
pub(super) async fn unread(conn: &mut Conn, limit: i64) -> Result<Vec<BlockRow>, StoreError> {
    blocks!(conn, "WHERE id IN (SELECT block FROM labels_unread) ORDER BY idx LIMIT $1", limit)
}

/// Small blocks of one day that stand each in a file of its own.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ScatteredRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// What they hold.
    pub records: Text<RecordKind>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// The last of them, by index.
    pub last: i64,
}

/// Days before day `before` with several blocks of less than `rows` records in files of their own, the last of them
/// sealed at `until` or before.
pub async fn scattered(
    conn: &mut Conn,
    before: i64,
    until: Timestamp,
    rows: i64,
    limit: i64,
) -> Result<Vec<ScatteredRow>, StoreError> {
    fetch_all!(
        conn,
        ScatteredRow,
        "SELECT version, environment, records, day, MAX(idx) AS last FROM prediction_block \
         WHERE file = id AND row_count < $1 AND day < $2 GROUP BY version, environment, records, day \
         HAVING COUNT(*) > 1 AND MAX(sealed_at) <= $3 ORDER BY day, version LIMIT $4",
        rows,
        before,
        until.micros(),
        limit
    )
}

/// The last block of a version, by index; 0 if there is none.
pub async fn last(conn: &mut Conn, version: VersionId, records: RecordKind) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT COALESCE(MAX(idx), 0) FROM prediction_block WHERE version = $1 AND records = $2",
        Text(version),
        Text(records)
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// Digest and number of records of a batch that was sealed.
pub async fn batch(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    records: RecordKind,
    batch: &str,
) -> Result<Option<(String, i64)>, StoreError> {
    fetch_optional!(
        conn,
        (String, i64),
        "SELECT digest, row_count FROM prediction_batch WHERE version = $1 AND environment = $2 AND records = $3 \
         AND batch = $4",
        Text(version),
        Text(environment),
        Text(records),
        batch
    )
}

/// A batch that is being sealed.
#[derive(Clone, Debug)]
pub struct BatchRow<'a> {
    /// The version.
    pub version: VersionId,
    /// Where it ran.
    pub environment: Environment,
    /// What it holds.
    pub records: RecordKind,
    /// The sender's id of it.
    pub batch: &'a str,
    /// SHA-256 of what was sent.
    pub digest: &'a str,
    /// Records.
    pub rows: i64,
}

/// Notes that a batch is sealed, in the transaction that seals it; a batch that was sealed before violates the key.
pub async fn put_batch(conn: &mut Conn, row: &BatchRow<'_>, now: Timestamp) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO prediction_batch (version, environment, records, batch, digest, row_count, sealed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        Text(row.version),
        Text(row.environment),
        Text(row.records),
        row.batch,
        row.digest,
        row.rows,
        now.micros()
    )?;
    Ok(())
}

/// A day of records of a version, labels that came on it included.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredDayRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Blocks.
    pub blocks: i64,
    /// Records and labels in them.
    pub row_count: i64,
    /// When the last of them was sealed.
    pub sealed_at: Micros,
}

/// Days whose last block was sealed at or before `until`, the oldest first.
pub async fn stored_days(
    conn: &mut Conn,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<StoredDayRow>, StoreError> {
    fetch_all!(
        conn,
        StoredDayRow,
        "SELECT version, environment, system, day, CAST(COUNT(*) AS BIGINT) AS blocks, \
         CAST(SUM(row_count) AS BIGINT) AS row_count, MAX(sealed_at) AS sealed_at FROM prediction_block \
         GROUP BY version, environment, system, day HAVING MAX(sealed_at) <= $1 ORDER BY day, version LIMIT $2",
        until.micros(),
        limit
    )
}

/// One day, if there is anything of it.
pub async fn stored_day(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    day: i64,
) -> Result<Option<StoredDayRow>, StoreError> {
    fetch_optional!(
        conn,
        StoredDayRow,
        "SELECT version, environment, system, day, CAST(COUNT(*) AS BIGINT) AS blocks, \
         CAST(SUM(row_count) AS BIGINT) AS row_count, MAX(sealed_at) AS sealed_at FROM prediction_block \
         WHERE version = $1 AND environment = $2 AND day = $3 GROUP BY version, environment, system, day",
        Text(version),
        Text(environment),
        day
    )
}
