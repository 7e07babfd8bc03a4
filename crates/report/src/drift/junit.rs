//! The report as JUnit XML: a case for the verdict, one for each pillar and one for each column.

use std::fmt::Write as _;

use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::Report;

use super::verdict;
use crate::escape::markup;

/// Renders the report; a case fails from the band `fail_on` on.
pub fn junit(report: &Report, fail_on: Band) -> String {
    let mut cases: Vec<(String, Option<(String, String)>)> = Vec::new();
    let headline = &report.headline;
    let fails = headline.band.is_none_or(|band| band >= fail_on);
    let lines: Vec<String> = report
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.kind.as_str(), finding.text))
        .collect();
    cases.push((
        "verdict".to_owned(),
        fails.then(|| (verdict(report), format!("{}\n{}", headline.text, lines.join("\n")))),
    ));
    for pillar in &report.pillars {
        let failed = pillar.band.filter(|band| *band >= fail_on);
        let name = format!("pillar {}", pillar.name.as_str());
        cases.push((
            name,
            failed.map(|band| {
                (format!("{:.3}: {}", pillar.value.unwrap_or(0.0), band.as_str()), pillar.note.clone())
            }),
        ));
    }
    for column in &report.columns {
        let message = |band: Band| {
            let causes: Vec<&str> = column.causes.iter().map(|cause| cause.text.as_str()).collect();
            (format!("V {:.3}: {}", column.coefficient, band.as_str()), causes.join("\n"))
        };
        let failed = column.band.filter(|band| *band >= fail_on);
        cases.push((format!("column {}", column.name), failed.map(message)));
    }
    let failures = cases.iter().filter(|(_, failure)| failure.is_some()).count();
    let suite =
        markup(&format!("comptroller drift: {} against {}", report.current.name, report.reference.name));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{suite}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"0\">",
        cases.len()
    );
    for (name, failure) in &cases {
        let name = markup(name);
        let _ = match failure {
            None => {
                writeln!(xml, "    <testcase classname=\"comptroller.drift\" name=\"{name}\" time=\"0\"/>")
            }
            Some((message, body)) => writeln!(
                xml,
                "    <testcase classname=\"comptroller.drift\" name=\"{name}\" time=\"0\">\n      <failure \
                 message=\"{}\" type=\"drift\">{}</failure>\n    </testcase>",
                markup(message),
                body.lines().map(markup).collect::<Vec<_>>().join("\n")
            ),
        };
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}
