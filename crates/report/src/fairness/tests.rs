//! Reports of an audit whose names try to become markup.

use super::{html, junit, markdown};
use comptroller_stats::fairness::audit;
use comptroller_stats::fairness::input::{Attribute, Columns};
use comptroller_stats::fairness::report::Report;
use comptroller_stats::fairness::settings::Settings;
use comptroller_stats::fairness::verdict::{Criterion, Measure, State};

fn report() -> Report {
    let codes: Vec<u32> = (0..2100).map(|row| if row < 2000 { row % 2 } else { 2 }).collect();
    let predictions: Vec<u8> = (0..2100_u32).map(|row| u8::from(row % 2 == 0 || row % 10 == 1)).collect();
    let levels = ["<script>alert(1)</script>", "b|\"c\"", "third"].map(str::to_owned).to_vec();
    let attributes = [Attribute { name: "sex & <b>".to_owned(), levels, codes }];
    let columns = Columns {
        predictions: &predictions,
        labels: None,
        scores: None,
        weights: None,
        attributes: &attributes,
        strata: &[],
    };
    let difference = Criterion {
        measure: Measure::EqualOpportunityDifference,
        bound: 0.1,
        source: "<i>us</i>".to_owned(),
    };
    let criteria = vec![Criterion::sourced(Measure::ImpactRatio).expect("the four-fifths rule"), difference];
    audit(&columns, &Settings { criteria, bootstrap: None, ..Settings::default() }).expect("good columns")
}

#[test]
fn a_page_runs_nothing_and_no_name_becomes_markup() {
    // INVARIANT (nothing-runs).
    let page = html("<img src=x>.csv", &["<u>note</u>".to_owned()], &report());
    for bad in ["<script", "<img", "<b>", "<i>", "<u>", "http-equiv=\"refresh\"", "src=\"", "href="] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("<strong>fail</strong>") && page.contains("no row is labelled positive"));
}

#[test]
fn a_case_without_evidence_is_skipped_and_never_passed() {
    let report = report();
    let states: Vec<State> = report.verdicts.iter().map(|verdict| verdict.state).collect();
    assert_eq!(states, [State::Fail, State::NotEvaluable]);
    let xml = junit("a.csv", &report, |state| state == State::Fail);
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{xml}");
    assert!(!xml.contains("<script"));
}

#[test]
fn a_table_row_in_markdown_stays_one_row() {
    let text = markdown("a.csv", &[], &report());
    let row = text.lines().find(|line| line.contains("**fail**")).expect("the failed criterion");
    assert_eq!(row.matches(" | ").count(), 3, "{row}");
    assert!(!text.contains("<script"));
}
