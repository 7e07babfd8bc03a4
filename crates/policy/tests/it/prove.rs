//! What is proven of the shipped bundle, and of small bundles with known answers. Needs cvc5, and fails without it.

use crate::cases::{HARD, REVIEW, SCHEMA};
use comptroller_policy::Bundle;
use comptroller_policy::prove::{self, Limits, Report, Solver, Standing, Totality};
use std::path::PathBuf;

/// The solver of the tests: `COMPTROLLER_TEST_CVC5`, else cvc5 on `PATH`.
pub(crate) fn solver() -> Solver {
    let path = std::env::var_os("COMPTROLLER_TEST_CVC5").map(PathBuf::from);
    let solver = Solver::find(path.as_deref(), Limits::default());
    assert_eq!(solver.problem(), None);
    solver
}

pub(crate) fn quiet(_: &str) {}

#[test]
fn no_shipped_rule_can_error() {
    let start = std::time::Instant::now();
    let proofs = prove::never_errors(&Bundle::builtin().unwrap(), &solver(), &quiet);
    eprintln!("never_errors {:?} {}", start.elapsed(), proofs.iter().map(|p| p.queries.len()).sum::<usize>());
    assert!(proofs.len() > 30);
    for proof in proofs {
        assert_eq!(proof.verdict, Totality::Proven, "{}", proof.rule);
    }
}

/// INVARIANT (separation-of-duties), INVARIANT (environment-segregation)
#[test]
fn the_shipped_invariants_hold() {
    let start = std::time::Instant::now();
    let bundle = Bundle::builtin().unwrap();
    let proofs = prove::invariants(&bundle, prove::BUILTIN_INVARIANTS, &solver(), &quiet).unwrap();
    eprintln!("invariants {:?} {}", start.elapsed(), proofs.iter().map(|p| p.queries.len()).sum::<usize>());
    assert_eq!(proofs.len(), 6);
    for proof in proofs {
        assert_eq!(proof.verdict, Standing::Holds, "{}", proof.id);
    }
}
