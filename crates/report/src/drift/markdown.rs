//! The report as Markdown, for a comment or a job summary.

use std::fmt::Write as _;

use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::Report;

use super::{estimated, evidence, part, since, vectors, verdict};
use crate::escape::markdown as escape;

/// Columns that are listed, at most.
const LISTED: usize = 25;

/// Renders the report.
pub fn markdown(report: &Report) -> String {
    let headline = &report.headline;
    let sign = match headline.band {
        None => "❔",
        Some(Band::Normal) => "✅",
        Some(Band::Watch) => "🟡",
        Some(Band::Investigate) => "🟠",
        Some(Band::Rollback) => "❌",
    };
    let mut text = format!("## {sign} Drift: {}\n\n{}\n\n", escape(&verdict(report)), escape(&headline.text));
    let _ = writeln!(
        text,
        "Reference {} ({} rows), current {} ({} rows).\n",
        escape(&report.reference.name),
        report.reference.rows,
        escape(&report.current.name),
        report.current.rows
    );
    if let Some(onset) = &report.onset {
        let _ = writeln!(text, "Drift {}.\n", escape(&since(onset)));
    }
    for finding in &report.findings {
        let _ = writeln!(text, "- **{}**: {}", finding.kind.as_str(), escape(&finding.text));
        for line in finding.evidence.iter().take(LISTED) {
            let _ = writeln!(text, "  - {}", escape(line));
        }
    }
    if !report.findings.is_empty() {
        text.push('\n');
    }
    text.push_str("| Pillar | Value | About |\n|---|---:|---|\n");
    for pillar in &report.pillars {
        let value = pillar.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let _ = writeln!(text, "| {} | {value} | {} |", pillar.name.as_str(), escape(&pillar.note));
    }
    text.push_str(
        "\n| Column | V | Vc | Band | Rows | Contribution | Cause |\n|---|---:|---:|---|---|---:|---|\n",
    );
    for column in report.columns.iter().take(LISTED) {
        let cause = column.causes.first().map(|cause| escape(&cause.text)).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {:.3} | {:.3} | {} | {} | {} | {cause} |",
            escape(&column.name),
            column.v,
            column.corrected,
            column.band.map_or("", Band::as_str),
            evidence(column.evidence),
            part(column)
        );
    }
    if report.columns.len() > LISTED {
        let _ = writeln!(text, "\n{} of {} columns are listed.", LISTED, report.columns.len());
    }
    vectors::markdown(&mut text, &report.embeddings);
    performance(&mut text, report);
    for note in &report.notes {
        let _ = write!(text, "\n> {}\n", escape(note));
    }
    text
}

/// Measures from labels, and those that the scores alone let expect.
fn performance(text: &mut String, report: &Report) {
    let Some(performance) = &report.performance else { return };
    let measures = performance.measures();
    if !measures.is_empty() {
        text.push_str("\n| Measure | Reference | Current |\n|---|---:|---:|\n");
        for (name, [before, now]) in measures {
            let _ = writeln!(text, "| {name} | {before:.4} | {now:.4} |");
        }
    }
    if let Some(expected) = &performance.expected {
        estimated::markdown(text, expected);
    }
}
