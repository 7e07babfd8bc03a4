//! Chapter: model files uploaded, models and their first versions registered.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::example::Example;
use super::walk::{Walk, index_of, text};

/// What the owner of the credit data states: a bad credit granted costs five, a good one refused costs one.
const BAD_GRANTED: f64 = 5.0;
const GOOD_REFUSED: f64 = 1.0;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    for name in ["employment", "credit"] {
        let example = Example::read(&walk.workspace.root, name)?;
        let (system, model) =
            (text(&example.facts["system"], "slug")?, text(&example.facts["model"], "slug")?);
        let receipt = walk.ok("builder", &["model", "register", system, model])?;
        walk.note(&format!("model {model}"), text(&receipt, "id")?);
        let what = format!("Model {model} registered in {system}.");
        walk.step(&what, &[index_of(&receipt)?], "A model is a line of versions inside one AI system.");
        version(walk, &example, "v1")?;
    }
    never_changes(walk)
}

/// Uploads the files of an example's version, registers it, and prints both as one step.
pub(crate) fn version(walk: &mut Walk, example: &Example, label: &str) -> Result<()> {
    let uploaded = upload(walk, example, label)?;
    let command = example.model_version(label, &expected_cost(example, label)?)?;
    let index = register(walk, example, &command)?;
    let model = text(&example.facts["model"], "slug")?;
    let what = format!(
        "{model} {label}: {} files uploaded, read back and hashed; the version registered as immutable.",
        command["artifacts"].as_array().map_or(0, Vec::len)
    );
    let mut entries = uploaded;
    entries.push(index);
    walk.step(
        &what,
        &entries,
        "Files are encrypted at rest. Digests, data, metrics, code and builder are fixed.",
    );
    Ok(())
}

/// Registers a version and remembers its id. Answers the entry.
pub(crate) fn register(walk: &mut Walk, example: &Example, command: &Value) -> Result<u64> {
    let (model, label) = (text(&example.facts["model"], "slug")?, text(command, "label")?);
    let file = walk.client.file(&format!("version-{model}-{label}"), command)?;
    let receipt = walk.ok("builder", &["version", "register", model, "--file", &file])?;
    walk.note(&format!("version {model}@{label}"), text(&receipt, "id")?);
    index_of(&receipt)
}

/// Uploads the files of a version. Answers the entries; a file that is stored already leaves none.
fn upload(walk: &Walk, example: &Example, label: &str) -> Result<Vec<u64>> {
    let mut entries = Vec::new();
    for artifact in example.version(label)?["artifacts"].as_array().into_iter().flatten() {
        let (digest, index) = upload_file(walk, example, text(artifact, "path")?)?;
        ensure!(artifact["sha256"] == digest.as_str(), "{artifact} was stored as {digest}");
        entries.extend(index);
    }
    Ok(entries)
}

/// Uploads one file of an example. Answers its digest, and the entry if it was not stored before.
pub(crate) fn upload_file(walk: &Walk, example: &Example, path: &str) -> Result<(String, Option<u64>)> {
    let file = example.file(path);
    let stored = walk.ok("builder", &["artifact", "upload", &file.to_string_lossy()])?;
    if stored["completed"] == json!(true) {
        return Ok((text(&stored, "digest")?.to_owned(), None));
    }
    Ok((text(&stored, "id")?.to_owned(), Some(index_of(&stored)?)))
}

/// The cost per application that the credit data's owner states, from the counts of the held-out rows.
pub(crate) fn expected_cost(example: &Example, label: &str) -> Result<Vec<(&'static str, f64)>> {
    if example.facts["model"]["slug"] != "credit-classifier" {
        return Ok(Vec::new());
    }
    let metrics = &example.version(label)?["metrics"];
    let number = |name: &str| metrics[name].as_f64().unwrap_or(f64::NAN);
    let cost = BAD_GRANTED * number("false_positives") + GOOD_REFUSED * number("false_negatives");
    let each = cost / number("rows");
    ensure!(each.is_finite(), "the metrics of {label} lack a count for the cost: {metrics}");
    Ok(vec![("expected_cost", each)])
}

fn never_changes(walk: &mut Walk) -> Result<()> {
    let example = Example::read(&walk.workspace.root, "credit")?;
    let mut better = example.model_version("v1", &[])?;
    better["metrics"]["auc"] = json!(0.99);
    let file = walk.client.file("version-better", &better)?;
    let refused =
        walk.refused("builder", &["version", "register", "credit-classifier", "--file", &file], 8)?;
    walk.step(
        "An attempt to register credit-classifier v1 again with a better AUC was refused.",
        &[],
        "A version never changes; a correction is a new version or a note.",
    );
    walk.screen.quote(&[refused.json["detail"].as_str().unwrap_or_default().to_owned()]);
    Ok(())
}
