//! The gate: may this version go to this environment? Facts are computed here, the policies decide.
//!
//! Numbers become facts as scaled integers, rounded against whoever asks (policy research, condition 4).

use crate::act::{Act, Call};
use crate::facts::{Known, is_builder, known};
use crate::models::find_version;
use crate::policies::shadow::Judged;
use crate::view::{Page, Slice, page};
use crate::votes::{Tally, VoteState, fired_without_people, tally};
use crate::waivers::waivers_of;
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::FactSource;
use comptroller_core::ids::{DecisionId, PrincipalId, VersionId, WaiverId};
use comptroller_core::vocab::Outcome;
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use comptroller_policy::prove::{self, Limits, Solver};
use comptroller_policy::{Action, Bundle, Clause, Decision, Facts, FiredRule, Paths, Request, Votes};
use comptroller_store::Conn;
use comptroller_store::areas::approvals::{self, ApprovalRow, DecisionRow};
use comptroller_store::areas::evidence::WaiverRow;
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::keys::OrgKey;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest time that the solver has for the proof that a path is the shortest.
const CERTIFY: Duration = Duration::from_secs(20);

/// Asks the gate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckGate {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where it should go.
    pub environment: Environment,
    /// Whether the shortest path is to be proven the shortest, which takes some seconds.
    #[serde(default)]
    pub certify: bool,
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
    /// The AI system that it is a model of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Slug>,
    /// Every rule that stands against it.
    pub rules: Vec<RuleView>,
    /// What went wrong while deciding.
    pub errors: Vec<String>,
    /// The facts used.
    #[schema(value_type = Object)]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Metrics that are worse than those of the version now serving, beyond the tolerance.
    pub regressions: Vec<String>,
    /// Where facts come from, by name; `*` is for every other fact.
    pub sources: BTreeMap<String, FactSource>,
    /// The votes on the newest request for approval, as they count now.
    pub votes: Vec<VoteState>,
    /// The votes as they count once no rule stands that did not when approval was asked for.
    #[serde(default)]
    pub votes_once_quiet: Option<Votes>,
    /// The waivers that take the place of rules here.
    pub waivers: Vec<WaiverId>,
    /// The smallest sets of steps after which nothing would stand against it.
    pub paths: Paths,
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
    /// The parts of it that stand against the act, with what each fact is and would have to be.
    #[serde(default)]
    pub clauses: Vec<Clause>,
}

impl RuleView {
    /// The rules of a decision, each with the clauses that fail.
    pub(crate) fn of(bundle: &Bundle, decision: &Decision, facts: &Facts) -> Vec<Self> {
        let view =
            |rule: &FiredRule| Self { clauses: bundle.clauses(rule.id.as_str(), facts), ..Self::from(rule) };
        decision.rules.iter().map(view).collect()
    }
}

impl From<&FiredRule> for RuleView {
    fn from(rule: &FiredRule) -> Self {
        Self {
            clauses: Vec::new(),
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
    pub(crate) known: Known,
    pub(crate) tally: Tally,
    pub(crate) fired: BTreeSet<Slug>,
    pub(crate) waivers: Vec<WaiverRow>,
}

/// Reads everything that the promotion of a version depends on, and turns it into facts.
pub(crate) async fn evidence(
    act: &mut Act<'_>,
    version: &str,
    environment: Environment,
) -> Result<Evidence, AppError> {
    let (model, version) = find_version(act.conn(), version).await?;
    let (store, bundle, now) = (act.store.clone(), Arc::clone(&act.bundle), act.now());
    let actor = act.caller.principal;
    let approval = approvals::latest_approval(act.conn(), version.id.0, environment).await?;
    let parts = Parts { key: store.key(), now, bundle: &bundle, environment, in_operation: false };
    situation(act.conn(), &parts, model, version, approval, Some(actor)).await
}

/// What a situation is read for.
pub(crate) struct Parts<'p> {
    pub(crate) key: &'p OrgKey,
    pub(crate) now: Timestamp,
    pub(crate) bundle: &'p Bundle,
    pub(crate) environment: Environment,
    pub(crate) in_operation: bool,
}

/// Turns what is on record about a version in an environment into facts.
pub(crate) async fn situation(
    conn: &mut Conn,
    parts: &Parts<'_>,
    model: ModelRow,
    version: VersionRow,
    approval: Option<ApprovalRow>,
    actor: Option<PrincipalId>,
) -> Result<Evidence, AppError> {
    let Parts { key, now, bundle, environment, in_operation } = *parts;
    let known = known(conn, key, now, &model, &version, environment).await?;
    let mut waivers = waivers_of(conn, version.id.0, environment).await?;
    waivers.retain(|row| row.state == "granted" && row.expires_at.0 > now);
    let waived: Vec<&str> = waivers.iter().map(|row| row.rule.0.as_str()).collect();
    let facts = known.facts.clone().set("waived", &waived);
    // What runs and never had an approval has no votes that could count, whatever fires.
    let fired = if in_operation && approval.is_none() {
        BTreeSet::new()
    } else {
        fired_without_people(bundle, &known, environment, &facts)
    };
    let tally = match &approval {
        Some(row) => tally(conn, now, row, &known, &fired, model.system.0, in_operation).await?,
        None => Tally::none(),
    };
    // INVARIANT (deny-is-terminal): a vote against a version stands, whatever is asked for afterwards.
    let denied = approvals::denied_request(conn, model.id.0, &known.artifacts, environment).await?;
    let builder = actor.is_some_and(|actor| is_builder(&known.version, actor));
    let facts = tally
        .add_to(facts, bundle)
        .bool("actor_is_builder", builder)
        .bool("approval_denied", denied.is_some())
        .bool(
            "artifacts_match_approval",
            approval.as_ref().is_none_or(|row| row.artifacts.0 == known.artifacts),
        );
    Ok(Evidence { model, version, approval, facts, known, tally, fired, waivers })
}

/// The event of a decision, with its id.
pub(crate) fn decision_event(
    act: &Act<'_>,
    action: Action,
    resource: String,
    environment: Option<Environment>,
    decision: &Judged,
    sources: BTreeMap<String, FactSource>,
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
        sources,
        shadow: decision.shadow.clone(),
    };
    Ok((id, event))
}

impl App {
    /// Asks the gate; the answer is recorded before it is given.
    ///
    /// The way to approval is looked for afterwards: others do not wait for it with their acts.
    pub async fn check_gate(&self, call: &Call, command: CheckGate) -> Result<GateAnswer, AppError> {
        let certify = command.certify;
        let mut answer = self.recorded_answer(call, command).await?;
        answer.paths = self.paths(call, &answer, certify).await?;
        Ok(answer)
    }

    async fn paths(&self, call: &Call, answer: &GateAnswer, certify: bool) -> Result<Paths, AppError> {
        let mut conn = self.store.read().await?;
        let bundle = self.policies.bundle(&mut conn, self.store.key(), &answer.bundle).await?;
        drop(conn);
        let (action, resource) = (Action::GateCheck, format!("version/{}", answer.version));
        let request = Request::replay(
            call.caller.principal,
            action,
            &resource,
            Some(answer.environment),
            &answer.facts,
        )
        .map_err(|error| AppError::Internal(format!("decision {}: {error}", answer.decision)))?;
        let solver = self.solver.clone();
        let (outcome, votes) = (answer.outcome, answer.votes_once_quiet.clone());
        let work = move || {
            let mut paths = bundle.shortest_paths_of(&request, outcome, votes.as_ref());
            if let (true, Some(first)) = (certify, paths.shortest.first()) {
                let limits = Limits { time: CERTIFY, ..Limits::default() };
                let solver = Solver::find(solver.as_ref().map(|path| path.as_path()), limits);
                let votes = votes.as_ref();
                paths.minimal = Some(prove::minimal(&bundle, &request, votes, first.len(), &solver, &|_| ()));
            }
            paths
        };
        let found = tokio::task::spawn_blocking(work).await;
        found.map_err(|error| AppError::Internal(format!("the search for a path broke off: {error}")))
    }

    async fn recorded_answer(&self, call: &Call, command: CheckGate) -> Result<GateAnswer, AppError> {
        self.act(call, "gate.check", command, |mut act, command| {
            Box::pin(async move {
                let evidence = evidence(&mut act, &command.version, command.environment).await?;
                let version = evidence.version.id.0;
                let system = evidence.model.system.0;
                let resource = format!("version/{version}");
                let environment = Some(command.environment);
                let decision = act
                    .decide(Action::GateCheck, &resource, Some(system), environment, evidence.facts.clone())
                    .await?;
                if decision.rules.iter().any(|rule| rule.id.as_str() == "no-permit") {
                    return Err(AppError::Denied {
                        action: Action::GateCheck,
                        resource,
                        decision: Box::new(decision.decision),
                    });
                }
                let sources = evidence.known.sources;
                let (id, event) = decision_event(
                    &act,
                    Action::GateCheck,
                    resource,
                    environment,
                    &decision,
                    sources.clone(),
                )?;
                let draft = act.draft(event).of_system(system).about("version", &version);
                let ledger_index = act.record(draft).await?;
                let decision = decision.decision;
                Ok(GateAnswer {
                    decision: id,
                    outcome: decision.outcome,
                    version,
                    environment: command.environment,
                    system: evidence.known.system,
                    rules: RuleView::of(&act.bundle, &decision, &evidence.facts),
                    errors: decision.errors,
                    facts: decision.facts,
                    regressions: evidence.known.regressions,
                    sources,
                    votes_once_quiet: Some(evidence.tally.once_quiet(&act.bundle)),
                    votes: evidence.tally.states,
                    waivers: evidence.waivers.iter().map(|row| row.id.0).collect(),
                    paths: Paths::default(),
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
        let mut conn = self.store.read().await?;
        let bundle = self.policies.in_force(&mut conn, self.store.key()).await?;
        Ok(bundle.rules().cloned().collect())
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
