//! `comptroller policy`: lint, test, prove and compare policies without a server, and change those of a server.

pub(crate) mod change;
mod diff;
mod folder;
mod junit;
mod lint;
mod prove;
mod recheck;
mod shadow;
mod test;

use super::Context;
use crate::args::Noun;
use crate::client::Answer;
use crate::exit::Exit;
use crate::output::Screen;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comptroller_policy::Package;
use comptroller_policy::prove::{Limits, Solver};
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read and validate policies; every finding with its file and line. Ends with 1 if there is one.
    Lint(FolderArgs),
    /// Decide the cases in tests.toml: every rule needs a case that it matches and one that it misses, and one that
    /// comes out differently without the rule. Ends with 2 if a case fails.
    Test {
        #[command(flatten)]
        folder: FolderArgs,
        /// Also write the results as JUnit XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Prove that no rule can error and that the standing invariants hold, for every request that there can be.
    ///
    /// Needs the solver cvc5. Ends with 0 if everything is proven, 2 if something is violated and 4 if something is
    /// unproven.
    Prove {
        #[command(flatten)]
        folder: FolderArgs,
        #[command(flatten)]
        solver: SolverArgs,
    },
    /// Write a folder with the base policies and some packs of rule cards, to go on from.
    Init {
        /// The folder; it must not exist yet.
        folder: PathBuf,
        /// A pack of rule cards; may be given more than once.
        #[arg(long = "pack", value_name = "NAME")]
        packs: Vec<String>,
    },
    /// Prove what a change of policies lets in and keeps out, for every request that there can be.
    ///
    /// Needs the solver cvc5. Ends with 0 if nothing new is let in, 2 if something is and 4 if that is unproven.
    Diff {
        /// Folder with the policies before the change, or the word `builtin` for those of this program.
        old: PathBuf,
        /// Folder with the policies after the change, or `builtin`.
        new: PathBuf,
        #[command(flatten)]
        solver: SolverArgs,
    },
    /// Make the decisions in an evidence pack again, offline, and with --proofs the proofs about changes of policies.
    ///
    /// The pack is verified first. Ends with 2 if a decision comes out otherwise or a proof contradicts the one on
    /// record, and with 4 if something on record as proven is unproven this time; more --timeout may help. What was
    /// unproven then and is known now is named, and is no difference.
    Recheck(Box<recheck::RecheckArgs>),
    #[command(flatten)]
    Change(change::Verb),
}

/// Which policies.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Folder with schema.cedarschema, hard.cedar and review.cedar, and, where needed, invariants.cedar and
    /// tests.toml. Without it, the policies of this program.
    folder: Option<PathBuf>,
}

/// Which solver, and for how long.
#[derive(Debug, Args)]
pub(crate) struct SolverArgs {
    /// The program cvc5, if it is not on PATH.
    #[arg(long, value_name = "PATH")]
    solver: Option<PathBuf>,
    /// Most seconds that the solver gets for one question.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Also write every question to this folder, in SMT-LIB, named by its SHA-256 in the report: `cvc5 FILE` answers
    /// it again.
    #[arg(long, value_name = "FOLDER")]
    questions: Option<PathBuf>,
}

impl SolverArgs {
    fn find(&self) -> anyhow::Result<Solver> {
        let limits = Limits { time: Duration::from_secs(self.timeout), ..Limits::default() };
        let solver = Solver::find(self.solver.as_deref(), limits);
        let Some(folder) = &self.questions else { return Ok(solver) };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(solver.keeping(folder))
    }
}

pub(crate) fn run(screen: Screen, noun: &Noun<Verb>) -> anyhow::Result<Exit> {
    match &noun.verb {
        Verb::Recheck(arguments) => recheck::run(screen, arguments),
        Verb::Change(verb) => change::run(&Context::new(&noun.api, screen)?, verb),
        Verb::Init { folder, packs } => {
            let packs: Vec<&str> = packs.iter().map(String::as_str).collect();
            let package = Package::with_packs(&packs)?;
            folder::write(&package, folder)?;
            let summary = serde_json::json!({ "folder": folder, "bundle": package.digest(), "packs": packs });
            screen.object(&Answer::of_value(summary))?;
            Ok(Exit::OK)
        }
        Verb::Lint(which) => lint::run(screen, which.folder.as_deref()),
        Verb::Test { folder, junit } => test::run(screen, folder.folder.as_deref(), junit.as_deref()),
        Verb::Prove { folder, solver } => prove::run(screen, folder.folder.as_deref(), solver),
        Verb::Diff { old, new, solver } => diff::run(screen, old, new, solver),
    }
}

/// Shows on a terminal what is being examined, on one line that is written over.
fn progress(what: &str) {
    let mut stderr = std::io::stderr().lock();
    if stderr.is_terminal() {
        // A hint that cannot be shown must not stop the work.
        let _ = write!(stderr, "\r\u{1b}[Kproving: {what}").and_then(|()| stderr.flush());
    }
}

/// Takes the line of [`progress`] away.
fn progress_done() {
    let mut stderr = std::io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\u{1b}[K").and_then(|()| stderr.flush());
    }
}
