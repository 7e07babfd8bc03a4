//! Chapter: datasets and their versions, with origin, licence, legal basis and lineage.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::example::Example;
use super::walk::{Walk, index_of, items, text};

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    for name in ["employment", "credit"] {
        let example = Example::read(&walk.workspace.root, name)?;
        register(walk, &example)?;
    }
    lineage(walk)?;
    no_cycle(walk)
}

fn register(walk: &mut Walk, example: &Example) -> Result<()> {
    let team = text(&example.facts["system"], "owner_team")?;
    for dataset in example.list("datasets") {
        let (slug, name) = (text(dataset, "slug")?, text(dataset, "name")?);
        let description = text(dataset, "description")?;
        let words =
            ["dataset", "register", slug, "--team", team, "--title", name, "--description", description];
        let mut entries = vec![walk.act("builder", &words)?];
        let mut labels = Vec::new();
        for version in example.list("dataset_versions") {
            let command = example.dataset_version(version)?;
            let label = text(&command, "label")?;
            let file = walk.client.file(&format!("data-{slug}-{label}"), &command)?;
            let receipt = walk.ok("builder", &["dataset", "register-version", slug, "--file", &file])?;
            walk.note(&format!("data {slug}@{label}"), text(&receipt, "id")?);
            entries.push(index_of(&receipt)?);
            labels.push(label.to_owned());
        }
        let what = format!("Dataset {slug} registered, with its versions {}.", labels.join(", "));
        let proves = "Origin, licence, legal basis with its reasons, personal data and digest of each are fixed for ever.";
        walk.step(&what, &entries, proves);
    }
    Ok(())
}

fn lineage(walk: &mut Walk) -> Result<()> {
    let view = walk.ok("auditor", &["dataset", "lineage", "statlog-german-credit@training-v1"])?;
    let ancestors = view["ancestors"].as_array().context("the lineage names no ancestors")?;
    let labels: Vec<&str> = ancestors.iter().filter_map(|version| version["label"].as_str()).collect();
    ensure!(labels.contains(&"cleaned") && labels.contains(&"raw"), "the lineage is not complete: {view}");
    walk.step(
        "Lineage of the credit model's training data: training-v1 from cleaned, from raw.",
        &[],
        "What a model learned from is followed back to the file that was downloaded.",
    );
    Ok(())
}

/// A version can name only versions that exist, and none is ever changed: neither way to a cycle is open.
fn no_cycle(walk: &mut Walk) -> Result<()> {
    let dataset = "statlog-german-credit";
    let before = items(&walk.ok("auditor", &["dataset", "versions", dataset])?)?.len();
    let attempt = |label: &str, source: &str| {
        json!({
            "label": label, "files": [{ "name": "x", "digest": "0".repeat(64), "bytes": 1 }], "rows": 1,
            "licence": "CC-BY-4.0", "collection": "derived", "legal_basis": "legitimate-interests",
            "derived_from": [source], "text": { "origin": "an attempt at a cycle" },
        })
    };
    let itself = walk.client.file("data-cycle-1", &attempt("loop", &format!("{dataset}@loop")))?;
    let words = ["dataset", "register-version", dataset, "--file", &itself];
    let answer = walk.refused("builder", &words, 7)?;
    let again = walk.client.file("data-cycle-2", &attempt("raw", &format!("{dataset}@training-v1")))?;
    let words = ["dataset", "register-version", dataset, "--file", &again];
    let second = walk.refused("builder", &words, 8)?;
    let after = items(&walk.ok("auditor", &["dataset", "versions", dataset])?)?.len();
    ensure!(before == after, "a refused version was registered: {before} before, {after} after");
    walk.step(
        "Two attempts at a cycle refused: a version made from itself, and `raw` again, made from its own descendant.",
        &[],
        "A source exists before what is made from it, and no version changes: the lineage has no cycles.",
    );
    let detail = |json: &serde_json::Value| json["detail"].as_str().unwrap_or_default().to_owned();
    walk.screen.quote(&[detail(&answer.json), detail(&second.json)]);
    Ok(())
}
