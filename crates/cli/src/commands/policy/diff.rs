//! `comptroller policy diff`.

use super::{SolverArgs, folder, progress, progress_done, prove::head};
use crate::client::Answer;
use crate::exit::Exit;
use crate::output::{Screen, Style, clean};
use anyhow::{Context as _, Result};
use comptroller_core::vocab::BundleVerdict;
use comptroller_policy::Bundle;
use comptroller_policy::prove::{self, Comparison, Finding, Report};
use std::fmt::Write as _;
use std::path::Path;

/// Stands for the policies of this program in the place of a folder.
const BUILTIN: &str = "builtin";

pub(super) fn run(screen: Screen, old: &Path, new: &Path, arguments: &SolverArgs) -> Result<Exit> {
    let (old, new) = (read(old)?, read(new)?);
    let solver = arguments.find()?;
    let mut report = Report::new(&new, &solver);
    let comparison = prove::compare(&old, &new, &solver, &progress);
    progress_done();
    let (exit, text) = (exit(comparison.verdict), text(&comparison, screen.style));
    report.comparison = Some(comparison);
    let answer = Answer::of_value(serde_json::to_value(&report)?);
    screen.print(&answer, |_| head(&report) + &text)?;
    Ok(exit)
}

fn read(folder: &Path) -> Result<Bundle> {
    let named = if folder == Path::new(BUILTIN) { None } else { Some(folder) };
    Bundle::of(&folder::read(named)?).with_context(|| folder.display().to_string())
}

fn exit(verdict: BundleVerdict) -> Exit {
    match verdict {
        BundleVerdict::Equivalent | BundleVerdict::Stricter => Exit::OK,
        BundleVerdict::Looser => Exit::DENY,
        BundleVerdict::Unproven => Exit::UNKNOWN,
    }
}

pub(super) fn text(comparison: &Comparison, style: Style) -> String {
    let mut text = format!("before  {}\n", comparison.old);
    for slice in &comparison.slices {
        let _ = writeln!(
            text,
            "{} by {}: {}",
            style.strong(&slice.action),
            slice.principal,
            word(slice.verdict, style)
        );
        let mut show = |label: &str, finding: &Finding| match finding {
            Finding::Nothing => {}
            Finding::Something { flips } => {
                for flip in flips {
                    let _ = writeln!(text, "  {label}, {} before and {} after:", flip.old, flip.new);
                    let _ = writeln!(text, "    {}", clean(&flip.example.to_string()));
                }
            }
            Finding::Unproven { why } => {
                let _ = writeln!(text, "  not known what is {label}: {}", clean(why));
            }
        };
        show("newly let in", &slice.lets_in);
        show("newly kept out", &slice.keeps_out);
    }
    for earlier in &comparison.goes_earlier {
        let _ = writeln!(text, "{}: {}", style.strong("retention"), clean(earlier));
    }
    for less in &comparison.watches_less {
        let _ = writeln!(text, "{}: {}", style.strong("monitoring"), clean(less));
    }
    let (changed, unchanged) = (comparison.slices.len(), comparison.unchanged);
    let _ = writeln!(
        text,
        "{}: {changed} pairs of act and principal differ, {unchanged} do not",
        word(comparison.verdict, style)
    );
    text
}

fn word(verdict: BundleVerdict, style: Style) -> String {
    match verdict {
        BundleVerdict::Equivalent => style.good("equivalent"),
        BundleVerdict::Stricter => style.good("stricter, nothing new is let in"),
        BundleVerdict::Unproven => style.caution("unproven"),
        BundleVerdict::Looser => style.bad("looser"),
    }
}
