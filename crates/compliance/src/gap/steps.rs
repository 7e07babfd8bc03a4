//! What to do next, ordered by what completes most rows.

use super::evaluate::{GapQuestion, Renewal};
use super::{GapRow, Step, StepKind};
use crate::framework::Day;
use crate::window::ControlResult;
use comptroller_core::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Steps by name, each once.
#[derive(Debug, Default)]
pub(super) struct Steps {
    found: BTreeMap<String, Step>,
}

impl Steps {
    fn put(&mut self, kind: StepKind, about: &str, says: String, command: String) -> String {
        let word = match kind {
            StepKind::Classify => "classify",
            StepKind::Adopt => "adopt",
            StepKind::Close => "close",
            StepKind::Perform => "perform",
            StepKind::Renew => "renew",
        };
        let id = format!("{word} {about}");
        let step = Step { id: id.clone(), kind, says, command, completes: Vec::new(), waits: Vec::new() };
        self.found.entry(id.clone()).or_insert(step);
        id
    }

    pub(super) fn classify(&mut self, system: &str) -> String {
        let says = format!("Answer the open questions about {system}");
        let command = format!("comptroller risk classify {system} --facts FILE --reason REASON");
        self.put(StepKind::Classify, system, says, command)
    }

    pub(super) fn adopt(&mut self, control: &str, title: &str) -> String {
        let says = format!("Put {control} in operation: {title}");
        self.put(StepKind::Adopt, control, says, format!("comptroller control adopt {control}"))
    }

    pub(super) fn renew(&mut self, stale: &Renewal) {
        self.put(StepKind::Renew, &stale.about, stale.says.clone(), stale.command.clone());
    }

    /// The steps in an order in which each next one completes most rows; then what most rows wait for, then by name.
    pub(super) fn ordered(mut self, rows: &[GapRow]) -> Vec<Step> {
        let mut missing: BTreeMap<&str, BTreeSet<&str>> = rows
            .iter()
            .filter(|row| !row.steps.is_empty())
            .map(|row| (row.id.as_str(), row.steps.iter().map(String::as_str).collect()))
            .collect();
        for (row, steps) in &missing {
            for step in steps {
                if let Some(step) = self.found.get_mut(*step) {
                    step.waits.push((*row).to_owned());
                }
            }
        }
        let mut ordered = Vec::with_capacity(self.found.len());
        while !self.found.is_empty() {
            let completes =
                |id: &str| missing.values().filter(|steps| steps.len() == 1 && steps.contains(id)).count();
            let touches = |id: &str| missing.values().filter(|steps| steps.contains(id)).count();
            // The first by name of those that are best, as the map is sorted.
            let best = self.found.keys().rev().max_by_key(|id| (completes(id), touches(id))).cloned();
            let Some(mut step) = best.and_then(|id| self.found.remove(&id)) else { break };
            for steps in missing.values_mut() {
                steps.remove(step.id.as_str());
            }
            let (done, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
                missing.into_iter().partition(|(_, steps)| steps.is_empty());
            step.completes = done.into_keys().map(str::to_owned).collect();
            missing = left;
            ordered.push(step);
        }
        ordered
    }
}

pub(super) fn close(steps: &mut Steps, result: &ControlResult, question: &GapQuestion<'_>) -> String {
    let open = result.point.open;
    let says = format!("Close {open} open exceptions of {}: {}", result.id, result.title);
    let (from, to) = (Day::of(question.tested.from), second(question.tested.to));
    let command = format!("comptroller control exceptions --control {} --from {from} --to {to}", result.id);
    steps.put(StepKind::Close, &result.id, says, command)
}

/// The second after a moment, RFC 3339: no fraction has to be typed.
fn second(at: Timestamp) -> String {
    let next =
        Timestamp::from_micros(at.micros().div_euclid(1_000_000).saturating_add(1).saturating_mul(1_000_000));
    next.to_string().chars().take(19).chain(['Z']).collect()
}

pub(super) fn perform(steps: &mut Steps, result: &ControlResult) -> String {
    let says = format!("Let happen what {} expects ({}): {}", result.id, result.rhythm, result.title);
    steps.put(StepKind::Perform, &result.id, says, format!("comptroller control show {}", result.id))
}
