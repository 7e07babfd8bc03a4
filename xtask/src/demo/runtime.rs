//! Chapter: a runtime says what it has loaded, and the record is held against it.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::example::Example;
use super::walk::{Walk, index_of, items, text};

const SYSTEM: &str = "consumer-credit-risk";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let example = Example::read(&walk.workspace.root, "credit")?;
    let right = model_file(&example, "v1")?;
    let answer = report(walk, &right)?;
    ensure!(answer["matches"] == true, "the right file does not match: {answer}");
    walk.step(
        "The runtime reported that it has loaded the model file of v1: it matches.",
        &[index_of(&answer)?],
        "What runs is what was approved, by its SHA-256.",
    );
    let answer = report(walk, &right)?;
    ensure!(answer["ledger_index"].is_null(), "an unchanged report was recorded again: {answer}");
    let wrong = model_file(&example, "v2")?;
    let answer = report(walk, &wrong)?;
    ensure!(answer["matches"] == false, "a file that is not deployed matches: {answer}");
    let expected = answer["expected"].as_array().into_iter().flatten();
    ensure!(
        expected.into_iter().any(|digest| *digest == right.as_str()),
        "the right file is not named: {answer}"
    );
    walk.step(
        "Then it reported the file of v2, which nobody has approved: a mismatch event.",
        &[index_of(&answer)?],
        "A file swapped behind the record's back is found; the answer names what was expected.",
    );
    let entries = walk.ok("auditor", &["ledger", "entries", "--kind", "runtime.reported"])?;
    let mismatches = items(&entries)?.iter().filter(|item| item["entry"]["data"]["matches"] == false).count();
    ensure!(mismatches == 1, "expected 1 mismatch in the log, found {mismatches}");
    let index = index_of(&report(walk, &right)?)?;
    walk.step(
        "The runtime loaded the right file again.",
        &[index],
        "Both the fault and its end are on record.",
    );
    Ok(())
}

fn report(walk: &Walk, digest: &str) -> Result<Value> {
    let words =
        ["runtime", "report", "--system", SYSTEM, "--environment", "production", "--instance", "scorer-1"];
    walk.ok("runtime", &[&words[..], &["--loaded", digest]].concat())
}

/// SHA-256 of the model file of a version.
fn model_file(example: &Example, label: &str) -> Result<String> {
    let artifacts = example.version(label)?["artifacts"].as_array().into_iter().flatten();
    let found = artifacts.into_iter().find(|artifact| artifact["role"] == "model");
    Ok(text(found.unwrap_or(&Value::Null), "sha256")?.to_owned())
}
