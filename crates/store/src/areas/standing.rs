//! What stands about a version and its system, by one question: a gate asks all of it each time.

use crate::StoreError;
use crate::db::{Conn, fetch_optional};
use crate::types::Text;
use comptroller_core::ids::{SystemId, VersionId};
use comptroller_core::{Environment, Timestamp};

/// What stands, in counts; of most of it only whether there is any matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// 1 if the version was ever deployed to staging.
    pub served_in_staging: i64,
    /// 1 if a confirmed emergency of the system has waited for its review longer than it may.
    pub reviews_overdue: i64,
    /// Remediations of the system that are open.
    pub open_remediations: i64,
    /// Those of them that have no plan or are past its time.
    pub stalled_remediations: i64,
    /// 1 if records of the version are compared with a baseline.
    pub has_baseline: i64,
    /// 1 if an alarm about the drift of the version in the environment proposes a rollback and is not silenced.
    pub rollback_proposed: i64,
}

/// What stands about a version of a system in an environment at a moment.
pub async fn of(
    conn: &mut Conn,
    version: VersionId,
    system: SystemId,
    environment: Environment,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let row = fetch_optional!(
        conn,
        Standing,
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM deployment d WHERE d.version = $1 AND d.environment = 'staging') \
         THEN 1 ELSE 0 END AS BIGINT) AS served_in_staging, \
         CAST(CASE WHEN EXISTS (SELECT 1 FROM emergency e WHERE e.system = $2 AND e.review_due_at <= $4 \
         AND e.reviewed_at IS NULL) THEN 1 ELSE 0 END AS BIGINT) AS reviews_overdue, \
         (SELECT COUNT(*) FROM remediation r WHERE r.system = $2 AND r.closed_at IS NULL) AS open_remediations, \
         (SELECT COUNT(*) FROM remediation r WHERE r.system = $2 AND r.closed_at IS NULL \
         AND (r.due_at IS NULL OR r.due_at <= $4)) AS stalled_remediations, \
         CAST(CASE WHEN EXISTS (SELECT 1 FROM baseline b WHERE b.version = $1) THEN 1 ELSE 0 END AS BIGINT) \
         AS has_baseline, \
         CAST(CASE WHEN EXISTS (SELECT 1 FROM drift_alarm a WHERE a.version = $1 AND a.environment = $3 \
         AND a.topic = 'drift' AND a.cleared_at IS NULL AND a.proposed = 1 \
         AND (a.snoozed_until IS NULL OR a.snoozed_until <= $4)) THEN 1 ELSE 0 END AS BIGINT) AS rollback_proposed",
        Text(version),
        Text(system),
        Text(environment),
        now.micros()
    )?;
    Ok(row.unwrap_or_default())
}
