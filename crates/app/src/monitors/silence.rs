//! A stream that falls silent: what does not arrive cannot be judged, so a day on which nothing came is judged for that.
//!
//! A day without records is unusual if the version was live all day and the same weekday of the week before had records;
//! in its first week, if each of the three days before the silence had. A stream of working days alone is thereby not found silent
//! every weekend. After a week of silence nothing is new about it: no day is judged any more, and the alarm stays open
//! until records come.

use super::judge::Watched;
use super::record::{Judgement, record};
use super::running::Running;
use super::unusual::{Finding, MIN_DAYS};
use super::watch::effective;
use super::window::Window;
use crate::{App, AppError};
use comptroller_core::Event;
use comptroller_core::vocab::{AlarmTopic, DriftBand, RecordKind};
use comptroller_store::areas::deployments::{self, DeploymentRow};
use comptroller_store::areas::models;
use comptroller_store::areas::monitors::{self, WindowRow};
use comptroller_store::areas::predictions;
use serde_json::json;

/// Versions in their environments that are looked at, at most: those that were judged last.
const MOST: i64 = 1_000;
/// How long after its end a day is waited for, in microseconds: two hours.
const GRACE: i64 = 7_200_000_000;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Days of a week.
const WEEK: i64 = 7;

impl App {
    /// Judges days on which nothing came although records were to be expected. Answers how many were recorded.
    pub(super) async fn judge_silence(&self, watched: &mut Watched) -> Result<usize, AppError> {
        let today = (self.store.clock().now().micros() - GRACE).div_euclid(DAY);
        // Nothing changes about a day that is over, so one look a day is enough.
        if watched.silence_until == Some(today) {
            return Ok(0);
        }
        let mut conn = self.store.read().await?;
        let newest = monitors::newest_windows(&mut conn, MOST).await?;
        drop(conn);
        let mut found = 0;
        for row in newest {
            for day in row.day + 1..today.min(row.day + 1 + WEEK) {
                found += usize::from(self.judge_silent_day(&row, day).await?);
            }
        }
        watched.silence_until = Some(today);
        Ok(found)
    }

    /// Whether the day is judged to be silent.
    async fn judge_silent_day(&self, newest: &WindowRow, day: i64) -> Result<bool, AppError> {
        let window = Window { version: newest.version.0, environment: newest.environment.0, day };
        let mut conn = self.store.read().await?;
        let Some(version) = models::version(&mut conn, window.version).await? else { return Ok(false) };
        let live = deployments::live(&mut conn, version.model.0, window.environment).await?;
        let before =
            monitors::windows_until(&mut conn, window.version, window.environment, day - 1, WEEK).await?;
        if !is_silent(day, &before) || !live.is_some_and(|live| is_live_all_day(&live, window)) {
            return Ok(false);
        }
        let Some(baseline) = monitors::of_version(&mut conn, window.version).await? else { return Ok(false) };
        let monitor = monitors::monitor(&mut conn, window.version, window.environment).await?;
        drop(conn);
        let finding = Finding {
            topic: AlarmTopic::Operation,
            code: "silent".to_owned(),
            band: DriftBand::Investigate,
            text: "no record came all day; records were to be expected, as the version is live".to_owned(),
        };
        let event = Event::WindowJudged {
            system: newest.system.0,
            version: window.version,
            environment: window.environment,
            day: u32::try_from(day).unwrap_or(0),
            baseline: baseline.id.0,
            rows: 0,
            labelled: 0,
            coefficient_ppm: None,
            band: None,
            pillar: None,
            through: 0,
            labels_through: 0,
            operation: Some(finding.band),
            access: None,
            season: None,
        };
        let judgement = Judgement {
            window,
            event,
            through: 0,
            rule: effective(&baseline, monitor.as_ref()).rule,
            playbooks: [(AlarmTopic::Operation, "latency".parse()?)].into(),
            shown: json!({
                "problem": "no record came",
                "running": Running::default(),
                "day_notes": [format!("{}: {}", finding.band, finding.text)],
                "unusual": [finding],
            }),
        };
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let Window { version, environment, day } = window;
                    let kind = RecordKind::Prediction;
                    // They may have come meanwhile; that another server was faster is seen when it is recorded.
                    let came =
                        predictions::of_days(tx.conn(), version, environment, kind, (day, day)).await?;
                    if came.is_empty() { record(tx, judgement).await } else { Ok(false) }
                })
            })
            .await
    }
}

fn is_live_all_day(live: &DeploymentRow, window: Window) -> bool {
    live.version.0 == window.version && live.live_from.0.micros() <= window.day.saturating_mul(DAY)
}

/// Whether records were to be expected on a day, by the judged days before it, newest first.
fn is_silent(day: i64, before: &[WindowRow]) -> bool {
    let had = |day: i64| before.iter().any(|row| row.day == day && row.row_count > 0);
    if before.iter().any(|row| row.day <= day - WEEK) {
        return had(day - WEEK);
    }
    let silent = before.iter().take_while(|row| row.row_count == 0).count() as i64;
    (1..=MIN_DAYS as i64).all(|ago| had(day - silent - ago))
}
