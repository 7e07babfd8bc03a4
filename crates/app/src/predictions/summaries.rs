//! What was counted from a block, kept beside it under the key of its day: the same question needs no record again.
//!
//! INVARIANT (summaries-are-counts): a summary is what counting the block's records gives, in whole numbers, and can be
//! made again from them at any time. Whoever finds none, or one that cannot be read, counts.

use super::blocks::{place, stored};
use crate::{App, AppError};
use bytes::Bytes;
use comptroller_core::ids::BlockId;
use comptroller_store::areas::predictions::BlockRow;
use comptroller_store::areas::summaries::{self, SummaryRow};
use comptroller_store::artifacts::{self, Part};
use comptroller_store::keys;
use comptroller_store::{StoreError, Text};

impl App {
    /// The summary of a block under a name, if there is one that knows the labels up to the block of index `labels`.
    pub(crate) async fn summary(
        &self,
        row: &BlockRow,
        name: &str,
        labels: i64,
    ) -> Result<Option<Bytes>, AppError> {
        let mut conn = self.store.read().await?;
        let found = summaries::find(&mut conn, row.id.0, name).await?;
        drop(conn);
        let Some(found) = found.filter(|found| found.labels == labels) else { return Ok(None) };
        let key = self.block_key(row).await?;
        let bytes = found.bytes.unsigned_abs();
        let part = Part { number: 1, bytes };
        match artifacts::read_range(self.store.objects(), &key, found.upload.0, part, 0..bytes).await {
            Ok(bytes) => Ok(Some(bytes)),
            // It is counted again, and put in the place of this one.
            Err(error) => {
                let error = stored(error);
                tracing::warn!(block.id = %row.id.0, error = %error, "a summary cannot be read");
                Ok(None)
            }
        }
    }

    /// Keeps the summary of a block in the place of an earlier one.
    pub(crate) async fn keep_summary(
        &self,
        row: &BlockRow,
        name: &str,
        labels: i64,
        bytes: Bytes,
    ) -> Result<(), AppError> {
        let key = self.block_key(row).await?;
        // An upload of its own, which is named as a block would be.
        let upload = place(BlockId::new(self.store.clock().now(), keys::random()?))?;
        let summary = SummaryRow {
            labels,
            upload: Text(upload),
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        };
        let sealed = artifacts::encrypt_part(&key, upload, 1, bytes).await.map_err(stored)?;
        artifacts::store_part(self.store.objects(), &key, upload, sealed).await.map_err(stored)?;
        let (block, name) = (row.id.0, name.to_owned());
        self.store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move { summaries::put(tx, block, &name, &summary).await })
            })
            .await?;
        Ok(())
    }
}
