//! The solver: where it is, which version it is, and what one question may cost.

use super::process::{self, Answer, Limits};
use comptroller_core::Digest;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Before anything else: what must be impossible, and what must be possible. A program that fails here, because it
/// lacks the theory of sets or says `unsat` to everything, must not prove anything.
const SELF_TEST: [(&str, &str, Answer); 2] = [
    (
        "impossible",
        "(set-logic ALL)\n(declare-const s (Set Int))\n(assert (set.member 1 s))\n(assert (not (set.member 1 s)))\n(check-sat)\n",
        Answer::Unsat,
    ),
    (
        "possible",
        "(set-logic ALL)\n(declare-const s (Set Int))\n(assert (set.member 1 s))\n(check-sat)\n",
        Answer::Sat(String::new()),
    ),
];

/// After so many failures a solver is not asked again: one that hangs would take its time limit for every question.
const MAX_FAILURES: u32 = 3;

/// A cvc5 that passed its self-test, or the reason why there is none. Make a new one for each run of proofs: one that
/// failed three times stays unused.
#[derive(Debug)]
pub struct Solver {
    found: Result<Found, String>,
    limits: Limits,
    failures: AtomicU32,
    kept_in: Option<PathBuf>,
}

#[derive(Debug)]
struct Found {
    program: PathBuf,
    version: String,
}

impl Solver {
    /// Looks for cvc5: at `path`, else on `PATH`. Always gives a solver: one that cannot be used proves nothing and
    /// says why with every check.
    pub fn find(path: Option<&Path>, limits: Limits) -> Self {
        let found = match path {
            Some(path) => Ok(path.to_owned()),
            None => on_path("cvc5").ok_or_else(|| {
                "cvc5 is not installed: install the package cvc5, or name the program by its path".to_owned()
            }),
        };
        let found = found.and_then(|program| tested(program, limits));
        Self { found, limits, failures: AtomicU32::new(0), kept_in: None }
    }

    /// Also writes every question to a file of this folder, named by its digest, so that somebody else can ask it
    /// again without this program.
    #[must_use]
    pub fn keeping(self, folder: &Path) -> Self {
        Self { kept_in: Some(folder.to_owned()), ..self }
    }

    /// Its version, as it states it; none if there is no usable solver.
    pub fn version(&self) -> Option<&str> {
        self.found.as_ref().ok().map(|found| found.version.as_str())
    }

    /// Why nothing can be proven; none if the solver is usable.
    pub fn problem(&self) -> Option<&str> {
        self.found.as_ref().err().map(String::as_str)
    }

    /// Asks one question, which ends in `(check-sat)`.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) fn ask(&self, digest: &Digest, question: &str, model: bool) -> Result<Answer, String> {
        let found = self.found.as_ref().map_err(Clone::clone)?;
        if self.failures.load(Ordering::Relaxed) >= MAX_FAILURES {
            return Err("the solver failed three times and was not asked again".to_owned());
        }
        if let Some(folder) = &self.kept_in {
            let file = folder.join(format!("{digest}.smt2"));
            std::fs::write(&file, question)
                .map_err(|error| format!("cannot keep the question in {}: {error}", file.display()))?;
        }
        let answer = process::ask(&found.program, self.limits, &digest.to_string(), question, model);
        answer.map_err(|error| {
            self.failures.fetch_add(1, Ordering::Relaxed);
            format!("the solver {error}")
        })
    }
}

/// SHA-256 of a question's text.
pub(super) fn digest(text: &str) -> Digest {
    Digest::from_bytes(Sha256::digest(text.as_bytes()).into())
}

fn tested(program: PathBuf, limits: Limits) -> Result<Found, String> {
    let failed = |error: String| {
        format!("the solver {} {error}: proofs need cvc5, version 1.0.3 or newer", program.display())
    };
    let version = process::version(&program).map_err(failed)?;
    for (name, question, expected) in SELF_TEST {
        let answer = process::ask(&program, limits, name, question, false).map_err(failed)?;
        if answer != expected {
            return Err(failed(format!("fails its self-test (something {name} is not so to it)")));
        }
    }
    let version = version.trim().trim_start_matches("This is ").to_owned();
    Ok(Found { program, version })
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
