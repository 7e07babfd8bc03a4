//! Reads `policies/base/tests.toml` and makes requests of it.

use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role, Timestamp};
use comptroller_policy::{Action, Fact, Facts, Principal, Request};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const SCHEMA: &str = include_str!("../../../../policies/base/schema.cedarschema");
pub(crate) const HARD: &str = include_str!("../../../../policies/base/hard.cedar");
pub(crate) const REVIEW: &str = include_str!("../../../../policies/base/review.cedar");
const CASES: &str = include_str!("../../../../policies/base/tests.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    act: BTreeMap<String, Baseline>,
    pub(crate) rule: BTreeMap<String, RuleCases>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    roles: Vec<Role>,
    #[serde(default)]
    kind: Option<PrincipalKind>,
    #[serde(default)]
    environment: Option<Environment>,
    #[serde(default)]
    credential: Option<Environment>,
    #[serde(default)]
    facts: BTreeMap<String, RawFact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleCases {
    pub(crate) matches: Vec<Case>,
    pub(crate) misses: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    act: String,
    pub(crate) outcome: Outcome,
    roles: Option<Vec<Role>>,
    kind: Option<PrincipalKind>,
    environment: Option<String>,
    credential: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, RawFact>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum RawFact {
    Bool(bool),
    Long(i64),
    Text(String),
    Set(Vec<String>),
}

impl Cases {
    pub(crate) fn read() -> Self {
        toml::from_str(CASES).unwrap()
    }

    pub(crate) fn request(&self, case: &Case) -> Request {
        let mut baseline = self.act.get(&case.act).unwrap_or_else(|| panic!("no baseline: {case:?}")).clone();
        if let Some(roles) = &case.roles {
            baseline.roles.clone_from(roles);
        }
        baseline.kind = case.kind.or(baseline.kind);
        baseline.environment = replace(baseline.environment, case.environment.as_deref());
        baseline.credential = replace(baseline.credential, case.credential.as_deref());
        for (name, fact) in &case.facts {
            assert!(baseline.facts.contains_key(name), "{name} is not a fact of {}", case.act);
            baseline.facts.insert(name.clone(), fact.clone());
        }
        make(&case.act, baseline)
    }

    /// The allowed request of an act; acts without a baseline of their own need no facts.
    pub(crate) fn baseline(&self, action: Action) -> Request {
        let plain = Baseline {
            roles: Vec::new(),
            kind: None,
            environment: None,
            credential: None,
            facts: BTreeMap::new(),
        };
        make(action.as_str(), self.act.get(action.as_str()).cloned().unwrap_or(plain))
    }

    pub(crate) fn baselines(&self) -> Vec<Request> {
        self.act.iter().map(|(act, baseline)| make(act, baseline.clone())).collect()
    }
}

/// Somebody; always the same.
pub(crate) fn somebody() -> PrincipalId {
    PrincipalId::new(Timestamp::from_micros(1_700_000_000_000_000), [7; 10])
}

fn replace(old: Option<Environment>, new: Option<&str>) -> Option<Environment> {
    match new {
        None => old,
        Some("none") => None,
        Some(name) => Some(name.parse().unwrap()),
    }
}

fn make(act: &str, baseline: Baseline) -> Request {
    let mut facts = Facts::new();
    for (name, fact) in &baseline.facts {
        facts = facts.with(
            name,
            match fact {
                RawFact::Bool(value) => Fact::Bool(*value),
                RawFact::Long(value) => Fact::Long(*value),
                RawFact::Text(value) => Fact::Text(value.clone()),
                RawFact::Set(words) => Fact::Set(words.clone()),
            },
        );
    }
    let principal = Principal {
        id: somebody(),
        kind: baseline.kind.unwrap_or(PrincipalKind::Person),
        roles: baseline.roles.into_iter().collect::<BTreeSet<Role>>(),
        credential_environment: baseline.credential,
    };
    Request {
        principal,
        action: act.parse().unwrap(),
        resource: "system/0198f000-0000-7000-8000-000000000000".to_owned(),
        environment: baseline.environment,
        facts,
    }
}
