//! Work that labels make: blocks of labels whose predictions are to be found, and days that are to be judged again.
//!
//! A block of labels is unread from the transaction that seals it on; the days it speaks of are on record from the
//! transaction on that says it was read, and due while their judgement does not know it. So neither a crash nor a day
//! that cannot be judged loses any.

use super::monitors::DayRow;
use super::predictions::BlockRow;
use crate::StoreError;
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::types::Text;
use comptroller_core::Environment;
use comptroller_core::ids::{BlockId, VersionId};
use comptroller_core::vocab::RecordKind;

/// A sealed block of labels is to be read.
pub async fn put_unread(conn: &mut Conn, block: BlockId) -> Result<(), StoreError> {
    execute!(conn, "INSERT INTO labels_unread (block) VALUES ($1)", Text(block))?;
    Ok(())
}

/// Blocks that are to be read, the oldest first.
pub async fn unread(conn: &mut Conn, limit: i64) -> Result<Vec<BlockRow>, StoreError> {
    super::predictions::unread(conn, limit).await
}

/// A block was read: it speaks of these days.
pub async fn read(
    conn: &mut Conn,
    block: &BlockRow,
    days: impl IntoIterator<Item = i64>,
) -> Result<(), StoreError> {
    for day in days {
        execute!(
            conn,
            "INSERT INTO labelled_day (version, environment, day, through) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (version, environment, day) DO UPDATE SET through = excluded.through \
             WHERE labelled_day.through < excluded.through",
            Text(block.version.0),
            Text(block.environment.0),
            day,
            block.idx
        )?;
    }
    execute!(conn, "DELETE FROM labels_unread WHERE block = $1", Text(block.id.0))?;
    Ok(())
}

/// Days of a table of judgements that do not know labels which came for them, the oldest first.
macro_rules! behind {
    ($conn:expr, $table:literal, $limit:expr) => {
        fetch_all!(
            $conn,
            DayRow,
            concat!(
                "SELECT w.version, w.environment, w.system, w.day, w.row_count, w.through FROM labelled_day n JOIN ",
                $table,
                " w ON w.version = n.version AND w.environment = n.environment AND w.day = n.day \
                 AND w.labels_through < n.through AND NOT EXISTS (SELECT 1 FROM labels_unread u \
                 JOIN prediction_block b ON b.id = u.block WHERE b.version = n.version AND b.idx <= n.through) \
                 ORDER BY w.day, w.version LIMIT $1"
            ),
            $limit
        )
    };
}

/// Judged days whose judgement does not know labels that came for them, the oldest first. Labels count in the order of
/// the log: not those behind a block that could not be read.
pub async fn days(conn: &mut Conn, limit: i64) -> Result<Vec<DayRow>, StoreError> {
    behind!(conn, "drift_window", limit)
}

/// The same of days whose decisions are watched across groups.
pub async fn days_of_decisions(conn: &mut Conn, limit: i64) -> Result<Vec<DayRow>, StoreError> {
    behind!(conn, "fairness_window", limit)
}

/// The last block of labels that speaks of a day, by index, as far as they were read; -1 if none does.
pub async fn of_day(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    day: i64,
) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT through FROM labelled_day WHERE version = $1 AND environment = $2 AND day = $3",
        Text(version),
        Text(environment),
        day
    )?;
    Ok(row.map_or(-1, |row| row.0))
}

/// The last block of labels of a version, by index, before which every one was read; 0 if there is none.
pub async fn through(conn: &mut Conn, version: VersionId) -> Result<i64, StoreError> {
    let unread = fetch_optional!(
        conn,
        (i64,),
        "SELECT idx FROM prediction_block WHERE version = $1 AND id IN (SELECT block FROM labels_unread) \
         ORDER BY idx LIMIT 1",
        Text(version)
    )?;
    match unread {
        Some((idx,)) => Ok(idx - 1),
        None => super::predictions::last(conn, version, RecordKind::Label).await,
    }
}
