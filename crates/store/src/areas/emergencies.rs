//! Emergencies, which put a version into an environment past the gate, and incidents.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DeploymentId, EmergencyId, IncidentId, PrincipalId, SystemId, VersionId};
use comptroller_core::vocab::IncidentCause;
use comptroller_core::{Environment, Event, TagText};

/// An emergency.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EmergencyRow {
    /// Its id.
    pub id: Text<EmergencyId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The version that is needed at once.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// The ticket that it belongs to.
    pub ticket: Text<TagText>,
    /// Who declared it.
    pub opened_by: String,
    /// When.
    pub opened_at: Micros,
    /// From when on it is of no use.
    pub expires_at: Micros,
    /// The second person.
    pub confirmed_by: Option<Text<PrincipalId>>,
    /// When.
    pub confirmed_at: Option<Micros>,
    /// By when it must be reviewed.
    pub review_due_at: Option<Micros>,
    /// The deployment that used it.
    pub deployment: Option<Text<DeploymentId>>,
    /// Who deployed.
    pub used_by: Option<String>,
    /// Who judged it.
    pub reviewed_by: Option<Text<PrincipalId>>,
    /// When.
    pub reviewed_at: Option<Micros>,
    /// `justified` or `not-justified`.
    pub verdict: Option<String>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

/// An incident.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct IncidentRow {
    /// Its id.
    pub id: Text<IncidentId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// Why it began.
    pub cause: Text<IncidentCause>,
    /// What it is about.
    pub subject: String,
    /// When it began.
    pub opened_at: Micros,
    /// When it was over; none = it goes on.
    pub closed_at: Option<Micros>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::EmergencyOpened { emergency, system, version, environment, ticket, expires_at, .. } => {
            change!(
                changes,
                "INSERT INTO emergency (id, system, version, environment, ticket, opened_by, opened_at, expires_at, \
                 confirmed_by, confirmed_at, review_due_at, deployment, used_by, reviewed_by, reviewed_at, verdict, \
                 private_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, $9)",
                Text(emergency),
                Text(system),
                Text(version),
                Text(environment),
                Text(ticket),
                at.actor.as_str(),
                now,
                expires_at.micros(),
                at.private_at()
            );
        }
        Event::EmergencyConfirmed { emergency, confirmed_by, review_due_at, .. } => {
            change!(
                changes,
                "UPDATE emergency SET confirmed_by = $1, confirmed_at = $2, review_due_at = $3 WHERE id = $4",
                Text(confirmed_by),
                now,
                review_due_at.micros(),
                Text(emergency)
            );
        }
        Event::EmergencyUsed { emergency, deployment, .. } => {
            change!(
                changes,
                "UPDATE emergency SET deployment = $1, used_by = $2 WHERE id = $3",
                Text(deployment),
                at.actor.as_str(),
                Text(emergency)
            );
        }
        Event::EmergencyReviewed { emergency, reviewer, justified, .. } => {
            change!(
                changes,
                "UPDATE emergency SET reviewed_by = $1, reviewed_at = $2, verdict = $3 WHERE id = $4",
                Text(reviewer),
                now,
                if *justified { "justified" } else { "not-justified" },
                Text(emergency)
            );
        }
        Event::IncidentOpened { incident, system, cause, subject } => {
            change!(
                changes,
                "INSERT INTO incident (id, system, cause, subject, opened_at, closed_at) \
                 VALUES ($1, $2, $3, $4, $5, NULL)",
                Text(incident),
                Text(system),
                Text(cause),
                subject.as_str(),
                now
            );
        }
        Event::IncidentClosed { incident, .. } => {
            change!(changes, "UPDATE incident SET closed_at = $1 WHERE id = $2", now, Text(incident));
        }
        _ => {}
    }
}

/// An emergency.
pub async fn emergency(conn: &mut Conn, id: EmergencyId) -> Result<Option<EmergencyRow>, StoreError> {
    fetch_optional!(
        conn,
        EmergencyRow,
        "SELECT id, system, version, environment, ticket, opened_by, opened_at, expires_at, confirmed_by, \
         confirmed_at, review_due_at, deployment, used_by, reviewed_by, reviewed_at, verdict, private_at \
         FROM emergency WHERE id = $1",
        Text(id)
    )
}

/// The emergency in which a deployment went past the gate.
pub async fn of_deployment(
    conn: &mut Conn,
    deployment: DeploymentId,
) -> Result<Option<EmergencyRow>, StoreError> {
    fetch_optional!(
        conn,
        EmergencyRow,
        "SELECT id, system, version, environment, ticket, opened_by, opened_at, expires_at, confirmed_by, \
         confirmed_at, review_due_at, deployment, used_by, reviewed_by, reviewed_at, verdict, private_at \
         FROM emergency WHERE deployment = $1",
        Text(deployment)
    )
}

/// Emergencies after `after` by id; of one system, or all when `system` is empty.
pub async fn emergencies(
    conn: &mut Conn,
    system: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<EmergencyRow>, StoreError> {
    fetch_all!(
        conn,
        EmergencyRow,
        "SELECT id, system, version, environment, ticket, opened_by, opened_at, expires_at, confirmed_by, \
         confirmed_at, review_due_at, deployment, used_by, reviewed_by, reviewed_at, verdict, private_at \
         FROM emergency WHERE id > $1 AND ($2 = '' OR system = $2) ORDER BY id LIMIT $3",
        after,
        system,
        limit
    )
}

/// The open incident about a thing.
pub async fn open_incident(conn: &mut Conn, subject: &str) -> Result<Option<IncidentRow>, StoreError> {
    fetch_optional!(
        conn,
        IncidentRow,
        "SELECT id, system, cause, subject, opened_at, closed_at FROM incident \
         WHERE subject = $1 AND closed_at IS NULL LIMIT 1",
        subject
    )
}

/// Incidents after `after` by id; of one system, or all when `system` is empty.
pub async fn incidents(
    conn: &mut Conn,
    system: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<IncidentRow>, StoreError> {
    fetch_all!(
        conn,
        IncidentRow,
        "SELECT id, system, cause, subject, opened_at, closed_at FROM incident \
         WHERE id > $1 AND ($2 = '' OR system = $2) ORDER BY id LIMIT $3",
        after,
        system,
        limit
    )
}
