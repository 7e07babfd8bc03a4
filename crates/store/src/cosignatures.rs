//! Cosignatures of witnesses: one line per signed size and witness, kept beside the checkpoints.
//!
//! They are evidence that cannot be made again: a witness never cosigns an older size. Must not judge them: whoever
//! adds one has verified it, and whoever shows one verifies it again.

use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::{Store, StoreError};

/// A cosignature as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CosignatureRow {
    /// Size of the checkpoint.
    pub size: i64,
    /// Key of the witness, as a C2SP vkey.
    pub witness: String,
    /// The signature line, without its newline.
    pub line: String,
    /// The time in the cosignature, microseconds.
    pub cosigned_at: i64,
}

/// The cosignatures of one size, in the byte order of their keys.
pub async fn of_size(conn: &mut Conn, size: i64) -> Result<Vec<CosignatureRow>, StoreError> {
    let mut rows = fetch_all!(
        conn,
        CosignatureRow,
        "SELECT size, witness, line, cosigned_at FROM cosignature WHERE size = $1",
        size
    )?;
    rows.sort_by(|a, b| a.witness.cmp(&b.witness));
    Ok(rows)
}

/// The cosignature of the largest size by one witness.
pub async fn newest_of(conn: &mut Conn, witness: &str) -> Result<Option<CosignatureRow>, StoreError> {
    fetch_optional!(
        conn,
        CosignatureRow,
        "SELECT size, witness, line, cosigned_at FROM cosignature WHERE witness = $1 ORDER BY size DESC LIMIT 1",
        witness
    )
}

/// Sizes below `before` that have a cosignature, largest first, at most `limit`.
pub async fn sizes(conn: &mut Conn, before: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    let rows = fetch_all!(
        conn,
        (i64,),
        "SELECT DISTINCT size FROM cosignature WHERE size < $1 ORDER BY size DESC LIMIT $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

impl Store {
    /// Keeps a verified cosignature. The first one of a witness for a size stays: an earlier time proves more.
    pub async fn add_cosignature(&self, row: &CosignatureRow) -> Result<(), StoreError> {
        let mut conn = self.db().write().await?;
        execute!(
            &mut conn,
            "INSERT INTO cosignature (size, witness, line, cosigned_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (size, witness) DO NOTHING",
            row.size,
            row.witness.as_str(),
            row.line.as_str(),
            row.cosigned_at
        )?;
        Ok(())
    }
}
