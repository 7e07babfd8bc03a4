//! Chapter: the predictions of a year are recorded, one of them is found again with everything behind it, and proved.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::walk::{Walk, text};

const SYSTEM: &str = "employment-outreach";
const VERSION: &str = "employment-classifier@v1";
/// The years whose predictions are recorded; the last one is looked into.
const YEARS: [&str; 3] = ["2016", "2017", YEAR];
const YEAR: &str = "2018";
/// One of its people.
const ID: &str = "250000";
/// Longest wait until a block is sealed and the head signed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Exit code: a shown record is not the one that was committed to.
const NOT_THE_RECORD: i32 = 17;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    record(walk)?;
    found_again(walk)?;
    proved(walk)
}

fn record(walk: &mut Walk) -> Result<()> {
    let begun = Instant::now();
    let (mut records, mut of_year) = (0, 0);
    for year in YEARS {
        let sent = send(walk, year)?;
        of_year = sent["records"].as_u64().context("no number of records")?;
        ensure!(of_year > 60_000 && sent["known_before"] == 0, "not every record was taken: {sent}");
        records += of_year;
    }
    let seconds = begun.elapsed().as_secs_f64();
    walk.step(
        &format!(
            "The runtime sent the {records} predictions of three years with their inputs, in {seconds:.1} s."
        ),
        &[],
        "Each batch was on the disk before it was acknowledged; inputs are encrypted at rest.",
    );
    let again = send(walk, YEAR)?;
    ensure!(again["known_before"] == of_year, "a repeated file was taken again: {again}");
    walk.step(
        "It sent the last file again, as after a lost connection: every batch was known, nothing was doubled.",
        &[],
        "A batch counts once, whatever is repeated or killed.",
    );
    let (people, time) = (example(walk, "data", YEAR), time(YEAR));
    let words = ["prediction", "label", &people, "--column", "label=employed"];
    let labels = walk.ok("runtime", &[&words[..], &common(&time)].concat())?;
    ensure!(labels["records"] == of_year, "not every label was taken: {labels}");
    walk.step(
        "Later the labels came: who was employed.",
        &[],
        "What came true is joined by the prediction's id.",
    );
    Ok(())
}

/// Sends the predictions of a year with their inputs.
fn send(walk: &Walk, year: &str) -> Result<Value> {
    let (decisions, people) = (example(walk, "predictions/v1", year), example(walk, "data", year));
    let words = [
        "prediction",
        "send",
        &decisions,
        "--join",
        &people,
        "--on",
        "id",
        "--column",
        "prediction=decision",
    ];
    walk.ok("runtime", &[&words[..], &common(&time(year))].concat())
}

fn found_again(walk: &mut Walk) -> Result<()> {
    walk.refused("builder", &["prediction", "show", SYSTEM, ID], 6)?;
    let shown = walk.ok("auditor", &["prediction", "show", SYSTEM, ID])?;
    ensure!(shown["outcome"].is_string(), "the label was not found: {shown}");
    ensure!(shown["artifacts"].as_array().is_some_and(|list| !list.is_empty()), "no files: {shown}");
    let value = |name: &str| {
        let fields = shown["record"].as_array().into_iter().flatten();
        fields
            .into_iter()
            .find(|field| field["name"] == name)
            .map_or(Value::Null, |field| field["value"].clone())
    };
    walk.step(
        "The auditor looked up one of them by its id; the builder may not.",
        &[],
        "Record, version, files, data, deployment and outcome in one answer; that somebody looked is an event.",
    );
    let line = format!(
        "{ID}: age {}, score {}, said {}, true was {}",
        value("input.age"),
        value("score"),
        value("prediction"),
        text(&shown, "outcome")?
    );
    walk.screen.quote(&[line]);
    Ok(())
}

fn proved(walk: &mut Walk) -> Result<()> {
    let file = walk.folder.join("prediction.proof").to_string_lossy().into_owned();
    let begun = Instant::now();
    while let Err(error) = walk.ok("auditor", &["prediction", "prove", SYSTEM, ID, "--out", &file]) {
        if begun.elapsed() > PATIENCE {
            bail!("the record was not sealed in time: {error:#}");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let vkey = walk.noted("vkey")?;
    let verified = walk.ok("nobody", &["verify-prediction", &file, "--key", &vkey])?;
    let index = verified["ledger_index"].as_u64().context("no index")?;
    walk.step(
        &format!(
            "A proof of {} bytes, verified with nothing but the key of step 1.",
            std::fs::metadata(&file)?.len()
        ),
        &[index],
        "Two trees: the record is in its block, and the block's root is in the signed log.",
    );
    let readable = walk.folder.join("prediction.json").to_string_lossy().into_owned();
    walk.ok("auditor", &["prediction", "prove", SYSTEM, ID, "--out", &readable, "--readable"])?;
    let mut forged: Value = serde_json::from_str(&std::fs::read_to_string(&readable)?)?;
    let fields = forged["record"].as_array_mut().context("no record")?;
    let age = fields.iter_mut().find(|field| field["name"] == "input.age").context("no age")?;
    age["value"] = (age["value"].as_f64().context("no number")? + 1.0).into();
    let other = walk.client.file("prediction-forged", &forged)?;
    walk.refused("nobody", &["verify-prediction", &other, "--key", &vkey], NOT_THE_RECORD)?;
    walk.step(
        "One year was added to the person's age: not verified.",
        &[],
        "Nobody can say later that the model had seen something else.",
    );
    Ok(())
}

/// What both kinds of records have in common.
fn common(time: &str) -> [&str; 6] {
    ["--model", VERSION, "--env", "production", "--time", time]
}

/// The middle of the year, which is when the people were asked on average.
fn time(year: &str) -> String {
    format!("{year}-07-01T12:00:00Z")
}

/// A file of the example.
fn example(walk: &Walk, folder: &str, year: &str) -> String {
    let path = walk.workspace.root.join("examples/employment").join(folder).join(format!("{year}.parquet"));
    path.to_string_lossy().into_owned()
}
