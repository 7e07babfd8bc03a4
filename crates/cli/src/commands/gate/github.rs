//! The decision as workflow commands of GitHub Actions, which the runner shows as annotations.
//!
//! Every line is one command, so that nothing from the server can begin a command of its own.

use super::view::{View, is_hard, outcome_words, step};
use crate::output::one_line;
use comptroller_app::gate::RuleView;

pub(super) fn render(view: &View) -> String {
    // The summary first: the runner shows only the first ten annotations of a step.
    let mut commands = vec![summary(view)];
    commands.extend(view.answer.rules.iter().map(|rule| of_rule(view, rule)));
    commands.concat()
}

fn summary(view: &View) -> String {
    let mut lines = vec![view.headline(), format!("version {}", view.answer.version)];
    lines.extend(view.notes().into_iter().map(|(label, line)| format!("{label}: {line}")));
    if let Some(summary) = view.path_summary() {
        lines.push(format!("shortest path to approval: {summary}"));
    }
    for (number, path) in view.answer.paths.shortest.iter().enumerate() {
        lines.push(format!("way {}:", number + 1));
        lines.extend(path.iter().enumerate().map(|(at, item)| format!("  {}. {}", at + 1, step(item))));
    }
    lines.push(view.record());
    let hard = view.answer.rules.iter().any(is_hard) || view.answer.rules.is_empty();
    let kind = match (view.is_allowed(), hard) {
        (true, _) => "notice",
        (false, true) => "error",
        (false, false) => "warning",
    };
    command(kind, &format!("Gate: {}", outcome_words(view.answer.outcome)), &lines)
}

fn of_rule(view: &View, rule: &RuleView) -> String {
    let mut lines = vec![one_line(&rule.reason)];
    lines.extend(view.details(rule).into_iter().map(|(label, line)| format!("{label}: {line}")));
    lines.push(format!("{}, decision {}", view.headline(), view.answer.decision));
    command(if is_hard(rule) { "error" } else { "warning" }, rule.id.as_str(), &lines)
}

fn command(kind: &str, title: &str, lines: &[String]) -> String {
    format!("::{kind} title={}::{}\n", property(title), data(&lines.join("\n")))
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
