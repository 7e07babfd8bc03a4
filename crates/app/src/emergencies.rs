//! Emergencies: two people put a version into an environment past the gate, because waiting would do more harm.
//!
//! Nothing of it is hidden: the rules that stood against it are recorded with it, an incident is open until somebody
//! without a part in it has judged it, and while that is overdue nothing of the system is promoted. Absolute rules are
//! not touched: an emergency is an act of its own, with rules of its own (`emergency.*` in the base policies).

use crate::act::{Act, Call};
use crate::deploy::Deployed;
use crate::factors::step_up::{self, Purpose, SecondFactor};
use crate::gate::{Evidence, decision_event, evidence};
use crate::models::facts;
use crate::switch::{Switch, not_live_yet, perform};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{DeploymentId, EmergencyId, IncidentId, PrincipalId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{CredentialOrigin, DeploymentKind, IncidentCause};
use comptroller_core::{Environment, Event, TagText, Timestamp};
use comptroller_policy::{Action, Fact, Facts};
use comptroller_store::areas::emergencies::{self, EmergencyRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Longest time from the declaration to its end, in hours.
const MAX_HOURS: u32 = 4;
/// From the confirmation to the review, in hours.
const REVIEW_HOURS: i64 = 48;

/// Declares an emergency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenEmergency {
    /// The version that is needed at once: its id, or `model@label`.
    pub version: String,
    /// Where.
    pub environment: Environment,
    /// The ticket that it belongs to.
    pub ticket: TagText,
    /// For how many hours: 1 to 4.
    pub hours: u32,
    /// Why it cannot wait for the gate.
    pub reason: String,
}

/// Confirms somebody else's emergency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmergency {
    /// What was checked.
    pub comment: String,
    /// A second factor of the caller, who needs it if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

/// Judges an emergency afterwards.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewEmergency {
    /// Whether it was right to go past the gate.
    pub justified: bool,
    /// What was found, and what follows from it.
    pub findings: String,
}

/// An emergency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EmergencyView {
    /// Its id.
    pub id: EmergencyId,
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// Where.
    pub environment: Environment,
    /// The ticket that it belongs to.
    pub ticket: TagText,
    /// `opened`, `confirmed`, `used`, `expired`, `review-overdue` or `reviewed`.
    pub state: String,
    /// Who declared it.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
    /// From when on it is of no use.
    pub expires_at: Timestamp,
    /// The second person.
    pub confirmed_by: Option<PrincipalId>,
    /// When.
    pub confirmed_at: Option<Timestamp>,
    /// The deployment that used it.
    pub deployment: Option<DeploymentId>,
    /// By when it must be reviewed.
    pub review_due_at: Option<Timestamp>,
    /// Who judged it.
    pub reviewed_by: Option<PrincipalId>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// `justified` or `not-justified`.
    pub verdict: Option<String>,
    /// Why it could not wait.
    pub reason: Option<String>,
}

impl App {
    /// Declares an emergency. It is of no use until a second person has confirmed it.
    pub async fn open_emergency(&self, call: &Call, command: OpenEmergency) -> Result<Receipt, AppError> {
        self.act(call, "emergency.open", command, |act, command| Box::pin(open(act, command))).await
    }

    /// Confirms an emergency, which opens an incident.
    pub async fn confirm_emergency(
        &self,
        call: &Call,
        id: EmergencyId,
        command: ConfirmEmergency,
    ) -> Result<Receipt, AppError> {
        self.take_attempt(&call.caller, command.second_factor.as_ref()).await?;
        self.act(call, "emergency.confirm", (id, command), |act, (id, command)| {
            Box::pin(confirm(act, id, command))
        })
        .await
    }

    /// Puts the version of a confirmed emergency into its environment, once.
    pub async fn deploy_in_emergency(&self, call: &Call, id: EmergencyId) -> Result<Deployed, AppError> {
        self.act(call, "emergency.deploy", id, |act, id| Box::pin(deploy(act, id))).await
    }

    /// Judges an emergency, which closes its incident.
    pub async fn review_emergency(
        &self,
        call: &Call,
        id: EmergencyId,
        command: ReviewEmergency,
    ) -> Result<Receipt, AppError> {
        self.act(call, "emergency.review", (id, command), |act, (id, command)| {
            Box::pin(review(act, id, command))
        })
        .await
    }

    /// Emergencies; of one system, or all.
    pub async fn emergencies(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<EmergencyView>, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let system = system_id(&mut conn, system).await?;
        let now = self.store.clock().now();
        let mut views = Vec::new();
        for row in emergencies::emergencies(&mut conn, &system, slice.after(), limit + 1).await? {
            let reason = journal::private::<Note>(&mut conn, self.store.key(), row.private_at).await?;
            views.push(view(row, now, reason.map(|note| note.text)));
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }
}

pub(crate) async fn system_id(conn: &mut Conn, name: Option<&str>) -> Result<String, AppError> {
    match name {
        Some(name) => Ok(systems::find(conn, name).await?.id.0.to_string()),
        None => Ok(String::new()),
    }
}

fn view(row: EmergencyRow, now: Timestamp, reason: Option<String>) -> EmergencyView {
    let state = if row.reviewed_at.is_some() {
        "reviewed"
    } else if row.review_due_at.is_some_and(|due| due.0 <= now) {
        "review-overdue"
    } else if row.deployment.is_some() {
        "used"
    } else if row.expires_at.0 <= now {
        "expired"
    } else if row.confirmed_at.is_some() {
        "confirmed"
    } else {
        "opened"
    };
    EmergencyView {
        id: row.id.0,
        system: row.system.0,
        version: row.version.0,
        environment: row.environment.0,
        ticket: row.ticket.0,
        state: state.to_owned(),
        opened_by: row.opened_by,
        opened_at: row.opened_at.0,
        expires_at: row.expires_at.0,
        confirmed_by: row.confirmed_by.map(|id| id.0),
        confirmed_at: row.confirmed_at.map(|at| at.0),
        deployment: row.deployment.map(|id| id.0),
        review_due_at: row.review_due_at.map(|at| at.0),
        reviewed_by: row.reviewed_by.map(|id| id.0),
        reviewed_at: row.reviewed_at.map(|at| at.0),
        verdict: row.verdict,
        reason,
    }
}

async fn find(conn: &mut Conn, id: EmergencyId) -> Result<EmergencyRow, AppError> {
    emergencies::emergency(conn, id).await?.ok_or_else(|| AppError::not_found("emergency", id))
}

fn resource(id: EmergencyId) -> String {
    format!("emergency/{id}")
}

/// What the policies learn. Of what is known about the version only what no emergency overrides.
fn asked(act: &Act<'_>, known: &Evidence, row: Option<&EmergencyRow>) -> Result<Facts, AppError> {
    let mut asked = Facts::new();
    for name in ["artifacts_stored", "system_retired", "prohibited", "reviews_overdue"] {
        let Some(Fact::Bool(value)) = known.facts.get(name) else {
            return Err(AppError::Internal(format!("the fact {name} is not known")));
        };
        asked = asked.bool(name, *value);
    }
    let opener = row.is_none_or(|row| row.opened_by == act.caller.actor());
    let ended = |row: &EmergencyRow| {
        row.expires_at.0 <= act.now() || row.deployment.is_some() || row.reviewed_at.is_some()
    };
    Ok(asked
        .bool("actor_is_opener", opener)
        .bool("actor_is_builder", known.known.version.builders.contains(&act.caller.principal))
        .bool("actor_signed_in", act.caller.origin == CredentialOrigin::SignIn)
        .bool("sign_in_offered", act.sign_in_offered)
        .bool("confirmed", row.is_some_and(|row| row.confirmed_at.is_some()))
        .bool("ended", row.is_some_and(ended)))
}

/// For acts that no second factor is asked for.
fn not_stepped_up(facts: Facts) -> Facts {
    facts.bool("step_up_required", false).bool("stepped_up", false)
}

async fn open(mut act: Act<'_>, command: OpenEmergency) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    if !(1..=MAX_HOURS).contains(&command.hours) {
        return Err(AppError::invalid("hours", format!("{} is not 1 to {MAX_HOURS}", command.hours)));
    }
    let environment = command.environment;
    let known = evidence(&mut act, &command.version, environment).await?;
    let (system, version) = (known.model.system.0, known.version.id.0);
    let emergency = act.new_id(EmergencyId::new)?;
    let asked = not_stepped_up(asked(&act, &known, None)?);
    let at = Some(environment);
    let decision =
        act.authorise(Action::EmergencyOpen, &format!("version/{version}"), Some(system), at, asked).await?;
    let (decided, event) =
        decision_event(&act, Action::EmergencyOpen, resource(emergency), at, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("emergency", &emergency);
    act.record(draft).await?;
    let event = Event::EmergencyOpened {
        emergency,
        system,
        version,
        environment,
        ticket: command.ticket,
        decision: decided,
        expires_at: act.now().plus_seconds(i64::from(command.hours) * 3_600),
    };
    let draft = act
        .draft(event)
        .about("system", &system)
        .about("version", &version)
        .about("emergency", &emergency)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(emergency, index))
}

async fn confirm(mut act: Act<'_>, id: EmergencyId, command: ConfirmEmergency) -> Result<Receipt, AppError> {
    check_text("comment", &command.comment, false)?;
    let row = find(act.conn(), id).await?;
    let (system, environment) = (row.system.0, row.environment.0);
    let known = evidence(&mut act, &row.version.0.to_string(), environment).await?;
    let purpose = Purpose::Confirm { emergency: id };
    let step_up = step_up::check(&mut act, &purpose, command.second_factor.as_ref()).await?;
    let asked = step_up.add_to(asked(&act, &known, Some(&row))?);
    let (action, at) = (Action::EmergencyConfirm, Some(environment));
    let decision = act.authorise(action, &resource(id), Some(system), at, asked).await?;
    let (decided, event) = decision_event(&act, action, resource(id), at, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("emergency", &id);
    act.record(draft).await?;
    step_up.record(&mut act, "emergency", &id, Some(system)).await?;
    let event = Event::EmergencyConfirmed {
        emergency: id,
        confirmed_by: act.caller.principal,
        decision: decided,
        review_due_at: act.now().plus_seconds(REVIEW_HOURS * 3_600),
    };
    let draft = act
        .draft(event)
        .of_system(system)
        .about("emergency", &id)
        .private("comment", &Note { text: command.comment })?;
    let index = act.record(draft).await?;
    let incident = act.new_id(IncidentId::new)?;
    let event =
        Event::IncidentOpened { incident, system, cause: IncidentCause::Emergency, subject: resource(id) };
    let draft = act.draft(event).about("system", &system).about("incident", &incident);
    act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

async fn deploy(mut act: Act<'_>, id: EmergencyId) -> Result<Deployed, AppError> {
    let row = find(act.conn(), id).await?;
    let (system, environment) = (row.system.0, row.environment.0);
    let known = evidence(&mut act, &row.version.0.to_string(), environment).await?;
    let asked = not_stepped_up(asked(&act, &known, Some(&row))?);
    let (action, at) = (Action::EmergencyDeploy, Some(environment));
    let decision = act.authorise(action, &resource(id), Some(system), at, asked).await?;
    not_live_yet(&mut act, &known.model, &known.version, environment).await?;
    let version = format!("version/{}", known.version.id.0);
    let gate = act.decide(Action::Deploy, &version, Some(system), at, known.facts.clone()).await?;
    let switch = Switch {
        model: known.model,
        version: known.version,
        environment,
        kind: DeploymentKind::Emergency,
        approval: None,
        drill: None,
        reason: format!("emergency {id}, ticket {}", row.ticket.0),
    };
    let deployed = perform(&mut act, action, &decision, known.known.sources, switch).await?;
    let bypassed = gate.rules.iter().map(|rule| rule.id.clone()).collect();
    let event = Event::EmergencyUsed { emergency: id, deployment: deployed.deployment, bypassed };
    let draft = act.draft(event).of_system(system).about("emergency", &id);
    act.record(draft).await?;
    Ok(deployed)
}

async fn review(mut act: Act<'_>, id: EmergencyId, command: ReviewEmergency) -> Result<Receipt, AppError> {
    check_text("findings", &command.findings, false)?;
    let row = find(act.conn(), id).await?;
    let (system, reviewer) = (row.system.0, act.caller.principal);
    let version = comptroller_store::areas::models::version(act.conn(), row.version.0).await?;
    let version = version.ok_or_else(|| AppError::Internal("emergency without version".into()))?;
    let actor = act.caller.actor();
    let took_part = row.opened_by == actor
        || row.used_by.as_ref() == Some(&actor)
        || row.confirmed_by.as_ref().is_some_and(|by| by.0 == reviewer);
    let asked = Facts::new()
        .bool("reviewer_took_part", took_part)
        .bool("reviewer_is_builder", facts(&version)?.builders.contains(&reviewer))
        .bool("confirmed", row.confirmed_at.is_some())
        .bool("already_reviewed", row.reviewed_at.is_some());
    let (action, at) = (Action::EmergencyReview, Some(row.environment.0));
    let decision = act.authorise(action, &resource(id), Some(system), at, asked).await?;
    let (decided, event) = decision_event(&act, action, resource(id), at, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("emergency", &id);
    act.record(draft).await?;
    let event =
        Event::EmergencyReviewed { emergency: id, reviewer, justified: command.justified, decision: decided };
    let draft = act
        .draft(event)
        .of_system(system)
        .about("emergency", &id)
        .private("findings", &Note { text: command.findings })?;
    let index = act.record(draft).await?;
    if let Some(incident) = emergencies::open_incident(act.conn(), &resource(id)).await? {
        let event = Event::IncidentClosed { incident: incident.id.0, system };
        let draft = act.draft(event).about("system", &system).about("incident", &incident.id.0);
        act.record(draft).await?;
    }
    Ok(Receipt::new(id, index))
}
