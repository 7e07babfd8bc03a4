//! `comptroller policy prove`.

use super::{SolverArgs, folder, progress, progress_done};
use crate::client::Answer;
use crate::exit::Exit;
use crate::output::{Screen, Style, clean};
use anyhow::Result;
use comptroller_policy::Bundle;
use comptroller_policy::prove::{self, Report, Standing, Totality};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn run(screen: Screen, folder: Option<&Path>, arguments: &SolverArgs) -> Result<Exit> {
    let package = folder::read(folder)?;
    let bundle = Bundle::of(&package)?;
    // Before the long part, so that a mistake in it is seen at once.
    let invariants = package.files().get("invariants.cedar").map_or("", String::as_str);
    prove::check_invariants(&bundle, invariants)?;
    let solver = arguments.find()?;
    let mut report = Report::new(&bundle, &solver);
    report.rules = prove::never_errors(&bundle, &solver, &progress);
    report.invariants = prove::invariants(&bundle, invariants, &solver, &progress)?;
    progress_done();
    let answer = Answer::of_value(serde_json::to_value(&report)?);
    screen.print(&answer, |_| text(&report, screen.style))?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    let erring = report.rules.iter().any(|rule| matches!(rule.verdict, Totality::CanError { .. }));
    let violated = report.invariants.iter().any(|one| matches!(one.verdict, Standing::Violated { .. }));
    let unproven = report.rules.iter().any(|rule| matches!(rule.verdict, Totality::Unproven { .. }))
        || report.invariants.iter().any(|one| matches!(one.verdict, Standing::Unproven { .. }));
    match (erring || violated, unproven) {
        (true, _) => Exit::DENY,
        (false, true) => Exit::UNKNOWN,
        (false, false) => Exit::OK,
    }
}

/// Who proved it, and of what.
pub(super) fn head(report: &Report) -> String {
    let solver = report.solver.as_deref().unwrap_or("no solver");
    format!("bundle  {}\nby      {}, {}\n", report.bundle, clean(solver), report.compiler)
}

pub(super) fn text(report: &Report, style: Style) -> String {
    let mut text = head(report);
    let mut proven = 0;
    for rule in &report.rules {
        match &rule.verdict {
            Totality::Proven => proven += 1,
            Totality::CanError { example, error } => {
                let _ = writeln!(text, "{} {}: {}", style.bad("can error:"), rule.rule, clean(error));
                let _ = writeln!(text, "  for example {}", clean(&example.to_string()));
            }
            Totality::Unproven { .. } => {}
        }
    }
    let _ = writeln!(text, "{proven} of {} rules never error", report.rules.len());
    let mut holding = 0;
    for invariant in &report.invariants {
        let (id, reason) = (&invariant.id, clean(&invariant.reason));
        match &invariant.verdict {
            Standing::Holds => {
                holding += 1;
                let _ = writeln!(text, "{} {id}: never {reason}", style.good("holds:"));
            }
            Standing::Violated { example } => {
                let _ = writeln!(text, "{} {id}: {reason}", style.bad("violated:"));
                let _ = writeln!(text, "  for example {}", clean(&example.to_string()));
            }
            Standing::Unproven { .. } => {}
        }
    }
    let _ = writeln!(text, "{holding} of {} invariants hold", report.invariants.len());
    // What has one cause is one line: without a solver it is everything.
    for unproven in report.unproven() {
        let _ = writeln!(text, "{} {}", style.caution("unproven:"), clean(&unproven));
    }
    text
}
