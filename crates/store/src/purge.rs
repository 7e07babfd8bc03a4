//! Purging: destroying the keys of what is older than it may be, and then its bytes.
//!
//! // INVARIANT (purge-is-recorded): the event and the destruction of the keys that it names are one transaction. There
//! // is no way to destroy such a key but by the event, so none is gone without a record, and none is on record that is
//! // still there. Bytes without their key are noise; they are deleted afterwards, from a list that survives a crash.
//!
//! Who may purge what, and when, is for `app` to say. Entries are never touched: every proof holds.

use crate::areas::retention;
use crate::artifacts::{ArtifactsError, abandon};
use crate::db::{execute, fetch_all};
use crate::types::Text;
use crate::{Draft, Store, StoreError, Tx};
use comptroller_core::Event;
use comptroller_core::event::{PurgedArtifact, PurgedDay};

/// What stands in the place of the key of a purged private part.
pub(crate) const PURGED: &str = "purged";
/// Uploads whose objects are deleted at a time.
const SWEEP: i64 = 100;

impl Tx {
    /// Destroys the keys that a `data.purged` event names, and records it. Answers its index.
    ///
    /// # Errors
    /// Another event, or something named that has no key any more; nothing is done then.
    pub async fn purge(&mut self, draft: Draft) -> Result<u64, StoreError> {
        let Event::DataPurged { artifact, entries, day, .. } = &draft.event else {
            return Err(StoreError::Config("only a data.purged event purges".into()));
        };
        let (artifact, entries, day) = (artifact.clone(), entries.clone(), day.clone());
        if let Some(artifact) = &artifact {
            self.destroy_artifact(artifact).await?;
        }
        for index in entries {
            self.destroy_payload(i64::try_from(index).unwrap_or(i64::MAX)).await?;
        }
        if let Some(day) = &day {
            self.destroy_day(day).await?;
        }
        self.record(draft).await
    }

    async fn destroy_day(&mut self, purged: &PurgedDay) -> Result<(), StoreError> {
        let PurgedDay { version, environment, day, .. } = purged;
        let subject = format!("predictions/{version}/{environment}/{day}");
        let gone = execute!(&mut self.conn, "DELETE FROM data_key WHERE subject = $1", subject.as_str())?;
        if gone != 1 {
            return Err(StoreError::Damaged(format!("{subject} has {gone} keys to destroy, not one")));
        }
        // Blocks' bytes stand where the parts of an upload of their file's id would.
        execute!(
            &mut self.conn,
            "INSERT INTO unswept (upload, purged_at) SELECT DISTINCT file, $1 FROM prediction_block \
             WHERE version = $2 AND environment = $3 AND day = $4 \
             ON CONFLICT (upload) DO UPDATE SET purged_at = excluded.purged_at",
            self.now.micros(),
            Text(version),
            Text(environment),
            i64::from(*day)
        )?;
        execute!(
            &mut self.conn,
            "INSERT INTO unswept (upload, purged_at) SELECT upload, $1 FROM block_summary WHERE block IN \
             (SELECT id FROM prediction_block WHERE version = $2 AND environment = $3 AND day = $4) \
             ON CONFLICT (upload) DO UPDATE SET purged_at = excluded.purged_at",
            self.now.micros(),
            Text(version),
            Text(environment),
            i64::from(*day)
        )?;
        execute!(
            &mut self.conn,
            "DELETE FROM block_summary WHERE block IN (SELECT id FROM prediction_block \
             WHERE version = $1 AND environment = $2 AND day = $3)",
            Text(version),
            Text(environment),
            i64::from(*day)
        )?;
        // Labels of that day need not be read any more; nor need the day be judged again.
        execute!(
            &mut self.conn,
            "DELETE FROM labels_unread WHERE block IN (SELECT id FROM prediction_block \
             WHERE version = $1 AND environment = $2 AND day = $3)",
            Text(version),
            Text(environment),
            i64::from(*day)
        )?;
        execute!(
            &mut self.conn,
            "DELETE FROM labelled_day WHERE version = $1 AND environment = $2 AND day = $3",
            Text(version),
            Text(environment),
            i64::from(*day)
        )?;
        Ok(())
    }

    async fn destroy_artifact(&mut self, artifact: &PurgedArtifact) -> Result<(), StoreError> {
        let upload = artifact.upload;
        let gone = execute!(
            &mut self.conn,
            "DELETE FROM data_key WHERE subject = $1",
            format!("artifact/{upload}")
        )?;
        if gone != 1 {
            return Err(StoreError::Damaged(format!("upload {upload} has {gone} keys to destroy, not one")));
        }
        // A completed upload that is asked about again must not look as if its bytes were there.
        execute!(&mut self.conn, "DELETE FROM upload_part WHERE upload = $1", Text(upload))?;
        execute!(&mut self.conn, "DELETE FROM upload WHERE id = $1", Text(upload))?;
        execute!(
            &mut self.conn,
            "INSERT INTO unswept (upload, purged_at) VALUES ($1, $2)",
            Text(upload),
            self.now.micros()
        )?;
        Ok(())
    }

    async fn destroy_payload(&mut self, idx: i64) -> Result<(), StoreError> {
        let keys = fetch_all!(
            &mut self.conn,
            (String,),
            "DELETE FROM data_key WHERE subject IS NULL AND key_id = (SELECT key_id FROM payload WHERE idx = $1) \
             RETURNING key_id",
            idx
        )?;
        let blanked = match keys.as_slice() {
            [_] => execute!(
                &mut self.conn,
                "UPDATE payload SET ciphertext = '', key_id = $1 WHERE idx = $2",
                PURGED,
                idx
            )?,
            _ => 0,
        };
        if blanked != 1 {
            return Err(StoreError::Damaged(format!(
                "the private part of entry {idx} has no key of its own"
            )));
        }
        Ok(())
    }
}

impl Store {
    /// Deletes the objects of purged files. Answers how many uploads are gone. Safe to repeat, and to be broken off:
    /// what is left is deleted the next time.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let mut conn = self.read().await?;
            let uploads = retention::unswept(&mut conn, self.clock().now(), SWEEP).await?;
            drop(conn);
            if uploads.is_empty() {
                return Ok(count);
            }
            for upload in uploads {
                abandon(self.objects(), upload).await.map_err(of_objects)?;
                self.write::<(), StoreError, _>(move |tx| {
                    Box::pin(async move { retention::swept(tx.conn(), upload).await })
                })
                .await?;
                count += 1;
            }
        }
    }
}

fn of_objects(error: ArtifactsError) -> StoreError {
    match error {
        ArtifactsError::Objects { source, .. } => source.into(),
        other => StoreError::Damaged(other.to_string()),
    }
}
