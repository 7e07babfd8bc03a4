//! Prints how long proofs about the shipped bundle take; needs cvc5. Asserts nothing: numbers of one machine are no
//! test.

use comptroller_policy::prove::{self, Limits, Query, Solver};
use comptroller_policy::{Bundle, builtin};
use std::io::Write as _;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let solver = Solver::find(None, Limits::default());
    if let Some(problem) = solver.problem() {
        return writeln!(out, "not measured: {problem}");
    }
    let read =
        |review: &str| Bundle::parse(builtin::SCHEMA, builtin::HARD, review).map_err(std::io::Error::other);
    let bundle = read(builtin::REVIEW)?;
    let weaker =
        read(&builtin::REVIEW.replace("context.approvals_valid < 2", "context.approvals_valid < 1"))?;
    let quiet = |_: &str| {};
    let mut show = |name: &str, start: Instant, queries: usize| {
        writeln!(out, "{name:34} {:>9.1?}  {queries} questions", start.elapsed())
    };
    let count = |queries: &[Query]| queries.len();

    let start = Instant::now();
    let rules = prove::never_errors(&bundle, &solver, &quiet);
    show("no rule errors", start, rules.iter().map(|rule| count(&rule.queries)).sum())?;
    let start = Instant::now();
    let invariants = prove::invariants(&bundle, prove::BUILTIN_INVARIANTS, &solver, &quiet);
    let invariants = invariants.map_err(std::io::Error::other)?;
    show("invariants", start, invariants.iter().map(|one| count(&one.queries)).sum())?;
    for (name, old, new) in [("compare, looser", &bundle, &weaker), ("compare, stricter", &weaker, &bundle)] {
        let start = Instant::now();
        let comparison = prove::compare(old, new, &solver, &quiet);
        show(name, start, comparison.slices.iter().map(|slice| count(&slice.queries)).sum())?;
    }
    Ok(())
}
