//! Chapter: what ran is watched against the data it was made from, and what is worse than before is told.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::walk::{Walk, index_of, items, text};

const SYSTEM: &str = "employment-outreach";
const VERSION: &str = "employment-classifier@v1";
/// Where the bands begin for this system: lower than the usual ones, as its people are at risk.
const BANDS: &str = "0.02,0.05,0.3";
/// Longest wait until the days are judged.
const PATIENCE: Duration = Duration::from_secs(90);
const DAYS: [&str; 3] = ["2016-07-01", "2017-07-01", "2018-07-01"];

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let profile = walk.folder.join("reports/employment-2015.profile.json").to_string_lossy().into_owned();
    let words = ["monitor", "baseline", VERSION, "--profile", &profile, "--bands", BANDS];
    walk.refused("builder", &words, 6)?;
    let stored = walk.ok("builder", &["artifact", "upload", &profile, "--media-type", "application/json"])?;
    let digest = text(&stored, "digest").or_else(|_| text(&stored, "id"))?;
    let words = ["monitor", "baseline", VERSION, "--profile", digest, "--bands", BANDS];
    let set = walk.ok("risk-officer", &words)?;
    walk.step(
        "The builder stored the profile of 2015; the risk officer made it the baseline of v1 and said where alarms begin.",
        &[index_of(&set)?],
        "The builder was refused: thresholds of what runs in production are laid down by somebody else, on record.",
    );
    let judged = wait(walk)?;
    let mut lines = Vec::new();
    for (day, window) in DAYS.iter().zip(&judged) {
        let number =
            window["coefficient_ppm"].as_f64().with_context(|| format!("{day} has no coefficient"))? / 1e6;
        lines.push(format!(
            "{day}: {number:.3} {} by {}; {}",
            text(window, "band")?,
            text(window, "pillar")?,
            text(window, "advice")?
        ));
    }
    let last = &judged[DAYS.len() - 1];
    let bands: Vec<&Value> = judged.iter().map(|window| &window["band"]).collect();
    ensure!(bands == ["normal", "investigate", "investigate"], "other bands than expected: {lines:?}");
    walk.step(
        "Each day of its records was compared with it, block by block, by the server itself.",
        &[index_of(last)?],
        "The same numbers as of the files in an earlier chapter; each judgement is an event with the blocks it rests on.",
    );
    walk.screen.quote(&lines);
    let alarms = walk.ok("auditor", &["monitor", "alarms", "--system", SYSTEM, "--open"])?;
    let alarm = items(&alarms)?.iter().find(|alarm| alarm["topic"] == "drift").context("nothing alarmed")?;
    ensure!(text(alarm, "since")? == DAYS[1], "since another day than expected: {alarm}");
    let raised = index_of(alarm)?;
    let taken = walk.ok("deployer", &["monitor", "acknowledge", text(alarm, "id")?])?;
    let playbook = text(alarm, "playbook")?.to_owned();
    let page = walk.folder.join("reports/employment-watched-2017.html").to_string_lossy().into_owned();
    walk.ok("auditor", &["monitor", "report", VERSION, "production", DAYS[1], "--html", &page])?;
    let page = walk.folder.join("reports/employment-over-time.html").to_string_lossy().into_owned();
    walk.ok("auditor", &["monitor", "report", VERSION, "production", "--html", &page])?;
    walk.step(
        "Two bad days of three made one alarm, dated to 2017: ages that 2015 did not hold. The deployer took it on.",
        &[raised, index_of(&taken)?],
        "When it was raised, who looks after it and how long that took are on record. The page in reports/ is made again from the very blocks that were judged.",
    );
    walk.screen.quote(&[format!("its playbook is `comptroller playbook show {playbook}`")]);
    Ok(())
}

/// The judged days in their order, once every record of theirs was looked at.
fn wait(walk: &Walk) -> Result<Vec<Value>> {
    let begun = Instant::now();
    loop {
        let windows = walk.ok("auditor", &["monitor", "windows", SYSTEM])?;
        let judged: Vec<Value> = DAYS
            .iter()
            .filter_map(|day| items(&windows).ok()?.iter().find(|window| window["day"] == *day).cloned())
            .collect();
        // Every record of a day may stand in a block of its own time.
        let are_whole = judged.iter().all(|window| window["rows"].as_u64() > Some(60_000));
        if judged.len() == DAYS.len() && are_whole {
            return Ok(judged);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the days were not judged in time: {windows}");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
