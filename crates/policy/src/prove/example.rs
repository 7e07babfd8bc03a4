//! Turns what the solver found into a request of ours, and makes it as plain as it can be.
//!
//! Nothing here is trusted: whoever uses an example decides it again.

use crate::action::Action;
use crate::error::ReplayError;
use crate::request::{Fact, Facts, Principal, Request};
use cedar_policy::{Context, EntityUid, EvalResult};
use cedar_policy_symcc::Env;
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::PrincipalKind;
use comptroller_core::{Environment, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Stands for any resource, where the rules do not name a certain one.
const SOME_RESOURCE: &str = "system/example";

/// A request, in the form of a decision record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Example {
    /// Whose act it is.
    pub principal: PrincipalId,
    /// The act.
    pub action: String,
    /// What it is done to.
    pub resource: String,
    /// The environment that it touches.
    pub environment: Option<Environment>,
    /// The facts, and the principal's kind, roles and credential environment.
    pub facts: BTreeMap<String, Value>,
}

impl Example {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            principal: request.principal.id,
            action: request.action.as_str().to_owned(),
            resource: request.resource.clone(),
            environment: request.environment,
            facts: request.record(),
        }
    }

    /// The request, to decide it again.
    ///
    /// # Errors
    /// [`ReplayError`] when this is not the record of a request.
    pub fn request(&self) -> Result<Request, ReplayError> {
        let action: Action = self
            .action
            .parse()
            .map_err(|_| ReplayError::BadValue { name: "action".to_owned(), expected: "an act" })?;
        Request::replay(self.principal, action, &self.resource, self.environment, &self.facts)
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        if let Some(environment) = self.environment {
            write!(f, " in {environment}")?;
        }
        let facts: Vec<String> = self.facts.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        write!(f, " on {} with {}", self.resource, facts.join(", "))
    }
}

/// The request that the solver found.
///
/// # Errors
/// Why it is no request of ours.
pub(super) fn request(found: &Env) -> Result<Request, String> {
    let asked = &found.request;
    let (Some(principal), Some(action), Some(resource)) =
        (asked.principal(), asked.action(), asked.resource())
    else {
        return Err("it names no principal, act or resource".to_owned());
    };
    let kind = match principal.type_name().to_string().as_str() {
        "Person" => PrincipalKind::Person,
        "ServiceAccount" => PrincipalKind::ServiceAccount,
        other => return Err(format!("nobody acts as a {other}")),
    };
    let (facts, environment, credential_environment) = facts(asked.context())?;
    let groups = found.entities.ancestors(principal).into_iter().flatten();
    Ok(Request {
        principal: Principal {
            // Rules may name one principal or resource; where they do not, any will do.
            id: principal.id().unescaped().parse().unwrap_or_else(|_| somebody()),
            kind,
            roles: groups.filter_map(role).collect(),
            credential_environment,
        },
        action: action.id().unescaped().parse().map_err(|error| format!("{error}"))?,
        resource: Some(resource.id().unescaped().to_owned())
            .filter(|resource| crate::request::is_resource(resource))
            .unwrap_or_else(|| SOME_RESOURCE.to_owned()),
        environment,
        facts,
    })
}

fn somebody() -> PrincipalId {
    PrincipalId::new(Timestamp::from_micros(0), [0; 10])
}

fn role(group: &EntityUid) -> Option<Role> {
    if group.type_name().to_string() == "Role" { group.id().unescaped().parse().ok() } else { None }
}

type Places = (Facts, Option<Environment>, Option<Environment>);

fn facts(context: Option<&Context>) -> Result<Places, String> {
    let (mut facts, mut environment, mut credential) = (Facts::new(), None, None);
    let Some(context) = context else { return Ok((facts, None, None)) };
    for (name, _) in context.clone() {
        let value = context.get(&name).ok_or_else(|| format!("the fact {name} has no value"))?;
        match (name.as_str(), value) {
            ("environment", EvalResult::EntityUid(uid)) => environment = Some(place(&uid)?),
            ("credential_environment", EvalResult::EntityUid(uid)) => credential = Some(place(&uid)?),
            (_, EvalResult::Bool(value)) => facts = facts.bool(&name, value),
            (_, EvalResult::Long(value)) => facts = facts.long(&name, value),
            (_, EvalResult::String(value)) => facts = facts.text(&name, &value),
            (_, EvalResult::Set(set)) => {
                let words: Option<Vec<&str>> = set
                    .iter()
                    .map(|member| match member {
                        EvalResult::String(word) => Some(word.as_str()),
                        _ => None,
                    })
                    .collect();
                let words = words.ok_or_else(|| format!("the fact {name} is no set of words"))?;
                facts = facts.set(&name, &words);
            }
            _ => return Err(format!("no request of ours carries a fact like {name}")),
        }
    }
    Ok((facts, environment, credential))
}

fn place(uid: &EntityUid) -> Result<Environment, String> {
    uid.id().unescaped().parse().map_err(|error| format!("{error}"))
}

/// The same with words that a request can have: the solver gives an empty one where any will do, and a request with
/// that is not decided at all.
pub(super) fn fit(mut request: Request) -> Request {
    for (name, fact) in request.facts.clone().iter() {
        let fit = match fact {
            Fact::Text(_) => Fact::Text("x".to_owned()),
            Fact::Set(_) => Fact::Set(Vec::new()),
            Fact::Long(_) | Fact::Bool(_) => continue,
        };
        if crate::request::fact_problem(name, fact).is_some() {
            request.facts = request.facts.with(name, fit);
        }
    }
    request
}

/// The plainest request, starting from this one, for which `holds` is still true: no needless role, credential or
/// fact, and numbers as near to 0 as they can be.
pub(super) fn plain(mut request: Request, holds: &dyn Fn(&Request) -> bool) -> Request {
    let keep = |candidate: Request, request: &mut Request| {
        let plainer = holds(&candidate);
        if plainer {
            *request = candidate;
        }
        plainer
    };
    let without_credential = Principal { credential_environment: None, ..request.principal.clone() };
    keep(Request { principal: without_credential, ..request.clone() }, &mut request);
    keep(Request { environment: None, ..request.clone() }, &mut request);
    for role in request.principal.roles.clone() {
        let mut candidate = request.clone();
        candidate.principal.roles.remove(&role);
        keep(candidate, &mut request);
    }
    for (name, fact) in request.facts.clone().iter() {
        let without = request.facts.clone().without(name);
        if keep(Request { facts: without, ..request.clone() }, &mut request) {
            continue;
        }
        let mut with = |fact: Fact| {
            let facts = request.facts.clone().with(name, fact);
            keep(Request { facts, ..request.clone() }, &mut request)
        };
        match fact {
            Fact::Long(value) => nearest_to_zero(*value, |value| with(Fact::Long(value))),
            Fact::Text(_) => drop(with(Fact::Text("x".to_owned()))),
            Fact::Set(_) => drop(with(Fact::Set(Vec::new()))),
            Fact::Bool(_) => {}
        }
    }
    request
}

/// Halves the distance to 0 while `keep` agrees; at most 64 steps.
fn nearest_to_zero(value: i64, mut keep: impl FnMut(i64) -> bool) {
    if value == 0 || keep(0) {
        return;
    }
    let (mut near, mut far) = (0_i64, value);
    while near.abs_diff(far) > 1 {
        // Neither end changes its sign, so this cannot overflow.
        let middle = near + (far - near) / 2;
        if keep(middle) {
            far = middle;
        } else {
            near = middle;
        }
    }
}
