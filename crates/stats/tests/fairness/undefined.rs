//! Where the reference library gives a number, an error or nothing, and there is no such number.

use crate::support::{Table, assert_finite, measured, of_group};
use comptroller_stats::fairness::input::{Attribute, Columns, MISSING, UNKNOWN};
use comptroller_stats::fairness::metric::Metric;
use comptroller_stats::fairness::settings::Settings;
use comptroller_stats::fairness::value::{Reason, Value};
use comptroller_stats::fairness::verdict::{Measure, State};
use comptroller_stats::fairness::{FairnessError, audit};

fn plain() -> Settings {
    Settings { bootstrap: None, ..Settings::default() }
}

#[test]
fn a_group_without_positives_has_no_true_positive_rate_and_the_odds_say_so() {
    // The reference library answers 1.0 (tests/oracle/fairness.json, "group_without_positives").
    let table = Table::of(&[(0, 1, 1, 40), (0, 0, 0, 40), (1, 0, 0, 40)]);
    let report = table.audit(&plain());
    let family = &report.families[0];
    let none = Value::undefined(Reason::NoPositiveLabels, 0.0, 0.0);
    assert_eq!(of_group(family, Metric::TruePositiveRate, 1), none);
    assert_eq!(of_group(family, Metric::FalseNegativeRate, 1), none, "not 0 and 0 at the same time");
    for measure in [Measure::EqualOpportunityDifference, Measure::EqualizedOddsDifference] {
        let aggregate = measure.of(family).expect("a measure of decisions");
        assert_eq!(aggregate.value, Value::undefined(Reason::FewerThanTwoGroups, 0.0, 0.0));
        assert_eq!(aggregate.not_covered[0].because, "no row is labelled positive");
        assert_eq!(table.verdict(measure, 0.1).state, State::NotEvaluable);
    }
    // What can be said is said: false positive rates are equal.
    assert!(
        measured(family, Measure::FalsePositiveRateDifference)
            .estimate()
            .is_some_and(|gap| gap.abs() < 1e-12)
    );
    assert_finite(&report);
}

#[test]
fn two_rows_are_no_evidence_whatever_they_say() {
    // The reference library answers a difference of exactly 1.0 ("two_rows").
    let table = Table::of(&[(0, 1, 1, 80), (0, 0, 0, 80), (1, 1, 0, 1), (1, 0, 0, 1)]);
    let verdict = table.verdict(Measure::EqualOpportunityDifference, 0.1);
    assert_eq!(verdict.state, State::InsufficientEvidence);
    assert!(verdict.because.contains("g=1: 1 rows, 30 are needed"), "{}", verdict.because);
    let report = table.audit(&plain());
    let found = of_group(&report.families[0], Metric::TruePositiveRate, 1);
    assert!(matches!(found, Value::InsufficientEvidence { rows: 1, rows_needed: 30, .. }), "{found:?}");
}

#[test]
fn an_undefined_group_does_not_leave_the_comparison_silently() {
    // Two good groups within the bound; the third has no positives.
    let table = Table::of(&[
        (0, 1, 1, 900),
        (0, 1, 0, 100),
        (0, 0, 0, 500),
        (1, 1, 1, 900),
        (1, 1, 0, 100),
        (1, 0, 0, 500),
        (2, 0, 0, 400),
    ]);
    let verdict = table.verdict(Measure::EqualOpportunityDifference, 0.1);
    assert_eq!(verdict.state, State::NotEvaluable);
    assert!(verdict.because.contains("g=2: no row is labelled positive"), "{}", verdict.because);
    // Without that group the same data passes.
    let two = Table::of(&[
        (0, 1, 1, 900),
        (0, 1, 0, 100),
        (0, 0, 0, 500),
        (1, 1, 1, 900),
        (1, 1, 0, 100),
        (1, 0, 0, 500),
    ]);
    assert_eq!(two.verdict(Measure::EqualOpportunityDifference, 0.1).state, State::Pass);
}

#[test]
fn a_missing_sensitive_value_is_a_group_of_its_own() {
    // The reference library raises.
    let table = Table::of(&[(0, 1, 1, 50), (1, 1, 1, 50), (MISSING, 1, 0, 50)]);
    let report = table.audit(&plain());
    let family = &report.families[0];
    assert_eq!(family.groups.len(), 3);
    assert_eq!(family.groups[2].name.to_string(), "g=(missing)");
    assert_eq!(family.groups[2].name.values[0].value, None);
    assert!(
        measured(family, Measure::DemographicParityRatio).estimate().is_some_and(|ratio| ratio.abs() < 1e-12)
    );
    // It can be shown without being compared, and then the result says so.
    let shown = Settings { compare_missing: false, ..plain() };
    let report = table.audit(&shown);
    let aggregate = Measure::DemographicParityRatio.of(&report.families[0]).expect("a measure of decisions");
    assert!(aggregate.value.estimate().is_some_and(|ratio| (ratio - 1.0).abs() < 1e-12));
    assert_eq!(aggregate.left_out[0].group, 2);
}

#[test]
fn an_infinite_disparity_is_not_replaced_by_ten() {
    let table = Table::of(&[(0, 0, 0, 60), (1, 0, 1, 30), (1, 0, 0, 30)]);
    let settings =
        Settings { reference: comptroller_stats::fairness::settings::Reference::Largest, ..plain() };
    let report = table.audit(&settings);
    let comparison = &report.families[0].metrics[0];
    let reference = comparison.reference.expect("the largest");
    assert_eq!(reference, 0);
    assert_eq!(comparison.groups[1].ratio, Some(Value::undefined(Reason::ReferenceIsZero, 0.5, 0.0)));
    assert!(
        comparison.ratio.value.estimate().is_some_and(|ratio| ratio.abs() < 1e-12),
        "without direction it is 0"
    );
}

#[test]
fn empty_intersections_are_listed_and_are_no_groups() {
    let attribute = |name: &str, codes: Vec<u32>| Attribute {
        name: name.to_owned(),
        levels: vec!["a".to_owned(), "b".to_owned()],
        codes,
    };
    let attributes = [attribute("x", vec![0, 0, 1]), attribute("y", vec![0, 1, 0])];
    let columns = Columns {
        predictions: &[1, 0, UNKNOWN],
        labels: None,
        scores: None,
        weights: None,
        attributes: &attributes,
        strata: &[],
    };
    let report = audit(&columns, &plain()).expect("good columns");
    assert_eq!(report.families.len(), 3);
    let both = &report.families[2];
    assert_eq!((both.groups.len(), both.absent_count), (3, 1));
    assert_eq!(both.absent[0].to_string(), "x=b, y=b");
    let undecided = of_group(both, Metric::SelectionRate, 2);
    assert_eq!(undecided, Value::undefined(Reason::NoRows, 0.0, 0.0));
    assert_eq!((report.rows.total, report.rows.without_decision, report.rows.without_label), (3, 1, 3));
    assert_finite(&report);
}

#[test]
fn no_rows_at_all_are_a_result_and_not_a_crash() {
    let report = Table::of(&[]).audit(&Settings::default());
    assert_eq!(report.families[0].groups.len(), 0);
    let none = Value::undefined(Reason::FewerThanTwoGroups, 0.0, 0.0);
    assert_eq!(measured(&report.families[0], Measure::DemographicParityRatio), none);
    assert_finite(&report);
}

#[test]
fn rows_without_a_label_count_for_selection_alone() {
    let table = Table::of(&[(0, 1, 1, 40), (0, UNKNOWN, 0, 60), (1, 1, 1, 40), (1, 0, 0, 40)]);
    let report = table.audit(&plain());
    let family = &report.families[0];
    let rate = |metric| of_group(family, metric, 0).estimate().expect("enough rows");
    assert!((rate(Metric::SelectionRate) - 0.4).abs() < 1e-12);
    assert!((rate(Metric::Accuracy) - 1.0).abs() < 1e-12);
    assert_eq!(report.rows.without_label, 60);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let table = Table::of(&[(0, 1, 1, 1)]);
    let columns = Columns {
        predictions: &table.predictions,
        labels: None,
        scores: None,
        weights: None,
        attributes: &table.attributes,
        strata: &[],
    };
    let refused = |settings: Settings| audit(&columns, &settings).expect_err("out of range").to_string();
    let message = refused(Settings { confidence: 1.0, ..plain() });
    assert_eq!(message, "confidence is 1, it must be above 0.5 and below 1");
    assert!(refused(Settings { min_rows: 0, ..plain() }).starts_with("min_rows is 0"));
    assert!(
        refused(Settings { leave_out_below: Some(0.5), ..plain() }).starts_with("leave_out_below is 0.5")
    );
    let short = Columns { labels: Some(&[]), ..columns };
    assert!(matches!(audit(&short, &plain()), Err(FairnessError::Length { .. })));
}
