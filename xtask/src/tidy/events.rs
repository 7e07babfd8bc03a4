//! The event catalogue: every event of the vocabulary has a row in docs/EVENTS.md that names each of its fields.
//!
//! Auditors read the catalogue and not the code, so a field that is missing there is a finding.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// The events; areas of them stand in files of the folder of this name.
const CODE: &str = "crates/core/src/event.rs";
const AREAS: &str = "crates/core/src/event/";
const CATALOGUE: &str = "docs/EVENTS.md";
const RENAME: &str = "#[serde(rename = \"";

/// An event as the code has it.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    name: String,
    path: String,
    line: usize,
    fields: Vec<String>,
}

/// Compares the code and the catalogue.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let text = |path: &str| tree.files.iter().find(|file| file.path == path);
    if text(CODE).is_none() {
        return Vec::new();
    }
    let code = tree.files.iter().filter(|file| file.path == CODE || file.path.starts_with(AREAS));
    let events: Vec<Event> = code.flat_map(|file| events(&file.path, file.text_without_tests())).collect();
    let Some(catalogue) = text(CATALOGUE) else {
        let remedy = "write a table of all events with their clear and private parts";
        return vec![Finding::error(CATALOGUE, 1, "the event catalogue is missing", remedy)];
    };
    let rows = rows(&catalogue.text);
    let mut findings = Vec::new();
    for event in &events {
        let Some((_, row)) = rows.get(&event.name) else {
            let what = format!("the event `{}` is not in {CATALOGUE}", event.name);
            findings.push(Finding::error(
                &event.path,
                event.line,
                what,
                "add its row: type, when, clear, private",
            ));
            continue;
        };
        for field in event.fields.iter().filter(|field| !names(row, field)) {
            let what =
                format!("the row of `{}` in {CATALOGUE} does not name the field `{field}`", event.name);
            findings.push(Finding::error(
                &event.path,
                event.line,
                what,
                "add the field to the column `clear`",
            ));
        }
    }
    for (name, (line, _)) in &rows {
        if !events.iter().any(|event| event.name == *name) {
            let what = format!("no event is called `{name}`");
            findings.push(Finding::error(CATALOGUE, *line, what, "correct the name, or take the row out"));
        }
    }
    findings
}

/// The variants that carry a wire name, with the names of their fields.
fn events(path: &str, code: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut inside = false;
    for (index, line) in code.lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix(RENAME) {
            let name = rest.split('"').next().unwrap_or_default().to_owned();
            events.push(Event { name, path: path.to_owned(), line: index + 1, fields: Vec::new() });
            inside = true;
            continue;
        }
        let Some(event) = events.last_mut().filter(|_| inside) else { continue };
        let body = line.split_once('{').map_or(line, |(_, body)| body);
        // A variant on one line, or one field a line; a tuple variant has no named fields.
        for part in split_fields(body.trim_end_matches(['}', ',', ' '])) {
            if let Some((field, _)) = part.split_once(": ")
                && !field.trim().is_empty()
                && field.trim().chars().all(|c| c.is_ascii_lowercase() || c == '_')
            {
                event.fields.push(field.trim().to_owned());
            }
        }
        inside = !(line.ends_with("},") || line.ends_with("),") || line == "}");
    }
    events
}

/// Splits at commas that are not inside angle brackets.
fn split_fields(body: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in body.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[start..]);
    parts
}

/// The rows of the catalogue whose first cell is a dotted name in backticks: line and text.
fn rows(catalogue: &str) -> BTreeMap<String, (usize, &str)> {
    let mut rows = BTreeMap::new();
    for (index, line) in catalogue.lines().enumerate() {
        let Some(rest) = line.strip_prefix("| `") else { continue };
        let name = rest.split('`').next().unwrap_or_default();
        if name.contains('.') {
            rows.insert(name.to_owned(), (index + 1, line));
        }
    }
    rows
}

/// Whether a row names a field in backticks, with or without the `?` of an optional one, or within parentheses.
fn names(row: &str, field: &str) -> bool {
    row.contains(&format!("`{field}`")) || row.contains(&format!("`{field}?`"))
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixture;
    use super::*;

    const ENUM: &str = "//! x\npub enum Event {\n    #[serde(rename = \"a.made\")]\n    Made { one: Id, two: \
                        Map<A, B> },\n    #[serde(rename = \"a.gone\")]\n    Gone {\n        three: Id,\n    },\n    \
                        #[serde(rename = \"a.raw\")]\n    Raw(Value),\n}\nstruct Other { four: Id }\n";

    fn findings(catalogue: &str) -> Vec<String> {
        let tree = Tree { files: vec![fixture(CODE, ENUM), fixture(CATALOGUE, catalogue)] };
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn variants_and_their_fields_are_read() {
        let found = events(CODE, ENUM);
        assert_eq!(
            found.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(),
            ["a.made", "a.gone", "a.raw"]
        );
        assert_eq!(found[0].fields, ["one", "two"]);
        assert_eq!(found[1].fields, ["three"]);
        assert!(found[2].fields.is_empty());
    }

    #[test]
    fn events_of_an_area_are_looked_at_too() {
        let area =
            "//! x\npub enum AreaEvent {\n    #[serde(rename = \"b.made\")]\n    Made { four: Id },\n}\n";
        let good =
            "| `a.made` | x | `one`, `two` | - |\n| `a.gone` | x | `three` | - |\n| `a.raw` | x | y | - |\n";
        let found = |catalogue: &str| {
            let files = vec![
                fixture(CODE, ENUM),
                fixture(&format!("{AREAS}area.rs"), area),
                fixture(CATALOGUE, catalogue),
            ];
            check(&Tree { files }).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found(&format!("{good}| `b.made` | x | `four` | - |\n")), Vec::<String>::new());
        assert!(found(good)[0].contains("area.rs:3: the event `b.made`"), "{:?}", found(good));
    }

    #[test]
    fn a_missing_row_a_missing_field_and_an_unknown_name_are_found() {
        let good =
            "| `a.made` | x | `one`, `two?` | - |\n| `a.gone` | x | `three` | - |\n| `a.raw` | x | y | - |\n";
        assert_eq!(findings(good), Vec::<String>::new());
        assert!(findings(&good.replace("`a.gone`", "`a.left`")).len() == 2);
        let found = findings(&good.replace("`two?`", "`twice`"));
        assert!(found.len() == 1 && found[0].contains("field `two`"), "{found:?}");
    }

    #[test]
    fn the_real_vocabulary_is_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let areas = std::fs::read_dir(root.join(AREAS)).unwrap().map(|file| file.unwrap().path());
        let mut found = Vec::new();
        for path in areas.chain([root.join(CODE)]) {
            found.extend(events(CODE, &std::fs::read_to_string(path).unwrap()));
        }
        let catalogue = std::fs::read_to_string(root.join(CATALOGUE)).unwrap();
        assert_eq!(found.len(), rows(&catalogue).len(), "as many events as the catalogue has rows");
        let deployment = found.iter().find(|event| event.name == "deployment.created").unwrap();
        assert_eq!(deployment.fields.len(), 11, "{deployment:?}");
    }
}
