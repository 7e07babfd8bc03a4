//! What versions are watched against, and what each day of their records came to.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{BaselineId, SystemId, VersionId};
use comptroller_core::vocab::{BaselineSource, DriftBand, DriftPillar};
use comptroller_core::{Digest, Environment, Event, Slug};

/// A baseline.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct BaselineRow {
    /// Its id.
    pub id: Text<BaselineId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version.
    pub version: Text<VersionId>,
    /// The artifact that is the profile.
    pub profile: Text<Digest>,
    /// Rows of the data it was made from.
    pub row_count: i64,
    /// Columns of the profile.
    pub column_count: i64,
    /// Where the bands begin, millionths.
    pub watch_ppm: i64,
    /// See `watch_ppm`.
    pub investigate_ppm: i64,
    /// See `watch_ppm`.
    pub rollback_ppm: i64,
    /// Where it comes from.
    pub source: Text<BaselineSource>,
    /// Profiles of single months or weekdays by name, JSON.
    pub seasons: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Micros,
    /// Its entry.
    pub idx: i64,
}

/// A day of a version's records, as it was judged last.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct WindowRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// The AI system.
    pub system: Text<SystemId>,
    /// What it was compared with.
    pub baseline: Text<BaselineId>,
    /// Records.
    pub row_count: i64,
    /// Those with a label.
    pub labelled: i64,
    /// The drift coefficient, millionths; none without enough evidence.
    pub coefficient_ppm: Option<i64>,
    /// What it asks for; none without enough evidence.
    pub band: Option<Text<DriftBand>>,
    /// In which way it drifts most.
    pub pillar: Option<Text<DriftPillar>>,
    /// The last block of predictions that was looked at, by index.
    pub through: i64,
    /// The last block of labels.
    pub labels_through: i64,
    /// What latency, errors and volume ask for; none without enough days before it.
    pub operation: Option<Text<DriftBand>>,
    /// What callers ask for; the same.
    pub access: Option<Text<DriftBand>>,
    /// The part of the baseline that it was compared with; none: all of it.
    pub season: Option<Text<Slug>>,
    /// Where the report stands.
    pub private_at: Option<i64>,
    /// When it was judged.
    pub judged_at: Micros,
    /// Its entry.
    pub idx: i64,
}

/// How a version is watched in an environment, by rule cards.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MonitorRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The cards that say so, JSON.
    pub rules: String,
    /// Where the bands begin at the latest, millionths.
    pub watch_ppm: i64,
    /// See `watch_ppm`.
    pub investigate_ppm: i64,
    /// See `watch_ppm`.
    pub rollback_ppm: i64,
    /// So many of the last `windows` make an alarm.
    pub breaches: i64,
    /// See `breaches`.
    pub windows: i64,
    /// Below this coefficient an alarm ends, millionths.
    pub clear_ppm: i64,
    /// Since when.
    pub set_at: Micros,
    /// Its entry.
    pub idx: i64,
}

/// A day whose blocks may be more than its judgement knows of.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DayRow {
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Records in its blocks.
    pub row_count: i64,
    /// The last of its blocks, by index.
    pub through: i64,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::BaselineSet {
            baseline,
            system,
            version,
            profile,
            rows,
            columns,
            watch_ppm,
            investigate_ppm,
            rollback_ppm,
            source,
            blocks: _,
            seasons,
        } => {
            change!(
                changes,
                "INSERT INTO baseline (id, system, version, profile, row_count, column_count, watch_ppm, \
                 investigate_ppm, rollback_ppm, source, seasons, set_by, set_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                Text(baseline),
                Text(system),
                Text(version),
                Text(profile),
                number(*rows),
                i64::from(*columns),
                i64::from(*watch_ppm),
                i64::from(*investigate_ppm),
                i64::from(*rollback_ppm),
                Text(source.unwrap_or(BaselineSource::Stated)),
                super::json(seasons)?,
                at.actor.as_str(),
                now,
                at.idx
            );
        }
        Event::MonitorSet {
            system,
            version,
            environment,
            rules,
            watch_ppm,
            investigate_ppm,
            rollback_ppm,
            breaches,
            windows,
            clear_ppm,
        } => {
            change!(
                changes,
                "INSERT INTO monitor (version, environment, system, rules, watch_ppm, investigate_ppm, rollback_ppm, \
                 breaches, windows, clear_ppm, set_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                 ON CONFLICT (version, environment) DO UPDATE SET rules = excluded.rules, \
                 watch_ppm = excluded.watch_ppm, investigate_ppm = excluded.investigate_ppm, \
                 rollback_ppm = excluded.rollback_ppm, breaches = excluded.breaches, windows = excluded.windows, \
                 clear_ppm = excluded.clear_ppm, set_at = excluded.set_at, idx = excluded.idx",
                Text(version),
                Text(environment),
                Text(system),
                super::json(rules)?,
                i64::from(*watch_ppm),
                i64::from(*investigate_ppm),
                i64::from(*rollback_ppm),
                i64::from(*breaches),
                i64::from(*windows),
                i64::from(*clear_ppm),
                now,
                at.idx
            );
        }
        Event::WindowJudged {
            system,
            version,
            environment,
            day,
            baseline,
            rows,
            labelled,
            coefficient_ppm,
            band,
            pillar,
            through,
            labels_through,
            operation,
            access,
            season,
        } => {
            change!(
                changes,
                "INSERT INTO drift_window (version, environment, day, system, baseline, row_count, labelled, \
                 coefficient_ppm, band, pillar, through, labels_through, operation, access, season, private_at, \
                 judged_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
                 ON CONFLICT (version, environment, day) DO UPDATE SET baseline = excluded.baseline, \
                 row_count = excluded.row_count, labelled = excluded.labelled, \
                 coefficient_ppm = excluded.coefficient_ppm, band = excluded.band, pillar = excluded.pillar, \
                 through = excluded.through, labels_through = excluded.labels_through, \
                 operation = excluded.operation, access = excluded.access, season = excluded.season, \
                 private_at = excluded.private_at, judged_at = excluded.judged_at, idx = excluded.idx",
                Text(version),
                Text(environment),
                i64::from(*day),
                Text(system),
                Text(baseline),
                number(*rows),
                number(*labelled),
                coefficient_ppm.map(i64::from),
                band.map(Text),
                pillar.map(Text),
                number(*through),
                number(*labels_through),
                operation.map(Text),
                access.map(Text),
                season.as_ref().map(Text),
                at.private_at(),
                now,
                at.idx
            );
        }
        _ => {}
    }
    Ok(())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

macro_rules! baselines {
    ($conn:expr, $tail:literal $(, $bind:expr)*) => {
        fetch_all!(
            $conn,
            BaselineRow,
            concat!(
                "SELECT id, system, version, profile, row_count, column_count, watch_ppm, investigate_ppm, \
                 rollback_ppm, source, seasons, set_by, set_at, idx FROM baseline ",
                $tail
            )
            $(, $bind)*
        )
    };
}

macro_rules! windows {
    ($conn:expr, $tail:literal $(, $bind:expr)*) => {
        fetch_all!(
            $conn,
            WindowRow,
            concat!(
                "SELECT version, environment, day, system, baseline, row_count, labelled, coefficient_ppm, band, pillar, \
                 through, labels_through, operation, access, season, private_at, judged_at, idx FROM drift_window ",
                $tail
            )
            $(, $bind)*
        )
    };
}

/// What a version is watched against now.
pub async fn of_version(conn: &mut Conn, version: VersionId) -> Result<Option<BaselineRow>, StoreError> {
    Ok(baselines!(conn, "WHERE version = $1 ORDER BY idx DESC LIMIT 1", Text(version))?.pop())
}

/// Baselines of a system (all when empty) before index `before`, newest first.
pub async fn of_system(
    conn: &mut Conn,
    system: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<BaselineRow>, StoreError> {
    baselines!(
        conn,
        "WHERE idx < $1 AND ($2 = '' OR system = $2) ORDER BY idx DESC LIMIT $3",
        before,
        system,
        limit
    )
}

/// A judged day.
pub async fn window(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    day: i64,
) -> Result<Option<WindowRow>, StoreError> {
    Ok(windows!(
        conn,
        "WHERE version = $1 AND environment = $2 AND day = $3",
        Text(version),
        Text(environment),
        day
    )?
    .pop())
}

/// The judged days of a version up to a day and with it, newest first.
pub async fn windows_until(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
    day: i64,
    limit: i64,
) -> Result<Vec<WindowRow>, StoreError> {
    windows!(
        conn,
        "WHERE version = $1 AND environment = $2 AND day <= $3 ORDER BY day DESC LIMIT $4",
        Text(version),
        Text(environment),
        day,
        limit
    )
}

/// The newest judged day of every version in every environment, those judged last first.
pub async fn newest_windows(conn: &mut Conn, limit: i64) -> Result<Vec<WindowRow>, StoreError> {
    windows!(
        conn,
        "WHERE day = (SELECT MAX(n.day) FROM drift_window n WHERE n.version = drift_window.version \
         AND n.environment = drift_window.environment) ORDER BY idx DESC LIMIT $1",
        limit
    )
}

/// How a version is watched in an environment.
pub async fn monitor(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
) -> Result<Option<MonitorRow>, StoreError> {
    fetch_optional!(
        conn,
        MonitorRow,
        "SELECT version, environment, system, rules, watch_ppm, investigate_ppm, rollback_ppm, breaches, windows, \
         clear_ppm, set_at, idx FROM monitor WHERE version = $1 AND environment = $2",
        Text(version),
        Text(environment)
    )
}

/// Judged days of a system, before the given day and version (days since 1970, version), newest first.
pub async fn windows_of_system(
    conn: &mut Conn,
    system: SystemId,
    before: i64,
    limit: i64,
) -> Result<Vec<WindowRow>, StoreError> {
    windows!(
        conn,
        "WHERE system = $1 AND day < $2 ORDER BY day DESC, version, environment LIMIT $3",
        Text(system),
        before,
        limit
    )
}

/// Days with blocks that their judgement does not know of, of versions that have a baseline.
pub async fn unjudged(conn: &mut Conn, limit: i64) -> Result<Vec<DayRow>, StoreError> {
    fetch_all!(
        conn,
        DayRow,
        "SELECT b.version, b.environment, b.system, b.day, CAST(SUM(b.row_count) AS BIGINT) AS row_count, \
         MAX(b.idx) AS through FROM prediction_block b WHERE b.records = 'prediction' \
         AND EXISTS (SELECT 1 FROM baseline m WHERE m.version = b.version) \
         GROUP BY b.version, b.environment, b.system, b.day \
         HAVING MAX(b.idx) > COALESCE((SELECT w.through FROM drift_window w WHERE w.version = b.version \
         AND w.environment = b.environment AND w.day = b.day), -1) \
         OR (SELECT MAX(m.idx) FROM baseline m WHERE m.version = b.version) > \
         COALESCE((SELECT w.idx FROM drift_window w WHERE w.version = b.version \
         AND w.environment = b.environment AND w.day = b.day), -1) \
         ORDER BY b.day, b.version LIMIT $1",
        limit
    )
}

/// A baseline.
pub async fn baseline(conn: &mut Conn, id: BaselineId) -> Result<Option<BaselineRow>, StoreError> {
    Ok(baselines!(conn, "WHERE id = $1", Text(id))?.pop())
}
