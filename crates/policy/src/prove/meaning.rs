//! Whether two bundles say the same, as far as can be read off their texts.

use super::world;
use cedar_policy::{Policy, RequestEnv};
use serde_json::Value;
use std::collections::BTreeSet;

/// What policies say, without their names, annotations and order.
pub(super) fn of(policies: &[Policy]) -> Vec<String> {
    let mut meanings: Vec<String> = policies
        .iter()
        .map(|policy| match policy.to_json() {
            Ok(mut json) => {
                if let Some(fields) = json.as_object_mut() {
                    fields.remove("annotations");
                }
                json.to_string()
            }
            // Unlike every other, so the slice is examined.
            Err(_) => format!("{} {policy}", policy.id()),
        })
        .collect();
    meanings.sort_unstable();
    meanings
}

/// Whether both schemas declare the same types of principals, resources and so on.
///
/// # Errors
/// The types that differ.
pub(super) fn entities(old: &Value, new: &Value) -> Result<(), String> {
    let (old, new) = (world::entities(old), world::entities(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ: Vec<&str> =
        names.into_iter().filter(|name| old.get(*name) != new.get(*name)).map(String::as_str).collect();
    if differ.is_empty() {
        return Ok(());
    }
    Err(format!("the schemas differ in the entity types {}, so requests are not the same", differ.join(", ")))
}

/// Whether an act has the same facts in both schemas.
pub(super) fn same_facts(old: &Value, new: &Value, slice: &RequestEnv) -> bool {
    let action = slice.action().id().unescaped();
    world::facts(old, action) == world::facts(new, action)
}

/// Whether the rules can be asked about the facts of the new schema alone, when those of the old one differ.
///
/// A new fact does not matter to old rules that do not look at it, so they are asked with it; and a fact that is gone
/// does not matter if no rule looked at it. A fact that changed its type or became optional makes it another question.
///
/// # Errors
/// The fact that stands in the way.
pub(super) fn comparable(
    old: &Value,
    new: &Value,
    slice: &RequestEnv,
    old_rules: &[Policy],
    new_rules: &[Policy],
) -> Result<(), String> {
    let action = slice.action().id().unescaped();
    let (old, new) = (world::facts(old, action), world::facts(new, action));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) if before == after => {}
            (Some(_), Some(_)) => {
                return Err(format!(
                    "the fact {name} of {action} changed its type, so requests are not the same"
                ));
            }
            (before, _) => {
                // Rules of a schema that lacks the fact can still ask whether it is there.
                let newer = if before.is_some() { new_rules } else { &[] };
                if let Some(rule) = old_rules.iter().chain(newer).find(|rule| mentions(rule, name)) {
                    let (which, rule) = (if before.is_some() { "old" } else { "new" }, rule.id());
                    return Err(format!(
                        "only the {which} schema has the fact {name} of {action}, and rule {rule} looks at it"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn mentions(policy: &Policy, name: &str) -> bool {
    fn inside(value: &Value, name: &str) -> bool {
        match value {
            Value::String(text) => text == name,
            Value::Array(members) => members.iter().any(|member| inside(member, name)),
            Value::Object(fields) => fields.iter().any(|(key, value)| key == name || inside(value, name)),
            _ => false,
        }
    }
    policy.to_json().map_or(true, |json| inside(&json, name))
}
