//! Named invariants: each stands beside its code, in the list for readers, and in a test.
//!
//! In code: `// INVARIANT (name): ...`. In the list: `- **name**` under a heading of docs/ARCHITECTURE.md that
//! contains the word "invariants". In a test: the name, anywhere in test code, or as the name of the test function.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

const LIST: &str = "docs/ARCHITECTURE.md";
const SELF: &str = "xtask/src/tidy/";
const MARK: &str = "INVARIANT (";
const CODE: &[&str] = &["rs", "ts", "svelte", "py", "sql", "cedar"];

/// Checks code, list and tests against each other.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stated = stated_in_code(tree, &mut findings);
    let listed = listed(tree);
    for (name, (path, line)) in &stated {
        if !listed.contains_key(name) {
            findings.push(Finding::error(
                path,
                *line,
                format!("the invariant `{name}` is not in the list"),
                format!("add `- **{name}**: ...` under Invariants in {LIST}, or correct the name"),
            ));
        }
        if !is_cited(tree, name) {
            findings.push(Finding::error(
                path,
                *line,
                format!("no test cites the invariant `{name}`"),
                "write the test that would fail if it broke, with the name in its comment",
            ));
        }
    }
    for (name, line) in listed.iter().filter(|(name, _)| !stated.contains_key(*name)) {
        findings.push(Finding::error(
            LIST,
            *line,
            format!("the invariant `{name}` stands beside no code"),
            format!("write `// INVARIANT ({name}): ...` where it is kept, or take it off the list"),
        ));
    }
    findings
}

/// The first place of every invariant in product code.
fn stated_in_code(tree: &Tree, findings: &mut Vec<Finding>) -> BTreeMap<String, (String, usize)> {
    let mut stated = BTreeMap::new();
    let code = tree.files.iter().filter(|file| file.has_extension(CODE) && !file.path.starts_with(SELF));
    for file in code.filter(|file| !file.is_test_file()) {
        for (index, line) in file.text_without_tests().lines().enumerate() {
            for (at, _) in line.match_indices(MARK) {
                match line[at + MARK.len()..].split_once(')') {
                    Some((name, _)) if is_name(name) => {
                        stated.entry(name.to_owned()).or_insert_with(|| (file.path.clone(), index + 1));
                    }
                    _ => findings.push(Finding::error(
                        &file.path,
                        index + 1,
                        "an invariant without a proper name",
                        "write `INVARIANT (two-words): ...` with a name of lower-case letters, digits and hyphens",
                    )),
                }
            }
        }
    }
    stated
}

/// The names of the list with their lines.
fn listed(tree: &Tree) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    let Some(list) = tree.files.iter().find(|file| file.path == LIST) else { return names };
    let mut inside = false;
    for (index, line) in list.text.lines().enumerate() {
        if line.starts_with('#') {
            inside = line.to_lowercase().contains("invariants");
        }
        let Some(item) = line.strip_prefix("- **").filter(|_| inside) else { continue };
        if let Some((name, _)) = item.split_once("**").filter(|(name, _)| is_name(name)) {
            names.entry(name.to_owned()).or_insert(index + 1);
        }
    }
    names
}

fn is_cited(tree: &Tree, name: &str) -> bool {
    let files = tree.files.iter().filter(|file| file.has_extension(CODE) && !file.path.starts_with(SELF));
    // A test may also be called by the name, as Rust writes it.
    let function = name.replace('-', "_");
    files
        .into_iter()
        .any(|file| contains_name(file.test_text(), name) || contains_name(file.test_text(), &function))
}

/// Whether the name occurs as a whole and not as a part of a longer one.
fn contains_name(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixture;
    use super::*;

    const STATED: &str = "//! x\n// INVARIANT (append-only): never forks.\n";
    const ITEM: &str =
        "# A\n## Named invariants\n- **append-only**: never forks\n## Other\n- **not-one**: x\n";

    fn findings(code: &str, list: &str, test: &str) -> Vec<String> {
        let tree = Tree {
            files: vec![
                fixture("crates/a/src/lib.rs", code),
                fixture("docs/ARCHITECTURE.md", list),
                fixture("crates/a/tests/it/main.rs", test),
            ],
        };
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stated_listed_and_tested_invariant_is_fine() {
        assert_eq!(findings(STATED, ITEM, "// append-only\n"), Vec::<String>::new());
        assert_eq!(findings(STATED, ITEM, "fn append_only() {}\n"), Vec::<String>::new());
        let in_file = format!("{STATED}\n#[cfg(test)]\nmod tests {{\n    // append-only\n}}\n");
        assert_eq!(findings(&in_file, ITEM, ""), Vec::<String>::new());
    }

    #[test]
    fn each_missing_place_is_found() {
        let found = findings(STATED, "# A\n", "// append-only\n");
        assert!(found.len() == 1 && found[0].contains("lib.rs:2: ") && found[0].contains("not in the list"));
        let found = findings(STATED, ITEM, "// append-only-twice\n");
        assert!(found.len() == 1 && found[0].contains("no test cites"), "{found:?}");
        let found = findings("//! x\n", ITEM, "// append-only\n");
        assert!(found.len() == 1 && found[0].contains("docs/ARCHITECTURE.md:3: "), "{found:?}");
    }

    #[test]
    fn a_mention_in_product_code_is_no_test() {
        let found = findings(&format!("{STATED}// append-only again\n"), ITEM, "");
        assert!(found.len() == 1 && found[0].contains("no test cites"), "{found:?}");
    }

    #[test]
    fn a_malformed_name_is_found() {
        let found = findings("//! x\n// INVARIANT (Append Only): x\n", "# A\n", "");
        assert!(found.len() == 1 && found[0].contains("without a proper name"), "{found:?}");
    }
}
