//! Chapter: a credential in the wrong environment, and the request of a data subject to be forgotten.

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
    let case = open_case(walk, &subject)?;
    let affected = erase(walk, &subject)?;
    close_case(walk, &subject, &case, &affected)?;
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

/// The case of what they ask for, with the time that the law gives.
fn open_case(walk: &mut Walk, subject: &str) -> Result<String> {
    let words =
        ["subject", "request", "open", subject, "erasure", "--text", "Please delete what you hold about me."];
    let opened = walk.ok("risk-officer", &words)?;
    let case = text(&opened, "id")?.to_owned();
    let check = "called back under the number on file";
    let noted = walk
        .act("risk-officer", &["subject", "request", "note", &case, "identity-checked", "--text", check])?;
    let told = "We have deleted it.";
    let close = ["subject", "request", "close", &case, "--outcome", "fulfilled", "--text", told];
    let early = walk.refused("risk-officer", &close, 8)?.json;
    let shown = walk.ok("risk-officer", &["subject", "request", "show", &case])?;
    walk.step(
        "The request is a case now, due a month after it came, and it cannot be closed as fulfilled yet.",
        &[index_of(&opened)?, noted],
        "The month is a dated row of the framework data (GDPR Art. 12(3)); the words are under the subject's key.",
    );
    let due = format!("due {}", text(&shown, "due_at")?);
    walk.screen.quote(&[due, text(&early, "detail")?.to_owned()]);
    Ok(case)
}

/// Every version that was trained on the data is decided about; then the case is closed.
fn close_case(walk: &mut Walk, subject: &str, case: &str, affected: &[String]) -> Result<()> {
    let mut entries = Vec::new();
    for version in affected {
        let reason =
            "one row of a thousand, and nothing in the model singles it out; the next training leaves it out";
        let words = ["subject", "decide", subject, version, "--decision", "keep", "--reason", reason];
        // Whoever built a version does not decide what becomes of it.
        walk.refused("builder", &words, 6)?;
        entries.push(walk.act("risk-officer", &words)?);
    }
    let told = "We have destroyed the key of what we held about you.";
    let close = ["subject", "request", "close", case, "--outcome", "fulfilled", "--text", told];
    entries.push(walk.act("risk-officer", &close)?);
    let report = walk.ok("risk-officer", &["subject", "deletion-report", subject])?;
    ensure!(report["erasure"].is_object(), "the report knows of no erasure: {report}");
    ensure!(
        report["versions"].as_array().is_some_and(|versions| versions.len() == affected.len()),
        "the report lists other versions than were affected: {report}"
    );
    walk.step(
        "It was decided about every version that was trained on the data, and the case is closed.",
        &entries,
        "The deletion report names the data, the versions and the decisions with their entries, what is open first.",
    );
    let open = report["open"].as_array().into_iter().flatten().filter_map(Value::as_str);
    walk.screen.quote(&open.map(|line| format!("open: {line}")).collect::<Vec<_>>());
    Ok(())
}

fn erase(walk: &mut Walk, subject: &str) -> Result<Vec<String>> {
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
    Ok(affected.iter().map(|label| format!("credit-classifier@{label}")).collect())
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
