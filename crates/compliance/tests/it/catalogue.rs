//! Controls name only events and fields that the product records.

use comptroller_compliance::control::shipped;
use comptroller_compliance::window::Needs;
use std::collections::{BTreeMap, BTreeSet};

/// Events of the vocabulary with the names of their clear fields, as the source has them.
fn vocabulary() -> BTreeMap<String, BTreeSet<String>> {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src");
    let areas = std::fs::read_dir(format!("{core}/event")).unwrap().map(|file| file.unwrap().path());
    let code: String = areas
        .chain([format!("{core}/event.rs").into()])
        .map(|file| std::fs::read_to_string(file).unwrap())
        .map(|text| text.split("#[cfg(test)]").next().unwrap().to_owned())
        .collect();
    let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut parts = code.split("#[serde(rename = \"");
    parts.next();
    for part in parts {
        let (name, rest) = part.split_once('"').unwrap();
        let variant = rest.split("\n    /// ").next().unwrap_or(rest);
        let words = variant.split(['{', ',', '\n']).filter_map(|word| word.trim().split_once(": "));
        events.insert(name.to_owned(), words.map(|(field, _)| field.to_owned()).collect());
    }
    events
}

#[test]
fn every_event_and_field_that_a_control_names_is_recorded() {
    let events = vocabulary();
    assert!(events.len() > 80 && events["deployment.created"].contains("artifacts"), "{events:?}");
    let library = shipped().unwrap();
    for control in library.iter() {
        for (kind, paths) in Needs::of([control]).iter() {
            let fields =
                events.get(kind).unwrap_or_else(|| panic!("{}: no event is called {kind}", control.id));
            for path in paths.filter(|path| !path.starts_with('@') && !path.is_empty()) {
                let first = path.split('.').next().unwrap();
                assert!(fields.contains(first), "{}: {kind} has no field {first}", control.id);
            }
        }
    }
}
