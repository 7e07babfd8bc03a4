//! `cargo xtask tidy`: the rules of the tree that a machine can check without building anything.
//!
//! Each check is a function from what it reads to findings. All findings are printed, each with its place and what
//! to do. A check must not change files.

mod edges;
mod events;
mod files;
mod forbidden;
mod invariants;
mod manifests;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::codegen;
use crate::workspace::Workspace;

/// Whether a finding fails the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Printed only.
    Warning,
    /// Printed, and the command fails.
    Error,
}

/// One broken rule at one place.
#[derive(Debug)]
pub(crate) struct Finding {
    severity: Severity,
    path: String,
    line: usize,
    what: String,
    remedy: String,
}

impl Finding {
    /// A finding that fails the command; `line` counts from 1.
    pub(crate) fn error(
        path: &str,
        line: usize,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let (path, what, remedy) = (path.to_owned(), what.into(), remedy.into());
        Finding { severity: Severity::Error, path, line, what, remedy }
    }

    /// A finding that is only printed; `line` counts from 1.
    pub(crate) fn warning(
        path: &str,
        line: usize,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(path, line, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Finding { path, line, what, remedy, .. } = self;
        write!(formatter, "{severity}: {path}:{line}: {what}\n  do: {remedy}")
    }
}

/// `cargo xtask tidy`: the source rules, then whether the generated references are up to date.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("`tidy` takes no arguments, found `{unknown}`");
    }
    let sources = check_sources(workspace)?;
    let references = codegen::check(workspace)?;
    Ok(sources && references)
}

/// Runs every check that needs no build and prints the findings; true when none of them is an error.
pub(crate) fn check_sources(workspace: &Workspace) -> Result<bool> {
    let tree = tree::Tree::read(&workspace.root)?;
    let members = manifests::members(workspace)?;
    let mut findings = edges::check(&members);
    findings.extend(manifests::check(&members));
    findings.extend(files::check(&tree));
    findings.extend(invariants::check(&tree));
    findings.extend(events::check(&tree));
    findings.extend(forbidden::check(&tree, &forbidden::local_paths(&workspace.root)));
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    println!(
        "tidy: {} files, {} crates: {errors} errors, {warnings} warnings",
        tree.files.len(),
        members.len()
    );
    Ok(errors == 0)
}
