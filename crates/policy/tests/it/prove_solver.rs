//! A solver that errs, lies about its turn, sleeps or dies proves nothing.

use crate::prove::{program, quiet};
use comptroller_core::vocab::BundleVerdict;
use comptroller_policy::Bundle;
use comptroller_policy::prove::{self, Limits, Solver, Standing, Totality};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A script that is cvc5 while it is tested and answers questions of ours in its own way.
fn fake(answer: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let real = program().unwrap_or_else(|| "cvc5".into());
    // The two questions of the self-test have a word for a name, ours a digest.
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec {real} \"$@\"\nread -r begin\ncase \"$begin\" in\n*possible*) \
         (echo \"$begin\"; cat) | exec {real} \"$@\" ;;\n*) {answer} ;;\nesac\n",
        real = real.display()
    );
    let path = folder.path().join("solver");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

const FAST: Limits = Limits { time: Duration::from_secs(2), memory: 1 << 30 };

/// A rule that takes a question to the solver.
fn bundle() -> Bundle {
    let gate = crate::prove::forbid("context.ratio * 2 > 7");
    crate::prove::bundle(&[("gate", &gate)], &[])
}

/// Nothing may be proven of the rule, and the cause must be named.
fn proves_nothing(solver: &Solver, cause: &str) {
    let named = |why: &str| why.contains(cause) || why.contains("failed three times");
    let proofs = prove::never_errors(&bundle(), solver, &quiet);
    let proof = proofs.iter().find(|proof| proof.rule.as_str() == "gate").unwrap();
    assert!(
        matches!(&proof.verdict, Totality::Unproven { why } if why.contains(cause)),
        "{cause}: {proof:?}"
    );

    let never = "@id(\"never\") @reason(\"r\") @control(\"CTL-X-01\")
        permit (principal, action == Action::\"deploy\", resource) when { context.ratio == 3 };";
    let proofs = prove::invariants(&bundle(), never, solver, &quiet).unwrap();
    assert!(matches!(&proofs[0].verdict, Standing::Unproven { why } if named(why)), "{proofs:?}");

    let other = crate::prove::bundle(&[("gate", &crate::prove::forbid("context.ratio > 3"))], &[]);
    let comparison = prove::compare(&bundle(), &other, solver, &quiet);
    assert_eq!(comparison.verdict, BundleVerdict::Unproven, "{comparison:?}");
}

/// INVARIANT (unproven-by-default)
#[test]
fn a_solver_that_does_not_answer_as_it_must_proves_nothing() {
    let echo = "echo \"$begin\" | sed 's/.*\"\\(.*\\)\".*/\"\\1\"/'";
    let end = "echo \"$begin\" | sed 's/.*\"begin \\(.*\\)\".*/\"end \\1\"/'";
    let answers = [
        ("echo nonsense", "answered `nonsense` out of step"),
        // An answer that was there before the question was read.
        ("echo unsat", "answered `unsat` out of step"),
        (&format!("{echo}; echo tomato"), "answered `tomato` instead of sat or unsat"),
        (&format!("{echo}; echo '(error \"no\")'; echo unsat; {end}"), "instead of sat or unsat"),
        // Two answers: which of them belongs to the question?
        (&format!("{echo}; echo unsat; echo unsat; {end}"), "answered `unsat` out of step"),
        (&format!("{echo}; echo unsat; echo '\"end 0\"'"), "out of step"),
        (&format!("{echo}; echo unknown; {end}"), "it answered unknown"),
        (&format!("{echo}; exit 3"), "ended in the middle"),
        (&format!("{echo}; echo unsat; kill -9 $$"), "ended in the middle"),
        // A model that is none.
        (&format!("{echo}; echo sat; {end}; echo tomato; echo 'model'; cat"), ""),
    ];
    for (answer, cause) in answers {
        let (_folder, path) = fake(answer);
        let solver = Solver::find(Some(&path), FAST);
        assert_eq!(solver.problem(), None, "{answer}");
        proves_nothing(&solver, cause);
    }
}

#[test]
fn a_solver_that_sleeps_is_ended_in_time() {
    let (_folder, path) = fake("exec sleep 60");
    let solver = Solver::find(Some(&path), Limits { time: Duration::from_millis(300), ..FAST });
    assert_eq!(solver.problem(), None);
    let start = Instant::now();
    proves_nothing(&solver, "gave no answer within 0.3 s");
    // Three times, and then no more.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_program_that_is_no_solver_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Solver::find(Some(&folder.path().join("nothing")), FAST);
    assert!(missing.problem().unwrap().contains("nothing"), "{missing:?}");
    assert_eq!(missing.version(), None);
    proves_nothing(&missing, "nothing");
    // It says unsat to everything, also to what is possible.
    let echo = "while read -r line; do case \"$line\" in *echo*) echo \"$line\" | sed 's/(echo \\(.*\\))/\\1/';; \
                *check-sat*) echo unsat;; esac; done";
    let path = folder.path().join("yes");
    let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo yes 1.0 && exit 0\n{echo}\n");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let liar = Solver::find(Some(&path), FAST);
    assert!(liar.problem().unwrap().contains("fails its self-test"), "{liar:?}");
    proves_nothing(&liar, "fails its self-test");
}

#[test]
fn a_solver_that_wants_too_much_memory_proves_nothing() {
    let solver = Solver::find(program().as_deref(), Limits { memory: 1 << 20, ..FAST });
    assert!(solver.problem().is_some(), "cvc5 in one megabyte");
}
