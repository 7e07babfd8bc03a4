//! Comparisons on counts that are known by hand.

use super::*;
use crate::fairness::cells::{Confusion, Mass};
use crate::fairness::groups::GroupValue;

fn share(hits: u64, rows: u64) -> Share {
    Share { hits: Mass::of_rows(hits), of: Mass::of_rows(rows) }
}

fn names(count: usize) -> Vec<GroupName> {
    let name = |place: usize| GroupName {
        values: vec![GroupValue { attribute: "g".to_owned(), value: Some(place.to_string()) }],
    };
    (0..count).map(name).collect()
}

fn run(shares: &[Share], reference: Reference) -> Comparison {
    let settings = Settings { reference, ..Settings::default() };
    let rows: Vec<u64> = shares.iter().map(|share| share.of.rows).collect();
    let names = names(shares.len());
    let plan =
        Plan { settings: &settings, names: &names, rows: &rows, left_out: &[], strata: 1, weighted: false };
    let hits = shares.iter().map(|share| share.hits.rows).sum();
    let overall = share(hits, rows.iter().sum());
    compare(Metric::SelectionRate, shares, &overall, &settings.reference, &plan)
}

const SHARES: [(u64, u64); 3] = [(48, 80), (12, 40), (300, 400)];

fn three() -> Vec<Share> {
    SHARES.iter().map(|(hits, rows)| share(*hits, *rows)).collect()
}

fn value(of: Option<Value>) -> f64 {
    of.and_then(|value| value.estimate()).expect("an estimate")
}

#[test]
fn the_guidelines_own_example_is_half_of_the_highest_rate() {
    // 29 CFR 1607.4(D) and its questions and answers: 48 of 80 against 12 of 40 is 60 % against 30 %, ratio 50 %.
    let found = run(&three()[..2], Reference::HighestRate);
    assert_eq!(found.reference, Some(0));
    assert!((value(found.groups[1].ratio) - 0.5).abs() < 1e-12);
    assert!((value(found.groups[1].difference) + 0.3).abs() < 1e-12);
    assert_eq!(found.groups[0].ratio, None);
    assert_eq!(found.comparisons, 1);
}

#[test]
fn the_extremes_cover_every_pair_of_a_reference_chosen_by_its_rate() {
    let found = run(&three(), Reference::Best);
    assert_eq!(found.reference, Some(2));
    assert_eq!(found.comparisons, 3);
    assert!((found.difference.value.estimate().expect("a value") - 0.45).abs() < 1e-12);
    assert!((found.ratio.value.estimate().expect("a value") - 0.4).abs() < 1e-12);
    let between = found.ratio.between.expect("a pair");
    assert_eq!((between.group, between.against), (1, Some(2)));
}

#[test]
fn a_named_reference_and_the_largest_are_compared_with_alone() {
    let named = vec![GroupValue { attribute: "g".to_owned(), value: Some("0".to_owned()) }];
    let found = run(&three(), Reference::Named(named));
    assert_eq!((found.reference, found.comparisons), (Some(0), 2));
    // 0.75 / 0.6 is above 1: as a disparity without direction it is 0.8, and 0.5 is the smaller one.
    assert!((value(found.groups[2].ratio) - 1.25).abs() < 1e-12);
    assert!((found.ratio.value.estimate().expect("a value") - 0.5).abs() < 1e-12);
    assert_eq!(run(&three(), Reference::Largest).reference, Some(2));
}

#[test]
fn a_named_reference_that_does_not_exist_is_said_so_everywhere() {
    let named = vec![GroupValue { attribute: "g".to_owned(), value: Some("nobody".to_owned()) }];
    let found = run(&three(), Reference::Named(named));
    let none = Value::undefined(Reason::NoReference, 0.0, 0.0);
    assert_eq!((found.difference.value, found.ratio.value), (none, none));
    assert!(matches!(found.groups[0].ratio, Some(Value::NotEvaluable { reason: Reason::NoReference, .. })));
}

#[test]
fn against_all_rows_the_own_part_does_not_count_twice() {
    let found = run(&three(), Reference::Overall);
    let all = 360.0 / 520.0;
    assert_eq!(found.reference, None);
    for (group, (hits, rows)) in found.groups.iter().zip([(48.0, 80.0), (12.0, 40.0), (300.0, 400.0)]) {
        assert!((value(group.difference) - (hits / rows - all)).abs() < 1e-12);
        assert!((value(group.ratio) - hits / rows / all).abs() < 1e-12);
        let interval = group.ratio.and_then(|ratio| ratio.interval()).expect("an interval");
        assert!(interval.holds(hits / rows / all) && interval.upper <= 520.0 / rows);
    }
}

#[test]
fn nobody_selected_anywhere_has_a_difference_and_no_ratio() {
    let found = run(&[share(0, 100), share(0, 200)], Reference::Best);
    assert!(found.difference.value.estimate().is_some_and(|value| value.abs() < 1e-15));
    assert_eq!(found.ratio.value, Value::undefined(Reason::ReferenceIsZero, 0.0, 0.0));
}

#[test]
fn nobody_selected_in_one_group_is_a_ratio_of_zero_and_not_infinite() {
    let found = run(&[share(0, 100), share(50, 200)], Reference::Largest);
    assert!(found.ratio.value.estimate().is_some_and(|value| value.abs() < 1e-15));
    let named = vec![GroupValue { attribute: "g".to_owned(), value: Some("0".to_owned()) }];
    let found = run(&[share(0, 100), share(50, 200)], Reference::Named(named));
    let divided = found.groups[1].ratio.expect("a group that is not the reference");
    assert_eq!(divided, Value::undefined(Reason::ReferenceIsZero, 0.25, 0.0));
    assert!(found.ratio.value.estimate().is_some_and(|value| value.abs() < 1e-15), "as a disparity it is 0");
}

#[test]
fn p_values_are_corrected_over_the_groups() {
    let found = run(&three(), Reference::Best);
    let second = &found.groups[1];
    assert!(second.p_value.is_some_and(|p| p < 1e-6));
    for group in &found.groups {
        assert_eq!(group.p_value.is_some(), group.p_holm.is_some());
        if let (Some(p), Some(holm)) = (group.p_value, group.p_holm) {
            assert!(p <= holm && holm <= 1.0);
        }
    }
}

#[test]
fn the_group_of_a_share_is_counted_from_cells() {
    let group = Confusion::of_counts(1, 2, 3, 4);
    assert_eq!(Metric::SelectionRate.share(&group), share(3, 10));
}
