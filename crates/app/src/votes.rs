//! Which votes count now, and why the others do not.
//!
//! A vote was allowed when it was cast. Whether it counts is asked again at every use: people leave, change roles or
//! join the builders, and what they approved may no longer be what is there.

use crate::facts::{Known, evidence_ids, is_builder, measures};
use crate::{AppError, act};
use comptroller_core::ids::{EvidenceId, PrincipalId, SystemId};
use comptroller_core::vocab::{PrincipalKind, RiskTier, Vote};
use comptroller_core::{Environment, Role, Slug, Timestamp};
use comptroller_policy::card::rank;
use comptroller_policy::{Action, Bundle, Facts, Principal, Request, quorum};
use comptroller_store::Conn;
use comptroller_store::areas::approvals::{self, ApprovalRow};
use comptroller_store::areas::{evidence, people};
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
}

impl Tally {
    /// Nobody has voted.
    pub(crate) fn none() -> Self {
        Self { states: Vec::new(), changes: Vec::new(), roles: Vec::new() }
    }

    /// Adds what the policies learn about approvals.
    pub(crate) fn add_to(&self, facts: Facts, bundle: &Bundle) -> Facts {
        let met: Vec<&str> = bundle
            .rules()
            .filter(|rule| !rule.approvals.is_empty())
            .filter(|rule| {
                let (filled, places) = quorum::filled(&rule.approvals, &self.roles);
                filled == places
            })
            .map(|rule| rule.id.as_str())
            .collect();
        facts.long("approvals_valid", self.roles.len() as i64).set("quorums_met", &met)
    }
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
    let changes = material_changes(conn, row, known, fired).await?;
    let expired = !in_operation && row.expires_at.0 <= now;
    let mut tally = Tally { states: Vec::new(), changes, roles: Vec::new() };
    for vote in approvals::votes(conn, row.id.0).await?.iter().filter(|vote| vote.vote.0 == Vote::Approve) {
        let voter = vote.voter.0;
        let roles = act::roles(conn, voter, Some(system)).await?;
        let person = people::principal(conn, &voter.to_string()).await?;
        let active = person.is_some_and(|row| row.status == "active" && act::is_person(row.kind.0));
        // INVARIANT (separation-of-duties): checked again at use, not only when the vote was cast.
        let cause = if row.denied {
            Some("the request was denied".to_owned())
        } else if expired {
            Some("the request has expired".to_owned())
        } else if !tally.changes.is_empty() {
            Some(format!("since the request: {}", tally.changes.join("; ")))
        } else if !active {
            Some("the voter no longer acts here".to_owned())
        } else if is_builder(&known.version, voter) {
            Some("the voter is among the builders".to_owned())
        } else if roles.contains(&Role::Owner) || roles.contains(&Role::Admin) {
            Some("the voter administers".to_owned())
        } else if !roles.contains(&Role::Approver) && !roles.contains(&Role::RiskOfficer) {
            Some("the voter no longer holds a role that votes".to_owned())
        } else {
            None
        };
        let counts = cause.is_none();
        if counts {
            tally.roles.push(roles);
        }
        tally.states.push(VoteState { voter, counts, cause });
    }
    Ok(tally)
}

/// What is no longer as it was when approval was asked for, where that matters. Anything else keeps the votes.
async fn material_changes(
    conn: &mut Conn,
    row: &ApprovalRow,
    known: &Known,
    fired: &BTreeSet<Slug>,
) -> Result<Vec<String>, AppError> {
    let mut changes = Vec::new();
    if row.artifacts.0 != known.artifacts {
        changes.push("the artifacts are others".to_owned());
    }
    let tier = |tier: Option<RiskTier>| tier.map_or(i64::MAX, rank);
    if tier(known.tier) > tier(row.tier.as_ref().map(|tier| tier.0)) {
        changes.push("the risk tier is higher".to_owned());
    }
    let then: Vec<Slug> = serde_json::from_str(&row.fired)?;
    for rule in fired.iter().filter(|rule| !then.contains(rule)) {
        changes.push(format!("the rule {rule} fires"));
    }
    let ids: Vec<EvidenceId> = serde_json::from_str(&row.evidence)?;
    let present = evidence_ids(&known.evidence);
    for id in ids.into_iter().filter(|id| !present.contains(id)) {
        let Some(old) = evidence::evidence(conn, id).await? else { continue };
        let kind = old.kind.0;
        let Some(new) = known.evidence.iter().find(|new| new.kind.0 == kind) else {
            changes.push(format!("the {kind} was withdrawn or purged"));
            continue;
        };
        if old.passed && !new.passed {
            changes.push(format!("a newer {kind} failed"));
        }
        let newer = measures(new);
        for (measure, before) in measures(&old) {
            let worse = newer
                .get(&measure)
                .is_none_or(|after| if measure.more_is_better() { *after < before } else { *after > before });
            if worse {
                changes.push(format!("the {measure} of a newer {kind} is worse"));
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
