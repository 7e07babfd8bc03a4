//! What a proof is about: the request environments of a schema, and what a schema must be for a proof to be true of
//! the requests that the engine makes.

use crate::bundle::Bundle;
use crate::scope;
use cedar_policy::{Policy, PolicyId, PolicySet, RequestEnv};
use serde_json::{Map, Value};

/// The request environments of a bundle's schema, in one order.
pub(super) fn slices(bundle: &Bundle) -> Vec<RequestEnv> {
    let mut slices: Vec<RequestEnv> = bundle.schema.request_envs().collect();
    slices.sort_by_key(name);
    slices
}

/// Names of the act, the type of principal and the type of resource.
pub(super) fn name(slice: &RequestEnv) -> (String, String, String) {
    let action = slice.action().id().unescaped().to_owned();
    (action, slice.principal().to_string(), slice.resource().to_string())
}

/// The policies of a set that can apply.
pub(super) fn applying(set: &PolicySet, slice: &RequestEnv) -> Vec<Policy> {
    scope::slice(set, slice.action(), slice.principal())
}

/// Refuses a schema for which a proof would not be about the requests that are really made.
///
/// A proof is about every request that is well formed under the schema. The engine loads the principal with its roles
/// and the resource, without attributes; an entity type that requires attributes makes those requests ill formed, and
/// what is proven of all well-formed ones need not be true of them.
pub(super) fn check(declared: &Value) -> Result<(), String> {
    let Some(namespaces) = declared.as_object() else { return Err("the schema is no object".to_owned()) };
    if let Some(name) = namespaces.keys().find(|name| !name.is_empty()) {
        return Err(format!("the schema has the namespace {name}: write its definitions without one"));
    }
    for (kind, entity) in part(declared, "entityTypes") {
        let shape = &entity["shape"];
        let inline = shape.is_null() || shape["type"] == "Record";
        let required = |(_, fact): (&String, &Value)| fact["required"] != Value::Bool(false);
        if !inline || shape["attributes"].as_object().is_some_and(|all| all.iter().any(required)) {
            return Err(format!(
                "the schema gives {kind} attributes, which are never loaded: pass them as facts of the act instead"
            ));
        }
    }
    Ok(())
}

/// The facts that an act declares, with every named type written out.
pub(crate) fn facts(declared: &Value, action: &str) -> Map<String, Value> {
    let context = &part(declared, "actions").get(action).cloned().unwrap_or_default()["appliesTo"]["context"];
    match written_out(declared, context) {
        Value::Object(mut record) => match record.remove("attributes") {
            Some(Value::Object(attributes)) => attributes,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

/// The entity types that a schema declares.
pub(super) fn entities(declared: &Value) -> Map<String, Value> {
    part(declared, "entityTypes")
}

fn part(declared: &Value, part: &str) -> Map<String, Value> {
    declared[""][part].as_object().cloned().unwrap_or_default()
}

/// Replaces names of common types by what they stand for. Cedar refuses types that contain themselves.
fn written_out(declared: &Value, of: &Value) -> Value {
    let name = of["name"].as_str().or_else(|| of["type"].as_str()).unwrap_or_default();
    match of {
        Value::Object(_) if !declared[""]["commonTypes"][name].is_null() => {
            let mut written = written_out(declared, &declared[""]["commonTypes"][name]);
            // Whether the fact is required stands at the place of use.
            if let (Some(required), Some(record)) = (of.get("required"), written.as_object_mut()) {
                record.insert("required".to_owned(), required.clone());
            }
            written
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| *key != "annotations");
            fields.map(|(key, value)| (key.clone(), written_out(declared, value))).collect()
        }
        other => other.clone(),
    }
}

/// Forbids that leave out what is never decided anyway: a fact that is an empty word.
///
/// Sound, because `Request::check` refuses such a request before any rule is asked, so it is never let in by any
/// bundle. Without these the solver, which likes the empty word, would find requests that cannot be replayed.
pub(super) fn unfit(declared: &Value, action: &str) -> Vec<Policy> {
    let mut policies = Vec::new();
    for (name, fact) in facts(declared, action) {
        let text = |kind: &Value| kind["type"] == "String" || kind["name"] == "String";
        let condition = if text(&fact) {
            format!("context.{name} == \"\"")
        } else if fact["type"] == "Set" && text(&fact["element"]) {
            format!("context.{name}.contains(\"\")")
        } else {
            continue;
        };
        let guard = if fact["required"] == Value::Bool(false) {
            format!("context has {name} && ")
        } else {
            String::new()
        };
        let source = format!("forbid (principal, action, resource) when {{ {guard}{condition} }};");
        // A name that is no identifier is no fact of ours either, so no axiom is needed for it.
        if let Ok(policy) = Policy::parse(Some(PolicyId::new(format!("unfit {name}"))), source) {
            policies.push(policy);
        }
    }
    policies
}
