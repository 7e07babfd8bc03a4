//! Remediations: what is done about a finding, by whom, until when, and how it ended.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{EvidenceId, PrincipalId, RemediationId, SystemId, VersionId};
use comptroller_core::vocab::{RemediationCause, RemediationEnd, ReminderKind};
use comptroller_core::{Event, Timestamp};

/// A remediation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RemediationRow {
    /// Its id.
    pub id: Text<RemediationId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version that the finding is about.
    pub version: Text<VersionId>,
    /// What it began with.
    pub cause: Text<RemediationCause>,
    /// The test that failed, if that was it.
    pub evidence: Option<Text<EvidenceId>>,
    /// Who opened it; `system` if nobody did.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// Who answers for it; none while nobody has planned it.
    pub owner: Option<Text<PrincipalId>>,
    /// Until when it is to be done.
    pub due_at: Option<Micros>,
    /// When it was planned last.
    pub planned_at: Option<Micros>,
    /// Index of the event that holds the mitigation.
    pub plan_at: Option<i64>,
    /// How it ended; none = it is open.
    pub ended: Option<Text<RemediationEnd>>,
    /// The later test that passed.
    pub retest: Option<Text<EvidenceId>>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<Micros>,
    /// Index of the event that holds the reason of its end.
    pub close_at: Option<i64>,
    /// Index of the event that holds what was found.
    pub private_at: Option<i64>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::RemediationOpened { remediation, system, version, cause, evidence } => {
            change!(
                changes,
                "INSERT INTO remediation (id, system, version, cause, evidence, opened_by, opened_at, owner, due_at, \
                 planned_at, plan_at, ended, retest, closed_by, closed_at, close_at, private_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, $8)",
                Text(remediation),
                Text(system),
                Text(version),
                Text(cause),
                evidence.map(Text),
                at.actor.as_str(),
                now,
                at.private_at()
            );
        }
        Event::RemediationPlanned { remediation, owner, due_at, .. } => {
            change!(
                changes,
                "UPDATE remediation SET owner = $1, due_at = $2, planned_at = $3, plan_at = $4 WHERE id = $5",
                Text(owner),
                due_at.micros(),
                now,
                at.private_at(),
                Text(remediation)
            );
        }
        Event::RemediationClosed { remediation, end, evidence, .. } => {
            change!(
                changes,
                "UPDATE remediation SET ended = $1, retest = $2, closed_by = $3, closed_at = $4, close_at = $5 \
                 WHERE id = $6",
                Text(end),
                evidence.map(Text),
                at.actor.as_str(),
                now,
                at.private_at(),
                Text(remediation)
            );
        }
        _ => {}
    }
}

/// A remediation.
pub async fn remediation(conn: &mut Conn, id: RemediationId) -> Result<Option<RemediationRow>, StoreError> {
    fetch_optional!(
        conn,
        RemediationRow,
        "SELECT id, system, version, cause, evidence, opened_by, opened_at, owner, due_at, planned_at, plan_at, ended, \
         retest, closed_by, closed_at, close_at, private_at FROM remediation WHERE id = $1",
        Text(id)
    )
}

/// Remediations after `after` by id; of one system, or all when `system` is empty.
pub async fn remediations(
    conn: &mut Conn,
    system: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<RemediationRow>, StoreError> {
    fetch_all!(
        conn,
        RemediationRow,
        "SELECT id, system, version, cause, evidence, opened_by, opened_at, owner, due_at, planned_at, plan_at, ended, \
         retest, closed_by, closed_at, close_at, private_at FROM remediation \
         WHERE id > $1 AND ($2 = '' OR system = $2) ORDER BY id LIMIT $3",
        after,
        system,
        limit
    )
}

/// The open remediation of a version with this cause, the oldest.
pub async fn open_with_cause(
    conn: &mut Conn,
    version: VersionId,
    cause: RemediationCause,
) -> Result<Option<Text<RemediationId>>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Text<RemediationId>,),
        "SELECT id FROM remediation WHERE version = $1 AND cause = $2 AND closed_at IS NULL ORDER BY id LIMIT 1",
        Text(version),
        Text(cause)
    )?;
    Ok(row.map(|row| row.0))
}

/// Open remediations without a plan that were opened at `before` at the latest, and of which nobody was reminded.
pub async fn unplanned(
    conn: &mut Conn,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(Text<RemediationId>, Text<SystemId>)>, StoreError> {
    fetch_all!(
        conn,
        (Text<RemediationId>, Text<SystemId>),
        "SELECT m.id, m.system FROM remediation m \
         WHERE m.closed_at IS NULL AND m.due_at IS NULL AND m.opened_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'remediation/' || m.id AND r.kind = $2) \
         ORDER BY m.opened_at LIMIT $3",
        before.micros(),
        Text(ReminderKind::RemediationUnplanned),
        limit
    )
}

/// Open remediations whose time has passed at `now`, and of which nobody was reminded.
pub async fn overdue(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Text<RemediationId>, Text<SystemId>)>, StoreError> {
    fetch_all!(
        conn,
        (Text<RemediationId>, Text<SystemId>),
        "SELECT m.id, m.system FROM remediation m WHERE m.closed_at IS NULL AND m.due_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'remediation/' || m.id AND r.kind = $2) \
         ORDER BY m.due_at LIMIT $3",
        now.micros(),
        Text(ReminderKind::RemediationOverdue),
        limit
    )
}
