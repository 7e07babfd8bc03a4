//! The decision as a SARIF 2.1.0 log: one result for every rule that stands against the version.

use super::view::{View, is_hard, step};
use crate::output::one_line;
use comptroller_app::gate::RuleView;
use comptroller_core::vocab::Outcome;
use serde_json::{Value, json};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn render(view: &View) -> String {
    let answer = &view.answer;
    let paths: Vec<Vec<String>> =
        answer.paths.shortest.iter().map(|path| path.iter().map(step).collect()).collect();
    let notes: Vec<String> =
        view.notes().into_iter().map(|(label, line)| format!("{label}: {line}")).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "comptroller",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": answer.rules.iter().map(descriptor).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("comptroller-gate/{}/", answer.environment)},
            "invocations": [{
                "executionSuccessful": answer.outcome != Outcome::Unknown && answer.errors.is_empty(),
                "toolExecutionNotifications": notifications(view),
            }],
            "results": answer.rules.iter().enumerate().map(|(at, rule)| result(view, at, rule)).collect::<Vec<_>>(),
            "properties": {
                "asked": view.asked,
                "outcome": answer.outcome,
                "version": answer.version,
                "environment": answer.environment,
                "decision": answer.decision,
                "ledgerIndex": answer.ledger_index,
                "bundle": answer.bundle,
                "notes": notes,
                "pathSummary": view.path_summary(),
                "shortestPaths": paths,
            },
        }],
    });
    format!("{log:#}\n")
}

/// What went wrong while deciding: without it a log that has no result would look like an allow.
fn notifications(view: &View) -> Vec<Value> {
    let mut texts: Vec<String> = view.answer.errors.iter().map(|error| one_line(error)).collect();
    if !view.is_allowed() && view.answer.rules.is_empty() {
        texts.insert(0, view.headline());
    }
    texts.into_iter().map(|text| json!({"level": "error", "message": {"text": text}})).collect()
}

fn level(rule: &RuleView) -> &'static str {
    if is_hard(rule) { "error" } else { "warning" }
}

fn descriptor(rule: &RuleView) -> Value {
    let remedy = if rule.remedy.is_empty() { "see the policy bundle" } else { &rule.remedy };
    json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": format!("{} ({})", rule.id, if is_hard(rule) { "hard" } else { "review" })},
        "help": {"text": one_line(remedy)},
        "defaultConfiguration": {"level": level(rule)},
        "properties": {"tags": rule.control.iter().map(|control| one_line(control)).collect::<Vec<_>>()},
    })
}

fn result(view: &View, at: usize, rule: &RuleView) -> Value {
    let answer = &view.answer;
    let mut lines = vec![one_line(&rule.reason)];
    lines.extend(view.details(rule).into_iter().map(|(label, line)| format!("{label}: {line}")));
    json!({
        "ruleId": rule.id,
        "ruleIndex": at,
        "level": level(rule),
        "kind": "fail",
        "message": {"text": lines.join("\n")},
        "locations": [{
            // Viewers want a file; a version is none, so it stands under a name of its own.
            "physicalLocation": {"artifactLocation": {"uri": uri(&view.asked)}, "region": {"startLine": 1}},
            "logicalLocations": [{"fullyQualifiedName": format!("version/{}", answer.version), "kind": "resource"}],
        }],
        "partialFingerprints": {
            "comptrollerGate/v1": format!("{}/{}/{}", rule.id, answer.version, answer.environment),
        },
        "properties": {
            "decision": answer.decision,
            "ledgerIndex": answer.ledger_index,
            "clauses": rule.clauses,
            "remedy": one_line(&rule.remedy),
            "controls": rule.control.iter().map(|control| one_line(control)).collect::<Vec<_>>(),
        },
    })
}

/// A relative URI that names the version: what RFC 3986 reserves is percent-encoded.
fn uri(asked: &str) -> String {
    let mut uri = String::from("model/");
    for byte in asked.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
