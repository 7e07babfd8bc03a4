//! OSCAL component definition: the controls in operation as one component, and which criteria of which framework it
//! is there for.
//!
//! OSCAL calls a documented process a component of the type `process-procedure`. A control of a catalogue of OSCAL is
//! here a criterion of a framework; that a control in operation is there for it says nothing about how well.

use super::text::{markup, paragraphs, token};
use super::{OscalSource, Serving, prop, prop_of, relationship};
use comptroller_compliance::framework::Day;
use comptroller_core::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The document; none if no control was in operation.
pub(super) fn document(source: &OscalSource<'_>) -> Option<Value> {
    let by_criterion = source.by_criterion();
    if by_criterion.is_empty() {
        return None;
    }
    let owners: BTreeSet<Role> = source.result.controls.iter().map(|control| control.owner).collect();
    let (_, definitions) = source.controls();
    let (mut sets, mut resources) = (Vec::new(), vec![definitions]);
    for (framework, criteria) in &by_criterion {
        let (reference, resource) = source.framework(framework);
        resources.push(resource);
        let requirements: Vec<Value> = criteria
            .iter()
            .map(|(criterion, serving)| requirement(source, framework, criterion, serving))
            .collect();
        sets.push(json!({
            "uuid": source.subject_uuid("control-implementation", framework),
            "source": reference,
            "description": "Criteria for which controls in operation are there. Not all of each criterion, where a \
                control does a part of it: see the relationship.",
            "props": [prop("framework", framework)],
            "implemented-requirements": requirements,
        }));
    }
    let ids = source.result.controls.iter().map(|control| prop("control", &control.id));
    let component = json!({
        "uuid": source.subject_uuid("component", "controls"),
        "type": "process-procedure",
        "title": "Controls in operation",
        "description": "What the organisation does all the time about its AI systems, each as a definition that is \
            tested over every expected occurrence.",
        "props": ids.collect::<Vec<Value>>(),
        "responsible-roles": roles(&owners),
        "control-implementations": sets,
    });
    Some(json!({ "component-definition": {
        "uuid": source.document_uuid("component-definition"),
        "metadata": source.metadata("Controls in operation", &owners),
        "components": [component],
        "back-matter": { "resources": resources },
    } }))
}

fn requirement(source: &OscalSource<'_>, framework: &str, criterion: &str, serving: &Serving<'_>) -> Value {
    let mut props = vec![prop("criterion", &format!("{framework}:{criterion}"))];
    let (mut says, mut unseen) = (Vec::new(), Vec::new());
    let day = Day::of(source.result.evidence_until);
    let row = source.frameworks.framework(framework).and_then(|framework| framework.row(criterion, day));
    if let Some(row) = row {
        says.push(format!("Asked for, in our own words: {}", markup(&row.label)));
    }
    for (control, serves) in serving {
        let id = control.id.as_str();
        props.push(prop_of(id, "control", id));
        let mut relation = prop_of(id, "relationship", relationship(serves.relation));
        relation["remarks"] = json!(markup(&serves.because));
        props.push(relation);
        props.push(prop_of(id, "owner", control.owner.as_str()));
        props.push(prop_of(id, "cadence", &control.rhythm));
        if let Some(definition) = source.definition(control) {
            props.push(prop_of(id, "definition-digest", definition.digest.as_str()));
            props.extend(definition.evidence.iter().map(|kind| prop_of(id, "evidence", kind)));
        }
        says.push(format!("{}: {}", markup(id), markup(&control.objective)));
        unseen.extend(control.blind_spots.iter().map(|spot| format!("{}: {}", markup(id), markup(spot))));
    }
    let owners: BTreeSet<Role> = serving.iter().map(|(control, _)| control.owner).collect();
    let mut requirement = json!({
        "uuid": source.subject_uuid("requirement", &format!("{framework}:{criterion}")),
        "control-id": token(criterion),
        "description": paragraphs(says),
        "props": props,
        "responsible-roles": roles(&owners),
    });
    set_remarks(&mut requirement, unseen);
    requirement
}

/// What the controls cannot see, beside what they are there for.
fn set_remarks(requirement: &mut Value, unseen: Vec<String>) {
    if !unseen.is_empty() {
        let heading = "What the controls cannot see:".to_owned();
        requirement["remarks"] = json!(paragraphs(std::iter::once(heading).chain(unseen)));
    }
}

fn roles(owners: &BTreeSet<Role>) -> Vec<Value> {
    owners.iter().map(|role| json!({ "role-id": role.as_str() })).collect()
}
