//! Questions of other programs' enforcement points, in the words of the AuthZEN Authorization API 1.0.
//!
//! May this principal do this act on this thing? Decided by the same policies, on facts that are read here: a caller
//! names who, what and where, and cannot bring facts of its own. Each answer is recorded before it is given, like a
//! decision of the gate. The principal is judged by its roles, as with a credential that is bound to no environment.

mod answer;
mod scope;

pub use answer::{EvaluationAnswer, EvaluationContext, EvaluationProblem, EvaluationsAnswer};

use crate::act::{Act, Call, roles};
use crate::audits::Standing;
use crate::gate::{Parts, RuleView, decision_event, situation};
use crate::models::find_version;
use crate::{App, AppError, ORG, models, systems};
use comptroller_core::Environment;
use comptroller_core::event::FactSource;
use comptroller_core::ids::SystemId;
use comptroller_policy::{Action, Facts, Principal, Request};
use comptroller_store::areas::approvals;
use comptroller_store::areas::people::{self, PrincipalRow};
use scope::{Scope, scope_of};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// Most questions of one request.
pub const MAX_EVALUATIONS: usize = 100;
/// The type and id of the organisation as a resource.
const ORGANISATION: &str = "org";
const OWN: &str = "own";

/// A subject or a resource. Fields that are not known here are ignored, as the standard asks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationEntity {
    /// Subject: `person` or `service-account`. Resource: `version`, `model`, `system`, or `org`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Subject: the principal's id, or a service account's name. Resource: its id or name; `own` for `org`.
    pub id: String,
}

/// An act.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationAction {
    /// An act that the policies know, for example `deploy`, `gate.check` or `system.update`.
    pub name: String,
}

/// A question: may the subject do the act on the resource?
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// Who would act.
    pub subject: EvaluationEntity,
    /// The act.
    pub action: EvaluationAction,
    /// The thing acted on.
    pub resource: EvaluationEntity,
    /// `environment` says where, if the act has a place. The rest is ignored.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
}

/// A question of several, whose parts may be those of the whole request.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct PartialEvaluation {
    /// Who would act.
    pub subject: Option<EvaluationEntity>,
    /// The act.
    pub action: Option<EvaluationAction>,
    /// The thing acted on.
    pub resource: Option<EvaluationEntity>,
    /// Where.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Map<String, Value>>,
}

/// When to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationsSemantic {
    /// Every question is answered.
    #[default]
    ExecuteAll,
    /// The first `false` is the last answer.
    DenyOnFirstDeny,
    /// The first `true` is the last answer.
    PermitOnFirstPermit,
}

/// How several questions are answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct EvaluationOptions {
    /// When to stop.
    #[serde(default)]
    pub evaluations_semantic: EvaluationsSemantic,
}

/// Several questions. What a question leaves out is taken from here; without questions, this is the one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluations {
    /// Who would act.
    pub subject: Option<EvaluationEntity>,
    /// The act.
    pub action: Option<EvaluationAction>,
    /// The thing acted on.
    pub resource: Option<EvaluationEntity>,
    /// Where.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Map<String, Value>>,
    /// The questions, at most 100.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub evaluations: Vec<PartialEvaluation>,
    /// How they are answered.
    #[serde(default)]
    pub options: EvaluationOptions,
}

impl App {
    /// Answers one question of an enforcement point.
    pub async fn evaluate(&self, call: &Call, command: Evaluation) -> Result<EvaluationAnswer, AppError> {
        self.act(call, "access.evaluate", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::PolicyRead, ORG, None).await?;
                answer(&mut act, &command).await
            })
        })
        .await
    }

    /// Answers several questions, in their order.
    pub async fn evaluate_all(
        &self,
        call: &Call,
        command: Evaluations,
    ) -> Result<EvaluationsAnswer, AppError> {
        self.act(call, "access.evaluate_all", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::PolicyRead, ORG, None).await?;
                answers(&mut act, command).await
            })
        })
        .await
    }
}

async fn answers(act: &mut Act<'_>, mut command: Evaluations) -> Result<EvaluationsAnswer, AppError> {
    let questions = std::mem::take(&mut command.evaluations);
    if questions.len() > MAX_EVALUATIONS {
        let message = format!("{} questions; ask at most {MAX_EVALUATIONS} at once", questions.len());
        return Err(AppError::invalid("evaluations", message));
    }
    if questions.is_empty() {
        let question = complete(PartialEvaluation::default(), &command)?;
        return Ok(EvaluationsAnswer::One(Box::new(answer(act, &question).await?)));
    }
    let mut evaluations = Vec::new();
    for question in questions {
        let answered = match complete(question, &command) {
            Ok(question) => answer(act, &question).await,
            Err(error) => Err(error),
        };
        // A question that cannot be answered is a `false` of its own, as the standard has it; our own faults are not.
        let answered = match answered {
            Err(error @ AppError::Invalid { .. }) => EvaluationAnswer::problem(400, error.to_string()),
            other => other?,
        };
        let last = match command.options.evaluations_semantic {
            EvaluationsSemantic::ExecuteAll => false,
            EvaluationsSemantic::DenyOnFirstDeny => !answered.decision,
            EvaluationsSemantic::PermitOnFirstPermit => answered.decision,
        };
        evaluations.push(answered);
        if last {
            break;
        }
    }
    Ok(EvaluationsAnswer::Many { evaluations })
}

/// A question with what the whole request says in its stead.
fn complete(question: PartialEvaluation, whole: &Evaluations) -> Result<Evaluation, AppError> {
    let missing = |field| AppError::invalid(field, "missing, here and for the whole request");
    Ok(Evaluation {
        subject: question.subject.or_else(|| whole.subject.clone()).ok_or_else(|| missing("subject"))?,
        action: question.action.or_else(|| whole.action.clone()).ok_or_else(|| missing("action"))?,
        resource: question.resource.or_else(|| whole.resource.clone()).ok_or_else(|| missing("resource"))?,
        context: question.context.or_else(|| whole.context.clone()).unwrap_or_default(),
    })
}

/// What a question is about, as the policies know it.
struct Asked {
    resource: String,
    system: Option<SystemId>,
    facts: Facts,
    sources: BTreeMap<String, FactSource>,
}

async fn answer(act: &mut Act<'_>, question: &Evaluation) -> Result<EvaluationAnswer, AppError> {
    let action = question.action.name.parse::<Action>();
    let action = action.map_err(|error| AppError::invalid("action.name", error.to_string()))?;
    let scope = scope_of(action).ok_or_else(|| {
        let message =
            format!("{action} is decided on facts that only the act itself has; it cannot be asked here");
        AppError::invalid("action.name", message)
    })?;
    let principal = subject(act, &question.subject).await?;
    let environment = place(&question.context, scope)?;
    let asked = asked(act, question, scope, environment, &principal).await?;
    let mut roles = match principal.status.as_str() {
        "active" => roles(act.conn(), principal.id.0, asked.system).await?,
        // Whoever was disabled does nothing any more, whatever roles are on record.
        _ => BTreeSet::new(),
    };
    let now = act.now();
    let standing =
        Standing::of(act.conn(), principal.id.0, action, &asked.resource, asked.system, now).await?;
    let facts = standing.iter().fold(asked.facts, |facts, standing| standing.bring(facts, &mut roles));
    let request = Request {
        principal: Principal {
            id: principal.id.0,
            kind: principal.kind.0,
            roles,
            credential_environment: None,
        },
        action,
        resource: asked.resource.clone(),
        environment,
        facts,
    };
    let decision = act.judge(&request);
    let (id, event) = decision_event(act, action, asked.resource, environment, &decision, asked.sources)?;
    let mut draft = act.draft(event).about("person", &principal.id.0);
    if let Some(system) = asked.system {
        draft = draft.of_system(system);
    }
    if let Some(version) = request.resource.strip_prefix("version/") {
        draft = draft.about("version", &version);
    }
    let ledger_index = act.record(draft).await?;
    let reasons = RuleView::of(&act.bundle, &decision, &request.facts);
    Ok(EvaluationAnswer::of(id, ledger_index, decision.decision, reasons))
}

async fn subject(act: &mut Act<'_>, entity: &EvaluationEntity) -> Result<PrincipalRow, AppError> {
    let row = people::principal(act.conn(), &entity.id).await?;
    match row {
        Some(row) if row.kind.0.as_str() == entity.kind => Ok(row),
        // The same answer for both: who is what stands in another list, with a right of its own.
        _ => Err(AppError::invalid(
            "subject",
            format!(
                "no {:?} {:?} is known; use the type person or service-account, and its id",
                entity.kind, entity.id
            ),
        )),
    }
}

/// The environment of the question; there must be one exactly if the act has a place.
fn place(context: &Map<String, Value>, scope: Scope) -> Result<Option<Environment>, AppError> {
    if !scope.is_placed() {
        return Ok(None);
    }
    let word = context.get("environment").and_then(Value::as_str);
    let word = word.ok_or_else(|| {
        AppError::invalid("context.environment", "missing; say where: dev, staging or production")
    })?;
    let environment = word.parse::<Environment>();
    environment.map(Some).map_err(|error| AppError::invalid("context.environment", error.to_string()))
}

async fn asked(
    act: &mut Act<'_>,
    question: &Evaluation,
    scope: Scope,
    environment: Option<Environment>,
    principal: &PrincipalRow,
) -> Result<Asked, AppError> {
    let EvaluationEntity { kind, id } = &question.resource;
    if !scope.resources().contains(&kind.as_str()) {
        let message = format!(
            "{} is not asked about a {kind:?}; use {}",
            question.action.name,
            scope.resources().join(", ")
        );
        return Err(AppError::invalid("resource.type", message));
    }
    let plain =
        |resource: String, system| Asked { resource, system, facts: Facts::new(), sources: BTreeMap::new() };
    let unknown = |error| match error {
        AppError::NotFound { .. } | AppError::Invalid { .. } => {
            AppError::invalid("resource", error.to_string())
        }
        other => other,
    };
    match kind.as_str() {
        ORGANISATION if id == OWN => Ok(plain(ORG.to_owned(), None)),
        ORGANISATION => Err(AppError::invalid("resource.id", "the organisation's id is `own`")),
        "system" => {
            let system = systems::find(act.conn(), id).await.map_err(unknown)?.id.0;
            Ok(plain(format!("system/{system}"), Some(system)))
        }
        "model" => {
            let model = models::find(act.conn(), id).await.map_err(unknown)?;
            Ok(plain(format!("model/{}", model.id.0), Some(model.system.0)))
        }
        _ => {
            let (model, version) = find_version(act.conn(), id).await.map_err(unknown)?;
            let (system, version_id) = (model.system.0, version.id.0);
            let resource = format!("version/{version_id}");
            let (Scope::Gate, Some(environment)) = (scope, environment) else {
                return Ok(plain(resource, Some(system)));
            };
            let approval = approvals::latest_approval(act.conn(), version_id, environment).await?;
            let (store, bundle, now) = (act.store.clone(), Arc::clone(&act.bundle), act.now());
            let parts = Parts { key: store.key(), now, bundle: &bundle, environment, in_operation: false };
            let actor = Some(principal.id.0);
            let evidence = situation(act.conn(), &parts, model, version, approval, actor).await?;
            let sources = evidence.known.sources;
            Ok(Asked { resource, system: Some(system), facts: evidence.facts, sources })
        }
    }
}
