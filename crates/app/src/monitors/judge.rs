//! The follower that judges days, and what people read of it.

use super::labels::Unreadable;
use super::record::{Judgement, record};
use super::watch::{Effective, effective, lay_down};
use super::window::{Judged, Window, date, day_of};
use super::{playbook, unusual};
use crate::drift::{Band, Report, html};
use crate::models::find_version;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, systems};
use comptroller_core::ids::{BaselineId, SystemId, VersionId};
use comptroller_core::vocab::{AlarmTopic, DriftBand, DriftPillar};
use comptroller_core::{Environment, Event, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::labels;
use comptroller_store::areas::monitors::{self, BaselineRow, DayRow, WindowRow};
use comptroller_store::{Draft, journal};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Days that are judged in one look, at most.
pub(super) const MAX_DAYS: i64 = 100;
/// A day that is not over is judged again when it has grown by one part in so many.
const GROWTH: i64 = 10;
/// Columns that the recorded report names, at most.
const MAX_CARRIERS: usize = 20;
/// How long a day that could not be judged rests.
pub(super) const PAUSE: Duration = Duration::from_secs(300);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What the follower remembers between two looks.
#[derive(Debug, Default)]
pub struct Watched {
    /// Blocks of labels that could not be read, and when that was tried.
    pub(super) unreadable: Unreadable,
    /// Days that could not be judged, and when that was tried.
    failed: BTreeMap<Window, Instant>,
    /// The day before which silent days were looked for.
    pub(super) silence_until: Option<i64>,
}

/// A day of a version's records, as it was judged last.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// Where it ran.
    pub environment: Environment,
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
    /// What it was compared with.
    pub baseline: BaselineId,
    /// Records.
    pub rows: u64,
    /// Those whose label has come.
    pub labelled: u64,
    /// The drift coefficient in millionths; none: not enough evidence.
    pub coefficient_ppm: Option<u32>,
    /// What it asks for; none: not enough evidence.
    pub band: Option<DriftBand>,
    /// In which way it drifts most.
    pub pillar: Option<DriftPillar>,
    /// What to do.
    pub advice: String,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// The entry that holds the judgement with its report.
    pub ledger_index: u64,
}

/// Whether a day with new blocks is to be judged now: once it is over, and before that whenever it has grown by a tenth
/// of the records that were `counted`.
pub(super) fn is_due(day: &DayRow, counted: Option<i64>, now: Timestamp) -> bool {
    let is_over = (day.day + 1).saturating_mul(DAY) <= now.micros();
    is_over || counted.is_none_or(|counted| (day.row_count - counted) * GROWTH >= counted)
}

impl App {
    /// Judges every day whose blocks or labels are new. Answers how many were judged.
    pub async fn judge_windows(&self, watched: &mut Watched) -> Result<usize, AppError> {
        if self.ingest.is_none() {
            return Ok(0);
        }
        self.awaken_alarms().await?;
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let days = monitors::unjudged(&mut conn, MAX_DAYS).await?;
        let mut due: Vec<DayRow> = Vec::new();
        for day in days {
            let last = monitors::window(&mut conn, day.version.0, day.environment.0, day.day).await?;
            if is_due(&day, last.map(|last| last.row_count), now) {
                due.push(day);
            }
        }
        drop(conn);
        due.extend(self.newly_labelled(watched, &due).await?);
        let mut judged = 0;
        for day in due {
            let window = Window { version: day.version.0, environment: day.environment.0, day: day.day };
            if watched.failed.get(&window).is_some_and(|failed| failed.elapsed() < PAUSE) {
                continue;
            }
            match self.judge_day(&day).await {
                Ok(is_new) => judged += usize::from(is_new),
                // The other days do not wait for this one.
                Err(error) => {
                    tracing::error!(version.id = %window.version, day = window.date(), error = %error, "a day cannot be judged");
                    watched.failed.insert(window, Instant::now());
                }
            }
        }
        judged += self.judge_silence(watched).await?;
        Ok(judged)
    }

    async fn judge_day(&self, day: &DayRow) -> Result<bool, AppError> {
        let window = Window { version: day.version.0, environment: day.environment.0, day: day.day };
        self.lay_down(day.system.0, window).await?;
        let mut conn = self.store.read().await?;
        let Some(baseline) = monitors::of_version(&mut conn, window.version).await? else { return Ok(false) };
        let monitor = monitors::monitor(&mut conn, window.version, window.environment).await?;
        let labels_through = labels::through(&mut conn, window.version).await?;
        drop(conn);
        let effective = effective(&baseline, monitor.as_ref());
        let mut judged =
            self.window_report(window, &baseline, &effective, (day.through, labels_through)).await?;
        judged.running = self.running_of(window, day.through).await?;
        let judgement = self.look_at(day, &baseline, &effective, &judged, labels_through).await?;
        self.store.write(move |tx| Box::pin(async move { record(tx, judgement).await })).await
    }

    /// What is to be recorded about a judged day.
    async fn look_at(
        &self,
        day: &DayRow,
        baseline: &BaselineRow,
        effective: &Effective,
        judged: &Judged,
        labels_through: i64,
    ) -> Result<Judgement, AppError> {
        let window = Window { version: day.version.0, environment: day.environment.0, day: day.day };
        let headline = judged.report.as_ref().ok().map(|report| &report.headline);
        let band = headline.and_then(|headline| headline.band).map(band_of);
        let coefficient = band.and(headline).map(|headline| headline.coefficient);
        let around = self.around(window, baseline, effective, judged, coefficient).await?;
        let event = Event::WindowJudged {
            system: day.system.0,
            version: window.version,
            environment: window.environment,
            day: u32::try_from(window.day).unwrap_or(0),
            baseline: baseline.id.0,
            rows: judged.rows,
            labelled: judged.labelled,
            // Up, against whoever runs it.
            coefficient_ppm: coefficient.map(|coefficient| (coefficient * 1e6).ceil() as u32),
            band,
            pillar: band.and(headline).and_then(|headline| headline.pillar).map(pillar_of),
            through: day.through.unsigned_abs(),
            labels_through: labels_through.unsigned_abs(),
            operation: unusual::band(&around.findings, AlarmTopic::Operation, around.days.0),
            access: unusual::band(&around.findings, AlarmTopic::Access, around.days.1),
            season: judged.season.clone(),
        };
        let mut playbooks = around.playbooks()?;
        let mut shown = match &judged.report {
            Ok(report) => {
                playbooks.insert(AlarmTopic::Drift, playbook::of_report(report).parse()?);
                shown(report)
            }
            Err(problem) => json!({ "problem": problem }),
        };
        shown["running"] = serde_json::to_value(&judged.running)?;
        shown["unusual"] = serde_json::to_value(&around.findings)?;
        shown["day_notes"] = serde_json::to_value(&around.notes)?;
        Ok(Judgement { window, event, through: day.through, rule: effective.rule, playbooks, shown })
    }

    /// Puts on record how a version is watched by the policies in force, if that is something new.
    async fn lay_down(&self, system: SystemId, window: Window) -> Result<(), AppError> {
        let Window { version, environment, .. } = window;
        let mut conn = self.store.read().await?;
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        if lay_down(&mut conn, &bundle, system, version, environment).await?.is_none() {
            return Ok(());
        }
        drop(conn);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    // Another server may have been faster.
                    if let Some(event) = lay_down(tx.conn(), &bundle, system, version, environment).await? {
                        tx.record(Draft::new("system", event).about("version", &version)).await?;
                    }
                    Ok::<(), AppError>(())
                })
            })
            .await
    }

    /// The judged days of a system, newest first.
    pub async fn windows(
        &self,
        caller: &Caller,
        system: &str,
        slice: Slice,
    ) -> Result<Page<WindowView>, AppError> {
        let limit = slice.limit()?;
        let before = match slice.after.as_deref() {
            None => i64::MAX,
            Some(text) => day_of(text)?,
        };
        let mut conn = self.store.read().await?;
        let system = systems::find(&mut conn, system).await?.id.0;
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let rows = monitors::windows_of_system(&mut conn, system, before, limit + 1).await?;
        let views: Vec<WindowView> = rows.into_iter().map(view).collect();
        Ok(page(views, limit, |view| view.day.clone()))
    }

    /// The whole report on a judged day, made again from the very blocks that it was judged by.
    pub async fn window_page(
        &self,
        caller: &Caller,
        version: &str,
        environment: Environment,
        day: &str,
    ) -> Result<Report, AppError> {
        let day = day_of(day)?;
        let mut conn = self.store.read().await?;
        let (model, version) = find_version(&mut conn, version).await?;
        let (system, version) = (model.system.0, version.id.0);
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let window = Window { version, environment, day };
        let missing = || AppError::not_found("window", window.date());
        let row = monitors::window(&mut conn, version, environment, day).await?.ok_or_else(missing)?;
        let baseline = monitors::baseline(&mut conn, row.baseline.0).await?.ok_or_else(missing)?;
        let monitor = monitors::monitor(&mut conn, version, environment).await?;
        drop(conn);
        let effective = effective(&baseline, monitor.as_ref());
        let looked_at = (row.through, row.labels_through);
        let judged = self.window_report(window, &baseline, &effective, looked_at).await?;
        let mut report = judged.report.map_err(AppError::Conflict)?;
        let mut conn = self.store.read().await?;
        let recorded: Option<serde_json::Value> =
            journal::private(&mut conn, self.store.key(), row.private_at).await?;
        let notes = recorded.as_ref().and_then(|recorded| recorded["day_notes"].as_array());
        report.notes.extend(notes.into_iter().flatten().filter_map(|note| note.as_str().map(str::to_owned)));
        Ok(report)
    }

    /// The same as one HTML page.
    pub async fn window_html(
        &self,
        caller: &Caller,
        version: &str,
        environment: Environment,
        day: &str,
    ) -> Result<String, AppError> {
        Ok(html(&self.window_page(caller, version, environment, day).await?))
    }
}

/// What the judgement says, as it is recorded: names of columns are part of the private record.
fn shown(report: &Report) -> serde_json::Value {
    let carriers: Vec<serde_json::Value> = report
        .columns
        .iter()
        .filter(|column| column.coefficient > 0.0)
        .take(MAX_CARRIERS)
        .map(|column| {
            json!({"name": column.name, "coefficient": column.coefficient, "contribution": column.contribution})
        })
        .collect();
    json!({
        "headline": report.headline, "pillars": report.pillars, "findings": report.findings, "columns": carriers,
        "performance": report.performance, "notes": report.notes,
    })
}

fn band_of(band: Band) -> DriftBand {
    match band {
        Band::Normal => DriftBand::Normal,
        Band::Watch => DriftBand::Watch,
        Band::Investigate => DriftBand::Investigate,
        Band::Rollback => DriftBand::Rollback,
    }
}

fn pillar_of(pillar: crate::drift::report::PillarName) -> DriftPillar {
    use crate::drift::report::PillarName;
    match pillar {
        PillarName::Data => DriftPillar::Data,
        PillarName::Prediction => DriftPillar::Prediction,
        PillarName::Quality => DriftPillar::Quality,
        PillarName::Performance => DriftPillar::Performance,
        PillarName::Concept => DriftPillar::Concept,
    }
}

fn view(row: WindowRow) -> WindowView {
    let band = row.band.map(|band| band.0);
    let pillar = row.pillar.map(|pillar| pillar.0);
    WindowView {
        system: row.system.0,
        version: row.version.0,
        environment: row.environment.0,
        day: date(row.day),
        baseline: row.baseline.0,
        rows: row.row_count.unsigned_abs(),
        labelled: row.labelled.unsigned_abs(),
        coefficient_ppm: row.coefficient_ppm.and_then(|ppm| u32::try_from(ppm).ok()),
        band,
        pillar,
        advice: match band {
            None => "no verdict: too few rows, or nothing that the baseline knows".to_owned(),
            Some(band) => super::advice(band, pillar).to_owned(),
        },
        judged_at: row.judged_at.0,
        ledger_index: row.idx.unsigned_abs(),
    }
}
