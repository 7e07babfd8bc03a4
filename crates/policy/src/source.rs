//! Reads the texts of a bundle: bounds, Cedar syntax, and errors that say in which line.
//!
//! Nothing here knows what a rule means; `bundle` checks that.

use crate::error::BundleError;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, SchemaFragment};
use miette::Diagnostic;

const SCHEMA_FILE: &str = "schema.cedarschema";
/// Largest text, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of brackets. Cedar's reader recurses, so depth is bounded before it sees the text.
const MAX_DEPTH: usize = 32;
/// Most findings that are shown.
const MAX_FINDINGS: usize = 20;

/// Reads the schema.
pub(crate) fn schema(text: &str) -> Result<Schema, BundleError> {
    let file = SCHEMA_FILE;
    bounds(file, text)?;
    let (fragment, warnings) = SchemaFragment::from_cedarschema_str(text)
        .map_err(|error| BundleError::Parse { file, findings: vec![finding(text, &error)] })?;
    let warnings: Vec<String> = warnings.take(MAX_FINDINGS).map(|warning| finding(text, &warning)).collect();
    if !warnings.is_empty() {
        return Err(BundleError::Parse { file, findings: warnings });
    }
    Schema::from_schema_fragments([fragment])
        .map_err(|error| BundleError::Parse { file, findings: vec![finding(text, &error)] })
}

/// Reads a set of policies, in the order of the text.
pub(crate) fn policies(file: &'static str, text: &str) -> Result<PolicySet, BundleError> {
    bounds(file, text)?;
    text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        let findings = errors.iter().take(MAX_FINDINGS).map(|error| finding(text, error)).collect();
        BundleError::Parse { file, findings }
    })
}

/// The policies of a parsed set in the order of the text: Cedar numbers them.
pub(crate) fn in_order(set: &PolicySet) -> Vec<Policy> {
    let mut policies: Vec<Policy> = set.policies().cloned().collect();
    policies.sort_by_key(|policy| number(policy.id()));
    policies
}

fn number(id: &PolicyId) -> usize {
    let text: &str = id.as_ref();
    text.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

/// Refuses a text that is too large or nests too deeply. Brackets in strings and comments count too, and `<` as an
/// opening one only in a schema, where it begins a type; in a policy it compares.
fn bounds(file: &'static str, text: &str) -> Result<(), BundleError> {
    if text.len() > MAX_BYTES {
        return Err(BundleError::TooLarge { file, bytes: text.len(), limit: MAX_BYTES });
    }
    let types = file == SCHEMA_FILE;
    let mut depth = 0_usize;
    for (line, content) in text.lines().enumerate() {
        for byte in content.bytes() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b'<' if types => depth += 1,
                b'>' if types => depth = depth.saturating_sub(1),
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_DEPTH {
                return Err(BundleError::TooDeep { file, line: line + 1, limit: MAX_DEPTH });
            }
        }
    }
    Ok(())
}

/// A finding with its line and column, when Cedar points at a place.
fn finding(text: &str, error: &dyn Diagnostic) -> String {
    let place = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let Some(before) = place.and_then(|offset| text.get(..offset)) else { return error.to_string() };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line} column {column}: {error}")
}
