//! The follower that judges days, and what people read of it.

use super::window::{Window, date, day_of};
use crate::drift::{Band, Report, html};
use crate::models::find_version;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, systems};
use comptroller_core::ids::{BaselineId, IncidentId, SystemId, VersionId};
use comptroller_core::vocab::{DriftBand, DriftPillar, IncidentCause, RecordKind};
use comptroller_core::{Environment, Event, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::monitors::{self, DayRow, WindowRow};
use comptroller_store::areas::{emergencies, predictions};
use comptroller_store::{Draft, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Days that are judged in one look, at most.
const MAX_DAYS: i64 = 100;
/// A day that is not over is judged again when it has grown by one part in so many.
const GROWTH: i64 = 10;
/// Columns that the recorded report names, at most.
const MAX_CARRIERS: usize = 20;
/// How long a day that could not be judged rests.
const PAUSE: Duration = Duration::from_secs(300);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What the follower remembers between two looks.
#[derive(Debug, Default)]
pub struct Watched {
    /// The last block of labels whose days were looked for, by index.
    labels: Option<i64>,
    /// Days that could not be judged, and when that was tried.
    failed: BTreeMap<Window, Instant>,
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

impl App {
    /// Judges every day whose blocks or labels are new. Answers how many were judged.
    pub async fn judge_windows(&self, watched: &mut Watched) -> Result<usize, AppError> {
        if self.ingest.is_none() {
            return Ok(0);
        }
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let days = monitors::unjudged(&mut conn, MAX_DAYS).await?;
        let mut due: Vec<DayRow> = Vec::new();
        for day in days {
            let last = monitors::window(&mut conn, day.version.0, day.environment.0, day.day).await?;
            let is_over = (day.day + 1).saturating_mul(DAY) <= now.micros();
            let has_grown =
                last.is_none_or(|last| (day.row_count - last.row_count) * GROWTH >= last.row_count);
            if is_over || has_grown {
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
        Ok(judged)
    }

    /// Judged days that new blocks of labels speak of, without those that are due anyway.
    async fn newly_labelled(&self, watched: &mut Watched, due: &[DayRow]) -> Result<Vec<DayRow>, AppError> {
        let mut conn = self.store.read().await?;
        let since = match watched.labels {
            Some(since) => since,
            None => monitors::labels_through(&mut conn).await?,
        };
        let blocks = predictions::since(&mut conn, RecordKind::Label, since).await?;
        drop(conn);
        let mut windows = BTreeSet::new();
        for block in &blocks {
            for day in self.labelled_days(block).await? {
                windows.insert(Window { version: block.version.0, environment: block.environment.0, day });
            }
        }
        let mut rows = Vec::new();
        let mut conn = self.store.read().await?;
        for Window { version, environment, day } in windows {
            let is_due = due
                .iter()
                .any(|row| (row.version.0, row.environment.0, row.day) == (version, environment, day));
            if is_due {
                continue;
            }
            if let Some(row) = monitors::window(&mut conn, version, environment, day).await? {
                rows.push(DayRow {
                    version: row.version,
                    environment: row.environment,
                    system: row.system,
                    day,
                    row_count: row.row_count,
                    through: row.through,
                });
            }
        }
        watched.labels = Some(blocks.last().map_or(since, |block| block.idx));
        Ok(rows)
    }

    async fn judge_day(&self, day: &DayRow) -> Result<bool, AppError> {
        let window = Window { version: day.version.0, environment: day.environment.0, day: day.day };
        let mut conn = self.store.read().await?;
        let Some(baseline) = monitors::of_version(&mut conn, window.version).await? else { return Ok(false) };
        let labels_through = predictions::last(&mut conn, window.version, RecordKind::Label).await?;
        drop(conn);
        let judged = self.window_report(window, &baseline, day.through, labels_through).await?;
        let headline = judged.report.as_ref().ok().map(|report| &report.headline);
        let band = headline.filter(|headline| headline.has_evidence).map(|headline| band_of(headline.band));
        let event = Event::WindowJudged {
            system: day.system.0,
            version: window.version,
            environment: window.environment,
            day: u32::try_from(window.day).unwrap_or(0),
            baseline: baseline.id.0,
            rows: judged.rows,
            labelled: judged.labelled,
            // Up, against whoever runs it.
            coefficient_ppm: band.and(headline).map(|headline| (headline.coefficient * 1e6).ceil() as u32),
            band,
            pillar: band.and(headline).and_then(|headline| headline.pillar).map(pillar_of),
            through: day.through.unsigned_abs(),
            labels_through: labels_through.unsigned_abs(),
            alarms: false,
        };
        let shown = match &judged.report {
            Ok(report) => shown(report),
            Err(problem) => json!({ "problem": problem }),
        };
        let through = day.through;
        self.store
            .write(move |tx| Box::pin(async move { record(tx, window, event, through, shown).await }))
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
        drop(conn);
        let judged = self.window_report(window, &baseline, row.through, row.labels_through).await?;
        judged.report.map_err(AppError::Conflict)
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

/// Records a judgement, with the alarm and the incident that it asks for.
async fn record(
    tx: &mut Tx,
    window: Window,
    mut event: Event,
    through: i64,
    shown: serde_json::Value,
) -> Result<bool, AppError> {
    let Window { version, environment, day } = window;
    let Event::WindowJudged { system, baseline, band, labels_through, ref mut alarms, .. } = event else {
        return Ok(false);
    };
    let last = monitors::window(tx.conn(), version, environment, day).await?;
    // Another server judged it meanwhile.
    let is_known = last.as_ref().is_some_and(|last| {
        last.through >= through
            && last.labels_through.unsigned_abs() >= labels_through
            && last.baseline.0 == baseline
    });
    if is_known {
        return Ok(false);
    }
    let before = match &last {
        Some(row) => row.band.as_ref().map(|band| band.0),
        None => {
            let row = monitors::window_before(tx.conn(), version, environment, day).await?;
            row.and_then(|row| row.band.map(|band| band.0))
        }
    };
    // Only what is worse than before alarms: the same trouble is told of once.
    *alarms =
        band.is_some_and(|band| band >= DriftBand::Investigate && before.is_none_or(|before| band > before));
    let subject = format!("version/{version}");
    let draft = Draft::new("system", event).about("version", &version);
    tx.record(draft.private("report", &shown)?).await?;
    let open = emergencies::open_incident(tx.conn(), &subject).await?;
    let open = open.filter(|incident| incident.cause.0 == IncidentCause::Drift);
    let ended = match (band, open) {
        (Some(DriftBand::Rollback), None) => {
            let incident = IncidentId::new(tx.now(), comptroller_store::keys::random()?);
            Some(Event::IncidentOpened { incident, system, cause: IncidentCause::Drift, subject })
        }
        (Some(DriftBand::Normal | DriftBand::Watch), Some(open)) => {
            Some(Event::IncidentClosed { incident: open.id.0, system })
        }
        _ => None,
    };
    if let Some(event) = ended {
        tx.record(Draft::new("system", event).about("version", &version)).await?;
    }
    Ok(true)
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
