//! When a criterion passes, fails, or neither.

use crate::support::{Table, assert_finite};
use comptroller_stats::fairness::input::{Attribute, Columns};
use comptroller_stats::fairness::settings::Settings;
use comptroller_stats::fairness::verdict::{Criterion, Measure, State};
use comptroller_stats::fairness::{audit, metric::Metric};

/// Selection rates in per cent of two groups of so many rows.
fn rates(first: usize, second: usize, rows: usize) -> Table {
    let part = |percent: usize| percent * rows / 100;
    Table::of(&[
        (0, 0, 1, part(first)),
        (0, 0, 0, rows - part(first)),
        (1, 0, 1, part(second)),
        (1, 0, 0, rows - part(second)),
    ])
}

#[test]
fn the_same_ratio_passes_fails_or_neither_by_the_number_of_rows() {
    let state = |table: Table| table.verdict(Measure::DemographicParityRatio, 0.8).state;
    assert_eq!(state(rates(50, 45, 20)), State::InsufficientEvidence);
    assert_eq!(state(rates(50, 45, 100)), State::Inconclusive);
    assert_eq!(state(rates(50, 45, 10_000)), State::Pass);
    assert_eq!(
        state(rates(50, 35, 40)),
        State::Inconclusive,
        "0.7 is below 0.8, but forty rows do not show it"
    );
    assert_eq!(state(rates(50, 35, 10_000)), State::Fail);
}

#[test]
fn a_difference_is_judged_from_the_other_side() {
    let state = |table: Table| table.verdict(Measure::DemographicParityDifference, 0.1).state;
    assert_eq!(state(rates(50, 49, 10_000)), State::Pass);
    assert_eq!(state(rates(50, 35, 10_000)), State::Fail);
    assert_eq!(state(rates(50, 41, 300)), State::Inconclusive);
}

#[test]
fn a_failure_stands_even_if_another_group_has_too_few_rows() {
    let mut rows = vec![(0, 0, 1, 5000), (0, 0, 0, 5000), (1, 0, 1, 3000), (1, 0, 0, 7000)];
    rows.push((2, 0, 1, 3));
    let verdict = Table::of(&rows).verdict(Measure::DemographicParityRatio, 0.8);
    assert_eq!(verdict.state, State::Fail);
    assert!(verdict.because.contains("found between"), "{}", verdict.because);
}

#[test]
fn a_small_category_is_left_out_of_the_impact_ratio_only_on_request_and_stays_visible() {
    // 1 % of the rows, nobody selected.
    let table =
        Table::of(&[(0, 0, 1, 4950), (0, 0, 0, 4950), (1, 0, 1, 5000), (1, 0, 0, 5000), (2, 0, 0, 200)]);
    let criterion = Criterion::sourced(Measure::ImpactRatio).expect("the four-fifths rule");
    let settings = Settings { criteria: vec![criterion], bootstrap: None, ..Settings::default() };
    assert_eq!(table.audit(&settings).verdicts[0].state, State::Fail);
    let report = table.audit(&Settings { leave_out_below: Some(0.02), ..settings });
    assert_eq!(report.verdicts[0].state, State::Pass);
    let impact = &report.families[0].impact_ratio;
    assert_eq!(impact.ratio.left_out.len(), 1);
    assert!(
        impact.ratio.left_out[0].because.contains("200 rows, 1.00 % of all"),
        "{:?}",
        impact.ratio.left_out
    );
    assert!(impact.groups[2].value.estimate().is_some_and(|rate| rate.abs() < 1e-12), "its rate is shown");
    assert!(impact.groups[2].ratio.is_some_and(|ratio| ratio.estimate().is_none()), "its ratio is not");
}

#[test]
fn within_strata_a_gap_that_composition_alone_makes_disappears() {
    // Department a admits 80 %, b 20 %; group 0 applies to a, group 1 to b (as in Bickel et al. 1975).
    let (mut group, mut stratum, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
    for (g, s, rows, selected) in [(0, 0, 800, 640), (0, 1, 200, 40), (1, 0, 200, 160), (1, 1, 800, 160)] {
        group.extend(vec![g; rows]);
        stratum.extend(vec![s; rows]);
        predictions.extend((0..rows).map(|row| u8::from(row < selected)));
    }
    let attribute = |name: &str, codes: Vec<u32>| Attribute {
        name: name.to_owned(),
        levels: vec!["a".to_owned(), "b".to_owned()],
        codes,
    };
    let (attributes, strata) = ([attribute("sex", group)], [attribute("department", stratum)]);
    let columns = Columns {
        predictions: &predictions,
        labels: None,
        scores: None,
        weights: None,
        attributes: &attributes,
        strata: &strata,
    };
    let criterion = |bound| Criterion {
        measure: Measure::DemographicParityDifference,
        bound,
        source: "the test".to_owned(),
    };
    let settings = Settings { criteria: vec![criterion(0.15)], ..Settings::default() };
    let report = audit(&columns, &settings).expect("good columns");
    let found: Vec<_> = report
        .verdicts
        .iter()
        .map(|verdict| (verdict.stratum.as_ref().map(ToString::to_string), verdict.state))
        .collect();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(
        found,
        [(None, State::Fail), (named("department=a"), State::Pass), (named("department=b"), State::Pass)]
    );
    // Intervals hold over both strata together.
    assert_eq!(report.families[1].metrics[0].comparisons, 2);
    assert_finite(&report);
}

#[test]
fn scoring_rates_are_shares_above_the_median_of_all() {
    let codes: Vec<u32> = (0..100).map(|row| u32::from(row >= 50)).collect();
    // Group a holds 0..50, group b 50..100, but ten of each are exchanged.
    let scores: Vec<f64> =
        (0..100).map(|row| f64::from(if row % 50 < 10 { 99 - row } else { row })).collect();
    let attributes =
        [Attribute { name: "g".to_owned(), levels: vec!["a".to_owned(), "b".to_owned()], codes }];
    let predictions = vec![0; 100];
    let columns = Columns {
        predictions: &predictions,
        labels: None,
        scores: Some(&scores),
        weights: None,
        attributes: &attributes,
        strata: &[],
    };
    let report = audit(&columns, &Settings::default()).expect("good columns");
    let scoring = report.families[0].scoring_ratio.as_ref().expect("scores");
    assert_eq!(scoring.metric, Metric::ScoringRate);
    let rate = |group: usize| scoring.groups[group].value.estimate().expect("fifty rows");
    assert!((rate(0) - 0.2).abs() < 1e-12 && (rate(1) - 0.8).abs() < 1e-12, "{} {}", rate(0), rate(1));
    assert!(scoring.ratio.value.estimate().is_some_and(|ratio| (ratio - 0.25).abs() < 1e-12));
    assert_finite(&report);
}
