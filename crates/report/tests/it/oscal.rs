//! The documents of OSCAL are valid to others: to NIST's JSON schema and to `compliance-trestle`.

use crate::year::Tested;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// A JSON pointer, and what a document is broken by there.
type Damage = (&'static str, fn(&mut Value, &str));

/// Whether the schema and trestle each refuse a document.
type Verdict = (Option<String>, Option<String>);

#[test]
fn the_year_has_exceptions_of_each_kind() {
    let tested = Tested::new(7);
    let exceptions: Vec<_> = tested.result.controls.iter().flat_map(|control| &control.exceptions).collect();
    let open = exceptions.iter().filter(|one| one.closed.is_none()).count();
    let late = exceptions.iter().filter(|one| one.causes.iter().all(|cause| cause.late.is_some())).count();
    assert!(open >= 1 && late >= 1 && exceptions.len() > open + late, "{exceptions:?}");
    let documents = tested.documents();
    assert_eq!(documents.len(), 4);
    let plan = &documents["oscal-poam.json"]["plan-of-action-and-milestones"];
    assert_eq!(plan["poam-items"].as_array().unwrap().len(), exceptions.len());
    let frameworks = documents["oscal-mapping-collection.json"]["mapping-collection"]["mappings"].as_array();
    assert_eq!(frameworks.unwrap().len(), 7, "all that ship");
    assert_eq!(documents, Tested::new(7).documents(), "the same bytes");
    for (name, document) in &documents {
        let (mut here, mut named) = (BTreeSet::new(), BTreeSet::new());
        uuids("", document, &mut here, &mut named);
        assert!(named.is_subset(&here), "{name}: {:?}", named.difference(&here));
        assert!(!named.is_empty(), "{name}");
    }
}

/// The UUIDs that things of a document have, and those by which it refers to things of its own.
fn uuids<'d>(key: &str, value: &'d Value, here: &mut BTreeSet<&'d str>, named: &mut BTreeSet<&'d str>) {
    match value {
        Value::String(text) if key == "uuid" => {
            here.insert(text);
        }
        Value::String(text) if key.ends_with("-uuid") => {
            named.insert(text);
        }
        Value::String(text) if matches!(key, "href" | "source") => named.extend(text.strip_prefix('#')),
        Value::Array(items) => items.iter().for_each(|item| uuids(key, item, here, named)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| uuids(key, field, here, named)),
        _ => {}
    }
}

#[test]
fn others_accept_every_document_and_refuse_a_damaged_one() {
    let Some((python, schema)) = judges() else { return };
    let folder = tempfile::tempdir().unwrap();
    for seed in [7, 8, 9] {
        let documents = Tested::new(seed).documents();
        let cases = documents.iter().map(|(name, document)| ((*name).to_owned(), document.clone()));
        for (name, verdict) in judge(&python, &schema, folder.path(), cases) {
            assert_eq!(verdict, (None, None), "{name} of seed {seed}");
        }
    }
    let mut cases = Vec::new();
    for (name, document) in Tested::new(7).documents() {
        for (number, (pointer, damage)) in damages(name).into_iter().enumerate() {
            let mut broken = document.clone();
            damage(&mut broken, pointer);
            assert_ne!(broken, document, "{name} {pointer} was not damaged");
            cases.push((format!("{number}-{name}"), broken));
        }
    }
    let count = cases.len();
    let verdicts = judge(&python, &schema, folder.path(), cases.into_iter());
    assert_eq!((verdicts.len(), count), (count, 24));
    for (name, (schema, trestle)) in verdicts {
        // That an id is there twice is no matter of a JSON schema.
        assert_eq!(schema.is_some(), !name.starts_with("5-"), "{name}: {schema:?}");
        assert!(trestle.is_some(), "{name} is accepted");
    }
}

/// The ways in which each document is broken; the sixth is for trestle alone.
fn damages(name: &str) -> [Damage; 6] {
    let (root, inside, required, twice) = match name {
        "oscal-assessment-results.json" => (
            "/assessment-results",
            "/assessment-results/results/0/observations/0",
            "methods",
            "/assessment-results/results/0/uuid",
        ),
        "oscal-component-definition.json" => (
            "/component-definition",
            "/component-definition/components/0/control-implementations/0/implemented-requirements/0",
            "control-id",
            "/component-definition/components/0/uuid",
        ),
        "oscal-mapping-collection.json" => (
            "/mapping-collection",
            "/mapping-collection/mappings/0/maps/0",
            "relationship",
            "/mapping-collection/mappings/0/uuid",
        ),
        "oscal-poam.json" => (
            "/plan-of-action-and-milestones",
            "/plan-of-action-and-milestones/risks/0",
            "statement",
            "/plan-of-action-and-milestones/poam-items/0/uuid",
        ),
        other => panic!("no damage for {other}"),
    };
    // Leaked once per test run: the pointers are few.
    let required: &'static str = Box::leak(format!("{inside}/{required}").into_boxed_str());
    let metadata: &'static str = Box::leak(format!("{root}/metadata/last-modified").into_boxed_str());
    let uuid: &'static str = Box::leak(format!("{inside}/uuid").into_boxed_str());
    [
        (required, |document, pointer| {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        }),
        (inside, |document, pointer| document.pointer_mut(pointer).unwrap()["verdict"] = json!("effective")),
        // A UUID of version 8, which OSCAL does not know.
        (uuid, |document, pointer| {
            let uuid = document.pointer_mut(pointer).unwrap();
            let mut text = uuid.as_str().unwrap().to_owned();
            text.replace_range(14..15, "8");
            *uuid = json!(text);
        }),
        (metadata, |document, pointer| *document.pointer_mut(pointer).unwrap() = json!("2027-01-15")),
        (inside, |document, pointer| document.pointer_mut(pointer).unwrap()["props"] = json!([])),
        (twice, |document, pointer| {
            let root = document.as_object().unwrap().values().next().unwrap()["uuid"].clone();
            *document.pointer_mut(pointer).unwrap() = root;
        }),
    ]
}

/// The Python with the validators, and NIST's schema; without them the test is skipped, but for CI, which must have them.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn judges() -> Option<(String, String)> {
    let names = ["COMPTROLLER_TEST_OSCAL", "COMPTROLLER_TEST_OSCAL_SCHEMA"];
    let [python, schema] = names.map(|name| std::env::var(name).ok());
    let both = python.zip(schema);
    if both.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI needs {names:?}");
        eprintln!("SKIPPED: {names:?} are not set");
    }
    both
}

fn judge(
    python: &str,
    schema: &str,
    folder: &Path,
    documents: impl Iterator<Item = (String, Value)>,
) -> BTreeMap<String, Verdict> {
    let mut files = Vec::new();
    for (name, document) in documents {
        let path = folder.join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        files.push(path);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/foreign/oscal.py");
    let ended = Command::new(python).arg("-B").args([script, schema]).args(&files).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    let verdicts: BTreeMap<String, Verdict> = said.lines().map(|line| verdict(line, &complaint)).collect();
    assert_eq!(verdicts.len(), files.len(), "{said}{complaint}");
    let refused = verdicts.values().any(|(schema, trestle)| schema.is_some() || trestle.is_some());
    assert_eq!(ended.status.code(), Some(i32::from(refused)), "{complaint}");
    verdicts
}

fn verdict(line: &str, complaint: &str) -> (String, Verdict) {
    let said: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}{complaint}"));
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    (text("file").unwrap(), (text("schema"), text("trestle")))
}
