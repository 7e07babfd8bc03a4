//! Chapter: what cannot wait for the gate, by two people, judged afterwards.

use anyhow::{Context, Result, ensure};

use super::walk::{Walk, index_of, items, rule_ids, text};

/// The gate refuses it: a held-out metric is worse, nobody approved it, and it never served in staging.
const FIX: &str = "credit-classifier@v1.1";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let id = declared(walk)?;
    used(walk, &id)?;
    reviewed(walk, &id)
}

fn declared(walk: &mut Walk) -> Result<String> {
    let reason = "v1 answers nothing since the upstream field was renamed; v1.1 reads both names";
    let words =
        ["emergency", "open", FIX, "production", "--ticket", "INC-7", "--hours", "2", "--reason", reason];
    let opened = walk.ok("deployer-production", &words)?;
    let id = text(&opened, "id")?.to_owned();
    let alone = walk.refused("deployer-production", &["emergency", "deploy", &id], 6)?.json;
    ensure!(rule_ids(&alone) == ["emergency-unconfirmed"], "another rule than expected: {alone}");
    let comment = "seen on the dashboard; the fix was read";
    let confirmed = walk.act("approver-one", &["emergency", "confirm", &id, "--comment", comment])?;
    walk.step(
        "A deployer declared an emergency for two hours, could do nothing alone, and an approver confirmed it.",
        &[index_of(&opened)?, confirmed],
        "Two people, one version, one environment. An incident is open, and a review is due within 48 hours.",
    );
    Ok(id)
}

fn used(walk: &mut Walk, id: &str) -> Result<()> {
    let deployed = walk.act("deployer-production", &["emergency", "deploy", id])?;
    let entries = walk.ok("auditor", &["ledger", "entries", "--kind", "emergency.used", "--limit", "1"])?;
    let bypassed =
        &items(&entries)?.first().context("no use of an emergency in the log")?["entry"]["data"]["bypassed"];
    let count = bypassed.as_array().map_or(0, Vec::len);
    ensure!(
        bypassed.to_string().contains("approvals-missing"),
        "what was bypassed is not on record: {bypassed}"
    );
    let again = walk.refused("deployer-production", &["emergency", "deploy", id], 6)?.json;
    ensure!(rule_ids(&again) == ["emergency-ended"], "another rule than expected: {again}");
    walk.step(
        &format!(
            "v1.1 went live past the gate, once. The {count} rules that stood against it are in the log."
        ),
        &[deployed],
        "Nothing about an exception is quiet: what would have been refused is part of the record.",
    );
    Ok(())
}

fn reviewed(walk: &mut Walk, id: &str) -> Result<()> {
    let words = ["rollback", "credit-classifier", "production", "--reason", "the upstream field is back"];
    let returned = walk.act("deployer-production", &words)?;
    let findings = "justified; the contract test for the upstream field is added";
    walk.refused("approver-one", &["emergency", "review", id, "justified", "--findings", findings], 6)?;
    let reviewed =
        walk.act("risk-officer", &["emergency", "review", id, "justified", "--findings", findings])?;
    let incidents = walk.ok("auditor", &["incident", "list"])?;
    let open = items(&incidents)?.iter().filter(|incident| incident["closed_at"].is_null()).count();
    ensure!(open == 0, "an incident is still open: {incidents}");
    walk.step(
        "In the morning v1 went back, and a risk officer without a part in it judged the emergency.",
        &[returned, reviewed],
        "The incident is closed. Had the review been late, nothing of the system could have been promoted.",
    );
    Ok(())
}
