//! What is asked: who wants to do what to which resource, and the facts that the answer depends on.
//!
//! Facts are values that the caller computed. There is no floating-point fact: a measurement arrives as a scaled
//! integer, rounded against whoever asks, so NaN and rounding up to a threshold cannot exist here.

use crate::action::Action;
use crate::error::ReplayError;
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::PrincipalKind;
use comptroller_core::{Environment, Role};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most facts of one request.
pub(crate) const MAX_FACTS: usize = 64;
/// Longest text of a fact, in bytes: facts stand in the ledger in clear, so they are words, not prose.
const MAX_TEXT: usize = 128;
/// Most members of a set.
const MAX_MEMBERS: usize = 64;
/// Longest resource name, in bytes.
const MAX_RESOURCE: usize = 256;
/// Names that the request itself gives to the policies.
const RESERVED: [&str; 2] = ["environment", "credential_environment"];

const KIND: &str = "principal.kind";
const ROLES: &str = "principal.roles";
const CREDENTIAL: &str = "principal.credential_environment";

/// Who wants to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose act it is.
    pub id: PrincipalId,
    /// A human or a program.
    pub kind: PrincipalKind,
    /// The roles held for the whole organisation, and those held on the resource's system.
    pub roles: BTreeSet<Role>,
    /// The environment that the credential is bound to; none for a session or an organisation-wide token.
    pub credential_environment: Option<Environment>,
}

/// A question to the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who wants to act.
    pub principal: Principal,
    /// The act.
    pub action: Action,
    /// What it is done to, as `kind/id`, for example `system/0198...`.
    pub resource: String,
    /// The environment that the act touches. Required for acts on deployments, gates, approvals and runtimes.
    pub environment: Option<Environment>,
    /// The evidence.
    pub facts: Facts,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A count or a scaled integer.
    Long(i64),
    /// Yes or no.
    Bool(bool),
    /// A word, 1 to 128 bytes without control characters. In clear in the ledger, so no personal data.
    Text(String),
    /// At most 64 words.
    Set(Vec<String>),
}

/// Facts by name: a lower-case letter, then letters, digits and underscores; at most 64 facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Fact>);

impl Facts {
    /// No facts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a count or a scaled integer; a later value replaces an earlier one of the same name.
    #[must_use]
    pub fn long(self, name: &str, value: i64) -> Self {
        self.with(name, Fact::Long(value))
    }

    /// Adds a yes or no.
    #[must_use]
    pub fn bool(self, name: &str, value: bool) -> Self {
        self.with(name, Fact::Bool(value))
    }

    /// Adds a word.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.with(name, Fact::Text(value.to_owned()))
    }

    /// Adds a set of words.
    #[must_use]
    pub fn set(self, name: &str, members: &[&str]) -> Self {
        self.with(name, Fact::Set(members.iter().map(|&m| m.to_owned()).collect()))
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, fact: Fact) -> Self {
        self.0.insert(name.to_owned(), fact);
        self
    }

    /// The others.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// A fact by name.
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.0.get(name)
    }

    /// Every fact, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, fact)| (name.as_str(), fact))
    }
}

impl Fact {
    /// The fact as it stands in a decision record.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Long(value) => Value::from(*value),
            Self::Bool(value) => Value::from(*value),
            Self::Text(value) => Value::from(value.as_str()),
            Self::Set(members) => Value::from(members.as_slice()),
        }
    }

    /// Reads a fact as a decision record has it: a 64-bit integer, a truth value, a word or a list of words.
    ///
    /// # Errors
    /// [`ReplayError`], which names the fact.
    pub fn read(name: &str, value: &Value) -> Result<Self, ReplayError> {
        let bad = |expected| ReplayError::BadValue { name: name.to_owned(), expected };
        match value {
            Value::Bool(value) => Ok(Self::Bool(*value)),
            Value::Number(number) => number.as_i64().map(Self::Long).ok_or_else(|| bad("a 64-bit integer")),
            Value::String(value) => Ok(Self::Text(value.clone())),
            Value::Array(members) => {
                let words: Option<Vec<String>> =
                    members.iter().map(|m| m.as_str().map(str::to_owned)).collect();
                words.map(Self::Set).ok_or_else(|| bad("a list of words"))
            }
            Value::Null | Value::Object(_) => Err(bad("a number, a truth value, a word or a list of words")),
        }
    }

    /// What is wrong with the fact, if anything.
    fn check(&self) -> Option<&'static str> {
        let bad_word =
            |word: &String| word.is_empty() || word.len() > MAX_TEXT || word.contains(char::is_control);
        match self {
            Self::Text(word) if bad_word(word) => Some("a word of 1 to 128 bytes without control characters"),
            Self::Set(members) if members.len() > MAX_MEMBERS => Some("a set of at most 64 words"),
            Self::Set(members) if members.iter().any(bad_word) => {
                Some("a set of words of 1 to 128 bytes without control characters")
            }
            _ => None,
        }
    }
}

impl Request {
    /// What makes the request unfit to be decided, apart from what the schema says. Empty if nothing.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut errors = Vec::new();
        if !is_resource(&self.resource) {
            let shown: String = self.resource.chars().take(80).filter(|c| !c.is_control()).collect();
            errors.push(format!(
                "the resource {shown:?} is not of the form kind/id with at most {MAX_RESOURCE} printable characters"
            ));
        }
        if self.facts.0.len() > MAX_FACTS {
            errors.push(format!("{} facts are more than the {MAX_FACTS} of a request", self.facts.0.len()));
        }
        for (name, fact) in self.facts.iter() {
            if let Some(problem) = fact_problem(name, fact) {
                errors.push(problem);
            }
        }
        errors.truncate(MAX_FACTS);
        errors
    }

    /// Everything that the answer depends on besides the act, the resource and the environment, which every record
    /// of a decision names anyway. Unfit facts are left out: they are named in the errors and never evaluated.
    // INVARIANT (as-of): these values and the bundle digest are enough to repeat the decision.
    pub(crate) fn record(&self) -> BTreeMap<String, Value> {
        let mut record: BTreeMap<String, Value> = self
            .facts
            .iter()
            .filter(|(name, fact)| fact_problem(name, fact).is_none())
            .take(MAX_FACTS)
            .map(|(name, fact)| (name.to_owned(), fact.to_json()))
            .collect();
        let roles: Vec<&str> = self.principal.roles.iter().map(|role| role.as_str()).collect();
        record.insert(KIND.to_owned(), self.principal.kind.as_str().into());
        record.insert(ROLES.to_owned(), roles.into());
        if let Some(environment) = self.principal.credential_environment {
            record.insert(CREDENTIAL.to_owned(), environment.as_str().into());
        }
        record
    }

    /// Rebuilds the request of a recorded decision, to decide it again (as-of). `facts` are [`crate::Decision`]'s.
    ///
    /// # Errors
    /// [`ReplayError`] when the facts are not those of a decision record.
    pub fn replay(
        principal: PrincipalId,
        action: Action,
        resource: &str,
        environment: Option<Environment>,
        facts: &BTreeMap<String, Value>,
    ) -> Result<Self, ReplayError> {
        let bad = |name: &str, expected| ReplayError::BadValue { name: name.to_owned(), expected };
        let kind = facts.get(KIND).ok_or(ReplayError::Missing { name: KIND })?;
        let kind = kind.as_str().and_then(|text| text.parse::<PrincipalKind>().ok());
        let kind = kind.ok_or_else(|| bad(KIND, "a principal kind"))?;
        let names = facts.get(ROLES).ok_or(ReplayError::Missing { name: ROLES })?;
        let names = names.as_array().ok_or_else(|| bad(ROLES, "a list of roles"))?;
        let mut roles = BTreeSet::new();
        for name in names {
            let role = name.as_str().and_then(|text| text.parse::<Role>().ok());
            roles.insert(role.ok_or_else(|| bad(ROLES, "a list of roles"))?);
        }
        let credential_environment = match facts.get(CREDENTIAL) {
            None => None,
            Some(value) => {
                let environment = value.as_str().and_then(|text| text.parse::<Environment>().ok());
                Some(environment.ok_or_else(|| bad(CREDENTIAL, "an environment"))?)
            }
        };
        let mut rebuilt = Facts::new();
        for (name, value) in facts {
            if ![KIND, ROLES, CREDENTIAL].contains(&name.as_str()) {
                rebuilt.0.insert(name.clone(), Fact::read(name, value)?);
            }
        }
        let principal = Principal { id: principal, kind, roles, credential_environment };
        Ok(Self { principal, action, resource: resource.to_owned(), environment, facts: rebuilt })
    }
}

pub(crate) fn fact_problem(name: &str, fact: &Fact) -> Option<String> {
    if !is_fact_name(name) {
        let shown: String = name.chars().take(80).filter(|c| !c.is_control()).collect();
        return Some(format!(
            "{shown:?} is not the name of a fact: a lower-case letter, then at most 63 letters, digits or underscores"
        ));
    }
    if RESERVED.contains(&name) {
        return Some(format!("the fact {name} is reserved: the request itself carries it"));
    }
    fact.check().map(|expected| format!("the fact {name} is not {expected}"))
}

fn is_fact_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

pub(crate) fn is_resource(resource: &str) -> bool {
    let Some((kind, id)) = resource.split_once('/') else { return false };
    resource.len() <= MAX_RESOURCE
        && !kind.is_empty()
        && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
        && !id.is_empty()
        && !id.contains(char::is_control)
}
