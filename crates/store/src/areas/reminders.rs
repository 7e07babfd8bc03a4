//! Reminders: what waits for people, and which of it they were reminded of.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{ApprovalId, EmergencyId, EvidenceId, SystemId, WaiverId};
use comptroller_core::vocab::{EvidenceKind, ReminderKind};
use comptroller_core::{Event, Timestamp};
use sqlx::FromRow;

/// A request for approval that waits.
#[derive(Clone, Debug, FromRow)]
pub struct WaitingApproval {
    /// The request.
    pub id: Text<ApprovalId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// JSON of the people that each rule needs.
    pub plan: String,
    /// When it was asked for.
    pub requested_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let Event::ReminderRaised { kind, subject, system } = event else { return };
    change!(
        changes,
        "INSERT INTO reminder (subject, kind, system, raised_at) VALUES ($1, $2, $3, $4)",
        subject.as_str(),
        Text(kind),
        system.map(Text),
        at.recorded_at.micros()
    );
}

/// Whether people were reminded of this already.
pub async fn raised(conn: &mut Conn, subject: &str, kind: ReminderKind) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = fetch_optional!(
        conn,
        (i64,),
        "SELECT raised_at FROM reminder WHERE subject = $1 AND kind = $2",
        subject,
        Text(kind)
    )?;
    Ok(row.is_some())
}

/// Requests of before `before` that nobody denied, used or replaced, that have not expired at `now`, and of which nobody
/// was reminded in this way, the oldest first.
pub async fn waiting_approvals(
    conn: &mut Conn,
    kind: ReminderKind,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<WaitingApproval>, StoreError> {
    fetch_all!(
        conn,
        WaitingApproval,
        "SELECT a.id, m.system, a.plan, a.requested_at FROM approval a JOIN version v ON v.id = a.version \
         JOIN model m ON m.id = v.model \
         WHERE NOT a.denied AND a.requested_at <= $1 AND a.expires_at > $2 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'approval/' || a.id AND r.kind = $3) \
         AND NOT EXISTS (SELECT 1 FROM deployment d WHERE d.approval = a.id) \
         AND NOT EXISTS (SELECT 1 FROM approval b WHERE b.version = a.version AND b.environment = a.environment \
         AND b.requested_at > a.requested_at) \
         ORDER BY a.requested_at LIMIT $4",
        before.micros(),
        now.micros(),
        Text(kind),
        limit
    )
}

/// Granted waivers that end after `from` and not after `to`, were granted at least `span` microseconds before their end,
/// and of which nobody was reminded in this way: id and system.
pub async fn ending_waivers(
    conn: &mut Conn,
    kind: ReminderKind,
    from: Timestamp,
    to: Timestamp,
    span: i64,
    limit: i64,
) -> Result<Vec<(Text<WaiverId>, Text<SystemId>)>, StoreError> {
    fetch_all!(
        conn,
        (Text<WaiverId>, Text<SystemId>),
        "SELECT w.id, m.system FROM waiver w JOIN version v ON v.id = w.version JOIN model m ON m.id = v.model \
         WHERE w.state = 'granted' AND w.expires_at > $1 AND w.expires_at <= $2 \
         AND w.decided_at <= w.expires_at - $3 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'waiver/' || w.id AND r.kind = $4) \
         ORDER BY w.expires_at LIMIT $5",
        from.micros(),
        to.micros(),
        span,
        Text(kind),
        limit
    )
}

/// Confirmed emergencies whose review is due after `from` and not after `to`, and of which nobody was reminded in this
/// way: id and system.
pub async fn unreviewed_emergencies(
    conn: &mut Conn,
    kind: ReminderKind,
    from: Timestamp,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<(Text<EmergencyId>, Text<SystemId>)>, StoreError> {
    fetch_all!(
        conn,
        (Text<EmergencyId>, Text<SystemId>),
        "SELECT e.id, e.system FROM emergency e \
         WHERE e.reviewed_at IS NULL AND e.review_due_at > $1 AND e.review_due_at <= $2 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'emergency/' || e.id AND r.kind = $3) \
         ORDER BY e.review_due_at LIMIT $4",
        from.micros(),
        to.micros(),
        Text(kind),
        limit
    )
}

/// The last risk assessment of each system in use, as evidence that stands, of which nobody was reminded: id and system.
pub async fn last_assessments(
    conn: &mut Conn,
    limit: i64,
) -> Result<Vec<(Text<EvidenceId>, Text<SystemId>)>, StoreError> {
    fetch_all!(
        conn,
        (Text<EvidenceId>, Text<SystemId>),
        "SELECT e.id, e.system FROM evidence e JOIN system s ON s.id = e.system \
         WHERE e.kind = $1 AND e.withdrawn_at IS NULL AND s.status <> 'retired' \
         AND NOT EXISTS (SELECT 1 FROM evidence n WHERE n.system = e.system AND n.kind = e.kind AND n.id > e.id) \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'evidence/' || e.id AND r.kind = $2) \
         ORDER BY e.id LIMIT $3",
        Text(EvidenceKind::RiskAssessment),
        Text(ReminderKind::AssessmentStale),
        limit
    )
}
