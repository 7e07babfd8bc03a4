//! What runs beside the requests: signing, witnesses, time-stamps, stream heads, decisions about running deployments,
//! reminders, notifications, sealing of prediction records, judging their days, retention, forgetting old answers. Each
//! is idempotent, and its state is visible.

use crate::predictions::LeftAlone;
use crate::reminders::REMIND_EVERY;
use crate::retention::PURGE_EVERY;
use crate::{App, AppError, monitors, operate};
use comptroller_core::{Event, Timestamp};
use comptroller_ledger::StreamHeads;
use comptroller_store::{Draft, StoreError, areas, journal};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// How often the head is signed, if it changed.
pub const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How often the stream heads are recorded, if the log grew.
const STREAM_HEADS_EVERY: Duration = Duration::from_hours(1);
/// How often the log is looked through for what matters to running deployments.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether prediction records are due to be sealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often small blocks of finished days are put together.
const COMPACT_EVERY: Duration = Duration::from_hours(1);
/// How long an answer to an idempotency key is remembered.
const REMEMBER_SECONDS: i64 = 7 * 86_400;

/// When a follower looks again, until it is told to stop.
struct Beat {
    tick: Interval,
    stop: watch::Receiver<bool>,
}

impl Beat {
    fn new(period: Duration, stop: watch::Receiver<bool>) -> Self {
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, stop }
    }

    /// Waits for the next look; false when it is time to stop.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.tick.tick() => true,
            _ = self.stop.changed() => false,
        }
    }
}

impl App {
    /// Runs the followers until `stop` changes; signs once more at the end.
    pub async fn run_followers(self, mut stop: watch::Receiver<bool>) {
        let mut outside = self.spawn_witness_followers(&stop);
        self.spawn_timestamp_follower(&stop, &mut outside);
        outside.spawn(self.clone().follow_operations(stop.clone()));
        outside.spawn(self.clone().follow_silence(stop.clone()));
        outside.spawn(self.clone().read_filters(stop.clone()));
        outside.spawn(self.clone().follow_records(stop.clone()));
        outside.spawn(self.clone().follow_small_blocks(stop.clone()));
        outside.spawn(self.clone().follow_windows(stop.clone()));
        outside.spawn(self.clone().follow_ages(stop.clone()));
        self.spawn_channels(&stop, &mut outside);
        let mut publish = tokio::time::interval(PUBLISH_EVERY);
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heads = tokio::time::interval(STREAM_HEADS_EVERY);
        heads.reset();
        loop {
            tokio::select! {
                _ = publish.tick() => self.publish_once().await,
                _ = heads.tick() => self.hourly().await,
                _ = stop.changed() => break,
            }
        }
        self.publish_once().await;
        while outside.join_next().await.is_some() {}
    }

    async fn follow_operations(self, stop: watch::Receiver<bool>) {
        let mut watch = operate::Watch::default();
        let mut beat = Beat::new(LOOK_EVERY, stop);
        while beat.next().await {
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.watch_operations(&mut watch).await {
                tracing::error!(error = %error, "running deployments could not be decided about");
            }
        }
    }

    async fn follow_silence(self, stop: watch::Receiver<bool>) {
        let mut beat = Beat::new(REMIND_EVERY, stop);
        while beat.next().await {
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.remind().await {
                tracing::error!(error = %error, "people could not be reminded");
            }
        }
    }

    async fn read_filters(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            warmed = self.warm_filters() => if let Err(error) = warmed {
                tracing::warn!(error = %error, "filters of records could not be read; who looks for one waits for them");
            },
            _ = stop.changed() => {}
        }
    }

    async fn follow_records(self, mut stop: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(SEAL_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.records_are_many() => {}
                _ = stop.changed() => return,
            }
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.seal_predictions(false).await {
                tracing::error!(error = %error, "prediction records could not be sealed; they wait in the write-ahead log");
            }
        }
    }

    /// Puts small blocks together, and deletes the files that they stood in.
    async fn follow_small_blocks(self, stop: watch::Receiver<bool>) {
        let mut alone = LeftAlone::default();
        let mut beat = Beat::new(COMPACT_EVERY, stop);
        while beat.next().await {
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.compact_predictions(&mut alone).await {
                tracing::error!(error = %error, "small blocks of records could not be put together");
            }
            if let Err(error) = self.store.sweep().await {
                tracing::error!(error = %error, "files of records that moved could not be deleted");
            }
        }
    }

    async fn follow_windows(self, stop: watch::Receiver<bool>) {
        let mut watched = monitors::Watched::default();
        let mut fairness = monitors::fairness::FairnessWatched::default();
        let mut beat = Beat::new(LOOK_EVERY, stop);
        while beat.next().await {
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.judge_windows(&mut watched).await {
                tracing::error!(error = %error, "the records of a day could not be judged");
            }
            if let Err(error) = self.judge_fairness(&mut fairness).await {
                tracing::error!(error = %error, "the decisions of a day could not be judged");
            }
        }
    }

    /// Purges at the start and once a day. What a purge that was broken off left is done by the next one.
    async fn follow_ages(self, stop: watch::Receiver<bool>) {
        let mut beat = Beat::new(PURGE_EVERY, stop);
        while beat.next().await {
            if self.store.is_read_only() {
                continue;
            }
            if let Err(error) = self.purge_old().await {
                tracing::error!(error = %error, "what is older than it may be could not be purged");
            }
        }
    }

    async fn publish_once(&self) {
        if let Err(error) = self.store.publish().await {
            tracing::error!(error = %error, "the head of the log could not be signed");
        }
    }

    async fn hourly(&self) {
        if let Err(error) = self.record_stream_heads().await {
            tracing::error!(error = %error, "the stream heads could not be recorded");
        }
        let before =
            Timestamp::from_micros(self.store.clock().now().micros()).plus_seconds(-REMEMBER_SECONDS);
        let forgotten = self
            .store
            .write::<u64, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    areas::workloads::forget_used(tx.conn(), now).await?;
                    areas::access::forget_sessions_seen(tx.conn(), before).await?;
                    areas::uploads::forget_answers(tx.conn(), before).await
                })
            })
            .await;
        if let Err(error) = forgotten {
            tracing::error!(error = %error, "what is no longer needed could not be forgotten");
        }
    }

    /// Records the count and last index of every stream, so that nothing of one stream can be left out unnoticed.
    pub async fn record_stream_heads(&self) -> Result<u64, AppError> {
        self.store
            .write(|tx| {
                Box::pin(async move {
                    let size = tx.next_index();
                    let streams = tx.stream_map().await?;
                    let heads = StreamHeads::of(size, &streams)
                        .map_err(|error| AppError::Internal(format!("stream heads: {error}")))?;
                    let root = heads.root.to_string().parse()?;
                    let event = Event::StreamHeads { root, streams: heads.streams, size: heads.size };
                    Ok::<u64, AppError>(tx.record(Draft::new("system", event)).await?)
                })
            })
            .await
    }

    /// Entries under the newest signed checkpoint.
    pub async fn signed_size(&self) -> Result<u64, AppError> {
        let mut conn = self.store.read().await?;
        Ok(journal::checkpoint(&mut conn).await?.map_or(0, |row| row.size.unsigned_abs()))
    }
}
