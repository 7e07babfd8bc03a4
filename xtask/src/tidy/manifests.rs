//! What the crates' manifests say: the members and their dependencies, and where each version comes from.
//!
//! Cargo's metadata is the truth about the graph; the manifest's text gives lines and `workspace = true`.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::DependencyKind;
use toml::{Table, Value};

use super::Finding;
use crate::workspace::Workspace;

/// Where a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In the product, or while building it.
    Normal,
    /// In tests, examples and benches only.
    Test,
}

/// One dependency of one of our crates.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// The folder name of the crate when it is ours.
    pub(crate) member: Option<String>,
    pub(crate) kind: Kind,
    /// The line of the manifest, from 1.
    pub(crate) line: usize,
    /// Whether its version comes from the workspace's table.
    pub(crate) from_workspace: bool,
}

/// One of our crates.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its folder name, by which the tables know it.
    pub(crate) folder: String,
    /// Its manifest, from the root of the repository.
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// Reads all members of the workspace.
pub(crate) fn members(workspace: &Workspace) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for package in &workspace.metadata.packages {
        let path = package.manifest_path.as_std_path();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let keys = dependency_keys(&text).with_context(|| format!("in {}", path.display()))?;
        let mut dependencies = Vec::new();
        for found in &package.dependencies {
            let name = found.name.clone();
            // A renamed dependency stands in the manifest under its new name.
            let key = found.rename.as_deref().unwrap_or(&name);
            let kind = if found.kind == DependencyKind::Development { Kind::Test } else { Kind::Normal };
            let member = found.path.as_ref().map(|path| folder_name(path.as_std_path()));
            let declared = keys.iter().find(|declared| declared.name == key && declared.kind == kind);
            let from_workspace = declared.is_some_and(|declared| declared.from_workspace);
            let line = declared.map_or(1, |declared| declared.line);
            dependencies.push(Dependency { name, member, kind, line, from_workspace });
        }
        let folder = folder_name(path.parent().context("a manifest lies in a folder")?);
        members.push(Member { folder, manifest: workspace.relative(path), dependencies });
    }
    Ok(members)
}

/// Finds versions that are written outside the workspace's table.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        // A crate's own tests may switch on a feature of the crate itself; that row is a path, not a version.
        let own = |dependency: &&Dependency| dependency.member.as_deref() == Some(member.folder.as_str());
        for dependency in
            member.dependencies.iter().filter(|dependency| !dependency.from_workspace && !own(dependency))
        {
            findings.push(Finding::error(
                &member.manifest,
                dependency.line,
                format!("the version of `{}` does not come from the workspace", dependency.name),
                format!(
                    "write `{}.workspace = true` here and the version, with a reason, in the root Cargo.toml",
                    dependency.name
                ),
            ));
        }
    }
    findings
}

fn folder_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A dependency as the manifest's text declares it.
struct Declared {
    name: String,
    kind: Kind,
    line: usize,
    from_workspace: bool,
}

const SECTIONS: &[(&str, Kind)] =
    &[("dependencies", Kind::Normal), ("build-dependencies", Kind::Normal), ("dev-dependencies", Kind::Test)];

fn dependency_keys(text: &str) -> Result<Vec<Declared>> {
    let manifest: Table = text.parse()?;
    let mut tables = vec![&manifest];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let mut declared = Vec::new();
    for table in tables {
        for &(section, kind) in SECTIONS {
            let Some(Value::Table(entries)) = table.get(section) else { continue };
            for (name, value) in entries {
                let from_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
                let line = line_of(text, section, name);
                declared.push(Declared { name: name.clone(), kind, line, from_workspace });
            }
        }
    }
    Ok(declared)
}

/// The line that declares `name` below a header of `section`, else 1.
fn line_of(text: &str, section: &str, name: &str) -> usize {
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            if header.ends_with(&format!("{section}.{name}")) {
                return index + 1;
            }
            inside = header == section || header.ends_with(&format!(".{section}"));
        }
        let rest = line.strip_prefix(name).unwrap_or("x");
        if inside && rest.starts_with([' ', '.', '=']) {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "x"

[dependencies]
serde.workspace = true
serde_json = { version = "1" }

[dev-dependencies]
serde_json = { workspace = true, features = ["preserve_order"] }

[target.'cfg(unix)'.dependencies]
libc = "0.2"
"#;

    #[test]
    fn versions_and_lines_are_read_from_every_section() {
        let keys = dependency_keys(MANIFEST).unwrap();
        let seen: Vec<_> =
            keys.iter().map(|key| (key.name.as_str(), key.kind, key.line, key.from_workspace)).collect();
        assert_eq!(
            seen,
            [
                ("serde", Kind::Normal, 6, true),
                ("serde_json", Kind::Normal, 7, false),
                ("serde_json", Kind::Test, 10, true),
                ("libc", Kind::Normal, 13, false),
            ]
        );
    }

    #[test]
    fn a_version_in_a_crate_is_found() {
        let dependency = Dependency {
            name: "libc".into(),
            member: None,
            kind: Kind::Normal,
            line: 13,
            from_workspace: false,
        };
        let member = Member {
            folder: "x".into(),
            manifest: "crates/x/Cargo.toml".into(),
            dependencies: vec![dependency],
        };
        let findings = check(&[member]);
        assert!(findings[0].to_string().contains("crates/x/Cargo.toml:13"), "{}", findings[0]);
    }
}
