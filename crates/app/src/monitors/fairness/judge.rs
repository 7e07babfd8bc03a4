//! The follower that counts days and goes on with the watch.
//!
//! A day is looked at when its records have grown by a tenth, once it is over, and when labels for it have come: by what
//! arrived and never by what it says, which is what keeps the test honest.

use super::count::count;
use super::{Judgement, Laid};
use crate::monitors::judge::{MAX_DAYS, PAUSE, is_due};
use crate::monitors::labels::{MAX_DELAY_DAYS, Unreadable, without};
use crate::monitors::window::Window;
use crate::{App, AppError};
use comptroller_core::Event;
use comptroller_core::ids::RemediationId;
use comptroller_core::private::Note;
use comptroller_core::vocab::{FairnessState, RecordKind, RemediationCause};
use comptroller_stats::fairness::watching::{Cells, Shown, Standing, Watching};
use comptroller_store::areas::fairness::{self, FairnessMonitorRow};
use comptroller_store::areas::monitors::DayRow;
use comptroller_store::areas::{labels, predictions, remediations};
use comptroller_store::{Draft, Tx, journal};
use std::collections::BTreeMap;
use std::time::Instant;

/// One, in millionths.
const MILLION: f64 = 1e6;

/// What the follower remembers between two looks.
#[derive(Debug, Default)]
pub struct FairnessWatched {
    /// Blocks of labels that could not be read, and when that was tried.
    unreadable: Unreadable,
    /// Days that could not be judged, and when that was tried.
    failed: BTreeMap<Window, Instant>,
}

/// What is new of a day, on top of which judgement.
struct Step {
    window: Window,
    monitor: FairnessMonitorRow,
    /// The last judgement of the watch when it was read; a later one means that somebody else was faster.
    after: Option<i64>,
    was_found: bool,
    judgement: Judgement,
    rows: u64,
    labelled: u64,
    through: i64,
    labels_through: i64,
}

impl App {
    /// Judges every day of decisions that are watched whose blocks or labels are new. Answers how many were judged.
    pub async fn judge_fairness(&self, watched: &mut FairnessWatched) -> Result<usize, AppError> {
        if self.ingest.is_none() {
            return Ok(0);
        }
        let mut due = self.grown().await?;
        due.extend(self.newly_labelled_decisions(watched, &due).await?);
        let mut judged = 0;
        for day in due {
            let window = Window { version: day.version.0, environment: day.environment.0, day: day.day };
            if watched.failed.get(&window).is_some_and(|failed| failed.elapsed() < PAUSE) {
                continue;
            }
            match self.judge_fairness_of(window, day.through).await {
                Ok(is_new) => judged += usize::from(is_new),
                // The other days do not wait for this one.
                Err(error) => {
                    tracing::error!(version.id = %window.version, day = window.date(), error = %error, "the decisions of a day cannot be judged");
                    watched.failed.insert(window, Instant::now());
                }
            }
        }
        Ok(judged)
    }

    /// Days that are over or have grown.
    async fn grown(&self) -> Result<Vec<DayRow>, AppError> {
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let mut due = Vec::new();
        for day in fairness::unjudged(&mut conn, MAX_DAYS).await? {
            let monitor = fairness::of_version(&mut conn, day.version.0).await?;
            let last = fairness::window(&mut conn, day.version.0, day.environment.0, day.day).await?;
            // What another monitor counted says nothing about growth under this one.
            let last = last.filter(|last| monitor.as_ref().is_some_and(|one| one.id.0 == last.monitor.0));
            if is_due(&day, last.map(|last| last.row_count), now) {
                due.push(day);
            }
        }
        Ok(due)
    }

    /// Judged days that new labels speak of, without those that are due anyway.
    async fn newly_labelled_decisions(
        &self,
        watched: &mut FairnessWatched,
        due: &[DayRow],
    ) -> Result<Vec<DayRow>, AppError> {
        self.read_labels(&mut watched.unreadable).await?;
        let mut conn = self.store.read().await?;
        Ok(without(labels::days_of_decisions(&mut conn, MAX_DAYS).await?, due))
    }

    async fn judge_fairness_of(&self, window: Window, through: i64) -> Result<bool, AppError> {
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        let Some(monitor) = fairness::of_version(&mut conn, version).await? else { return Ok(false) };
        let labels_through = labels::through(&mut conn, version).await?;
        let key = self.store.key();
        let laid: Option<Laid> = journal::private(&mut conn, key, Some(monitor.idx)).await?;
        let laid = laid.ok_or_else(|| AppError::Internal(format!("watch {} has no plan", monitor.id.0)))?;
        let latest = fairness::latest(&mut conn, monitor.id.0, environment).await?;
        let before: Option<Judgement> = match &latest {
            Some(row) => journal::private(&mut conn, key, Some(row.idx)).await?,
            None => None,
        };
        let known = fairness::window(&mut conn, version, environment, day).await?;
        let known: Option<Judgement> = match known.filter(|row| row.monitor.0 == monitor.id.0) {
            Some(row) => journal::private(&mut conn, key, Some(row.idx)).await?,
            None => None,
        };
        drop(conn);
        let (cells, rows, labelled) = self.count_day(window, &laid, through, labels_through).await?;
        let mut watching = match before {
            Some(before) => before.watching,
            None => Watching::new(laid.plan).map_err(|error| AppError::Internal(error.to_string()))?,
        };
        let was_found = watching.standing() == Standing::Finding;
        // From places in the log, which say nothing about outcomes.
        let seed = (through.unsigned_abs() << 32) ^ labels_through.max(0).unsigned_abs();
        watching
            .take(known.as_ref().map(|known| known.cells.as_slice()), &cells, seed)
            .map_err(|error| AppError::Internal(error.to_string()))?;
        let step = Step {
            window,
            monitor,
            after: latest.map(|row| row.idx),
            was_found,
            judgement: Judgement { cells, watching },
            rows,
            labelled,
            through,
            labels_through,
        };
        self.store.write(move |tx| Box::pin(async move { record(tx, step).await })).await
    }

    /// The counts of a day, its rows, and how many have a label.
    async fn count_day(
        &self,
        window: Window,
        laid: &Laid,
        through: i64,
        labels_through: i64,
    ) -> Result<(Vec<Cells>, u64, u64), AppError> {
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        let rows =
            predictions::of_days(&mut conn, version, environment, RecordKind::Prediction, (day, day)).await?;
        let days = (day.saturating_sub(MAX_DELAY_DAYS), day.saturating_add(MAX_DELAY_DAYS));
        let has_labels =
            !predictions::of_days(&mut conn, version, environment, RecordKind::Label, days).await?.is_empty();
        drop(conn);
        let mut cells: Vec<Cells> = vec![Cells::default(); laid.plan.combinations()];
        let (mut total, mut labelled) = (0, 0);
        for row in rows.iter().filter(|row| row.idx <= through) {
            let records = self.open_block(row).await?.records;
            let labels = if has_labels {
                let ids: Vec<String> = records.ids().map(str::to_owned).collect();
                self.labels_for((version, environment, day), &ids, labels_through).await?
            } else {
                std::collections::HashMap::new()
            };
            total += records.len() as u64;
            let laid = laid.clone();
            let counted = tokio::task::spawn_blocking(move || {
                let labelled = count(&laid, &records, &labels, &mut cells)?;
                Ok::<_, AppError>((cells, labelled))
            });
            let (counted, more) = counted.await.map_err(|error| AppError::Internal(error.to_string()))??;
            cells = counted;
            labelled += more;
        }
        Ok((cells, total, labelled))
    }
}

/// Records a judgement, with the finding that it makes.
async fn record(tx: &mut Tx, step: Step) -> Result<bool, AppError> {
    let Window { version, environment, day } = step.window;
    let (monitor, system) = (step.monitor.id.0, step.monitor.system.0);
    // Another server judged meanwhile, or what is watched has changed: the next look begins from there.
    let latest = fairness::latest(tx.conn(), monitor, environment).await?.map(|row| row.idx);
    let current = fairness::of_version(tx.conn(), version).await?;
    if latest != step.after || current.is_none_or(|current| current.id.0 != monitor) {
        return Ok(false);
    }
    let shown = step.judgement.watching.shown();
    let standing = step.judgement.watching.standing();
    let games = f64::from(u32::try_from(shown.len()).unwrap_or(u32::MAX));
    let p_value = shown.iter().map(|one| one.p_value * games).fold(1.0, f64::min);
    let alarms = standing == Standing::Finding && !step.was_found;
    let event = Event::FairnessJudged {
        system,
        version,
        environment,
        day: u32::try_from(day).unwrap_or(0),
        monitor,
        rows: step.rows,
        labelled: step.labelled,
        state: state_of(standing),
        // Up, against an alarm.
        p_ppm: (p_value * MILLION).ceil() as u32,
        through: step.through.unsigned_abs(),
        labels_through: step.labels_through.max(0).unsigned_abs(),
        alarms,
    };
    let draft = Draft::new("system", event).about("version", &version);
    tx.record(draft.private("judgement", &step.judgement)?).await?;
    let cause = RemediationCause::FairnessMonitor;
    if alarms && remediations::open_with_cause(tx.conn(), version, cause).await?.is_none() {
        let remediation = RemediationId::new(tx.now(), comptroller_store::keys::random()?);
        let event = Event::RemediationOpened { remediation, system, version, cause, evidence: None };
        let draft = Draft::new("system", event).about("version", &version).about("remediation", &remediation);
        tx.record(draft.private("finding", &Note { text: sentence(&shown) })?).await?;
    }
    Ok(true)
}

pub(super) fn state_of(standing: Standing) -> FairnessState {
    match standing {
        Standing::NoFinding => FairnessState::NoFinding,
        Standing::InsufficientEvidence => FairnessState::InsufficientEvidence,
        Standing::Finding => FairnessState::Finding,
    }
}

/// What was found, in a sentence a criterion.
fn sentence(shown: &[Shown]) -> String {
    let found = shown.iter().filter(|one| one.standing == Standing::Finding);
    let one = |one: &Shown| {
        let least = if one.criterion.measure.is_ratio() { "at least" } else { "at most" };
        format!(
            "{} {least} {} does not hold between {} and {} (p-value valid at any time: {:.2e})",
            one.criterion.measure.name().replace('_', " "),
            one.criterion.bound,
            one.between[0],
            one.between[1],
            one.p_value
        )
    };
    found.map(one).collect::<Vec<_>>().join("; ")
}
