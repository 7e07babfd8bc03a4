//! Evidence about versions and systems, and waivers: what policy decisions rest on beside the registry.

use crate::StoreError;
use crate::areas::json;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{EvidenceId, PrincipalId, SystemId, VersionId, WaiverId};
use comptroller_core::vocab::{EvidenceKind, Vote};
use comptroller_core::{Digest, Environment, Event, Slug, TagText};

/// A piece of evidence.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EvidenceRow {
    /// Its id.
    pub id: Text<EvidenceId>,
    /// What it is.
    pub kind: Text<EvidenceKind>,
    /// The system.
    pub system: Text<SystemId>,
    /// The version, if it is about one.
    pub version: Option<Text<VersionId>>,
    /// Digest over the version's artifacts.
    pub subject: Option<Text<Digest>>,
    /// The document, an artifact.
    pub document: Option<Text<Digest>>,
    /// When it was observed.
    pub observed_at: Micros,
    /// Whether it came out well.
    pub passed: bool,
    /// Measures in millionths, JSON.
    pub measures: String,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: Micros,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Micros>,
    /// Index of the event that holds the note.
    pub private_at: Option<i64>,
    /// When its document was purged.
    pub purged_at: Option<Micros>,
}

/// A waiver.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct WaiverRow {
    /// Its id.
    pub id: Text<WaiverId>,
    /// The rule.
    pub rule: Text<Slug>,
    /// The version it is for.
    pub version: Text<VersionId>,
    /// The environment it is for.
    pub environment: Text<Environment>,
    /// Who answers for it.
    pub owner: Text<PrincipalId>,
    /// The ticket it belongs to.
    pub ticket: Text<TagText>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Micros,
    /// When it ends at the latest.
    pub expires_at: Micros,
    /// `requested`, `granted`, `refused` or `ended`.
    pub state: String,
    /// Who decided.
    pub decided_by: Option<Text<PrincipalId>>,
    /// When.
    pub decided_at: Option<Micros>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::EvidenceRecorded {
            evidence,
            kind,
            system,
            version,
            subject,
            document,
            observed_at,
            passed,
            measures,
        } => {
            change!(
                changes,
                "INSERT INTO evidence (id, kind, system, version, subject, document, observed_at, passed, measures, \
                 recorded_by, recorded_at, withdrawn_at, private_at, purged_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12, NULL)",
                Text(evidence),
                Text(kind),
                Text(system),
                version.map(Text),
                subject.as_ref().map(Text),
                document.as_ref().map(Text),
                observed_at.micros(),
                *passed,
                json(measures)?,
                at.actor.as_str(),
                now,
                at.private_at()
            );
        }
        Event::EvidenceWithdrawn { evidence } => {
            change!(changes, "UPDATE evidence SET withdrawn_at = $1 WHERE id = $2", now, Text(evidence));
        }
        Event::WaiverRequested { waiver, rule, version, environment, owner, ticket, expires_at } => {
            change!(
                changes,
                "INSERT INTO waiver (id, rule, version, environment, owner, ticket, requested_by, requested_at, \
                 expires_at, state, decided_by, decided_at, private_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'requested', NULL, NULL, $10)",
                Text(waiver),
                Text(rule),
                Text(version),
                Text(environment),
                Text(owner),
                Text(ticket),
                at.actor.as_str(),
                now,
                expires_at.micros(),
                at.private_at()
            );
        }
        Event::WaiverDecided { waiver, approver, vote, .. } => {
            let state = if *vote == Vote::Approve { "granted" } else { "refused" };
            change!(
                changes,
                "UPDATE waiver SET state = $1, decided_by = $2, decided_at = $3 WHERE id = $4",
                state,
                Text(approver),
                now,
                Text(waiver)
            );
        }
        Event::WaiverEnded { waiver } => {
            change!(changes, "UPDATE waiver SET state = 'ended' WHERE id = $1", Text(waiver));
        }
        _ => {}
    }
    Ok(())
}

/// A piece of evidence.
pub async fn evidence(conn: &mut Conn, id: EvidenceId) -> Result<Option<EvidenceRow>, StoreError> {
    fetch_optional!(
        conn,
        EvidenceRow,
        "SELECT id, kind, system, version, subject, document, observed_at, passed, measures, recorded_by, \
         recorded_at, withdrawn_at, private_at, purged_at FROM evidence WHERE id = $1",
        Text(id)
    )
}

/// Evidence of one system, the newest observation first; about one version and the whole system, or about all
/// versions when `version` is empty.
pub async fn of_system(
    conn: &mut Conn,
    system: SystemId,
    version: &str,
    limit: i64,
) -> Result<Vec<EvidenceRow>, StoreError> {
    fetch_all!(
        conn,
        EvidenceRow,
        "SELECT id, kind, system, version, subject, document, observed_at, passed, measures, recorded_by, \
         recorded_at, withdrawn_at, private_at, purged_at FROM evidence \
         WHERE system = $1 AND ($2 = '' OR version IS NULL OR version = $2) \
         ORDER BY observed_at DESC, id DESC LIMIT $3",
        Text(system),
        version,
        limit
    )
}

/// A waiver.
pub async fn waiver(conn: &mut Conn, id: WaiverId) -> Result<Option<WaiverRow>, StoreError> {
    fetch_optional!(
        conn,
        WaiverRow,
        "SELECT id, rule, version, environment, owner, ticket, requested_by, requested_at, expires_at, state, \
         decided_by, decided_at, private_at FROM waiver WHERE id = $1",
        Text(id)
    )
}

/// Waivers after `after` by id; of one version, or all when `version` is empty; in one state, or any when empty.
pub async fn waivers(
    conn: &mut Conn,
    version: &str,
    state: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<WaiverRow>, StoreError> {
    fetch_all!(
        conn,
        WaiverRow,
        "SELECT id, rule, version, environment, owner, ticket, requested_by, requested_at, expires_at, state, \
         decided_by, decided_at, private_at FROM waiver \
         WHERE id > $1 AND ($2 = '' OR version = $2) AND ($3 = '' OR state = $3) ORDER BY id LIMIT $4",
        after,
        version,
        state,
        limit
    )
}
