//! Chapter: a credential in the wrong environment, and the erasure of a data subject.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::walk::{Walk, index_of, items, rule_ids, rule_lines, text};

/// How the organisation refers to the subject. The public data name nobody, so this stands for somebody who wrote in
/// and said which row is theirs (GDPR Art. 11(2)).
const REFERENCE: &str = "letter 2026-117: row 417 of the cleaned file, by the writer's own account";
/// How often and how far apart the demo looks for a proof.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);
const DATASET: &str = "statlog-german-credit@cleaned";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    wrong_environment(walk)?;
    let (subject, index) = register(walk)?;
    let before = entry(walk, index)?;
    ensure!(
        before["opening"]["payload"]["reference"] == REFERENCE,
        "the reference does not read back: {before}"
    );
    erase(walk, &subject)?;
    gone(walk, index, &before)
}

fn wrong_environment(walk: &mut Walk) -> Result<()> {
    let words =
        ["deploy", "credit-classifier@v1.1", "production", "--reason", "with the token that was at hand"];
    let refused = walk.refused("deployer-staging", &words, 6)?.json;
    ensure!(rule_ids(&refused).iter().any(|id| id == "environment-segregation"), "another rule: {refused}");
    let denied = walk.ok("auditor", &["ledger", "entries", "--kind", "access.denied", "--limit", "1"])?;
    let last = items(&denied)?.first().context("the refusal is not in the log")?.clone();
    let actor = format!("principal/{}", walk.noted("person deployer")?);
    ensure!(last["entry"]["actor"] == actor.as_str(), "the last refusal is somebody else's: {last}");
    let index = last["index"].as_u64().context("an entry without index")?;
    walk.step(
        "The deployer's staging token was used for a deployment to production: refused, and recorded.",
        &[index],
        "The same person, with the right role, but the wrong credential: a leaked staging token reaches nothing else.",
    );
    let lines = rule_lines(&refused);
    walk.screen.quote(&lines.into_iter().filter(|line| line.starts_with("environment")).collect::<Vec<_>>());
    Ok(())
}

fn register(walk: &mut Walk) -> Result<(String, u64)> {
    let receipt = walk.ok("risk-officer", &["subject", "register", REFERENCE, "--dataset", DATASET])?;
    let index = index_of(&receipt)?;
    walk.step(
        "Somebody wrote in and named their row; the risk officer registered them as a data subject of the dataset.",
        &[index],
        "The reference is encrypted under the subject's own key; the entry holds a salted commitment to it.",
    );
    Ok((text(&receipt, "id")?.to_owned(), index))
}

fn erase(walk: &mut Walk, subject: &str) -> Result<()> {
    let subject = format!("subject/{subject}");
    walk.refused("owner", &["subject", "erase", &subject, "--basis", "subject-request"], 6)?;
    let words = ["subject", "erase", &subject, "--basis", "subject-request"];
    let report = walk.ok("risk-officer", &words)?;
    let mut affected = Vec::new();
    for label in ["v1", "v1.1", "v2"] {
        let id = walk.noted(&format!("version credit-classifier@{label}"))?;
        ensure!(
            names(&report["versions"], &id),
            "credit-classifier {label} is missing from the list: {report}"
        );
        affected.push(label);
    }
    let count = report["versions"].as_array().map_or(0, Vec::len);
    ensure!(count == affected.len(), "versions that never saw the data are listed: {report}");
    let what = format!(
        "The owner was not allowed to erase; the risk officer was. {} payload unreadable; trained on the data: {}.",
        report["payloads"],
        affected.join(", ")
    );
    walk.step(
        &what,
        &[index_of(&report)?],
        "Lineage says which versions are affected; what to do about them is open.",
    );
    walk.screen.quote(&[text(&report, "caveat")?.to_owned()]);
    Ok(())
}

fn names(list: &Value, id: &str) -> bool {
    list.as_array().into_iter().flatten().any(|item| item == id)
}

fn gone(walk: &mut Walk, index: u64, before: &Value) -> Result<()> {
    let after = entry(walk, index)?;
    ensure!(after["opening"].is_null(), "the erased payload can still be read: {after}");
    ensure!(after["entry"] == before["entry"], "the entry changed by the erasure: {after}");
    walk.step(
        "The entry of the registration is the same as before, with its proof; what it committed to is gone.",
        &[],
        "Erasure and an append-only log live together; the pack below verifies over all of it.",
    );
    Ok(())
}

/// An entry with its proof; waits until a checkpoint covers it, which takes about a second.
fn entry(walk: &Walk, index: u64) -> Result<Value> {
    for _ in 0..TRIES {
        let shown = walk.ok("auditor", &["ledger", "show", &index.to_string()])?;
        if shown["proof"].is_string() {
            return Ok(shown);
        }
        thread::sleep(PAUSE);
    }
    bail!("entry {index} has no proof after {} s", (PAUSE * TRIES).as_secs())
}
