//! When heads are time-stamped: at an interval if something happened, and before an evidence pack is written.

use super::Stamper;
use crate::{App, AppError};
use comptroller_ledger::verify::CLOCK_SLACK_MICROS;
use comptroller_store::{CheckpointRow, timestamps};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often it is looked whether a time-stamp is due; asks nobody.
const LOOK_EVERY: Duration = Duration::from_mins(1);

impl App {
    /// The task that has heads stamped, if an authority is configured; it ends when `stop` changes.
    pub(crate) fn spawn_timestamp_follower(&self, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
        if let Some(stamper) = &self.stamper {
            tasks.spawn(self.clone().follow_timestamps(Arc::clone(stamper), stop.clone()));
        }
    }

    async fn follow_timestamps(self, stamper: Arc<Stamper>, mut stop: watch::Receiver<bool>) {
        loop {
            let round = async {
                tokio::time::sleep(LOOK_EVERY.min(stamper.every)).await;
                self.stamp_if_due(&stamper).await;
            };
            tokio::select! {
                () = round => {}
                _ = stop.changed() => return,
            }
        }
    }

    async fn stamp_if_due(&self, stamper: &Stamper) {
        if stamper.rests() {
            return;
        }
        match self.due(stamper).await {
            Ok(Some(head)) => self.try_stamp(stamper, &head).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "it is not known whether a time-stamp is due"),
        }
    }

    /// The served head, if enough time went by since the newest time-stamp and something happened.
    async fn due(&self, stamper: &Stamper) -> Result<Option<CheckpointRow>, AppError> {
        let mut conn = self.store.read().await?;
        let Some(head) = self.served(&mut conn).await? else { return Ok(None) };
        let newest = timestamps::newest(&mut conn).await?;
        if let Some(newest) = &newest {
            let age = self.store.clock().now().micros().saturating_sub(newest.stamped_at);
            let every = i64::try_from(stamper.every.as_micros()).unwrap_or(i64::MAX);
            // A time far ahead of our clock must not keep us from asking again.
            if (-CLOCK_SLACK_MICROS..every).contains(&age) {
                return Ok(None);
            }
        }
        let covered = newest.map_or(0, |row| row.size);
        let news = covered < head.size && timestamps::has_news(&mut conn, covered, head.size).await?;
        Ok(news.then_some(head))
    }

    /// Has a head stamped now, unless the authority failed a moment ago. A failure shows in the log's state.
    pub(crate) async fn stamp_now(&self, head: &CheckpointRow) {
        if let Some(stamper) = &self.stamper
            && !stamper.rests()
        {
            self.try_stamp(stamper, head).await;
        }
    }

    async fn try_stamp(&self, stamper: &Stamper, head: &CheckpointRow) {
        let _turn = stamper.turn.lock().await;
        // What cannot be recorded is not asked for.
        if self.store.is_read_only() {
            return;
        }
        match self.stamp(stamper, head).await {
            Ok(()) => *stamper.state() = super::State::default(),
            Err(error) => {
                tracing::warn!(log.size = head.size, %error, "the head was not time-stamped");
                stamper.failed(error.to_string());
            }
        }
    }
}
