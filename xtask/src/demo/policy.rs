//! Chapter: stricter policies, proven before they come in force; evidence; and approvals that stop to count.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::walk::{Walk, index_of, items, rule_ids, text};
use crate::process::find_program;
use crate::tools::apt_install;

const CREDIT: &str = "credit-classifier@v1";
const EMPLOYMENT: &str = "employment-classifier@v1";
/// How `policy diff` and `policy analyse` end: nothing new is let in, or nobody can prove it.
const PROVEN: i32 = 0;
const UNPROVEN: i32 = 4;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    solver(walk);
    let folder = walk.folder.join("policies").to_string_lossy().into_owned();
    draft(walk, &folder)?;
    in_force(walk, &folder)?;
    classify(walk)?;
    runs_no_longer_in_order(walk)?;
    shortest_path(walk)?;
    evidence(walk)?;
    waiver(walk)?;
    runs_in_order_until(walk)?;
    self_invalidated(walk)?;
    a_test_that_does_not_pass(walk)?;
    made_again(walk)
}

/// Proofs need cvc5. Where it cannot be installed the demo goes on, and says what is unproven.
fn solver(walk: &mut Walk) {
    if find_program("cvc5").is_some() || apt_install(&["cvc5"]).is_ok() {
        return;
    }
    walk.screen
        .quote(&["cvc5 is not installed here: what follows is unproven, and takes two approvals".to_owned()]);
}

fn draft(walk: &mut Walk, folder: &str) -> Result<()> {
    walk.ok("nobody", &["policy", "init", folder, "--pack", "baseline"])?;
    let tested = walk.ok("nobody", &["policy", "test", folder])?;
    ensure!(tested["failed"] == 0, "a case of the shipped policies fails: {tested}");
    let count = tested["results"].as_array().map_or(0, Vec::len);
    walk.step(
        &format!("A risk officer took the base policies and the pack `baseline`, and ran their {count} cases offline."),
        &[],
        "Every rule has a case that passes and one that fails, and every small damage of a rule is noticed.",
    );
    let difference = walk.client.call("", &["policy", "diff", "builtin", folder])?;
    ensure!([PROVEN, UNPROVEN].contains(&difference.code), "policy diff ended with {}", difference.code);
    let verdict = difference.json["comparison"]["verdict"].as_str().context("no verdict")?;
    let slices = difference.json["comparison"]["slices"].as_array().context("no slices")?;
    let shown = slices.iter().filter(|slice| slice["keeps_out"]["is"] == "something").count();
    let (slices, nothing) = (slices.len(), slices.iter().all(|slice| slice["lets_in"]["is"] == "nothing"));
    ensure!(
        nothing == (difference.code == PROVEN),
        "the verdict is not that of the slices: {}",
        difference.json
    );
    walk.step(
        &format!("`policy diff` compared both, for every request that there can be: {verdict}."),
        &[],
        &format!(
            "{slices} pairs of act and principal differ; for {shown} of them a request that is newly refused is shown."
        ),
    );
    Ok(())
}

fn in_force(walk: &mut Walk, folder: &str) -> Result<()> {
    let reason = "production needs evaluation, bias test, model card and monitoring plan";
    let proposed = walk.ok("risk-officer", &["policy", "propose", folder, "--reason", reason])?;
    let id = text(&proposed, "id")?.to_owned();
    let mut entries = vec![index_of(&proposed)?];
    let early = walk.refused("admin", &["policy", "activate", &id], 6)?.json;
    ensure!(rule_ids(&early).iter().any(|rule| rule == "policy-not-compared"), "another refusal: {early}");
    let analysed = walk.client.call(walk.token("risk-officer")?, &["policy", "analyse", &id])?;
    ensure!(
        [PROVEN, UNPROVEN].contains(&analysed.code),
        "the analysis ended with {}: {}",
        analysed.code,
        analysed.text
    );
    ensure!(analysed.json["invariants_violated"] == 0, "an invariant is broken: {}", analysed.text);
    let own = ["policy", "vote", &id, "approve", "--comment", "mine"];
    let refused = walk.refused("risk-officer", &own, 6)?.json;
    ensure!(rule_ids(&refused) == ["policy-vote-by-proposer"], "another refusal: {refused}");
    let voters: &[&str] = if analysed.code == PROVEN { &["owner"] } else { &["owner", "risk-officer-two"] };
    for voter in voters {
        let words = ["policy", "vote", &id, "approve", "--comment", "the comparison shows what changes"];
        entries.push(walk.act(voter, &words)?);
    }
    entries.push(walk.act("admin", &["policy", "activate", &id])?);
    let proofs = |list: &str, is: &str| {
        let all = analysed.json["report"][list].as_array().map_or(&[][..], Vec::as_slice);
        (all.iter().filter(|proof| proof["verdict"]["is"] == is).count(), all.len())
    };
    let ((total, rules), (holding, invariants)) = (proofs("rules", "proven"), proofs("invariants", "holds"));
    ensure!(
        analysed.code == UNPROVEN || (total == rules && holding == invariants && rules > 0 && invariants > 0),
        "something is unproven, and the analysis ended with 0: {}",
        analysed.text
    );
    walk.step(
        "Proposed, compared with what is in force, approved by somebody else, and put in force. Its proposer could not \
         approve it.",
        &entries,
        &format!(
            "The report stands in the log: {}; {total} of {rules} rules proven never to err; {holding} of {invariants} \
             standing invariants proven for every request.",
            text(&analysed.json, "verdict")?
        ),
    );
    Ok(())
}

/// Tiers that the rules of the AI Act compute from stated facts, recorded by a risk officer.
fn classify(walk: &mut Walk) -> Result<()> {
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    for (example, system, tier) in [
        ("credit", "consumer-credit-risk", "high"),
        ("employment", "employment-outreach", "high"),
        ("support-summaries", "support-summaries", "limited"),
    ] {
        let facts = walk.workspace.root.join("examples").join(example).join("ai-act.toml");
        let facts = facts.to_string_lossy().into_owned();
        let words = ["risk", "classify", system, "--facts", &facts, "--reason", "before it goes live again"];
        entries.push(walk.act("risk-officer", &words)?);
        let shown = walk.ok("auditor", &["risk", "show", system])?;
        ensure!(
            shown["tier"] == tier && shown["reproduced"] == true,
            "{system} came to another tier than {tier}: {shown}"
        );
        lines.push(format!("{system}: {tier}"));
    }
    walk.step(
        "A risk officer classified the three systems: the tier follows from stated facts by the rules of the AI Act.",
        &entries,
        "Rules for high risk held before too: a system that nobody classified is not thereby outside them.",
    );
    walk.screen.quote(&lines);
    Ok(())
}

/// The deployment of the credit model that is live, once it was decided about with this outcome.
fn running(walk: &Walk, outcome: &str) -> Result<Value> {
    for _ in 0..60 {
        let list = walk.ok("auditor", &["deployments", "running", "--system", "consumer-credit-risk"])?;
        let one = items(&list)?.first().context("nothing runs")?.clone();
        let recorded =
            walk.ok("auditor", &["ledger", "entries", "--kind", "operation.decided", "--limit", "20"])?;
        let decided =
            items(&recorded)?.iter().find(|entry| entry["entry"]["data"]["deployment"] == one["deployment"]);
        if let Some(entry) = decided.filter(|entry| entry["entry"]["data"]["outcome"] == outcome) {
            let mut one = one;
            one["ledger_index"] = entry["index"].clone();
            return Ok(one);
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    anyhow::bail!("the running deployment was not decided about as {outcome} within half a minute")
}

fn runs_no_longer_in_order(walk: &mut Walk) -> Result<()> {
    let one = running(walk, "needs-review")?;
    let rules: Vec<&str> = one["rules"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ensure!(rules.contains(&"baseline-bias-tested"), "other rules than expected: {one}");
    walk.step(
        "What runs was decided about again by itself: the credit model in production needs review, and an alert says why.",
        &[index_of(&one)?],
        "New policies hold for what runs, not only for what comes next.",
    );
    walk.screen.quote(&rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>());
    Ok(())
}

fn runs_in_order_until(walk: &mut Walk) -> Result<()> {
    let one = running(walk, "allow")?;
    let lapsing = one["lapsing"][0].as_str().context("nothing lapses")?;
    walk.step(
        &format!(
            "The credit model in production is in order again. Next to lapse, if nobody acts: {lapsing}."
        ),
        &[index_of(&one)?],
        &format!("At {}; it is decided about again then, and once a day.", text(&one, "lapses_at")?),
    );
    Ok(())
}

fn shortest_path(walk: &mut Walk) -> Result<()> {
    let answer = walk.refused("builder", &["gate", CREDIT, "production", "--certify"], 3)?.json;
    let fired = rule_ids(&answer);
    ensure!(fired.iter().any(|rule| rule == "baseline-bias-tested"), "the new rules do not fire: {answer}");
    let votes = answer["votes"].as_array().context("no votes")?;
    ensure!(votes.iter().all(|vote| vote["counts"] == false), "votes of before still count: {answer}");
    let path = answer["paths"]["shortest"][0].as_array().context("no path")?;
    let certificate = &answer["paths"]["minimal"];
    let certified = match find_program("cvc5") {
        Some(_) => {
            ensure!(certificate["is"] == "certified", "the path is not proven the shortest: {answer}");
            "It is proven that fewer steps are not enough, whatever values their facts take."
        }
        None => "That it is the shortest is searched, not proven: there is no solver here.",
    };
    let steps: Vec<String> = path
        .iter()
        .map(|step| {
            format!(
                "{}: {}",
                step["id"].as_str().unwrap_or_default(),
                step["what"].as_str().unwrap_or_default()
            )
        })
        .collect();
    walk.step(
        "The gate was asked about credit-classifier v1 again: needs review. It named the shortest path to approval:",
        &[index_of(&answer)?],
        "The two approvals of before count no longer: new rules fire that those who approved never saw.",
    );
    walk.screen.quote(&steps);
    walk.screen.quote(&[certified.to_owned()]);
    Ok(())
}

/// Records what the example's own test run found: its metrics file is the document.
fn evidence(walk: &mut Walk) -> Result<()> {
    let (auc, ratio, group) = measured(walk, "credit")?;
    let folder = walk.workspace.root.join("examples/credit");
    let metrics = folder.join("models/v1/metrics.json").to_string_lossy().into_owned();
    let card = folder.join("system.toml").to_string_lossy().into_owned();
    let record = |walk: &Walk, kind: &str, file: &str, measure: &str, note: &str| {
        let mut words = vec!["evidence", "record", CREDIT, "--kind", kind, "--file", file, "--note", note];
        if !measure.is_empty() {
            words.extend(["--measure", measure]);
        }
        walk.act("builder", &words)
    };
    let entries = [
        record(walk, "evaluation", &metrics, &format!("auc={auc}"), "held-out data")?,
        record(
            walk,
            "bias-test",
            &metrics,
            &format!("impact-ratio={ratio}"),
            &format!("lowest ratio: by {group}"),
        )?,
        record(walk, "model-card", &card, "", "purpose, intended use, data and limits")?,
    ];
    walk.step(
        &format!("Evaluation (AUC {auc}), bias test (impact ratio {ratio}, by {group}) and model card recorded."),
        &entries,
        "Each is bound to the digest of exactly these artifacts. Numbers are kept in millionths, rounded against us.",
    );
    Ok(())
}

/// The AUC of the held-out data, and the lowest impact ratio of any grouping, over groups of at least 30 people.
fn measured(walk: &Walk, example: &str) -> Result<(f64, f64, String)> {
    let file = walk.workspace.root.join(format!("examples/{example}/models/v1/metrics.json"));
    let metrics: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let sets = metrics["evaluation_sets"].as_object().context("no evaluation sets")?;
    let (_, set) = sets.iter().find(|(name, _)| name.starts_with("held-out")).context("no held-out set")?;
    let mut lowest = (f64::INFINITY, String::new());
    for (grouping, groups) in set["groups"].as_object().context("no groups")? {
        let rates: Vec<f64> = groups
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, group)| group["count"].as_u64().is_some_and(|count| count >= 30))
            .filter_map(|(_, group)| group["selection_rate"].as_f64())
            .collect();
        let (least, most) =
            (rates.iter().copied().fold(f64::INFINITY, f64::min), rates.iter().copied().fold(0.0, f64::max));
        if least / most < lowest.0 {
            lowest = (least / most, grouping.clone());
        }
    }
    Ok((set["auc"].as_f64().context("no auc")?, lowest.0, lowest.1))
}

fn waiver(walk: &mut Walk) -> Result<()> {
    let people = walk.ok("admin", &["person", "list", "--all"])?;
    let owner = items(&people)?
        .iter()
        .find(|person| person["person"]["name"] == "Dora Deployer")
        .with_context(|| format!("no deployer among {people}"))?;
    let owner = text(owner, "id")?.to_owned();
    let words = [
        "waiver",
        "request",
        "baseline-monitored",
        CREDIT,
        "production",
        "--owner",
        &owner,
        "--ticket",
        "RISK-12",
        "--days",
        "20",
        "--reason",
        "the monitoring plan is with the board; drift is looked at by hand every week",
    ];
    let asked = walk.ok("builder", &words)?;
    let id = text(&asked, "id")?.to_owned();
    let own = ["waiver", "decide", &id, "approve", "--comment", "fine"];
    walk.refused("builder", &own, 6)?;
    let granted = walk
        .act("risk-officer", &["waiver", "decide", &id, "approve", "--comment", "until the board has met"])?;
    let answer = walk.ok("builder", &["gate", CREDIT, "production"])?;
    ensure!(answer["outcome"] == "allow", "the gate still objects: {answer}");
    walk.step(
        "The missing monitoring plan was waived for 20 days, by a risk officer. The gate: allow.",
        &[index_of(&asked)?, granted, index_of(&answer)?],
        "The two approvals count again, since nothing that they rest on is worse. Day 21 fires the rule again.",
    );
    Ok(())
}

fn self_invalidated(walk: &mut Walk) -> Result<()> {
    let me = walk.ok("approver-one", &["whoami"])?;
    let id = text(&me, "principal").or_else(|_| text(&me, "id"))?.to_owned();
    let granted = walk.act("owner", &["role", "grant", &id, "admin"])?;
    let answer = walk.refused("builder", &["gate", CREDIT, "production"], 3)?.json;
    let votes = answer["votes"].as_array().context("no votes")?;
    let cause =
        votes.iter().find(|vote| vote["voter"] == id.as_str()).and_then(|vote| vote["cause"].as_str());
    ensure!(cause == Some("the voter administers"), "another cause: {answer}");
    let revoked = walk.act("owner", &["role", "revoke", &id, "admin"])?;
    walk.ok("builder", &["gate", CREDIT, "production"])?;
    walk.step(
        "The first approver was made administrator: the approval stopped to count at once, with the cause shown.",
        &[granted, index_of(&answer)?, revoked],
        "Votes are counted at every use, by who people are now. With the role gone, it counts again.",
    );
    Ok(())
}

/// The report of an audit becomes evidence as it is: what it does not show for every group, nobody can type in.
fn a_test_that_does_not_pass(walk: &mut Walk) -> Result<()> {
    let file = |name: &str| {
        walk.workspace.root.join("examples/employment").join(name).to_string_lossy().into_owned()
    };
    let (decisions, people) = (file("predictions/v1/2018.parquet"), file("data/2018.parquet"));
    let words = [
        "fairness",
        &decisions,
        "--join",
        &people,
        "--on",
        "id",
        "--prediction",
        "decision",
        "--by",
        "sex,race",
    ];
    let audit = walk.ok("nobody", &words)?;
    let report = walk.client.file("bias-test-employment", &audit)?;
    let recorded = walk.act("builder", &["evidence", "record", EMPLOYMENT, "--from-report", &report])?;
    let answer = walk.refused("builder", &["gate", EMPLOYMENT, "production"], 3)?.json;
    let fired = rule_ids(&answer);
    for rule in ["baseline-bias-tested", "baseline-findings-worked-on"] {
        ensure!(fired.iter().any(|id| id == rule), "the rule {rule} does not fire: {answer}");
    }
    ensure!(answer["facts"]["bias_test_passed"] == false, "the test passed: {answer}");
    walk.step(
        "The employment model's audit by sex and race was recorded as its bias test. The gate refuses it.",
        &[recorded, index_of(&answer)?],
        "Some groups have too few people, and that is never a pass. The watch's finding has no plan either.",
    );
    let me = walk.ok("builder", &["whoami"])?;
    let owner = text(&me, "principal").or_else(|_| text(&me, "id"))?.to_owned();
    let (finding, what) = (walk.noted("finding")?, "thresholds by group are compared on the data of 2018");
    let words = ["remediation", "plan", &finding, "--owner", &owner, "--mitigation", what, "--days", "30"];
    let planned = walk.act("builder", &words)?;
    let accept = ["remediation", "close", &finding, "--accept", "--reason", "good enough"];
    let refused = walk.refused("builder", &accept, 6)?.json;
    ensure!(
        rule_ids(&refused).iter().any(|rule| rule == "remediation-accepted-by-participant"),
        "another refusal: {refused}"
    );
    let answer = walk.refused("builder", &["gate", EMPLOYMENT, "production"], 3)?.json;
    ensure!(
        !rule_ids(&answer).iter().any(|rule| rule == "baseline-findings-worked-on"),
        "the finding counts as stalled: {answer}"
    );
    walk.step(
        "The builder planned what is done about the finding, within 30 days, and could not accept it in its own cause.",
        &[planned, index_of(&answer)?],
        "With a plan that rule is silent until the plan's time has passed; the bias test still is what it is.",
    );
    Ok(())
}

fn made_again(walk: &mut Walk) -> Result<()> {
    let id = walk.noted("first-decision")?;
    let replayed = walk.ok("auditor", &["policy", "replay", &id])?;
    ensure!(replayed["same"] == true, "a decision comes out otherwise: {replayed}");
    walk.step(
        "The auditor had the gate's first decision made again, by the policies of then: the same to the last fact.",
        &[index_of(&replayed)?],
        "Every decision names its policies by digest and holds its facts.",
    );
    Ok(())
}
