//! Requests for approval and votes on them.

use crate::act::{Act, Call, roles};
use crate::delegations::{acts_here, administers, stands_behind_one, votes};
use crate::factors::step_up::{self, Purpose, SecondFactor};
use crate::facts::evidence_ids;
use crate::gate::{decision_event, evidence};
use crate::models::{find_version, with_all_builders};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::VersionFacts;
use comptroller_core::ids::{ApprovalId, DelegationId, EvidenceId, PrincipalId, SystemId, VersionId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{CredentialOrigin, RiskTier, Vote};
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::approvals::{self, ApprovalRow, VoteRow};
use comptroller_store::areas::delegations;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// How long a request stays open, in days.
const REQUEST_DAYS: i64 = 14;

/// Asks for approval of a version in an environment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestApproval {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where it should go.
    pub environment: Environment,
    /// Why.
    pub reason: String,
}

/// Votes on a request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CastVote {
    /// Approve or deny; a denial ends the request.
    pub vote: Vote,
    /// Why.
    pub comment: String,
    /// The person in whose stead, by id: one who has named the caller for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_stead_of: Option<PrincipalId>,
    /// A second factor of the caller; a vote on production takes it of everybody who has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

impl CastVote {
    /// A vote in one's own name.
    pub fn new(vote: Vote, comment: impl Into<String>) -> Self {
        Self { vote, comment: comment.into(), in_stead_of: None, second_factor: None }
    }
}

/// A request for approval.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// Its id.
    pub id: ApprovalId,
    /// The version.
    pub version: VersionId,
    /// Where it should go.
    pub environment: Environment,
    /// Digest over the artifacts that the approval binds.
    pub artifacts: Digest,
    /// Policy bundle in force when it was asked for.
    pub bundle: Digest,
    /// The rules whose approvals are asked for, with the people that each needs.
    pub plan: BTreeMap<Slug, u32>,
    /// The evidence that counted when it was asked for.
    pub evidence: Vec<EvidenceId>,
    /// The risk tier of the system at that time.
    pub tier: Option<RiskTier>,
    /// The rules that fired at that time, whatever people approve.
    pub fired: Vec<Slug>,
    /// Random, so that no request stands for another one.
    pub nonce: Slug,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// When the request lapses.
    pub expires_at: Timestamp,
    /// `open`, `denied`, `superseded` by a newer request, or `expired`.
    pub state: String,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// The votes, in order.
    pub votes: Vec<VoteView>,
}

/// A vote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoteView {
    /// Who voted.
    pub voter: PrincipalId,
    /// The person in whose stead.
    pub in_stead_of: Option<PrincipalId>,
    /// The delegation by which the voter was named for that.
    pub delegation: Option<DelegationId>,
    /// How.
    pub vote: Vote,
    /// When.
    pub voted_at: Timestamp,
    /// Why.
    pub comment: Option<String>,
}

impl App {
    /// Asks for approval. It binds the version's artifacts, the environment and the policy bundle.
    pub async fn request_approval(&self, call: &Call, command: RequestApproval) -> Result<Receipt, AppError> {
        self.act(call, "approval.request", command, |act, command| Box::pin(request(act, command))).await
    }

    /// Votes on a request.
    pub async fn vote(
        &self,
        call: &Call,
        approval: ApprovalId,
        command: CastVote,
    ) -> Result<Receipt, AppError> {
        self.take_attempt(&call.caller, command.second_factor.as_ref()).await?;
        self.act(call, "approval.vote", (approval, command), |act, (approval, command)| {
            Box::pin(vote(act, approval, command))
        })
        .await
    }

    /// One request with its votes.
    pub async fn approval(&self, caller: &Caller, id: ApprovalId) -> Result<ApprovalView, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = approvals::approval(&mut conn, id).await?;
        let row = row.ok_or_else(|| AppError::not_found("approval request", id))?;
        self.approval_view(&mut conn, row).await
    }

    /// Requests; about one version, or all.
    pub async fn approvals(
        &self,
        caller: &Caller,
        version: Option<&str>,
        slice: Slice,
    ) -> Result<Page<ApprovalView>, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let version = match version {
            Some(name) => find_version(&mut conn, name).await?.1.id.0.to_string(),
            None => String::new(),
        };
        let mut views = Vec::new();
        for row in approvals::approvals(&mut conn, &version, slice.after(), limit + 1).await? {
            views.push(self.approval_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    async fn approval_view(&self, conn: &mut Conn, row: ApprovalRow) -> Result<ApprovalView, AppError> {
        let key = self.store.key();
        let mut votes = Vec::new();
        for vote in approvals::votes(conn, row.id.0).await? {
            let comment = journal::private::<Note>(conn, key, vote.private_at).await?;
            votes.push(VoteView {
                voter: vote.voter.0,
                in_stead_of: vote.in_stead_of.map(|id| id.0),
                delegation: vote.delegation.map(|id| id.0),
                vote: vote.vote.0,
                voted_at: vote.voted_at.0,
                comment: comment.map(|note| note.text),
            });
        }
        let expired = row.expires_at.0 <= self.store.clock().now();
        let newest = approvals::latest_approval(conn, row.version.0, row.environment.0).await?;
        let state = if row.denied {
            "denied"
        } else if newest.is_some_and(|newest| newest.id.0 != row.id.0) {
            "superseded"
        } else if expired {
            "expired"
        } else {
            "open"
        };
        let reason = journal::private::<Note>(conn, key, row.private_at).await?;
        Ok(ApprovalView {
            id: row.id.0,
            version: row.version.0,
            environment: row.environment.0,
            artifacts: row.artifacts.0,
            bundle: row.bundle.0,
            plan: serde_json::from_str(&row.plan)?,
            evidence: serde_json::from_str(&row.evidence)?,
            tier: row.tier.map(|tier| tier.0),
            fired: serde_json::from_str(&row.fired)?,
            nonce: row.nonce.0,
            requested_by: row.requested_by,
            requested_at: row.requested_at.0,
            expires_at: row.expires_at.0,
            state: state.to_owned(),
            reason: reason.map(|note| note.text),
            votes,
        })
    }
}

async fn request(mut act: Act<'_>, command: RequestApproval) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let now = evidence(&mut act, &command.version, command.environment).await?;
    let (system, version) = (now.model.system.0, now.version.id.0);
    let resource = format!("version/{version}");
    act.authorise(Action::ApprovalRequest, &resource, Some(system), Some(command.environment), Facts::new())
        .await?;
    let artifacts = &now.known.artifacts;
    let denied =
        approvals::denied_request(act.conn(), now.model.id.0, artifacts, command.environment).await?;
    if let Some(denied) = denied {
        return Err(AppError::Conflict(format!(
            "somebody voted against these artifacts in {} (approval {}): answer the objection with a new version, asking \
             again does not lift it",
            command.environment, denied
        )));
    }
    if let Some(open) = now.approval.filter(|row| !row.denied && row.expires_at.0 > act.now())
        && now.tally.changes.is_empty()
    {
        let open = open.id.0;
        return Err(AppError::Conflict(format!(
            "approval {open} for this version and environment is open already: have people vote on that one"
        )));
    }
    let approval = act.new_id(ApprovalId::new)?;
    let plan = act
        .bundle
        .rules()
        .filter(|rule| !rule.approvals.is_empty())
        .map(|rule| (rule.id.clone(), rule.approvals.iter().map(|group| group.count).sum()))
        .collect();
    let nonce: [u8; 16] = comptroller_store::keys::random()?;
    let event = Event::ApprovalRequested {
        approval,
        version,
        environment: command.environment,
        artifacts: now.known.artifacts,
        bundle: act.bundle.digest().clone(),
        plan,
        evidence: evidence_ids(&now.known.evidence),
        tier: now.known.tier,
        fired: now.fired.into_iter().collect(),
        nonce: format!("n-{}", hex::encode(nonce)).parse()?,
        expires_at: act.now().plus_seconds(REQUEST_DAYS * 86_400),
    };
    let draft = act
        .draft(event)
        .of_system(system)
        .about("version", &version)
        .about("approval", &approval)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(approval, index))
}

async fn vote(mut act: Act<'_>, approval: ApprovalId, command: CastVote) -> Result<Receipt, AppError> {
    check_text("comment", &command.comment, false)?;
    let row = approvals::approval(act.conn(), approval).await?;
    let row = row.ok_or_else(|| AppError::not_found("approval request", approval))?;
    let (model, version) = find_version(act.conn(), &row.version.0.to_string()).await?;
    let (system, voter) = (model.system.0, act.caller.principal);
    let cast = approvals::votes(act.conn(), approval).await?;
    let newest = approvals::latest_approval(act.conn(), row.version.0, row.environment.0).await?;
    let is_newest = newest.is_some_and(|newest| newest.id.0 == approval);
    let ballot = Ballot {
        row: &row,
        // A vote against is heard on any request; one for it counts on the newest alone.
        is_open: !row.denied && (is_newest || command.vote == Vote::Deny),
        version: with_all_builders(act.conn(), &version).await?,
        system,
        cast,
    };
    let (facts, delegation) = asked(&mut act, &ballot, command.in_stead_of).await?;
    let purpose = Purpose::Vote { approval, vote: command.vote, in_stead_of: command.in_stead_of };
    let step_up = step_up::check(&mut act, &purpose, command.second_factor.as_ref()).await?;
    let facts = step_up.add_to(facts);
    let resource = format!("approval/{approval}");
    let environment = Some(row.environment.0);
    let decision = act.authorise(Action::ApprovalVote, &resource, Some(system), environment, facts).await?;
    let (id, event) =
        decision_event(&act, Action::ApprovalVote, resource, environment, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("approval", &approval);
    act.record(draft).await?;
    step_up.record(&mut act, "approval", &approval, Some(system)).await?;
    let in_stead_of = command.in_stead_of;
    let event =
        Event::ApprovalVoted { approval, voter, vote: command.vote, decision: id, in_stead_of, delegation };
    let mut draft = act
        .draft(event)
        .of_system(system)
        .about("approval", &approval)
        .about("version", &row.version.0)
        .private("comment", &Note { text: command.comment })?;
    if let Some(delegation) = delegation {
        draft = draft.about("delegation", &delegation);
    }
    let index = act.record(draft).await?;
    Ok(Receipt::new(approval, index))
}

/// What is voted on, and what was voted so far.
struct Ballot<'b> {
    row: &'b ApprovalRow,
    is_open: bool,
    version: VersionFacts,
    system: SystemId,
    cast: Vec<VoteRow>,
}

/// What the policies learn about a vote, and the delegation that it rests on.
async fn asked(
    act: &mut Act<'_>,
    ballot: &Ballot<'_>,
    in_stead_of: Option<PrincipalId>,
) -> Result<(Facts, Option<DelegationId>), AppError> {
    let Ballot { row, is_open, version, system, cast } = ballot;
    let (now, voter) = (act.now(), act.caller.principal);
    let seat = in_stead_of.unwrap_or(voter);
    let taken = stands_behind_one(act.conn(), cast, voter, seat, now).await?;
    let facts = Facts::new()
        .bool("voter_is_builder", version.builders.contains(&voter))
        .bool("sign_in_offered", act.sign_in_offered)
        .bool("voter_signed_in", act.caller.origin == CredentialOrigin::SignIn)
        .bool("voter_is_requester", row.requested_by == act.caller.actor())
        .bool("request_open", *is_open)
        .bool("request_expired", row.expires_at.0 <= now)
        .bool("already_voted", taken);
    let (mut delegation, mut may, mut held) = (None, false, BTreeSet::new());
    if let Some(seat) = in_stead_of {
        delegation = delegations::holding(act.conn(), seat, voter, *system, now).await?.map(|row| row.id.0);
        held = roles(act.conn(), seat, Some(*system)).await?;
        may = votes(&held) && acts_here(act.conn(), seat).await?;
    }
    let of_other = |yes: bool| in_stead_of.is_some() && yes;
    let facts = facts
        .bool("by_delegation", in_stead_of.is_some())
        .bool("delegation_valid", delegation.is_some())
        .bool("delegator_may_vote", may)
        .bool("delegator_is_builder", of_other(version.builders.contains(&seat)))
        .bool("delegator_is_requester", of_other(row.requested_by == format!("principal/{seat}")))
        .bool("delegator_administers", administers(&held));
    Ok((facts, delegation))
}
