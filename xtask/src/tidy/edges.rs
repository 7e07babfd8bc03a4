//! Which of our crates may import which, and who owns the heavy dependencies.
//!
//! This file is the one place where the direction of imports is written for machines; the reasons stand in
//! docs/ARCHITECTURE.md. A crate comes into being with a row here.

use super::Finding;
use super::manifests::{Dependency, Kind, Member};

/// A crate's folder name and the crates of ours it may use in its product code.
const ALLOWED: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("ledger", &[]),
    ("stats", &[]),
    ("compliance", &["core"]),
    ("policy", &["core"]),
    ("store", &["core", "ledger"]),
    ("lake", &["core", "stats", "ledger"]),
    ("report", &["core", "stats", "compliance"]),
    ("app", &["core", "ledger", "stats", "compliance", "policy", "store", "lake", "report"]),
    ("ui", &[]),
    ("server", &["app", "core", "ui"]),
    ("cli", &["server", "app", "core", "ledger", "stats", "compliance", "policy"]),
    ("xtask", &[]),
    // Whole-system tests look at everything from outside.
    ("tests", ANYTHING),
];

const ANYTHING: &[&str] = &[
    "core",
    "ledger",
    "stats",
    "compliance",
    "policy",
    "store",
    "lake",
    "report",
    "app",
    "ui",
    "server",
    "cli",
];

/// Further imports that tests, and only tests, may use; each with its reason.
const ALLOWED_IN_TESTS: &[(&str, &str, &str)] = &[
    ("server", "store", "API tests open a real store to serve from"),
    ("server", "ledger", "API tests verify the log they were served"),
    ("server", "policy", "API tests list every action beside every route"),
    ("store", "store", "its own tests switch on the fault injection of `test-support`"),
    ("cli", "store", "command tests look into the database a command wrote"),
];

/// A heavy dependency (every crate whose name starts so, at a `-` or the end) and the crates that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    // Digests are made where bytes are stored or content-addressed; everyone else passes them on.
    ("sha2", &["compliance", "ledger", "policy", "store"]),
    ("ed25519-dalek", &["ledger"]),
    // Certificates and tokens of time-stamp authorities are read and judged in one place.
    ("der", &["ledger"]),
    ("rustls-webpki", &["ledger"]),
    ("rustls-pki-types", &["ledger"]),
    // Old time-stamps, and one-time codes as authenticator apps compute them.
    ("sha1", &["ledger", "store"]),
    // What passkeys sign.
    ("ring", &["app"]),
    ("cedar-policy", &["policy"]),
    ("sqlx", &["store"]),
    ("object_store", &["store", "lake"]),
    ("datafusion", &["lake"]),
    ("arrow", &["lake"]),
    ("parquet", &["lake"]),
    ("csv", &["lake"]),
    ("glob", &["lake"]),
    // Laws and tails of distributions.
    ("statrs", &["stats"]),
    // What is laid out and embedded in PDF.
    ("krilla", &["report"]),
    ("skrifa", &["report"]),
    ("lettre", &["app"]),
    ("axum", &["server"]),
    ("utoipa-axum", &["server"]),
    // Schemas are derived on the types of the use cases themselves.
    ("utoipa", &["core", "policy", "app", "server"]),
    ("rust-embed", &["ui"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
];

/// Checks every import of every member.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == member.folder) else {
            findings.push(Finding::error(
                &member.manifest,
                1,
                format!("the crate `{}` has no row in the table of imports", member.folder),
                "add it to ALLOWED in xtask/src/tidy/edges.rs and to the table in docs/ARCHITECTURE.md",
            ));
            continue;
        };
        for dependency in &member.dependencies {
            findings.extend(check_edge(member, dependency, allowed));
            findings.extend(check_owner(member, dependency));
        }
    }
    findings
}

fn check_edge(member: &Member, dependency: &Dependency, allowed: &[&str]) -> Option<Finding> {
    let target = dependency.member.as_deref()?;
    if allowed.contains(&target) {
        return None;
    }
    let exception = ALLOWED_IN_TESTS.iter().any(|(from, to, _)| *from == member.folder && *to == target);
    if exception && dependency.kind == Kind::Test {
        return None;
    }
    let may = if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") };
    Some(Finding::error(
        &member.manifest,
        dependency.line,
        format!("`{}` must not use `{target}`; it may use {may}", member.folder),
        "pass the value in from `app`, or move the code to the crate that owns it",
    ))
}

fn check_owner(member: &Member, dependency: &Dependency) -> Option<Finding> {
    let (heavy, owners) = OWNERS
        .iter()
        .filter(|(heavy, _)| is_family(&dependency.name, heavy))
        // `utoipa-axum` belongs to its own row and not to that of `utoipa`.
        .max_by_key(|(heavy, _)| heavy.len())?;
    if owners.contains(&member.folder.as_str()) {
        return None;
    }
    Some(Finding::error(
        &member.manifest,
        dependency.line,
        format!(
            "`{}` must not name `{}`: {heavy} belongs to {}",
            member.folder,
            dependency.name,
            owners.join(", ")
        ),
        format!("use what `{}` offers, or add what is missing there", owners[0]),
    ))
}

fn is_family(name: &str, heavy: &str) -> bool {
    name.strip_prefix(heavy).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(folder: &str, dependencies: Vec<Dependency>) -> Member {
        let manifest = format!("crates/{folder}/Cargo.toml");
        Member { folder: folder.to_owned(), manifest, dependencies }
    }

    fn ours(target: &str, kind: Kind) -> Dependency {
        let name = format!("comptroller-{target}");
        Dependency { name, member: Some(target.to_owned()), kind, line: 9, from_workspace: true }
    }

    fn foreign(name: &str) -> Dependency {
        Dependency { name: name.to_owned(), member: None, kind: Kind::Normal, line: 9, from_workspace: true }
    }

    #[test]
    fn an_import_against_the_direction_is_found_with_its_line() {
        let findings = check(&[member("core", vec![ours("store", Kind::Normal)])]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().contains("crates/core/Cargo.toml:9: `core` must not use `store`"));
        assert!(check(&[member("store", vec![ours("core", Kind::Normal)])]).is_empty());
    }

    #[test]
    fn tests_are_bound_too_but_for_the_stated_exceptions() {
        assert_eq!(check(&[member("core", vec![ours("ledger", Kind::Test)])]).len(), 1);
        assert_eq!(check(&[member("server", vec![ours("store", Kind::Normal)])]).len(), 1);
        assert!(check(&[member("server", vec![ours("store", Kind::Test)])]).is_empty());
    }

    #[test]
    fn heavy_dependencies_stay_with_their_owner() {
        assert_eq!(check(&[member("app", vec![foreign("sqlx")])]).len(), 1);
        assert_eq!(check(&[member("app", vec![foreign("cedar-policy-symcc")])]).len(), 1);
        assert_eq!(check(&[member("core", vec![foreign("utoipa-axum")])]).len(), 1);
        assert!(check(&[member("core", vec![foreign("utoipa")])]).is_empty());
        assert!(check(&[member("lake", vec![foreign("object_store"), foreign("arrow-array")])]).is_empty());
        assert!(check(&[member("app", vec![foreign("arrowhead")])]).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let findings = check(&[member("blockchain", vec![])]);
        assert!(findings[0].to_string().contains("has no row"), "{}", findings[0]);
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        // A crate only names crates whose own rows do not lead back to it.
        fn reaches(from: &str, to: &str, depth: usize) -> bool {
            assert!(depth < 20, "a cycle through {from}");
            let row = ALLOWED.iter().find(|(name, _)| *name == from).expect("every named crate has a row");
            row.1.iter().any(|next| *next == to || reaches(next, to, depth + 1))
        }
        for (name, _) in ALLOWED {
            assert!(!reaches(name, name, 0), "{name}");
        }
    }
}
