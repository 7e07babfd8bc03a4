//! What people do about alarms: take them on, silence them for a time with a reason, and list them.

use super::window::date;
use crate::act::Call;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{AlarmId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{AlarmTopic, DriftBand, DriftPillar};
use comptroller_core::{Environment, Event, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::alarms::{self, AlarmRow};
use comptroller_store::{Draft, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest silence, in days.
const MAX_SNOOZE_DAYS: u32 = 90;
/// Alarms that are told again in one look, at most.
const MOST: i64 = 100;

/// Silences an alarm for a time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeAlarm {
    /// For how many days: 1 to 90. If it still holds then, it is told again.
    #[schema(minimum = 1, maximum = 90)]
    pub days: u32,
    /// Why that is right.
    pub reason: String,
}

/// An alarm.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlarmView {
    /// Its id.
    pub id: AlarmId,
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// Where it runs.
    pub environment: Environment,
    /// What it is about.
    pub topic: AlarmTopic,
    /// `open`, `acknowledged`, `snoozed` or `cleared`.
    pub state: String,
    /// What it asks for.
    pub band: DriftBand,
    /// In which way the model drifts.
    pub pillar: Option<DriftPillar>,
    /// The drift coefficient in millionths, of the day that raised it.
    pub coefficient_ppm: Option<u32>,
    /// The day that raised it, `YYYY-MM-DD`, UTC.
    pub day: String,
    /// The day since which it shows.
    pub since: String,
    /// The playbook to follow: `comptroller playbook show NAME`.
    pub playbook: Slug,
    /// When it was raised, or last told again.
    pub raised_at: Timestamp,
    /// Who took it on.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Timestamp>,
    /// Who silenced it.
    pub snoozed_by: Option<String>,
    /// Until when.
    pub snoozed_until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Whether it proposes a rollback.
    pub rollback_proposed: bool,
    /// To which version; none if no other one is good.
    pub rollback_to: Option<VersionId>,
    /// When it ended.
    pub cleared_at: Option<Timestamp>,
    /// The entry that raised it.
    pub ledger_index: u64,
}

impl App {
    /// Takes an alarm on: from now on it is on record who looks after it.
    pub async fn acknowledge_alarm(&self, call: &Call, id: AlarmId) -> Result<Receipt, AppError> {
        self.act(call, "alarm.acknowledge", id, |mut act, id| {
            Box::pin(async move {
                let row = open_alarm(alarms::alarm(act.conn(), id).await?, id)?;
                let (system, version) = (row.system.0, row.version.0);
                act.may(Action::AlarmAnswer, &format!("system/{system}"), Some(system)).await?;
                if let Some(by) = row.acknowledged_by {
                    return Err(AppError::Conflict(format!("{by} has taken this alarm on already")));
                }
                let event = Event::AlarmAcknowledged { alarm: id, system };
                let draft = act.draft(event).about("version", &version).about("alarm", &id);
                Ok(Receipt::new(id, act.record(draft).await?))
            })
        })
        .await
    }

    /// Silences an alarm until a date. Whoever silences it has taken it on.
    pub async fn snooze_alarm(
        &self,
        call: &Call,
        id: AlarmId,
        command: SnoozeAlarm,
    ) -> Result<Receipt, AppError> {
        self.act(call, "alarm.snooze", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let row = open_alarm(alarms::alarm(act.conn(), id).await?, id)?;
                let (system, version) = (row.system.0, row.version.0);
                act.may(Action::AlarmAnswer, &format!("system/{system}"), Some(system)).await?;
                if !(1..=MAX_SNOOZE_DAYS).contains(&command.days) {
                    let problem = format!("{} is not 1 to {MAX_SNOOZE_DAYS}", command.days);
                    return Err(AppError::invalid("days", problem));
                }
                let until = act.now().plus_seconds(i64::from(command.days) * 86_400);
                if row.acknowledged_by.is_none() {
                    let event = Event::AlarmAcknowledged { alarm: id, system };
                    let draft = act.draft(event).about("version", &version).about("alarm", &id);
                    act.record(draft).await?;
                }
                let event = Event::AlarmSnoozed { alarm: id, system, until };
                let note = Note { text: command.reason };
                let draft = act.draft(event).about("version", &version).about("alarm", &id);
                Ok(Receipt::new(id, act.record(draft.private("reason", &note)?).await?))
            })
        })
        .await
    }

    /// Alarms, newest first; of one system, or all; only those that have not ended, if asked.
    pub async fn alarms(
        &self,
        caller: &Caller,
        system: Option<&str>,
        open: bool,
        slice: Slice,
    ) -> Result<Page<AlarmView>, AppError> {
        self.may_read(caller, Action::ServingRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let before = slice.before()?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => systems::find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let now = self.store.clock().now();
        let mut views = Vec::new();
        for row in alarms::of_system(&mut conn, &system, open, before, limit + 1).await? {
            let reason = journal::private::<Note>(&mut conn, self.store.key(), row.reason_at).await?;
            views.push(view(row, now, reason.map(|note| note.text)));
        }
        Ok(page(views, limit, |view| view.ledger_index.to_string()))
    }

    /// Tells alarms again whose silence is over. Answers how many.
    pub(super) async fn awaken_alarms(&self) -> Result<usize, AppError> {
        let now = self.store.clock().now().micros();
        let mut conn = self.store.read().await?;
        if alarms::awakened(&mut conn, now, MOST).await?.is_empty() {
            return Ok(0);
        }
        drop(conn);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let rows = alarms::awakened(tx.conn(), now, MOST).await?;
                    let count = rows.len();
                    for row in rows {
                        let (version, alarm) = (row.version.0, row.id.0);
                        let draft = Draft::new("system", again(row));
                        tx.record(draft.about("version", &version).about("alarm", &alarm)).await?;
                    }
                    Ok::<usize, AppError>(count)
                })
            })
            .await
    }
}

/// The event that tells an alarm again as it was.
fn again(row: AlarmRow) -> Event {
    let number = |value: i64| u32::try_from(value).unwrap_or(0);
    Event::AlarmRaised {
        alarm: row.id.0,
        system: row.system.0,
        version: row.version.0,
        environment: row.environment.0,
        topic: row.topic.0,
        day: number(row.day),
        since: number(row.since),
        band: row.band.0,
        pillar: row.pillar.map(|pillar| pillar.0),
        coefficient_ppm: row.coefficient_ppm.map(number),
        playbook: row.playbook.0,
        // It is the silence that ended: no days are counted anew.
        breaches: 0,
        windows: 0,
        again: true,
    }
}

fn open_alarm(row: Option<AlarmRow>, id: AlarmId) -> Result<AlarmRow, AppError> {
    let row = row.ok_or_else(|| AppError::not_found("alarm", id))?;
    match row.cleared_at {
        Some(at) => Err(AppError::Conflict(format!("the alarm ended at {}; there is nothing to do", at.0))),
        None => Ok(row),
    }
}

/// How an alarm stands, in a word.
pub(super) fn state(row: &AlarmRow, now: Timestamp) -> &'static str {
    if row.cleared_at.is_some() {
        "cleared"
    } else if row.snoozed_until.as_ref().is_some_and(|until| until.0 > now) {
        "snoozed"
    } else if row.acknowledged_at.is_some() {
        "acknowledged"
    } else {
        "open"
    }
}

fn view(row: AlarmRow, now: Timestamp, reason: Option<String>) -> AlarmView {
    let state = state(&row, now);
    AlarmView {
        id: row.id.0,
        system: row.system.0,
        version: row.version.0,
        environment: row.environment.0,
        topic: row.topic.0,
        state: state.to_owned(),
        band: row.band.0,
        pillar: row.pillar.map(|pillar| pillar.0),
        coefficient_ppm: row.coefficient_ppm.and_then(|ppm| u32::try_from(ppm).ok()),
        day: date(row.day),
        since: date(row.since),
        playbook: row.playbook.0,
        raised_at: row.raised_at.0,
        acknowledged_by: row.acknowledged_by,
        acknowledged_at: row.acknowledged_at.map(|at| at.0),
        snoozed_by: row.snoozed_by,
        snoozed_until: row.snoozed_until.map(|at| at.0),
        reason,
        rollback_proposed: row.proposed == 1,
        rollback_to: row.proposed_to.map(|version| version.0),
        cleared_at: row.cleared_at.map(|at| at.0),
        ledger_index: row.idx.unsigned_abs(),
    }
}
