//! Erasure: destroying a subject's key, so that its payloads are unreadable while every proof holds.

use crate::db::{Conn, execute, fetch_all};
use crate::{Store, StoreError, Tx, areas};

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Payloads that can no longer be read.
    pub payloads: u64,
}

impl Tx {
    /// Destroys the keys of `subject` (`person/<id>` or `subject/<id>`) and blanks what they encrypted.
    pub async fn erase_subject(&mut self, subject: &str) -> Result<Erased, StoreError> {
        let keys =
            fetch_all!(&mut self.conn, (String,), "SELECT key_id FROM data_key WHERE subject = $1", subject)?;
        let mut payloads = 0;
        for (key_id,) in keys {
            payloads += execute!(
                &mut self.conn,
                "UPDATE payload SET ciphertext = '' WHERE key_id = $1",
                key_id.as_str()
            )?;
            execute!(&mut self.conn, "DELETE FROM data_key WHERE key_id = $1", key_id.as_str())?;
        }
        if let Some(person) = subject.strip_prefix("person/").and_then(|id| id.parse().ok()) {
            areas::access::forget_identities(&mut self.conn, person).await?;
        }
        Ok(Erased { payloads })
    }
}

impl Store {
    /// Removes what the database keeps of erased rows outside its tables.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        let mut conn = self.db().write().await?;
        match &conn {
            Conn::Sqlite(_) => execute!(&mut conn, "PRAGMA wal_checkpoint(TRUNCATE)")?,
            Conn::Postgres(_) => execute!(&mut conn, "VACUUM (FULL) payload, data_key, identity")?,
        };
        Ok(())
    }
}
