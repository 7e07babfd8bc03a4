//! Columns of vectors: stable ones raise no alarm, drift of several shapes is found, and every edge has an answer.

use crate::support::Random;
use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::{Code, Inputs, Report, Settings, Side, report};
use comptroller_stats::embedding::{
    Embedding, Moments, VectorGather, Vectors, compare, cosine_distance, linear_discrepancy, of_profiles,
};
use proptest::prelude::*;
use serde_json::Value;

fn gathered<'a>(rows: impl IntoIterator<Item = Option<&'a [f32]>>) -> Vectors {
    let mut gather = VectorGather::new(None);
    for row in rows {
        gather.push(row);
    }
    gather.finish()
}

fn drawn(random: &mut Random, rows: usize, dims: usize, mean: f64, deviation: f64) -> Vec<Vec<f32>> {
    let one = |random: &mut Random| (0..dims).map(|_| (mean + deviation * random.normal()) as f32).collect();
    (0..rows).map(|_| one(random)).collect()
}

fn of(rows: &[Vec<f32>]) -> Vectors {
    gathered(rows.iter().map(|row| Some(row.as_slice())))
}

fn whole(before: &Vectors, now: &Vectors) -> (Report, Embedding) {
    let (embedding, column) = compare("vector", before, now);
    let side = |rows| Side { name: "side".to_owned(), rows, is_profile: false };
    let inputs = Inputs {
        columns: column.into_iter().collect(),
        reference: side(before.moments.rows),
        current: side(now.moments.rows),
        embeddings: vec![embedding.clone()],
        ..Inputs::default()
    };
    (report(inputs, &Settings::default()), embedding)
}

#[test]
fn stable_vectors_raise_no_more_alarms_than_stated() {
    let mut random = Random::new(31);
    let (mut alarms, mut discrepancies) = (0, 0);
    for (rows, dims) in [(1200, 4), (800, 32), (500, 128)] {
        for _ in 0..40 {
            let before = of(&drawn(&mut random, rows, dims, 0.0, 1.0));
            let (report, embedding) = whole(&before, &of(&drawn(&mut random, rows / 2, dims, 0.0, 1.0)));
            alarms += u32::from(report.headline.band > Some(Band::Normal) || !report.findings.is_empty());
            discrepancies += u32::from(embedding.discrepancy.unwrap().p < 0.05);
        }
    }
    // 5 % of 120 are 6; 12 or fewer come with a chance of 98.9 % at exactly that rate.
    assert!(alarms <= 12, "{alarms} of 120 comparisons alarmed");
    assert!(discrepancies <= 12, "{discrepancies} of 120 discrepancies are significant at 5 %");
}

#[test]
fn a_shift_of_few_components_is_found_named_and_enters_the_coefficient() {
    let mut random = Random::new(32);
    let before = of(&drawn(&mut random, 3000, 64, 0.0, 1.0));
    let mut moved = drawn(&mut random, 2000, 64, 0.0, 1.0);
    for row in &mut moved {
        row[7] += 1.5;
        row[40] -= 1.5;
    }
    let (report, embedding) = whole(&before, &of(&moved));
    let mut largest: Vec<usize> = embedding.components.iter().take(2).map(|found| found.index).collect();
    largest.sort_unstable();
    assert_eq!((largest, embedding.drifted), (vec![7, 40], Some(2)), "{embedding:?}");
    let [area, error] = embedding.classifier.unwrap();
    // Two shifts of 1.5 deviations: the best possible area is that of 2.12.
    assert!(area > 0.90 && area < 0.95 && error < 0.02, "{area}");
    assert!(embedding.discrepancy.unwrap().p < 1e-6 && embedding.cosine.unwrap() > 0.5, "{embedding:?}");
    assert!(report.headline.coefficient > 0.5, "{:?}", report.headline);
    assert_eq!(report.headline.band, Some(Band::Investigate), "inputs alone never ask for a rollback");
    assert_eq!(report.findings[0].code, Code::Shift);
    assert!(report.columns[0].causes[0].text.contains("tells rows that it has not seen apart"), "{report:?}");
}

/// The means are equal, so no plane and no cosine sees it.
#[test]
fn a_wider_cloud_is_found() {
    let mut random = Random::new(33);
    let before = of(&drawn(&mut random, 2000, 16, 0.0, 1.0));
    let (report, embedding) = whole(&before, &of(&drawn(&mut random, 2000, 16, 0.0, 1.4)));
    assert!(report.columns[0].coefficient > 0.4, "{:?}", report.columns[0].coefficient);
    assert!(embedding.discrepancy.unwrap().p < 0.01, "{embedding:?}");
}

#[test]
fn the_same_rows_give_the_same_bits() {
    let mut random = Random::new(34);
    let (before, now) = (drawn(&mut random, 700, 12, 0.0, 1.0), drawn(&mut random, 700, 12, 0.2, 1.0));
    assert_eq!(whole(&of(&before), &of(&now)), whole(&of(&before), &of(&now)));
}

#[test]
fn what_is_no_vector_counts_as_missing_and_breaks_nothing() {
    let mut random = Random::new(35);
    let before = of(&drawn(&mut random, 1000, 8, 0.0, 1.0));
    let rows = drawn(&mut random, 1000, 8, 0.0, 1.0);
    let (short, odd) = (vec![1.0_f32; 3], [f32::NAN; 8]);
    let now = gathered(rows.iter().enumerate().map(|(at, row)| match at % 10 {
        0 | 1 => None,
        3 => Some(short.as_slice()),
        4 => Some(odd.as_slice()),
        _ => Some(row.as_slice()),
    }));
    let (report, embedding) = whole(&before, &now);
    assert!((embedding.missing.current - 0.4).abs() < 1e-12 && embedding.missing.reference < 1e-12);
    assert_eq!(report.findings[0].code, Code::MissingValues, "{:?}", report.findings);
    assert!((embedding.sampled[1] as f64 - 600.0).abs() < 1e-9);

    let (report, embedding) = whole(&before, &of(&drawn(&mut random, 500, 9, 0.0, 1.0)));
    assert!(embedding.notes[0].contains("another model made them") && report.columns.is_empty());
    let (_, embedding) = whole(&before, &gathered(std::iter::repeat_n(None, 50)));
    assert!(embedding.classifier.is_none() && (embedding.missing.current - 1.0).abs() < 1e-12);
    let (_, embedding) = whole(&of(&vec![vec![0.0; 8]; 300]), &of(&vec![vec![0.0; 8]; 300]));
    assert_eq!((embedding.cosine, embedding.discrepancy.is_none()), (None, true), "all are 0");
}

/// Long vectors make the sample smaller, and every row still counts in the sums.
#[test]
fn memory_is_bounded_by_the_sample() {
    let mut gather = VectorGather::new(None);
    let row = vec![0.5_f32; 2000];
    (0..6000).for_each(|_| gather.push(Some(&row)));
    let found = gather.finish();
    assert!(found.values.len() <= 4 << 20 && found.len() >= 1000, "{}", found.len());
    assert_eq!(found.moments.rows, 6000);
}

#[test]
fn profiles_of_vectors_say_what_their_samples_show_and_sums_alone_say_less() {
    let mut random = Random::new(36);
    let (before, now) =
        (of(&drawn(&mut random, 900, 8, 1.0, 1.0)), of(&drawn(&mut random, 900, 8, -1.0, 1.0)));
    let (found, column) = of_profiles("vector", &before.moments, &now.moments);
    assert_eq!(found.cosine, cosine_distance(&before.moments, &now.moments));
    assert!(found.cosine.unwrap() > 1.9 && found.classifier.unwrap()[0] > 0.99, "{found:?}");
    assert_eq!((found.sampled, found.drifted), ([512, 512], Some(8)));
    assert!(column.is_some());
    let (found, column) = of_profiles("vector", &before.moments, &now.moments.without_sample());
    assert!(found.cosine.unwrap() > 1.9 && found.classifier.is_none() && column.is_none());
    assert!(found.notes[0].contains("only sums"), "{:?}", found.notes);
}

#[test]
fn samples_of_stable_vectors_raise_no_more_alarms_than_stated() {
    let mut random = Random::new(37);
    let mut alarms = 0;
    for _ in 0..200 {
        let [before, now] = [0, 1].map(|_| of(&drawn(&mut random, 600, 4, 0.0, 1.0)).moments);
        let (embedding, column) = of_profiles("vector", &before, &now);
        let side = |rows| Side { name: "side".to_owned(), rows, is_profile: true };
        let inputs = Inputs {
            columns: column.into_iter().collect(),
            reference: side(before.rows),
            current: side(now.rows),
            embeddings: vec![embedding],
            ..Inputs::default()
        };
        alarms += u32::from(report(inputs, &Settings::default()).headline.band > Some(Band::Normal));
    }
    // 200 tests at 5 % are 10; more than 20 have a chance of 1 in 1,000.
    assert!(alarms <= 20, "{alarms} of 200");
}

#[test]
fn a_stored_sample_is_read_back_and_what_is_none_is_refused() {
    let mut moments = Moments::empty(2);
    moments.add_row(7, Some(&[0.1, -0.0]));
    moments.add_row(3, None);
    moments.add_row(u64::MAX, Some(&[1.0, f32::NAN]));
    let text = serde_json::to_value(&moments).unwrap();
    assert_eq!(
        text["sample"],
        serde_json::json!(["0000000000000003", "00000000000000073dcccccd80000000", "ffffffffffffffff"])
    );
    assert_eq!(serde_json::from_value::<Moments>(text.clone()).unwrap(), moments);
    for bad in ["3", "000000000000000G", "00000000000000083dcccc", "0000000000000001"] {
        let mut broken = text.clone();
        broken["sample"][1] = bad.into();
        assert!(serde_json::from_value::<Moments>(broken).is_err(), "{bad}");
    }
}

proptest! {
    /// INVARIANT (order-free).
    #[test]
    fn sums_of_vectors_merge_in_any_order(rows in prop::collection::vec(prop::array::uniform3(-1e6_f32..1e6), 1..40), cut in 0_usize..40) {
        let cut = cut.min(rows.len());
        let sum = |rows: &[[f32; 3]]| {
            let mut moments = Moments::empty(3);
            for row in rows {
                moments.add_row(u64::from(row[0].to_bits()) << 20, Some(row));
            }
            moments
        };
        let (mut forward, mut backward) = (sum(&rows[..cut]), sum(&rows[cut..]));
        let first = forward.clone();
        forward.merge(&backward).unwrap();
        backward.merge(&first).unwrap();
        prop_assert_eq!(&forward, &backward);
        prop_assert_eq!(&forward, &sum(&rows));
    }
}

#[test]
fn vectors_are_as_far_apart_as_scipy_says() {
    let all: Value = serde_json::from_str(include_str!("../oracle/expected.json")).unwrap();
    let case = &all["embedding"];
    let side = |name: &str| -> Vectors {
        let numbers = |row: &Value| -> Vec<f32> {
            row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
        };
        of(&case[name].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>())
    };
    let (before, now) = (side("before"), side("now"));
    let near = |found: f64, name: &str| {
        let expected = case[name].as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-9 * expected.abs().max(1e-3),
            "{name}: {found}, expected {expected}"
        );
    };
    let found = linear_discrepancy(&before, &now).unwrap();
    near(found.width, "width");
    near(found.squared, "mmd");
    near(found.error, "error");
    near(found.p, "p");
    // Sums are kept in 2^-30.
    let cosine = cosine_distance(&before.moments, &now.moments).unwrap();
    assert!((cosine - case["cosine"].as_f64().unwrap()).abs() < 1e-7, "{cosine}");
}
