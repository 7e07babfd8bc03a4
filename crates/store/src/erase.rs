//! Erasure: destroying a subject's key, so that its payloads are unreadable while every proof holds.
//!
//! A payload row becomes a tombstone: empty ciphertext, and the subject in place of the key id, so that the doctor can
//! hold each tombstone against the erasure event that explains it. Entries are never touched. The caller records the
//! event in the same request; without it the doctor reports the tombstones.

use crate::db::{execute, fetch_all, fetch_optional};
use crate::tx::{DestroyedKey, Staged};
use crate::{Store, StoreError, Tx, areas};
use comptroller_core::ids::{PrincipalId, SubjectId};
use std::time::Duration;

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Payloads that can no longer be read: the number for the erasure event.
    pub payloads: u64,
}

const REMAINS_SQLITE: &str = "copies of the database file or of its write-ahead file in backups, and blocks that the \
    file system or the disk has freed but not overwritten, may still hold the wrapped key; it opens only with the \
    organisation key";
const REMAINS_POSTGRES: &str = "write-ahead log segments, their archive, replicas and backups may still hold the \
    wrapped key until they are recycled or expire; it opens only with the organisation key";

impl Tx {
    /// Destroys the key of `subject` (`person/<id>` or `subject/<id>`), blanks what it encrypted, and forgets the
    /// identities of a person. Of a subject without a key nothing is left to destroy: 0 payloads.
    ///
    /// A private part recorded later for the same subject gets a new key: refusing it is up to the caller.
    pub async fn erase_subject(&mut self, subject: &str) -> Result<Erased, StoreError> {
        let person = check(subject)?;
        let keys = fetch_all!(
            &mut self.conn,
            (String,),
            "DELETE FROM data_key WHERE subject = $1 RETURNING key_id",
            subject
        )?;
        let mut payloads = 0;
        for (key_id,) in keys {
            payloads += execute!(
                &mut self.conn,
                "UPDATE payload SET ciphertext = '', key_id = $1 WHERE key_id = $2",
                subject,
                key_id.as_str()
            )?;
            let waiting = self.staged.iter().filter_map(|event| event.payload.as_ref());
            payloads += waiting.filter(|(_, id, _)| *id == key_id).count() as u64;
            self.erasures.push(DestroyedKey { key_id, subject: subject.to_owned() });
        }
        if let Some(person) = person {
            areas::access::forget_identities(&mut self.conn, person).await?;
        }
        Ok(Erased { payloads })
    }
}

/// Whose key may be destroyed; answers the person, if it is one.
fn check(subject: &str) -> Result<Option<PrincipalId>, StoreError> {
    if let Some(person) = subject.strip_prefix("person/").and_then(|id| id.parse().ok()) {
        return Ok(Some(person));
    }
    if subject.strip_prefix("subject/").is_some_and(|id| id.parse::<SubjectId>().is_ok()) {
        return Ok(None);
    }
    Err(StoreError::Config(format!("{subject:?} cannot be erased: give person/<id> or subject/<id>")))
}

/// Makes tombstones of payloads that wait for the commit under a key which the same batch destroyed.
pub(crate) fn bury(staged: &mut [Staged], erasures: &[DestroyedKey]) {
    if erasures.is_empty() {
        return;
    }
    for (_, key_id, ciphertext) in staged.iter_mut().filter_map(|event| event.payload.as_mut()) {
        if let Some(erasure) = erasures.iter().find(|erasure| erasure.key_id == *key_id) {
            key_id.clone_from(&erasure.subject);
            ciphertext.clear();
        }
    }
}

impl Store {
    /// Removes what the database keeps of deleted and overwritten rows; answers what may remain outside, for the
    /// record. Call it after an erasure has committed.
    ///
    /// PostgreSQL rewrites the tables and locks them meanwhile. SQLite overwrites freed content at once
    /// (`secure_delete`) and here empties its write-ahead file, for which readers must be done: it is tried for two
    /// seconds.
    pub async fn scrub(&self) -> Result<&'static str, StoreError> {
        let mut conn = self.db().write().await?;
        if conn.is_postgres() {
            execute!(&mut conn, "VACUUM (FULL) payload")?;
            execute!(&mut conn, "VACUUM (FULL) data_key")?;
            execute!(&mut conn, "VACUUM (FULL) identity")?;
            return Ok(REMAINS_POSTGRES);
        }
        for attempt in 0..20 {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let done = fetch_optional!(&mut conn, (i64, i64, i64), "PRAGMA wal_checkpoint(TRUNCATE)")?;
            if done.is_some_and(|(busy, _, _)| busy == 0) {
                return Ok(REMAINS_SQLITE);
            }
        }
        Err(StoreError::Config(
            "the erasure is done, but readers kept the write-ahead file in use, so it may still hold the wrapped key; \
             scrub again when reports and checks are finished"
                .into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_and_data_subjects_can_be_erased() {
        let id = "0190aaaa-0000-7000-8000-000000000000";
        assert!(check(&format!("person/{id}")).unwrap().is_some());
        assert!(check(&format!("subject/{id}")).unwrap().is_none());
        for bad in ["", id, "person/", "artifact/x", &format!("artifact/{id}"), "subject/../x"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
