//! Makes events that are real: each is read back as the event that it says it is.
//!
//! In texts `#name` stands for the id of that name, `%name` for a digest and `@time` for a time.

use comptroller_compliance::control::Control;
use comptroller_compliance::digest;
use comptroller_compliance::window::{History, Journal, LedgerPosition, Needs, Record};
use comptroller_core::{Event, Timestamp};
use serde_json::{Map, Value, json};

/// An event of a made journal.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) stream: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// The id of a name.
pub(crate) fn id(name: &str) -> String {
    let hex = digest::of_bytes(name.as_bytes()).to_string();
    format!("{}-{}-7{}-8{}-{}", &hex[0..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// A time: `2026-02-01`, `2026-02-01T10:00` or RFC 3339.
pub(crate) fn time(text: &str) -> Timestamp {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => text.to_owned(),
    };
    whole.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An event by `by`, with what `fields` say and the rest as in [`template`].
pub(crate) fn made(at: Timestamp, by: &str, kind: &str, fields: &[(&str, Value)]) -> Made {
    let mut data = template(kind);
    let mut system = "#s1".to_owned();
    for (path, value) in fields {
        if *path == "system" {
            value.as_str().unwrap_or("#s1").clone_into(&mut system);
            // Events that do not name the system stand in its stream.
            if data.get("system").is_none() {
                continue;
            }
        }
        set(&mut data, path, value.clone());
    }
    let data = named(&data);
    let event = Event::from_parts(kind, &data).unwrap_or_else(|error| panic!("{kind}: {error} in {data}"));
    let (kind, data) = event.to_parts().unwrap();
    let actor = if by == "system" { by.to_owned() } else { format!("principal/{}", id(by)) };
    let system = named(&json!(system));
    let stream = system.as_str().map_or_else(|| "org".to_owned(), |id| format!("system/{id}"));
    Made { at, actor, stream, kind, data }
}

fn set(data: &mut Value, path: &str, value: Value) {
    let mut here = data;
    for part in path.split('.') {
        here = here.as_object_mut().unwrap().entry(part).or_insert(Value::Null);
    }
    *here = value;
}

/// With ids, digests and times in the place of their names.
fn named(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "null" => Value::Null,
        Value::String(text) => json!(named_text(text)),
        Value::Array(items) => Value::Array(items.iter().map(named).collect()),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, value)| (key.clone(), named(value))).collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

fn named_text(text: &str) -> String {
    if let Some(at) = text.strip_prefix('@') {
        return time(at).to_string();
    }
    if let Some(name) = text.strip_prefix('%') {
        return digest::of_bytes(name.as_bytes()).to_string();
    }
    match text.split_once('#') {
        Some((before, name)) => format!("{before}{}", id(name)),
        None => text.to_owned(),
    }
}

/// An ordinary event of each type.
fn template(kind: &str) -> Value {
    match kind {
        "role.granted" | "role.revoked" => json!({ "principal": "#bob", "role": "approver", "system": null }),
        "token.issued" => json!({ "token": "#t1", "principal": "#bob", "environment": null,
            "expires_at": "@2026-03-01", "label": "laptop", "origin": "sign-in" }),
        "service_account.added" => json!({ "principal": "#bot", "slug": "bot" }),
        "principal.disabled" => json!({ "principal": "#bob" }),
        "factor.used" => json!({ "factor": "#f1", "kind": "totp", "subject": "approval/#a1" }),
        "vendor.registered" => json!({ "vendor": "#vd1", "slug": "vendor" }),
        "system.registered" => json!({ "system": "#s1", "slug": "scoring", "kind": "own", "status": "in-use",
            "owner_team": "#team", "vendor": null }),
        "system.updated" => {
            json!({ "system": "#s1", "status": null, "owner_team": null, "text_changed": false })
        }
        "system.linked" => {
            json!({ "system": "#s1", "relation": "depends-on", "to_system": "#s2", "to_vendor": null })
        }
        "system.classified" => json!({ "system": "#s1", "tier": "limited", "previous": null }),
        "dataset.registered" => json!({ "dataset": "#ds1", "slug": "people", "owner_team": "#team" }),
        "dataset_version.registered" => json!({ "dataset_version": "#dv1", "dataset": "#ds1", "label": "1",
            "files": [{ "name": "a.csv", "digest": "%a", "bytes": 3 }], "rows": 7, "licence": "CC0",
            "collection": "survey", "legal_basis": "consent", "personal_data": [], "retention_days": null,
            "derived_from": [], "record_digest": "%record" }),
        "artifact.stored" => {
            json!({ "upload": "#u1", "digest": "%m", "bytes": 3, "media_type": "text/plain", "parts": 1 })
        }
        "version.registered" => json!({ "version": "#v1", "facts": { "model": "#m1", "label": "1",
            "builders": ["#dev"], "artifacts": [{ "name": "m.bin", "digest": "%m", "bytes": 3 }],
            "training_started": "@2026-01-01", "training_ended": "@2026-01-02", "code_commit": "0123abcd",
            "datasets": [{ "dataset_version": "#dv1", "purpose": "training" }], "metrics": {},
            "record_digest": "%record", "seed": null } }),
        "evidence.recorded" => {
            json!({ "evidence": "#e1", "kind": "evaluation", "system": "#s1", "version": "#v1",
            "subject": "%files", "document": null, "observed_at": "@2025-12-31", "passed": true, "measures": {} })
        }
        "evidence.withdrawn" => json!({ "evidence": "#e1" }),
        "decision.recorded" => json!({ "decision": "#dc1", "action": "deploy", "resource": "version/#v1",
            "environment": "production", "outcome": "allow", "bundle": "%bundle", "facts": {}, "rules": [] }),
        "approval.requested" => json!({ "approval": "#a1", "version": "#v1", "environment": "production",
            "artifacts": "%files", "bundle": "%bundle", "plan": {}, "evidence": [], "tier": null, "fired": [],
            "nonce": "n", "expires_at": "@2026-12-01" }),
        "approval.voted" => {
            json!({ "approval": "#a1", "voter": "#ann", "vote": "approve", "decision": "#dc2" })
        }
        "deployment.created" => {
            json!({ "deployment": "#d1", "system": "#s1", "model": "#m1", "version": "#v1",
            "environment": "production", "kind": "deploy", "artifacts": "%files", "approval": "#a1",
            "decision": "#dc1", "replaces": null, "drill": null })
        }
        "rollback.drilled" => {
            json!({ "drill": "#dr1", "system": "#s1", "environment": "staging", "from": "#d1",
            "to": "#d0", "restored": "#d2", "verified_artifacts": 1, "millis": 900 })
        }
        "runtime.reported" => json!({ "system": "#s1", "environment": "production", "instance": "one",
            "loaded": "%files", "expected": "%files", "matches": true }),
        "predictions.sealed" => {
            json!({ "block": "#b1", "records": "prediction", "system": "#s1", "version": "#v1",
            "environment": "production", "day": 20_484, "rows": 9, "root": "%root", "digest": "%block", "bytes": 99,
            "filter_bytes": 9, "first_at": "@2026-01-31", "last_at": "@2026-01-31" })
        }
        "baseline.set" => {
            json!({ "baseline": "#bl1", "system": "#s1", "version": "#v1", "profile": "%profile",
            "rows": 99, "columns": 3, "watch_ppm": 1, "investigate_ppm": 2, "rollback_ppm": 3 })
        }
        "window.judged" => {
            json!({ "system": "#s1", "version": "#v1", "environment": "production", "day": 20_484,
            "baseline": "#bl1", "rows": 9, "labelled": 0, "coefficient_ppm": 5, "band": "normal", "pillar": null,
            "through": 1, "labels_through": 0 })
        }
        "waiver.requested" => {
            json!({ "waiver": "#w1", "rule": "r", "version": "#v1", "environment": "production",
            "owner": "#own", "ticket": "T-1", "expires_at": "@2026-04-01" })
        }
        "waiver.decided" => {
            json!({ "waiver": "#w1", "approver": "#ann", "vote": "approve", "decision": "#dc3" })
        }
        "alarm.raised" => {
            json!({ "alarm": "#al1", "system": "#s1", "version": "#v1", "environment": "production",
            "topic": "drift", "day": 20_484, "since": 20_480, "band": "rollback", "pillar": "concept",
            "coefficient_ppm": 612_345, "playbook": "concept-drift", "breaches": 2, "windows": 3, "again": false })
        }
        "alarm.acknowledged" => json!({ "alarm": "#al1", "system": "#s1" }),
        "alarm.cleared" => json!({ "alarm": "#al1", "system": "#s1", "day": 20_485 }),
        "emergency.opened" => json!({ "emergency": "#em1", "system": "#s1", "version": "#v1",
            "environment": "production", "ticket": "T-1", "decision": "#dc4", "expires_at": "@2026-02-01T13:00" }),
        "emergency.confirmed" => json!({ "emergency": "#em1", "confirmed_by": "#ann", "decision": "#dc5",
            "review_due_at": "@2026-02-03T09:30" }),
        "emergency.used" => json!({ "emergency": "#em1", "deployment": "#d1", "bypassed": [] }),
        "emergency.reviewed" => {
            json!({ "emergency": "#em1", "reviewer": "#eve", "justified": true, "decision": "#dc6" })
        }
        "incident.opened" => {
            json!({ "incident": "#i1", "system": "#s1", "cause": "drift", "subject": "version/#v1" })
        }
        "incident.closed" => json!({ "incident": "#i1", "system": "#s1" }),
        "operation.decided" => {
            json!({ "deployment": "#d1", "system": "#s1", "decision": "#dc7", "outcome": "allow",
            "previous": null, "trigger": "day", "asks_for": null, "lapses_at": null, "rules": [], "began": [] })
        }
        "policy.proposed" => {
            json!({ "proposal": "#p1", "bundle": "%bundle", "tests_passed": true, "new": true })
        }
        "policy.analysed" => {
            json!({ "proposal": "#p1", "bundle": "%bundle", "against": "%old", "verdict": "stricter",
            "invariants_violated": 0, "invariants_unproven": 0, "rules_may_err": 0, "rules_unproven": 0,
            "report": "%report", "solver": null })
        }
        "policy.voted" => {
            json!({ "proposal": "#p1", "voter": "#ann", "vote": "approve", "decision": "#dc8" })
        }
        "policy.activated" => json!({ "proposal": "#p1", "bundle": "%bundle", "previous": "%old",
            "verdict": "stricter", "decision": "#dc9" }),
        "subject_request.opened" => json!({ "request": "#sr1", "subject": "#su1", "kind": "access",
            "received_at": "@2026-02-01", "due_at": "@2026-03-02",
            "clock": { "framework": "gdpr", "row": "12.3", "data": "%gdpr" } }),
        "subject_request.extended" => json!({ "request": "#sr1", "subject": "#su1", "due_at": "@2026-05-02",
            "clock": { "framework": "gdpr", "row": "12.3.ext", "data": "%gdpr" } }),
        "subject_request.closed" => {
            json!({ "request": "#sr1", "subject": "#su1", "outcome": "fulfilled" })
        }
        "audit.engaged" => {
            json!({ "engagement": "#en1", "auditor": "#eve", "terms": { "frameworks": ["soc2"],
            "systems": [], "from": "@2026-01-01", "to": "@2027-01-01", "until": "@2027-02-01" } })
        }
        "audit.ended" => json!({ "engagement": "#en1" }),
        "evidence_request.opened" => json!({ "request": "#er1", "engagement": "#en1", "control": null,
            "criterion": null, "due_at": "@2026-02-11" }),
        "evidence_request.answered" => {
            json!({ "request": "#er1", "evidence": [], "entries": [3], "pack": null })
        }
        "evidence_request.withdrawn" => json!({ "request": "#er1" }),
        "subject.erased" => json!({ "subject": "subject/#su1", "basis": "subject-request", "payloads": 2,
            "versions": [], "key_backups_expire_at": null }),
        "hold.placed" => json!({ "hold": "#h1", "system": "#s1", "version": null, "owner": "#own" }),
        "hold.released" => json!({ "hold": "#h1", "system": null }),
        "data.purged" => {
            json!({ "class": "note", "artifact": null, "entries": [3], "age_days": 400, "rules": ["r"] })
        }
        "record.read" => json!({ "kind": "audit-log", "resource": "org/own", "count": 1 }),
        "evidence.exported" => json!({ "size": 9, "root": "%root", "disclosed": 0 }),
        "ledger.stream_heads" => json!({ "root": "%root", "streams": 2, "size": 9 }),
        "ledger.key_rotated" => json!({}),
        "ledger.key_retired" => json!({ "old_vkey": "a", "new_vkey": "b" }),
        "ledger.timestamped" => json!({ "size": 9, "authority": "TSA", "token": "%token" }),
        "control.adopted" | "control.retired" => json!({ "control": "CTL-CHANGE-02", "definition": "%none" }),
        "control.changed" => {
            json!({ "control": "CTL-CHANGE-02", "definition": "%none", "previous": "%none" })
        }
        "exception.noted" => {
            json!({ "exception": "%none", "control": "CTL-CHANGE-02", "step": "remediation" })
        }
        _ => panic!("no template for {kind}"),
    }
}

/// A control is put in operation.
pub(crate) fn adopted(at: Timestamp, control: &Control) -> Made {
    let fields = [("control", json!(control.id)), ("definition", json!(control.digest.as_str()))];
    made(at, "owner", "control.adopted", &fields)
}

/// The journal and the history of events in the order of their times.
pub(crate) fn journal(events: &[Made], controls: &[&Control]) -> (Journal, History, LedgerPosition) {
    let mut journal = Journal::new(&Needs::of(controls.iter().copied()));
    let mut history = History::default();
    for control in controls {
        history.define((*control).clone());
    }
    let mut sorted: Vec<&Made> = events.iter().collect();
    sorted.sort_by_key(|event| event.at);
    for (index, event) in (0..).zip(&sorted) {
        let record = Record {
            index,
            at: event.at,
            kind: &event.kind,
            actor: &event.actor,
            stream: &event.stream,
            data: &event.data,
        };
        journal.push(&record);
        history.push(&record);
    }
    let position = LedgerPosition { size: sorted.len() as u64, root: digest::of_bytes(b"root") };
    (journal, history, position)
}
