//! Chapter: a version that passes, a rehearsed rollback, a real one, and what served when.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::example::Example;
use super::production::promote;
use super::release;
use super::walk::{Walk, index_of, items, text};

const SYSTEM: &str = "consumer-credit-risk";
const MODEL: &str = "credit-classifier";

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let before = live_since(walk)?;
    corrected_package(walk)?;
    let between = live_since(walk)?;
    drill(walk)?;
    roll_back(walk)?;
    let after = live_since(walk)?;
    what_served(walk, [&before, &between, &after])
}

/// v1.1 is the model of v1, byte for byte, packed with the corrected words for its inputs. Scores and metrics are the
/// same; what changes is the text that an applicant would be shown as a reason.
fn corrected_package(walk: &mut Walk) -> Result<()> {
    let example = Example::read(&walk.workspace.root, "credit")?;
    let mut entries = Vec::new();
    let mut extra = Vec::new();
    for name in ["dictionary.toml", "NOTICE"] {
        let (digest, index) = release::upload_file(walk, &example, name)?;
        extra.push(json!({ "name": name.to_lowercase(), "digest": digest }));
        entries.extend(index);
    }
    let mut command = example.model_version("v1", &release::expected_cost(&example, "v1")?)?;
    command["label"] = json!("v1.1");
    command["artifacts"].as_array_mut().context("no artifacts")?.extend(extra);
    command["text"]["notes"] = json!(
        "The model file, data and metrics of v1, unchanged. New: dictionary.toml and NOTICE, so that a reason shown to \
         an applicant uses the corrected words; many words of the data's original documentation are wrong."
    );
    entries.push(release::register(walk, &example, &command)?);
    walk.step(
        "credit-classifier v1.1 registered: the model file of v1, packed with the corrected words for its inputs.",
        &entries,
        "A change beside the model is a version too, with its own approvals.",
    );
    let entries =
        promote(walk, &format!("{MODEL}@v1.1"), "reasons shown to applicants use the corrected words")?;
    walk.step(
        "v1.1 approved by two people and deployed to production.",
        &entries,
        "Equal metrics are no regression.",
    );
    Ok(())
}

fn drill(walk: &mut Walk) -> Result<()> {
    let answer = walk.ok("deployer-staging", &["drill", MODEL, "staging"])?;
    // In staging v2 served before v1.1; the drill goes to it and back.
    ensure!(
        answer["restored"] == walk.noted("version credit-classifier@v1.1")?.as_str(),
        "not restored: {answer}"
    );
    let files = answer["verified_artifacts"].as_u64().context("no verified_artifacts")?;
    let millis = answer["millis"].as_u64().context("no millis")?;
    ensure!(files > 0, "the drill verified no file: {answer}");
    let what = format!(
        "Rollback drill in staging, from v1.1 to the version before it and back: {files} files read back and hashed, {millis} ms."
    );
    walk.step(&what, &[index_of(&answer)?], "The way back works today, and the evidence of it is on record.");
    Ok(())
}

fn roll_back(walk: &mut Walk) -> Result<()> {
    let reason = "an applicant complained about a reason; back to v1 until it is understood";
    let answer = walk.ok("deployer-production", &["rollback", MODEL, "production", "--reason", reason])?;
    ensure!(
        answer["version"] == walk.noted("version credit-classifier@v1")?.as_str(),
        "not back at v1: {answer}"
    );
    walk.step(
        "Rolled back in production, from v1.1 to v1, in one command.",
        &[index_of(&answer)?],
        "A rollback needs no new approval: the target has served here, and its files are intact.",
    );
    Ok(())
}

fn what_served(walk: &mut Walk, moments: [&str; 3]) -> Result<()> {
    let mut found = Vec::new();
    for moment in moments {
        let answer = walk.ok("auditor", &["serving", "--system", SYSTEM, "--at", moment])?;
        let live = items(&answer)?.first().with_context(|| format!("nothing served at {moment}"))?;
        found.push(text(live, "label")?.to_owned());
    }
    ensure!(found == ["v1", "v1.1", "v1"], "the three moments answer {found:?}");
    walk.step(
        "What served at three moments: v1, v1.1, v1.",
        &[],
        "For any decision about a person, the version that made it can be named.",
    );
    let lines = moments.iter().zip(&found).map(|(moment, label)| format!("{moment}  {label}"));
    walk.screen.quote(&lines.collect::<Vec<_>>());
    Ok(())
}

/// Since when the version that is live now has been live in production.
fn live_since(walk: &Walk) -> Result<String> {
    let now = walk.ok("auditor", &["serving", "--system", SYSTEM])?;
    let live = items(&now)?.first().context("nothing is live")?;
    Ok(text(live, "live_from")?.to_owned())
}
