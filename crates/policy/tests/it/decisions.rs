//! What a decision says: errors, every reason, and enough to repeat it.

use crate::cases::{HARD, REVIEW, SCHEMA, shipped_cases, somebody};
use comptroller_core::vocab::{Outcome, PrincipalKind};
use comptroller_core::{Environment, Role};
use comptroller_policy::{Action, Bundle, Fact, Facts, ReplayError, Request, RuleSet};
use std::collections::{BTreeMap, BTreeSet};

fn ids(decision: &comptroller_policy::Decision) -> Vec<&str> {
    decision.rules.iter().map(|rule| rule.id.as_str()).collect()
}

fn without_fact(request: &Request, name: &str) -> Request {
    let mut facts = Facts::new();
    for (other, fact) in request.facts.iter().filter(|(other, _)| *other != name) {
        facts = facts.with(other, fact.clone());
    }
    Request { facts, ..request.clone() }
}

/// INVARIANT (deny-on-error): Cedar alone would allow here, since it skips the forbid that overflows.
#[test]
fn a_rule_that_overflows_makes_the_outcome_unknown() {
    let overflow = r#"
        @id("too-many-approvals") @reason("r") @remedy("m") @control("CTL-X-01")
        forbid (principal, action == Action::"deploy", resource) when { context.approvals_valid * 2 > 100 };
    "#;
    let cases = shipped_cases();
    let request = cases.baseline(Action::Deploy);
    let extreme =
        Request { facts: request.facts.clone().long("approvals_valid", i64::MAX), ..request.clone() };
    for (hard, review) in
        [(format!("{HARD}{overflow}"), REVIEW.to_owned()), (HARD.to_owned(), format!("{REVIEW}{overflow}"))]
    {
        let bundle = Bundle::parse(SCHEMA, &hard, &review).unwrap();
        assert_eq!(bundle.decide(&request).outcome, Outcome::Allow);
        let decision = bundle.decide(&extreme);
        assert_eq!(decision.outcome, Outcome::Unknown);
        assert_eq!(decision.errors.len(), 1, "{:?}", decision.errors);
        assert!(decision.errors[0].contains("too-many-approvals"), "{:?}", decision.errors);
        assert!(decision.errors[0].contains("overflow"), "{:?}", decision.errors);
    }
}

/// INVARIANT (deny-on-error): every fact of every act is required, and its absence names it; but for `engagement`, which
/// only auditors from outside have.
#[test]
fn a_missing_fact_is_unknown_and_named() {
    let bundle = Bundle::builtin().unwrap();
    let mut removed = 0;
    for request in shipped_cases().baselines() {
        let names = request.facts.iter().map(|(name, _)| name.to_owned());
        for name in names.filter(|name| name != "engagement") {
            let decision = bundle.decide(&without_fact(request, &name));
            assert_eq!(decision.outcome, Outcome::Unknown, "{} without {name}", request.action);
            assert!(decision.errors[0].contains(&name), "{name}: {:?}", decision.errors);
            removed += 1;
        }
    }
    assert_eq!(
        removed,
        1 + 1
            + 2
            + 2
            + 15
            + 8
            + 1
            + 4
            + 2
            + 21 * 3
            + 12 * 3
            + 4
            + 2
            + 2
            + 5
            + 3
            + 9
            + 3
            + 3
            + 1
            + 4
            + 2
            + 1
            + 2
    );
}

#[test]
fn an_act_in_an_environment_needs_to_say_which() {
    let bundle = Bundle::builtin().unwrap();
    for action in
        [Action::Deploy, Action::GateCheck, Action::ApprovalVote, Action::RuntimeReport, Action::Drill]
    {
        let request = Request { environment: None, ..shipped_cases().baseline(action) };
        let decision = bundle.decide(&request);
        assert_eq!(decision.outcome, Outcome::Unknown, "{action}");
        assert!(decision.errors[0].contains("`environment`"), "{:?}", decision.errors);
    }
}

#[test]
fn an_unfit_request_is_unknown_and_says_why() {
    let bundle = Bundle::builtin().unwrap();
    let deploy = shipped_cases().baseline(Action::Deploy);
    let long = "x".repeat(129);
    let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    let facts = |facts: Facts| Request { facts, ..deploy.clone() };
    let mut flood = Facts::new();
    for n in 0..65 {
        flood = flood.bool(&format!("fact_{n}"), true);
    }
    let base = || deploy.facts.clone();
    let cases = [
        (facts(base().text("approvals_valid", "2")), "approvals_valid"),
        (facts(base().bool("aproval_denied", false)), "aproval_denied"),
        (facts(base().text("environment", "dev")), "environment is reserved"),
        (facts(base().text("credential_environment", "dev")), "credential_environment is reserved"),
        (facts(base().bool("principal.kind", true)), "is not the name of a fact"),
        (facts(base().bool("", true)), "is not the name of a fact"),
        (facts(base().text("note", &long)), "1 to 128 bytes"),
        (facts(base().text("note", "a\nb")), "control characters"),
        (facts(base().with("note", Fact::Set(many))), "at most 64 words"),
        (facts(base().set("note", &["ok", ""])), "1 to 128 bytes"),
        (facts(flood), "65 facts are more than the 64"),
        (Request { resource: "system".to_owned(), ..deploy.clone() }, "kind/id"),
        (Request { resource: "/x".to_owned(), ..deploy.clone() }, "kind/id"),
        (Request { resource: "system/a\u{0}".to_owned(), ..deploy.clone() }, "kind/id"),
        (Request { resource: format!("system/{}", "9".repeat(300)), ..deploy.clone() }, "kind/id"),
    ];
    for (request, expected) in cases {
        let decision = bundle.decide(&request);
        assert_eq!(decision.outcome, Outcome::Unknown, "{expected}");
        assert!(decision.errors.join("; ").contains(expected), "{expected}: {:?}", decision.errors);
        assert!(decision.facts.len() <= 67, "an unfit request does not fill the record");
    }
}

#[test]
fn every_reason_is_listed_also_the_missing_permit_and_the_missing_approval() {
    let bundle = Bundle::builtin().unwrap();
    let mut request = shipped_cases().baseline(Action::Deploy);
    request.principal.roles = BTreeSet::from([Role::Auditor]);
    request.principal.credential_environment = Some(Environment::Dev);
    request.facts = request.facts.bool("has_signature", false).bool("served_in_staging", false);
    request.facts = request.facts.long("approvals_valid", 0);
    let decision = bundle.decide(&request);
    assert_eq!(decision.outcome, Outcome::Deny);
    let expected =
        ["no-permit", "environment-segregation", "signature-missing", "staging-skipped", "approvals-missing"];
    assert_eq!(ids(&decision), expected);
    assert_eq!(decision.rules[4].set, RuleSet::Review);
    assert!(decision.errors.is_empty());
}

#[test]
fn a_refusal_for_want_of_a_permit_says_whose_act_it_is() {
    let bundle = Bundle::builtin().unwrap();
    let mut request = shipped_cases().baseline(Action::Deploy);
    request.principal.roles = BTreeSet::from([Role::Ci]);
    request.principal.kind = PrincipalKind::ServiceAccount;
    let decision = bundle.decide(&request);
    assert_eq!(ids(&decision), ["no-permit"]);
    let rule = &decision.rules[0];
    assert_eq!(
        rule.reason,
        "no rule permits deploy here; it is for deployer (deploy-anywhere: deployers deploy, roll back and \
         rehearse rollbacks in every environment); or for ci (deploy-by-pipeline: pipelines deploy to dev and \
         staging only)"
    );
    assert!(rule.remedy.contains("deployer, ci"), "{}", rule.remedy);
    assert_eq!(rule.control, ["CTL-CHANGE-03", "CTL-CHANGE-04"]);
}

/// INVARIANT (as-of): the record holds all that the answer depends on.
#[test]
fn a_recorded_decision_is_repeated_from_its_record() {
    let bundle = Bundle::builtin().unwrap();
    for request in shipped_cases().baselines() {
        let decision = bundle.decide(request);
        let text = serde_json::to_string(&decision.facts).unwrap();
        let facts = serde_json::from_str(&text).unwrap();
        let again =
            Request::replay(somebody(), request.action, &request.resource, request.environment, &facts)
                .unwrap();
        assert_eq!(again, *request);
        assert_eq!(bundle.decide(&again), decision);
    }
}

#[test]
fn a_record_that_is_none_is_refused() {
    let decision = Bundle::builtin().unwrap().decide(&shipped_cases().baseline(Action::Deploy));
    let replay = |facts: &BTreeMap<String, serde_json::Value>| {
        Request::replay(somebody(), Action::Deploy, "system/1", None, facts)
    };
    let mut facts = decision.facts.clone();
    facts.remove("principal.kind");
    assert_eq!(replay(&facts), Err(ReplayError::Missing { name: "principal.kind" }));
    for (name, value) in [
        ("principal.roles", serde_json::json!(["emperor"])),
        ("principal.credential_environment", serde_json::json!("prod")),
        ("approvals_valid", serde_json::json!(0.5)),
        ("approvals_valid", serde_json::json!(null)),
        ("approvals_valid", serde_json::json!([1])),
    ] {
        let mut facts = decision.facts.clone();
        facts.insert(name.to_owned(), value);
        assert!(replay(&facts).unwrap_err().to_string().contains(name));
    }
}
