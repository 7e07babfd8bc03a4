//! OSCAL plan of action and milestones: an item for each exception of the window, open or closed, with what was
//! observed, the risk, and what is on record about it.
//!
//! A risk has the `deadline` of the last remediation on record that has one, and else none: an exception by itself has no
//! time until which it must be put right. Since when something was missing, until when the control is expected next, and
//! when each step was recorded are facts and stand there. What is not on record is not planned here either.

use super::text::{markup, multiline, paragraphs};
use super::{OscalSource, prop, set};
use comptroller_compliance::window::history::ExceptionNote;
use comptroller_compliance::window::{ControlException, ControlResult};
use comptroller_core::Role;
use comptroller_core::vocab::ExceptionStep;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The document; none if there is no exception.
pub(super) fn document(source: &OscalSource<'_>) -> Option<Value> {
    let (tool, origins) = source.tool();
    let (mut observations, mut risks, mut items) = (Vec::new(), Vec::new(), Vec::new());
    let mut owners = BTreeSet::new();
    for control in &source.result.controls {
        for exception in &control.exceptions {
            owners.insert(control.owner);
            let (observed, of) = (observation(source, control, exception, &origins), exception.id.as_str());
            let related = json!([{ "observation-uuid": observed["uuid"] }]);
            let mut risk = risk(source, control, exception, &origins);
            risk["related-observations"] = related.clone();
            let mut item = json!({
                "uuid": source.subject_uuid("poam-item", of),
                "title": format!("Exception of {}", markup(&control.id)),
                "description": markup(&control.title),
                "props": facts(control, exception),
                "origins": origins,
                "related-observations": related,
                "related-risks": [{ "risk-uuid": risk["uuid"] }],
            });
            if let Some(next) = &control.next_due {
                let next =
                    [prop("next-occurrence", &next.occurrence), prop("next-due", &next.at.to_string())];
                item["props"].as_array_mut().into_iter().for_each(|props| props.extend(next.clone()));
            }
            observations.push(observed);
            risks.push(risk);
            items.push(item);
        }
    }
    if items.is_empty() {
        return None;
    }
    Some(json!({ "plan-of-action-and-milestones": {
        "uuid": source.document_uuid("poam"),
        "metadata": source.metadata("Exceptions of controls and what is on record about them", &owners),
        "system-id": { "identifier-type": super::NAMESPACE, "id": source.org },
        "local-definitions": { "components": [tool] },
        "observations": observations,
        "risks": risks,
        "poam-items": items,
    } }))
}

fn facts(control: &ControlResult, exception: &ControlException) -> Vec<Value> {
    let mut props = vec![
        prop("exception", exception.id.as_str()),
        prop("control", &control.id),
        prop("owner", control.owner.as_str()),
        prop("occurrence", &exception.occurrence),
        prop("occurred", &exception.at.to_string()),
        prop("since", &exception.since.to_string()),
    ];
    props.extend(exception.closed.map(|at| prop("closed", &at.to_string())));
    props.extend(control.serves.iter().map(|serves| prop("criterion", &serves.criterion)));
    props
}

fn observation(
    source: &OscalSource<'_>,
    control: &ControlResult,
    exception: &ControlException,
    origins: &Value,
) -> Value {
    let mut props = vec![prop("control", &control.id), prop("occurrence", &exception.occurrence)];
    let mut says = Vec::new();
    for cause in &exception.causes {
        props.push(prop("test", &cause.test));
        props.extend(cause.shown_by.iter().map(|entry| prop("entry", &entry.to_string())));
        let late = cause.late.map_or_else(String::new, |at| format!(" It was there on {at}."));
        says.push(format!("{}.{late}", markup(&cause.says)));
    }
    json!({
        "uuid": source.subject_uuid("observation", exception.id.as_str()),
        "description": paragraphs(says),
        "props": props,
        "methods": ["TEST"],
        "origins": origins,
        "relevant-evidence": [{
            "href": format!("populations/{}.csv", control.id),
            "description": "Every expected occurrence, with the entries that show it.",
        }],
        "collected": source.result.evidence_until.to_string(),
        "remarks": paragraphs(control.blind_spots.iter().map(|spot| markup(spot))),
    })
}

/// The risk of an exception, with the log of what happened about it; the same in assessment results and plan.
pub(super) fn risk(
    source: &OscalSource<'_>,
    control: &ControlResult,
    exception: &ControlException,
    origins: &Value,
) -> Value {
    let causes: Vec<String> = exception.causes.iter().map(|cause| markup(&cause.says)).collect();
    let mut props = vec![
        prop("exception", exception.id.as_str()),
        prop("control", &exception.control),
        prop("occurrence", &exception.occurrence),
        prop("since", &exception.since.to_string()),
    ];
    props.extend(exception.closed.map(|at| prop("closed", &at.to_string())));
    let mut risk = json!({
        "uuid": source.subject_uuid("risk", exception.id.as_str()),
        "title": format!("Exception of {}", markup(&exception.control)),
        "description": paragraphs(causes),
        "statement": format!("The control is there to prevent: {}", markup(&exception.effect)),
        "props": props,
        "status": if exception.closed.is_some() { "closed" } else { "open" },
        "origins": origins,
        "risk-log": { "entries": log(source, exception) },
    });
    if let Some(due) = notes(source, exception).iter().rev().find_map(|note| note.due_at) {
        risk["deadline"] = json!(due.to_string());
    }
    set(&mut risk, "remediations", remediations(source, exception, control.owner));
    risk
}

/// What happened about an exception, in the order of time.
fn log(source: &OscalSource<'_>, exception: &ControlException) -> Vec<Value> {
    let id = exception.id.as_str();
    let mut entries = vec![(
        exception.since,
        json!({
            "uuid": source.subject_uuid("risk-log", &format!("{id}/open")),
            "title": "Exception",
            "description": "Since then what was asked for was missing.",
            "start": exception.since.to_string(),
            "status-change": "open",
        }),
    )];
    for note in notes(source, exception) {
        let mut entry = json!({
            "uuid": source.subject_uuid("risk-log", &format!("{id}/{}", note.index)),
            "title": format!("Recorded: {}", note.step),
            "description": said(source, note),
            "start": note.at.to_string(),
            "props": of_note(note),
            "links": opening(note),
        });
        if note.step == ExceptionStep::Remediation {
            entry["related-responses"] = json!([{ "response-uuid": response_uuid(source, note) }]);
        }
        entries.push((note.at, entry));
    }
    if let Some(closed) = exception.closed {
        entries.push((
            closed,
            json!({
                "uuid": source.subject_uuid("risk-log", &format!("{id}/closed")),
                "title": "Closed",
                "description": "What was missing was there, or a retest that passed is on record.",
                "start": closed.to_string(),
                "status-change": "closed",
            }),
        ));
    }
    // A note and what it brings about may have one time; the order of making is then that of reading.
    entries.sort_by_key(|(at, _)| *at);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// The remediations on record, each dated by its entry and with the role that answers for the control.
fn remediations(source: &OscalSource<'_>, exception: &ControlException, owner: Role) -> Vec<Value> {
    let mut all = Vec::new();
    for note in notes(source, exception).iter().filter(|note| note.step == ExceptionStep::Remediation) {
        let uuid = response_uuid(source, note);
        let task = json!({
            "uuid": source.subject_uuid("task", &note.index.to_string()),
            "type": "action",
            "title": "Remediation as recorded",
            "timing": timing(note),
            "responsible-roles": [{ "role-id": owner.as_str() }],
        });
        all.push(json!({
            "uuid": uuid,
            // What is recorded without a time is what was done; whether it helped is for a retest to say.
            "lifecycle": if note.due_at.is_some() { "planned" } else { "completed" },
            "title": "Remediation on record",
            "description": said(source, note),
            "props": of_note(note),
            "links": opening(note),
            "tasks": [task],
        }));
    }
    all
}

/// When a remediation was recorded, and until when it is due.
fn timing(note: &ExceptionNote) -> Value {
    let at = note.at.to_string();
    match note.due_at {
        Some(due) => json!({ "within-date-range": { "start": at, "end": due.to_string() } }),
        None => json!({ "on-date": { "date": at, "remarks": "When it was recorded." } }),
    }
}

fn notes<'a>(source: &OscalSource<'a>, exception: &ControlException) -> &'a [ExceptionNote] {
    source.result.notes.get(&exception.id).map_or(&[], Vec::as_slice)
}

fn response_uuid(source: &OscalSource<'_>, note: &ExceptionNote) -> String {
    source.subject_uuid("response", &note.index.to_string())
}

/// What a note says, if it may be shown.
fn said(source: &OscalSource<'_>, note: &ExceptionNote) -> String {
    let erased = || "What was recorded is not readable any more, or may not be shown.".to_owned();
    source.notes.get(&note.index).map_or_else(erased, |text| multiline(text))
}

fn of_note(note: &ExceptionNote) -> Value {
    json!([prop("entry", &note.index.to_string()), prop("actor", &note.actor)])
}

/// The file of the pack in which the private part of the entry is opened.
fn opening(note: &ExceptionNote) -> Value {
    json!([{ "href": format!("../openings/{}.json", note.index), "rel": "reference" }])
}
