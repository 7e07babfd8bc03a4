//! The population of production changes: each with who asked, who built, who approved, when, on what evidence, by which
//! decision, and who put it there.
//!
//! Rows are facts of the log. What follows from them is the auditor's to say.

mod csv;
mod log;

pub use csv::{changes_csv, differences};
pub use log::{Changes, KINDS};

use log::Decided;

use crate::models::facts;
use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{
    ApprovalId, DecisionId, DelegationId, DeploymentId, EmergencyId, EvidenceId, ModelId, PrincipalId,
    SystemId, VersionId,
};
use comptroller_core::vocab::{DeploymentKind, Outcome, Vote};
use comptroller_core::{Digest, Environment, Event, Label, Timestamp};
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::areas::approvals::{ApprovalRow, VoteRow};
use comptroller_store::areas::deployments::{self, DeploymentRow};
use comptroller_store::areas::models::VersionRow;
use comptroller_store::areas::{approvals, emergencies, models};
use comptroller_store::journal::{self, EntryRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Deployments read at a time.
const CHUNK: i64 = 500;
/// Entries of the log read at a time.
const SPAN: i64 = 50_000;

/// A change of production.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// Index of the deployment in the log.
    pub ledger_index: u64,
    /// The deployment.
    pub deployment: DeploymentId,
    /// Promotion, rollback or emergency.
    pub kind: DeploymentKind,
    /// The AI system.
    pub system: SystemId,
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: VersionId,
    /// Its label.
    pub label: Label,
    /// Digest over its artifacts.
    pub artifacts: Digest,
    /// Who built it.
    pub builders: Vec<PrincipalId>,
    /// The request for approval; of a rollback the one by which its version came here; none in an emergency.
    pub approval: Option<ApprovalId>,
    /// Who asked for approval, or declared the emergency.
    pub requested_by: Option<String>,
    /// When.
    pub requested_at: Option<Timestamp>,
    /// Who approved before it went live, and when.
    pub approvers: Vec<Approver>,
    /// The evidence that the facts of the decision rest on: tests, reports, assessments.
    pub evidence: Vec<EvidenceId>,
    /// The rules that did not ask for what they ask, because somebody had waived them.
    #[serde(default)]
    pub waived: Vec<String>,
    /// The decision that let it happen.
    pub decision: DecisionId,
    /// Its outcome.
    pub outcome: Outcome,
    /// The policies that decided.
    pub policies: Digest,
    /// Index of the decision in the log.
    pub decision_index: u64,
    /// Who put it there.
    pub deployed_by: String,
    /// When.
    pub deployed_at: Timestamp,
    /// Until when it was live; none = still.
    pub live_until: Option<Timestamp>,
    /// The emergency in which it went past the gate.
    pub emergency: Option<EmergencyId>,
    /// Who confirmed the emergency.
    pub confirmed_by: Option<PrincipalId>,
}

/// Somebody who approved.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Approver {
    /// Who.
    pub voter: PrincipalId,
    /// The person in whose stead.
    #[serde(default)]
    pub in_stead_of: Option<PrincipalId>,
    /// The delegation by which.
    #[serde(default)]
    pub delegation: Option<DelegationId>,
    /// When.
    pub voted_at: Timestamp,
}

impl Approver {
    /// `voter@time`, or `voter/for/delegator@time`.
    fn to_csv(&self) -> String {
        match self.in_stead_of {
            Some(seat) => format!("{}/for/{seat}@{}", self.voter, self.voted_at),
            None => format!("{}@{}", self.voter, self.voted_at),
        }
    }
}

impl App {
    /// Changes of production, newest first; of a period.
    pub async fn changes(
        &self,
        caller: &Caller,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        slice: Slice,
    ) -> Result<Page<ChangeView>, AppError> {
        self.may_read(caller, Action::AuditRead, ORG, None, None).await?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            // An empty list would read as "nothing changed".
            return Err(AppError::invalid("to", format!("{to} is not after {from}")));
        }
        let limit = slice.limit()?;
        let mut before = slice.before()?;
        let mut conn = self.store.read().await?;
        let mut found = Vec::new();
        let wanted = usize::try_from(limit).unwrap_or(0) + 1;
        'pages: loop {
            let rows = deployments::history(&mut conn, "", before, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            before = last.idx;
            for row in rows {
                let at = row.live_from.0;
                if from.is_some_and(|from| at < from) {
                    break 'pages;
                }
                if row.environment.0 != Environment::Production || to.is_some_and(|to| at >= to) {
                    continue;
                }
                found.push(row);
                if found.len() == wanted {
                    break 'pages;
                }
            }
        }
        let views = views(&mut conn, found).await?;
        drop(conn);
        let page = page(views, limit, |view| view.ledger_index.to_string());
        self.note_read(caller, comptroller_core::vocab::ReadKind::AuditLog, ORG, page.items.len()).await?;
        Ok(page)
    }
}

/// What deployments rest on, read for many at once: a query for each would cost more than the rest of a population.
struct Around {
    versions: BTreeMap<VersionId, VersionRow>,
    decisions: BTreeMap<DecisionId, Decided>,
    approvals: BTreeMap<ApprovalId, ApprovalRow>,
    votes: BTreeMap<ApprovalId, Vec<VoteRow>>,
}

impl Around {
    /// Around the deployments `from..=to` of the log.
    async fn read(conn: &mut Conn, from: i64, to: i64) -> Result<Self, AppError> {
        let versions = models::versions_of_deployments(conn, from, to).await?;
        let requests = approvals::approvals_of_deployments(conn, from, to).await?;
        let mut decisions = BTreeMap::new();
        for row in journal::decisions_of_deployments(conn, from, to).await? {
            decisions.extend(Decided::of(row.idx.unsigned_abs(), &opened(&row)?.2));
        }
        let mut votes: BTreeMap<ApprovalId, Vec<VoteRow>> = BTreeMap::new();
        for vote in approvals::votes_of_deployments(conn, from, to).await? {
            votes.entry(vote.approval.0).or_default().push(vote);
        }
        Ok(Self {
            versions: versions.into_iter().map(|row| (row.id.0, row)).collect(),
            decisions,
            approvals: requests.into_iter().map(|row| (row.id.0, row)).collect(),
            votes,
        })
    }
}

/// Changes in the order of their rows.
async fn views(conn: &mut Conn, rows: Vec<DeploymentRow>) -> Result<Vec<ChangeView>, AppError> {
    let indexes = rows.iter().map(|row| row.idx);
    let (Some(from), Some(to)) = (indexes.clone().min(), indexes.max()) else { return Ok(Vec::new()) };
    let around = Around::read(conn, from, to).await?;
    let mut views = Vec::new();
    for row in rows {
        views.push(change(conn, &around, row).await?);
    }
    Ok(views)
}

/// The request for approval that a deployment rests on, with its votes: of a rollback the one by which its version came
/// there before, of an emergency none.
pub(crate) async fn request_of(
    conn: &mut Conn,
    row: &DeploymentRow,
) -> Result<Option<(ApprovalRow, Vec<VoteRow>)>, AppError> {
    let request = match (&row.approval, row.kind.0) {
        (Some(id), _) => approvals::approval(conn, id.0).await?,
        (None, DeploymentKind::Rollback) => {
            let at = row.live_from.0.micros();
            approvals::approval_at(conn, row.version.0, row.environment.0, at).await?
        }
        (None, DeploymentKind::Deploy | DeploymentKind::Emergency) => None,
    };
    let Some(request) = request else { return Ok(None) };
    let votes = approvals::votes(conn, request.id.0).await?;
    Ok(Some((request, votes)))
}

/// Who had approved by then.
pub(crate) fn approved_by(votes: Vec<VoteRow>, by: Timestamp) -> Vec<Approver> {
    let counted = votes.into_iter().filter(|vote| vote.vote.0 == Vote::Approve && vote.voted_at.0 <= by);
    let approver = |vote: VoteRow| Approver {
        voter: vote.voter.0,
        in_stead_of: vote.in_stead_of.map(|id| id.0),
        delegation: vote.delegation.map(|id| id.0),
        voted_at: vote.voted_at.0,
    };
    counted.map(approver).collect()
}

async fn change(conn: &mut Conn, around: &Around, row: DeploymentRow) -> Result<ChangeView, AppError> {
    let missing = |what: &str| AppError::Internal(format!("deployment {} without its {what}", row.id.0));
    let version = around.versions.get(&row.version.0).ok_or_else(|| missing("version"))?;
    let decision = around.decisions.get(&row.decision.0).ok_or_else(|| missing("decision"))?;
    let (request, votes) = match (&row.approval, row.kind.0) {
        (Some(id), _) => {
            let votes = around.votes.get(&id.0).cloned().unwrap_or_default();
            (around.approvals.get(&id.0).cloned(), votes)
        }
        (None, _) => {
            request_of(conn, &row).await?.map_or((None, Vec::new()), |(of, votes)| (Some(of), votes))
        }
    };
    let emergency = match row.kind.0 {
        DeploymentKind::Emergency => emergencies::of_deployment(conn, row.id.0).await?,
        DeploymentKind::Deploy | DeploymentKind::Rollback => None,
    };
    let approvers = if request.is_some() { approved_by(votes, row.live_from.0) } else { Vec::new() };
    let Decided { index, outcome, policies, evidence, waived } = decision.clone();
    Ok(ChangeView {
        ledger_index: row.idx.unsigned_abs(),
        deployment: row.id.0,
        kind: row.kind.0,
        system: row.system.0,
        model: row.model.0,
        version: row.version.0,
        builders: facts(version)?.builders,
        label: version.label.0.clone(),
        artifacts: row.artifacts.0,
        approval: request.as_ref().map(|request| request.id.0),
        requested_by: match (&request, &emergency) {
            (Some(request), _) => Some(request.requested_by.clone()),
            (None, emergency) => emergency.as_ref().map(|row| row.opened_by.clone()),
        },
        requested_at: match (&request, &emergency) {
            (Some(request), _) => Some(request.requested_at.0),
            (None, emergency) => emergency.as_ref().map(|row| row.opened_at.0),
        },
        approvers,
        evidence,
        waived,
        decision: row.decision.0,
        outcome,
        policies,
        decision_index: index,
        deployed_by: row.actor,
        deployed_at: row.live_from.0,
        live_until: row.live_until.map(|at| at.0),
        emergency: emergency.as_ref().map(|row| row.id.0),
        confirmed_by: emergency.and_then(|row| row.confirmed_by).map(|id| id.0),
    })
}

/// An entry as actor, time and event.
fn opened(row: &EntryRow) -> Result<(String, Timestamp, Event), AppError> {
    let entry: serde_json::Value = serde_json::from_str(&row.entry)?;
    let event = Event::from_parts(&row.kind, &entry["data"])?;
    let time = Timestamp::from_micros(entry["recorded_at"].as_i64().unwrap_or_default());
    Ok((entry["actor"].as_str().unwrap_or_default().to_owned(), time, event))
}

/// The changes that follow from the first `size` entries.
pub(crate) async fn of_log(conn: &mut Conn, size: i64) -> Result<Changes, AppError> {
    let mut changes = Changes::default();
    let mut from = 0;
    while from < size {
        let to = size.min(from + SPAN);
        let mut rows = journal::entries_of_changes(conn, from, to).await?;
        // Every decision stands before its deployment, perhaps in an earlier span.
        rows.extend(journal::decisions_of_deployments(conn, from, to - 1).await?);
        rows.sort_by_key(|row| row.idx);
        for row in rows {
            let (actor, time, event) = opened(&row)?;
            changes.take(row.idx.unsigned_abs(), &actor, time, &event);
        }
        from = to;
    }
    if let Some(entry) = changes.unexplained().first() {
        return Err(AppError::Internal(format!(
            "entry {entry} deployed by a decision that is not in the log"
        )));
    }
    Ok(changes)
}
