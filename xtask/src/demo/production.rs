//! Chapter: the gate says what is missing, and each missing thing is done, until the version is in production.

use anyhow::{Result, ensure};

use super::walk::{Walk, index_of, rule_ids, rule_lines, text};

const CREDIT: &str = "credit-classifier@v1";
const EMPLOYMENT: &str = "employment-classifier@v1";
/// What a deployment to any place but production leaves in the log before its own entry: the decision.
const DECISION_BEFORE: u64 = 1;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    gate_says_what_is_missing(walk)?;
    rehearse(walk)?;
    needs_review(walk)?;
    let approval = ask(walk)?;
    builder_is_refused(walk, &approval)?;
    two_people(walk, &approval)?;
    go_live(walk)?;
    let entries = promote(walk, EMPLOYMENT, "first version for the outreach programme")?;
    walk.step(
        "employment-classifier v1 went the same way: dev, staging, request, two votes, production.",
        &entries,
        "Every model takes the same road; nothing was switched off for the second one.",
    );
    Ok(())
}

fn gate_says_what_is_missing(walk: &mut Walk) -> Result<()> {
    let answer = walk.refused("builder", &["gate", CREDIT, "production"], 2)?.json;
    let fired = rule_ids(&answer);
    for rule in ["staging-skipped", "approvals-missing"] {
        ensure!(fired.iter().any(|id| id == rule), "the gate did not name {rule}: {answer}");
    }
    walk.note("first-decision", text(&answer, "decision")?);
    walk.step(
        "The gate was asked whether credit-classifier v1 may go to production: deny (exit code 2).",
        &[index_of(&answer)?],
        "The decision, its facts and the policy digest were recorded before the answer was given.",
    );
    walk.screen.quote(&rule_lines(&answer));
    Ok(())
}

fn rehearse(walk: &mut Walk) -> Result<()> {
    let mut entries = deploy(walk, CREDIT, "dev", "first look")?;
    walk.step(
        "credit-classifier v1 deployed to dev.",
        &entries,
        "Decision and deployment stand side by side.",
    );
    entries = deploy(walk, CREDIT, "staging", "rehearsal before production")?;
    walk.step(
        "credit-classifier v1 deployed to staging.",
        &entries,
        "The rule `staging-skipped` is met by a fact.",
    );
    Ok(())
}

fn needs_review(walk: &mut Walk) -> Result<()> {
    let answer = walk.refused("builder", &["gate", CREDIT, "production"], 3)?.json;
    ensure!(rule_ids(&answer) == ["approvals-missing"], "expected only approvals to be missing: {answer}");
    walk.step(
        "The gate was asked again: needs review (exit code 3). Only people can satisfy what is left.",
        &[index_of(&answer)?],
        "The outcome followed the facts; nobody edited a status.",
    );
    let words = ["deploy", CREDIT, "production", "--reason", "too early"];
    walk.refused("deployer-production", &words, 6)?;
    walk.step(
        "A deployer tried anyway and was refused.",
        &[],
        "The gate guards the act itself, not only the question.",
    );
    Ok(())
}

fn ask(walk: &mut Walk) -> Result<String> {
    let reason = "first version of the credit model; metrics and limits are on record";
    let words = ["approval", "request", CREDIT, "production", "--reason", reason];
    let receipt = walk.ok("builder", &words)?;
    walk.step(
        "The builder asked for approval.",
        &[index_of(&receipt)?],
        "The request binds these artifacts, this environment and this policy bundle, and lapses after 14 days.",
    );
    Ok(text(&receipt, "id")?.to_owned())
}

fn builder_is_refused(walk: &mut Walk, approval: &str) -> Result<()> {
    let words = ["approval", "vote", approval, "approve", "--comment", "looks good to me"];
    let refused = walk.refused("builder", &words, 6)?.json;
    ensure!(
        rule_ids(&refused).iter().any(|id| id == "vote-by-builder"),
        "another rule than expected: {refused}"
    );
    walk.step(
        "The builder, who holds the role of approver too, voted on it and was refused.",
        &[],
        "Separation of duties: who built or asked does not approve. The attempt is in the log.",
    );
    walk.screen.quote(&rule_lines(&refused));
    Ok(())
}

fn two_people(walk: &mut Walk, approval: &str) -> Result<()> {
    let shown = walk.ok("approver-one", &["version", "show", CREDIT])?;
    ensure!(shown["metrics"]["auc"].is_number(), "an approver does not see the metrics: {shown}");
    let index = vote(walk, "approver-one", approval)?;
    walk.step("The first approver read the version and approved.", &[index], "One vote is not enough:");
    let again = ["approval", "vote", approval, "approve", "--comment", "and again"];
    let refused = walk.refused("approver-one", &again, 6)?.json;
    ensure!(rule_ids(&refused) == ["vote-twice"], "another rule than expected: {refused}");
    walk.refused("builder", &["gate", CREDIT, "production"], 3)?;
    let index = vote(walk, "approver-two", approval)?;
    walk.step(
        "The first approver's second vote was refused. The second approver approved.",
        &[index],
        "Each human counts once, and two are needed.",
    );
    Ok(())
}

fn go_live(walk: &mut Walk) -> Result<()> {
    let answer = walk.ok("builder", &["gate", CREDIT, "production"])?;
    ensure!(answer["outcome"] == "allow" && rule_ids(&answer).is_empty(), "the gate still objects: {answer}");
    walk.step(
        "The gate was asked a third time: allow (exit code 0).",
        &[index_of(&answer)?],
        "No rule is left.",
    );
    let entries = deploy(walk, CREDIT, "production", "approved by two people")?;
    walk.step(
        "credit-classifier v1 is in production.",
        &entries,
        "The deployment names its decision and its approval: from what runs back to who agreed, and on what evidence.",
    );
    Ok(())
}

/// Takes a version all the way: dev, staging, request, two votes, production. Answers the entries.
pub(crate) fn promote(walk: &mut Walk, version: &str, reason: &str) -> Result<Vec<u64>> {
    let mut entries = approve(walk, version, reason)?;
    entries.extend(deploy(walk, version, "production", reason)?);
    Ok(entries)
}

/// Takes a version to staging and has it approved for production, without going there. Answers the entries.
pub(crate) fn approve(walk: &mut Walk, version: &str, reason: &str) -> Result<Vec<u64>> {
    let mut entries = deploy(walk, version, "dev", reason)?;
    entries.extend(deploy(walk, version, "staging", reason)?);
    let receipt = walk.ok("builder", &["approval", "request", version, "production", "--reason", reason])?;
    let approval = text(&receipt, "id")?.to_owned();
    entries.push(index_of(&receipt)?);
    for approver in ["approver-one", "approver-two"] {
        walk.ok(approver, &["version", "show", version])?;
        entries.push(vote(walk, approver, &approval)?);
    }
    Ok(entries)
}

/// Deploys with the token of the environment. Answers the entries of decision and deployment.
pub(crate) fn deploy(walk: &Walk, version: &str, environment: &str, reason: &str) -> Result<Vec<u64>> {
    let who = format!("deployer-{environment}");
    let index = walk.act(&who, &["deploy", version, environment, "--reason", reason])?;
    Ok(vec![index - DECISION_BEFORE, index])
}

fn vote(walk: &Walk, who: &str, approval: &str) -> Result<u64> {
    walk.act(who, &["approval", "vote", approval, "approve", "--comment", "metrics, limits and data read"])
}
