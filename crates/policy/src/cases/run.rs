//! Decides the cases of a table, and looks for rules that no case would miss.

use super::table::{Case, Cases, RuleCases};
use crate::bundle::Bundle;
use crate::decide::Decision;
use crate::rule::{Effect, RuleInfo};
use comptroller_core::vocab::Outcome;
use serde::Serialize;

/// One check, and what was wrong if it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// The rule that it is about; absent for a baseline.
    pub rule: Option<String>,
    /// What was checked.
    pub name: String,
    /// What was wrong; absent if nothing was.
    pub failure: Option<String>,
}

/// Checks every baseline and every case, that every rule has cases of both kinds, and that without a rule one of its
/// cases comes out differently. In one order: baselines by act, then rules by name.
pub fn run(bundle: &Bundle, cases: &Cases) -> Vec<CaseResult> {
    let mut results: Vec<CaseResult> = cases
        .baselines()
        .map(|request| {
            let decision = bundle.decide(request);
            let failure = (decision.outcome != Outcome::Allow).then(|| came_out(Outcome::Allow, &decision));
            CaseResult { rule: None, name: format!("the baseline of {} is allowed", request.action), failure }
        })
        .collect();
    for rule in bundle.rules() {
        let none = RuleCases::default();
        let of_rule = cases.rules.get(rule.id.as_str()).unwrap_or(&none);
        let mut add = |name: String, failure: Option<String>| {
            results.push(CaseResult { rule: Some(rule.id.to_string()), name, failure });
        };
        let missing = match (of_rule.matches.is_empty(), of_rule.misses.is_empty()) {
            (false, false) => None,
            (true, _) => Some("no case matches it: add one to its `matches`".to_owned()),
            (false, true) => Some("no case misses it: add one to its `misses`".to_owned()),
        };
        add("a case matches and a case misses".to_owned(), missing);
        let both = [("matches", true, &of_rule.matches), ("misses", false, &of_rule.misses)];
        for (kind, expected, cases) in both {
            for (n, case) in cases.iter().enumerate() {
                add(format!("{kind} {}", n + 1), failure(bundle, rule, case, expected));
            }
        }
        let noticed = |case: &Case| bundle.outcome_without(rule.id.as_str(), &case.request) != case.outcome;
        let unnoticed = "without the rule every case comes out the same: add one that only this rule decides";
        let killed = of_rule.matches.is_empty() || of_rule.matches.iter().any(noticed);
        add("without it a case comes out differently".to_owned(), (!killed).then(|| unnoticed.to_owned()));
    }
    let known = |id: &String| bundle.rules().any(|rule| rule.id.as_str() == id);
    let strays = cases.rules.keys().filter(|id| !known(id));
    results.extend(strays.map(|id| CaseResult {
        rule: Some(id.clone()),
        name: "the rule exists".to_owned(),
        failure: Some("no rule has this name: correct it, or remove the cases".to_owned()),
    }));
    results
}

fn failure(bundle: &Bundle, rule: &RuleInfo, case: &Case, expected: bool) -> Option<String> {
    let decision = bundle.decide(&case.request);
    let matched = match rule.effect {
        Effect::Permit => decision.permits.contains(&rule.id),
        Effect::Forbid => decision.rules.iter().any(|fired| fired.id == rule.id),
    };
    if matched != expected {
        let (did, should) = if matched { ("matched", "miss") } else { ("missed", "match") };
        return Some(format!("the rule {did} a request that it should {should}; {}", said(&decision)));
    }
    (decision.outcome != case.outcome).then(|| came_out(case.outcome, &decision))
}

fn came_out(expected: Outcome, decision: &Decision) -> String {
    format!("the outcome is {}, not {expected}; {}", decision.outcome, said(decision))
}

/// The rules and errors behind an outcome.
fn said(decision: &Decision) -> String {
    let names = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let against = names(decision.rules.iter().map(|rule| rule.id.as_str()).collect());
    let permits = names(decision.permits.iter().map(comptroller_core::Slug::as_str).collect());
    let mut text = format!("rules against it: {against}; permits: {permits}");
    if let Some(error) = decision.errors.first() {
        text.push_str(&format!("; error: {error}"));
    }
    text
}
