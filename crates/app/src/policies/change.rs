//! The way of a change of policies: proposed with its tests, compared by proof, voted on, activated.
//!
//! Going back to an earlier bundle is a change like any other: it is proposed by its digest and compared with what is
//! in force, since going back may let something happen that is refused now.

use crate::act::{Act, Call};
use crate::gate::decision_event;
use crate::policies::analysis::{analyse, analysed, tests_pass};
use crate::policies::{Files, VoteOnPolicies, shadow, succession};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{PrincipalId, ProposalId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{BundleVerdict, ShadowEnd, Vote};
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_policy::prove::Report;
use comptroller_policy::{Action, Facts, Package};
use comptroller_store::areas::policies::{self, ProposalRow};
use comptroller_store::{Conn, Draft, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// Proposes a bundle: its files, or the digest of one that is known already.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePolicies {
    /// The files by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The digest of a known bundle, to go back to it.
    #[serde(default)]
    pub bundle: Option<Digest>,
    /// Why.
    pub reason: String,
}

/// A proposal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposalView {
    /// Its id.
    pub id: ProposalId,
    /// The bundle.
    pub bundle: Digest,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// Whether every case of it comes out as written.
    pub tests_passed: bool,
    /// `proposed`, `refused` or `activated`.
    pub state: String,
    /// The bundle that it was compared with.
    pub against: Option<Digest>,
    /// Whether that one is still in force.
    pub analysis_is_current: bool,
    /// How it compares.
    pub verdict: Option<BundleVerdict>,
    /// Standing invariants that a known request breaks.
    pub invariants_violated: i64,
    /// Standing invariants that are neither proven nor broken.
    pub invariants_unproven: i64,
    /// Rules that a known request makes err.
    pub rules_may_err: i64,
    /// Rules not proven never to err.
    pub rules_unproven: i64,
    /// The proofs, for whoever makes them again.
    pub report: Option<Report>,
    /// The votes.
    pub votes: Vec<ProposalVote>,
    /// When it came in force.
    pub activated_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A vote on a proposal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposalVote {
    /// Who voted.
    pub voter: PrincipalId,
    /// How.
    pub vote: Vote,
    /// When.
    pub voted_at: Timestamp,
}

/// What is in force, and since when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PoliciesInForce {
    /// The bundle.
    pub bundle: Digest,
    /// Its files by name.
    pub files: BTreeMap<String, String>,
    /// The one before; none while the base policies that came with the product are in force.
    pub previous: Option<Digest>,
    /// The proposal by which it came in force.
    pub proposal: Option<ProposalId>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Index of its activation in the log.
    pub ledger_index: Option<u64>,
    /// How it compared with the one before when it came in force; none for the base policies.
    #[serde(default)]
    pub verdict: Option<BundleVerdict>,
    /// Who proved that; none if there was no solver.
    #[serde(default)]
    pub solver: Option<String>,
    /// What was looser or broken when it came in force.
    #[serde(default)]
    pub refuted: Vec<String>,
    /// What was unproven when it came in force, with its cause.
    #[serde(default)]
    pub unproven: Vec<String>,
}

impl App {
    /// Proposes a bundle. Its tests are run at once, and the result is recorded.
    pub async fn propose_policies(&self, call: &Call, command: ProposePolicies) -> Result<Receipt, AppError> {
        self.may_read(&call.caller, Action::PolicyPropose, ORG, None, None).await?;
        check_text("reason", &command.reason, false)?;
        // Going back to a bundle that was in force is not stopped by a control that has gone since.
        let is_known = command.bundle.is_some();
        let package = match (&command.bundle, command.files.is_empty()) {
            (None, false) => Package::new(command.files.clone())
                .map_err(|error| AppError::invalid("files", error.to_string()))?,
            (Some(digest), true) => {
                let mut conn = self.store.read().await?;
                self.policies.package(&mut conn, self.store.key(), digest).await?
            }
            _ => {
                let message = "give the files of a bundle, or the digest of a known one";
                return Err(AppError::invalid("files", message));
            }
        };
        // Tests take a second: not inside the transaction, and not on a thread that answers others.
        let (package, tests_passed) = tokio::task::spawn_blocking(move || {
            let passed = tests_pass(&package)?;
            if !is_known {
                known_controls(&package)?;
            }
            Ok::<_, AppError>((package, passed))
        })
        .await
        .map_err(|error| AppError::Internal(format!("the tests broke off: {error}")))??;
        let builtin = self.policies.builtin().digest().clone();
        self.act(call, "policy.propose", command, move |mut act, command| {
            Box::pin(async move {
                act.may(Action::PolicyPropose, ORG, None).await?;
                let bundle = package.digest();
                if bundle == *act.bundle.digest() {
                    return Err(AppError::Conflict("this bundle is in force already".into()));
                }
                let known = bundle == builtin || policies::bundle(act.conn(), &bundle).await?.is_some();
                let text = if known { None } else { Some(text_of(&package)?) };
                let proposal = act.new_id(ProposalId::new)?;
                let event = Event::PolicyProposed { proposal, bundle, tests_passed, new: !known };
                let private = Files { package: text, reason: command.reason };
                let draft = act.draft(event).about("proposal", &proposal).private("proposal", &private)?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(proposal, index))
            })
        })
        .await
    }

    /// Compares a proposal with what is in force: what it lets in and keeps out, whether the standing invariants hold,
    /// and whether a rule can err. Without a solver everything comes out as unproven.
    pub async fn analyse_policies(&self, call: &Call, id: ProposalId) -> Result<ProposalView, AppError> {
        self.may_read(&call.caller, Action::PolicyPropose, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = proposal(&mut conn, id).await?;
        let new = self.policies.bundle(&mut conn, self.store.key(), &row.bundle.0).await?;
        let package = self.policies.package(&mut conn, self.store.key(), &row.bundle.0).await?;
        let old = self.policies.in_force(&mut conn, self.store.key()).await?;
        drop(conn);
        let against = old.digest().clone();
        let solver = self.solver.clone();
        let report = tokio::task::spawn_blocking(move || {
            analyse(&old, &new, &package, solver.as_ref().map(|path| path.as_path()))
        })
        .await
        .map_err(|error| AppError::Internal(format!("the comparison broke off: {error}")))??;
        self.act(call, "policy.analyse", id, move |mut act, id| {
            Box::pin(async move {
                act.may(Action::PolicyPropose, ORG, None).await?;
                if *act.bundle.digest() != against {
                    return Err(AppError::Conflict(
                        "other policies came in force meanwhile: have it compared again".into(),
                    ));
                }
                let row = proposal(act.conn(), id).await?;
                let event = analysed(&row, against, &report);
                let draft = act.draft(event).about("proposal", &id).private("report", &report)?;
                act.record(draft).await?;
                Ok(())
            })
        })
        .await?;
        self.proposal(&call.caller, id).await
    }

    /// Votes on a proposal.
    pub async fn vote_on_policies(
        &self,
        call: &Call,
        id: ProposalId,
        command: VoteOnPolicies,
    ) -> Result<Receipt, AppError> {
        self.act(call, "policy.approve", (id, command), |act, (id, command)| Box::pin(vote(act, id, command)))
            .await
    }

    /// Puts a proposal in force.
    pub async fn activate_policies(&self, call: &Call, id: ProposalId) -> Result<Receipt, AppError> {
        let policies = Arc::clone(&self.policies);
        self.act(call, "policy.activate", id, move |mut act, id| {
            Box::pin(async move {
                let row = proposal(act.conn(), id).await?;
                if row.activated_at.is_some() {
                    return Err(AppError::Conflict("this proposal was activated already".into()));
                }
                let previous = act.bundle.digest().clone();
                let verdict = row.verdict.as_ref().map(|verdict| verdict.0);
                let facts = Facts::new()
                    .bool("tests_passed", row.tests_passed)
                    .bool("analysed", row.against.as_ref().is_some_and(|against| against.0 == previous))
                    .text("verdict", verdict.map_or("none", BundleVerdict::as_str))
                    .long("invariants_violated", row.invariants_violated)
                    .long("invariants_unproven", row.invariants_unproven)
                    .long("rules_may_err", row.rules_may_err)
                    .long("rules_unproven", row.rules_unproven)
                    .long("approvals_valid", valid_votes(act.conn(), &row).await?)
                    .bool("refused", row.refused);
                let resource = format!("proposal/{id}");
                // The policies in force decide about their own succession.
                let decision = match act
                    .authorise(Action::PolicyActivate, &resource, None, None, facts.clone())
                    .await
                {
                    Ok(decision) => decision,
                    Err(error) => return Err(with_findings(&mut act, error, &facts, row.report_at).await?),
                };
                let store = act.store.clone();
                let next = policies.bundle(act.conn(), store.key(), &row.bundle.0).await?;
                succession::check(act.conn(), &next).await?;
                let (decided, event) =
                    decision_event(&act, Action::PolicyActivate, resource, None, &decision, BTreeMap::new())?;
                let draft = act.draft(event).about("proposal", &id);
                act.record(draft).await?;
                let event = Event::PolicyActivated {
                    proposal: id,
                    bundle: row.bundle.0,
                    previous,
                    verdict: verdict.unwrap_or(BundleVerdict::Unproven),
                    decision: decided,
                };
                let draft = act.draft(event).about("proposal", &id);
                let index = act.record(draft).await?;
                shadow::end(&mut act, id, ShadowEnd::Activated).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// One proposal.
    pub async fn proposal(&self, caller: &Caller, id: ProposalId) -> Result<ProposalView, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = proposal(&mut conn, id).await?;
        self.proposal_view(&mut conn, row, true).await
    }

    /// Proposals in order; without their reports.
    pub async fn proposals(&self, caller: &Caller, slice: Slice) -> Result<Page<ProposalView>, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in policies::proposals(&mut conn, slice.after(), limit + 1).await? {
            views.push(self.proposal_view(&mut conn, row, false).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    /// The policies in force, with their files.
    pub async fn policies_in_force(&self, caller: &Caller) -> Result<PoliciesInForce, AppError> {
        self.may_read(caller, Action::PolicyRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = policies::active(&mut conn).await?;
        let bundle = match &row {
            Some(row) => row.bundle.0.clone(),
            None => self.policies.builtin().digest().clone(),
        };
        let package = self.policies.package(&mut conn, self.store.key(), &bundle).await?;
        let (mut verdict, mut report) = (None, None);
        if let Some(row) = &row {
            let proposal = proposal(&mut conn, row.proposal.0).await?;
            verdict = Some(proposal.verdict.map_or(BundleVerdict::Unproven, |verdict| verdict.0));
            report = journal::private::<Report>(&mut conn, self.store.key(), proposal.report_at).await?;
        }
        Ok(PoliciesInForce {
            verdict,
            solver: report.as_ref().and_then(|report| report.solver.clone()),
            refuted: report.as_ref().map(Report::refuted).unwrap_or_default(),
            unproven: report.as_ref().map(Report::unproven).unwrap_or_default(),
            bundle,
            files: package.files().clone(),
            previous: row.as_ref().map(|row| row.previous.0.clone()),
            proposal: row.as_ref().map(|row| row.proposal.0),
            since: row.as_ref().map(|row| row.activated_at.0),
            ledger_index: row.as_ref().map(|row| row.idx.unsigned_abs()),
        })
    }

    /// Records the base policies that came with this version of the product, once, so that a decision by them can be
    /// made again after the next version. Called at every start.
    pub async fn record_shipped_policies(&self) -> Result<(), AppError> {
        let package = Package::builtin().map_err(|error| AppError::Internal(error.to_string()))?;
        let product = env!("CARGO_PKG_VERSION").parse()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let bundle = package.digest();
                    if policies::bundle(tx.conn(), &bundle).await?.is_some() {
                        return Ok(());
                    }
                    let files = Files { package: Some(text_of(&package)?), reason: String::new() };
                    let event = Event::PolicyShipped { bundle, product };
                    tx.record(Draft::new("system", event).private("package", &files)?).await?;
                    Ok::<(), AppError>(())
                })
            })
            .await
    }

    async fn proposal_view(
        &self,
        conn: &mut Conn,
        row: ProposalRow,
        with_report: bool,
    ) -> Result<ProposalView, AppError> {
        let key = self.store.key();
        let files: Option<Files> = journal::private(conn, key, row.private_at).await?;
        let report = if with_report { journal::private(conn, key, row.report_at).await? } else { None };
        let in_force = self.policies.in_force(conn, key).await?;
        let votes = policies::proposal_votes(conn, row.id.0).await?;
        let state = match (row.activated_at.is_some(), row.refused) {
            (true, _) => "activated",
            (false, true) => "refused",
            (false, false) => "proposed",
        };
        Ok(ProposalView {
            id: row.id.0,
            bundle: row.bundle.0,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at.0,
            tests_passed: row.tests_passed,
            state: state.to_owned(),
            analysis_is_current: row.against.as_ref().is_some_and(|against| against.0 == *in_force.digest()),
            against: row.against.map(|against| against.0),
            verdict: row.verdict.map(|verdict| verdict.0),
            invariants_violated: row.invariants_violated,
            invariants_unproven: row.invariants_unproven,
            rules_may_err: row.rules_may_err,
            rules_unproven: row.rules_unproven,
            report,
            votes: votes
                .into_iter()
                .map(|vote| ProposalVote {
                    voter: vote.voter.0,
                    vote: vote.vote.0,
                    voted_at: vote.voted_at.0,
                })
                .collect(),
            activated_at: row.activated_at.map(|at| at.0),
            reason: files.map(|files| files.reason),
        })
    }
}

/// Facts about the proofs of a bundle: a rule that asks them refuses for what the report found.
const PROOFS: [&str; 5] =
    ["verdict", "invariants_violated", "invariants_unproven", "rules_may_err", "rules_unproven"];

/// Says of a refusal what the report found: a rule knows the numbers only, so it cannot say which invariant is meant.
/// Only the answer has it; the decision on record is the policies' own.
async fn with_findings(
    act: &mut Act<'_>,
    mut error: AppError,
    facts: &Facts,
    report_at: Option<i64>,
) -> Result<AppError, AppError> {
    let AppError::Denied { decision, .. } = &mut error else { return Ok(error) };
    let key = act.store.clone();
    let report: Option<Report> = journal::private(act.conn(), key.key(), report_at).await?;
    let Some(report) = report else { return Ok(error) };
    let found =
        [report.refuted(), report.unproven().into_iter().map(|one| format!("unproven: {one}")).collect()];
    let found = found.concat().join("; ");
    for rule in decision.rules.iter_mut().filter(|_| !found.is_empty()) {
        let clauses = act.bundle.clauses(rule.id.as_str(), facts);
        if clauses.iter().any(|clause| PROOFS.contains(&clause.fact.as_str())) {
            rule.reason = format!("{}; found here: {found}", rule.reason);
        }
    }
    Ok(error)
}

/// Refuses rules that say they serve what there is not: an auditor who looks the control up finds nothing.
fn known_controls(package: &Package) -> Result<(), AppError> {
    let known = comptroller_compliance::control::references().map_err(AppError::Internal)?;
    match comptroller_policy::unknown_controls(package, &known).first() {
        Some(first) => Err(AppError::invalid("files", format!("{}: {}", first.file, first.what))),
        None => Ok(()),
    }
}

fn text_of(package: &Package) -> Result<String, AppError> {
    String::from_utf8(package.to_json()).map_err(|error| AppError::Internal(error.to_string()))
}

async fn proposal(conn: &mut Conn, id: ProposalId) -> Result<ProposalRow, AppError> {
    policies::proposal(conn, id).await?.ok_or_else(|| AppError::not_found("policy proposal", id))
}

/// Approvals that count now: of active people who may still vote on policies, other than the proposer.
async fn valid_votes(conn: &mut Conn, row: &ProposalRow) -> Result<i64, AppError> {
    use comptroller_core::Role;
    let mut valid = 0;
    for vote in policies::proposal_votes(conn, row.id.0).await? {
        let person = comptroller_store::areas::people::principal(conn, &vote.voter.0.to_string()).await?;
        let active = person.is_some_and(|row| row.status == "active" && crate::act::is_person(row.kind.0));
        let roles = crate::act::roles(conn, vote.voter.0, None).await?;
        let may = roles.contains(&Role::Owner) || roles.contains(&Role::RiskOfficer);
        let proposer = row.proposed_by == format!("principal/{}", vote.voter.0);
        // INVARIANT (separation-of-duties): checked again at use.
        valid += i64::from(vote.vote.0 == Vote::Approve && active && may && !proposer);
    }
    Ok(valid)
}

async fn vote(mut act: Act<'_>, id: ProposalId, command: VoteOnPolicies) -> Result<Receipt, AppError> {
    check_text("comment", &command.comment, false)?;
    let row = proposal(act.conn(), id).await?;
    let voter = act.caller.principal;
    let votes = policies::proposal_votes(act.conn(), id).await?;
    let facts = Facts::new()
        .bool("voter_is_proposer", row.proposed_by == act.caller.actor())
        .bool("already_voted", votes.iter().any(|vote| vote.voter.0 == voter))
        .bool("decided", row.refused || row.activated_at.is_some());
    let resource = format!("proposal/{id}");
    let decision = act.authorise(Action::PolicyApprove, &resource, None, None, facts).await?;
    let (decided, event) =
        decision_event(&act, Action::PolicyApprove, resource, None, &decision, BTreeMap::new())?;
    let draft = act.draft(event).about("proposal", &id);
    act.record(draft).await?;
    let event = Event::PolicyVoted { proposal: id, voter, vote: command.vote, decision: decided };
    let draft =
        act.draft(event).about("proposal", &id).private("comment", &Note { text: command.comment })?;
    let index = act.record(draft).await?;
    if command.vote == Vote::Deny {
        shadow::end(&mut act, id, ShadowEnd::Refused).await?;
    }
    Ok(Receipt::new(id, index))
}
