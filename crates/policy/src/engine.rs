//! The one door to Cedar's authoriser, and the translation of a request into Cedar's terms.
//!
//! Nothing else in the product asks Cedar for an authorisation. Cedar skips a policy that errors and may then allow;
//! here the errors always come back beside the verdict, and [`crate::decide`] turns any of them into unknown.

use crate::action::Action;
use crate::request::{Fact, Request};
use crate::source::cut;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    RestrictedExpression, Schema,
};
use comptroller_core::vocab::PrincipalKind;
use comptroller_core::{Environment, Role};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Entity types that a schema must define.
pub(crate) const ENTITY_TYPES: [&str; 5] = ["Person", "ServiceAccount", "Resource", "Role", "Environment"];
const ENVIRONMENT: &str = "environment";
const CREDENTIAL_ENVIRONMENT: &str = "credential_environment";

/// Names of things in Cedar's form, parsed once.
#[derive(Debug)]
pub(crate) struct Names {
    person: EntityTypeName,
    service_account: EntityTypeName,
    resource: EntityTypeName,
    roles: HashMap<Role, EntityUid>,
    environments: HashMap<Environment, EntityUid>,
    actions: HashMap<Action, EntityUid>,
}

/// A request in Cedar's terms, valid under the schema.
pub(crate) struct Prepared {
    request: cedar_policy::Request,
    entities: Entities,
}

/// What one set of policies says.
pub(crate) struct Verdict {
    /// A permit matched and no forbid did.
    pub(crate) allowed: bool,
    /// Sorted ids of the policies that decided it: every matching forbid, else every matching permit.
    pub(crate) matched: Vec<String>,
    /// Sorted evaluation errors; each names its policy.
    pub(crate) errors: Vec<String>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let uid = |kind: &str, id: &str| EntityUid::from_type_name_and_id(type_name(kind), EntityId::new(id));
        Self {
            person: type_name("Person"),
            service_account: type_name("ServiceAccount"),
            resource: type_name("Resource"),
            roles: Role::ALL.iter().map(|role| (*role, uid("Role", role.as_str()))).collect(),
            environments: Environment::ALL.iter().map(|e| (*e, uid("Environment", e.as_str()))).collect(),
            actions: Action::ALL.iter().map(|action| (*action, uid("Action", action.as_str()))).collect(),
        }
    }

    pub(crate) fn action(&self, action: Action) -> &EntityUid {
        &self.actions[&action]
    }

    pub(crate) fn kind(&self, kind: PrincipalKind) -> &EntityTypeName {
        match kind {
            PrincipalKind::Person => &self.person,
            PrincipalKind::ServiceAccount => &self.service_account,
        }
    }

    /// Translates a request and checks it against the schema: every required fact there, of its type, and no other.
    ///
    /// # Errors
    /// A text that names the fact that is missing, unknown or of the wrong type.
    pub(crate) fn prepare(&self, schema: &Schema, request: &Request) -> Result<Prepared, String> {
        let kind = self.kind(request.principal.kind);
        let id = EntityId::new(request.principal.id.to_string());
        let principal = EntityUid::from_type_name_and_id(kind.clone(), id);
        let resource =
            EntityUid::from_type_name_and_id(self.resource.clone(), EntityId::new(&request.resource));
        let parents: HashSet<EntityUid> =
            request.principal.roles.iter().map(|role| self.roles[role].clone()).collect();

        // The action entities need not be loaded: `Bundle::parse` refuses a schema with action groups.
        let entities = [
            Entity::new_no_attrs(principal.clone(), parents),
            Entity::new_no_attrs(resource.clone(), HashSet::new()),
        ];
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        let context = Context::from_pairs(self.context(request)).map_err(|error| error.to_string())?;
        let action = self.action(request.action);
        let checked = cedar_policy::Request::new(principal, action.clone(), resource, context, Some(schema));
        match checked {
            Ok(request) => Ok(Prepared { request, entities }),
            Err(error) => Err(explain(schema, action, request).unwrap_or_else(|| cut(&error.to_string()))),
        }
    }

    fn context(&self, request: &Request) -> Vec<(String, RestrictedExpression)> {
        let mut pairs: Vec<(String, RestrictedExpression)> =
            request.facts.iter().map(|(name, fact)| (name.to_owned(), expression(fact))).collect();
        let environments = [
            (ENVIRONMENT, request.environment),
            (CREDENTIAL_ENVIRONMENT, request.principal.credential_environment),
        ];
        for (name, environment) in environments {
            if let Some(environment) = environment {
                let uid = self.environments[&environment].clone();
                pairs.push((name.to_owned(), RestrictedExpression::new_entity_uid(uid)));
            }
        }
        pairs
    }
}

/// Asks one set of policies.
// INVARIANT (deny-on-error): the only call of Cedar's authoriser; its errors are part of the answer.
pub(crate) fn ask(policies: &PolicySet, prepared: &Prepared) -> Verdict {
    #[expect(clippy::disallowed_methods, reason = "this is the one wrapper that reports evaluation errors")]
    let response = Authorizer::new().is_authorized(&prepared.request, policies, &prepared.entities);
    let mut matched: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    let mut errors: Vec<String> =
        response.diagnostics().errors().map(|error| cut(&error.to_string())).collect();
    matched.sort_unstable();
    errors.sort_unstable();
    Verdict { allowed: response.decision() == Decision::Allow, matched, errors }
}

/// Why Cedar refused the context, in words that name the fact. Cedar's JSON reader says it; its request check does
/// not, but costs far less, so this runs only for a request that is refused anyway.
fn explain(schema: &Schema, action: &EntityUid, request: &Request) -> Option<String> {
    let mut context: serde_json::Map<String, Value> =
        request.facts.iter().map(|(name, fact)| (name.to_owned(), fact.to_json())).collect();
    let environments = [
        (ENVIRONMENT, request.environment),
        (CREDENTIAL_ENVIRONMENT, request.principal.credential_environment),
    ];
    for (name, environment) in environments {
        if let Some(environment) = environment {
            context.insert(name.to_owned(), json!({ "type": "Environment", "id": environment.as_str() }));
        }
    }
    let error = Context::from_json_value(Value::Object(context), Some((schema, action))).err()?;
    // The source says which attribute; the outer text only says that a context was read.
    let detail = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    Some(format!("the facts of {} do not fit the policy schema: {}", request.action, cut(&detail)))
}

fn expression(fact: &Fact) -> RestrictedExpression {
    match fact {
        Fact::Long(value) => RestrictedExpression::new_long(*value),
        Fact::Bool(value) => RestrictedExpression::new_bool(*value),
        Fact::Text(value) => RestrictedExpression::new_string(value.clone()),
        Fact::Set(members) => RestrictedExpression::new_set(
            members.iter().map(|member| RestrictedExpression::new_string(member.clone())),
        ),
    }
}

fn type_name(name: &str) -> EntityTypeName {
    // Proof: the callers pass constants that are Cedar identifiers; building a bundle reads each of them.
    name.parse().expect("a constant entity type name")
}
