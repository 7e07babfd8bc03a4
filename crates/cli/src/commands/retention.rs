//! `comptroller retention`: what is kept how long, and what goes when.

use super::Context;
use crate::client::path;
use crate::output::{Style, cell, table};
use clap::Subcommand;
use comptroller_app::retention::RunPurge;
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show how long what is kept, what goes next, and what is held.
    Show,
    /// Purge what is older than its maximum, now; a server does it daily by itself.
    Run {
        /// Only say what would go.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Show => {
            let answer = client.get(&path(&["retention"]), &[])?;
            screen.print(&answer, |value| shown(value, screen.style))
        }
        Verb::Run { dry_run } => {
            let answer = client.post_long(&path(&["retention", "purge"]), &RunPurge { dry_run })?;
            screen.print(&answer, |value| report(value, dry_run, screen.style))
        }
    }
}

fn items<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn shown(value: &Value, style: Style) -> String {
    let mut text = table(
        items(value, "classes"),
        &[
            ("CLASS", "/class"),
            ("AT LEAST DAYS", "/min_days"),
            ("AT MOST DAYS", "/max_days"),
            ("RULES", "/rules"),
        ],
        style,
    );
    let _ = writeln!(text, "\n{} files, {} due", cell(&value["files"]), cell(&value["due"]));
    for (title, field) in [("next to go", "next"), ("held", "held")] {
        if !items(value, field).is_empty() {
            let _ = writeln!(text, "\n{}", style.strong(title));
            text.push_str(&files(items(value, field), style));
        }
    }
    if !items(value, "next_days").is_empty() {
        let _ = writeln!(text, "\n{}", style.strong("next days of records to go"));
        let columns = [
            ("DAY", "/day"),
            ("VERSION", "/version"),
            ("ENVIRONMENT", "/environment"),
            ("RECORDS", "/rows"),
            ("GOES", "/due_at"),
            ("HOLD", "/hold"),
        ];
        text.push_str(&table(items(value, "next_days"), &columns, style));
    }
    text
}

fn files(files: &[Value], style: Style) -> String {
    table(
        files,
        &[
            ("DIGEST", "/digest"),
            ("CLASS", "/class"),
            ("SINCE", "/since"),
            ("GOES", "/due_at"),
            ("IN USE", "/in_use"),
            ("HOLD", "/hold"),
        ],
        style,
    )
}

fn report(value: &Value, dry_run: bool, style: Style) -> String {
    let mut text = String::new();
    let (label, count) = if dry_run { ("would go", "due_files") } else { ("purged", "files") };
    let (files_gone, notes, days) = (cell(&value[count]), cell(&value["notes"]), cell(&value["days"]));
    let _ = writeln!(text, "{label}: {files_gone} files, {notes} notes, {days} days of records");
    let _ = writeln!(text, "held: {}", cell(&value["held"]));
    if dry_run && !items(value, "due").is_empty() {
        text.push('\n');
        text.push_str(&files(items(value, "due"), style));
    }
    if !items(value, "purged").is_empty() {
        text.push('\n');
        let columns =
            [("INDEX", "/ledger_index"), ("CLASS", "/class"), ("ARTIFACT", "/artifact"), ("NOTES", "/notes")];
        text.push_str(&table(items(value, "purged"), &columns, style));
    }
    text
}
