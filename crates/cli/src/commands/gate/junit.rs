//! The decision as a JUnit report: one suite, one failed case for every rule that stands against the version.

use super::view::{View, is_hard, step};
use crate::output::one_line;
use comptroller_app::gate::RuleView;
use std::fmt::Write as _;

pub(super) fn render(view: &View) -> String {
    let answer = &view.answer;
    let suite = format!("comptroller gate: {} to {}", view.asked, answer.environment);
    let cases = cases(view);
    // A report without a failure would let a pipeline go on that reads nothing else.
    let broken = !view.is_allowed() && answer.rules.is_empty();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"0\">",
        escape(&suite),
        cases.len(),
        answer.rules.len(),
        u8::from(broken),
    );
    xml.push_str("    <properties>\n");
    for (name, value) in [
        ("outcome", answer.outcome.to_string()),
        ("version", answer.version.to_string()),
        ("environment", answer.environment.to_string()),
        ("decision", answer.decision.to_string()),
        ("ledger_index", answer.ledger_index.to_string()),
        ("bundle", answer.bundle.to_string()),
    ] {
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{}\"/>", escape(&value));
    }
    xml.push_str("    </properties>\n");
    xml.push_str(&cases.concat());
    let _ = writeln!(xml, "    <system-out>{}</system-out>", escape(&general(view)));
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn cases(view: &View) -> Vec<String> {
    let class = format!("comptroller.gate.{}", view.answer.environment);
    if view.is_allowed() {
        return vec![format!("    <testcase classname=\"{class}\" name=\"allow\" time=\"0\"/>\n")];
    }
    if view.answer.rules.is_empty() {
        return vec![format!(
            "    <testcase classname=\"{class}\" name=\"decision\" time=\"0\">\n      <error message=\"{}\" \
             type=\"{}\"/>\n    </testcase>\n",
            escape(&view.headline()),
            view.answer.outcome
        )];
    }
    view.answer.rules.iter().map(|rule| failure(view, &class, rule)).collect()
}

fn failure(view: &View, class: &str, rule: &RuleView) -> String {
    let reason = one_line(&rule.reason);
    let mut body = format!("{reason}\n");
    for (label, line) in view.details(rule) {
        let _ = writeln!(body, "{label}: {line}");
    }
    format!(
        "    <testcase classname=\"{class}\" name=\"{}\" time=\"0\">\n      <failure message=\"{}\" \
         type=\"{}\">{}</failure>\n    </testcase>\n",
        escape(rule.id.as_str()),
        escape(&reason),
        if is_hard(rule) { "hard" } else { "review" },
        escape(&body)
    )
}

/// What is not about one rule.
fn general(view: &View) -> String {
    let mut lines = vec![view.headline()];
    lines.extend(view.notes().into_iter().map(|(label, line)| format!("{label}: {line}")));
    if let Some(summary) = view.path_summary() {
        lines.push(format!("shortest path to approval: {summary}"));
    }
    for (number, path) in view.answer.paths.shortest.iter().enumerate() {
        lines.push(format!("way {}", number + 1));
        lines.extend(path.iter().enumerate().map(|(at, item)| format!("  {}. {}", at + 1, step(item))));
    }
    lines.push(view.record());
    lines.join("\n")
}

/// Text for XML 1.0. Characters that it cannot hold, not even escaped, become visible replacements.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
