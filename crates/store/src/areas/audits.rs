//! Engagements of auditors from outside, and what they ask for.

use super::json;
use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::event::AuditEvent;
use comptroller_core::ids::{EngagementId, EvidenceId, EvidenceRequestId, PrincipalId, SystemId};
use comptroller_core::name::ControlId;
use comptroller_core::vocab::ReminderKind;
use comptroller_core::{Digest, Slug, TagText, Timestamp};
use serde::de::DeserializeOwned;

/// An engagement.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EngagementRow {
    /// Its id.
    pub id: Text<EngagementId>,
    /// The person who audits.
    pub auditor: Text<PrincipalId>,
    /// The frameworks, a JSON list.
    pub frameworks: String,
    /// The systems that may be read, a JSON list; empty for all.
    pub systems: String,
    /// First moment of the period that is audited.
    pub from_at: Micros,
    /// First moment after it.
    pub to_at: Micros,
    /// First moment without access.
    pub until_at: Micros,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// Index of the event that holds the note.
    pub private_at: Option<i64>,
    /// When it was ended before its time.
    pub ended_at: Option<Micros>,
    /// Index of the event that holds the reason.
    pub end_at: Option<i64>,
}

impl EngagementRow {
    /// The frameworks.
    pub fn frameworks(&self) -> Result<Vec<Slug>, StoreError> {
        list("engagement", &self.id.0, &self.frameworks)
    }

    /// The systems that may be read; empty for all.
    pub fn systems(&self) -> Result<Vec<SystemId>, StoreError> {
        list("engagement", &self.id.0, &self.systems)
    }

    /// Whether it gives access at a moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.opened_at.0 <= now && now < self.until_at.0
    }
}

/// What an auditor asked for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EvidenceRequestRow {
    /// Its id.
    pub id: Text<EvidenceRequestId>,
    /// The engagement.
    pub engagement: Text<EngagementId>,
    /// The control that it is about.
    pub control: Option<Text<ControlId>>,
    /// The criterion that it is about.
    pub criterion: Option<Text<TagText>>,
    /// `open`, `answered`, `accepted`, `flagged` or `withdrawn`.
    pub state: String,
    /// Until when it is to be answered.
    pub due_at: Micros,
    /// When it was asked for.
    pub asked_at: Micros,
    /// Index of the event that holds the words.
    pub private_at: Option<i64>,
    /// Evidence of the last answer, a JSON list.
    pub evidence: String,
    /// Entries of the last answer, a JSON list.
    pub entries: String,
    /// The pack of the last answer.
    pub pack: Option<Text<Digest>>,
    /// Who answered last.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<Micros>,
    /// Index of the event that holds the words of the answer.
    pub answer_at: Option<i64>,
    /// When the auditor said something to the answer, or withdrew.
    pub judged_at: Option<Micros>,
    /// Index of the event that holds what.
    pub judgement_at: Option<i64>,
}

impl EvidenceRequestRow {
    /// Evidence of the last answer.
    pub fn evidence(&self) -> Result<Vec<EvidenceId>, StoreError> {
        list("evidence_request", &self.id.0, &self.evidence)
    }

    /// Entries of the last answer.
    pub fn entries(&self) -> Result<Vec<u64>, StoreError> {
        list("evidence_request", &self.id.0, &self.entries)
    }
}

fn list<T: DeserializeOwned>(
    table: &str,
    id: &impl std::fmt::Display,
    text: &str,
) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("table {table}, {id}: {error}")))
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &AuditEvent) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        AuditEvent::Engaged { engagement, auditor, terms } => {
            change!(
                changes,
                "INSERT INTO engagement (id, auditor, frameworks, systems, from_at, to_at, until_at, opened_by, \
                 opened_at, private_at, ended_at, end_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL)",
                Text(engagement),
                Text(auditor),
                json(&terms.frameworks)?,
                json(&terms.systems)?,
                terms.from.micros(),
                terms.to.micros(),
                terms.until.micros(),
                at.actor.as_str(),
                now,
                at.private_at()
            );
        }
        AuditEvent::Ended { engagement } => {
            change!(
                changes,
                "UPDATE engagement SET ended_at = $1, end_at = $2 WHERE id = $3",
                now,
                at.private_at(),
                Text(engagement)
            );
        }
        // It stands in the journal alone.
        AuditEvent::Read { .. } => {}
        AuditEvent::RequestOpened { request, engagement, control, criterion, due_at } => {
            change!(
                changes,
                "INSERT INTO evidence_request (id, engagement, control, criterion, state, due_at, asked_at, private_at, \
                 evidence, entries, pack, answered_by, answered_at, answer_at, judged_at, judgement_at) \
                 VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, '[]', '[]', NULL, NULL, NULL, NULL, NULL, NULL)",
                Text(request),
                Text(engagement),
                control.as_ref().map(Text),
                criterion.as_ref().map(Text),
                due_at.micros(),
                now,
                at.private_at()
            );
        }
        AuditEvent::RequestAnswered { request, evidence, entries, pack } => {
            change!(
                changes,
                "UPDATE evidence_request SET state = 'answered', evidence = $1, entries = $2, pack = $3, \
                 answered_by = $4, answered_at = $5, answer_at = $6 WHERE id = $7",
                json(evidence)?,
                json(entries)?,
                pack.as_ref().map(Text),
                at.actor.as_str(),
                now,
                at.private_at(),
                Text(request)
            );
        }
        AuditEvent::RequestJudged { request, accepted } => {
            judged(changes, at, &request.to_string(), if *accepted { "accepted" } else { "flagged" });
        }
        AuditEvent::RequestWithdrawn { request } => judged(changes, at, &request.to_string(), "withdrawn"),
    }
    Ok(())
}

fn judged(changes: &mut Vec<Change>, at: &At, request: &str, state: &str) {
    change!(
        changes,
        "UPDATE evidence_request SET state = $1, judged_at = $2, judgement_at = $3 WHERE id = $4",
        state,
        at.recorded_at.micros(),
        at.private_at(),
        request
    );
}

/// An engagement.
pub async fn engagement(conn: &mut Conn, id: EngagementId) -> Result<Option<EngagementRow>, StoreError> {
    fetch_optional!(
        conn,
        EngagementRow,
        "SELECT id, auditor, frameworks, systems, from_at, to_at, until_at, opened_by, opened_at, private_at, ended_at, \
         end_at FROM engagement WHERE id = $1",
        Text(id)
    )
}

/// Engagements after `after` by id; of one auditor, or of all when `auditor` is empty.
pub async fn engagements(
    conn: &mut Conn,
    auditor: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<EngagementRow>, StoreError> {
    fetch_all!(
        conn,
        EngagementRow,
        "SELECT id, auditor, frameworks, systems, from_at, to_at, until_at, opened_by, opened_at, private_at, ended_at, \
         end_at FROM engagement WHERE id > $1 AND ($2 = '' OR auditor = $2) ORDER BY id LIMIT $3",
        after,
        auditor,
        limit
    )
}

/// Every engagement that a person ever had.
pub async fn of_auditor(conn: &mut Conn, auditor: PrincipalId) -> Result<Vec<EngagementRow>, StoreError> {
    fetch_all!(
        conn,
        EngagementRow,
        "SELECT id, auditor, frameworks, systems, from_at, to_at, until_at, opened_by, opened_at, private_at, ended_at, \
         end_at FROM engagement WHERE auditor = $1 ORDER BY id",
        Text(auditor)
    )
}

/// What an auditor asked for.
pub async fn request(
    conn: &mut Conn,
    id: EvidenceRequestId,
) -> Result<Option<EvidenceRequestRow>, StoreError> {
    fetch_optional!(
        conn,
        EvidenceRequestRow,
        "SELECT id, engagement, control, criterion, state, due_at, asked_at, private_at, evidence, entries, pack, \
         answered_by, answered_at, answer_at, judged_at, judgement_at FROM evidence_request WHERE id = $1",
        Text(id)
    )
}

/// Requests after `after` by id: of an engagement, and in a state; an empty text stands for any.
pub async fn requests(
    conn: &mut Conn,
    engagement: &str,
    state: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<EvidenceRequestRow>, StoreError> {
    fetch_all!(
        conn,
        EvidenceRequestRow,
        "SELECT id, engagement, control, criterion, state, due_at, asked_at, private_at, evidence, entries, pack, \
         answered_by, answered_at, answer_at, judged_at, judgement_at FROM evidence_request \
         WHERE id > $1 AND ($2 = '' OR engagement = $2) AND ($3 = '' OR state = $3) ORDER BY id LIMIT $4",
        after,
        engagement,
        state,
        limit
    )
}

/// Requests that are not answered though their time has passed at `now`, and of which nobody was reminded.
pub async fn overdue(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Text<EvidenceRequestId>>, StoreError> {
    let rows: Vec<(Text<EvidenceRequestId>,)> = fetch_all!(
        conn,
        (Text<EvidenceRequestId>,),
        "SELECT q.id FROM evidence_request q WHERE q.state IN ('open', 'flagged') AND q.due_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM reminder r WHERE r.subject = 'evidence-request/' || q.id AND r.kind = $2) \
         ORDER BY q.due_at, q.id LIMIT $3",
        now.micros(),
        Text(ReminderKind::EvidenceOverdue),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
