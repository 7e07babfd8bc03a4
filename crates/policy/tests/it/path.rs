//! Why a rule fires, clause by clause, and the shortest path to a pass.

use crate::cases::shipped_cases;
use comptroller_core::vocab::{EvidenceKind, Outcome};
use comptroller_policy::prove::{self, Limits, Minimality, Solver};
use comptroller_policy::{Action, Bundle, Fact, Facts, PACKS, Package, Paths, Request, Votes};

fn bundle() -> Bundle {
    Bundle::of(&Package::with_packs(&["baseline", "soc2"]).unwrap()).unwrap()
}

/// A high-risk version of which nothing is on record but what the registry knows.
fn bare() -> Request {
    let mut request = shipped_cases().baseline(Action::GateCheck);
    request.facts = request
        .facts
        .long("risk_tier", 2)
        .long("approvals_valid", 0)
        .set("quorums_met", &[])
        .bool("served_in_staging", false);
    request
}

#[test]
fn a_clause_names_the_fact_with_what_it_is_and_what_it_must_be() {
    let facts = bare()
        .facts
        .long("bias_test_age", 60)
        .bool("bias_test_passed", true)
        .long("impact_ratio_ppm", 799_960);
    let clauses = bundle().clauses("baseline-bias-tested", &facts);
    assert_eq!(clauses.len(), 1, "{clauses:?}");
    assert_eq!(clauses[0].fact, "impact_ratio_ppm");
    assert_eq!(clauses[0].required, ">= 800000");
    assert_eq!(clauses[0].actual, Some(799_960.into()));
    let absent = bundle().clauses("baseline-evaluated", &bare().facts);
    let names: Vec<&str> = absent.iter().map(|clause| clause.fact.as_str()).collect();
    assert_eq!(names, ["evaluation_age", "evaluation_passed"]);
    assert!(absent.iter().all(|clause| clause.actual.is_none()));
}

#[test]
fn every_shortest_path_passes_and_none_of_its_steps_can_be_left_out() {
    let (bundle, request) = (bundle(), bare());
    assert_eq!(bundle.decide(&request).outcome, Outcome::Deny);
    let paths = bundle.shortest_paths(&request);
    assert!(paths.complete && paths.hopeless.is_empty(), "{paths:?}");
    let first: Vec<&str> = paths.shortest[0].iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        first,
        [
            "approvals",
            "evidence/bias-test",
            "evidence/evaluation",
            "evidence/impact-assessment",
            "evidence/model-card",
            "evidence/monitoring-plan",
            "evidence/security-review",
            "served_in_staging",
        ]
    );
    assert!(paths.shortest[0][1].what.contains("impact-ratio at least 0.8"), "{:?}", paths.shortest[0][1]);
    // Every rule that fired needs a step of its own here, so no set can be smaller.
    assert!(paths.shortest.iter().all(|path| path.len() == first.len()));
}

#[test]
fn a_waiver_takes_the_place_of_a_step() {
    let mut request = bare();
    request.facts = request.facts.set(
        "waived",
        &["baseline-evaluated", "soc2-change-tested", "soc2-risk-assessed", "soc2-security-reviewed"],
    );
    let paths = bundle().shortest_paths(&request);
    let ids: Vec<&str> = paths.shortest[0].iter().map(|step| step.id.as_str()).collect();
    assert!(!ids.contains(&"evidence/evaluation"), "{ids:?}");
}

#[test]
fn what_no_step_can_change_is_said_to_be_hopeless() {
    let mut request = bare();
    request.facts = request.facts.bool("prohibited", true);
    let paths = bundle().shortest_paths(&request);
    assert_eq!(paths.hopeless, ["prohibited-system"]);
    assert!(paths.shortest.is_empty());
}

#[test]
fn the_bounds_of_an_age_are_where_an_outcome_may_change() {
    assert_eq!(bundle().bounds("bias_test_age"), [180 * 86_400]);
    assert_eq!(bundle().bounds("evaluation_age"), [90 * 86_400, 365 * 86_400]);
    assert!(matches!(bare().facts.get("risk_tier"), Some(Fact::Long(2))));
}

#[test]
fn what_lapses_next_is_the_first_age_or_waiver_that_makes_a_rule_fire() {
    let bundle = bundle();
    let mut request = shipped_cases().baseline(Action::Operate);
    request.facts = request
        .facts
        .long("risk_tier", 2)
        .long("approvals_valid", 2)
        .set("quorums_met", &["baseline-approvals-hold"])
        .set("waived", &["baseline-monitored"])
        .long("runtime_age", 60)
        .long("evaluation_age", 300 * 86_400)
        .bool("evaluation_passed", true)
        .long("bias_test_age", 170 * 86_400)
        .bool("bias_test_passed", true)
        .long("impact_ratio_ppm", 900_000)
        .long("security_review_age", 0)
        .bool("security_review_passed", true);
    assert_eq!(bundle.decide(&request).outcome, Outcome::Allow, "{:?}", bundle.decide(&request).rules);
    let next = |request: &Request, left| {
        let waiver = [("baseline-monitored".parse().unwrap(), left)];
        let next = bundle.next_lapse(request, &bundle.decide(request), &waiver).unwrap();
        (next.seconds, next.rules.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    // Silence of the runtime comes first; with that out of the way the waiver, and then the bias test.
    assert_eq!(next(&request, 20 * 86_400), (24 * 3_600 - 59, vec!["soc2-monitored".to_owned()]));
    let Some(Fact::Long(_)) = request.facts.get("runtime_age") else { panic!() };
    request.facts = request.facts.long("runtime_age", -1_000 * 86_400);
    assert_eq!(next(&request, 5 * 86_400), (5 * 86_400, vec!["baseline-monitored".to_owned()]));
    assert_eq!(next(&request, 40 * 86_400), (10 * 86_400 + 1, vec!["baseline-bias-tested".to_owned()]));
}

/// Asks whether fewer steps than `size` are enough.
fn minimal(request: &Request, size: usize) -> Minimality {
    let solver = crate::prove::solver();
    prove::minimal(&bundle(), request, None, size, &solver, &|_| ())
}

#[test]
fn a_shortest_path_is_certified_and_a_longer_one_is_refuted() {
    let request = bare();
    let size = bundle().shortest_paths(&request).shortest[0].len();
    assert!(matches!(minimal(&request, size), Minimality::Certified { .. }), "{:?}", minimal(&request, size));
}

/// Here the steps are counted: two more than the rules that share none.
#[test]
fn with_every_pack_the_shortest_path_is_certified_too() {
    let packs: Vec<&str> = PACKS.iter().map(|(name, _)| *name).collect();
    let (bundle, request) = (Bundle::of(&Package::with_packs(&packs).unwrap()).unwrap(), bare());
    let paths = bundle.shortest_paths(&request);
    let size = paths.shortest[0].len();
    assert_eq!(size, 12, "{paths:?}");
    let minimal = |size| prove::minimal(&bundle, &request, None, size, &crate::prove::solver(), &|_| ());
    assert!(matches!(minimal(size), Minimality::Certified { .. }), "{:?}", minimal(size));
}

#[test]
fn a_path_that_is_too_long_is_refuted_by_a_request_that_is_allowed() {
    let mut request = bare();
    let rules: Vec<String> =
        bundle().rules().filter(|rule| rule.waivable).map(|rule| rule.id.to_string()).collect();
    let waived: Vec<&str> = rules.iter().map(String::as_str).collect();
    request.facts = request.facts.set("waived", &waived);
    let size = bundle().shortest_paths(&request).shortest[0].len();
    assert!(matches!(minimal(&request, size), Minimality::Certified { .. }), "{:?}", minimal(&request, size));
    let Minimality::Refuted { example } = minimal(&request, size + 1) else {
        panic!("{:?}", minimal(&request, size + 1));
    };
    assert_eq!(bundle().decide(&example.request().unwrap()).outcome, Outcome::Allow);
}

/// Votes of more people than any rule asks for, in all their roles, which count once newly fired rules are quiet.
fn returning() -> Votes {
    let quorums =
        bundle().rules().filter(|rule| !rule.approvals.is_empty()).map(|rule| rule.id.to_string()).collect();
    Votes { approvals_valid: 10, quorums_met: quorums, ..Votes::default() }
}

#[test]
fn votes_that_count_again_take_no_step_and_the_proof_says_the_same() {
    let (bundle, request, votes) = (bundle(), bare(), returning());
    let ids = |paths: &Paths| paths.shortest[0].iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    let anew = ids(&bundle.shortest_paths(&request));
    let again = ids(&bundle.shortest_paths_of(&request, Outcome::Deny, Some(&votes)));
    assert_eq!(
        anew.iter().filter(|id| *id != "approvals").collect::<Vec<_>>(),
        again.iter().collect::<Vec<_>>()
    );
    let solver = crate::prove::solver();
    let minimal = |votes, size| prove::minimal(&bundle, &request, votes, size, &solver, &|_| ());
    let fewest = minimal(Some(&votes), again.len());
    assert!(matches!(fewest, Minimality::Certified { .. }), "{fewest:?}");
    // One step more, and one is too many. Without such votes it was the fewest.
    let longer = minimal(Some(&votes), anew.len());
    assert!(matches!(longer, Minimality::Refuted { .. }), "{longer:?}");
    assert!(matches!(minimal(None, anew.len()), Minimality::Certified { .. }));
}

#[test]
fn votes_that_wait_for_better_evidence_are_no_certainty() {
    let votes = Votes { after_new: vec![EvidenceKind::BiasTest], ..returning() };
    let paths = bundle().shortest_paths_of(&bare(), Outcome::Deny, Some(&votes));
    assert!(paths.shortest[0].iter().any(|step| step.id == "evidence/bias-test"), "{paths:?}");
    let solver = crate::prove::solver();
    let found = prove::minimal(&bundle(), &bare(), Some(&votes), paths.shortest[0].len(), &solver, &|_| ());
    let Minimality::Unproven { why } = found else { panic!("{found:?}") };
    assert!(why.contains("bias-test got worse"), "{why}");
}

#[test]
fn a_system_without_a_tier_is_classified_first() {
    let mut request = bare();
    let known = request.facts.iter().filter(|(name, _)| *name != "risk_tier");
    request.facts = known.fold(Facts::new(), |facts, (name, fact)| facts.with(name, fact.clone()));
    let paths = bundle().shortest_paths(&request);
    assert_eq!(paths.first.as_ref().map(|step| step.id.as_str()), Some("risk_tier"), "{paths:?}");
    assert!(matches!(minimal(&request, 1), Minimality::Unproven { .. }));
}

#[test]
fn without_a_solver_nothing_is_certified() {
    let solver = Solver::find(Some(std::path::Path::new("/nowhere/cvc5")), Limits::default());
    let found = prove::minimal(&bundle(), &bare(), None, 8, &solver, &|_| ());
    assert!(matches!(found, Minimality::Unproven { .. }), "{found:?}");
}
