//! Against fairlearn, scikit-learn, statsmodels and scipy: tests/oracle/fairness.json, written by fairness.py beside it.

use crate::support::{assert_finite, measured, of_group};
use comptroller_stats::fairness::audit;
use comptroller_stats::fairness::input::{Attribute, Columns};
use comptroller_stats::fairness::metric::Metric;
use comptroller_stats::fairness::report::{CompoundMeasure, Family, Report};
use comptroller_stats::fairness::settings::{Bootstrap, Settings};
use comptroller_stats::fairness::verdict::Measure;
use comptroller_stats::numeric::interval::{Interval, Proportion, log_ratio, newcombe, wilson};
use comptroller_stats::numeric::{normal, significance};
use serde_json::Value as Json;

const ORACLE: &str = include_str!("../oracle/fairness.json");
/// What rounding may do to sums of some hundred terms.
const EXACT: f64 = 1e-9;

fn oracle() -> Json {
    serde_json::from_str(ORACLE).expect("the stored file")
}

fn list(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn codes(json: &Json) -> Vec<u8> {
    list(json).iter().map(|value| u8::from(*value > 0.5)).collect()
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < EXACT, "{what}: {found} is not {expected}");
}

fn run(case: &Json) -> Report {
    let groups: Vec<u32> = list(&case["group"]).iter().map(|group| *group as u32).collect();
    let most = groups.iter().max().copied().unwrap_or_default();
    let levels = (0..=most).map(|level| level.to_string()).collect();
    let attributes = [Attribute { name: "group".to_owned(), levels, codes: groups }];
    let weights = case["weight"].is_array().then(|| list(&case["weight"]));
    let (labels, predictions, scores) =
        (codes(&case["label"]), codes(&case["prediction"]), list(&case["score"]));
    let columns = Columns {
        predictions: &predictions,
        labels: Some(&labels),
        scores: Some(&scores),
        weights: weights.as_deref(),
        attributes: &attributes,
        strata: &[],
    };
    // Every group counts here, however small: the oracle knows no insufficient evidence.
    let bootstrap = Some(Bootstrap { replicates: 2000, seed: 3 });
    audit(&columns, &Settings { min_rows: 1, bootstrap, ..Settings::default() }).expect("good columns")
}

fn compound(family: &Family, measure: CompoundMeasure) -> &comptroller_stats::fairness::report::Compound {
    family.compound.iter().find(|one| one.measure == measure).expect("every compound measure")
}

#[test]
fn rates_scores_and_gaps_are_those_of_fairlearn_and_scikit_learn() {
    let oracle = oracle();
    let cases = oracle["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let report = run(case);
        assert_finite(&report);
        let family = &report.families[0];
        let name = case["name"].as_str().expect("a name");
        for (group, expected) in case["by_group"].as_array().expect("a list").iter().enumerate() {
            for metric in Metric::OF_DECISIONS {
                let found = of_group(family, metric, group).estimate().expect("rows");
                near(found, expected[metric.name()].as_f64().expect("a number"), metric.name());
            }
            let scores = &family.scores.as_ref().expect("scores").groups[group];
            for (what, found) in [
                ("auc", scores.auc),
                ("brier", scores.brier),
                ("expected_calibration_error", scores.expected_calibration_error),
            ] {
                near(found.estimate().expect("rows"), expected[what].as_f64().expect("a number"), what);
            }
        }
        for measure in [
            Measure::DemographicParityDifference,
            Measure::DemographicParityRatio,
            Measure::EqualizedOddsDifference,
            Measure::EqualizedOddsRatio,
            Measure::EqualOpportunityDifference,
        ] {
            let expected = case[measure.name()].as_f64().expect("a number");
            near(measured(family, measure).estimate().expect("a value"), expected, name);
        }
    }
}

#[test]
fn entropy_is_that_of_the_definition_over_rows() {
    let oracle = oracle();
    let total = [CompoundMeasure::Entropy0, CompoundMeasure::Entropy1, CompoundMeasure::Entropy2];
    let between = [
        CompoundMeasure::EntropyBetween0,
        CompoundMeasure::EntropyBetween1,
        CompoundMeasure::EntropyBetween2,
    ];
    let mut compared = 0;
    for case in oracle["cases"].as_array().expect("a list").iter().filter(|case| case["entropy"].is_array()) {
        let report = run(case);
        let family = &report.families[0];
        for (measures, expected) in [(total, &case["entropy"]), (between, &case["entropy_between"])] {
            for (measure, expected) in measures.into_iter().zip(expected.as_array().expect("a list")) {
                let found = compound(family, measure).aggregate.value.estimate();
                match expected.as_f64() {
                    Some(expected) => near(found.expect("a value"), expected, "entropy"),
                    None => assert_eq!(found, None, "a benefit of 0 has no logarithm"),
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 12);
}

#[test]
fn resampling_cells_gives_the_interval_of_resampling_rows() {
    let oracle = oracle();
    for case in
        oracle["cases"].as_array().expect("a list").iter().filter(|case| case["row_bootstrap"].is_object())
    {
        let expected = list(&case["row_bootstrap"]["demographic_parity_difference"]);
        let report = run(case);
        let found = compound(&report.families[0], CompoundMeasure::DemographicParityDifference).bootstrap;
        let found = found.expect("a bootstrap").interval;
        // Two bootstraps of 2000 replicates: their 2.5 % points differ by chance by a few thousandths.
        assert!((found.lower - expected[0]).abs() < 0.015, "{found:?} {expected:?}");
        assert!((found.upper - expected[1]).abs() < 0.015, "{found:?} {expected:?}");
    }
}

#[test]
fn intervals_and_tests_are_those_of_statsmodels_and_scipy() {
    let oracle = oracle();
    let z = normal::two_sided(0.05, 1);
    let same = |found: Interval, expected: &Json, what: &str| {
        let expected = list(expected);
        near(found.lower, expected[0], what);
        near(found.upper, expected[1], what);
    };
    for case in oracle["intervals"].as_array().expect("a list") {
        let counts: Vec<u64> = list(&case["counts"]).iter().map(|count| *count as u64).collect();
        let of = |hits: u64, rows: u64| Proportion { rate: hits as f64 / rows as f64, size: rows as f64 };
        let (a, b) = (of(counts[0], counts[1]), of(counts[2], counts[3]));
        same(wilson(a, z), &case["wilson"], "wilson");
        same(newcombe(a, b, z), &case["newcombe"], "newcombe");
        if case["log_ratio"].is_array() {
            same(log_ratio(a, b, z).expect("a reference above 0"), &case["log_ratio"], "log ratio");
        }
        let fisher = significance::fisher(counts[0], counts[1], counts[2], counts[3]);
        near(fisher, case["fisher"].as_f64().expect("a number"), "fisher");
        near(significance::equal_shares(a, b), case["z_test"].as_f64().expect("a number"), "z test");
    }
    let holm = significance::holm(&list(&oracle["holm"]["p_values"]));
    for (found, expected) in holm.iter().zip(list(&oracle["holm"]["adjusted"])) {
        near(*found, expected, "holm");
    }
    for pair in oracle["normal"].as_array().expect("a list") {
        let pair = list(pair);
        let found = normal::upper_tail(pair[0]);
        assert!((found / pair[1] - 1.0).abs() < EXACT, "{found} is not {}", pair[1]);
    }
}

#[test]
fn the_area_under_the_curve_has_delongs_standard_error() {
    let oracle = oracle();
    let case = &oracle["delong"];
    let (labels, scores) = (codes(&case["label"]), list(&case["score"]));
    let rows = labels.len();
    let attributes =
        [Attribute { name: "g".to_owned(), levels: vec!["all".to_owned()], codes: vec![0; rows] }];
    let columns = Columns {
        predictions: &labels,
        labels: Some(&labels),
        scores: Some(&scores),
        weights: None,
        attributes: &attributes,
        strata: &[],
    };
    let report = audit(&columns, &Settings::default()).expect("good columns");
    let found = report.families[0].scores.as_ref().expect("scores").overall.auc;
    near(found.estimate().expect("rows"), case["auc"].as_f64().expect("a number"), "auc");
    let half = (found.interval().expect("an interval").upper - found.estimate().expect("rows"))
        / normal::two_sided(0.05, 1);
    near(half, case["standard_error"].as_f64().expect("a number"), "standard error");
}

#[test]
fn the_reference_library_really_answers_what_ours_refuses_to() {
    let oracle = oracle();
    near(oracle["undefined"]["group_without_positives"].as_f64().expect("a number"), 1.0, "stored");
    near(oracle["undefined"]["two_rows"].as_f64().expect("a number"), 1.0, "stored");
}
