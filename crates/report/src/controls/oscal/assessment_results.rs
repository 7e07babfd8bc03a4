//! OSCAL assessment results: one observation for each control, one risk for each exception.

use super::text::{markup, paragraphs, token};
use super::{OscalSource, poam, prop, set};
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::ControlResult;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The document.
pub(super) fn document(source: &OscalSource<'_>) -> Value {
    let result = source.result;
    let (tool, origins) = source.tool();
    let (asked, resource) = source.controls();
    let observations = result.controls.iter().map(|control| {
        let sample = source.samples.iter().find(|sample| sample.control == control.id);
        observation(source, control, sample, &origins)
    });
    let (mut risks, mut owners) = (Vec::new(), BTreeSet::new());
    for control in &result.controls {
        for exception in &control.exceptions {
            owners.insert(control.owner);
            let mut risk = poam::risk(source, control, exception, &origins);
            risk["related-observations"] =
                json!([{ "observation-uuid": observation_uuid(source, &control.id) }]);
            risks.push(risk);
        }
    }
    let ids: Vec<Value> =
        result.controls.iter().map(|control| json!({ "control-id": token(&control.id) })).collect();
    let selection =
        if ids.is_empty() { json!({ "include-all": {} }) } else { json!({ "include-controls": ids }) };
    let mut one = json!({
        "uuid": source.document_uuid("result"),
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
        "local-definitions": { "components": [tool] },
        "reviewed-controls": { "control-selections": [selection] },
    });
    set(&mut one, "observations", observations.collect());
    set(&mut one, "risks", risks);
    json!({ "assessment-results": {
        "uuid": source.document_uuid("assessment-results"),
        "metadata": source.metadata("Tests of controls", &owners),
        "import-ap": {
            "href": asked,
            "remarks": "There is no assessment plan in OSCAL: what was asked stands in the definitions of the controls.",
        },
        "results": [one],
        "back-matter": { "resources": [resource] },
    } })
}

fn observation_uuid(source: &OscalSource<'_>, control: &str) -> String {
    source.document_uuid(&format!("observation/{control}"))
}

fn observation(
    source: &OscalSource<'_>,
    control: &ControlResult,
    sample: Option<&Sample>,
    origins: &Value,
) -> Value {
    let period = &control.period;
    let mut props = vec![
        prop("control", &control.id),
        prop("population", &period.expected.to_string()),
        prop("met", &period.met.to_string()),
        prop("exceptions", &period.exceptions.to_string()),
        prop("pending", &period.pending.to_string()),
    ];
    let receipts = source.result.receipts.iter().filter(|receipt| receipt.control == control.id);
    props.extend(receipts.map(|receipt| prop(&format!("{}-digest", receipt.list), receipt.digest.as_str())));
    if let Some(sample) = sample {
        props.push(prop("sample-seed", sample.seed.as_str()));
        props.push(prop("sample-size", &sample.drawn.len().to_string()));
    }
    props.extend(control.serves.iter().map(|serves| prop("criterion", &serves.criterion)));
    json!({
        "uuid": observation_uuid(source, &control.id),
        "title": markup(&control.title),
        "description": markup(&control.objective),
        "props": props,
        "methods": ["TEST"],
        "origins": origins,
        "collected": source.result.evidence_until.to_string(),
        "relevant-evidence": [{
            "href": format!("populations/{}.csv", control.id),
            "description": "Every expected occurrence, with the entries that show it.",
        }],
        "remarks": paragraphs(control.blind_spots.iter().map(|spot| markup(spot))),
    })
}
