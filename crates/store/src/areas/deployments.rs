//! Deployments, rollback drills and what runtimes report to have loaded.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{ApprovalId, DecisionId, DeploymentId, DrillId, ModelId, SystemId, VersionId};
use comptroller_core::vocab::DeploymentKind;
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};

/// A deployment; live from `live_from` until `live_until`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeploymentRow {
    /// Its id.
    pub id: Text<DeploymentId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// The model.
    pub model: Text<ModelId>,
    /// The version.
    pub version: Text<VersionId>,
    /// Where.
    pub environment: Text<Environment>,
    /// Promotion or rollback.
    pub kind: Text<DeploymentKind>,
    /// Digest over the version's artifact digests.
    pub artifacts: Text<Digest>,
    /// The approval it rests on.
    pub approval: Option<Text<ApprovalId>>,
    /// The decision that allowed it.
    pub decision: Text<DecisionId>,
    /// The deployment it replaced.
    pub replaces: Option<Text<DeploymentId>>,
    /// The drill it belongs to.
    pub drill: Option<Text<DrillId>>,
    /// Who acted.
    pub actor: String,
    /// Since when it is live.
    pub live_from: Micros,
    /// Until when; none = still.
    pub live_until: Option<Micros>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
    /// Its entry.
    pub idx: i64,
}

/// A rollback drill.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DrillRow {
    /// Its id.
    pub id: Text<DrillId>,
    /// The AI system.
    pub system: Text<SystemId>,
    /// Where.
    pub environment: Text<Environment>,
    /// What was live before.
    pub from_deployment: Text<DeploymentId>,
    /// The rollback.
    pub to_deployment: Text<DeploymentId>,
    /// The return.
    pub restored: Text<DeploymentId>,
    /// Artifacts that were read back and hashed.
    pub verified_artifacts: i64,
    /// How long it took.
    pub millis: i64,
    /// When it ended.
    pub drilled_at: Micros,
}

/// What an instance last reported.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RuntimeRow {
    /// The AI system.
    pub system: Text<SystemId>,
    /// Where.
    pub environment: Text<Environment>,
    /// Which process or host.
    pub instance: Text<Slug>,
    /// Digest of the artifact it has loaded.
    pub loaded: Text<Digest>,
    /// Whether that digest belongs to the version on record.
    pub matches: bool,
    /// When it said so.
    pub reported_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::DeploymentCreated {
            deployment,
            system,
            model,
            version,
            environment,
            kind,
            artifacts,
            approval,
            decision,
            replaces,
            drill,
        } => {
            change!(
                changes,
                "UPDATE deployment SET live_until = $1 WHERE model = $2 AND environment = $3 AND live_until IS NULL",
                now,
                Text(model),
                Text(environment)
            );
            change!(
                changes,
                "INSERT INTO deployment (id, system, model, version, environment, kind, artifacts, approval, decision, \
                 replaces, drill, actor, live_from, live_until, private_at, idx) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, $14, $15)",
                Text(deployment),
                Text(system),
                Text(model),
                Text(version),
                Text(environment),
                Text(kind),
                Text(artifacts),
                approval.map(Text),
                Text(decision),
                replaces.map(Text),
                drill.map(Text),
                at.actor.as_str(),
                now,
                at.private_at(),
                at.idx
            );
        }
        Event::RollbackDrilled {
            drill,
            system,
            environment,
            from,
            to,
            restored,
            verified_artifacts,
            millis,
        } => {
            change!(
                changes,
                "INSERT INTO drill (id, system, environment, from_deployment, to_deployment, restored, \
                 verified_artifacts, millis, drilled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                Text(drill),
                Text(system),
                Text(environment),
                Text(from),
                Text(to),
                Text(restored),
                i64::from(*verified_artifacts),
                i64::try_from(*millis).unwrap_or(i64::MAX),
                now
            );
        }
        Event::RuntimeReported { system, environment, instance, loaded, expected, matches } => {
            change!(
                changes,
                "INSERT INTO runtime (system, environment, instance, loaded, expected, matches, reported_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (system, environment, instance) DO UPDATE SET \
                 loaded = excluded.loaded, expected = excluded.expected, matches = excluded.matches, \
                 reported_at = excluded.reported_at",
                Text(system),
                Text(environment),
                Text(instance),
                Text(loaded),
                expected.as_ref().map(Text),
                *matches,
                now
            );
        }
        _ => {}
    }
}

macro_rules! deployments {
    ($conn:expr, $tail:literal $(, $bind:expr)*) => {
        fetch_all!(
            $conn,
            DeploymentRow,
            concat!(
                "SELECT id, system, model, version, environment, kind, artifacts, approval, decision, replaces, drill, \
                 actor, live_from, live_until, private_at, idx FROM deployment ",
                $tail
            )
            $(, $bind)*
        )
    };
}

/// A deployment.
pub async fn deployment(conn: &mut Conn, id: DeploymentId) -> Result<Option<DeploymentRow>, StoreError> {
    Ok(deployments!(conn, "WHERE id = $1", Text(id))?.pop())
}

/// What is live now for a model.
pub async fn live(
    conn: &mut Conn,
    model: ModelId,
    environment: Environment,
) -> Result<Option<DeploymentRow>, StoreError> {
    let rows = deployments!(
        conn,
        "WHERE model = $1 AND environment = $2 AND live_until IS NULL ORDER BY idx DESC LIMIT 1",
        Text(model),
        Text(environment)
    )?;
    Ok(rows.into_iter().next())
}

/// What served in a system at `moment`: one deployment per model. Ends are exclusive.
pub async fn serving(
    conn: &mut Conn,
    system: SystemId,
    environment: Environment,
    moment: Timestamp,
) -> Result<Vec<DeploymentRow>, StoreError> {
    deployments!(
        conn,
        "WHERE system = $1 AND environment = $2 AND live_from <= $3 AND (live_until IS NULL OR live_until > $3) \
         ORDER BY model, idx",
        Text(system),
        Text(environment),
        moment.micros()
    )
}

/// Where a version is live now.
pub async fn live_of_version(conn: &mut Conn, version: VersionId) -> Result<Vec<DeploymentRow>, StoreError> {
    deployments!(conn, "WHERE version = $1 AND live_until IS NULL ORDER BY idx", Text(version))
}

/// Deployments of a system (all when empty) before index `before`, newest first.
pub async fn history(
    conn: &mut Conn,
    system: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<DeploymentRow>, StoreError> {
    deployments!(
        conn,
        "WHERE idx < $1 AND ($2 = '' OR system = $2) ORDER BY idx DESC LIMIT $3",
        before,
        system,
        limit
    )
}

/// Deployments of one model in one environment, newest first.
pub async fn of_model(
    conn: &mut Conn,
    model: ModelId,
    environment: Environment,
    limit: i64,
) -> Result<Vec<DeploymentRow>, StoreError> {
    deployments!(
        conn,
        "WHERE model = $1 AND environment = $2 ORDER BY idx DESC LIMIT $3",
        Text(model),
        Text(environment),
        limit
    )
}

/// Whether a version was ever live in an environment.
pub async fn served(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
) -> Result<bool, StoreError> {
    Ok(fetch_optional!(
        conn,
        (i64,),
        "SELECT idx FROM deployment WHERE version = $1 AND environment = $2 LIMIT 1",
        Text(version),
        Text(environment)
    )?
    .is_some())
}

/// Rollback drills of a system, newest first.
pub async fn drills(conn: &mut Conn, system: SystemId, limit: i64) -> Result<Vec<DrillRow>, StoreError> {
    fetch_all!(
        conn,
        DrillRow,
        "SELECT id, system, environment, from_deployment, to_deployment, restored, verified_artifacts, millis, \
         drilled_at FROM drill WHERE system = $1 ORDER BY drilled_at DESC, id DESC LIMIT $2",
        Text(system),
        limit
    )
}

/// What the instances of a system last reported.
pub async fn runtimes(conn: &mut Conn, system: SystemId) -> Result<Vec<RuntimeRow>, StoreError> {
    fetch_all!(
        conn,
        RuntimeRow,
        "SELECT system, environment, instance, loaded, matches, reported_at FROM runtime WHERE system = $1 \
         ORDER BY environment, instance",
        Text(system)
    )
}
