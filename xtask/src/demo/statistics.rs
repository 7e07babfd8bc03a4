//! Chapter: what the data and the decisions of four years say, computed from the files themselves, without a server.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::walk::Walk;

const YEARS: [&str; 3] = ["2016", "2017", "2018"];
/// From this coefficient on a difference is more than the years differ anyway; the bands of the product begin at 0.1.
const NOTABLE: f64 = 0.05;
/// Columns that number rows and households: they say nothing about people.
const NUMBERS: &str = "household,year";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let reports = walk.folder.join("reports");
    std::fs::create_dir_all(&reports).with_context(|| format!("cannot create {}", reports.display()))?;
    drift(walk)?;
    fairness(walk)
}

fn drift(walk: &mut Walk) -> Result<()> {
    let profile = file(walk, "employment-2015.profile.json");
    walk.ok(
        "nobody",
        &["profile", &data(walk, "data/2015.parquet"), "--ignore", NUMBERS, "--out", &profile],
    )?;
    let bytes = std::fs::metadata(&profile)?.len();
    walk.step(
        &format!(
            "The Census data of 2015 became a profile of {} KiB, which stands for them ever after.",
            bytes / 1_024
        ),
        &[],
        "Counts in bins that are frozen: profiles merge by addition, to the same bytes in any order.",
    );
    let (mut lines, mut last) = (Vec::new(), 0.0);
    for year in YEARS {
        let page = file(walk, &format!("employment-drift-{year}.html"));
        let current = data(walk, &format!("data/{year}.parquet"));
        let report = walk.ok("nobody", &["drift", &profile, &current, "--html", &page])?;
        let coefficient = report["headline"]["coefficient"].as_f64().context("no coefficient")?;
        let band = report["headline"]["band"].as_str().context("no band")?;
        let first = &report["columns"][0];
        let column = first["name"].as_str().context("no column")?;
        let part = first["contribution"].as_f64().context("no contribution")?;
        lines.push(format!("{year}: {coefficient:.3} {band}; {column} carries {:.0} %", part * 100.0));
        ensure!(band == "normal", "{year} is not within the ordinary bands: {lines:?}");
        last = coefficient;
    }
    ensure!(last >= NOTABLE, "by 2018 nothing has changed: {lines:?}");
    walk.step(
        "Each later year was compared with it: little has drifted, and what carries it is named.",
        &[],
        "One number from 0 to 1, of which 0.1, 0.3 and 0.5 are the bands; below it, what carries it. Pages in reports/.",
    );
    walk.screen.quote(&lines);
    Ok(())
}

fn fairness(walk: &mut Walk) -> Result<()> {
    let (page, decisions) =
        (file(walk, "employment-fairness-2018.html"), data(walk, "predictions/v1/2018.parquet"));
    let people = data(walk, "data/2018.parquet");
    let words = [
        "fairness",
        &decisions,
        "--join",
        &people,
        "--on",
        "id",
        "--label",
        "employed",
        "--prediction",
        "decision",
        "--score",
        "score",
        "--by",
        "sex,race",
        "--html",
        &page,
    ];
    let audit = walk.ok("nobody", &words)?;
    let verdicts = audit["report"]["verdicts"].as_array().context("no verdicts")?;
    let state = |verdict: &Value| verdict["state"].as_str().unwrap_or_default().to_owned();
    let of =
        |names: &[&str]| verdicts.iter().find(|verdict| verdict["attributes"] == serde_json::json!(names));
    let sex = of(&["sex"]).context("no verdict about sex")?;
    let race = of(&["race"]).context("no verdict about race")?;
    ensure!(state(sex) == "pass", "the verdict about sex: {sex}");
    // Two groups have fewer rows than any rate needs, so no pass can be claimed for all of them.
    ensure!(state(race) == "insufficient_evidence", "the verdict about race: {race}");
    walk.step(
        "The decisions of v1 about 70,131 people of 2018 were audited by sex, race and both together.",
        &[],
        "A pass needs the whole interval; a group too small to tell is named, and never counted as passed.",
    );
    let lines = verdicts.iter().map(|verdict| {
        let names = verdict["attributes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let because = verdict["because"].as_str().unwrap_or_default();
        let because = because.split("; not covered").next().unwrap_or_default();
        let state = state(verdict).replace('_', " ");
        format!("impact ratio by {}: {state}, {because}", names.collect::<Vec<_>>().join(" and "))
    });
    walk.screen.quote(&lines.collect::<Vec<_>>());
    Ok(())
}

/// A file of the example.
fn data(walk: &Walk, name: &str) -> String {
    walk.workspace.root.join("examples/employment").join(name).to_string_lossy().into_owned()
}

/// A file of the walk's reports.
fn file(walk: &Walk, name: &str) -> String {
    walk.folder.join("reports").join(name).to_string_lossy().into_owned()
}
