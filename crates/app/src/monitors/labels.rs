//! Labels for the predictions of a day: they come on any later day, and are found by the id of the prediction.

use super::judge::{PAUSE, Watched};
use crate::{App, AppError};
use comptroller_core::Environment;
use comptroller_core::ids::{BlockId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_lake::filter::IdHash;
use comptroller_store::StoreError;
use comptroller_store::areas::labels;
use comptroller_store::areas::monitors::DayRow;
use comptroller_store::areas::predictions::{self, BlockRow};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

/// Days after which labels are no longer looked for.
pub(super) const MAX_DELAY_DAYS: i64 = 400;
/// Blocks of labels that are read in one look, and days that they make due, at most.
const MAX_UNREAD: i64 = 100;

/// Blocks of labels that could not be read, and when that was tried.
pub(super) type Unreadable = BTreeMap<BlockId, Instant>;

/// The days that are not among those that are due.
pub(super) fn without(mut days: Vec<DayRow>, due: &[DayRow]) -> Vec<DayRow> {
    let window = |row: &DayRow| (row.version.0, row.environment.0, row.day);
    days.retain(|day| due.iter().all(|due| window(due) != window(day)));
    days
}

impl App {
    /// What came true, by id: of the predictions `ids` of `day`, in blocks of labels up to index `through`.
    pub(super) async fn labels_for(
        &self,
        (version, environment, day): (VersionId, Environment, i64),
        ids: &[String],
        through: i64,
    ) -> Result<HashMap<String, String>, AppError> {
        let days = (day.saturating_sub(MAX_DELAY_DAYS), day.saturating_add(MAX_DELAY_DAYS));
        let mut conn = self.store.read().await?;
        let mut rows = predictions::of_days(&mut conn, version, environment, RecordKind::Label, days).await?;
        drop(conn);
        // In the order of the log, so that the label that was recorded last counts.
        rows.retain(|row| row.idx <= through);
        rows.sort_by_key(|row| row.idx);
        let wanted: Vec<IdHash> = ids.iter().map(|id| IdHash::of(id)).collect();
        let known: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let ingest = self.ingest()?;
        let mut labels = HashMap::new();
        for row in rows {
            let filter = self.block_filter(ingest, &row).await?;
            if !wanted.iter().any(|id| filter.may_hold(*id)) {
                continue;
            }
            let block = self.open_block(&row).await?;
            for (at, id) in block.records.ids().enumerate() {
                if known.contains(id)
                    && let Some(label) = block.records.text("label", at)
                {
                    labels.insert(id.to_owned(), label.to_owned());
                }
            }
        }
        Ok(labels)
    }

    /// Judged days that new labels speak of, without those that are due anyway.
    pub(super) async fn newly_labelled(
        &self,
        watched: &mut Watched,
        due: &[DayRow],
    ) -> Result<Vec<DayRow>, AppError> {
        self.read_labels(&mut watched.unreadable).await?;
        let mut conn = self.store.read().await?;
        Ok(without(labels::days(&mut conn, MAX_UNREAD).await?, due))
    }

    /// Puts down for each new block of labels of which days it speaks.
    pub(super) async fn read_labels(&self, unreadable: &mut Unreadable) -> Result<(), AppError> {
        let mut conn = self.store.read().await?;
        let blocks = labels::unread(&mut conn, MAX_UNREAD).await?;
        drop(conn);
        for block in blocks {
            let id = block.id.0;
            if unreadable.get(&id).is_some_and(|failed| failed.elapsed() < PAUSE) {
                continue;
            }
            match self.labelled_days(&block).await {
                Ok(days) => {
                    self.store
                        .write::<(), StoreError, _>(move |tx| {
                            Box::pin(async move { labels::read(tx.conn(), &block, days).await })
                        })
                        .await?;
                }
                // It stays to be read, and the others do not wait for it.
                Err(error) => {
                    tracing::error!(block.id = %id, error = %error, "a block of labels cannot be read");
                    unreadable.insert(id, Instant::now());
                }
            }
        }
        Ok(())
    }

    /// The days whose predictions a block of labels speaks of.
    async fn labelled_days(&self, labels: &BlockRow) -> Result<BTreeSet<i64>, AppError> {
        let ingest = self.ingest()?;
        let block = self.open_block(labels).await?;
        let ids: Vec<IdHash> = block.records.ids().map(IdHash::of).collect();
        let (version, environment) = (labels.version.0, labels.environment.0);
        let days = (labels.day.saturating_sub(MAX_DELAY_DAYS), labels.day.saturating_add(MAX_DELAY_DAYS));
        let mut conn = self.store.read().await?;
        let rows =
            predictions::of_days(&mut conn, version, environment, RecordKind::Prediction, days).await?;
        drop(conn);
        let mut found = BTreeSet::new();
        for row in rows {
            if found.contains(&row.day) {
                continue;
            }
            let filter = self.block_filter(ingest, &row).await?;
            let hits = ids.iter().filter(|id| filter.may_hold(**id)).count();
            // A filter is wrong about one id in some 2,000: a few hits are looked at, many are no chance.
            if hits > ids.len() / 100 + 8 {
                found.insert(row.day);
            } else if hits > 0 {
                let known: BTreeSet<&str> = block.records.ids().collect();
                if self.open_block(&row).await?.records.ids().any(|id| known.contains(id)) {
                    found.insert(row.day);
                }
            }
        }
        Ok(found)
    }
}
