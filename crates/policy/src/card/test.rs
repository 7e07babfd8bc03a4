//! Runs the cases that every card carries.

use super::compile::policy;
use super::read::{Card, CardFile, Occasion};
use crate::action::Action;
use crate::bundle::Bundle;
use crate::cases::CaseResult;
use crate::engine::ask;
use crate::error::BundleError;
use crate::package::Package;
use crate::request::{Fact, Facts, Principal, Request};
use crate::source;
use comptroller_core::Timestamp;
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::{Environment, PrincipalKind};
use std::collections::{BTreeMap, BTreeSet};

/// Runs every case of every card of a package, in the order of files, rules and acts.
///
/// # Errors
/// [`BundleError`] if the package is not a usable bundle.
pub fn run(package: &Package) -> Result<Vec<CaseResult>, BundleError> {
    let bundle = Bundle::of(package)?;
    let mut results = Vec::new();
    for (file, pack, text) in package.cards() {
        for (id, card) in &CardFile::read(file, text)?.rule {
            for case in cases(card) {
                let failure = match fires(&bundle, pack, id, card, &case) {
                    Ok(fired) if fired == case.fires => None,
                    Ok(true) => Some("the rule fires".to_owned()),
                    Ok(false) => Some("the rule stays silent".to_owned()),
                    Err(error) => Some(error),
                };
                results.push(CaseResult { rule: Some(id.clone()), name: case.name(), failure });
            }
        }
    }
    Ok(results)
}

/// One case on one act.
pub(super) struct Case<'c> {
    facts: &'c BTreeMap<String, toml::Value>,
    fires: bool,
    number: usize,
    act: &'static str,
    environment: Environment,
}

impl Case<'_> {
    fn name(&self) -> String {
        let what = if self.fires { "fails" } else { "passes" };
        format!("{what} {} on {}", self.number, self.act)
    }

    /// Whether the card, as it is given, does with this case what the case says.
    pub(super) fn holds(&self, bundle: &Bundle, pack: &str, id: &str, card: &Card) -> bool {
        fires(bundle, pack, id, card, self) == Ok(self.fires)
    }
}

/// Every case of a card on every act that the card is about.
pub(super) fn cases(card: &Card) -> Vec<Case<'_>> {
    let environment = card.environment.first().copied().unwrap_or(Environment::Production);
    let mut cases = Vec::new();
    for act in card.on.iter().flat_map(|occasion: &Occasion| occasion.acts()) {
        for (fires, list) in [(false, &card.test.passes), (true, &card.test.fails)] {
            for (at, facts) in list.iter().enumerate() {
                cases.push(Case { facts, fires, number: at + 1, act, environment });
            }
        }
    }
    cases
}

/// Whether a card's policy fires for a case.
fn fires(bundle: &Bundle, pack: &str, id: &str, card: &Card, case: &Case<'_>) -> Result<bool, String> {
    let text = policy(pack, id, card);
    let set = source::policies("the compiled card", &text).map_err(|error| error.to_string())?;
    let request = request(case)?;
    let problems = request.check();
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let prepared = bundle.names.prepare(&bundle.schema, &request)?;
    let verdict = ask(&set, &prepared);
    match verdict.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(!verdict.matched.is_empty()),
    }
}

/// A promotion in which nothing that is always known stands against it, with the facts of the case over it.
/// `environment` is the environment; evidence and measures are absent unless the case states them.
fn request(case: &Case<'_>) -> Result<Request, String> {
    let mut facts = Facts::new()
        .long("approvals_valid", 2)
        .long("open_remediations", 0)
        .set("quorums_met", &[])
        .set("waived", &[]);
    for (name, value) in PLAIN {
        facts = facts.bool(name, *value);
    }
    let mut environment = case.environment;
    for (name, value) in case.facts {
        let fact = match value {
            toml::Value::Boolean(value) => Fact::Bool(*value),
            toml::Value::Integer(value) => Fact::Long(*value),
            toml::Value::String(text) if name == "environment" => {
                environment = text.parse().map_err(|error| format!("{error}"))?;
                continue;
            }
            toml::Value::String(text) => Fact::Text(text.clone()),
            toml::Value::Array(words) => {
                let words: Option<Vec<String>> =
                    words.iter().map(|w| w.as_str().map(str::to_owned)).collect();
                Fact::Set(words.ok_or_else(|| format!("{name}: a list of words is expected"))?)
            }
            _ => {
                return Err(format!(
                    "{name}: a number, a truth value, a word or a list of words is expected"
                ));
            }
        };
        facts = facts.with(name, fact);
    }
    Ok(Request {
        principal: Principal {
            id: PrincipalId::new(Timestamp::from_micros(0), [0; 10]),
            kind: PrincipalKind::Person,
            roles: BTreeSet::new(),
            credential_environment: None,
        },
        // Proof: the acts of an occasion are words of the closed list; a test runs every shipped card.
        action: case.act.parse::<Action>().map_err(|error| error.to_string())?,
        resource: "version/card-test".to_owned(),
        environment: Some(environment),
        facts,
    })
}

/// What is true or false about every promotion, in its harmless state.
const PLAIN: &[(&str, bool)] = &[
    ("actor_is_builder", false),
    ("artifacts_stored", true),
    ("has_signature", true),
    ("datasets_documented", true),
    ("origin_known", true),
    ("training_time_known", true),
    ("served_in_staging", true),
    ("system_retired", false),
    ("prohibited", false),
    ("approval_denied", false),
    ("artifacts_match_approval", true),
    ("metrics_regressed", false),
    ("reviews_overdue", false),
    ("remediations_stalled", false),
    ("runtime_mismatch", false),
    ("has_baseline", false),
    ("rollback_proposed", false),
];
