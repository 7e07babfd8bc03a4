//! Texts that must not be in the repository: unfinished work, switched-off tests, paths of someone's machine.
//!
//! The folder of this module is left out of the search, since it has to name what it looks for.

use std::path::Path;

use super::Finding;
use super::tree::{SourceFile, Tree};

const SELF: &str = "xtask/src/tidy/";

/// A text in Rust files, and what to do instead.
const IN_RUST: &[(&str, &str)] = &[
    ("todo!", "write the code, or leave the item out until it is needed"),
    ("unimplemented!", "write the code, or leave the item out until it is needed"),
    ("#[ignore", "make the test run everywhere, or delete it"),
];

/// Folders that exist on one machine only. A match starts at the beginning of a path.
const MACHINE_FOLDERS: &[&str] = &["/work/", "/root/", "/tmp/", "/home/", "/Users/"];

/// The places of this very checkout, which must not be committed either.
pub(crate) fn local_paths(root: &Path) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut paths = vec![home, root.to_string_lossy().into_owned()];
    // A home of `/` would match everything.
    paths.retain(|path| path.len() > 4);
    paths.iter().map(|path| format!("{path}/")).collect()
}

/// Checks every text file; `local` are further folders to look for.
pub(crate) fn check(tree: &Tree, local: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.starts_with(SELF)) {
        for (index, line) in file.text.lines().enumerate() {
            findings.extend(check_line(file, index + 1, line, local));
        }
    }
    findings
}

fn check_line(file: &SourceFile, number: usize, line: &str, local: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.has_extension(&["rs"]) {
        for (text, remedy) in IN_RUST.iter().filter(|(text, _)| line.contains(text)) {
            findings.push(Finding::error(&file.path, number, format!("`{text}` in the tree"), *remedy));
        }
    }
    let folders = MACHINE_FOLDERS.iter().copied().chain(local.iter().map(String::as_str));
    for folder in folders.filter(|folder| starts_a_path(line, folder)) {
        findings.push(Finding::error(
            &file.path,
            number,
            format!("a path of one machine (`{folder}...`)"),
            "use a relative path, a temporary folder made at run time, or a setting",
        ));
    }
    findings
}

/// Whether `folder` occurs where a path begins, and not in the middle of a longer one or of an address.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | ')' | '/' | '*')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixture;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let tree = Tree { files: vec![fixture(path, text)] };
        check(&tree, &["/opt/checkout/".to_owned()]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unfinished_work_is_found_in_rust_only() {
        for text in ["    todo!()", "#[ignore]", "#[ignore = \"slow\"]", "unimplemented!(\"x\")"] {
            let found = findings("crates/a/src/b.rs", &format!("//! x\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("crates/a/src/b.rs:2:"), "{}", found[0]);
        }
        assert!(findings("docs/a.md", "todo!").is_empty());
    }

    #[test]
    fn machine_paths_are_found_in_every_file() {
        for text in ["see /work/x", "(/root/.cargo)", "\"/tmp/log\"", "/home/ann/x", "cd /opt/checkout/a"] {
            assert_eq!(findings("docs/a.md", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn parts_of_longer_paths_are_no_machine_paths() {
        for text in
            ["https://a.example/home/x", "./tmp/x", "${root}/tmp/x", "a/work/b", "~/work/b", "/homeless/"]
        {
            assert!(findings("docs/a.md", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn this_folder_may_name_what_it_looks_for() {
        assert!(findings("xtask/src/tidy/forbidden.rs", "todo!").is_empty());
    }
}
