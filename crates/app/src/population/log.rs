//! The population of production changes as it follows from entries of the log alone: what a pack shows, and what anybody
//! who holds the log makes again to see that no row is missing, added or changed.

use super::{Approver, ChangeView};
use comptroller_core::event::{FactSource, VersionFacts};
use comptroller_core::ids::{
    ApprovalId, DecisionId, EmergencyId, EvidenceId, ModelId, PrincipalId, VersionId,
};
use comptroller_core::vocab::{DeploymentKind, Outcome, Vote};
use comptroller_core::{Digest, Environment, Event, Slug, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The types of entries that changes follow from.
pub const KINDS: [&str; 8] = [
    "version.registered",
    "decision.recorded",
    "approval.requested",
    "approval.voted",
    "emergency.opened",
    "emergency.confirmed",
    "emergency.used",
    "deployment.created",
];
/// Changes of production, as far as the log was read.
#[derive(Debug, Default)]
pub struct Changes {
    versions: BTreeMap<VersionId, VersionFacts>,
    decisions: BTreeMap<DecisionId, Decided>,
    requests: BTreeMap<ApprovalId, Requested>,
    newest: BTreeMap<(VersionId, Environment), ApprovalId>,
    emergencies: BTreeMap<EmergencyId, Emergency>,
    live: BTreeMap<(ModelId, Environment), usize>,
    deployments: Vec<Deployed>,
    unexplained: Vec<u64>,
    rows: Vec<ChangeView>,
}

/// A deployment in any environment.
#[derive(Debug)]
pub(super) struct Deployed {
    /// Its line but for the end.
    pub(super) line: String,
    pub(super) until: Option<Timestamp>,
    /// Its place among the changes, if it is one.
    row: Option<usize>,
}

/// What a change takes from the decision that let it happen.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) index: u64,
    pub(super) outcome: Outcome,
    pub(super) policies: Digest,
    /// The evidence that its facts rest on.
    pub(super) evidence: Vec<EvidenceId>,
    /// The rules that were waived.
    pub(super) waived: Vec<String>,
}

impl Decided {
    /// The decision that an entry records, if it records one.
    pub(super) fn of(index: u64, event: &Event) -> Option<(DecisionId, Self)> {
        let Event::DecisionRecorded { decision, outcome, bundle, facts, sources, .. } = event else {
            return None;
        };
        let decided = Self {
            index,
            outcome: *outcome,
            policies: bundle.clone(),
            evidence: evidence_of(sources),
            waived: waived_of(facts),
        };
        Some((*decision, decided))
    }
}

#[derive(Debug)]
struct Requested {
    by: String,
    at: Timestamp,
    approvers: Vec<Approver>,
}

#[derive(Debug)]
struct Emergency {
    by: String,
    at: Timestamp,
    confirmed_by: Option<PrincipalId>,
    row: Option<usize>,
}

impl Changes {
    /// Takes the next entry of the log.
    pub fn take(&mut self, index: u64, actor: &str, time: Timestamp, event: &Event) {
        match event {
            Event::VersionRegistered { version, facts } => {
                self.versions.insert(*version, facts.clone());
            }
            // But for the two that are asked most often, and by which nothing goes live.
            Event::DecisionRecorded { action, .. }
                if !matches!(action.as_str(), "gate.check" | "operate") =>
            {
                self.decisions.extend(Decided::of(index, event));
            }
            Event::ApprovalRequested { approval, version, environment, .. } => {
                let requested = Requested { by: actor.to_owned(), at: time, approvers: Vec::new() };
                self.requests.insert(*approval, requested);
                self.newest.insert((*version, *environment), *approval);
            }
            Event::ApprovalVoted {
                approval, voter, vote: Vote::Approve, in_stead_of, delegation, ..
            } => {
                if let Some(request) = self.requests.get_mut(approval) {
                    request.approvers.push(Approver {
                        voter: *voter,
                        in_stead_of: *in_stead_of,
                        delegation: *delegation,
                        voted_at: time,
                    });
                }
            }
            Event::EmergencyOpened { emergency, .. } => {
                let opened = Emergency { by: actor.to_owned(), at: time, confirmed_by: None, row: None };
                self.emergencies.insert(*emergency, opened);
            }
            Event::EmergencyConfirmed { emergency, confirmed_by, .. } => {
                self.confirm(*emergency, *confirmed_by);
            }
            Event::EmergencyUsed { emergency, deployment, .. } => {
                let row = self.rows.iter().rposition(|row| row.deployment == *deployment);
                self.use_emergency(*emergency, row);
            }
            Event::DeploymentCreated { .. } => self.deployed(index, actor, time, event),
            _ => {}
        }
    }

    fn confirm(&mut self, emergency: EmergencyId, confirmed_by: PrincipalId) {
        let Some(opened) = self.emergencies.get_mut(&emergency) else { return };
        opened.confirmed_by = Some(confirmed_by);
        if let Some(row) = opened.row {
            self.rows[row].confirmed_by = Some(confirmed_by);
        }
    }

    fn use_emergency(&mut self, emergency: EmergencyId, row: Option<usize>) {
        let (Some(opened), Some(row)) = (self.emergencies.get_mut(&emergency), row) else { return };
        opened.row = Some(row);
        let change = &mut self.rows[row];
        change.emergency = Some(emergency);
        change.confirmed_by = opened.confirmed_by;
        if change.approval.is_none() {
            (change.requested_by, change.requested_at) = (Some(opened.by.clone()), Some(opened.at));
        }
    }

    fn deployed(&mut self, index: u64, actor: &str, time: Timestamp, event: &Event) {
        let Event::DeploymentCreated {
            deployment,
            system,
            model,
            version,
            environment,
            kind,
            artifacts,
            approval,
            decision,
            ..
        } = event
        else {
            return;
        };
        if let Some(before) = self.live.insert((*model, *environment), self.deployments.len()) {
            self.deployments[before].until = Some(time);
            if let Some(row) = self.deployments[before].row {
                self.rows[row].live_until = Some(time);
            }
        }
        let rests_on = approval.map_or_else(String::new, |id| id.to_string());
        let line = format!(
            "{index},{deployment},{system},{model},{version},{environment},{kind},{actor},{rests_on},{decision},{time}"
        );
        self.deployments.push(Deployed { line, until: None, row: None });
        if *environment != Environment::Production {
            return;
        }
        let approval = match (approval, kind) {
            (Some(id), _) => Some(*id),
            // The version goes back by the request by which it came there before.
            (None, DeploymentKind::Rollback) => self.newest.get(&(*version, *environment)).copied(),
            (None, DeploymentKind::Deploy | DeploymentKind::Emergency) => None,
        };
        let request = approval.and_then(|id| self.requests.get(&id));
        let mut approvers = request.map_or_else(Vec::new, |request| request.approvers.clone());
        approvers.sort_by_key(|approver| (approver.voted_at, approver.voter));
        let (Some(facts), Some(decided)) = (self.versions.get(version), self.decisions.get(decision)) else {
            self.unexplained.push(index);
            return;
        };
        if let Some(last) = self.deployments.last_mut() {
            last.row = Some(self.rows.len());
        }
        self.rows.push(ChangeView {
            ledger_index: index,
            deployment: *deployment,
            kind: *kind,
            system: *system,
            model: *model,
            version: *version,
            label: facts.label.clone(),
            artifacts: artifacts.clone(),
            builders: facts.builders.clone(),
            approval,
            requested_by: request.map(|request| request.by.clone()),
            requested_at: request.map(|request| request.at),
            approvers,
            evidence: decided.evidence.clone(),
            waived: decided.waived.clone(),
            decision: *decision,
            outcome: decided.outcome,
            policies: decided.policies.clone(),
            decision_index: decided.index,
            deployed_by: actor.to_owned(),
            deployed_at: time,
            live_until: None,
            emergency: None,
            confirmed_by: None,
        });
    }

    /// The changes, oldest first.
    pub fn rows(&self) -> &[ChangeView] {
        &self.rows
    }

    /// Every deployment in any environment, oldest first.
    pub(super) fn deployments(&self) -> &[Deployed] {
        &self.deployments
    }

    /// Entries that put a version in production by a decision, or a version, which the log does not have.
    pub fn unexplained(&self) -> &[u64] {
        &self.unexplained
    }
}

/// The evidence that the facts of a decision rest on.
fn evidence_of(sources: &BTreeMap<String, FactSource>) -> Vec<EvidenceId> {
    let all: BTreeSet<EvidenceId> =
        sources.values().flat_map(|source| source.evidence.iter().copied()).collect();
    all.into_iter().collect()
}

/// The rules that a decision did not ask for, because somebody had waived them.
fn waived_of(facts: &BTreeMap<String, serde_json::Value>) -> Vec<String> {
    let words = facts.get("waived").and_then(|value| value.as_array());
    let words = words.into_iter().flatten().filter_map(|word| word.as_str());
    // Rules are named by slugs; what is none comes from no gate of ours.
    words.filter(|word| word.parse::<Slug>().is_ok()).map(str::to_owned).collect()
}
