//! Chapter: what an auditor asks a running system.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::walk::{Walk, items, text};

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    whole_stream(walk)?;
    who_read(walk)?;
    refusals(walk)?;
    changes_nothing(walk)
}

fn whole_stream(walk: &mut Walk) -> Result<()> {
    let stream = format!("system/{}", walk.noted("system consumer-credit-risk")?);
    let list = walk.ok("auditor", &["ledger", "entries", "--stream", &stream, "--all"])?;
    let mut numbers = Vec::new();
    for item in items(&list)? {
        numbers.push(item["entry"]["stream_seq"].as_u64().context("an entry without stream_seq")?);
    }
    numbers.sort_unstable();
    let count = u64::try_from(numbers.len())?;
    ensure!(count > 20 && numbers == (0..count).collect::<Vec<_>>(), "the stream has gaps: {numbers:?}");
    let what =
        format!("All {count} entries of the credit system read, numbered 0 to {} without a gap.", count - 1);
    walk.step(
        &what,
        &[],
        "One system's history is complete by itself; stream heads in the log prove its length.",
    );
    Ok(())
}

fn who_read(walk: &mut Walk) -> Result<()> {
    let readers = walk.ok("auditor", &["ledger", "readers", "credit-classifier"])?;
    let mut lines = Vec::new();
    for approver in ["approver-one", "approver-two"] {
        let actor = format!("principal/{}", walk.noted(&format!("person {approver}"))?);
        let found = items(&readers)?.iter().find(|reader| reader["actor"] == actor.as_str());
        let reads = found.and_then(|reader| reader["reads"].as_u64()).unwrap_or(0);
        ensure!(reads > 0, "{approver} voted, but is not among the readers: {readers}");
        lines.push(format!("{approver}: {reads} reads"));
    }
    walk.step(
        "Who read the credit model's records, and how often.",
        &[],
        "Both approvers read what they approved.",
    );
    walk.screen.quote(&lines);
    Ok(())
}

fn refusals(walk: &mut Walk) -> Result<()> {
    let list = walk.ok("auditor", &["ledger", "entries", "--kind", "access.denied", "--all"])?;
    let mut lines: Vec<String> = Vec::new();
    for item in items(&list)?.iter().rev() {
        let data = &item["entry"]["data"];
        lines.push(format!("#{}  {}: {}", item["index"], text(data, "action")?, text(data, "reason")?));
    }
    for expected in ["vote-by-builder", "vote-twice", "metrics-regressed", "environment-segregation"] {
        ensure!(
            lines.iter().any(|line| line.ends_with(expected)),
            "no refusal by {expected} in the log: {lines:?}"
        );
    }
    let what = format!("All {} refusals of this walk are in the log.", lines.len());
    walk.step(&what, &[], "Nobody can try something without leaving a trace.");
    walk.screen.quote(&lines);
    Ok(())
}

fn changes_nothing(walk: &mut Walk) -> Result<()> {
    let refused = walk.refused("auditor", &["system", "tag", "consumer-credit-risk", "audited", "yes"], 6)?;
    let reads = walk.ok("auditor", &["ledger", "entries", "--kind", "record.read", "--limit", "200"])?;
    let actor = format!("principal/{}", walk.noted("person auditor")?);
    let own: Vec<&Value> =
        items(&reads)?.iter().filter(|item| item["entry"]["actor"] == actor.as_str()).collect();
    ensure!(!own.is_empty(), "the auditor's own reads are not in the log");
    let what = format!(
        "The auditor may not even set a tag, and the auditor's own {} reads are on record.",
        own.len()
    );
    walk.step(&what, &[], "Who watches is watched too.");
    walk.screen.quote(&[refused.json["detail"].as_str().unwrap_or_default().to_owned()]);
    Ok(())
}
