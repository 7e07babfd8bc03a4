//! OSCAL mapping collection (new in 1.2): how what the controls in operation do relates to what each framework asks.
//!
//! Relationship and rationale are those that the definitions state; the words are those of set theory that OSCAL takes
//! from NIST IR 8477. They compare what comes of the two, which OSCAL calls functional. People wrote them: the method is
//! `human`. Nobody has looked at every pair, so the status is `not-complete`, and there is neither a confidence nor a
//! share of coverage. What nothing in the collection is mapped to stands in the gap summary by its id.

use super::text::{markup, token};
use super::{NAMESPACE, OscalSource, Serving, prop, relationship};
use comptroller_compliance::framework::Day;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The document; none if no control was in operation.
pub(super) fn document(source: &OscalSource<'_>) -> Option<Value> {
    let by_criterion = source.by_criterion();
    if by_criterion.is_empty() {
        return None;
    }
    let (controls, definitions) = source.controls();
    let (mut mappings, mut resources) = (Vec::new(), vec![definitions]);
    for (framework, criteria) in &by_criterion {
        let (reference, resource) = source.framework(framework);
        resources.push(resource);
        mappings.push(mapping(source, framework, criteria, &controls, &reference));
    }
    Some(json!({ "mapping-collection": {
        "uuid": source.document_uuid("mapping-collection"),
        "metadata": source.metadata("Controls in operation and the criteria that they serve", &BTreeSet::new()),
        "provenance": {
            "method": "human",
            "matching-rationale": "functional",
            "status": "not-complete",
            "mapping-description": "Each entry is from a control in operation to a criterion, as the definition of \
                the control states it. A gap summary names what the framework asks for, as known at the end of the \
                window, and none of the tested controls is mapped to.",
        },
        "mappings": mappings,
        "back-matter": { "resources": resources },
    } }))
}

fn mapping(
    source: &OscalSource<'_>,
    framework: &str,
    criteria: &BTreeMap<&str, Serving<'_>>,
    controls: &str,
    reference: &str,
) -> Value {
    let mut maps = Vec::new();
    for (criterion, serving) in criteria {
        for (control, serves) in serving {
            maps.push(json!({
                "uuid": source.subject_uuid("map", &format!("{} {}", control.id, serves.criterion)),
                "relationship": relationship(serves.relation),
                "sources": [item(&control.id, "control", &control.id)],
                "targets": [item(criterion, "criterion", &serves.criterion)],
                "remarks": markup(&serves.because),
            }));
        }
    }
    // Neither resource is a catalogue of OSCAL, so the types are words of our own.
    let mut mapping = json!({
        "uuid": source.subject_uuid("mapping", framework),
        "source-resource": { "ns": NAMESPACE, "type": "control-definitions", "href": controls },
        "target-resource": { "ns": NAMESPACE, "type": "framework", "href": reference },
        "maps": maps,
    });
    let gaps = unmapped(source, framework, criteria);
    if !gaps.is_empty() {
        mapping["target-gap-summary"] = json!({
            "uuid": source.document_uuid(&format!("gaps/{framework}")),
            "unmapped-controls": [{ "with-ids": gaps }],
        });
    }
    mapping
}

/// What is mapped. Of a criterion OSCAL wants a token, and the id as it is stands beside it.
fn item(id: &str, name: &str, whole: &str) -> Value {
    json!({ "type": "control", "id-ref": token(id), "props": [prop(name, whole)] })
}

/// What the framework asks for and none of these controls is mapped to, in the order of the framework.
fn unmapped(
    source: &OscalSource<'_>,
    framework: &str,
    criteria: &BTreeMap<&str, Serving<'_>>,
) -> Vec<String> {
    let day = Day::of(source.result.evidence_until);
    let Some(framework) = source.frameworks.framework(framework) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    framework
        .rows_known(day)
        .filter(|row| row.asks() && !criteria.contains_key(row.id.as_str()) && seen.insert(&row.id))
        .map(|row| token(&row.id))
        .collect()
}
