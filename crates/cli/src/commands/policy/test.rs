//! `comptroller policy test`.

use super::{folder, junit};
use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Screen, clean};
use anyhow::{Context as _, Result};
use comptroller_policy::cases::{self, CaseResult, Cases};
use comptroller_policy::{Bundle, Package, card};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn run(screen: Screen, folder: Option<&Path>, report: Option<&Path>) -> Result<Exit> {
    let package = folder::read(folder)?;
    let Some(cases) = package.files().get("tests.toml") else {
        let folder = folder.unwrap_or(Path::new(""));
        return Err(Failure::usage(
            format!("{} holds no tests.toml", folder.display()),
            "write cases in the form of policies/base/tests.toml",
        ));
    };
    let cases = Cases::parse(cases)?;
    // The cases of the Cedar rules are about them alone: a card may stand against what they allow.
    let mut results = cases::run(&Bundle::of(&package.without_cards())?, &cases);
    results.extend(of_cards(&package)?);
    if let Some(report) = report {
        std::fs::write(report, junit::of(&results))
            .with_context(|| format!("cannot write {}", report.display()))?;
    }
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    let answer = Answer::of_value(serde_json::json!({ "failed": failed, "results": results }));
    screen.print(&answer, |_| {
        let mut text = String::new();
        for result in &results {
            let Some(failure) = &result.failure else { continue };
            let place = result.rule.as_deref().map(|rule| format!("{rule}: ")).unwrap_or_default();
            let what = clean(&format!("{place}{}: {failure}", result.name));
            let _ = writeln!(text, "{} {what}", screen.style.bad("failed:"));
        }
        let passed = results.len() - failed;
        let style = screen.style;
        let count = format!("{passed} passed, {failed} failed");
        let _ = writeln!(text, "{}", if failed == 0 { style.good(&count) } else { style.bad(&count) });
        text
    })?;
    Ok(if failed == 0 { Exit::OK } else { Exit::DENY })
}

/// The cases of the rule cards, and the small damages of their rules that these must notice.
fn of_cards(package: &Package) -> Result<Vec<CaseResult>> {
    let mut results: Vec<CaseResult> = card::run(package)?;
    results.extend(card::survivors(package)?);
    Ok(results)
}
