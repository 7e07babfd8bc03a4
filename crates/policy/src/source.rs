//! Reads the texts of a bundle: Cedar syntax within bounds, and errors that say in which line.
//!
//! Nothing here knows what a rule means; `bundle` checks that.

use crate::bounds;
use crate::error::BundleError;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, SchemaFragment};
use miette::Diagnostic;
use serde_json::Value;

/// Name of the schema's file, for errors.
pub(crate) const SCHEMA_FILE: &str = "schema.cedarschema";
/// Most findings that are shown.
pub(crate) const MAX_FINDINGS: usize = 20;
/// Longest text of one finding, in characters: Cedar repeats the expression that it complains about.
const MAX_FINDING: usize = 400;

/// Reads the schema, once for Cedar and once as JSON, in which Cedar shows what it declares.
pub(crate) fn schema(text: &str) -> Result<(Schema, Value), BundleError> {
    let file = SCHEMA_FILE;
    bounds::check(file, text)?;
    let (fragment, warnings) = SchemaFragment::from_cedarschema_str(text)
        .map_err(|error| BundleError::Parse { file, findings: vec![finding(text, &error)] })?;
    let warnings: Vec<String> = warnings.take(MAX_FINDINGS).map(|warning| finding(text, &warning)).collect();
    if !warnings.is_empty() {
        return Err(BundleError::Parse { file, findings: warnings });
    }
    let refused = |error| BundleError::Parse { file, findings: vec![finding(text, &error)] };
    let declared = fragment.clone().to_json_value().map_err(refused)?;
    Ok((Schema::from_schema_fragments([fragment]).map_err(refused)?, declared))
}

/// Reads a set of policies, in the order of the text.
pub(crate) fn policies(file: &'static str, text: &str) -> Result<PolicySet, BundleError> {
    bounds::check(file, text)?;
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

/// A text of Cedar's, cut where it gets too long to read.
pub(crate) fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MAX_FINDING) else { return text.to_owned() };
    format!("{}...", &text[..end])
}

/// A finding with its line and column, when Cedar points at a place.
fn finding(text: &str, error: &dyn Diagnostic) -> String {
    let message = cut(&error.to_string());
    match place(text, error) {
        Some((line, column)) => format!("line {line} column {column}: {message}"),
        None => message,
    }
}

/// The line and column that Cedar points at, each from 1.
pub(crate) fn place(text: &str, error: &dyn Diagnostic) -> Option<(usize, usize)> {
    let offset = error.labels().and_then(|mut labels| labels.next())?.offset();
    let before = text.get(..offset)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some((line, column))
}
