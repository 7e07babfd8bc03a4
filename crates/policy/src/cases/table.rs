//! The form of a table: that of `policies/base/tests.toml`.
//!
//! A baseline per act, which is allowed as it stands, and per rule requests that it matches and requests that it
//! misses, each told as a change of a baseline.

use crate::action::Action;
use crate::request::{Fact, Facts, Principal, Request};
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Largest text, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// The resource of every case, unless the case names one.
const RESOURCE: &str = "system/0198f000-0000-7000-8000-000000000000";

/// A table of cases that is not in order. Each text says what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CasesError {
    /// The text is larger than we read.
    #[error("tests.toml has {bytes} bytes, more than the {MAX_BYTES} that are read: split or shorten it")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The text has not the form.
    #[error("tests.toml does not parse: {0}")]
    Parse(String),
    /// A case says something that no request can be.
    #[error("tests.toml: {place}: {problem}")]
    Bad {
        /// The baseline or the case.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// A request with the outcome that it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The request.
    pub request: Request,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The cases of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCases {
    /// Requests that the rule matches.
    pub matches: Vec<Case>,
    /// Requests that it misses.
    pub misses: Vec<Case>,
}

/// Every baseline and every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cases {
    pub(super) baselines: BTreeMap<Action, Request>,
    pub(super) rules: BTreeMap<String, RuleCases>,
}

impl Cases {
    /// The text of the cases that ship with the product.
    pub const BUILTIN: &str = include_str!("../../../../policies/base/tests.toml");

    /// The cases of the shipped bundle.
    ///
    /// # Errors
    /// [`CasesError`] if the shipped text were broken; a test reads it.
    pub fn builtin() -> Result<Self, CasesError> {
        Self::parse(Self::BUILTIN)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`CasesError`], which names the line or the case.
    pub fn parse(text: &str) -> Result<Self, CasesError> {
        if text.len() > MAX_BYTES {
            return Err(CasesError::TooLarge { bytes: text.len() });
        }
        let file: File = toml::from_str(text).map_err(|error| CasesError::Parse(error.to_string()))?;
        let mut baselines = BTreeMap::new();
        for (act, baseline) in &file.act {
            let request =
                request(act, baseline).map_err(|problem| bad(format!("the baseline of {act}"), problem))?;
            baselines.insert(request.action, request);
        }
        let mut rules = BTreeMap::new();
        for (rule, cases) in file.rule {
            let read = |kind: &str, cases: Vec<Changed>| {
                let numbered = cases.into_iter().enumerate();
                let read = numbered.map(|(n, case)| {
                    changed(&file.act, case)
                        .map_err(|problem| bad(format!("rule {rule}, {kind} {}", n + 1), problem))
                });
                read.collect::<Result<Vec<Case>, CasesError>>()
            };
            let matches = read("matches", cases.matches)?;
            let misses = read("misses", cases.misses)?;
            rules.insert(rule, RuleCases { matches, misses });
        }
        Ok(Self { baselines, rules })
    }

    /// The baselines: each is allowed as it stands.
    pub fn baselines(&self) -> impl Iterator<Item = &Request> {
        self.baselines.values()
    }

    /// The baseline of an act; one without facts and roles if the table has none.
    pub fn baseline(&self, action: Action) -> Request {
        let plain = || make(action, &Baseline::default());
        self.baselines.get(&action).cloned().unwrap_or_else(plain)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    act: BTreeMap<String, Baseline>,
    #[serde(default)]
    rule: BTreeMap<String, Table>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    roles: Vec<Role>,
    kind: Option<PrincipalKind>,
    environment: Option<Environment>,
    credential: Option<Environment>,
    resource: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, RawFact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    matches: Vec<Changed>,
    #[serde(default)]
    misses: Vec<Changed>,
}

/// A baseline with changes. `environment` or `credential` of "none" takes the value away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    act: String,
    outcome: Outcome,
    roles: Option<Vec<Role>>,
    kind: Option<PrincipalKind>,
    environment: Option<String>,
    credential: Option<String>,
    resource: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, RawFact>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum RawFact {
    Bool(bool),
    Long(i64),
    Text(String),
    Set(Vec<String>),
}

fn bad(place: String, problem: String) -> CasesError {
    CasesError::Bad { place, problem }
}

fn changed(baselines: &BTreeMap<String, Baseline>, case: Changed) -> Result<Case, String> {
    let act = &case.act;
    let mut baseline = baselines
        .get(act)
        .ok_or_else(|| format!("there is no baseline of {act}: add [act.\"{act}\"]"))?
        .clone();
    if let Some(roles) = case.roles {
        baseline.roles = roles;
    }
    baseline.kind = case.kind.or(baseline.kind);
    baseline.resource = case.resource.or(baseline.resource);
    baseline.environment = place(baseline.environment, case.environment.as_deref())?;
    baseline.credential = place(baseline.credential, case.credential.as_deref())?;
    for (name, fact) in case.facts {
        // A misspelt fact would make the request unknown, and the case might pass for the wrong reason.
        if baseline.facts.insert(name.clone(), fact).is_none() {
            return Err(format!(
                "the baseline of {act} has no fact {name}: correct the name, or add it there"
            ));
        }
    }
    Ok(Case { request: request(act, &baseline)?, outcome: case.outcome })
}

fn place(old: Option<Environment>, new: Option<&str>) -> Result<Option<Environment>, String> {
    match new {
        None => Ok(old),
        Some("none") => Ok(None),
        Some(name) => name.parse().map(Some).map_err(|error| format!("{error}, or none")),
    }
}

fn request(act: &str, baseline: &Baseline) -> Result<Request, String> {
    let action: Action = act.parse().map_err(|error| format!("{error}"))?;
    Ok(make(action, baseline))
}

fn make(action: Action, baseline: &Baseline) -> Request {
    let mut facts = Facts::new();
    for (name, fact) in &baseline.facts {
        facts = facts.with(
            name,
            match fact {
                RawFact::Bool(value) => Fact::Bool(*value),
                RawFact::Long(value) => Fact::Long(*value),
                RawFact::Text(value) => Fact::Text(value.clone()),
                RawFact::Set(members) => Fact::Set(members.clone()),
            },
        );
    }
    let principal = Principal {
        // Somebody, always the same.
        id: PrincipalId::new(Timestamp::from_micros(1_700_000_000_000_000), [7; 10]),
        kind: baseline.kind.unwrap_or(PrincipalKind::Person),
        roles: baseline.roles.iter().copied().collect(),
        credential_environment: baseline.credential,
    };
    let resource = baseline.resource.clone().unwrap_or_else(|| RESOURCE.to_owned());
    Request { principal, action, resource, environment: baseline.environment, facts }
}
