//! What the decisions of versions are watched for across groups, and what each day came to.

use crate::StoreError;
use crate::areas::monitors::DayRow;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DecisionId, FairnessMonitorId, SystemId, VersionId};
use comptroller_core::vocab::FairnessState;
use comptroller_core::{Environment, Event};

/// What a version is watched for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FairnessMonitorRow {
    /// Its id.
    pub id: Text<FairnessMonitorId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version.
    pub version: Text<VersionId>,
    /// The chance of a false alarm over all time, millionths.
    pub alpha_ppm: i64,
    /// The decision that let it be set.
    pub decision: Text<DecisionId>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Micros,
    /// Its entry, which holds groups and criteria.
    pub idx: i64,
}

/// A day of a version's decisions, as it was judged last.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FairnessWindowRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// The AI system.
    pub system: Text<SystemId>,
    /// What it was watched for.
    pub monitor: Text<FairnessMonitorId>,
    /// Records.
    pub row_count: i64,
    /// Those with a label.
    pub labelled: i64,
    /// How the watch stood after it.
    pub state: Text<FairnessState>,
    /// The smallest p-value, valid at any time, over everything that is watched; millionths, rounded up.
    pub p_ppm: i64,
    /// The last block of predictions that was looked at, by index.
    pub through: i64,
    /// The last block of labels.
    pub labels_through: i64,
    /// When it was judged.
    pub judged_at: Micros,
    /// Its entry, which holds the counts and the watch.
    pub idx: i64,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::FairnessWatchSet { monitor, system, version, alpha_ppm, decision, .. } => {
            change!(
                changes,
                "INSERT INTO fairness_monitor (id, system, version, alpha_ppm, decision, set_by, set_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                Text(monitor),
                Text(system),
                Text(version),
                i64::from(*alpha_ppm),
                Text(decision),
                at.actor.as_str(),
                now,
                at.idx
            );
        }
        Event::FairnessJudged {
            system,
            version,
            environment,
            day,
            monitor,
            rows,
            labelled,
            state,
            p_ppm,
            through,
            labels_through,
            alarms: _,
        } => {
            change!(
                changes,
                "INSERT INTO fairness_window (version, environment, day, system, monitor, row_count, labelled, state, \
                 p_ppm, through, labels_through, judged_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                 ON CONFLICT (version, environment, day) DO UPDATE SET monitor = excluded.monitor, \
                 row_count = excluded.row_count, labelled = excluded.labelled, state = excluded.state, \
                 p_ppm = excluded.p_ppm, through = excluded.through, labels_through = excluded.labels_through, \
                 judged_at = excluded.judged_at, idx = excluded.idx",
                Text(version),
                Text(environment),
                i64::from(*day),
                Text(system),
                Text(monitor),
                number(*rows),
                number(*labelled),
                Text(state),
                i64::from(*p_ppm),
                number(*through),
                number(*labels_through),
                now,
                at.idx
            );
        }
        _ => {}
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

macro_rules! windows {
    ($conn:expr, $tail:literal $(, $bind:expr)*) => {
        fetch_all!(
            $conn,
            FairnessWindowRow,
            concat!(
                "SELECT version, environment, day, system, monitor, row_count, labelled, state, p_ppm, through, \
                 labels_through, judged_at, idx FROM fairness_window ",
                $tail
            )
            $(, $bind)*
        )
    };
}

/// What a version is watched for now.
pub async fn of_version(
    conn: &mut Conn,
    version: VersionId,
) -> Result<Option<FairnessMonitorRow>, StoreError> {
    fetch_optional!(
        conn,
        FairnessMonitorRow,
        "SELECT id, system, version, alpha_ppm, decision, set_by, set_at, idx FROM fairness_monitor \
         WHERE version = $1 ORDER BY idx DESC LIMIT 1",
        Text(version)
    )
}

/// A judged day.
pub async fn window(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    day: i64,
) -> Result<Option<FairnessWindowRow>, StoreError> {
    Ok(windows!(
        conn,
        "WHERE version = $1 AND environment = $2 AND day = $3",
        Text(version),
        Text(environment),
        day
    )?
    .pop())
}

/// The last judgement under a monitor in an environment: where the watch goes on.
pub async fn latest(
    conn: &mut Conn,
    monitor: FairnessMonitorId,
    environment: Environment,
) -> Result<Option<FairnessWindowRow>, StoreError> {
    Ok(windows!(
        conn,
        "WHERE monitor = $1 AND environment = $2 ORDER BY idx DESC LIMIT 1",
        Text(monitor),
        Text(environment)
    )?
    .pop())
}

/// The days that were judged under a monitor in an environment, newest first.
pub async fn days(
    conn: &mut Conn,
    monitor: FairnessMonitorId,
    environment: Environment,
    limit: i64,
) -> Result<Vec<FairnessWindowRow>, StoreError> {
    windows!(
        conn,
        "WHERE monitor = $1 AND environment = $2 ORDER BY day DESC LIMIT $3",
        Text(monitor),
        Text(environment),
        limit
    )
}

/// Days with blocks that their judgement does not know of, of versions that are watched; in the order of days.
pub async fn unjudged(conn: &mut Conn, limit: i64) -> Result<Vec<DayRow>, StoreError> {
    fetch_all!(
        conn,
        DayRow,
        "SELECT b.version, b.environment, b.system, b.day, CAST(SUM(b.row_count) AS BIGINT) AS row_count, \
         MAX(b.idx) AS through FROM prediction_block b WHERE b.records = 'prediction' \
         AND EXISTS (SELECT 1 FROM fairness_monitor m WHERE m.version = b.version) \
         GROUP BY b.version, b.environment, b.system, b.day \
         HAVING MAX(b.idx) > COALESCE((SELECT w.through FROM fairness_window w WHERE w.version = b.version \
         AND w.environment = b.environment AND w.day = b.day), -1) \
         OR (SELECT MAX(m.idx) FROM fairness_monitor m WHERE m.version = b.version) > \
         COALESCE((SELECT w.idx FROM fairness_window w WHERE w.version = b.version \
         AND w.environment = b.environment AND w.day = b.day), -1) \
         ORDER BY b.day, b.version LIMIT $1",
        limit
    )
}
