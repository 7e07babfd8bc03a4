//! Proofs that were made again: what contradicts the record, and what only knows more. Needs cvc5.

use crate::prove::{forbid, quiet, solver};
use comptroller_policy::prove::{self, Again, Answered, Finding, Limits, Report, Solver, Standing, Totality};
use comptroller_policy::{Bundle, Package};
use std::path::Path;

/// A rule that only the solver decides, and an invariant that needs it too.
const NEVER: &str = "@id(\"never\") @reason(\"r\") @control(\"CTL-X-01\")
    permit (principal, action == Action::\"deploy\", resource) when { context.ratio == 3 };";

fn report(solver: &Solver) -> Report {
    let sum = "context.ratio < 1000000 && context.ratio > -1000000 && context.ratio * 10 > 7";
    let (old, new) = (bundle("context.ratio > 3"), bundle(sum));
    let mut report = Report::new(&new, solver);
    report.rules = prove::never_errors(&new, solver, &quiet);
    report.invariants = prove::invariants(&new, NEVER, solver, &quiet).unwrap();
    report.comparison = Some(prove::compare(&old, &new, solver, &quiet));
    report
}

fn bundle(condition: &str) -> Bundle {
    crate::prove::bundle(&[("gate", &forbid(condition))], &[])
}

#[test]
fn a_proof_of_what_was_unproven_is_no_difference() {
    let missing = Solver::find(Some(Path::new("/no/such/cvc5")), Limits::default());
    let (without, with) = (report(&missing), report(&solver()));
    let again = Again::of(&without, &with);
    assert_eq!(again.contradicted, Vec::<String>::new());
    assert_eq!(again.not_again, Vec::<String>::new());
    let settled = again.settled.join("\n");
    assert!(
        settled.contains("invariant never: was unproven then (") && settled.contains("is proven now"),
        "{settled}"
    );
    assert!(settled.contains("rule gate never errors"), "{settled}");

    let back = Again::of(&with, &without);
    assert_eq!((back.contradicted.len(), back.settled.len()), (0, 0));
    assert_eq!(back.not_again.len(), again.settled.len());
    assert_eq!(Again::of(&with, &with.clone()), Again::default());
}

#[test]
fn one_question_that_ran_out_of_time_is_settled_by_a_longer_run() {
    let now = report(&solver());
    let mut then = now.clone();
    then.invariants[0].verdict = Standing::Unproven { why: "the solver took longer than 20 s".to_owned() };
    for query in &mut then.invariants[0].queries {
        query.answered = Answered::Nothing;
    }
    let again = Again::of(&then, &now);
    assert_eq!(again.settled.len(), 1, "{again:?}");
    assert!(again.settled[0].contains("took longer than 20 s"), "{again:?}");
    assert!(again.contradicted.is_empty() && again.not_again.is_empty(), "{again:?}");
}

/// INVARIANT (unproven-by-default): a record that claims more than its proofs show is found.
#[test]
fn what_is_proven_here_and_refuted_there_contradicts() {
    let now = report(&solver());
    assert!(matches!(now.invariants[0].verdict, Standing::Holds), "{now:?}");

    // The same answers, and another conclusion.
    let mut claimed = now.clone();
    claimed.invariants[0].verdict = Standing::Unproven { why: "made up".to_owned() };
    let again = Again::of(&claimed, &now);
    assert!(again.contradicted[0].contains("by the same answers"), "{again:?}");

    let mut answered = now.clone();
    let query = answered.invariants[0].queries.iter_mut().find(|query| query.answered == Answered::Unsat);
    query.unwrap().answered = Answered::Sat;
    let again = Again::of(&answered, &now);
    assert!(again.contradicted[0].contains("sat on record, unsat again"), "{again:?}");

    let mut fewer = now.clone();
    fewer.rules.retain(|proof| proof.rule.as_str() != "gate");
    let again = Again::of(&fewer, &now);
    assert!(again.contradicted[0].contains("rule gate never errors is not on record"), "{again:?}");

    // The comparison claims that nothing new is let in, which is refuted by an example.
    let mut stricter = now.clone();
    let slices = &mut stricter.comparison.as_mut().unwrap().slices;
    let slice = slices.iter_mut().find(|slice| matches!(slice.lets_in, Finding::Something { .. }));
    slice.unwrap().lets_in = Finding::Nothing;
    stricter.solver = Some("another solver 1.0".to_owned());
    let again = Again::of(&stricter, &now);
    assert_eq!(again.contradicted.len(), 1, "{again:?}");
    assert!(again.contradicted[0].contains("proven on record, refuted again"), "{again:?}");

    let mut errs = now.clone();
    let proof = errs.rules.iter_mut().find(|proof| proof.rule.as_str() == "gate").unwrap();
    assert_eq!(proof.verdict, Totality::Proven);
    proof.verdict = Totality::CanError {
        example: match &now.comparison.as_ref().unwrap().slices[0].lets_in {
            Finding::Something { flips } => flips[0].example.clone(),
            other => panic!("{other:?}"),
        },
        error: "made up".to_owned(),
    };
    assert_eq!(Again::of(&errs, &now).contradicted.len(), 1);
}

/// The whole of a change, as a server analyses it without a solver and an auditor with one.
#[test]
fn the_builtin_policies_compared_with_themselves_agree() {
    let package = Package::builtin().unwrap();
    let bundle = Bundle::of(&package).unwrap();
    let missing = Solver::find(Some(Path::new("/no/such/cvc5")), Limits::default());
    let then = prove::analyse(&bundle, &bundle, &package, &missing, &quiet).unwrap();
    let mut now = then.clone();
    now.invariants[0].verdict = Standing::Holds;
    let again = Again::of(&then, &now);
    assert_eq!(
        (again.settled.len(), again.contradicted.len(), again.not_again.len()),
        (1, 0, 0),
        "{again:?}"
    );
}
