//! What scipy and scikit-learn say of the same samples (tests/oracle/make.py), and values that others have published.

use crate::support::{gathered, numeric, texts};
use comptroller_stats::cells::Block;
use comptroller_stats::column::Reference;
use comptroller_stats::grid::{Grid, Kind, NumberGrid, interpolated};
use comptroller_stats::measures::{
    balanced, chi_square, hellinger, jensen_shannon, ks_exact, largest_difference, psi, psi_added,
    total_variation,
};
use comptroller_stats::outcomes::{Columns, Outcomes, Reliability, calibration, expected as expect};
use comptroller_stats::sort::ascending;
use comptroller_stats::tail;
use serde_json::Value;

fn expected() -> Value {
    serde_json::from_str(include_str!("../oracle/expected.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn counts(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

fn near(found: f64, expected: &Value, relative: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= relative * expected.abs().max(1e-300),
        "{what}: {found}, expected {expected}"
    );
}

#[test]
fn two_samples_are_as_far_apart_as_scipy_says() {
    for case in expected()["two_samples"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (mut a, mut b) = (numbers(&case["reference"]), numbers(&case["current"]));
        ascending(&mut a);
        ascending(&mut b);
        let (distance, w1) = ks_exact(&a, &b).unwrap();
        near(distance.d(), &case["ks"], 1e-14, name);
        near(distance.exact_p(), &case["ks_p"], 1e-9, name);
        near(w1, &case["wasserstein"], 1e-12, name);
        for (i, decile) in case["deciles"].as_array().unwrap().iter().enumerate() {
            near(interpolated(&a, i + 1, 10), decile, 1e-12, name);
        }
    }
}

#[test]
fn tables_are_as_far_apart_as_scipy_says() {
    for case in expected()["tables"].as_array().unwrap() {
        let (p, q) = (counts(&case["reference"]), counts(&case["current"]));
        let chi = chi_square(&p, &q);
        near(chi.statistic, &case["chi_square"], 1e-12, "chi-square");
        near(chi.p, &case["chi_square_p"], 1e-10, "its p");
        near(jensen_shannon(&p, &q), &case["jensen_shannon"], 1e-12, "Jensen-Shannon");
        near(hellinger(&p, &q), &case["hellinger"], 1e-12, "Hellinger");
        near(psi_added(&p, &q, 1e-10), &case["psi_added_1e-10"], 1e-9, "PSI");
        // The oracle rounds the shares to twelve digits.
        near(balanced(&p, &q).unwrap().v, &case["cramer_v"], 1e-6, "balanced V");
    }
}

#[test]
fn scores_are_judged_as_scikit_learn_does() {
    for case in expected()["scores"].as_array().unwrap() {
        let scores = numbers(&case["score"]);
        let labels = numbers(&case["label"]);
        let score = numeric("score", scores.clone());
        let decision = texts("decision", scores.iter().map(|score| if *score >= 0.5 { "1" } else { "0" }));
        let label = Block::of_numbers(labels.clone());
        let grid = |block: &Block, kind: Kind| Reference::of(&gathered(block), kind).grid;
        let (score_grid, label_grid) = (grid(&score.block, Kind::Numeric), grid(&label, Kind::Categorical));
        let decision_grid = grid(&decision.block, Kind::Categorical);
        let columns = Columns {
            score: Some((&score_grid, &score.block)),
            decision: Some((&decision_grid, &decision.block)),
            by_class: &[],
            label: (&label_grid, &label),
        };
        let found = Outcomes::of(&columns, Some("1"));
        near(found.area().unwrap().value, &case["auc"], 1e-12, "area under the curve");
        near(found.average_precision().unwrap(), &case["average_precision"], 1e-12, "average precision");
        near(found.accuracy().unwrap(), &case["accuracy"], 1e-12, "accuracy");
        near(found.decided().precision.unwrap(), &case["precision"], 1e-12, "precision");
        near(found.decided().recall.unwrap(), &case["recall"], 1e-12, "recall");
        near(found.decided().f1.unwrap(), &case["f1"], 1e-12, "F1");
        let calibrated = found.reliability.as_ref().and_then(Reliability::error).unwrap();
        near(calibrated, &case["calibration_error"], 1e-5, "calibration error");
        // Losses are kept in millionths of each row.
        near(found.brier().unwrap(), &case["brier"], 1e-5, "Brier");
        near(found.mean_log_loss().unwrap(), &case["log_loss"], 1e-5, "logarithmic loss");
        let Grid::Numeric(numbers_grid) = &score_grid else { panic!("a score is a number") };
        let rates = calibration(&found.classes[0].by_score);
        for (value, rate) in numbers(&case["values"]).iter().zip(case["isotonic"].as_array().unwrap()) {
            let rate = rate.as_f64().unwrap();
            let found = rates[numbers_grid.bin(*value)];
            assert!((found - rate).abs() < 1e-12, "calibration at {value}: {found}, expected {rate}");
        }
    }
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn several_classes_are_judged_as_scikit_learn_does() {
    let case = &expected()["classes"];
    let grid = |block: &Block, kind: Kind| Reference::of(&gathered(block), kind).grid;
    let label = texts("label", words(&case["label"]));
    let label_grid = grid(&label.block, Kind::Categorical);
    let scores: Vec<Block> =
        case["score"].as_array().unwrap().iter().map(|row| Block::of_numbers(numbers(row))).collect();
    let grids: Vec<Grid> = scores.iter().map(|block| grid(block, Kind::Numeric)).collect();
    let by_class: Vec<(&str, &Grid, &Block)> = ["a", "b", "c"]
        .into_iter()
        .zip(&grids)
        .zip(&scores)
        .map(|((c, grid), block)| (c, grid, block))
        .collect();
    let of = |decision: &str| {
        let decision = texts("decision", words(&case[decision]));
        let decision_grid = grid(&decision.block, Kind::Categorical);
        let columns = Columns {
            score: None,
            decision: Some((&decision_grid, &decision.block)),
            by_class: &by_class,
            label: (&label_grid, &label.block),
        };
        Outcomes::of(&columns, None)
    };
    let found = of("decision");
    near(found.area().unwrap().value, &case["auc"], 1e-12, "area under the curve");
    near(found.average_precision().unwrap(), &case["average_precision"], 1e-12, "average precision");
    near(found.accuracy().unwrap(), &case["accuracy"], 1e-12, "accuracy");
    near(found.decided().precision.unwrap(), &case["precision"], 1e-12, "precision");
    near(found.decided().recall.unwrap(), &case["recall"], 1e-12, "recall");
    near(found.decided().f1.unwrap(), &case["f1"], 1e-12, "F1");
    // Losses are kept in millionths of each row.
    near(found.brier().unwrap(), &case["brier"], 1e-5, "Brier");
    near(found.mean_log_loss().unwrap(), &case["log_loss"], 1e-5, "logarithmic loss");
    let lame = of("lame").decided();
    near(
        lame.precision.unwrap(),
        &case["lame_precision"],
        1e-12,
        "precision with a class that is never decided for",
    );
    near(lame.f1.unwrap(), &case["lame_f1"], 1e-12, "F1 with it");
}

#[test]
fn predicted_numbers_are_judged_as_scikit_learn_does() {
    let case = &expected()["regression"];
    let (label, predicted) =
        (Block::of_numbers(numbers(&case["label"])), Block::of_numbers(numbers(&case["predicted"])));
    let grid = |block: &Block| Reference::of(&gathered(block), Kind::Numeric).grid;
    let (label_grid, grid) = (grid(&label), grid(&predicted));
    let columns = Columns {
        score: None,
        decision: Some((&grid, &predicted)),
        by_class: &[],
        label: (&label_grid, &label),
    };
    let found = Outcomes::of(&columns, None).residuals.unwrap();
    near(found.mean_absolute_error().unwrap(), &case["mae"], 1e-9, "MAE");
    near(found.root_mean_squared_error().unwrap(), &case["rmse"], 1e-9, "RMSE");
    near(found.r_squared().unwrap(), &case["r_squared"], 1e-9, "R squared");
}

/// What `make.py` sums from scikit-learn's isotonic chances row by row, ours from counts alone.
#[test]
fn performance_without_labels_is_what_confidence_based_estimation_defines() {
    let case = &expected()["expected"];
    let score = Block::of_numbers(numbers(&case["before"]));
    let label = Block::of_numbers(numbers(&case["label"]));
    let grid = Reference::of(&gathered(&score), Kind::Numeric).grid;
    let label_grid = Reference::of(&gathered(&label), Kind::Categorical).grid;
    let of = |score: &Block, label: &Block| {
        let values = score.as_numbers().unwrap();
        let decision = texts("d", values.iter().map(|score| if *score >= 0.5 { "1" } else { "0" }));
        let columns = Columns {
            score: Some((&grid, score)),
            decision: Some((&label_grid, &decision.block)),
            by_class: &[],
            label: (&label_grid, label),
        };
        Outcomes::of(&columns, Some("1"))
    };
    let now = Block::of_numbers(numbers(&case["now"]));
    let found = expect(&of(&score, &label), &of(&now, &Block::of_nulls(now.len()))).unwrap();
    assert_eq!((found.measures.len(), found.rows), (5, 300));
    for estimate in &found.measures {
        near(estimate.now, &case[estimate.measure], 1e-12, estimate.measure);
        assert!(estimate.lower < estimate.now && estimate.now < estimate.upper, "{estimate:?}");
    }
}

#[test]
fn tails_are_those_of_scipy() {
    let expected = expected();
    let rows = |name: &str| expected["tails"][name].as_array().unwrap().clone();
    let number = |row: &Value, at: usize| row[at].as_f64().unwrap();
    for row in rows("chi_square") {
        near(tail::chi_square_upper(number(&row, 0), number(&row, 1)), &row[2], 1e-9, "chi-square");
    }
    for row in rows("noncentral") {
        let found = tail::noncentral_chi_square_lower(number(&row, 0), number(&row, 1), number(&row, 2));
        near(found, &row[3], 1e-9, "non-central chi-square");
    }
    for row in rows("normal") {
        near(comptroller_stats::numeric::normal::upper_tail(number(&row, 0)), &row[1], 1e-9, "normal");
    }
    for row in rows("kolmogorov") {
        near(tail::kolmogorov_upper(number(&row, 0)), &row[1], 1e-9, "Kolmogorov");
    }
}

/// Numbers that other programs state in their own tests.
#[test]
fn published_values_are_met() {
    // Evidently: six categories.
    let (p, q) = ([16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]);
    assert!((hellinger(&p, &q) - 0.068_12).abs() < 1e-5);
    // TensorFlow Data Validation states divergences to base 2; ours is the root.
    assert!((jensen_shannon(&[1, 0], &[0, 1]).powi(2) - 1.0).abs() < 1e-12);
    // Evidently: PSI of the values 3, 2, 2 against 1, 2, 3, with its floor of 0.0001.
    let (p, q) = ([0, 2, 1], [1, 1, 1]);
    assert!((psi(&p, &q, 1e-4) - 2.93).abs() < 0.01, "{}", psi(&p, &q, 1e-4));
    // Deepchecks: 200 of 1000 against 400 of 1000 has a Cramer's V of 0.21 (corrected for bias, as is ours).
    let found = balanced(&[200, 800], &[400, 600]).unwrap();
    assert!((found.corrected - 0.21).abs() < 0.01, "{found:?}");
    assert!((largest_difference(&[200, 800], &[400, 600]) - 0.2).abs() < 1e-12);
    // Scouter: deciles of 1 to 8 at a quarter, a half, three quarters.
    let values: Vec<f64> = (1..=8).map(f64::from).collect();
    let quartiles = [1, 2, 3].map(|i| interpolated(&values, i, 4));
    assert!(quartiles.iter().zip([2.75, 4.5, 6.25]).all(|(found, stated)| (found - stated).abs() < 1e-12));
    // Frouros: 1.0 total variation on disjoint samples, whatever the bins.
    assert!((total_variation(&[4, 0], &[0, 7]) - 1.0).abs() < 1e-12);
}

/// Shifts and scales of a normal law: V of 32 quantile bins and the two beyond the range, from scipy's normal law.
#[test]
fn a_shift_scores_as_the_definition_says() {
    // The law itself instead of a sample: evenly spread quantiles.
    let law = |mean: f64, deviation: f64| -> Vec<f64> {
        (0..200_000)
            .map(|i| {
                mean - deviation
                    * comptroller_stats::numeric::normal::upper_quantile((f64::from(i) + 0.5) / 200_000.0)
            })
            .collect()
    };
    let reference = law(0.0, 1.0);
    let grid = NumberGrid::of_sorted(&reference);
    let before = grid.scored_counts(&grid.count_sorted(&reference));
    let v = |current: &[f64]| balanced(&before, &grid.scored_counts(&grid.count_sorted(current))).unwrap().v;
    for (shift, scale, expected) in [
        (0.1, 1.0, 0.049_74),
        (0.2, 1.0, 0.099_08),
        (0.5, 1.0, 0.241_89),
        (0.64, 1.0, 0.304_49),
        (0.8, 1.0, 0.372_15),
        (1.2, 1.0, 0.521_67),
        (2.0, 1.0, 0.740_00),
        (0.0, 1.5, 0.247_14),
        (0.0, 2.0, 0.386_67),
        (0.0, 3.0, 0.541_48),
        (0.0, 10.0, 0.810_17),
    ] {
        let found = v(&law(shift, scale));
        assert!((found - expected).abs() < 2e-5, "{shift} {scale}: {found}, expected {expected}");
    }
}
