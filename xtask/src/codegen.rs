//! `cargo xtask codegen`: reference files that the product writes about itself.
//!
//! The generators live in the product (`comptroller docs ...`), so that a reference cannot describe anything but
//! the binary. This module only runs them and writes or compares the result.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::run_quiet;
use crate::product;
use crate::workspace::Workspace;

const GENERATE_LIMIT: Duration = Duration::from_mins(1);

/// A file of the repository and the product's arguments that print it.
struct Generated {
    path: &'static str,
    arguments: &'static [&'static str],
}

const GENERATED: &[Generated] = &[
    Generated { path: "docs/reference/openapi.json", arguments: &["docs", "openapi"] },
    Generated { path: "docs/reference/cli.md", arguments: &["docs", "cli"] },
    Generated { path: "docs/reference/config.md", arguments: &["docs", "config"] },
];

/// `cargo xtask codegen [--check]`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    match arguments {
        [] => write(workspace),
        [flag] if flag == "--check" => check(workspace),
        _ => bail!("`codegen` takes only `--check`, found `{}`", arguments.join(" ")),
    }
}

/// Compares every file with what the product prints now; prints each difference. True when all are equal.
pub(crate) fn check(workspace: &Workspace) -> Result<bool> {
    let mut equal = true;
    for (generated, printed) in print_all(workspace)? {
        let committed = std::fs::read_to_string(workspace.root.join(generated.path)).ok();
        if let Some(difference) = difference(committed.as_deref(), &printed) {
            equal = false;
            println!(
                "error: {}:{difference}\n  do: run `cargo xtask codegen` and commit the file",
                generated.path
            );
        }
    }
    Ok(equal)
}

fn write(workspace: &Workspace) -> Result<bool> {
    for (generated, printed) in print_all(workspace)? {
        write_file(&workspace.root.join(generated.path), &printed)?;
        println!("{} ({} lines)", generated.path, printed.lines().count());
    }
    Ok(true)
}

fn print_all(workspace: &Workspace) -> Result<Vec<(&'static Generated, String)>> {
    if !workspace.has_package(product::PACKAGE) {
        println!("codegen: the workspace has no package `{}` yet, so nothing is generated", product::PACKAGE);
        return Ok(Vec::new());
    }
    let binary = product::build(workspace)?;
    let mut all = Vec::new();
    for generated in GENERATED {
        let mut command = Command::new(&binary);
        // A setting of the developer's machine must not end up in a reference.
        command
            .current_dir(&workspace.root)
            .args(generated.arguments)
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COMPTROLLER__") {
                command.env_remove(name);
            }
        }
        let printed = run_quiet(&mut command, GENERATE_LIMIT)
            .with_context(|| format!("cannot generate {}", generated.path))?;
        if printed.trim().is_empty() {
            bail!("`comptroller {}` printed nothing for {}", generated.arguments.join(" "), generated.path);
        }
        all.push((generated, printed));
    }
    Ok(all)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// `LINE: what differs` for the first line that does, if any.
fn difference(committed: Option<&str>, printed: &str) -> Option<String> {
    let Some(committed) = committed else { return Some("1: the file is missing".to_owned()) };
    if committed == printed {
        return None;
    }
    let same = committed.lines().zip(printed.lines()).take_while(|(one, other)| one == other).count();
    let now = printed.lines().nth(same).unwrap_or("(end of the file)");
    Some(format!("{}: out of date; the product now prints: {now}", same + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_by_its_first_line() {
        assert_eq!(difference(Some("a\nb\n"), "a\nb\n"), None);
        assert!(difference(Some("a\nb\n"), "a\nc\n").unwrap().starts_with("2: "));
        assert!(difference(Some("a\n"), "a\nb\n").unwrap().ends_with("prints: b"));
        assert!(difference(Some("a\nb\n"), "a\n").unwrap().starts_with("2: "));
        // A missing newline at the end is a difference too.
        assert!(difference(Some("a\n"), "a").is_some());
        assert!(difference(None, "a").unwrap().contains("missing"));
    }
}
