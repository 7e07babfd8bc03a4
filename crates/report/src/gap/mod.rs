//! The gap analysis of a framework: a page and a table. INVARIANT (no-conclusion): what "holds" means stands above all rows.

mod html;

pub use html::html;

use crate::escape::csv_row;
use comptroller_compliance::gap::GapAnalysis;

/// The rows as CSV, in the order of the framework.
pub fn csv(analysis: &GapAnalysis) -> String {
    let mut out = String::new();
    csv_row(
        &mut out,
        &[
            "criterion",
            "source",
            "asks",
            "standing",
            "because",
            "controls",
            "seen_whole",
            "applies_from",
            "steps",
        ],
    );
    for row in &analysis.rows {
        let controls: Vec<&str> = row.controls.iter().map(|control| control.id.as_str()).collect();
        csv_row(
            &mut out,
            &[
                &row.id,
                &row.source,
                &row.label,
                row.standing.as_str(),
                &row.because.join("; "),
                &controls.join(" "),
                if row.is_seen_whole { "yes" } else { "no" },
                &row.applies_from.map_or_else(String::new, |day| day.to_string()),
                &row.steps.join("; "),
            ],
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_compliance::gap::{
        ControlStanding, GAP_FORMAT, GapRow, MEANING, Standing, Step, StepKind,
    };
    use std::collections::BTreeMap;

    fn renew() -> Step {
        Step {
            id: "renew annex-iv of credit".to_owned(),
            kind: StepKind::Renew,
            says: "Issue annex-iv of <credit> anew".to_owned(),
            command: "comptroller docs issue annex-iv credit".to_owned(),
            completes: Vec::new(),
            waits: Vec::new(),
        }
    }

    fn analysis() -> GapAnalysis {
        let row = |id: &str, standing, because: &str, steps: &[&str]| GapRow {
            id: id.to_owned(),
            label: "Asks for <something>".to_owned(),
            source: "TSC 2017".to_owned(),
            standing,
            because: vec![because.to_owned()],
            is_seen_whole: false,
            controls: vec![ControlStanding {
                id: "CTL-CHANGE-01".to_owned(),
                title: "Changes are approved".to_owned(),
                in_operation: true,
                settled: 4,
                open: 0,
            }],
            applies_from: None,
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        };
        let rows = vec![
            row("CC8.1", Standing::Holds, "1 controls in operation", &[]),
            row("CC9.9", Standing::DoesNot, "=open \"exceptions\"", &["close CTL-X-01"]),
        ];
        GapAnalysis {
            format: GAP_FORMAT.to_owned(),
            framework: "soc2".to_owned(),
            name: "SOC 2".to_owned(),
            framework_digest: "0".repeat(64).parse().unwrap(),
            as_of: "2026-11-27".parse().unwrap(),
            system: None,
            controls_digest: "1".repeat(64).parse().unwrap(),
            meaning: MEANING.to_owned(),
            counts: BTreeMap::from([(Standing::Holds, 1), (Standing::DoesNot, 1)]),
            rows,
            steps: vec![
                renew(),
                Step {
                    id: "close CTL-X-01".to_owned(),
                    kind: StepKind::Close,
                    says: "Close 2 open exceptions".to_owned(),
                    command: "comptroller control exceptions --control CTL-X-01".to_owned(),
                    completes: vec!["CC9.9".to_owned()],
                    waits: vec!["CC9.9".to_owned()],
                },
            ],
        }
    }

    #[test]
    fn the_page_says_what_holds_means_before_any_row_and_escapes_what_it_shows() {
        let page = html(&analysis());
        let (meaning, row) = (page.find("says no more than this").unwrap(), page.find("CC8.1").unwrap());
        assert!(meaning < row, "the meaning comes first");
        assert!(page.contains("Asks for &lt;something&gt;") && !page.contains("<something>"));
        let (stale, next) =
            (page.find("Stale, to be made anew").unwrap(), page.find("What to do next").unwrap());
        assert!(stale < next && page.contains("annex-iv of &lt;credit&gt;"), "what is stale is named");
        assert_eq!(page.matches("docs issue annex-iv credit").count(), 1, "and is no step of a row");
        for word in ["compliant", "non-conform", "effective"] {
            assert!(!page.contains(word), "a conclusion: {word}");
        }
    }

    #[test]
    fn a_table_has_a_line_for_each_row_and_no_cell_is_a_formula() {
        let table = csv(&analysis());
        assert_eq!(table.lines().count(), 3);
        assert!(table.contains("does not") && !table.contains(",=open"), "{table}");
    }
}
