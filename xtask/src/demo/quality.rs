//! Chapter: second versions that are worse than what serves, refused although two people approved them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::example::Example;
use super::production::approve;
use super::release;
use super::walk::{Walk, index_of, items, rule_ids, rule_lines, text};

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let refused = refuse(walk, "employment", "no sex, race or origin; ages 16 and over")?;
    ensure!(refused == ["auc"], "expected the AUC alone to be worse beyond the tolerance: {refused:?}");
    let refused = refuse(walk, "credit", "without age, personal status and foreign worker; grants by cost")?;
    ensure!(refused == ["accuracy", "f1"], "expected accuracy and F1 to be worse: {refused:?}");
    which_number_decides(walk)
}

/// Registers v2 of an example, has it approved, and sees it refused. Answers the metrics that were worse.
fn refuse(walk: &mut Walk, name: &str, reason: &str) -> Result<Vec<String>> {
    let example = Example::read(&walk.workspace.root, name)?;
    let system = text(&example.facts["system"], "slug")?.to_owned();
    let version = format!("{}@v2", text(&example.facts["model"], "slug")?);
    release::version(walk, &example, "v2")?;
    let entries = approve(walk, &version, reason)?;
    let what = format!("{version} deployed to dev and staging, and approved by two people.");
    walk.step(&what, &entries, "Everything that people can do for it has been done.");
    let answer = walk.refused("builder", &["gate", &version, "production"], 2)?.json;
    ensure!(rule_ids(&answer) == ["metrics-regressed"], "another rule than expected: {answer}");
    let words = ["deploy", version.as_str(), "production", "--reason", reason];
    let refused = walk.refused("deployer-production", &words, 6)?.json;
    ensure!(rule_ids(&refused) == ["metrics-regressed"], "another rule than expected: {refused}");
    ensure!(serving(walk, &system)? == "v1", "{system} no longer serves v1");
    let what = format!(
        "{version} to production: REFUSED, by the gate and by the deployment itself. v1 goes on serving."
    );
    walk.step(
        &what,
        &[index_of(&answer)?],
        "A hard rule outweighs approvals; the facts are in the decision.",
    );
    walk.screen.quote(&rule_lines(&answer));
    let worse = regressions(&answer)?;
    walk.screen.quote(&worse);
    Ok(worse.iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect())
}

/// The lines of an answer that say which metric is worse, such as `auc: 0.8458, serving 0.8602`.
fn regressions(answer: &Value) -> Result<Vec<String>> {
    let list = answer["regressions"].as_array().context("the gate's answer names no regressions")?;
    Ok(list.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
}

/// The label that serves in production.
fn serving(walk: &Walk, system: &str) -> Result<String> {
    let now = walk.ok("auditor", &["serving", "--system", system])?;
    let live = items(&now)?.first().with_context(|| format!("nothing serves in {system}"))?;
    Ok(text(live, "label")?.to_owned())
}

/// The honest end of the credit story: better by the stated cost, refused by what the rule looks at.
fn which_number_decides(walk: &mut Walk) -> Result<()> {
    let cost = |walk: &Walk, label: &str| -> Result<f64> {
        let version = walk.ok("auditor", &["version", "show", &format!("credit-classifier@{label}")])?;
        version["metrics"]["expected_cost"].as_f64().context("no expected_cost on record")
    };
    let (one, two) = (cost(walk, "v1")?, cost(walk, "v2")?);
    ensure!(two < one, "the stated cost of v2 is not lower: {two} against {one}");
    let what = format!(
        "By the cost that the data's owner states, credit v2 is better: {two:.3} against {one:.3} a row."
    );
    walk.step(
        &what,
        &[],
        "Which number decides is the organisation's choice. It stands in a policy that people can read, and change.",
    );
    Ok(())
}
