//! What is counted when a block is sealed, while its records are in memory: how they ran, and what they are on the
//! baseline of their version. Whoever judges the day, or looks at a year of days, then reads counts and no records.

use super::part::name_of;
use super::running::BlockRunning;
use super::window::Window;
use crate::{App, AppError};
use comptroller_core::ids::BlockId;
use comptroller_lake::records::Records;
use comptroller_store::areas::{labels, monitors, predictions};
use std::sync::Arc;

impl App {
    /// Counts a sealed block of predictions. What fails is counted again by whoever asks, so it stops nobody.
    pub(crate) async fn count_sealed(&self, block: BlockId, records: Records) {
        if let Err(error) = self.count_block(block, records).await {
            tracing::warn!(block.id = %block, error = %error, "a sealed block could not be counted; it will be when it is judged");
        }
    }

    async fn count_block(&self, block: BlockId, records: Records) -> Result<(), AppError> {
        let mut conn = self.store.read().await?;
        let Some(row) = predictions::block(&mut conn, block).await? else { return Ok(()) };
        let window = Window { version: row.version.0, environment: row.environment.0, day: row.day };
        let baseline = monitors::of_version(&mut conn, window.version).await?;
        let through = labels::through(&mut conn, window.version).await?;
        drop(conn);
        let records = Arc::new(records);
        let counted = Arc::clone(&records);
        let running = tokio::task::spawn_blocking(move || BlockRunning::of(&counted)).await;
        let running = running.map_err(|error| AppError::Internal(error.to_string()))??;
        self.keep_running(&row, &running).await?;
        let Some(baseline) = baseline else { return Ok(()) };
        let profile = Arc::new(self.read_profile(&baseline.profile.0).await?);
        let labels = self.labels_of(window, &profile, through).await?;
        let name = name_of(baseline.id.0);
        self.count_part((window, &row), (&name, &profile), labels, Arc::unwrap_or_clone(records)).await?;
        Ok(())
    }
}
