//! What was counted from blocks of records: kept beside them, so that the same question needs no record again.
//!
//! A summary is an object of its own under the key of the block's day. It can be made again from the block at any time;
//! it goes when the day goes.

use crate::StoreError;
use crate::db::{Conn, execute, fetch_optional};
use crate::tx::Tx;
use crate::types::Text;
use comptroller_core::ids::{BlockId, UploadId};

/// A summary of a block.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SummaryRow {
    /// The last block of labels that it knows, by index; -1 if none speaks of that day.
    pub labels: i64,
    /// Where its bytes stand: the one part of an upload.
    pub upload: Text<UploadId>,
    /// How many.
    pub bytes: i64,
}

/// The summary of a block under a name.
pub async fn find(conn: &mut Conn, block: BlockId, name: &str) -> Result<Option<SummaryRow>, StoreError> {
    fetch_optional!(
        conn,
        SummaryRow,
        "SELECT labels, upload, bytes FROM block_summary WHERE block = $1 AND name = $2",
        Text(block),
        name
    )
}

/// Keeps a summary in the place of the one before, whose bytes are to be deleted.
pub async fn put(tx: &mut Tx, block: BlockId, name: &str, row: &SummaryRow) -> Result<(), StoreError> {
    if let Some(old) = find(tx.conn(), block, name).await? {
        let now = tx.now();
        super::retention::put_unswept(tx.conn(), old.upload.0, now).await?;
    }
    execute!(
        tx.conn(),
        "INSERT INTO block_summary (block, name, labels, upload, bytes) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (block, name) DO UPDATE SET labels = excluded.labels, upload = excluded.upload, \
         bytes = excluded.bytes",
        Text(block),
        name,
        row.labels,
        Text(row.upload.0),
        row.bytes
    )?;
    Ok(())
}
