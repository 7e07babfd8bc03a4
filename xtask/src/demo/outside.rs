//! Chapter: the risk of a system as people and the record see it, and an auditor from outside who has access for a day.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::controls::moment;
use super::people::enrol;
use super::walk::{Walk, index_of, text};

const WHO: &str = "outside-auditor";
const SYSTEM: &str = "consumer-credit-risk";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    assessed(walk)?;
    let engagement = engaged(walk)?;
    asked(walk)?;
    ended(walk, &engagement)
}

/// Five dimensions, from the record where it knows the answer, else from people.
fn assessed(walk: &mut Walk) -> Result<()> {
    let facts = walk.workspace.root.join("examples/credit/risk.toml").to_string_lossy().into_owned();
    let words = ["risk", "assess", SYSTEM, "--facts", &facts, "--reason", "before the auditor comes"];
    let index = walk.act("risk-officer", &words)?;
    let shown = walk.ok("auditor", &["risk", "assess", SYSTEM])?;
    ensure!(
        shown["reproduced"] == true && shown["stale"] == serde_json::json!([]),
        "it does not stand: {shown}"
    );
    let mut lines = Vec::new();
    let mut on_record = 0;
    for dimension in shown["assessment"]["dimensions"].as_array().context("no dimensions")? {
        let (points, weight) = (&dimension["points"]["most"], &dimension["weight"]);
        lines.push(format!("{points} of 100, weight {weight} %: {}", text(dimension, "label")?));
        let parts = dimension["parts"].as_array().into_iter().flatten();
        on_record += parts
            .filter(|part| part["stated"]["source"] == "registry" || part["stated"]["source"] == "monitor")
            .count();
    }
    ensure!(on_record >= 2, "the record answered {on_record} questions: {shown}");
    let total = &shown["assessment"]["total"]["most"];
    let what = format!(
        "The risk of the credit system: {total} of 100; {on_record} answers are read from the record."
    );
    walk.step(
        &what,
        &[index],
        "Each answer has its source and its share; what changes behind one makes it stale.",
    );
    walk.screen.quote(&lines);
    Ok(())
}

fn engaged(walk: &mut Walk) -> Result<String> {
    let person =
        walk.ok("admin", &["person", "add", "--name", "Alva Example", "--email", "alva@audits.example"])?;
    let id = text(&person, "id")?.to_owned();
    let [invited, accepted] = enrol(walk, "admin", WHO, &id)?;
    walk.refused(WHO, &["system", "list"], 6)?;
    let (from, to, until) = (walk.noted("controls since")?, moment("now")?, moment("tomorrow")?);
    let engage = [
        "audit",
        "engage",
        &id,
        "--framework",
        "soc2",
        "--from",
        &from,
        "--to",
        &to,
        "--until",
        &until,
        "--note",
        "Example Audits LLP, letter of today",
    ];
    walk.refused("admin", &engage, 6)?;
    let engaged = walk.ok("risk-officer", &engage)?;
    walk.ok(WHO, &["system", "list"])?;
    walk.refused(WHO, &["system", "tag", SYSTEM, "audited", "yes"], 6)?;
    walk.step(
        "An auditor from outside was invited by an administrator and engaged by a risk officer, until tomorrow.",
        &[invited, accepted, index_of(&engaged)?],
        "It takes two people, the credential is the auditor's own, and before the engagement it read nothing.",
    );
    Ok(text(&engaged, "id")?.to_owned())
}

/// What the auditor sees first, asks for, and is given.
fn asked(walk: &mut Walk) -> Result<()> {
    let page = walk.folder.join("reports/audit-overview.html").to_string_lossy().into_owned();
    let overview = walk.ok(WHO, &["audit", "overview", "--html", &page])?;
    let count = |list: &str| overview[list].as_array().map_or(0, Vec::len);
    ensure!(count("exceptions") > 0 && count("blind_spots") > 0, "the overview shows neither: {overview}");
    let what = format!(
        "The auditor sees {} exceptions and {} blind spots before anything else.",
        count("exceptions"),
        count("blind_spots")
    );
    walk.step(&what, &[], "The page is reports/audit-overview.html; no conclusion stands in it.");
    let words =
        ["audit", "request", "add", "The votes on the first deployment", "--control", "CTL-CHANGE-02"];
    let added = walk.ok(WHO, &words)?;
    let request = text(&added, "id")?.to_owned();
    let votes =
        walk.ok("risk-officer", &["ledger", "entries", "--kind", "approval.voted", "--limit", "1"])?;
    let vote = votes["items"][0]["index"].as_u64().context("nobody voted")?.to_string();
    let answer = ["audit", "request", "answer", &request, "--text", "the newest vote", "--entry", &vote];
    let mut entries = vec![index_of(&added)?, walk.act("risk-officer", &answer)?];
    let flag = ["audit", "request", "flag", &request, "--reason", "that is one vote, and there were two"];
    entries.push(walk.act(WHO, &flag)?);
    let votes =
        walk.ok("risk-officer", &["ledger", "entries", "--kind", "approval.voted", "--limit", "2"])?;
    let both: Vec<String> =
        votes["items"].as_array().into_iter().flatten().map(|item| item["index"].to_string()).collect();
    ensure!(both.len() == 2, "there are not two votes: {votes}");
    let answer = [
        "audit",
        "request",
        "answer",
        &request,
        "--text",
        "both votes",
        "--entry",
        &both[0],
        "--entry",
        &both[1],
    ];
    entries.push(walk.act("risk-officer", &answer)?);
    entries.push(walk.act(WHO, &["audit", "request", "accept", &request])?);
    walk.step(
        "The auditor asked for evidence, flagged the first answer with a reason, and accepted the second one.",
        &entries,
        "Who asked, what was handed over and what was said to it stands in the log.",
    );
    Ok(())
}

fn ended(walk: &mut Walk, engagement: &str) -> Result<()> {
    let index =
        walk.act("risk-officer", &["audit", "end", engagement, "--reason", "the questions are answered"])?;
    walk.refused(WHO, &["system", "list"], 6)?;
    let reads = walk.ok("auditor", &["ledger", "entries", "--kind", "audit.read", "--all"])?;
    let actor =
        format!("principal/{}", text(&walk.ok("risk-officer", &["audit", "show", engagement])?, "auditor")?);
    let own = |item: &&Value| item["entry"]["actor"] == actor.as_str();
    let count = reads["items"].as_array().into_iter().flatten().filter(own).count();
    ensure!(count > 1, "the reads of the auditor are not in the log: {reads}");
    let what = format!(
        "The engagement ended, the credential reads nothing more, and all {count} reads are on record."
    );
    walk.step(&what, &[index], "Access that nobody takes away would be the next finding.");
    Ok(())
}
