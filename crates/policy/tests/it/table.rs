//! Every rule against its cases in `policies/base/tests.toml`.

use crate::cases::{Case, Cases, HARD, REVIEW, SCHEMA};
use comptroller_core::vocab::Outcome;
use comptroller_policy::{Bundle, Decision, Effect, RuleInfo};
use std::collections::BTreeSet;

fn matched(rule: &RuleInfo, decision: &Decision) -> bool {
    match rule.effect {
        Effect::Permit => decision.permits.contains(&rule.id),
        Effect::Forbid => decision.rules.iter().any(|fired| fired.id == rule.id),
    }
}

#[test]
fn every_rule_has_a_case_that_it_matches_and_one_that_it_misses() {
    let cases = Cases::read();
    let bundle = Bundle::builtin().unwrap();
    let rules: BTreeSet<&str> = bundle.rules().map(|rule| rule.id.as_str()).collect();
    let tested: BTreeSet<&str> = cases.rule.keys().map(String::as_str).collect();
    assert_eq!(rules, tested);
    for (id, of_rule) in &cases.rule {
        assert!(!of_rule.matches.is_empty() && !of_rule.misses.is_empty(), "{id}");
    }
}

#[test]
fn every_baseline_is_allowed() {
    let bundle = Bundle::builtin().unwrap();
    for request in Cases::read().baselines() {
        let decision = bundle.decide(&request);
        assert_eq!(decision.outcome, Outcome::Allow, "{}: {decision:#?}", request.action);
    }
}

#[test]
fn every_case_comes_out_as_written() {
    let cases = Cases::read();
    let bundle = Bundle::builtin().unwrap();
    for rule in bundle.rules() {
        let of_rule = &cases.rule[rule.id.as_str()];
        let check = |case: &Case, expected: bool| {
            let decision = bundle.decide(&cases.request(case));
            assert_eq!(matched(rule, &decision), expected, "{} {case:?}: {decision:#?}", rule.id);
            assert_eq!(decision.outcome, case.outcome, "{} {case:?}: {decision:#?}", rule.id);
        };
        of_rule.matches.iter().for_each(|case| check(case, true));
        of_rule.misses.iter().for_each(|case| check(case, false));
    }
}

#[test]
fn without_a_rule_one_of_its_cases_comes_out_differently() {
    let cases = Cases::read();
    for rule in Bundle::builtin().unwrap().rules() {
        let id = rule.id.as_str();
        let mutant = Bundle::parse(SCHEMA, &without(HARD, id), &without(REVIEW, id)).unwrap();
        assert!(mutant.rules().all(|other| other.id != rule.id), "{id} is still there");
        let noticed = cases.rule[id]
            .matches
            .iter()
            .any(|case| mutant.decide(&cases.request(case)).outcome != case.outcome);
        assert!(noticed, "no case notices that {id} is gone");
    }
}

/// The text without one policy: from its `@id` to the semicolon that ends a line.
fn without(text: &str, id: &str) -> String {
    let Some(start) = text.find(&format!("@id(\"{id}\")")) else { return text.to_owned() };
    let end = start + text[start..].find(";\n").unwrap() + 2;
    format!("{}{}", &text[..start], &text[end..])
}
