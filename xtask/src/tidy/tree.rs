//! The text files of the repository, as git lists them.
//!
//! Files that are ignored, binary or larger than [`LARGEST`] are left out: no rule of ours is about them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::run_quiet;

/// Larger files are data, not source.
const LARGEST: u64 = 2 * 1024 * 1024;
const LIST_LIMIT: Duration = Duration::from_mins(1);

/// A text file of the repository.
pub(crate) struct SourceFile {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The text files of the repository.
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

impl Tree {
    /// Reads all files that git tracks, and the new ones it does not ignore.
    pub(crate) fn read(root: &Path) -> Result<Tree> {
        let mut list = Command::new("git");
        list.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = run_quiet(&mut list, LIST_LIMIT).context("tidy reads the list of files from git")?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let file = root.join(path);
            // A tracked file may be deleted in the work tree.
            let Ok(found) = std::fs::symlink_metadata(&file) else { continue };
            if !found.is_file() || found.len() > LARGEST {
                continue;
            }
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(SourceFile { path: path.to_owned(), text });
            }
        }
        Ok(Tree { files })
    }
}

impl SourceFile {
    /// Whether the path ends in one of the extensions (without the dot).
    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    /// Whether the whole file is test code: in a folder for tests, or a file of tests beside its module.
    pub(crate) fn is_test_file(&self) -> bool {
        let mut folders: Vec<&str> = self.path.split('/').collect();
        let name = folders.pop().unwrap_or_default();
        folders.iter().any(|folder| matches!(*folder, "tests" | "fuzz" | "fixtures"))
            || name == "tests.rs"
            || name.starts_with("test_")
            || name.ends_with(".test.ts")
    }

    /// The text before the unit tests, which are the last item of a Rust file.
    pub(crate) fn text_without_tests(&self) -> &str {
        for (at, mark) in self.text.match_indices("\n#[cfg(test)]\n") {
            // Further attributes may stand between the mark and the module.
            let mut following =
                self.text[at + mark.len()..].lines().skip_while(|line| line.starts_with("#["));
            if following.next() == Some("mod tests {") {
                return &self.text[..=at];
            }
        }
        &self.text
    }

    /// The tests of the file: all of it, the unit tests at its end, or nothing.
    pub(crate) fn test_text(&self) -> &str {
        if self.is_test_file() { &self.text } else { &self.text[self.text_without_tests().len()..] }
    }
}

#[cfg(test)]
pub(crate) fn fixture(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_are_told_from_the_code_before_them() {
        let file =
            fixture("crates/core/src/id.rs", "//! Ids.\nfn id() {}\n\n#[cfg(test)]\nmod tests {\n    x\n}\n");
        assert_eq!(file.text_without_tests(), "//! Ids.\nfn id() {}\n\n");
        assert!(file.test_text().starts_with("#[cfg(test)]"));
        let attributed =
            "//! Ids.\n#[cfg(test)]\nfn helper() {}\n\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    x\n}\n";
        let file = fixture("crates/core/src/id.rs", attributed);
        assert!(file.text_without_tests().ends_with("fn helper() {}\n\n"));
        let plain = fixture("crates/core/src/id.rs", "//! Ids.\n");
        assert_eq!(plain.text_without_tests(), "//! Ids.\n");
        assert_eq!(plain.test_text(), "");
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        for path in ["crates/core/tests/it/main.rs", "ui/src/a.test.ts", "sdk/python/tests/test_a.py"] {
            assert!(fixture(path, "").is_test_file(), "{path}");
        }
        for path in ["crates/core/src/tested.rs", "xtask/src/test/mod.rs"] {
            assert!(!fixture(path, "").is_test_file(), "{path}");
        }
    }
}
