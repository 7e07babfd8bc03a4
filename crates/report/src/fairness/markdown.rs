//! The audit as Markdown for a comment or a job summary.

use super::{NO_CONCLUSION, demand, gravest, subject, words};
use crate::escape::markdown as escape;
use comptroller_stats::fairness::report::Report;
use std::fmt::Write as _;

/// Verdicts that are listed, at most.
const LISTED: usize = 100;

/// Renders the audit of `name`, with notes on its rows.
pub fn markdown(name: &str, notes: &[String], report: &Report) -> String {
    let state = gravest(&report.verdicts).map_or("nothing was demanded", words);
    let mut text = format!("## Fairness of {}: {state}\n\n", escape(name));
    let _ = writeln!(text, "{} rows. {NO_CONCLUSION}\n", report.rows.total);
    if !report.verdicts.is_empty() {
        text.push_str("| groups | demanded | state | because |\n| --- | --- | --- | --- |\n");
    }
    for verdict in report.verdicts.iter().take(LISTED) {
        let _ = writeln!(
            text,
            "| {} | {} | **{}** | {} |",
            escape(&subject(verdict)),
            escape(&demand(verdict)),
            words(verdict.state),
            escape(&verdict.because)
        );
    }
    if report.verdicts.len() > LISTED {
        let _ = writeln!(text, "\nAnd {} more.", report.verdicts.len() - LISTED);
    }
    for note in notes {
        let _ = writeln!(text, "\n- {}", escape(note));
    }
    text
}
