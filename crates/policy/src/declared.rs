//! Which facts a schema declares for an act, and of which type.

use crate::action::Action;
use crate::bundle::Bundle;
use crate::near;
use crate::prove::declared_facts;
use crate::request::Fact;
use serde_json::Value;

/// The type of a declared fact, as far as facts have one: `Bool`, `Long`, `String` or `Set`.
pub(crate) fn kind(fact: &Value) -> &str {
    let of = |key: &str| fact[key].as_str().map(|word| word.trim_start_matches("__cedar::"));
    match of("name").or_else(|| of("type")).unwrap_or_default() {
        "Boolean" => "Bool",
        other => other,
    }
}

impl Bundle {
    /// What is wrong with a fact that somebody supposes for an act: there is none of this name, or it is of another
    /// type. The decision would come out as unknown, which says nothing about what was meant.
    ///
    /// # Errors
    /// A text that names the fact, and the nearest one that there is.
    pub fn check_fact(&self, action: Action, name: &str, fact: &Fact) -> Result<(), String> {
        let facts = declared_facts(&self.declared, action.as_str());
        // Facts of the request itself, which are entities, are none that can be supposed.
        let known = facts.iter().filter(|(_, fact)| !wanted(kind(fact)).is_empty());
        let known: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
        if !known.contains(&name) {
            return Err(format!("{action} has no fact {name}{}", near::hint(name, known)));
        }
        let given = match fact {
            Fact::Long(_) => "Long",
            Fact::Bool(_) => "Bool",
            Fact::Text(_) => "String",
            Fact::Set(_) => "Set",
        };
        let declared = kind(&facts[name]);
        if given == declared { Ok(()) } else { Err(format!("the fact {name} is not {}", wanted(declared))) }
    }
}

/// How a fact of a type is written.
fn wanted(kind: &str) -> &'static str {
    match kind {
        "Long" => "a 64-bit integer",
        "Bool" => "true or false",
        "String" => "a word",
        "Set" => "a list of words",
        _ => "",
    }
}
