//! Deployments, rollback, the rollback drill, and what served when.

use crate::act::{Act, Call};
use crate::gate::{RuleView, evidence};
use crate::models::{facts, find as find_model, find_version};
use crate::policies::shadow::Judged;
use crate::switch::{Switch, not_live_yet, perform};
use crate::tiers::tier_in_force;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{ApprovalId, DecisionId, DeploymentId, DrillId, ModelId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{DeploymentKind, RiskTier};
use comptroller_core::{Digest, Environment, Event, Label, Timestamp};
use comptroller_policy::{Action, Decision, Facts};
use comptroller_store::areas::deployments::{self, DeploymentRow};
use comptroller_store::areas::models::{self, ModelRow, VersionRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Puts a version into an environment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where.
    pub environment: Environment,
    /// Why.
    pub reason: String,
}

/// Returns an environment to a version that it served before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The model: its id, its name, or `system/model`.
    pub model: String,
    /// Where.
    pub environment: Environment,
    /// The label to return to; none = the version that served before the present one.
    #[serde(default)]
    pub to: Option<Label>,
    /// Why.
    pub reason: String,
}

/// Rehearses a rollback and the return from it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillRollback {
    /// The model: its id, its name, or `system/model`.
    pub model: String,
    /// Where.
    pub environment: Environment,
}

/// The answer to a deployment or a rollback.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deployed {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The version that is live now.
    pub version: VersionId,
    /// The deployment it replaced.
    pub replaces: Option<DeploymentId>,
    /// The decision that allowed it.
    pub decision: DecisionId,
    /// Index of the deployment in the log.
    pub ledger_index: u64,
}

/// The answer to a drill.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Drilled {
    /// The drill.
    pub drill: DrillId,
    /// The version returned to during the drill.
    pub rolled_back_to: VersionId,
    /// The version that is live again.
    pub restored: VersionId,
    /// Artifacts that were read back from storage and hashed.
    pub verified_artifacts: u32,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Index of the drill's record in the log.
    pub ledger_index: u64,
}

/// A deployment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeploymentView {
    /// Its id.
    pub id: DeploymentId,
    /// The AI system.
    pub system: SystemId,
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// The version's label.
    pub label: Option<Label>,
    /// Where.
    pub environment: Environment,
    /// Promotion or rollback.
    pub kind: DeploymentKind,
    /// Digest over the version's artifacts.
    pub artifacts: Digest,
    /// The approval it rests on.
    pub approval: Option<ApprovalId>,
    /// The decision that allowed it.
    pub decision: DecisionId,
    /// The deployment it replaced.
    pub replaces: Option<DeploymentId>,
    /// The drill it belongs to.
    pub drill: Option<DrillId>,
    /// Who acted.
    pub actor: String,
    /// Since when it is live.
    pub live_from: Timestamp,
    /// Until when; none = still.
    pub live_until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Index in the log.
    pub ledger_index: u64,
}

impl App {
    /// Puts a version into an environment, if the gate allows it.
    pub async fn deploy(&self, call: &Call, command: Deploy) -> Result<Deployed, AppError> {
        self.act(call, "deploy", command, |mut act, command| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let evidence = evidence(&mut act, &command.version, command.environment).await?;
                let resource = format!("version/{}", evidence.version.id.0);
                let system = evidence.model.system.0;
                let environment = Some(command.environment);
                let decision = act
                    .authorise(Action::Deploy, &resource, Some(system), environment, evidence.facts)
                    .await?;
                let sources = evidence.known.sources;
                not_live_yet(&mut act, &evidence.model, &evidence.version, command.environment).await?;
                let approval = evidence.approval.filter(|_| command.environment == Environment::Production);
                let switch = Switch {
                    model: evidence.model,
                    version: evidence.version,
                    environment: command.environment,
                    kind: DeploymentKind::Deploy,
                    approval: approval.map(|row| row.id.0),
                    drill: None,
                    reason: command.reason,
                };
                perform(&mut act, Action::Deploy, &decision, sources, switch).await
            })
        })
        .await
    }

    /// Returns an environment to a version that it served before.
    pub async fn rollback(&self, call: &Call, command: Rollback) -> Result<Deployed, AppError> {
        self.act(call, "rollback", command, |mut act, command| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let model = find_model(act.conn(), &command.model).await?;
                let environment = command.environment;
                let version = match &command.to {
                    Some(label) => find_version(act.conn(), &format!("{}@{label}", model.id.0)).await?.1,
                    None => earlier(act.conn(), &model, environment).await?,
                };
                let decision = may_return(&mut act, Action::Rollback, &model, &version, environment).await?;
                let switch = Switch {
                    model,
                    version,
                    environment,
                    kind: DeploymentKind::Rollback,
                    approval: None,
                    drill: None,
                    reason: command.reason,
                };
                perform(&mut act, Action::Rollback, &decision, BTreeMap::new(), switch).await
            })
        })
        .await
    }

    /// Rehearses a rollback: reads the earlier version's artifacts back and hashes them, switches to it, switches
    /// back, and records how long it took. Both switches are real deployments and stand in the history.
    pub async fn drill(&self, call: &Call, command: DrillRollback) -> Result<Drilled, AppError> {
        let begun = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let model = find_model(&mut conn, &command.model).await?;
        let target = earlier(&mut conn, &model, command.environment).await?;
        drop(conn);
        let mut verified = 0;
        for artifact in &facts(&target)?.artifacts {
            if !self.verify_artifact(&artifact.digest).await? {
                return Err(AppError::Conflict(format!(
                    "artifact {} of the earlier version is not what was registered: a rollback would fail",
                    artifact.name
                )));
            }
            verified += 1;
        }
        self.act(call, "drill", command, move |act, command| {
            Box::pin(run_drill(act, command, verified, begun))
        })
        .await
    }

    /// What served in a system at a moment, one deployment per model.
    pub async fn serving(
        &self,
        caller: &Caller,
        system: &str,
        environment: Environment,
        moment: Option<Timestamp>,
    ) -> Result<Vec<DeploymentView>, AppError> {
        let mut conn = self.store.read().await?;
        let system = systems::find(&mut conn, system).await?.id.0;
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let moment = moment.unwrap_or_else(|| self.store.clock().now());
        let mut views = Vec::new();
        for row in deployments::serving(&mut conn, system, environment, moment).await? {
            views.push(self.deployment_view(&mut conn, row).await?);
        }
        Ok(views)
    }

    /// Deployments, newest first; of one system, or all.
    pub async fn deployments(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<DeploymentView>, AppError> {
        self.may_read(caller, Action::ServingRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let before = slice.before()?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => systems::find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let mut views = Vec::new();
        for row in deployments::history(&mut conn, &system, before, limit + 1).await? {
            views.push(self.deployment_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.ledger_index.to_string()))
    }

    async fn deployment_view(&self, conn: &mut Conn, row: DeploymentRow) -> Result<DeploymentView, AppError> {
        let label = models::version(conn, row.version.0).await?.map(|version| version.label.0);
        let reason = journal::private::<Note>(conn, self.store.key(), row.private_at).await?;
        Ok(DeploymentView {
            id: row.id.0,
            system: row.system.0,
            model: row.model.0,
            version: row.version.0,
            label,
            environment: row.environment.0,
            kind: row.kind.0,
            artifacts: row.artifacts.0,
            approval: row.approval.map(|id| id.0),
            decision: row.decision.0,
            replaces: row.replaces.map(|id| id.0),
            drill: row.drill.map(|id| id.0),
            actor: row.actor,
            live_from: row.live_from.0,
            live_until: row.live_until.map(|at| at.0),
            reason: reason.map(|note| note.text),
            ledger_index: row.idx.unsigned_abs(),
        })
    }
}

/// The rules of a refusal, for whoever shows it.
pub fn refusal_rules(decision: &Decision) -> Vec<RuleView> {
    decision.rules.iter().map(RuleView::from).collect()
}

/// The version that served before the present one: the newest deployment of another version.
async fn earlier(
    conn: &mut Conn,
    model: &ModelRow,
    environment: Environment,
) -> Result<VersionRow, AppError> {
    let live = deployments::live(conn, model.id.0, environment).await?;
    let live =
        live.ok_or_else(|| AppError::Conflict(format!("nothing of this model is live in {environment}")))?;
    let history = deployments::of_model(conn, model.id.0, environment, 200).await?;
    let before = history.into_iter().find(|row| row.version.0 != live.version.0);
    let before = before
        .ok_or_else(|| AppError::Conflict(format!("no other version has served in {environment} before")))?;
    let version = models::version(conn, before.version.0).await?;
    version.ok_or_else(|| AppError::Internal("deployment without version".into()))
}

async fn may_return(
    act: &mut Act<'_>,
    action: Action,
    model: &ModelRow,
    version: &VersionRow,
    environment: Environment,
) -> Result<Judged, AppError> {
    let mut stored = true;
    for artifact in &facts(version)?.artifacts {
        stored &= models::artifact(act.conn(), &artifact.digest).await?.is_some();
    }
    let served = deployments::of_model(act.conn(), model.id.0, environment, 10_000)
        .await?
        .iter()
        .any(|row| row.version.0 == version.id.0);
    let row = comptroller_store::areas::systems::system(act.conn(), &model.system.0.to_string()).await?;
    let (store, now) = (act.store.clone(), act.now());
    let tier = match &row {
        Some(row) => tier_in_force(act.conn(), store.key(), row, now).await?,
        None => None,
    };
    let facts = Facts::new()
        .bool("target_served_before", served)
        .bool("artifacts_stored", stored)
        .bool("prohibited", tier == Some(RiskTier::Prohibited));
    let resource = format!("version/{}", version.id.0);
    let decision = act.authorise(action, &resource, Some(model.system.0), Some(environment), facts).await?;
    not_live_yet(act, model, version, environment).await?;
    Ok(decision)
}

async fn run_drill(
    mut act: Act<'_>,
    command: DrillRollback,
    verified_artifacts: u32,
    begun: Timestamp,
) -> Result<Drilled, AppError> {
    let environment = command.environment;
    let model = find_model(act.conn(), &command.model).await?;
    let live = deployments::live(act.conn(), model.id.0, environment).await?;
    let live = live.ok_or_else(|| AppError::Conflict("nothing is live".into()))?;
    let present = models::version(act.conn(), live.version.0).await?;
    let present = present.ok_or_else(|| AppError::Internal("deployment without version".into()))?;
    let target = earlier(act.conn(), &model, environment).await?;
    let decision = may_return(&mut act, Action::Drill, &model, &target, environment).await?;
    let drill = act.new_id(DrillId::new)?;
    let switch = |version: &VersionRow, approval, reason: &str| Switch {
        model: model.clone(),
        version: version.clone(),
        environment,
        kind: DeploymentKind::Rollback,
        approval,
        drill: Some(drill),
        reason: reason.to_owned(),
    };
    let sources = BTreeMap::new();
    let to_target = switch(&target, None, "rollback drill");
    let away = perform(&mut act, Action::Drill, &decision, sources.clone(), to_target).await?;
    let to_present = switch(&present, live.approval.map(|id| id.0), "return from rollback drill");
    let back = perform(&mut act, Action::Drill, &decision, sources, to_present).await?;
    let millis = (act.store.clock().now().micros() - begun.micros()).max(0).unsigned_abs() / 1_000;
    let event = Event::RollbackDrilled {
        drill,
        system: model.system.0,
        environment,
        from: live.id.0,
        to: away.deployment,
        restored: back.deployment,
        verified_artifacts,
        millis,
    };
    let draft = act.draft(event).about("system", &model.system.0).about("drill", &drill);
    let ledger_index = act.record(draft).await?;
    Ok(Drilled {
        drill,
        rolled_back_to: target.id.0,
        restored: present.id.0,
        verified_artifacts,
        millis,
        ledger_index,
    })
}
