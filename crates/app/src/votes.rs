//! Which votes count now, and why the others do not.
//!
//! A vote was allowed when it was cast. Whether it counts is asked again at every use: people leave, change roles or
//! join the builders, and what they approved may no longer be what is there.

use crate::delegations::{acts_here, administers, over, votes, works_here};
use crate::facts::{Known, is_builder, measures};
use crate::{AppError, act};
use comptroller_core::ids::{EvidenceId, PrincipalId, SystemId};
use comptroller_core::vocab::{EvidenceKind, PrincipalKind, RiskTier, Vote};
use comptroller_core::{Environment, Role, Slug, Timestamp};
use comptroller_policy::card::rank;
use comptroller_policy::{Action, Bundle, Facts, Principal, Request, Votes, quorum};
use comptroller_store::Conn;
use comptroller_store::areas::approvals::{self, ApprovalRow, VoteRow};
use comptroller_store::areas::evidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// More approvals than any rule can ask for.
const ENOUGH: i64 = 1_000;

/// Whether a vote counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoteState {
    /// Who voted.
    pub voter: PrincipalId,
    /// The person in whose stead.
    #[serde(default)]
    pub in_stead_of: Option<PrincipalId>,
    /// Whether it counts now.
    pub counts: bool,
    /// Why not.
    pub cause: Option<String>,
}

/// The votes on a request, as they count now.
pub(crate) struct Tally {
    pub(crate) states: Vec<VoteState>,
    /// What changed since the request so that no vote counts any more.
    pub(crate) changes: Vec<String>,
    roles: Vec<BTreeSet<Role>>,
    /// The roles of those whose votes count once every newly fired rule is quiet, and evidence that got worse is new.
    once_quiet: Vec<BTreeSet<Role>>,
    after_new: Vec<EvidenceKind>,
    no_worse: Vec<EvidenceKind>,
}

impl Tally {
    /// Nobody has voted.
    pub(crate) fn none() -> Self {
        Self {
            states: Vec::new(),
            changes: Vec::new(),
            roles: Vec::new(),
            once_quiet: Vec::new(),
            after_new: Vec::new(),
            no_worse: Vec::new(),
        }
    }

    /// Adds what the policies learn about approvals.
    pub(crate) fn add_to(&self, facts: Facts, bundle: &Bundle) -> Facts {
        let met = met(bundle, &self.roles);
        facts.long("approvals_valid", self.roles.len() as i64).set("quorums_met", &met)
    }

    /// The votes as they count once no newly fired rule stands, for whoever looks for the way to approval.
    pub(crate) fn once_quiet(&self, bundle: &Bundle) -> Votes {
        Votes {
            approvals_valid: self.once_quiet.len() as i64,
            quorums_met: met(bundle, &self.once_quiet).into_iter().map(str::to_owned).collect(),
            after_new: if self.once_quiet.is_empty() { Vec::new() } else { self.after_new.clone() },
            no_worse: self.no_worse.clone(),
        }
    }
}

/// The rules whose groups of approvers these people fill.
fn met<'b>(bundle: &'b Bundle, roles: &[BTreeSet<Role>]) -> Vec<&'b str> {
    let is_met = |approvals: &[_]| {
        let (filled, places) = quorum::filled(approvals, roles);
        filled == places
    };
    let rules = bundle.rules().filter(|rule| !rule.approvals.is_empty() && is_met(&rule.approvals));
    rules.map(|rule| rule.id.as_str()).collect()
}

/// Counts the votes on a request. In operation a request that was used in time does not expire.
pub(crate) async fn tally(
    conn: &mut Conn,
    now: Timestamp,
    row: &ApprovalRow,
    known: &Known,
    fired: &BTreeSet<Slug>,
    system: SystemId,
    in_operation: bool,
) -> Result<Tally, AppError> {
    let Changes { lasting, of_rules, of_evidence, no_worse } =
        material_changes(conn, row, known, fired).await?;
    let lasts = row.denied || !lasting.is_empty();
    let expired = !in_operation && row.expires_at.0 <= now;
    let mut tally = Tally { no_worse, ..Tally::none() };
    tally.after_new = of_evidence.iter().map(|(kind, _)| *kind).collect();
    tally.after_new.dedup();
    tally.changes = [lasting, of_rules, of_evidence.into_iter().map(|(_, what)| what).collect()].concat();
    let mut counted = BTreeSet::new();
    for vote in approvals::votes(conn, row.id.0).await?.iter().filter(|vote| vote.vote.0 == Vote::Approve) {
        let voter = vote.voter.0;
        let seat = vote.in_stead_of.as_ref().map_or(voter, |id| id.0);
        let roles = act::roles(conn, seat, Some(system)).await?;
        let of_vote = if let Some(cause) = of_people(conn, vote, &roles, known, system).await? {
            Some(cause)
        } else if let Some(cause) = over(conn, vote, now, in_operation).await? {
            Some(cause.to_owned())
        } else if counted.contains(&voter) || counted.contains(&seat) {
            Some("one of those who stand behind it counts with another vote".to_owned())
        } else {
            None
        };
        if of_vote.is_none() {
            // INVARIANT (separation-of-duties): each human stands behind at most one vote that counts.
            counted.extend([voter, seat]);
            if !lasts && !expired {
                tally.once_quiet.push(roles.clone());
            }
        }
        let cause = if row.denied {
            Some("the request was denied".to_owned())
        } else if expired {
            Some("the request has expired".to_owned())
        } else if !tally.changes.is_empty() {
            Some(format!("since the request: {}", tally.changes.join("; ")))
        } else {
            of_vote
        };
        let counts = cause.is_none();
        if counts {
            tally.roles.push(roles);
        }
        let in_stead_of = vote.in_stead_of.as_ref().map(|id| id.0);
        tally.states.push(VoteState { voter, in_stead_of, counts, cause });
    }
    Ok(tally)
}

/// Why a vote does not count because of those who stand behind it: the voter and, by delegation, the person voted for,
/// whose roles are `roles`.
// INVARIANT (separation-of-duties): checked again at use, not only when the vote was cast.
async fn of_people(
    conn: &mut Conn,
    vote: &VoteRow,
    roles: &BTreeSet<Role>,
    known: &Known,
    system: SystemId,
) -> Result<Option<String>, AppError> {
    let unfit = |who: &str, active: bool, id: PrincipalId, roles: &BTreeSet<Role>| {
        if !active {
            Some(format!("{who} no longer acts here"))
        } else if is_builder(&known.version, id) {
            Some(format!("{who} is among the builders"))
        } else if administers(roles) {
            Some(format!("{who} administers"))
        } else {
            None
        }
    };
    let lost = |who: &str| (!votes(roles)).then(|| format!("{who} no longer holds a role that votes"));
    let voter = vote.voter.0;
    let active = acts_here(conn, voter).await?;
    let Some(seat) = vote.in_stead_of.as_ref().map(|id| id.0) else {
        return Ok(unfit("the voter", active, voter, roles).or_else(|| lost("the voter")));
    };
    let own = act::roles(conn, voter, Some(system)).await?;
    if let Some(cause) = unfit("the voter", active, voter, &own) {
        return Ok(Some(cause));
    }
    if !works_here(&own) {
        return Ok(Some("the voter holds no role here any more".to_owned()));
    }
    let who = "the person voted for";
    let active = acts_here(conn, seat).await?;
    Ok(unfit(who, active, seat, roles).or_else(|| lost(who)))
}

/// What is no longer as it was when approval was asked for.
#[derive(Default)]
struct Changes {
    /// What no step undoes.
    lasting: Vec<String>,
    /// Rules that fire and did not: over when they are quiet.
    of_rules: Vec<String>,
    /// Evidence that got worse: over when there is newer that is not.
    of_evidence: Vec<(EvidenceKind, String)>,
    /// Kinds of evidence with measures that there were.
    no_worse: Vec<EvidenceKind>,
}

/// What is no longer as it was when approval was asked for, where that matters. Anything else keeps the votes.
async fn material_changes(
    conn: &mut Conn,
    row: &ApprovalRow,
    known: &Known,
    fired: &BTreeSet<Slug>,
) -> Result<Changes, AppError> {
    let mut changes = Changes::default();
    if row.artifacts.0 != known.artifacts {
        changes.lasting.push("the artifacts are others".to_owned());
    }
    let tier = |tier: Option<RiskTier>| tier.map_or(i64::MAX, rank);
    if tier(known.tier) > tier(row.tier.as_ref().map(|tier| tier.0)) {
        changes.lasting.push("the risk tier is higher".to_owned());
    }
    let then: Vec<Slug> = serde_json::from_str(&row.fired)?;
    for rule in fired.iter().filter(|rule| !then.contains(rule)) {
        changes.of_rules.push(format!("the rule {rule} fires"));
    }
    let ids: Vec<EvidenceId> = serde_json::from_str(&row.evidence)?;
    for id in ids {
        if let Some(same) = known.evidence.iter().find(|row| row.id.0 == id) {
            if !measures(same).is_empty() {
                changes.no_worse.push(same.kind.0);
            }
            continue;
        }
        let Some(old) = evidence::evidence(conn, id).await? else { continue };
        let kind = old.kind.0;
        if !measures(&old).is_empty() {
            changes.no_worse.push(kind);
        }
        let Some(new) = known.evidence.iter().find(|new| new.kind.0 == kind) else {
            changes
                .of_evidence
                .push((kind, format!("the {kind} no longer counts: withdrawn, purged or stale")));
            continue;
        };
        if old.passed && !new.passed {
            changes.of_evidence.push((kind, format!("a newer {kind} failed")));
        }
        let newer = measures(new);
        for (measure, before) in measures(&old) {
            let worse = newer
                .get(&measure)
                .is_none_or(|after| if measure.more_is_better() { *after < before } else { *after > before });
            if worse {
                changes.of_evidence.push((kind, format!("the {measure} of a newer {kind} is worse")));
            }
        }
    }
    Ok(changes)
}

/// Every rule that stands against a promotion whatever people approve and whoever asks.
pub(crate) fn fired_without_people(
    bundle: &Bundle,
    known: &Known,
    environment: Environment,
    facts: &Facts,
) -> BTreeSet<Slug> {
    let quorums: Vec<&str> =
        bundle.rules().filter(|rule| !rule.approvals.is_empty()).map(|rule| rule.id.as_str()).collect();
    let facts = facts
        .clone()
        .bool("actor_is_builder", false)
        .long("approvals_valid", ENOUGH)
        .set("quorums_met", &quorums)
        .bool("approval_denied", false)
        .bool("artifacts_match_approval", true);
    let principal = Principal {
        id: known
            .version
            .builders
            .first()
            .copied()
            .unwrap_or_else(|| PrincipalId::new(Timestamp::from_micros(0), [0; 10])),
        kind: PrincipalKind::Person,
        roles: BTreeSet::from([Role::Auditor]),
        credential_environment: None,
    };
    let request = Request {
        principal,
        action: Action::GateCheck,
        resource: "version/any".to_owned(),
        environment: Some(environment),
        facts,
    };
    bundle.decide(&request).rules.into_iter().map(|rule| rule.id).collect()
}
