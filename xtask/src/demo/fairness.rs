//! Chapter: the recorded decisions are watched across groups, and a finding is opened that the gate sees.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::walk::{Walk, index_of, items, text};

const SYSTEM: &str = "employment-outreach";
const VERSION: &str = "employment-classifier@v1";
/// Groups of which every year holds hundreds of people; the rarer codes say nothing (dictionary.toml).
const GROUPS: [&str; 4] = ["--by", "sex=1,2", "--by", "race=1,2,6,8,9"];
/// The four-fifths rule (29 CFR 1607.4(D)).
const DEMAND: &str = "impact_ratio=0.8";
/// Longest wait until the days are judged.
const PATIENCE: Duration = Duration::from_secs(120);
const DAYS: usize = 3;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let words = [&["monitor", "watch-fairness", VERSION, "--threshold", DEMAND][..], &GROUPS].concat();
    walk.refused("builder", &words, 6)?;
    let set = walk.ok("risk-officer", &words)?;
    walk.step(
        "The risk officer laid down what decisions are watched for: by sex and race, each alone and together, by the four-fifths rule.",
        &[index_of(&set)?],
        "The chance of a false alarm is 5 % over everything and for ever, although somebody looks every day.",
    );
    let view = wait(walk)?;
    ensure!(view["state"] == "finding", "another state than expected: {view}");
    let days = view["days"].as_array().context("no days")?;
    let mut lines = Vec::new();
    for day in days {
        let p = day["p_ppm"].as_f64().context("no p-value")? / 1e6;
        lines.push(format!(
            "{}: {} rows, {}, p {p:.6} at any time",
            text(day, "day")?,
            day["rows"],
            text(day, "state")?
        ));
    }
    let page = walk.folder.join("reports/employment-fairness-watched.html").to_string_lossy().into_owned();
    walk.ok("auditor", &["monitor", "fairness", VERSION, "--html", &page])?;
    let last = days.last().context("no days")?;
    walk.step(
        "Each day was counted by group from its sealed blocks, and the evidence went on from day to day.",
        &[index_of(last)?],
        "Counts and evidence stand in each judgement, so anybody with the log can add them up again. A page in reports/.",
    );
    walk.screen.quote(&lines);
    opened(walk)
}

/// The finding that the watch opened by itself, and the fact that the gate has of it.
fn opened(walk: &mut Walk) -> Result<()> {
    let list = walk.ok("auditor", &["remediation", "list", "--system", SYSTEM])?;
    let of_watch = items(&list)?.iter().find(|one| one["cause"] == "fairness-monitor");
    let of_watch = of_watch.context("the finding opened no remediation")?;
    let finding = text(of_watch, "finding")?.to_owned();
    walk.note("finding", text(of_watch, "id")?);
    let answer = walk.client.call(walk.token("builder")?, &["gate", VERSION, "production"])?.json;
    ensure!(answer["facts"]["open_remediations"] == 1, "the gate knows of no finding: {answer}");
    walk.step(
        "The finding opened a remediation by itself, which the gate sees.",
        &[index_of(&answer)?],
        "It stays open until a later bias test passes, or a risk officer who did not build the model accepts what remains.",
    );
    walk.screen.quote(&finding.split("; ").map(str::to_owned).collect::<Vec<_>>());
    Ok(())
}

/// How the watch stands, once every record of every day was counted.
fn wait(walk: &Walk) -> Result<Value> {
    let begun = Instant::now();
    loop {
        // Refused as long as no day has been judged.
        let shown = walk.client.call(walk.token("auditor")?, &["monitor", "fairness", VERSION])?;
        let days = shown.json["days"].as_array().map_or(&[][..], Vec::as_slice);
        if days.len() == DAYS && days.iter().all(|day| day["rows"].as_u64() > Some(60_000)) {
            return Ok(shown.json);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the decisions were not judged in time: {}", shown.text);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
