//! OSCAL 1.2 assessment results: one observation for each control, one risk for each exception.
//!
//! OSCAL has no words for population, occurrence and sample; they stand in properties under a namespace of our own. There
//! are no findings: a finding states whether an objective is satisfied, and that is the auditor's to say.

use comptroller_compliance::digest;
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::{ControlException, ControlResult, WindowResult};
use comptroller_core::Timestamp;
use serde_json::{Value, json};

/// The namespace of our properties.
const NAMESPACE: &str = "https://comptroller.example/ns/oscal";
/// The version of OSCAL.
const OSCAL: &str = "1.2.0";

/// The document. `made` is when the pack was made.
pub fn assessment_results(result: &WindowResult, samples: &[Sample], made: Timestamp) -> Value {
    let observations: Vec<Value> = result
        .controls
        .iter()
        .map(|control| {
            observation(result, control, samples.iter().find(|sample| sample.control == control.id))
        })
        .collect();
    let exceptions = result.controls.iter().flat_map(|control| &control.exceptions);
    let risks: Vec<Value> = exceptions.map(|exception| risk(result, exception)).collect();
    let ids: Vec<Value> =
        result.controls.iter().map(|control| json!({ "control-id": token(&control.id) })).collect();
    let selection =
        if ids.is_empty() { json!({ "include-all": {} }) } else { json!({ "include-controls": ids }) };
    let mut one = json!({
        "uuid": uuid(result, "result"),
        "title": "Tests of controls over a period",
        "description": "Computed from every entry of the log. No conclusion: that is the auditor's.",
        "start": result.from.to_string(),
        "end": result.to.to_string(),
        "props": [
            prop("result-digest", result.digest.as_str()),
            prop("engine-digest", result.engine.as_str()),
            prop("ledger-size", &result.ledger.size.to_string()),
            prop("ledger-root", result.ledger.root.as_str()),
            prop("evidence-until", &result.evidence_until.to_string()),
        ],
        "reviewed-controls": { "control-selections": [selection] },
    });
    // OSCAL allows no empty lists.
    if !observations.is_empty() {
        one["observations"] = json!(observations);
    }
    if !risks.is_empty() {
        one["risks"] = json!(risks);
    }
    json!({ "assessment-results": {
        "uuid": uuid(result, "document"),
        "metadata": {
            "title": "Tests of controls",
            "last-modified": made.to_string(),
            "version": "1",
            "oscal-version": OSCAL,
        },
        "import-ap": { "href": "#result" },
        "results": [one],
    } })
}

fn observation(result: &WindowResult, control: &ControlResult, sample: Option<&Sample>) -> Value {
    let period = &control.period;
    let mut props = vec![
        prop("control", &control.id),
        prop("population", &period.expected.to_string()),
        prop("met", &period.met.to_string()),
        prop("exceptions", &period.exceptions.to_string()),
        prop("pending", &period.pending.to_string()),
    ];
    let receipts = result.receipts.iter().filter(|receipt| receipt.control == control.id);
    props.extend(receipts.map(|receipt| prop(&format!("{}-digest", receipt.list), receipt.digest.as_str())));
    if let Some(sample) = sample {
        props.push(prop("sample-seed", sample.seed.as_str()));
        props.push(prop("sample-size", &sample.drawn.len().to_string()));
    }
    props.extend(control.serves.iter().map(|serves| prop("criterion", &serves.criterion)));
    json!({
        "uuid": uuid(result, &control.id),
        "title": control.title,
        "description": control.objective,
        "props": props,
        "methods": ["TEST"],
        "collected": result.evidence_until.to_string(),
        "relevant-evidence": [{
            "href": format!("populations/{}.csv", control.id),
            "description": "Every expected occurrence, with the entries that show it.",
        }],
        "remarks": control.blind_spots.join(" "),
    })
}

fn risk(result: &WindowResult, exception: &ControlException) -> Value {
    let causes: Vec<&str> = exception.causes.iter().map(|cause| cause.says.as_str()).collect();
    let status = if exception.closed.is_some() { "closed" } else { "open" };
    json!({
        "uuid": uuid(result, exception.id.as_str()),
        "title": format!("Exception of {}", exception.control),
        "description": causes.join("; "),
        "statement": exception.effect,
        "props": [
            prop("exception", exception.id.as_str()),
            prop("occurrence", &exception.occurrence),
            prop("since", &exception.since.to_string()),
        ],
        "status": status,
        "related-observations": [{ "observation-uuid": uuid(result, &exception.control) }],
    })
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": value })
}

/// A token of OSCAL: our ids are such already.
fn token(id: &str) -> String {
    id.to_lowercase()
}

/// A UUID (version 8, RFC 9562) out of the digest of the result and a name: the same document has the same ids.
fn uuid(result: &WindowResult, name: &str) -> String {
    let hex = digest::of_parts(&[b"oscal", result.digest.as_str().as_bytes(), name.as_bytes()]).to_string();
    format!("{}-{}-8{}-a{}-{}", &hex[0..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
