//! Chapters: controls put in operation at the beginning, and at the end what the walk shows of them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::walk::{Walk, items, text};
use crate::process::run_quiet;

/// Every control of the library counts from here on.
pub(crate) fn adopt(walk: &mut Walk) -> Result<()> {
    let library = walk.ok("nobody", &["control", "list"])?;
    let ids: Vec<String> =
        items(&library)?.iter().map(|control| Ok(text(control, "id")?.to_owned())).collect::<Result<_>>()?;
    let mut words = vec!["control", "adopt"];
    words.extend(ids.iter().map(String::as_str));
    walk.ok("risk-officer", &words)?;
    let status = walk.ok("auditor", &["control", "status"])?;
    let running = items(&status)?.iter().filter(|control| control["since"].is_string()).count();
    ensure!(running == ids.len(), "{running} of {} controls are in operation: {status}", ids.len());
    let list = walk.ok("auditor", &["ledger", "entries", "--kind", "control.adopted", "--all"])?;
    let mut entries: Vec<u64> = items(&list)?.iter().filter_map(|item| item["index"].as_u64()).collect();
    entries.sort_unstable();
    let ends = [entries.first().copied().context("no entry")?, entries.last().copied().context("no entry")?];
    walk.note("controls since", &now()?);
    walk.step(
        &format!("A risk officer put all {running} controls of the library in operation."),
        &ends,
        "Each counts from its entry on, by the definition whose digest stands there.",
    );
    Ok(())
}

/// What the window of this walk shows.
pub(crate) fn tested(walk: &mut Walk) -> Result<()> {
    // The window ends before the next second; a sample needs an entry after it.
    std::thread::sleep(Duration::from_secs(1));
    let to = now()?;
    walk.note("window end", &to);
    let from = walk.noted("controls since")?;
    let test =
        walk.ok("auditor", &["control", "test", "--from", &from, "--to", &to, "--framework", "soc2"])?;
    let controls = test["result"]["controls"].as_array().context("no controls in the test")?;
    let (mut expected, mut exceptions, mut lines) = (0, 0, Vec::new());
    for control in controls {
        let count = control["period"]["expected"].as_u64().unwrap_or(0);
        let found = control["exceptions"].as_array().map_or(0, Vec::len);
        (expected, exceptions) = (expected + count, exceptions + found);
        if found > 0 {
            let (id, title) = (text(control, "id")?, text(control, "title")?);
            lines.push(format!("{id}  {found} exceptions of {count}: {title}"));
        }
    }
    ensure!(
        expected > 10 && exceptions > 0,
        "too little happened: {expected} occurrences, {exceptions} exceptions"
    );
    let what = format!(
        "{} controls that serve SOC 2 tested over this walk: {expected} occurrences, {exceptions} exceptions.",
        controls.len()
    );
    walk.step(
        &what,
        &[],
        "Every occurrence was tested, no sample stands for the rest, and no opinion stands anywhere.",
    );
    walk.screen.quote(&lines);
    gaps(walk)
}

/// What of the AI Act the record shows, and what comes next.
fn gaps(walk: &mut Walk) -> Result<()> {
    let folder = walk.folder.join("reports");
    std::fs::create_dir_all(&folder)?;
    let page = folder.join("gaps-eu-ai-act.html").to_string_lossy().into_owned();
    let found = walk.ok("auditor", &["gap", "show", "eu-ai-act", "--html", &page])?;
    let count = |standing: &str| found["counts"][standing].as_u64().unwrap_or(0);
    let numbers = ["holds", "does-not", "cannot-be-evidenced", "not-applicable"].map(count);
    let rows = found["rows"].as_array().map_or(0, Vec::len);
    ensure!(numbers.iter().all(|count| *count > 0), "a standing that no row has: {}", found["counts"]);
    let [holds, does_not, unknown, not] = numbers;
    walk.step(
        &format!(
            "Gaps of the EU AI Act over three classified systems: of {rows} rows {holds} hold, {does_not} do not, \
             {unknown} cannot be evidenced, {not} are not applicable by tier and role."
        ),
        &[],
        "What \"holds\" means stands on the page, reports/gaps-eu-ai-act.html; no conclusion stands there.",
    );
    let steps = found["steps"].as_array().context("no steps")?.iter().take(3);
    let lines: Result<Vec<String>> = steps
        .map(|step| {
            let completes = step["completes"].as_array().map_or(0, Vec::len);
            Ok(format!("{} (completes {completes})", text(step, "says")?))
        })
        .collect();
    walk.screen.quote(&lines?);
    documents(walk)
}

/// The technical documentation as far as facts fill it, and a model card.
fn documents(walk: &mut Walk) -> Result<()> {
    let checked = walk.refused("auditor", &["docs", "check", "annex-iv", "consumer-credit-risk"], 2)?.json;
    let open = checked["open"].as_array().context("no list of what is open")?;
    let folder = walk.folder.join("reports");
    for (kind, subject) in [("annex-iv", "consumer-credit-risk"), ("model-card", "credit-classifier@v1")] {
        let page = folder.join(format!("{kind}.html")).to_string_lossy().into_owned();
        walk.ok("auditor", &["docs", "show", kind, subject, "--out", &page])?;
    }
    walk.refused("risk-officer", &["docs", "issue", "annex-iv", "consumer-credit-risk"], 8)?;
    walk.step(
        &format!(
            "The technical documentation by Annex IV, filled with facts that name their entries. {} questions are open, \
             and while they are it is not issued.",
            open.len()
        ),
        &[],
        "A gap stays a gap: nobody fills it but by saying something, under their name. reports/annex-iv.html.",
    );
    let first =
        open.iter().take(3).filter_map(|one| one["question"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    walk.screen.quote(&first);
    Ok(())
}

/// The moment, to the second, UTC.
fn now() -> Result<String> {
    moment("now")
}

/// A moment in UTC, as `date` takes it: `now`, `tomorrow`.
pub(crate) fn moment(when: &str) -> Result<String> {
    let mut date = Command::new("date");
    let words = ["-u", "-d", when, "+%Y-%m-%dT%H:%M:%SZ"];
    let said = run_quiet(date.args(words), Duration::from_secs(5))?;
    Ok(said.trim().to_owned())
}

/// Whether an offline test of the pack gives the digest that stands in it.
pub(crate) fn tested_again(walk: &mut Walk, pack: &str, vkey: &str) -> Result<()> {
    let (from, to) = (walk.noted("controls since")?, walk.noted("window end")?);
    let words = ["control", "test", pack, "--key", vkey, "--from", &from, "--to", &to, "--framework", "soc2"];
    let test: Value = walk.ok("nobody", &words)?;
    let digest = text(&test["result"], "digest")?.to_owned();
    let folder = walk.folder.join("reports");
    std::fs::create_dir_all(&folder)?;
    let mut tar = Command::new("tar");
    tar.args(["-xf", pack, "--strip-components=1", "-C"]).arg(&folder);
    tar.args(
        ["result.json", "tests-of-controls.html", "tests-of-controls.pdf"]
            .map(|file| format!("controls/{file}")),
    );
    run_quiet(&mut tar, Duration::from_mins(1))?;
    let result: Value = serde_json::from_slice(&std::fs::read(folder.join("result.json"))?)?;
    std::fs::remove_file(folder.join("result.json"))?;
    ensure!(result["result"]["digest"] == digest.as_str(), "the pack says {}", result["result"]["digest"]);
    walk.step(
        "The controls tested again from the pack alone: the same digest as in the pack.",
        &[],
        "An auditor needs neither our server nor our word; the table is reports/tests-of-controls.pdf, and .html.",
    );
    walk.screen.quote(&[digest]);
    Ok(())
}
