//! Remediations: a finding is put right, with an owner, a plan and a retest, or accepted by somebody who did not build it.
//!
//! A bias test that fails and a finding in operation open one by themselves. The gate sees how many are open and whether
//! one of them has no plan or is past its time.

use crate::act::{Act, Call};
use crate::emergencies::system_id;
use crate::facts::is_builder;
use crate::gate::decision_event;
use crate::models::{facts, find_version};
use crate::people::find as find_principal;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{EvidenceId, PrincipalId, RemediationId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{EvidenceKind, RemediationCause, RemediationEnd};
use comptroller_core::{Event, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::evidence::{self, EvidenceRow};
use comptroller_store::areas::remediations::{self, RemediationRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Longest time from a plan to its end, in days.
const MAX_DAYS: u32 = 180;
const DAY: i64 = 86_400;

/// Says that something must be put right.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRemediation {
    /// The version that it is about: its id, or `model@label`.
    pub version: String,
    /// What was found.
    pub finding: String,
}

/// Says who does what about a finding, and until when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRemediation {
    /// The person who answers for it, by id.
    pub owner: String,
    /// What is done.
    pub mitigation: String,
    /// In how many days it is done: 1 to 180.
    pub days: u32,
}

/// Ends a remediation: by the evidence of a later bias test that passed, or by accepting what remains.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRemediation {
    /// The later bias test of a version of the system that passed; without it what remains is accepted.
    #[serde(default)]
    pub retest: Option<EvidenceId>,
    /// Why.
    pub reason: String,
}

/// A remediation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemediationView {
    /// Its id.
    pub id: RemediationId,
    /// The AI system.
    pub system: SystemId,
    /// The version that the finding is about.
    pub version: VersionId,
    /// What it began with.
    pub cause: RemediationCause,
    /// The test that failed, if that was it.
    pub evidence: Option<EvidenceId>,
    /// `open`, `planned`, `overdue`, `retested` or `accepted`.
    pub state: String,
    /// Who opened it; `system` if nobody did.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
    /// Who answers for it.
    pub owner: Option<PrincipalId>,
    /// Until when it is to be done.
    pub due_at: Option<Timestamp>,
    /// The later test that passed.
    pub retest: Option<EvidenceId>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// What was found.
    pub finding: Option<String>,
    /// What is done about it.
    pub mitigation: Option<String>,
    /// Why it was closed.
    pub reason: Option<String>,
}

impl App {
    /// Opens a remediation by hand.
    pub async fn open_remediation(&self, call: &Call, command: OpenRemediation) -> Result<Receipt, AppError> {
        self.act(call, "remediation.open", command, |mut act, command| {
            Box::pin(async move {
                check_text("finding", &command.finding, false)?;
                let (model, version) = find_version(act.conn(), &command.version).await?;
                let (system, version) = (model.system.0, version.id.0);
                act.may(Action::RemediationOpen, &format!("version/{version}"), Some(system)).await?;
                let finding = Note { text: command.finding };
                open(&mut act, system, version, RemediationCause::ByHand, None, finding).await
            })
        })
        .await
    }

    /// Plans a remediation; the last plan counts.
    pub async fn plan_remediation(
        &self,
        call: &Call,
        id: RemediationId,
        command: PlanRemediation,
    ) -> Result<Receipt, AppError> {
        self.act(call, "remediation.plan", (id, command), |act, (id, command)| {
            Box::pin(plan(act, id, command))
        })
        .await
    }

    /// Closes a remediation.
    pub async fn close_remediation(
        &self,
        call: &Call,
        id: RemediationId,
        command: CloseRemediation,
    ) -> Result<Receipt, AppError> {
        self.act(call, "remediation.close", (id, command), |act, (id, command)| {
            Box::pin(close(act, id, command))
        })
        .await
    }

    /// Remediations; of one system, or all.
    pub async fn remediations(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<RemediationView>, AppError> {
        self.may_read(caller, Action::EvidenceRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let system = system_id(&mut conn, system).await?;
        let mut views = Vec::new();
        for row in remediations::remediations(&mut conn, &system, slice.after(), limit + 1).await? {
            views.push(self.remediation_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    /// One remediation.
    pub async fn remediation(&self, caller: &Caller, id: RemediationId) -> Result<RemediationView, AppError> {
        self.may_read(caller, Action::EvidenceRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, id).await?;
        self.remediation_view(&mut conn, row).await
    }

    async fn remediation_view(
        &self,
        conn: &mut Conn,
        row: RemediationRow,
    ) -> Result<RemediationView, AppError> {
        let mut texts = Vec::new();
        for at in [row.private_at, row.plan_at, row.close_at] {
            let note = journal::private::<Note>(conn, self.store.key(), at).await?;
            texts.push(note.map(|note| note.text));
        }
        let now = self.store.clock().now();
        let state = match (&row.ended, &row.due_at) {
            (Some(end), _) => end.0.as_str(),
            (None, None) => "open",
            (None, Some(due)) if due.0 <= now => "overdue",
            (None, Some(_)) => "planned",
        };
        let state = state.to_owned();
        let (reason, mitigation, finding) = (texts.pop(), texts.pop(), texts.pop());
        Ok(RemediationView {
            id: row.id.0,
            system: row.system.0,
            version: row.version.0,
            cause: row.cause.0,
            evidence: row.evidence.map(|id| id.0),
            state,
            opened_by: row.opened_by,
            opened_at: row.opened_at.0,
            owner: row.owner.map(|id| id.0),
            due_at: row.due_at.map(|at| at.0),
            retest: row.retest.map(|id| id.0),
            closed_by: row.closed_by,
            closed_at: row.closed_at.map(|at| at.0),
            finding: finding.flatten(),
            mitigation: mitigation.flatten(),
            reason: reason.flatten(),
        })
    }
}

async fn find(conn: &mut Conn, id: RemediationId) -> Result<RemediationRow, AppError> {
    remediations::remediation(conn, id).await?.ok_or_else(|| AppError::not_found("remediation", id))
}

/// A remediation that is not closed.
async fn find_open(conn: &mut Conn, id: RemediationId) -> Result<RemediationRow, AppError> {
    let row = find(conn, id).await?;
    match &row.ended {
        Some(end) => Err(AppError::Conflict(format!("this remediation is closed already: {}", end.0))),
        None => Ok(row),
    }
}

async fn open(
    act: &mut Act<'_>,
    system: SystemId,
    version: VersionId,
    cause: RemediationCause,
    evidence: Option<EvidenceId>,
    finding: Note,
) -> Result<Receipt, AppError> {
    let remediation = act.new_id(RemediationId::new)?;
    let draft = act
        .draft(Event::RemediationOpened { remediation, system, version, cause, evidence })
        .about("version", &version)
        .about("remediation", &remediation)
        .private("finding", &finding)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(remediation, index))
}

/// Opens the remediation of a bias test that failed, unless one of this version is open for that reason.
pub(crate) async fn of_test(
    act: &mut Act<'_>,
    system: SystemId,
    version: VersionId,
    evidence: EvidenceId,
) -> Result<(), AppError> {
    let cause = RemediationCause::BiasTest;
    if remediations::open_with_cause(act.conn(), version, cause).await?.is_some() {
        return Ok(());
    }
    let finding =
        Note { text: "a bias test did not pass; its report is the document of the evidence".into() };
    open(act, system, version, cause, Some(evidence), finding).await.map(|_| ())
}

async fn plan(mut act: Act<'_>, id: RemediationId, command: PlanRemediation) -> Result<Receipt, AppError> {
    check_text("mitigation", &command.mitigation, false)?;
    if !(1..=MAX_DAYS).contains(&command.days) {
        return Err(AppError::invalid("days", format!("{} is not 1 to {MAX_DAYS}", command.days)));
    }
    let row = find_open(act.conn(), id).await?;
    let system = row.system.0;
    let due_at = act.now().plus_seconds(i64::from(command.days) * DAY);
    let asked = Facts::new().bool("postpones", row.due_at.is_some_and(|due| due.0 < due_at));
    let (action, resource) = (Action::RemediationPlan, format!("remediation/{id}"));
    let decision = act.authorise(action, &resource, Some(system), None, asked).await?;
    let owner = find_principal(act.conn(), &command.owner).await?;
    if owner.status != "active" || !crate::act::is_person(owner.kind.0) {
        return Err(AppError::invalid("owner", "the owner is a person who acts here"));
    }
    let (decided, event) = decision_event(&act, action, resource, None, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("remediation", &id);
    act.record(draft).await?;
    let event =
        Event::RemediationPlanned { remediation: id, system, owner: owner.id.0, due_at, decision: decided };
    let draft =
        act.draft(event).about("remediation", &id).private("plan", &Note { text: command.mitigation })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

async fn close(mut act: Act<'_>, id: RemediationId, command: CloseRemediation) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = find_open(act.conn(), id).await?;
    let (system, actor) = (row.system.0, act.caller.principal);
    let test = match command.retest {
        Some(id) => {
            let test = evidence::evidence(act.conn(), id).await?;
            Some(test.ok_or_else(|| AppError::not_found("evidence", id))?)
        }
        None => None,
    };
    let mut built = false;
    let tested = test.as_ref().and_then(|test| test.version.as_ref()).map(|version| version.0);
    for version in [Some(row.version.0), tested].into_iter().flatten() {
        let (_, version) = find_version(act.conn(), &version.to_string()).await?;
        built |= is_builder(&facts(&version)?, actor);
    }
    let asked = Facts::new()
        .bool("accepts", test.is_none())
        .bool("retested", test.as_ref().is_some_and(|test| shows(test, &row)))
        .bool("actor_is_builder", built)
        .bool("actor_is_owner", row.owner.as_ref().is_some_and(|owner| owner.0 == actor));
    let (action, resource) = (Action::RemediationClose, format!("remediation/{id}"));
    let decision = act.authorise(action, &resource, Some(system), None, asked).await?;
    let (decided, event) = decision_event(&act, action, resource, None, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("remediation", &id);
    act.record(draft).await?;
    let end = if test.is_some() { RemediationEnd::Retested } else { RemediationEnd::Accepted };
    let event = Event::RemediationClosed {
        remediation: id,
        system,
        end,
        evidence: test.map(|test| test.id.0),
        decision: decided,
    };
    let draft =
        act.draft(event).about("remediation", &id).private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

/// Whether a test shows that a finding is put right: a bias test of the same system that passed, was made after the
/// finding, and counts.
fn shows(test: &EvidenceRow, row: &RemediationRow) -> bool {
    test.kind.0 == EvidenceKind::BiasTest
        && test.passed
        && test.system.0 == row.system.0
        && test.observed_at.0 > row.opened_at.0
        && test.withdrawn_at.is_none()
        && test.purged_at.is_none()
}
