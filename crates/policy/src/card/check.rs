//! Whether what a card asks about is a fact at all: the schema says which there are, and of which type.
//!
//! Cedar would say so too, of the policy that the card was compiled to, which nobody has in front of them.

use super::place::at;
use super::read::{Card, CardFile};
use super::requirement::{Requirement, age_fact, measure_fact, passed_fact};
use crate::prove::declared_facts;
use crate::{declared, near};
use serde_json::{Map, Value};

/// A fact as a condition uses it.
struct Used {
    name: String,
    /// Its type in the schema.
    kind: &'static str,
    /// Whether the condition asks first if it is there.
    guarded: bool,
}

impl Requirement {
    fn facts(&self) -> Vec<Used> {
        let used = |name: String, kind, guarded| Used { name, kind, guarded };
        match self {
            Self::Evidence { evidence, .. } => {
                vec![used(age_fact(*evidence), "Long", true), used(passed_fact(*evidence), "Bool", true)]
            }
            Self::Measure { measure, .. } => vec![used(measure_fact(*measure), "Long", true)],
            Self::Flag { fact, .. } => vec![used(fact.clone(), "Bool", false)],
            Self::Count { fact, .. } => vec![used(fact.clone(), "Long", false)],
            Self::Heartbeat { .. } => vec![used("runtime_age".to_owned(), "Long", true)],
            Self::Approvals { .. } => vec![used("approvals_valid".to_owned(), "Long", false)],
        }
    }
}

/// Every fact that the rules of the cards need and the schema does not declare so, with its line: what keeps them from
/// coming in force.
pub(crate) fn needed(text: &str, cards: &CardFile, declared: &Value) -> Vec<String> {
    check(text, cards, declared, false)
}

/// The same, and what only never holds: a fact that is asked for with `has`, and one of a case.
pub(crate) fn every(text: &str, cards: &CardFile, declared: &Value) -> Vec<String> {
    check(text, cards, declared, true)
}

fn check(text: &str, cards: &CardFile, declared: &Value, all: bool) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, card) in &cards.rule {
        let acts = card.on.iter().flat_map(|occasion| occasion.acts());
        let known: Vec<(&str, Map<String, Value>)> =
            acts.map(|act| (*act, declared_facts(declared, act))).collect();
        let mut find = |word: &str, what: String| findings.push(at(text, "rule", id, Some(word), &what));
        for used in card.require.iter().flat_map(Requirement::facts).filter(|used| all || !used.guarded) {
            if let Some(what) = known.iter().find_map(|(act, facts)| problem(&used, act, facts)) {
                find(&used.name, what);
            }
        }
        for name in cases(card).filter(|_| all) {
            // A case is asked of each act of the card; one that does not have a fact refuses the case by itself.
            if let Some((act, facts)) = known.iter().find(|(_, facts)| !facts.contains_key(name)) {
                find(name, format!("its test names {}", missing(name, act, facts)));
            }
        }
    }
    findings.dedup();
    findings
}

/// The facts that the cases of a card name.
fn cases(card: &Card) -> impl Iterator<Item = &str> {
    let cases = card.test.passes.iter().chain(&card.test.fails);
    cases.flat_map(|case| case.keys()).map(String::as_str).filter(|name| *name != "environment")
}

fn problem(used: &Used, act: &str, facts: &Map<String, Value>) -> Option<String> {
    let name = &used.name;
    let Some(fact) = facts.get(name) else { return Some(missing(name, act, facts)) };
    if declared::kind(fact) != used.kind {
        let how = if used.kind == "Long" { "a number" } else { "true or false" };
        return Some(format!("the fact {name} is used as {how}, which it is not on {act}"));
    }
    if !used.guarded && fact["required"] == Value::Bool(false) {
        return Some(format!(
            "the fact {name} may be absent on {act}: ask for it with `evidence` or `measure`, or in Cedar with `has`"
        ));
    }
    None
}

fn missing(name: &str, act: &str, facts: &Map<String, Value>) -> String {
    format!(
        "the fact {name}, which {act} does not have{}",
        near::hint(name, facts.keys().map(String::as_str))
    )
}
