//! How far each channel of notifications is in the log, and who sends for it now.
//!
//! Passing: not in the journal, but copied with it. Without a row a channel begins at the head of the log.

use crate::StoreError;
use crate::db::{Conn, execute, fetch_optional};
use comptroller_core::Timestamp;

/// A channel.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeliveryRow {
    /// The first entry that has not been looked at.
    pub next_idx: i64,
    /// Since when the next message is not taken, microseconds.
    pub failing_since: Option<i64>,
}

/// Where a channel is.
pub async fn delivery(conn: &mut Conn, channel: &str) -> Result<Option<DeliveryRow>, StoreError> {
    fetch_optional!(
        conn,
        DeliveryRow,
        "SELECT next_idx, failing_since FROM delivery WHERE channel = $1",
        channel
    )
}

/// Begins a channel at an entry, if it is not there yet.
pub async fn begin(conn: &mut Conn, channel: &str, next_idx: i64) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO delivery (channel, next_idx, holder, held_until, failing_since) VALUES ($1, $2, '', 0, NULL) \
         ON CONFLICT (channel) DO NOTHING",
        channel,
        next_idx
    )?;
    Ok(())
}

/// Takes a channel until `until`, unless another holder has it. True if it was taken.
pub async fn hold(
    conn: &mut Conn,
    channel: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let changed = execute!(
        conn,
        "UPDATE delivery SET holder = $1, held_until = $2 WHERE channel = $3 AND (held_until <= $4 OR holder = $1)",
        holder,
        until.micros(),
        channel,
        now.micros()
    )?;
    Ok(changed == 1)
}

/// Moves a channel on, or says since when it fails, and lets it go. Nothing happens if another holder has it by now.
pub async fn advance(
    conn: &mut Conn,
    channel: &str,
    holder: &str,
    next_idx: i64,
    failing_since: Option<i64>,
) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE delivery SET next_idx = $1, failing_since = $2, held_until = 0 WHERE channel = $3 AND holder = $4",
        next_idx,
        failing_since,
        channel,
        holder
    )?;
    Ok(())
}
