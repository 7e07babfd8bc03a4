//! Edge cases at which other programs stay silent, fail, or cry out: each has a defined, finite answer with a reason.

use crate::support::{Random, compare, numeric, of_role, single, texts, with_nulls};
use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::{Code, Column, Evidence};
use comptroller_stats::profile::Role;
use std::iter::repeat_n;

fn code(column: &Column) -> Option<Code> {
    column.causes.first().map(|cause| cause.code)
}

fn is_finite(column: &Column) -> bool {
    let measures = &column.measures;
    let numbers = [
        column.v,
        column.corrected,
        column.p,
        column.quality,
        measures.psi,
        measures.jensen_shannon,
        measures.hellinger,
        measures.total_variation,
        measures.chi_square,
        measures.chi_square_p,
        measures.ks.map_or(0.0, |ks| ks.d + ks.p),
        measures.wasserstein.map_or(0.0, |distance| distance.distance),
    ];
    numbers.iter().all(|number| number.is_finite())
}

fn shifted(rows: usize, mean: f64, seed: u64) -> Vec<f64> {
    Random::new(seed).normals(rows, mean, 1.0)
}

#[test]
fn a_constant_against_itself_is_stable_and_against_another_value_is_found_both_ways() {
    let constant = |value: f64| numeric("x", vec![value; 2000]);
    let (report, column) = single(constant(3.0), constant(3.0));
    assert_eq!((column.evidence, report.headline.band), (Evidence::Stable, Some(Band::Normal)));
    for other in [4.0, 2.0] {
        let (_, column) = single(constant(3.0), constant(other));
        assert!((column.coefficient - 1.0).abs() < 0.01 && is_finite(&column), "{other}: {column:?}");
    }
}

#[test]
fn disjoint_samples_score_one() {
    let (_, column) = single(numeric("x", shifted(5000, 0.0, 1)), numeric("x", shifted(5000, 100.0, 2)));
    assert!((column.v - 1.0).abs() < 1e-9 && is_finite(&column));
    assert_eq!(column.measures.ks.map(|ks| ks.d), Some(1.0));
}

/// Equal-width bins are blind after one outlier; ours are quantiles of the reference.
#[test]
fn one_outlier_on_either_side_hides_no_shift() {
    let mut current = shifted(5000, 1.0, 2);
    let (_, plain) = single(numeric("x", shifted(20_000, 0.0, 1)), numeric("x", current.clone()));
    current.push(1e9);
    let (_, column) = single(numeric("x", shifted(20_000, 0.0, 1)), numeric("x", current));
    assert!((column.v - plain.v).abs() < 0.001 && column.v > 0.4, "{} {}", column.v, plain.v);
    let mut reference = shifted(20_000, 0.0, 1);
    reference.push(1e6);
    let (_, column) = single(numeric("x", reference), numeric("x", shifted(5000, 1.0, 2)));
    assert!(column.v > 0.4 && column.measures.ks.is_some_and(|ks| (ks.d - 0.386).abs() < 0.03), "{column:?}");
}

#[test]
fn missing_values_are_seen_and_named() {
    let half = |seed: u64| {
        let mut random = Random::new(seed);
        let values: Vec<Option<f64>> = (0..5000)
            .map(|i| {
                let x = random.normal();
                (i % 2 == 0).then_some(x)
            })
            .collect();
        values
    };
    let (report, column) = single(numeric("x", shifted(10_000, 0.0, 1)), with_nulls("x", half(2)));
    assert_eq!(code(&column), Some(Code::MissingValues));
    assert!(column.causes[0].text.contains("50 % of the values are missing"), "{:?}", column.causes);
    assert!(column.v > 0.5 && report.headline.band == Some(Band::Rollback), "{:?}", report.headline);
    assert!(column.rates.missing.lower < 0.5 && column.rates.missing.upper > 0.5);

    let (_, column) = single(numeric("x", shifted(10_000, 0.0, 1)), with_nulls("x", repeat_n(None, 5000)));
    assert!((column.v - 1.0).abs() < 1e-9 && is_finite(&column), "{column:?}");
    assert_eq!(code(&column), Some(Code::MissingValues));
    assert!(column.measures.ks.is_none(), "nothing to compare, and no error");

    let nothing = |rows| with_nulls("x", repeat_n(None, rows));
    let (_, column) = single(nothing(1000), nothing(1000));
    assert!(column.v.abs() < 1e-12 && is_finite(&column));
}

#[test]
fn infinities_and_nan_are_bins_of_their_own_and_break_nothing() {
    let mut current = shifted(5000, 0.0, 2);
    current[7] = f64::INFINITY;
    let (report, column) = single(numeric("x", shifted(10_000, 0.0, 1)), numeric("x", current.clone()));
    assert_eq!((report.headline.band, is_finite(&column)), (Some(Band::Normal), true));
    assert!(column.rates.not_finite.current > 0.0);
    for value in current.iter_mut().take(2000) {
        *value = f64::NAN;
    }
    let (_, column) = single(numeric("x", shifted(10_000, 0.0, 1)), numeric("x", current));
    assert_eq!(code(&column), Some(Code::NotFinite));
}

#[test]
fn five_rows_are_no_evidence() {
    let (report, column) = single(numeric("x", shifted(5, 0.0, 1)), numeric("x", shifted(5, 0.3, 2)));
    assert_eq!((column.evidence, report.headline.has_evidence), (Evidence::NotEnough, false));
    assert!(report.headline.text.contains("not enough evidence"), "{}", report.headline.text);
    // Five against five, disjoint: exactly 2 of 252 orders.
    let numbers = |from: u32| numeric("x", (from..from + 5).map(f64::from).collect());
    let (_, column) = single(numbers(0), numbers(10));
    let p = column.measures.ks.map(|ks| ks.p).unwrap();
    assert!((p - 2.0 / 252.0).abs() < 1e-12, "{p}");
}

#[test]
fn one_new_category_in_a_thousand_rows_is_no_drift() {
    let known = || (0..10_000).map(|i| ["a", "b", "c"][i % 3]);
    let now = (0..1000).map(|i| if i == 500 { "new" } else { ["a", "b", "c"][i % 3] });
    let (report, column) = single(texts("x", known()), texts("x", now));
    assert_eq!(report.headline.band, Some(Band::Normal), "{column:?}");
    assert!((column.rates.unseen.current - 0.001).abs() < 1e-12);
    let many = (0..1000).map(|i| if i % 5 == 0 { "new" } else { ["a", "b", "c"][i % 3] });
    let (_, column) = single(texts("x", known()), texts("x", many));
    assert_eq!(code(&column), Some(Code::NewCategories));
    assert!(column.causes[0].text.contains("\"new\" (20 %)"), "{:?}", column.causes);
}

#[test]
fn three_hundred_thousand_equal_categories_do_not_drift_from_themselves() {
    let draw = |seed: u64| {
        let mut random = Random::new(seed);
        texts("x", (0..400_000).map(move |_| format!("c{}", random.bits() % 300_000)).collect::<Vec<_>>())
    };
    let (report, column) = single(draw(1), draw(2));
    assert_eq!(report.headline.band, Some(Band::Normal), "{column:?}");
    assert!(is_finite(&column));
}

#[test]
fn names_that_are_mostly_new_do_not_drift_from_themselves() {
    let draw = |seed: u64, rows: usize| {
        let mut random = Random::new(seed);
        texts("x", (0..rows).map(move |_| format!("n{}", random.bits() % 600)).collect::<Vec<_>>())
    };
    let (report, column) = single(draw(1, 700), draw(2, 700));
    // Too few rows to say that it stayed; none that it did not.
    assert!(report.headline.band <= Some(Band::Normal), "{column:?}");
}

#[test]
fn sizes_may_differ_and_an_empty_side_is_no_drift() {
    let (report, column) = single(numeric("x", shifted(100_000, 0.0, 1)), numeric("x", shifted(700, 0.0, 2)));
    assert_eq!((report.headline.band, is_finite(&column)), (Some(Band::Normal), true));
    let (report, column) = single(numeric("x", shifted(100, 0.0, 1)), numeric("x", Vec::new()));
    assert!(column.v.abs() < 1e-12 && !report.headline.has_evidence && is_finite(&column));
    let (_, column) = single(numeric("x", Vec::new()), numeric("x", shifted(100, 0.0, 1)));
    assert!(is_finite(&column));
}

#[test]
fn huge_and_tiny_numbers_have_finite_answers() {
    let wide = |seed: u64| -> Vec<f64> {
        let mut random = Random::new(seed);
        (0..3000).map(|_| f64::from_bits(random.bits())).filter(|value| value.is_finite()).collect()
    };
    let mut reference = wide(1);
    reference.extend([f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0, -0.0, 5e-324]);
    let (report, column) = single(numeric("x", reference), numeric("x", wide(2)));
    assert!(is_finite(&column), "{column:?}");
    assert_eq!(report.headline.band, Some(Band::Normal));
    let bars = column.histogram.reference.iter().chain(&column.histogram.current);
    assert!(bars.clone().all(|share| (0.0..=1.0 + 1e-9).contains(share)), "{:?}", column.histogram);
}

#[test]
fn texts_in_a_column_of_numbers_are_a_change_of_type() {
    let mut now = texts("x", (0..1000).map(|_| "12.5"));
    now.kind = comptroller_stats::grid::Kind::Numeric;
    let (report, column) = single(numeric("x", shifted(5000, 0.0, 1)), now);
    assert_eq!(code(&column), Some(Code::WrongType));
    assert!(report.findings[0].text.contains("schema change"), "{:?}", report.findings);
}

#[test]
fn a_column_that_is_gone_is_a_schema_change_and_spoils_no_other() {
    let reference = [numeric("x", shifted(5000, 0.0, 1)), numeric("y", shifted(5000, 0.0, 2))];
    let report = compare(&reference, &[numeric("y", shifted(3000, 0.0, 3))]);
    let gone = report.columns.iter().find(|column| column.name == "x").unwrap();
    assert_eq!(code(gone), Some(Code::MissingColumn));
    assert!((gone.v - 1.0).abs() < 1e-12);
    assert_eq!(report.columns.iter().find(|column| column.name == "y").unwrap().band, Some(Band::Normal));
    assert!((report.columns.iter().map(|column| column.contribution).sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn categories_written_otherwise_are_a_fault_and_not_new() {
    let before = (0..5000).map(|i| ["Male", "Female"][i % 2]);
    let now = (0..3000).map(|i| ["male", "female"][i % 2]);
    let (report, column) = single(texts("sex", before), texts("sex", now));
    assert_eq!(code(&column), Some(Code::Spelling), "{:?}", column.causes);
    assert!(report.findings[0].evidence[0].contains("\"Female\" is now \"female\""), "{:?}", report.findings);
}

/// A test whose sides are crossed misses a shift to the other side.
#[test]
fn a_shift_is_found_in_both_directions_alike() {
    let of =
        |mean: f64| single(numeric("x", shifted(10_000, 0.0, 1)), numeric("x", shifted(5000, mean, 2))).1;
    let (up, down) = (of(1.0), of(-1.0));
    assert!((up.v - down.v).abs() < 0.03 && down.band >= Some(Band::Investigate), "{} {}", up.v, down.v);
    assert!(down.causes[0].text.contains("lower") && up.causes[0].text.contains("higher"));
}

#[test]
fn comparing_changes_nothing_that_was_given() {
    let table = [with_nulls("x", [Some(1.0), None, Some(2.0)].into_iter().cycle().take(3000))];
    let before = table[0].block.clone();
    let _ = compare(&table, &table);
    assert!(before.cells().eq(table[0].block.cells()));
}

#[test]
fn a_handful_of_probes_gets_no_verdict_whatever_it_holds() {
    let before = || numeric("income", shifted(5000, 0.0, 1));
    let (report, _) = single(before(), with_nulls("income", repeat_n(None, 5)));
    assert_eq!(report.headline.band, None, "{}", report.headline.text);
    assert!(report.headline.text.starts_with("not enough evidence: 5 rows"), "{}", report.headline.text);
    let (report, _) = single(before(), with_nulls("income", repeat_n(None, 30)));
    assert_eq!(report.headline.band, Some(Band::Rollback), "{}", report.headline.text);
}

#[test]
fn values_beyond_the_reference_ask_for_no_rollback_where_labels_show_that_they_do_no_harm() {
    let mut random = Random::new(77);
    let mut table = |older: f64, known: bool| {
        let rows: Vec<(f64, f64, f64)> = (0..5000)
            .map(|_| {
                let score = random.unit();
                (20.0 + random.unit() * 40.0 + older, score, f64::from(u8::from(random.unit() < score)))
            })
            .collect();
        let label = |row: &(f64, f64, f64)| known.then_some(row.2);
        vec![
            numeric("age", rows.iter().map(|row| row.0).collect()),
            of_role(Role::Score, numeric("score", rows.iter().map(|row| row.1).collect())),
            of_role(Role::Label, with_nulls("label", rows.iter().map(label))),
        ]
    };
    let before = table(0.0, true);
    for (known, band) in [(false, Band::Rollback), (true, Band::Investigate)] {
        let report = compare(&before, &table(60.0, known));
        let age = report.columns.iter().find(|column| column.name == "age").expect("compared");
        assert!(age.quality > 0.9, "out of range is shown in any case: {age:?}");
        assert_eq!(report.headline.band, Some(band), "{} {:?}", report.headline.text, report.performance);
    }
}
