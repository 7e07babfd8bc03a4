//! One block of a day, counted on a baseline: from its summary, or from its records when there is none yet.

use super::window::{Window, count};
use crate::drift::Profile;
use crate::{App, AppError};
use comptroller_core::ids::BaselineId;
use comptroller_lake::records::Records;
use comptroller_store::areas::labels;
use comptroller_store::areas::predictions::BlockRow;
use std::collections::HashMap;
use std::sync::Arc;

/// Which labels a judgement looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    /// Blocks of labels up to this index count.
    pub(super) through: i64,
    /// The last block of labels that speaks of the day, by index; -1 if none does.
    known: i64,
}

impl Labels {
    /// A judgement of before is made again without the labels that came since: from the records.
    fn is_current(self) -> bool {
        self.known <= self.through
    }
}

/// The name of what is kept of it beside a block.
pub(super) fn name_of(baseline: BaselineId) -> String {
    format!("baseline/{baseline}")
}

impl App {
    /// The labels of a day up to block `through`.
    pub(super) async fn labels_of(
        &self,
        window: Window,
        profile: &Profile,
        through: i64,
    ) -> Result<Labels, AppError> {
        if profile.outcomes.is_none() {
            return Ok(Labels { through, known: -1 });
        }
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        Ok(Labels { through, known: labels::of_day(&mut conn, version, environment, day).await? })
    }

    /// A block of a day, counted on the bins of a baseline.
    pub(super) async fn part_of(
        &self,
        (window, row): (Window, &BlockRow),
        (baseline, profile): (BaselineId, &Arc<Profile>),
        labels: Labels,
    ) -> Result<Profile, AppError> {
        let name = name_of(baseline);
        if labels.is_current()
            && let Some(bytes) = self.summary(row, &name, labels.known).await?
            && let Ok(part) = Profile::from_bytes(&bytes)
        {
            return Ok(part);
        }
        let records = self.open_block(row).await?.records;
        self.count_part((window, row), (&name, profile), labels, records).await
    }

    /// The records of a block counted on the bins of a baseline; what is not of the past is kept beside the block.
    pub(super) async fn count_part(
        &self,
        (window, row): (Window, &BlockRow),
        (name, profile): (&str, &Arc<Profile>),
        labels: Labels,
        records: Records,
    ) -> Result<Profile, AppError> {
        let found = match profile.outcomes {
            Some(_) => {
                let ids: Vec<String> = records.ids().map(str::to_owned).collect();
                let Window { version, environment, day } = window;
                self.labels_for((version, environment, day), &ids, labels.through).await?
            }
            None => HashMap::new(),
        };
        let profile = Arc::clone(profile);
        let counted = tokio::task::spawn_blocking(move || count(&profile, &records, &found));
        let part = counted.await.map_err(|error| AppError::Internal(error.to_string()))??;
        if labels.is_current() {
            let bytes = part.to_bytes().map_err(|error| AppError::Internal(error.to_string()))?;
            // Without it the block is counted again.
            if let Err(error) = self.keep_summary(row, name, labels.known, bytes.into()).await {
                tracing::warn!(block.id = %row.id.0, error = %error, "a summary cannot be kept");
            }
        }
        Ok(part)
    }
}
