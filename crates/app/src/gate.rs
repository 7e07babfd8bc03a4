//! The gate: may this version go to this environment? Facts are computed here, the policies decide.
//!
//! Numbers become facts as scaled integers, rounded against whoever asks (policy research, condition 4).

use crate::act::{Act, Call};
use crate::models::{artifacts_digest, facts as facts_of, find_version};
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::VersionFacts;
use comptroller_core::ids::{DecisionId, SystemId, VersionId};
use comptroller_core::private::VersionText;
use comptroller_core::vocab::{LegalBasis, Outcome, SystemStatus, Vote};
use comptroller_core::{Digest, Environment, Event, Role, Slug, Timestamp};
use comptroller_policy::{Action, Decision, Facts, FiredRule};
use comptroller_store::areas::approvals::{self, ApprovalRow, DecisionRow};
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::areas::{datasets, deployments, models, people, systems};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Approvals that production needs.
pub const PRODUCTION_APPROVALS: u32 = 2;
/// How much worse a held-out metric may be than that of the version now serving: 0.01, in millionths.
const METRIC_TOLERANCE_PPM: f64 = 10_000.0;
/// Metrics of which less is better. Of all others named in [`MORE_IS_BETTER`] more is better; the rest say nothing.
const LESS_IS_BETTER: [&str; 5] = ["brier", "log_loss", "mae", "rmse", "expected_cost"];
const MORE_IS_BETTER: [&str; 6] = ["accuracy", "auc", "pr_auc", "f1", "precision", "recall"];

/// Asks the gate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckGate {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where it should go.
    pub environment: Environment,
}

/// The gate's answer. It was recorded before it was given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GateAnswer {
    /// Id of the recorded decision.
    pub decision: DecisionId,
    /// Allow, needs-review, deny or unknown.
    pub outcome: Outcome,
    /// The version asked about.
    pub version: VersionId,
    /// Where it should go.
    pub environment: Environment,
    /// Every rule that stands against it.
    pub rules: Vec<RuleView>,
    /// What went wrong while deciding.
    pub errors: Vec<String>,
    /// The facts used.
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Metrics that are worse than those of the version now serving, beyond the tolerance.
    pub regressions: Vec<String>,
    /// Digest of the policy bundle.
    pub bundle: Digest,
    /// Index of the decision in the log.
    pub ledger_index: u64,
}

/// A rule that fired.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// Its name.
    pub id: Slug,
    /// `hard` or `review`.
    pub set: String,
    /// What is wrong.
    pub reason: String,
    /// Who can put it right, and how.
    pub remedy: String,
    /// Controls that it serves.
    pub control: Vec<String>,
}

impl From<&FiredRule> for RuleView {
    fn from(rule: &FiredRule) -> Self {
        Self {
            id: rule.id.clone(),
            set: rule.set.as_str().to_owned(),
            reason: rule.reason.clone(),
            remedy: rule.remedy.clone(),
            control: rule.control.clone(),
        }
    }
}

/// A recorded decision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its id.
    pub id: DecisionId,
    /// The act.
    pub action: Slug,
    /// The thing acted on.
    pub resource: String,
    /// The environment.
    pub environment: Option<Environment>,
    /// What was decided.
    pub outcome: Outcome,
    /// Digest of the policy bundle.
    pub bundle: Digest,
    /// Who asked.
    pub actor: String,
    /// When.
    pub decided_at: Timestamp,
    /// Index in the log.
    pub ledger_index: u64,
}

/// What a gate decision rests on.
pub(crate) struct Evidence {
    pub(crate) model: ModelRow,
    pub(crate) version: VersionRow,
    pub(crate) approval: Option<ApprovalRow>,
    pub(crate) facts: Facts,
    pub(crate) regressions: Vec<String>,
}

/// Reads everything that the promotion of a version depends on, and turns it into facts.
pub(crate) async fn evidence(
    act: &mut Act<'_>,
    version: &str,
    environment: Environment,
) -> Result<Evidence, AppError> {
    let (model, version) = find_version(act.conn(), version).await?;
    let facts_of_version = facts_of(&version)?;
    let artifacts = artifacts_digest(&facts_of_version.artifacts);
    let id = version.id.0;
    let mut stored = true;
    for artifact in &facts_of_version.artifacts {
        let row = models::artifact(act.conn(), &artifact.digest).await?;
        stored &= row.is_some_and(|row| row.bytes.unsigned_abs() == artifact.bytes);
    }
    let (mut documented, mut origin_known) = (!facts_of_version.datasets.is_empty(), true);
    for used in &facts_of_version.datasets {
        let row = datasets::version(act.conn(), used.dataset_version).await?;
        documented &= row.as_ref().is_some_and(|row| row.legal_basis.0 != LegalBasis::Unstated);
        origin_known &= row.is_some_and(|row| row.private_at.is_some());
    }
    let text: Option<VersionText> = act.private(version.private_at).await?;
    let system = systems::system(act.conn(), &model.system.0.to_string()).await?;
    let approval = approvals::latest_approval(act.conn(), id, environment).await?;
    let approved = match &approval {
        Some(row) => valid_approvals(act, row, &facts_of_version, model.system.0).await?,
        None => 0,
    };
    let regressions = regressions(act, &facts_of_version, environment).await?;
    let needed = if environment == Environment::Production { PRODUCTION_APPROVALS } else { 0 };
    let facts = Facts::new()
        .bool("actor_is_builder", facts_of_version.builders.contains(&act.caller.principal))
        .bool("artifacts_stored", stored)
        .bool("has_signature", text.is_some_and(|t| !t.inputs.is_empty() && !t.outputs.is_empty()))
        .bool("datasets_documented", documented)
        .bool("origin_known", origin_known)
        .bool("training_time_known", facts_of_version.training_ended >= facts_of_version.training_started)
        .bool("served_in_staging", deployments::served(act.conn(), id, Environment::Staging).await?)
        .bool("system_retired", system.is_none_or(|row| row.status.0 == SystemStatus::Retired))
        .long("approvals_needed", i64::from(needed))
        .long("approvals_valid", approved)
        .bool("approval_denied", approval.as_ref().is_some_and(|row| row.denied))
        .bool("artifacts_match_approval", approval.as_ref().is_none_or(|row| row.artifacts.0 == artifacts))
        .bool("metrics_regressed", !regressions.is_empty());
    Ok(Evidence { model, version, approval, facts, regressions })
}

/// Votes that count now: the voter is still active, still holds a voting role, and is no builder; the request has
/// not lapsed and binds this policy bundle's version of the artifacts.
async fn valid_approvals(
    act: &mut Act<'_>,
    row: &ApprovalRow,
    facts: &VersionFacts,
    system: SystemId,
) -> Result<i64, AppError> {
    if row.denied || row.expires_at.0 <= act.now() {
        return Ok(0);
    }
    let mut count = 0;
    for vote in approvals::votes(act.conn(), row.id.0).await? {
        let voter = vote.voter.0;
        let active = people::principal(act.conn(), &voter.to_string())
            .await?
            .is_some_and(|row| row.status == "active" && crate::act::is_person(row.kind.0));
        let roles = crate::act::roles(act.conn(), voter, Some(system)).await?;
        let may = roles.contains(&Role::Approver) || roles.contains(&Role::RiskOfficer);
        let administers = roles.contains(&Role::Owner) || roles.contains(&Role::Admin);
        // INVARIANT (separation-of-duties): checked again at use, not only when the vote was cast.
        if vote.vote.0 == Vote::Approve && active && may && !administers && !facts.builders.contains(&voter) {
            count += 1;
        }
    }
    Ok(count)
}

/// Names of metrics that are worse than those of the version now live in `environment`, beyond the tolerance.
async fn regressions(
    act: &mut Act<'_>,
    facts: &VersionFacts,
    environment: Environment,
) -> Result<Vec<String>, AppError> {
    let Some(live) = deployments::live(act.conn(), facts.model, environment).await? else {
        return Ok(Vec::new());
    };
    let Some(row) = models::version(act.conn(), live.version.0).await? else {
        return Ok(Vec::new());
    };
    if row.label.0 == facts.label {
        return Ok(Vec::new());
    }
    let serving = facts_of(&row)?;
    Ok(regressed(&serving.metrics, &facts.metrics))
}

/// Compares two sets of metrics; a metric that the new version no longer states counts as worse.
fn regressed(old: &BTreeMap<Slug, f64>, new: &BTreeMap<Slug, f64>) -> Vec<String> {
    let mut worse = Vec::new();
    for (name, old) in old {
        let less = LESS_IS_BETTER.contains(&name.as_str());
        if !less && !MORE_IS_BETTER.contains(&name.as_str()) {
            continue;
        }
        let Some(new) = new.get(name) else {
            worse.push(format!("{name}: no longer stated"));
            continue;
        };
        // Rounded against whoever asks: the loss is rounded up.
        let loss = if less { new - old } else { old - new };
        let loss_ppm = (loss * 1e6).ceil();
        if loss_ppm > METRIC_TOLERANCE_PPM {
            worse.push(format!("{name}: {new:.4}, serving {old:.4}"));
        }
    }
    worse
}

/// The event of a decision, with its id.
pub(crate) fn decision_event(
    act: &Act<'_>,
    action: Action,
    resource: String,
    environment: Option<Environment>,
    decision: &Decision,
) -> Result<(DecisionId, Event), AppError> {
    let id = act.new_id(DecisionId::new)?;
    let event = Event::DecisionRecorded {
        decision: id,
        action: action.slug(),
        resource,
        environment,
        outcome: decision.outcome,
        bundle: decision.bundle.clone(),
        facts: decision.facts.clone(),
        rules: decision.rules.iter().map(|rule| rule.id.clone()).collect(),
    };
    Ok((id, event))
}

impl App {
    /// Asks the gate; the answer is recorded before it is given.
    pub async fn check_gate(&self, call: &Call, command: CheckGate) -> Result<GateAnswer, AppError> {
        self.act(call, "gate.check", command, |mut act, command| {
            Box::pin(async move {
                let evidence = evidence(&mut act, &command.version, command.environment).await?;
                let version = evidence.version.id.0;
                let system = evidence.model.system.0;
                let resource = format!("version/{version}");
                let environment = Some(command.environment);
                let decision = act
                    .decide(Action::GateCheck, &resource, Some(system), environment, evidence.facts)
                    .await?;
                if decision.rules.iter().any(|rule| rule.id.as_str() == "no-permit") {
                    return Err(AppError::Denied {
                        action: Action::GateCheck,
                        resource,
                        decision: Box::new(decision),
                    });
                }
                let (id, event) = decision_event(&act, Action::GateCheck, resource, environment, &decision)?;
                let draft = act.draft(event).of_system(system).about("version", &version);
                let ledger_index = act.record(draft).await?;
                Ok(GateAnswer {
                    decision: id,
                    outcome: decision.outcome,
                    version,
                    environment: command.environment,
                    rules: decision.rules.iter().map(RuleView::from).collect(),
                    errors: decision.errors,
                    facts: decision.facts,
                    regressions: evidence.regressions,
                    bundle: decision.bundle,
                    ledger_index,
                })
            })
        })
        .await
    }

    /// Recorded decisions, newest first; about one resource, or all.
    pub async fn decisions(
        &self,
        caller: &Caller,
        resource: Option<&str>,
        slice: Slice,
    ) -> Result<Page<DecisionView>, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let before = slice.before()?;
        let mut conn = self.store.read().await?;
        let rows = approvals::decisions(&mut conn, resource.unwrap_or_default(), before, limit + 1).await?;
        let views: Vec<DecisionView> = rows.into_iter().map(decision_view).collect();
        Ok(page(views, limit, |view| view.ledger_index.to_string()))
    }

    /// The rules of the policy bundle in force.
    pub async fn policy_rules(&self, caller: &Caller) -> Result<Vec<comptroller_policy::RuleInfo>, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        Ok(self.bundle.rules().cloned().collect())
    }
}

fn decision_view(row: DecisionRow) -> DecisionView {
    DecisionView {
        id: row.id.0,
        action: row.action.0,
        resource: row.resource,
        environment: row.environment.map(|e| e.0),
        outcome: row.outcome.0,
        bundle: row.bundle.0,
        actor: row.actor,
        decided_at: row.decided_at.0,
        ledger_index: row.idx.unsigned_abs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(pairs: &[(&str, f64)]) -> BTreeMap<Slug, f64> {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), *value)).collect()
    }

    #[test]
    fn a_metric_worse_than_the_tolerance_or_left_out_is_a_regression() {
        let old = metrics(&[("auc", 0.86), ("brier", 0.14), ("rows", 100.0)]);
        assert!(regressed(&old, &metrics(&[("auc", 0.851), ("brier", 0.149)])).is_empty());
        assert_eq!(regressed(&old, &metrics(&[("auc", 0.8499), ("brier", 0.14)])).len(), 1);
        assert_eq!(regressed(&old, &metrics(&[("auc", 0.86), ("brier", 0.1501)])).len(), 1);
        assert_eq!(regressed(&old, &metrics(&[("brier", 0.1)])), ["auc: no longer stated"]);
    }
}
