//! Results of cases as JUnit XML, which CI systems show.

use comptroller_policy::cases::CaseResult;
use std::fmt::Write as _;

/// One test suite; a rule is a class, a case is a test.
pub(super) fn of(results: &[CaseResult]) -> String {
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = results.len();
    let _ = writeln!(text, "<testsuite name=\"policies\" tests=\"{total}\" failures=\"{failed}\">");
    for result in results {
        let class = escape(result.rule.as_deref().unwrap_or("baselines"));
        let name = escape(&result.name);
        let _ = match &result.failure {
            None => writeln!(text, "  <testcase classname=\"{class}\" name=\"{name}\"/>"),
            Some(failure) => writeln!(
                text,
                "  <testcase classname=\"{class}\" name=\"{name}\"><failure message=\"{}\"/></testcase>",
                escape(failure)
            ),
        };
    }
    text.push_str("</testsuite>\n");
    text
}

/// XML has no way to write most control characters, so they are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_failures_are_escaped() {
        let failure = Some("a < b & \"c\"\n".to_owned());
        let text = of(&[CaseResult { rule: None, name: "x".to_owned(), failure }]);
        assert!(text.contains("tests=\"1\" failures=\"1\""), "{text}");
        assert!(text.contains("message=\"a &lt; b &amp; &quot;c&quot; \""), "{text}");
    }
}
