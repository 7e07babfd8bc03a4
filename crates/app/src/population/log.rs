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
/// The first line of the file.
const HEAD: &str = "entry,deployment,kind,system,model,version,label,artifacts,builders,approval,requested_by,\
                    requested_at,approvers,evidence,waived,decision,outcome,policies,decision_entry,deployed_by,\
                    deployed_at,live_until,emergency,confirmed_by\n";
/// That of deployments in every environment.
const DEPLOYMENTS_HEAD: &str = "ledger_index,deployment,system,model,version,environment,kind,actor,approval,\
                                decision,live_from,live_until\n";

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
    rows: Vec<ChangeView>,
}

/// A deployment in any environment.
#[derive(Debug)]
struct Deployed {
    /// Its line but for the end.
    line: String,
    until: Option<Timestamp>,
    /// Its place among the changes, if it is one.
    row: Option<usize>,
}

#[derive(Debug)]
struct Decided {
    index: u64,
    outcome: Outcome,
    policies: Digest,
    evidence: Vec<EvidenceId>,
    waived: Vec<String>,
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
            Event::DecisionRecorded { decision, action, outcome, bundle, facts, sources, .. }
                if !matches!(action.as_str(), "gate.check" | "operate") =>
            {
                let decided = Decided {
                    index,
                    outcome: *outcome,
                    policies: bundle.clone(),
                    evidence: evidence_of(sources),
                    waived: waived_of(facts),
                };
                self.decisions.insert(*decision, decided);
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

    /// As CSV, oldest first. The first column is the entry of the log that proves the row: the file is complete if, and
    /// only if, it has a row for every `deployment.created` of production in the log, as the log makes it.
    pub fn csv(&self) -> String {
        let lines = self.rows.iter().map(line);
        HEAD.to_owned() + &lines.fold(String::new(), |all, line| all + &line + "\n")
    }

    /// Every deployment in any environment as CSV, oldest first.
    pub fn deployments_csv(&self) -> String {
        let mut csv = DEPLOYMENTS_HEAD.to_owned();
        for Deployed { line, until, .. } in &self.deployments {
            csv.push_str(line);
            csv.push(',');
            csv.push_str(&until.map_or_else(String::new, |at| at.to_string()));
            csv.push('\n');
        }
        csv
    }
}

/// In what a file of a pack differs from the one that the log makes, in words; empty if in nothing.
pub fn differences(file: &str, log: &str) -> Vec<String> {
    let (mut said, mut right) = (file.lines(), log.lines());
    let (head, wanted) = (said.next().unwrap_or_default(), right.next().unwrap_or_default());
    if head != wanted {
        return vec![format!("its columns are {head:?} and not {wanted:?}")];
    }
    let entry = |row: &'_ str| row.split(',').next().unwrap_or_default().to_owned();
    let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in said {
        rows.entry(entry(row)).or_default().push(row);
    }
    let mut found = Vec::new();
    for wanted in right {
        let entry = entry(wanted);
        let Some(shown) = rows.remove(&entry) else {
            found.push(format!("no row for entry {entry}, which belongs there"));
            continue;
        };
        if shown.len() > 1 {
            found.push(format!("{} rows for entry {entry}", shown.len()));
        }
        for row in shown.into_iter().filter(|row| *row != wanted) {
            let fields: Vec<&str> = row.split(',').collect();
            let columns = head.split(',').zip(wanted.split(',')).enumerate();
            let wrong = columns.filter_map(|(place, (name, right))| {
                let said = fields.get(place).copied().unwrap_or_default();
                (said != right).then(|| format!("{name} is {said:?} where the log says {right:?}"))
            });
            let mut wrong: Vec<String> = wrong.collect();
            if fields.len() > head.split(',').count() {
                wrong.push("it has more values than columns".to_owned());
            }
            found.push(format!("row of entry {entry}: {}", wrong.join("; ")));
        }
    }
    found.extend(rows.keys().map(|entry| format!("a row for entry {entry}, which does not belong there")));
    found
}

/// The evidence that the facts of a decision rest on.
pub(super) fn evidence_of(sources: &BTreeMap<String, FactSource>) -> Vec<EvidenceId> {
    let all: BTreeSet<EvidenceId> =
        sources.values().flat_map(|source| source.evidence.iter().copied()).collect();
    all.into_iter().collect()
}

/// The rules that a decision did not ask for, because somebody had waived them.
pub(super) fn waived_of(facts: &BTreeMap<String, serde_json::Value>) -> Vec<String> {
    let words = facts.get("waived").and_then(|value| value.as_array());
    let words = words.into_iter().flatten().filter_map(|word| word.as_str());
    // Rules are named by slugs; what is none comes from no gate of ours.
    words.filter(|word| word.parse::<Slug>().is_ok()).map(str::to_owned).collect()
}

fn line(c: &ChangeView) -> String {
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let list = |items: Vec<String>| items.join(" ");
    // Every value is an id, a digest, a word, a label or a time: none has a comma or a quote.
    let fields = [
        c.ledger_index.to_string(),
        c.deployment.to_string(),
        c.kind.to_string(),
        c.system.to_string(),
        c.model.to_string(),
        c.version.to_string(),
        c.label.to_string(),
        c.artifacts.to_string(),
        list(c.builders.iter().map(ToString::to_string).collect()),
        c.approval.map_or_else(String::new, |id| id.to_string()),
        c.requested_by.clone().unwrap_or_default(),
        time(c.requested_at),
        list(c.approvers.iter().map(Approver::to_csv).collect()),
        list(c.evidence.iter().map(ToString::to_string).collect()),
        list(c.waived.clone()),
        c.decision.to_string(),
        c.outcome.to_string(),
        c.policies.to_string(),
        c.decision_index.to_string(),
        c.deployed_by.clone(),
        c.deployed_at.to_string(),
        time(c.live_until),
        c.emergency.map_or_else(String::new, |id| id.to_string()),
        c.confirmed_by.map_or_else(String::new, |id| id.to_string()),
    ];
    fields.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_missing_added_doubled_or_changed_is_named() {
        let log = "entry,by,until\n3,anna,\n7,bela,t\n9,cleo,\n";
        assert!(differences(log, log).is_empty());
        let cases = [
            ("entry,by,until\n3,anna,\n9,cleo,\n", "no row for entry 7, which belongs there"),
            ("entry,by,until\n3,anna,\n7,bela,t\n7,bela,t\n9,cleo,\n", "2 rows for entry 7"),
            (
                "entry,by,until\n3,anna,\n7,dora,t\n9,cleo,\n",
                "row of entry 7: by is \"dora\" where the log says \"bela\"",
            ),
            (
                "entry,by,until\n3,anna,\n7,bela\n9,cleo,\n",
                "row of entry 7: until is \"\" where the log says \"t\"",
            ),
            (
                "entry,by,until\n3,anna,\n7,bela,t\n8,x,\n9,cleo,\n",
                "a row for entry 8, which does not belong there",
            ),
            ("entry,until\n3,\n7,t\n9,\n", "its columns are \"entry,until\" and not \"entry,by,until\""),
            ("", "its columns are \"\" and not \"entry,by,until\""),
        ];
        for (file, expected) in cases {
            assert_eq!(differences(file, log), [expected], "{file}");
        }
    }
}
