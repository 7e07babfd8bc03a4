//! Since when a column drifts: dated within a few rows in a hundred, and never later than it began by chance alone.

use crate::support::{Data, Random, gathered, numeric, texts};
use comptroller_stats::column::{Current, Reference};
use comptroller_stats::stream::onset;

/// The place that is found in rows that are in the order of time.
fn dated(reference: &Data, current: &Data) -> Option<usize> {
    let side = Reference::of(&gathered(&reference.block), reference.kind);
    let now = Current::of(&gathered(&current.block), &side.grid, None, usize::MAX);
    let order: Vec<usize> = (0..current.block.len()).collect();
    onset(&side.grid, &side.counts, &now.counts, &now.sample, &order)
}

#[test]
fn a_shift_is_dated_to_the_row_where_it_began() {
    let mut random = Random::new(41);
    let mut close = 0;
    for trial in 0..100 {
        let began = 200 + trial * 16;
        let reference = numeric("x", random.normals(5000, 0.0, 1.0));
        let mut values = random.normals(began, 0.0, 1.0);
        values.extend(random.normals(2000 - began, 1.0, 1.0));
        let found = dated(&reference, &numeric("x", values)).unwrap();
        close += u32::from(found.abs_diff(began) <= 40);
    }
    assert!(close >= 95, "{close} of 100 within 2 % of the rows");
}

#[test]
fn a_new_category_is_dated_too() {
    let reference = texts("x", (0..3000).map(|i| ["a", "b"][i % 2]));
    let now = texts("x", (0..1000).map(|i| if i >= 700 { "c" } else { ["a", "b"][i % 2] }));
    assert_eq!(dated(&reference, &now), Some(700));
}

#[test]
fn a_drift_of_all_rows_began_with_the_first() {
    let mut random = Random::new(42);
    for shift in [0.3, 0.5, 1.0] {
        let mut late = 0;
        for _ in 0..200 {
            let reference = numeric("x", random.normals(5000, 0.0, 1.0));
            late += u32::from(dated(&reference, &numeric("x", random.normals(1000, shift, 1.0))) != Some(0));
        }
        assert!(late <= 10, "{late} of 200 are dated later, shift {shift}");
    }
}

#[test]
fn few_rows_and_equal_rows_are_not_dated() {
    let reference = numeric("x", Random::new(43).normals(1000, 0.0, 1.0));
    assert_eq!(dated(&reference, &numeric("x", vec![9.0; 50])), None);
    assert_eq!(dated(&reference, &reference), None);
}
