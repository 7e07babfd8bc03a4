//! The decision as Markdown for a pull-request comment or a job summary.
//!
//! Text from the server must not become markup: no HTML, no links, no mentions, no new table cells.

use super::view::{View, is_hard, step};
use crate::output::one_line;
use comptroller_app::escape::markdown;
use comptroller_core::vocab::Outcome;
use std::fmt::Write as _;

pub(super) fn render(view: &View) -> String {
    let answer = &view.answer;
    let sign = match answer.outcome {
        Outcome::Allow => "✅",
        Outcome::NeedsReview => "🟡",
        Outcome::Deny | Outcome::Unknown => "❌",
    };
    let mut text = format!("## {sign} Gate: {}\n\n", markdown(&view.headline()));
    rules(&mut text, view);
    let notes = view.notes();
    for (label, line) in &notes {
        let _ = writeln!(text, "- **{label}**: {}", markdown(line));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    paths(&mut text, view);
    text.push_str("| Record | |\n|---|---|\n");
    for (name, value) in [
        ("Version", answer.version.to_string()),
        ("Environment", answer.environment.to_string()),
        ("Decision", answer.decision.to_string()),
        ("Entry of the log", answer.ledger_index.to_string()),
        ("Policy bundle", answer.bundle.to_string()),
    ] {
        let _ = writeln!(text, "| {name} | `{value}` |");
    }
    text
}

fn rules(text: &mut String, view: &View) {
    let rules = &view.answer.rules;
    if rules.is_empty() {
        return;
    }
    text.push_str("| Rule | What is wrong | Who can put it right | Controls |\n|---|---|---|---|\n");
    for rule in rules {
        let mut wrong = markdown(&one_line(&rule.reason));
        for item in &rule.clauses {
            // Our own line break: a table cell has no other.
            let _ = write!(wrong, "<br>• {}", markdown(&view.clause(item)));
        }
        let controls: Vec<String> = rule.control.iter().map(|control| markdown(&one_line(control))).collect();
        let _ = writeln!(
            text,
            "| `{}` ({}) | {wrong} | {} | {} |",
            rule.id,
            if is_hard(rule) { "hard" } else { "review" },
            markdown(&one_line(&rule.remedy)),
            controls.join(", ")
        );
    }
    text.push('\n');
}

fn paths(text: &mut String, view: &View) {
    let Some(summary) = view.path_summary() else { return };
    let _ = writeln!(text, "**Shortest path to approval**: {}\n", markdown(&summary));
    let paths = &view.answer.paths.shortest;
    for (number, path) in paths.iter().enumerate() {
        if paths.len() > 1 {
            let _ = writeln!(text, "Way {}:\n", number + 1);
        }
        for (number, item) in path.iter().enumerate() {
            let _ = writeln!(text, "{}. {}", number + 1, markdown(&step(item)));
        }
        text.push('\n');
    }
}
