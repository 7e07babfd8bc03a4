//! The decision for people at a terminal.

use super::view::{View, is_hard, outcome_words, step};
use crate::output::{Style, one_line};
use comptroller_core::vocab::Outcome;
use std::fmt::Write as _;

pub(super) fn render(view: &View, style: Style) -> String {
    let answer = &view.answer;
    let words = outcome_words(answer.outcome);
    let word = outcome_style(view, style, words);
    let mut text = format!("{word}: {} to {}\n", view.asked, answer.environment);
    if view.asked != answer.version.to_string() {
        let _ = writeln!(text, "  {}", style.dim(&format!("version {}", answer.version)));
    }
    body(&mut text, view, style);
    let _ = writeln!(text, "\n{}", style.dim(&view.record()));
    text
}

/// An answer to what if: the same words, and no record, for there is none.
pub(super) fn supposed(view: &View, now: Outcome, style: Style) -> String {
    let words = outcome_words(view.answer.outcome);
    let mut text = format!(
        "would be {}: {} to {}\n",
        outcome_style(view, style, words),
        view.asked,
        view.answer.environment
    );
    let _ = writeln!(text, "  now: {}", outcome_words(now));
    body(&mut text, view, style);
    let _ = writeln!(
        text,
        "\n{}",
        style.dim(&format!("nothing was recorded; policy bundle {}", view.answer.bundle))
    );
    text
}

fn outcome_style(view: &View, style: Style, words: &str) -> String {
    match view.answer.outcome {
        Outcome::Allow => style.good(words),
        Outcome::NeedsReview => style.caution(words),
        Outcome::Deny | Outcome::Unknown => style.bad(words),
    }
}

/// Rules, notes and paths.
fn body(text: &mut String, view: &View, style: Style) {
    for rule in &view.answer.rules {
        let id = rule.id.to_string();
        let id = if is_hard(rule) { style.bad(&id) } else { style.caution(&id) };
        let _ = writeln!(text, "\n  {id} ({}): {}", one_line(&rule.set), one_line(&rule.reason));
        for (label, line) in view.details(rule) {
            let _ = writeln!(text, "    {} {line}", style.dim(&format!("{:<9}", format!("{label}:"))));
        }
    }
    let notes = view.notes();
    if !notes.is_empty() {
        text.push('\n');
    }
    for (label, line) in notes {
        let _ = writeln!(text, "  {}: {line}", style.strong(label));
    }
    paths(text, view, style);
}

fn paths(text: &mut String, view: &View, style: Style) {
    let Some(summary) = view.path_summary() else { return };
    let _ = writeln!(text, "\n  {}: {summary}", style.strong("shortest path to approval"));
    let paths = &view.answer.paths.shortest;
    for (number, path) in paths.iter().enumerate() {
        if paths.len() > 1 {
            let _ = writeln!(text, "    way {}", number + 1);
        }
        for (number, item) in path.iter().enumerate() {
            let _ = writeln!(text, "      {}. {}", number + 1, step(item));
        }
    }
}
