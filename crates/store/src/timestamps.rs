//! RFC 3161 tokens of signed heads: at most one per size, kept beside the checkpoints.
//!
//! They are evidence that cannot be made again: no authority states a time that is past. Must not judge them:
//! whoever adds one has verified it, and the doctor and every auditor verify it again.

use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::{Draft, StoreError, Tx};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_core::{Digest, Event};
use comptroller_ledger::digest;

/// A token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TimestampRow {
    /// Size of the checkpoint.
    pub size: i64,
    /// What the authority is called in its certificate.
    pub authority: String,
    /// The token, DER in base64.
    pub token: String,
    /// The time that the authority states, microseconds.
    pub stamped_at: i64,
}

impl TimestampRow {
    /// A row for a token.
    pub fn new(size: i64, authority: &str, token: &[u8], stamped_at: i64) -> Self {
        Self { size, authority: authority.to_owned(), token: STANDARD.encode(token), stamped_at }
    }

    /// The bytes of the token.
    pub fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        decode(&self.token).map_err(|problem| {
            StoreError::Damaged(format!("table timestamp_token, size {}, column token: {problem}", self.size))
        })
    }
}

pub(crate) fn decode(token: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(token).map_err(|error| error.to_string())
}

/// The token of the head of that size.
pub async fn of_size(conn: &mut Conn, size: i64) -> Result<Option<TimestampRow>, StoreError> {
    fetch_optional!(
        conn,
        TimestampRow,
        "SELECT size, authority, token, stamped_at FROM timestamp_token WHERE size = $1",
        size
    )
}

/// The token of the largest size.
pub async fn newest(conn: &mut Conn) -> Result<Option<TimestampRow>, StoreError> {
    fetch_optional!(
        conn,
        TimestampRow,
        "SELECT size, authority, token, stamped_at FROM timestamp_token ORDER BY size DESC LIMIT 1"
    )
}

/// Sizes up to `last` that have a token, rising.
pub async fn sizes(conn: &mut Conn, last: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT size FROM timestamp_token WHERE size <= $1 ORDER BY size";
    Ok(fetch_all!(conn, (i64,), sql, last)?.into_iter().map(|row| row.0).collect())
}

/// Whether anything but the log's own book-keeping stands in the entries `from..to`.
///
/// A time-stamp is an entry itself; without this rule each would call for the next one for ever.
pub async fn has_news(conn: &mut Conn, from: i64, to: i64) -> Result<bool, StoreError> {
    let found = fetch_optional!(
        conn,
        (i64,),
        "SELECT idx FROM journal WHERE idx >= $1 AND idx < $2 AND kind <> 'ledger.timestamped' \
         AND kind <> 'ledger.stream_heads' ORDER BY idx LIMIT 1",
        from,
        to
    )?;
    Ok(found.is_some())
}

/// Keeps a verified token and records it, both in one transaction. Answers the index of the event; none if the head
/// has a token already: the first one stays, because an earlier time proves more.
///
/// # Errors
/// An authority whose name cannot stand in the log.
pub async fn record(tx: &mut Tx, row: &TimestampRow) -> Result<Option<u64>, StoreError> {
    if of_size(tx.conn(), row.size).await?.is_some() {
        return Ok(None);
    }
    let authority =
        row.authority.parse().map_err(|error| StoreError::Config(format!("authority: {error}")))?;
    let token = Digest::from_bytes(*digest(&row.bytes()?).as_bytes());
    let event = Event::Timestamped { size: row.size.unsigned_abs(), authority, token };
    let index = tx.record(Draft::new("system", event)).await?;
    execute!(
        tx.conn(),
        "INSERT INTO timestamp_token (size, authority, token, stamped_at) VALUES ($1, $2, $3, $4)",
        row.size,
        row.authority.as_str(),
        row.token.as_str(),
        row.stamped_at
    )?;
    Ok(Some(index))
}
