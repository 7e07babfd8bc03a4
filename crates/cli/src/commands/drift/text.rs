//! The verdict on the terminal.

use crate::output::{Style, one_line};
use comptroller_app::drift::report::{Column, Evidence, Onset, percent};
use comptroller_app::drift::{Band, Report, Role};
use comptroller_app::escape::cut;
use std::fmt::Write as _;

/// Width of the longest column name that is shown whole.
const NAME: usize = 28;

/// The report, with at most so many columns.
pub(super) fn render(report: &Report, most: usize, style: Style) -> String {
    let mut text = String::new();
    let headline = &report.headline;
    let pillar = headline.pillar.map(|pillar| format!(" ({})", pillar.as_str())).unwrap_or_default();
    let shown = report.method.bands.shown(headline.coefficient);
    let verdict = format!("D {shown}{pillar}: {}", headline.text);
    let _ = writeln!(text, "{}", band(headline.band, &verdict, style));
    for (what, side) in [("reference", &report.reference), ("current", &report.current)] {
        let kind = if side.is_profile { ", a profile" } else { "" };
        let label = style.strong(&format!("{what:<9}"));
        let _ = writeln!(text, "  {label}  {} ({} rows{kind})", one_line(&side.name), side.rows);
    }
    if let Some(onset) = &report.onset {
        let _ = writeln!(text, "  {}  {}", style.strong("since    "), one_line(&since(onset)));
    }
    findings(&mut text, report, style);
    pillars(&mut text, report, style);
    columns(&mut text, report, most, style);
    vectors(&mut text, report, style);
    performance(&mut text, report, style);
    roles(&mut text, report, style);
    for note in &report.notes {
        let _ = writeln!(text, "{}", style.dim(&format!("note: {}", one_line(note))));
    }
    text
}

fn findings(text: &mut String, report: &Report, style: Style) {
    for finding in &report.findings {
        let _ = writeln!(
            text,
            "\n{} {}",
            style.strong(&format!("{}:", finding.kind.as_str())),
            one_line(&finding.text)
        );
        for line in finding.evidence.iter().take(8) {
            let _ = writeln!(text, "  {}", one_line(line));
        }
        if finding.evidence.len() > 8 {
            let _ = writeln!(text, "  {}", style.dim(&format!("and {} more", finding.evidence.len() - 8)));
        }
    }
}

fn pillars(text: &mut String, report: &Report, style: Style) {
    let _ = writeln!(text, "\n{}", style.strong("PILLAR        VALUE  ABOUT"));
    for pillar in &report.pillars {
        let value = pillar.value.map_or_else(|| "    -".to_owned(), |value| format!("{value:5.2}"));
        let value = pillar.band.map_or_else(|| value.clone(), |own| band(Some(own), &value, style));
        let _ = writeln!(text, "{:<12}  {value}  {}", pillar.name.as_str(), one_line(&pillar.note));
    }
}

fn columns(text: &mut String, report: &Report, most: usize, style: Style) {
    let shown: Vec<&Column> = report.columns.iter().take(most).collect();
    let longest = shown.iter().map(|column| column.name.chars().count()).max().unwrap_or(6);
    let width = longest.clamp(6, NAME);
    let head = format!("{:<width$}      V     Vc     PART  CAUSE", "COLUMN");
    let _ = writeln!(text, "\n{}", style.strong(&head));
    for column in &shown {
        let part =
            if column.contribution > 0.0 { format!("{:.1} %", column.percent) } else { "-".to_owned() };
        let name = format!("{:<width$}", cut(&one_line(&column.name), width));
        let line = format!("{:5.2}  {:5.2}  {part:>7}", column.v, column.corrected);
        let own = band(column.band, &line, style);
        let _ = writeln!(text, "{}", format!("{name}  {own}  {}", cause(column)).trim_end());
    }
    if report.columns.len() > shown.len() {
        let more = report.columns.len() - shown.len();
        let _ = writeln!(text, "{}", style.dim(&format!("and {more} more columns: --all")));
    }
}

fn since(onset: &Onset) -> String {
    let Onset { detector, column, time, before, .. } = onset;
    let part = if *before > 0.0 {
        format!("{} of the rows came before", percent(*before))
    } else {
        "the first of the current rows".to_owned()
    };
    format!("{time}: {part} ({detector} on {column})")
}

/// Columns of vectors.
fn vectors(text: &mut String, report: &Report, style: Style) {
    for embedding in &report.embeddings {
        let mut parts = vec![format!("{} numbers", embedding.dims)];
        parts.extend(embedding.cosine.map(|cosine| format!("cosine distance of the means {cosine:.4}")));
        parts.extend(embedding.classifier.map(|[area, error]| {
            format!("classifier on unseen rows {area:.3} ± {:.3} (0.5: no drift)", 1.96 * error)
        }));
        parts.extend(
            embedding.discrepancy.map(|found| format!("MMD² {:.5} (p {:.4})", found.squared, found.p)),
        );
        parts.extend(embedding.drifted.map(|drifted| format!("{drifted} components differ")));
        let name = style.strong(&format!("vectors {}:", one_line(&embedding.column)));
        let _ = writeln!(text, "\n{name} {}", parts.join("; "));
        for note in &embedding.notes {
            let _ = writeln!(text, "  {}", style.dim(&one_line(note)));
        }
    }
}

/// Measures from labels; where there are none, those that the scores let expect.
fn performance(text: &mut String, report: &Report, style: Style) {
    let Some(performance) = &report.performance else { return };
    let measures = performance.measures();
    if !measures.is_empty() {
        let _ = writeln!(text, "\n{}", style.strong("MEASURED                    REFERENCE    CURRENT"));
        for (name, [before, now]) in measures {
            let _ = writeln!(text, "{name:<26}  {before:>9.4}  {now:>9.4}");
        }
    }
    let Some(expected) = performance.expected.as_ref().filter(|_| performance.coverage < 1.0) else { return };
    let _ = writeln!(text, "\n{}", style.strong("ESTIMATED   REFERENCE    CURRENT  BAND (95 %)"));
    for estimate in &expected.measures {
        let before = estimate.before.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let _ = writeln!(
            text,
            "{:<10}  {before:>9}  {:>9.4}  {:.4} to {:.4}",
            estimate.measure, estimate.now, estimate.lower, estimate.upper
        );
    }
    let _ = writeln!(text, "{}", style.dim(expected.assumption));
}

/// The cause, else why there is none.
fn cause(column: &Column) -> String {
    let role =
        if column.role == Role::Feature { String::new() } else { format!("[{}] ", column.role.as_str()) };
    let said = match (column.causes.first(), column.evidence) {
        (Some(cause), _) => one_line(&cause.text),
        (None, Evidence::Differs) => "differs by little".to_owned(),
        (None, Evidence::Stable) => String::new(),
        (None, Evidence::NotEnough) => "not enough rows".to_owned(),
    };
    format!("{role}{said}")
}

/// What was taken for something else than a feature.
fn roles(text: &mut String, report: &Report, style: Style) {
    let others: Vec<String> = report
        .roles
        .iter()
        .filter(|role| role.role != Role::Feature)
        .map(|role| {
            format!("  {} is {} ({})", one_line(&role.column), role.role.as_str(), one_line(&role.why))
        })
        .collect();
    if others.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style.strong("taken for, unless you say otherwise:"));
    for line in others.iter().take(20) {
        let _ = writeln!(text, "{line}");
    }
    if others.len() > 20 {
        let _ = writeln!(text, "  {}", style.dim(&format!("and {} more", others.len() - 20)));
    }
}

fn band(band: Option<Band>, text: &str, style: Style) -> String {
    match band {
        Some(Band::Normal) => style.good(text),
        None | Some(Band::Watch) => style.caution(text),
        Some(Band::Investigate | Band::Rollback) => style.bad(text),
    }
}
