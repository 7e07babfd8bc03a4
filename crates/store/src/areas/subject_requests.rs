//! Requests of data subjects as cases, and what becomes of versions that were trained on their data.

use super::json;
use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::Timestamp;
use comptroller_core::event::{PrivacyEvent, RequestClock};
use comptroller_core::ids::{SubjectId, SubjectRequestId, VersionId};
use comptroller_core::vocab::{
    AffectedDecision, ReminderKind, RequestOutcome, SubjectRequestKind, SubjectRequestStep,
};

/// A case.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SubjectRequestRow {
    /// Its id.
    pub id: Text<SubjectRequestId>,
    /// Who asks.
    pub subject: Text<SubjectId>,
    /// For what.
    pub kind: Text<SubjectRequestKind>,
    /// When it was received.
    pub received_at: Micros,
    /// First moment that is too late; none: the law gives no number.
    pub due_at: Option<Micros>,
    /// The row of the law that says so, as JSON.
    pub clock: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// Index of the event that holds the words.
    pub private_at: i64,
    /// When it was checked who asks.
    pub identity_at: Option<Micros>,
    /// When the time was extended.
    pub extended_at: Option<Micros>,
    /// How it ended; none = it is open.
    pub outcome: Option<Text<RequestOutcome>>,
    /// When it was closed.
    pub closed_at: Option<Micros>,
    /// Index of the event that holds the answer.
    pub close_at: Option<i64>,
}

impl SubjectRequestRow {
    /// The row of the law that says until when it is answered.
    pub fn clock(&self) -> Result<RequestClock, StoreError> {
        serde_json::from_str(&self.clock)
            .map_err(|error| StoreError::Damaged(format!("table subject_request, {}: {error}", self.id.0)))
    }
}

/// Something that was done about a case.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NoteRow {
    /// Index of the event, which holds the words.
    pub idx: i64,
    /// What.
    pub step: Text<SubjectRequestStep>,
    /// Who did it.
    pub noted_by: String,
    /// When.
    pub noted_at: Micros,
}

/// What becomes of a version.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AffectedRow {
    /// The version.
    pub version: Text<VersionId>,
    /// What becomes of it.
    pub decision: Text<AffectedDecision>,
    /// Until when.
    pub until_at: Option<Micros>,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided_at: Micros,
    /// Index of the event, which holds the reason.
    pub idx: i64,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &PrivacyEvent) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        PrivacyEvent::RequestOpened { request, subject, kind, received_at, due_at, clock } => {
            change!(
                changes,
                "INSERT INTO subject_request (id, subject, kind, received_at, due_at, clock, opened_by, opened_at, \
                 private_at, identity_at, extended_at, outcome, closed_at, close_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL, NULL, NULL, NULL)",
                Text(request),
                Text(subject),
                Text(kind),
                received_at.micros(),
                due_at.map(Timestamp::micros),
                json(clock)?,
                at.actor.as_str(),
                now,
                at.idx
            );
        }
        PrivacyEvent::RequestNoted { request, step, .. } => {
            change!(
                changes,
                "INSERT INTO subject_request_note (request, idx, step, noted_by, noted_at) VALUES ($1, $2, $3, $4, $5)",
                Text(request),
                at.idx,
                Text(step),
                at.actor.as_str(),
                now
            );
            if *step == SubjectRequestStep::IdentityChecked {
                change!(
                    changes,
                    "UPDATE subject_request SET identity_at = $1 WHERE id = $2",
                    now,
                    Text(request)
                );
            }
        }
        PrivacyEvent::RequestExtended { request, due_at, clock, .. } => {
            change!(
                changes,
                "UPDATE subject_request SET due_at = $1, clock = $2, extended_at = $3 WHERE id = $4",
                due_at.micros(),
                json(clock)?,
                now,
                Text(request)
            );
        }
        PrivacyEvent::RequestClosed { request, outcome, .. } => {
            change!(
                changes,
                "UPDATE subject_request SET outcome = $1, closed_at = $2, close_at = $3 WHERE id = $4",
                Text(outcome),
                now,
                at.private_at(),
                Text(request)
            );
        }
        PrivacyEvent::VersionDecided { subject, version, decision, until } => {
            change!(
                changes,
                "INSERT INTO affected_version (subject, version, decision, until_at, decided_by, decided_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, version) DO UPDATE SET \
                 decision = excluded.decision, until_at = excluded.until_at, decided_by = excluded.decided_by, \
                 decided_at = excluded.decided_at, idx = excluded.idx",
                Text(subject),
                Text(version),
                Text(decision),
                until.map(Timestamp::micros),
                at.actor.as_str(),
                now,
                at.idx
            );
        }
    }
    Ok(())
}

/// A case.
pub async fn request(conn: &mut Conn, id: SubjectRequestId) -> Result<Option<SubjectRequestRow>, StoreError> {
    fetch_optional!(
        conn,
        SubjectRequestRow,
        "SELECT id, subject, kind, received_at, due_at, clock, opened_by, opened_at, private_at, identity_at, \
         extended_at, outcome, closed_at, close_at FROM subject_request WHERE id = $1",
        Text(id)
    )
}

/// Cases after `after` by id: of a subject, or of all when `subject` is empty; with `overdue`, those that are open at that
/// moment though they were due.
pub async fn requests(
    conn: &mut Conn,
    subject: &str,
    overdue: Option<Timestamp>,
    after: &str,
    limit: i64,
) -> Result<Vec<SubjectRequestRow>, StoreError> {
    fetch_all!(
        conn,
        SubjectRequestRow,
        "SELECT id, subject, kind, received_at, due_at, clock, opened_by, opened_at, private_at, identity_at, \
         extended_at, outcome, closed_at, close_at FROM subject_request \
         WHERE id > $1 AND ($2 = '' OR subject = $2) AND ($3 OR (closed_at IS NULL AND due_at <= $4)) \
         ORDER BY id LIMIT $5",
        after,
        subject,
        overdue.is_none(),
        overdue.map_or(i64::MAX, Timestamp::micros),
        limit
    )
}

/// What was done about a case, in order.
pub async fn notes(conn: &mut Conn, request: SubjectRequestId) -> Result<Vec<NoteRow>, StoreError> {
    fetch_all!(
        conn,
        NoteRow,
        "SELECT idx, step, noted_by, noted_at FROM subject_request_note WHERE request = $1 ORDER BY idx",
        Text(request)
    )
}

/// What was decided about versions that were trained on data of a subject.
pub async fn decisions(conn: &mut Conn, subject: SubjectId) -> Result<Vec<AffectedRow>, StoreError> {
    fetch_all!(
        conn,
        AffectedRow,
        "SELECT version, decision, until_at, decided_by, decided_at, idx FROM affected_version WHERE subject = $1 \
         ORDER BY version",
        Text(subject)
    )
}

/// Open cases that are due after `from` and not after `to`, and of which nobody was reminded in this way.
pub async fn due(
    conn: &mut Conn,
    kind: ReminderKind,
    from: Timestamp,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<Text<SubjectRequestId>>, StoreError> {
    let rows: Vec<(Text<SubjectRequestId>,)> = fetch_all!(
        conn,
        (Text<SubjectRequestId>,),
        "SELECT q.id FROM subject_request q WHERE q.closed_at IS NULL AND q.due_at > $1 AND q.due_at <= $2 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'subject-request/' || q.id AND r.kind = $3) \
         ORDER BY q.due_at, q.id LIMIT $4",
        from.micros(),
        to.micros(),
        Text(kind),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Versions that should have been retrained or retired at `now`, serve somewhere still, and of which nobody was reminded.
pub async fn late_versions(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Text<VersionId>>, StoreError> {
    let rows: Vec<(Text<VersionId>,)> = fetch_all!(
        conn,
        (Text<VersionId>,),
        "SELECT DISTINCT a.version FROM affected_version a WHERE a.until_at <= $1 \
         AND EXISTS (SELECT 1 FROM deployment d WHERE d.version = a.version AND d.live_until IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'version/' || a.version AND r.kind = $2) \
         ORDER BY a.version LIMIT $3",
        now.micros(),
        Text(ReminderKind::AffectedVersionOverdue),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
