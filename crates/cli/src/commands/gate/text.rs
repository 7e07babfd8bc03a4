//! The decision for people at a terminal.

use super::view::{Said, View, is_hard, outcome_words, step};
use crate::output::{Style, one_line};
use comptroller_app::what_if::WhatIfAnswer;
use comptroller_core::Environment;
use comptroller_core::vocab::Outcome;
use std::fmt::Write as _;

pub(super) fn render(view: &View, style: Style) -> String {
    let answer = &view.answer;
    let mut text = format!("{}: {} to {}\n", word(answer.outcome, style), view.asked, answer.environment);
    if view.asked != answer.version.to_string() {
        let _ = writeln!(text, "  {}", style.dim(&format!("version {}", answer.version)));
    }
    body(&mut text, &view.said(), style);
    let _ = writeln!(text, "\n{}", style.dim(&view.record()));
    text
}

/// An answer to what if: the same words, and no record, for there is none.
pub(super) fn supposed(asked: &str, environment: Environment, answer: &WhatIfAnswer, style: Style) -> String {
    let WhatIfAnswer { outcome_now, outcome, rules, errors, paths, bundle, .. } = answer;
    let mut text = format!("would be {}: {} to {environment}\n", word(*outcome, style), one_line(asked));
    let _ = writeln!(text, "  now: {}", outcome_words(*outcome_now));
    let said = Said {
        outcome: *outcome,
        rules,
        sources: None,
        errors,
        regressions: &[],
        votes: &[],
        waivers: &[],
        paths,
    };
    body(&mut text, &said, style);
    let _ = writeln!(text, "\n{}", style.dim(&format!("nothing was recorded; policy bundle {bundle}")));
    text
}

fn word(outcome: Outcome, style: Style) -> String {
    let words = outcome_words(outcome);
    match outcome {
        Outcome::Allow => style.good(words),
        Outcome::NeedsReview => style.caution(words),
        Outcome::Deny | Outcome::Unknown => style.bad(words),
    }
}

/// Rules, notes and paths.
fn body(text: &mut String, said: &Said<'_>, style: Style) {
    for rule in said.rules {
        let id = rule.id.to_string();
        let id = if is_hard(rule) { style.bad(&id) } else { style.caution(&id) };
        let _ = writeln!(text, "\n  {id} ({}): {}", one_line(&rule.set), one_line(&rule.reason));
        for (label, line) in said.details(rule) {
            let _ = writeln!(text, "    {} {line}", style.dim(&format!("{:<9}", format!("{label}:"))));
        }
    }
    let notes = said.notes();
    if !notes.is_empty() {
        text.push('\n');
    }
    for (label, line) in notes {
        let _ = writeln!(text, "  {}: {line}", style.strong(label));
    }
    paths(text, said, style);
}

fn paths(text: &mut String, said: &Said<'_>, style: Style) {
    let Some(summary) = said.path_summary() else { return };
    let _ = writeln!(text, "\n  {}: {summary}", style.strong("shortest path to approval"));
    let paths = &said.paths.shortest;
    for (number, path) in paths.iter().enumerate() {
        if paths.len() > 1 {
            let _ = writeln!(text, "    way {}", number + 1);
        }
        for (number, item) in path.iter().enumerate() {
            let _ = writeln!(text, "      {}. {}", number + 1, step(item));
        }
    }
}
