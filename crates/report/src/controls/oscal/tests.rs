//! What stands in the documents and what never does. Others judge their form: see `tests/it`.

use super::*;
use crate::controls::tests::result;
use comptroller_compliance::control::shipped;
use comptroller_compliance::window::history::{ControlChange, ExceptionNote};
use serde_json::json;

/// Keys by which OSCAL states how well something is done.
const CONCLUDING: [&str; 6] =
    ["findings", "attestations", "objective-status", "implementation-status", "coverage", "confidence-score"];

/// Everything that documents are made of, to change and to look at.
struct Kit {
    result: WindowResult,
    samples: Vec<Sample>,
    definitions: BTreeMap<Digest, Control>,
    frameworks: Catalogue,
    notes: BTreeMap<u64, String>,
}

impl Kit {
    fn new() -> Self {
        let mut result = result();
        let (note, change) = (
            json!({ "index": 8, "at": "2026-03-01T00:00:00.000000Z", "step": "remediation", "actor": "principal/a" }),
            json!({ "index": 1, "at": result.from, "kind": "adopted", "definition": digest::of_bytes(b"d"),
                "actor": "principal/a" }),
        );
        let note: ExceptionNote = serde_json::from_value(note).unwrap();
        let change: ControlChange = serde_json::from_value(change).unwrap();
        result.controls[0].changes.push(change);
        result.notes.insert(result.controls[0].exceptions[0].id.clone(), vec![note]);
        let control = shipped().unwrap().get("CTL-CHANGE-02").unwrap().clone();
        Self {
            result,
            samples: Vec::new(),
            definitions: [(digest::of_bytes(b"d"), control)].into(),
            frameworks: Catalogue::builtin().unwrap(),
            notes: [(8, "rolled *back*\n# and reviewed".to_owned())].into(),
        }
    }

    fn documents(&self) -> BTreeMap<&'static str, Value> {
        oscal_documents(&OscalSource {
            org: "0198c1f0-0000-7000-8000-000000000001",
            result: &self.result,
            samples: &self.samples,
            definitions: &self.definitions,
            frameworks: &self.frameworks,
            notes: &self.notes,
            made: Timestamp::from_micros(0),
        })
    }
}

/// Calls `see` with each value and its key.
fn walk<'a>(key: &'a str, value: &'a Value, see: &mut dyn FnMut(&'a str, &'a Value)) {
    see(key, value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(key, item, see)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| walk(key, field, see)),
        _ => {}
    }
}

/// INVARIANT (no-conclusion): no document has a place for one, and none of our words is one.
#[test]
fn no_document_concludes() {
    for (name, document) in Kit::new().documents() {
        walk("", &document, &mut |key, value| {
            assert!(!CONCLUDING.contains(&key), "{name}: {key}");
            let text = value.as_str().unwrap_or_default().to_lowercase();
            for word in ["effective", "satisfied", "compliant", "qualified"] {
                assert!(!text.contains(word), "{name}: {text}");
            }
        });
    }
}

#[test]
fn what_is_referred_to_is_there_and_ids_are_stable() {
    let kit = Kit::new();
    let documents = kit.documents();
    assert_eq!(documents.len(), 4);
    assert_eq!(documents, kit.documents());
    for (name, document) in &documents {
        let (mut here, mut named) = (Vec::new(), Vec::new());
        walk("", document, &mut |key, value| {
            assert!(!value.as_array().is_some_and(Vec::is_empty), "{name}: an empty {key}");
            let Some(text) = value.as_str() else { return };
            match key {
                "uuid" => {
                    assert!(text.len() == 36 && &text[14..15] == "4" && &text[19..20] == "a", "{text}");
                    here.push(text);
                }
                "href" | "source" => named.extend(text.strip_prefix('#')),
                key if key.ends_with("-uuid") => named.push(text),
                _ => {}
            }
        });
        assert!(!here.is_empty());
        for uuid in &named {
            assert_eq!(here.iter().filter(|other| other == &uuid).count(), 1, "{name}: {uuid}");
        }
        let count = here.len();
        here.sort_unstable();
        here.dedup();
        assert_eq!(here.len(), count, "{name}: an id twice");
    }
}

#[test]
fn a_later_log_makes_other_documents_about_the_same_things() {
    let kit = Kit::new();
    let mut later = Kit::new();
    later.result.ledger.root = digest::of_bytes(b"later");
    let of = |kit: &Kit| {
        kit.documents().remove("oscal-poam.json").unwrap()["plan-of-action-and-milestones"].take()
    };
    let (one, two) = (of(&kit), of(&later));
    assert_ne!(one["uuid"], two["uuid"]);
    assert_eq!(one["risks"][0]["uuid"], two["risks"][0]["uuid"]);
    // Assessment results and plan speak of one risk.
    let results = &kit.documents()["oscal-assessment-results.json"]["assessment-results"]["results"][0];
    assert_eq!(results["risks"][0]["uuid"], one["risks"][0]["uuid"]);
}

#[test]
fn a_component_shows_what_each_control_is_there_for_and_cannot_see() {
    let documents = Kit::new().documents();
    let component = &documents["oscal-component-definition.json"]["component-definition"]["components"][0];
    assert_eq!(component["type"], "process-procedure");
    let requirement = &component["control-implementations"][0]["implemented-requirements"][0];
    assert_eq!(requirement["control-id"], "CC8.1");
    let props = requirement["props"].as_array().unwrap();
    let of = |name: &str| props.iter().find(|prop| prop["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(of("criterion")["value"], "soc2:CC8.1");
    assert_eq!(
        (&of("relationship")["value"], &of("relationship")["remarks"]),
        (&json!("subset-of"), &json!("b"))
    );
    assert_eq!(of("relationship")["group"], of("control")["value"]);
    assert_eq!(of("cadence")["value"], "on x.y");
    assert!(of("evidence")["value"].as_str().unwrap().contains('.'));
    assert!(requirement["description"].as_str().unwrap().starts_with("Asked for, in our own words: "));
    assert!(requirement["remarks"].as_str().unwrap().ends_with("CTL-X-01: It sees nothing else."));
}

#[test]
fn a_mapping_has_the_words_of_the_model_and_names_what_nothing_is_mapped_to() {
    let mut kit = Kit::new();
    let relations = [
        (Relation::Equal, "equal-to"),
        (Relation::Subset, "subset-of"),
        (Relation::Superset, "superset-of"),
        (Relation::Intersects, "intersects-with"),
    ];
    for (relation, word) in relations {
        kit.result.controls[0].serves[0].relation = relation;
        let documents = kit.documents();
        let collection = &documents["oscal-mapping-collection.json"]["mapping-collection"];
        let mapping = &collection["mappings"][0];
        assert_eq!(mapping["maps"][0]["relationship"], word);
        assert_eq!(mapping["maps"][0]["sources"][0]["id-ref"], "CTL-X-01");
        let gaps = mapping["target-gap-summary"]["unmapped-controls"][0]["with-ids"].as_array().unwrap();
        // 61 criteria, one of which is mapped.
        assert_eq!(gaps.len(), 60);
        assert!(!gaps.contains(&json!("CC8.1")) && gaps.contains(&json!("CC7.1")), "{gaps:?}");
    }
    // Of a framework that was not asked about not all controls are at hand, so that its gaps would be none.
    let other = Serves { criterion: "gdpr:32".to_owned(), ..kit.result.controls[0].serves[0].clone() };
    kit.result.controls[0].serves.push(other);
    assert_eq!(kit.result.framework.as_deref(), Some("soc2"));
    let count = |kit: &Kit, name: &str, pointer: &str| {
        kit.documents()[name].pointer(pointer).unwrap().as_array().unwrap().len()
    };
    let mappings = ("oscal-mapping-collection.json", "/mapping-collection/mappings");
    let sets = "/component-definition/components/0/control-implementations";
    assert_eq!(count(&kit, mappings.0, mappings.1), 1);
    assert_eq!(count(&kit, "oscal-component-definition.json", sets), 1);
    kit.result.framework = None;
    assert_eq!(count(&kit, mappings.0, mappings.1), 2);
    kit.result.controls[0].serves.truncate(1);
    kit.result.controls[0].serves[0].criterion = "own-rules:4 (b)".to_owned();
    let documents = kit.documents();
    let mapping = &documents["oscal-mapping-collection.json"]["mapping-collection"]["mappings"][0];
    assert_eq!(mapping["maps"][0]["targets"][0]["id-ref"], "_4-.b");
    assert_eq!(mapping["maps"][0]["targets"][0]["props"][0]["value"], "own-rules:4 (b)");
    assert!(mapping.get("target-gap-summary").is_none(), "nobody knows what else it asks");
}

#[test]
fn a_plan_has_what_is_on_record_and_no_more() {
    let mut kit = Kit::new();
    let plan = kit.documents().remove("oscal-poam.json").unwrap()["plan-of-action-and-milestones"].take();
    let risk = &plan["risks"][0];
    assert_eq!((&risk["status"], risk.get("deadline")), (&json!("open"), None));
    assert_eq!(risk["remediations"][0]["description"], "rolled \\*back\\*\n\n\\# and reviewed");
    assert_eq!(risk["remediations"][0]["tasks"][0]["responsible-roles"][0]["role-id"], "owner");
    assert_eq!(risk["remediations"][0]["links"][0]["href"], "../openings/8.json");
    assert_eq!(risk["description"], "\\=cmd \\<b>wrong\\</b>, \"so\"");
    kit.notes.clear();
    kit.result.controls[0].exceptions[0].closed = Some(kit.result.to);
    let plan = kit.documents().remove("oscal-poam.json").unwrap()["plan-of-action-and-milestones"].take();
    let risk = &plan["risks"][0];
    assert_eq!(risk["status"], "closed");
    assert!(risk["remediations"][0]["description"].as_str().unwrap().contains("may not be shown"));
    let log = risk["risk-log"]["entries"].as_array().unwrap();
    let changes: Vec<&Value> = log.iter().filter_map(|entry| entry.get("status-change")).collect();
    assert_eq!((log.len(), changes), (3, vec![&json!("open"), &json!("closed")]));
    // Without an exception there is no plan, and without a control nothing is mapped.
    kit.result.controls[0].exceptions.clear();
    assert!(!kit.documents().contains_key("oscal-poam.json"));
    kit.result.controls.clear();
    assert_eq!(kit.documents().keys().copied().collect::<Vec<_>>(), ["oscal-assessment-results.json"]);
}

#[test]
fn a_plan_has_the_time_that_is_on_record_and_no_other() {
    let mut kit = Kit::new();
    let id = kit.result.controls[0].exceptions[0].id.clone();
    let note = |index: u64, due: Option<&str>| -> ExceptionNote {
        let value = json!({ "index": index, "at": "2026-03-01T00:00:00.000000Z", "step": "remediation",
            "due_at": due, "actor": "principal/a" });
        serde_json::from_value(value).unwrap()
    };
    let (first, last) = ("2026-05-01T00:00:00.000000Z", "2026-06-01T00:00:00.000000Z");
    // The last one that says until when; that something was done since says nothing of it.
    let notes = vec![note(8, Some(first)), note(9, Some(last)), note(10, None)];
    kit.result.notes.insert(id, notes);
    let documents = kit.documents();
    let risk = &documents["oscal-poam.json"]["plan-of-action-and-milestones"]["risks"][0];
    assert_eq!(risk["deadline"], last);
    let of = |number: usize| &risk["remediations"][number];
    assert_eq!(of(0)["lifecycle"], "planned");
    assert_eq!(of(0)["tasks"][0]["timing"]["within-date-range"]["end"], first);
    assert_eq!(of(2)["lifecycle"], "completed");
    assert_eq!(of(2)["tasks"][0]["timing"]["on-date"]["date"], "2026-03-01T00:00:00.000000Z");
    // The same risk stands in the assessment results.
    let results = &documents["oscal-assessment-results.json"]["assessment-results"]["results"][0];
    assert_eq!(results["risks"][0]["deadline"], last);
}
