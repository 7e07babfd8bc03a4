//! The audit as JUnit XML: a case for each criterion on each family of groups.

use super::{demand, subject, words};
use crate::escape::markup;
use comptroller_stats::fairness::report::Report;
use comptroller_stats::fairness::verdict::State;
use std::fmt::Write as _;

/// Renders the audit of `name`. Cases fail for the states that `fails` names; what has no evidence is skipped otherwise,
/// never passed.
pub fn junit(name: &str, report: &Report, fails: impl Fn(State) -> bool) -> String {
    let failures = report.verdicts.iter().filter(|verdict| fails(verdict.state)).count();
    let is_skipped = |state: State| !fails(state) && state != State::Pass;
    let skipped = report.verdicts.iter().filter(|verdict| is_skipped(verdict.state)).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\">",
        markup(&format!("comptroller fairness: {name}")),
        report.verdicts.len()
    );
    for verdict in &report.verdicts {
        let case = markup(&format!("{}: {}", subject(verdict), demand(verdict)));
        let message = markup(&format!("{}: {}", words(verdict.state), verdict.because));
        let head = format!("    <testcase classname=\"comptroller.fairness\" name=\"{case}\" time=\"0\"");
        let _ = if fails(verdict.state) {
            writeln!(
                xml,
                "{head}>\n      <failure message=\"{message}\" type=\"fairness\"/>\n    </testcase>"
            )
        } else if is_skipped(verdict.state) {
            writeln!(xml, "{head}>\n      <skipped message=\"{message}\"/>\n    </testcase>")
        } else {
            writeln!(xml, "{head}/>")
        };
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}
