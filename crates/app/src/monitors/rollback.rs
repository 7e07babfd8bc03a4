//! Rollback because of drift: proposed by an alarm, and made by the server itself where a rule card says so.
//!
//! A rule about running (`on = ["operation"]`, `lapse = "rollback"`) that requires `rollback_proposed` to be false lets
//! the server return to the last good approved version. The policies are asked about that act as about any other; if they
//! refuse, the proposal stays a proposal.

use crate::models::{artifacts_digest, facts};
use crate::tiers::tier_in_force;
use crate::{App, AppError};
use comptroller_core::ids::{AlarmId, DecisionId, DeploymentId, ModelId, PrincipalId, SystemId, VersionId};
use comptroller_core::private::Note;
use comptroller_core::vocab::{AlarmTopic, DeploymentKind, DriftBand, Outcome, PrincipalKind, RiskTier};
use comptroller_core::{Environment, Event, Role, Slug, Timestamp};
use comptroller_policy::{Action, Bundle, Decision, Facts, Lapse, Principal, Request};
use comptroller_store::areas::deployments::{self, DeploymentRow};
use comptroller_store::areas::models::{self, VersionRow};
use comptroller_store::areas::{alarms, approvals, systems};
use comptroller_store::{Conn, Draft, Tx};
use std::collections::{BTreeMap, BTreeSet};

/// Deployments that are looked through for a good version.
const MAX_DEPLOYMENTS: i64 = 200;
/// The fact by which a rule says that the server may roll back by itself.
pub(crate) const FACT: &str = "rollback_proposed";

/// Records that an alarm asks for a rollback, if the version serves there.
pub(super) async fn propose(
    tx: &mut Tx,
    alarm: AlarmId,
    system: SystemId,
    version: VersionId,
    environment: Environment,
) -> Result<(), AppError> {
    let Some(row) = models::version(tx.conn(), version).await? else { return Ok(()) };
    let live = deployments::live(tx.conn(), row.model.0, environment).await?;
    let Some(live) = live.filter(|live| live.version.0 == version) else { return Ok(()) };
    let to = last_good(tx.conn(), row.model.0, environment, version).await?.map(|row| row.id.0);
    let event = Event::RollbackProposed { alarm, system, version, environment, deployment: live.id.0, to };
    tx.record(Draft::new("system", event).about("version", &version).about("alarm", &alarm)).await?;
    Ok(())
}

/// The version that served last in an environment before the present one, was approved for it (where approvals are
/// needed), and has no alarm of its own that asks for a rollback.
async fn last_good(
    conn: &mut Conn,
    model: ModelId,
    environment: Environment,
    present: VersionId,
) -> Result<Option<VersionRow>, AppError> {
    let mut seen = BTreeSet::from([present]);
    for row in deployments::of_model(conn, model, environment, MAX_DEPLOYMENTS).await? {
        let version = row.version.0;
        if !seen.insert(version) {
            continue;
        }
        let approval = approvals::latest_approval(conn, version, environment).await?;
        let is_approved = environment != Environment::Production
            || row.approval.is_some()
            || approval.is_some_and(|approval| !approval.denied);
        let alarm = alarms::open(conn, version, environment, AlarmTopic::Drift).await?;
        let is_bad = alarm.is_some_and(|alarm| alarm.band.0 == DriftBand::Rollback);
        if is_approved && !is_bad {
            return Ok(models::version(conn, version).await?);
        }
    }
    Ok(None)
}

/// The rule that lets the server roll back by itself: one that fired, asks for a rollback, and is about the proposal.
pub(crate) fn asks(bundle: &Bundle, decision: &Decision, facts: &Facts) -> Option<Slug> {
    let fired = decision.rules.iter().find(|fired| {
        let rule = bundle.rules().find(|rule| rule.id == fired.id);
        rule.is_some_and(|rule| rule.lapse == Lapse::Rollback)
            && bundle.clauses(fired.id.as_str(), facts).iter().any(|clause| clause.fact == FACT)
    });
    fired.map(|fired| fired.id.clone())
}

/// Returns what a deployment runs to the last good version, because `rule` asks for it. Answers the new deployment; none
/// if there is nothing to return to, or the policies refuse.
pub(crate) async fn perform(
    app: &App,
    tx: &mut Tx,
    bundle: &Bundle,
    deployment: &DeploymentRow,
    rule: &Slug,
) -> Result<Option<DeploymentId>, AppError> {
    let (model, environment, system) = (deployment.model.0, deployment.environment.0, deployment.system.0);
    let present = deployment.version.0;
    let Some(target) = last_good(tx.conn(), model, environment, present).await? else {
        tracing::warn!(deployment.id = %deployment.id.0, "drift asks for a rollback, and no earlier version is good");
        return Ok(None);
    };
    let request = request(app, tx, system, environment, &target).await?;
    let judged = bundle.decide(&request);
    let decision = DecisionId::new(tx.now(), comptroller_store::keys::random()?);
    let shadow = app.policies.in_shadow(tx.conn(), app.store.key()).await?;
    let version = target.id.0;
    let event = Event::DecisionRecorded {
        decision,
        action: Action::Rollback.slug(),
        resource: request.resource.clone(),
        environment: Some(environment),
        outcome: judged.outcome,
        bundle: judged.bundle.clone(),
        facts: judged.facts.clone(),
        rules: judged.rules.iter().map(|rule| rule.id.clone()).collect(),
        sources: BTreeMap::new(),
        shadow: shadow.map(|shadow| shadow.answer(&request, judged.outcome)),
    };
    tx.record(Draft::new("system", event).of_system(system).about("version", &version)).await?;
    if judged.outcome != Outcome::Allow {
        tracing::error!(version.id = %version, outcome = %judged.outcome, "the policies refuse the rollback that drift asks for");
        return Ok(None);
    }
    let new = DeploymentId::new(tx.now(), comptroller_store::keys::random()?);
    let event = Event::DeploymentCreated {
        deployment: new,
        system,
        model,
        version,
        environment,
        kind: DeploymentKind::Rollback,
        artifacts: artifacts_digest(&facts(&target)?.artifacts),
        approval: None,
        decision,
        replaces: Some(deployment.id.0),
        drill: None,
    };
    let text =
        format!("by the server itself: the rule {rule} asks for it, and an alarm about drift proposes it");
    let draft = Draft::new("system", event)
        .about("system", &system)
        .about("model", &model)
        .about("version", &version)
        .about("deployment", &new)
        .private("reason", &Note { text })?;
    tx.record(draft).await?;
    Ok(Some(new))
}

/// The question whether the server may return to `target`. It acts as a deployer of that environment, and as nothing
/// more.
async fn request(
    app: &App,
    tx: &mut Tx,
    system: SystemId,
    environment: Environment,
    target: &VersionRow,
) -> Result<Request, AppError> {
    let mut stored = true;
    for artifact in &facts(target)?.artifacts {
        stored &= models::artifact(tx.conn(), &artifact.digest).await?.is_some();
    }
    let row = systems::system(tx.conn(), &system.to_string()).await?;
    let now = tx.now();
    let tier = match &row {
        Some(row) => tier_in_force(tx.conn(), app.store.key(), row, now).await?,
        None => None,
    };
    let served = deployments::served(tx.conn(), target.id.0, environment).await?;
    let facts = Facts::new()
        .bool("target_served_before", served)
        .bool("artifacts_stored", stored)
        .bool("prohibited", tier == Some(RiskTier::Prohibited));
    Ok(Request {
        principal: Principal {
            id: PrincipalId::new(Timestamp::from_micros(0), [0; 10]),
            kind: PrincipalKind::ServiceAccount,
            roles: BTreeSet::from([Role::Deployer]),
            credential_environment: Some(environment),
        },
        action: Action::Rollback,
        resource: format!("version/{}", target.id.0),
        environment: Some(environment),
        facts,
    })
}
