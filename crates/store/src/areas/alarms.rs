//! Alarms about versions at work: raised, taken on, silenced for a time, ended.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{AlarmId, SystemId, VersionId};
use comptroller_core::vocab::{AlarmTopic, DriftBand, DriftPillar};
use comptroller_core::{Environment, Event, Slug};

/// An alarm.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AlarmRow {
    /// Its id.
    pub id: Text<AlarmId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version.
    pub version: Text<VersionId>,
    /// Where it runs.
    pub environment: Text<Environment>,
    /// What it is about.
    pub topic: Text<AlarmTopic>,
    /// The day that raised it last, days since 1970-01-01, UTC.
    pub day: i64,
    /// The day from which on it shows.
    pub since: i64,
    /// What it asks for.
    pub band: Text<DriftBand>,
    /// In which way the model drifts.
    pub pillar: Option<Text<DriftPillar>>,
    /// The drift coefficient of that day, millionths.
    pub coefficient_ppm: Option<i64>,
    /// What to do, by the name of a playbook.
    pub playbook: Text<Slug>,
    /// When it was raised last.
    pub raised_at: Micros,
    /// Who took it on.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Micros>,
    /// Who silenced it last.
    pub snoozed_by: Option<String>,
    /// Until when.
    pub snoozed_until: Option<Micros>,
    /// Where the reason stands.
    pub reason_at: Option<i64>,
    /// Whether a rollback was proposed: 1, else 0.
    pub proposed: i64,
    /// To which version.
    pub proposed_to: Option<Text<VersionId>>,
    /// When it ended.
    pub cleared_at: Option<Micros>,
    /// The entry that raised it first.
    pub idx: i64,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::AlarmRaised {
            alarm,
            system,
            version,
            environment,
            topic,
            day,
            since,
            band,
            pillar,
            coefficient_ppm,
            playbook,
            ..
        } => {
            change!(
                changes,
                "INSERT INTO drift_alarm (id, system, version, environment, topic, day, since, band, pillar, \
                 coefficient_ppm, playbook, raised_at, proposed, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13) \
                 ON CONFLICT (id) DO UPDATE SET day = excluded.day, since = excluded.since, band = excluded.band, \
                 pillar = excluded.pillar, coefficient_ppm = excluded.coefficient_ppm, playbook = excluded.playbook, \
                 raised_at = excluded.raised_at, acknowledged_by = NULL, acknowledged_at = NULL, \
                 snoozed_until = NULL",
                Text(alarm),
                Text(system),
                Text(version),
                Text(environment),
                Text(topic),
                i64::from(*day),
                i64::from(*since),
                Text(band),
                pillar.map(Text),
                coefficient_ppm.map(i64::from),
                Text(playbook),
                now,
                at.idx
            );
        }
        Event::AlarmAcknowledged { alarm, .. } => change!(
            changes,
            "UPDATE drift_alarm SET acknowledged_by = $1, acknowledged_at = $2 WHERE id = $3",
            at.actor.as_str(),
            now,
            Text(alarm)
        ),
        Event::AlarmSnoozed { alarm, until, .. } => change!(
            changes,
            "UPDATE drift_alarm SET snoozed_by = $1, snoozed_until = $2, reason_at = $3 WHERE id = $4",
            at.actor.as_str(),
            until.micros(),
            at.private_at(),
            Text(alarm)
        ),
        Event::AlarmCleared { alarm, .. } => {
            change!(changes, "UPDATE drift_alarm SET cleared_at = $1 WHERE id = $2", now, Text(alarm));
        }
        Event::RollbackProposed { alarm, to, .. } => change!(
            changes,
            "UPDATE drift_alarm SET proposed = 1, proposed_to = $1 WHERE id = $2",
            to.map(Text),
            Text(alarm)
        ),
        _ => {}
    }
}

macro_rules! alarms {
    ($fetch:ident, $conn:expr, $tail:literal $(, $bind:expr)*) => {
        $fetch!(
            $conn,
            AlarmRow,
            concat!(
                "SELECT id, system, version, environment, topic, day, since, band, pillar, coefficient_ppm, playbook, \
                 raised_at, acknowledged_by, acknowledged_at, snoozed_by, snoozed_until, reason_at, proposed, \
                 proposed_to, cleared_at, idx FROM drift_alarm ",
                $tail
            )
            $(, $bind)*
        )
    };
}

/// An alarm.
pub async fn alarm(conn: &mut Conn, id: AlarmId) -> Result<Option<AlarmRow>, StoreError> {
    alarms!(fetch_optional, conn, "WHERE id = $1", Text(id))
}

/// The alarm of a version in an environment about a topic that has not ended.
pub async fn open(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    topic: AlarmTopic,
) -> Result<Option<AlarmRow>, StoreError> {
    alarms!(
        fetch_optional,
        conn,
        "WHERE version = $1 AND environment = $2 AND topic = $3 AND cleared_at IS NULL ORDER BY idx DESC LIMIT 1",
        Text(version),
        Text(environment),
        Text(topic)
    )
}

/// Alarms of a system (all when empty) before index `before`, newest first; only those that have not ended if `open`.
pub async fn of_system(
    conn: &mut Conn,
    system: &str,
    open: bool,
    before: i64,
    limit: i64,
) -> Result<Vec<AlarmRow>, StoreError> {
    alarms!(
        fetch_all,
        conn,
        "WHERE idx < $1 AND ($2 = '' OR system = $2) AND (CAST($3 AS BIGINT) = 0 OR cleared_at IS NULL) ORDER BY idx DESC LIMIT $4",
        before,
        system,
        i64::from(open),
        limit
    )
}

/// Alarms that have not ended and whose silence is over at `now` (microseconds).
pub async fn awakened(conn: &mut Conn, now: i64, limit: i64) -> Result<Vec<AlarmRow>, StoreError> {
    alarms!(
        fetch_all,
        conn,
        "WHERE cleared_at IS NULL AND snoozed_until <= $1 ORDER BY idx LIMIT $2",
        now,
        limit
    )
}
