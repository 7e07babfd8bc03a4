//! `comptroller gap`: what of a framework the record shows, and what to do next.

use super::Context;
use crate::client::path;
use crate::failure::Failure;
use crate::output::{Style, clean, print, write_file};
use clap::{Args, Subcommand};
use comptroller_app::gaps::{ScopeCriterion, gap_csv, gap_html};
use comptroller_compliance::gap::{GapAnalysis, Standing, Step, StepKind};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Steps that are shown as text.
const SHOWN: usize = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show what of a framework the record shows, what it does not, and what to do next.
    Show(ShowArgs),
    /// State that a row of a framework is not applicable to the organisation.
    Exclude(ScopeArgs),
    /// State that a row of a framework is applicable after all.
    Include(ScopeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The framework, for example `soc2`; `comptroller framework list` names them.
    framework: String,
    /// Only this system, by name or id; without it the whole organisation.
    #[arg(long)]
    system: Option<String>,
    /// The day, 2026-11-27; without it today.
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
    /// Write the analysis as a page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the rows as CSV.
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// The framework.
    framework: String,
    /// The row, by its id within the framework.
    criterion: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Show(arguments) => show(context, &arguments),
        Verb::Exclude(arguments) => scope(context, arguments, false),
        Verb::Include(arguments) => scope(context, arguments, true),
    }
}

fn scope(Context { client, screen }: &Context, arguments: ScopeArgs, applicable: bool) -> anyhow::Result<()> {
    let ScopeArgs { framework, criterion, reason } = arguments;
    let command = ScopeCriterion { framework, criterion, applicable, reason };
    screen.object(&client.post(&path(&["criteria", "scope"]), &command)?)
}

fn show(Context { client, screen }: &Context, arguments: &ShowArgs) -> anyhow::Result<()> {
    let query = [
        ("framework", Some(arguments.framework.clone())),
        ("system", arguments.system.clone()),
        ("as_of", arguments.as_of.clone()),
    ];
    let answer = client.get(&path(&["gaps"]), &query)?;
    let analysis: GapAnalysis = serde_json::from_value(answer.value.clone())?;
    if let Some(file) = &arguments.html {
        write_file(file, gap_html(&analysis).as_bytes()).map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display()), "name a file that can be written")
        })?;
    }
    if arguments.csv {
        return print(&gap_csv(&analysis));
    }
    screen.print(&answer, |_| text(&analysis, screen.style))
}

fn text(analysis: &GapAnalysis, style: Style) -> String {
    let about = analysis.system.as_deref().unwrap_or("the organisation");
    let mut out =
        format!("{} of {about}, {}\n{}\n\n", analysis.name, analysis.as_of, style.dim(&analysis.meaning));
    for row in analysis.rows.iter().filter(|row| row.standing != Standing::NotApplicable) {
        let part = if row.standing == Standing::Holds && !row.is_seen_whole { " (in part)" } else { "" };
        let standing = format!("{:<19}", row.standing.as_str());
        let standing = match row.standing {
            Standing::DoesNot => style.bad(&standing),
            Standing::CannotBeEvidenced => style.caution(&standing),
            _ => style.good(&standing),
        };
        let because: Vec<String> = row.because.iter().map(|because| clean(because)).collect();
        let _ = writeln!(
            out,
            "{} {standing} {}{part}",
            style.strong(&format!("{:<12}", row.id)),
            clean(&row.label)
        );
        let _ = writeln!(out, "             {}", style.dim(&because.join("; ")));
    }
    let left: Vec<_> = analysis.rows.iter().filter(|row| row.standing == Standing::NotApplicable).collect();
    if !left.is_empty() {
        let _ = writeln!(out, "\nNot applicable:");
    }
    for row in left {
        let because: Vec<String> = row.because.iter().map(|because| clean(because)).collect();
        let _ = writeln!(out, "{:<12} {}", row.id, style.dim(&because.join("; ")));
    }
    let counts: Vec<String> = Standing::ALL
        .iter()
        .map(|standing| {
            format!("{} {}", analysis.counts.get(standing).copied().unwrap_or(0), standing.as_str())
        })
        .collect();
    let _ = writeln!(out, "\n{}", counts.join(", "));
    let (stale, next): (Vec<&Step>, Vec<&Step>) =
        analysis.steps.iter().partition(|step| step.kind == StepKind::Renew);
    if !next.is_empty() {
        let _ = writeln!(out, "\nNext, what completes most rows first:");
    }
    for step in next.iter().take(SHOWN) {
        let completes = match step.completes.len() {
            0 => format!("one of several for {}", step.waits.join(", ")),
            count => format!("completes {count}"),
        };
        let _ = writeln!(out, "  {} ({completes})\n    {}", clean(&step.says), clean(&step.command));
    }
    if next.len() > SHOWN {
        let _ = writeln!(out, "  {} more; `--format json` lists them", next.len() - SHOWN);
    }
    if !stale.is_empty() {
        let _ = writeln!(out, "\nStale, to be made anew:");
    }
    for step in &stale {
        let _ = writeln!(out, "  {}\n    {}", clean(&step.says), clean(&step.command));
    }
    out
}
