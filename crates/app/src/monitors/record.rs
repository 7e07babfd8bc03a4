//! What a judgement leaves in the log: itself, the alarms that it raises or ends, the incident, and the rollback that it
//! proposes.

use super::hysteresis::{Day, Rule, Step};
use super::onset::{MAX_DAYS, onset};
use super::rollback::propose;
use super::window::Window;
use crate::AppError;
use comptroller_core::ids::{AlarmId, BaselineId, IncidentId, SystemId};
use comptroller_core::vocab::{AlarmTopic, DriftBand, DriftPillar, IncidentCause};
use comptroller_core::{Event, Slug};
use comptroller_store::areas::alarms::{self, AlarmRow};
use comptroller_store::areas::emergencies;
use comptroller_store::areas::monitors::{self, WindowRow};
use comptroller_store::{Draft, Tx};
use std::collections::BTreeMap;

/// Share of the records of a day that must have a label before the day can end an alarm that labels raised.
const LABELLED: i64 = 2;

/// A judgement that is to be recorded.
pub(super) struct Judgement {
    pub(super) window: Window,
    pub(super) event: Event,
    pub(super) through: i64,
    /// When alarms begin and end.
    pub(super) rule: Rule,
    /// What to do, by topic.
    pub(super) playbooks: BTreeMap<AlarmTopic, Slug>,
    /// What the report says, for the private part.
    pub(super) shown: serde_json::Value,
}

/// Records a judgement with everything that follows from it; false if another server has meanwhile.
pub(super) async fn record(tx: &mut Tx, judgement: Judgement) -> Result<bool, AppError> {
    let Judgement { window, event, through, rule, playbooks, shown } = judgement;
    let Window { version, environment, day } = window;
    let Event::WindowJudged { system, baseline, labels_through, .. } = event else { return Ok(false) };
    let last = monitors::window(tx.conn(), version, environment, day).await?;
    let is_known = last.as_ref().is_some_and(|last| {
        last.through >= through
            && last.labels_through.unsigned_abs() >= labels_through
            && last.baseline.0 == baseline
    });
    if is_known {
        return Ok(false);
    }
    let draft = Draft::new("system", event).about("version", &version);
    tx.record(draft.private("report", &shown)?).await?;
    let rows = monitors::windows_until(tx.conn(), version, environment, day, MAX_DAYS as i64).await?;
    for topic in AlarmTopic::ALL {
        let history = History::of(&rows, *topic, baseline);
        // A topic without a verdict on this very day says nothing today.
        if history.newest_day() != Some(day) {
            continue;
        }
        follow(tx, system, window, *topic, &rule, &history, playbooks.get(topic)).await?;
    }
    Ok(true)
}

/// The days of a version with a verdict about a topic, newest first.
struct History<'r> {
    rows: Vec<&'r WindowRow>,
    days: Vec<Day>,
}

impl<'r> History<'r> {
    fn of(rows: &'r [WindowRow], topic: AlarmTopic, baseline: BaselineId) -> Self {
        let mut history = Self { rows: Vec::new(), days: Vec::new() };
        // Numbers against another baseline are other numbers.
        for row in rows.iter().filter(|row| row.baseline.0 == baseline) {
            let band = match topic {
                AlarmTopic::Drift => &row.band,
                AlarmTopic::Operation => &row.operation,
                AlarmTopic::Access => &row.access,
            };
            let Some(band) = band else { continue };
            let ppm = row.coefficient_ppm.filter(|_| topic == AlarmTopic::Drift);
            history
                .days
                .push(Day { band: band.0, coefficient_ppm: ppm.and_then(|ppm| u32::try_from(ppm).ok()) });
            history.rows.push(row);
        }
        history
    }

    fn newest_day(&self) -> Option<i64> {
        self.rows.first().map(|row| row.day)
    }

    /// Since which day the verdict rests on the pillar that it rests on now.
    fn carried_since(&self, pillar: DriftPillar) -> i64 {
        let run = self.rows.iter().take_while(|row| row.pillar.as_ref().is_some_and(|one| one.0 == pillar));
        run.last().map_or(0, |row| row.day)
    }

    /// The day since which it shows.
    fn since(&self, rule: &Rule) -> i64 {
        let fresh = rule.fresh(&self.days);
        let values: Vec<f64> =
            self.days[..fresh].iter().rev().map(|day| f64::from(rule.level(day))).collect();
        let place = fresh.saturating_sub(1 + onset(&values));
        self.rows.get(place).map_or(0, |row| row.day)
    }
}

/// Raises, repeats or ends the alarm of a topic.
async fn follow(
    tx: &mut Tx,
    system: SystemId,
    window: Window,
    topic: AlarmTopic,
    rule: &Rule,
    history: &History<'_>,
    playbook: Option<&Slug>,
) -> Result<(), AppError> {
    let (Some(newest), Some(row)) = (history.days.first(), history.rows.first().copied()) else {
        return Ok(());
    };
    let open = alarms::open(tx.conn(), window.version, window.environment, topic).await?;
    let step = rule.step(&history.days, open.is_some());
    match (step, open) {
        (Step::Raise, None) => {
            let id = AlarmId::new(tx.now(), comptroller_store::keys::random()?);
            let raised = Raised { id, since: history.since(rule), again: false };
            raise(tx, system, window, topic, rule, (row, newest), raised, playbook).await
        }
        // What gets worse is told again, whether or not it was silenced: that covered what was known.
        (Step::Stay, Some(open)) if newest.band > open.band.0 && row.day >= open.day => {
            // Something else that shows besides is as old as itself, not as the alarm.
            let since = match (&row.pillar, &open.pillar) {
                (Some(now), Some(then)) if now.0 != then.0 => history.carried_since(now.0),
                _ => open.since,
            };
            let raised = Raised { id: open.id.0, since, again: true };
            raise(tx, system, window, topic, rule, (row, newest), raised, playbook).await
        }
        (Step::Clear, Some(open)) if may_clear(&open, row) => clear(tx, system, window, &open).await,
        _ => Ok(()),
    }
}

/// A late label of an old day ends nothing, and a day without labels does not end what labels have shown.
fn may_clear(open: &AlarmRow, row: &WindowRow) -> bool {
    let pillar = open.pillar.as_ref().map(|pillar| pillar.0);
    let needs_labels = matches!(pillar, Some(DriftPillar::Performance | DriftPillar::Concept));
    row.day >= open.day && (!needs_labels || row.labelled * LABELLED >= row.row_count)
}

struct Raised {
    id: AlarmId,
    since: i64,
    again: bool,
}

#[expect(clippy::too_many_arguments, reason = "the fields of one event")]
async fn raise(
    tx: &mut Tx,
    system: SystemId,
    window: Window,
    topic: AlarmTopic,
    rule: &Rule,
    (row, newest): (&WindowRow, &Day),
    raised: Raised,
    playbook: Option<&Slug>,
) -> Result<(), AppError> {
    let Window { version, environment, day } = window;
    let Raised { id: alarm, since, again } = raised;
    let pillar = row.pillar.as_ref().map(|pillar| pillar.0).filter(|_| topic == AlarmTopic::Drift);
    let playbook = match playbook {
        Some(playbook) => playbook.clone(),
        None => "data-drift".parse()?,
    };
    let event = Event::AlarmRaised {
        alarm,
        system,
        version,
        environment,
        topic,
        day: u32::try_from(day).unwrap_or(0),
        since: u32::try_from(since).unwrap_or(0),
        band: newest.band,
        pillar,
        coefficient_ppm: newest.coefficient_ppm,
        playbook,
        breaches: rule.breaches,
        windows: rule.windows,
        again,
    };
    tx.record(Draft::new("system", event).about("version", &version).about("alarm", &alarm)).await?;
    if topic != AlarmTopic::Drift || newest.band != DriftBand::Rollback {
        return Ok(());
    }
    let subject = format!("version/{version}");
    if emergencies::open_incident(tx.conn(), &subject).await?.is_none() {
        let incident = IncidentId::new(tx.now(), comptroller_store::keys::random()?);
        let event = Event::IncidentOpened { incident, system, cause: IncidentCause::Drift, subject };
        tx.record(Draft::new("system", event).about("version", &version)).await?;
    }
    // The band says that performance, concept or quality stand behind it: inputs and scores alone are capped below.
    propose(tx, alarm, system, version, environment).await
}

async fn clear(tx: &mut Tx, system: SystemId, window: Window, open: &AlarmRow) -> Result<(), AppError> {
    let version = window.version;
    let alarm = open.id.0;
    let event = Event::AlarmCleared { alarm, system, day: u32::try_from(window.day).unwrap_or(0) };
    tx.record(Draft::new("system", event).about("version", &version).about("alarm", &alarm)).await?;
    if open.topic.0 != AlarmTopic::Drift {
        return Ok(());
    }
    let incident = emergencies::open_incident(tx.conn(), &format!("version/{version}")).await?;
    if let Some(incident) = incident.filter(|incident| incident.cause.0 == IncidentCause::Drift) {
        let event = Event::IncidentClosed { incident: incident.id.0, system };
        tx.record(Draft::new("system", event).about("version", &version)).await?;
    }
    Ok(())
}
