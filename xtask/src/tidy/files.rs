//! Sizes of source files, and the first line of every Rust module.

use super::Finding;
use super::tree::{SourceFile, Tree};

const WARN_LINES: usize = 400;
const MOST_LINES: usize = 800;
const SOURCE: &[&str] = &["rs", "ts", "svelte", "py"];

/// Checks every source file that people write.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(SOURCE)) {
        findings.extend(check_size(file));
        findings.extend(check_module_docs(file));
    }
    findings
}

fn check_size(file: &SourceFile) -> Option<Finding> {
    if file.is_test_file() || is_generated(&file.path) {
        return None;
    }
    let lines = file.text_without_tests().lines().count();
    if lines <= WARN_LINES {
        return None;
    }
    let remedy = "split it by reason to change; unit tests at the end of the file do not count";
    if lines > MOST_LINES {
        let what = format!("{lines} lines, at most {MOST_LINES} are allowed");
        return Some(Finding::error(&file.path, MOST_LINES + 1, what, remedy));
    }
    Some(Finding::warning(
        &file.path,
        WARN_LINES + 1,
        format!("{lines} lines, aim below {WARN_LINES}"),
        remedy,
    ))
}

fn check_module_docs(file: &SourceFile) -> Option<Finding> {
    if !file.has_extension(&["rs"]) || is_generated(&file.path) || file.text.starts_with("//!") {
        return None;
    }
    Some(Finding::error(
        &file.path,
        1,
        "the module does not start with `//!`",
        "say in the first lines what it is for, what it must not do and its invariants",
    ))
}

fn is_generated(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "generated" | "snapshots"))
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, tree::fixture};
    use super::*;

    fn of_lines(path: &str, lines: usize) -> Tree {
        Tree { files: vec![fixture(path, &"//! x\n".repeat(lines))] }
    }

    #[test]
    fn long_files_warn_then_fail() {
        assert!(check(&of_lines("crates/a/src/b.rs", 400)).is_empty());
        assert_eq!(check(&of_lines("crates/a/src/b.rs", 401))[0].severity, Severity::Warning);
        assert_eq!(check(&of_lines("ui/src/b.svelte", 801))[0].severity, Severity::Error);
    }

    #[test]
    fn tests_and_generated_files_may_be_long() {
        for path in ["crates/a/tests/it/b.rs", "ui/src/generated/api.ts", "docs/long.md"] {
            assert!(check(&of_lines(path, 900)).is_empty(), "{path}");
        }
        let text = format!("//! x\n\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    // x\n".repeat(900));
        assert!(check(&Tree { files: vec![fixture("crates/a/src/b.rs", &text)] }).is_empty());
    }

    #[test]
    fn every_module_says_what_it_is_for() {
        for path in ["crates/a/src/b.rs", "crates/a/build.rs", "crates/a/tests/it/main.rs"] {
            let findings = check(&Tree { files: vec![fixture(path, "use std::fmt;\n")] });
            assert!(findings[0].to_string().contains(&format!("{path}:1:")), "{}", findings[0]);
        }
    }
}
