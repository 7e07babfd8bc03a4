//! What is proven of the shipped bundle, and of small bundles with known answers. Needs cvc5, and fails without it.

use crate::cases::SCHEMA;
use comptroller_core::vocab::Outcome;
use comptroller_policy::prove::{self, Limits, Report, Solver, Standing, Totality};
use comptroller_policy::{Bundle, BundleError};
use std::path::PathBuf;

/// The solver of the tests: `COMPTROLLER_TEST_CVC5`, else cvc5 on `PATH`.
pub(crate) fn solver() -> Solver {
    let solver = Solver::find(program().as_deref(), Limits::default());
    assert_eq!(solver.problem(), None);
    solver
}

pub(crate) fn program() -> Option<PathBuf> {
    std::env::var_os("COMPTROLLER_TEST_CVC5").map(PathBuf::from)
}

pub(crate) fn quiet(_: &str) {}

/// The shipped schema with a few more facts for a deployment.
pub(crate) fn schema() -> String {
    let more = "metrics_regressed: Bool,\n  ratio: Long,\n  age_days: Long,\n  waived: Set<String>,\n  tier?: String,\n";
    SCHEMA.replace("metrics_regressed: Bool,", more)
}

/// A rule with every annotation.
pub(crate) fn rule(id: &str, body: &str) -> String {
    format!(
        "@id(\"{id}\") @reason(\"r\") @remedy(\"m\") @control(\"CTL-X-01\") @roles(\"deployer\")\n{body}\n"
    )
}

/// Deployers deploy; then these rules.
pub(crate) fn bundle(hard: &[(&str, &str)], review: &[(&str, &str)]) -> Bundle {
    let permit = "permit (principal in Role::\"deployer\", action == Action::\"deploy\", resource);";
    let texts = |rules: &[(&str, &str)]| rules.iter().map(|(id, body)| rule(id, body)).collect::<String>();
    Bundle::parse(&schema(), &(rule("may-deploy", permit) + &texts(hard)), &texts(review)).unwrap()
}

/// A forbid of deployments.
pub(crate) fn forbid(condition: &str) -> String {
    format!("forbid (principal, action == Action::\"deploy\", resource) when {{ {condition} }};")
}

#[test]
fn no_shipped_rule_can_error() {
    let proofs = prove::never_errors(&Bundle::builtin().unwrap(), &solver(), &quiet);
    assert!(proofs.len() > 30);
    for proof in proofs {
        assert_eq!(proof.verdict, Totality::Proven, "{}", proof.rule);
    }
}

/// INVARIANT (separation-of-duties), INVARIANT (environment-segregation)
#[test]
fn the_shipped_invariants_hold() {
    let bundle = Bundle::builtin().unwrap();
    let proofs = prove::invariants(&bundle, prove::BUILTIN_INVARIANTS, &solver(), &quiet).unwrap();
    assert_eq!(proofs.len(), 18);
    for proof in proofs {
        assert_eq!(proof.verdict, Standing::Holds, "{}", proof.id);
        // That no program votes is seen from the heads of the rules, without the solver.
        assert_eq!(proof.queries.is_empty(), proof.id.as_str() == "program-votes", "{}", proof.id);
    }
}

#[test]
fn a_sum_that_overflows_is_found_and_a_guard_proves_that_it_cannot() {
    let sum = "context.ratio * 10 + context.age_days > 700";
    let guarded =
        format!("context.ratio > 1000000 || context.ratio < 0 || context.age_days > 1000000 || {sum}");
    let verdict = |condition: &str| {
        let bundle = bundle(&[("risk", &forbid(condition))], &[]);
        let proofs = prove::never_errors(&bundle, &solver(), &quiet);
        let proof = proofs.into_iter().find(|proof| proof.rule.as_str() == "risk").unwrap();
        (bundle, proof)
    };
    let (bundle, proof) = verdict(sum);
    let Totality::CanError { example, error } = &proof.verdict else { panic!("{proof:?}") };
    assert!(error.contains("overflow") && error.contains("risk"), "{error}");
    let decision = bundle.decide(&example.request().unwrap());
    assert_eq!(decision.outcome, Outcome::Unknown);
    // Nothing that the overflow does not need: no roles, no credential.
    assert_eq!(example.facts["principal.roles"], serde_json::json!([]), "{example}");

    let (_, proof) = verdict(&guarded);
    assert_eq!(proof.verdict, Totality::Proven, "{proof:?}");
}

#[test]
fn a_violated_invariant_comes_with_a_request_that_is_allowed() {
    let invariants = |bundle: &Bundle, condition: &str| {
        let text = format!(
            "@id(\"never\") @reason(\"r\") @control(\"CTL-X-01\")
             permit (principal, action == Action::\"deploy\", resource) when {{ {condition} }};"
        );
        let mut proofs = prove::invariants(bundle, &text, &solver(), &quiet).unwrap();
        proofs.remove(0).verdict
    };
    // A waiver that somebody wrote into a rule.
    let waiver = forbid("context.age_days > 30 && !context.waived.contains(\"bias\")");
    let bundle = bundle(&[("bias", &waiver)], &[]);
    let old = "context.age_days > 30";
    let Standing::Violated { example } = invariants(&bundle, old) else { panic!("not found") };
    let request = example.request().unwrap();
    assert_eq!(bundle.decide(&request).outcome, Outcome::Allow);
    assert_eq!(
        (&example.facts["age_days"], &example.facts["waived"]),
        (&31.into(), &serde_json::json!(["bias"]))
    );
    let unwaived = "context.age_days > 30 && !context.waived.contains(\"bias\")";
    assert_eq!(invariants(&bundle, unwaived), Standing::Holds);
    // What errors describes nothing, and would hold for the wrong reason.
    let verdict = invariants(&bundle, &format!("context.ratio + 1 > 0 && {unwaived}"));
    assert!(matches!(&verdict, Standing::Unproven { why } if why.contains("can error")), "{verdict:?}");
}

/// A word is never empty, so the solver must not show a request with an empty one; and must not lose the others.
#[test]
fn words_of_an_example_are_words_that_a_request_may_carry() {
    let bundle = bundle(&[("tier", &forbid("context has tier && context.tier == \"high\""))], &[]);
    let text = |condition: &str| {
        format!(
            "@id(\"never\") @reason(\"r\") @control(\"CTL-X-01\")
             permit (principal, action == Action::\"deploy\", resource) when {{ {condition} }};"
        )
    };
    let verdict = |condition: &str| {
        prove::invariants(&bundle, &text(condition), &solver(), &quiet).unwrap().remove(0).verdict
    };
    let Standing::Violated { example } = verdict("context has tier && context.tier != \"low\"") else {
        panic!("not found")
    };
    assert_eq!(example.facts["tier"], "x");
    assert_eq!(verdict("context has tier && context.tier == \"\""), Standing::Holds);
    assert_eq!(verdict("context.waived.contains(\"\")"), Standing::Holds);
    assert!(matches!(verdict("context.waived.contains(\"a\")"), Standing::Violated { .. }));
}

#[test]
fn invariants_are_checked_like_rules() {
    let bundle = Bundle::builtin().unwrap();
    assert_eq!(prove::check_invariants(&bundle, prove::BUILTIN_INVARIANTS), Ok(18));
    let head = "@id(\"never\") @reason(\"r\") @control(\"CTL-X-01\")";
    let permit = "permit (principal, action == Action::\"deploy\", resource)";
    let refused = [
        (format!("{head} {permit} when {{ context.aproved }};"), "aproved"),
        // It can never match, so it would always hold.
        (format!("{head} {permit} when {{ 1 == 2 }};"), "never"),
        (format!("{head} forbid (principal, action == Action::\"deploy\", resource);"), "is a forbid"),
        (format!("@id(\"never\") @reason(\"r\") {permit};"), "@control"),
        (format!("{head} {permit}; {head} {permit};"), "never"),
        (format!("{head} permit (principal == ?principal, action, resource);"), "template"),
        (format!("{head} {permit} when {{"), "invariants.cedar does not parse"),
    ];
    for (text, named) in refused {
        let error: BundleError = prove::check_invariants(&bundle, &text).expect_err(&text);
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}

#[test]
fn a_schema_whose_entities_have_attributes_proves_nothing() {
    let with = |attributes: &str| {
        let schema =
            SCHEMA.replace("entity Person in [Role];", &format!("entity Person in [Role] {attributes};"));
        Bundle::parse(&schema, include_str!("../../../../policies/base/hard.cedar"), "").unwrap()
    };
    // The engine loads no attributes, so a rule that reads one errors, whatever the proof says of it.
    let proofs = prove::never_errors(&with("{ active: Bool }"), &solver(), &quiet);
    let named =
        |totality: &Totality| matches!(totality, Totality::Unproven { why } if why.contains("Person"));
    assert!(proofs.iter().all(|proof| named(&proof.verdict)), "{proofs:?}");
    // One that may be absent is absent.
    let proofs = prove::never_errors(&with("{ active?: Bool }"), &solver(), &quiet);
    assert!(proofs.iter().all(|proof| proof.verdict == Totality::Proven), "{proofs:?}");
}

#[test]
fn a_report_is_the_same_each_time_and_reads_back() {
    let (bundle, solver) = (Bundle::builtin().unwrap(), solver());
    let report = || {
        let mut report = Report::new(&bundle, &solver);
        report.rules = prove::never_errors(&bundle, &solver, &quiet);
        report.invariants = prove::invariants(&bundle, prove::BUILTIN_INVARIANTS, &solver, &quiet).unwrap();
        serde_json::to_string(&report).unwrap()
    };
    let text = report();
    assert_eq!(text, report());
    let read: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(read.solver.as_deref(), solver.version());
    let (name, version) = read.compiler.split_once(' ').unwrap();
    let lock = include_str!("../../../../Cargo.lock");
    assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{}", read.compiler);
}
