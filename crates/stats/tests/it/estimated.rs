//! Performance before labels: the band holds what labels would have shown, and concept drift is what it cannot see.

use crate::support::{Random, gathered, texts};
use comptroller_stats::cells::Block;
use comptroller_stats::column::Reference;
use comptroller_stats::grid::{Grid, Kind};
use comptroller_stats::outcomes::{Columns, Expected, Outcomes, estimate, expected};

/// One side: scores of a model that is right about `slope` 1, decisions, and what came true.
struct Side {
    score: Block,
    decision: Block,
    label: Block,
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Rows with inputs around `mean`, whose outcome follows the score with `slope` (1 as the model has it).
fn side(random: &mut Random, rows: usize, mean: f64, slope: f64) -> Side {
    let inputs: Vec<f64> = (0..rows).map(|_| mean + 1.5 * random.normal()).collect();
    let score: Vec<f64> = inputs.iter().map(|x| logistic(*x)).collect();
    let label = inputs.iter().map(|x| f64::from(u8::from(random.unit() < logistic(slope * x)))).collect();
    let decision = texts("decision", score.iter().map(|score| if *score >= 0.5 { "1" } else { "0" })).block;
    Side { score: Block::of_numbers(score), decision, label: Block::of_numbers(label) }
}

fn count(grids: (&Grid, &Grid), side: &Side, has_labels: bool) -> Outcomes {
    let unlabelled = Block::of_nulls(side.label.len());
    let columns = Columns {
        score: Some((grids.0, &side.score)),
        decision: Some((grids.1, &side.decision)),
        by_class: &[],
        label: (grids.1, if has_labels { &side.label } else { &unlabelled }),
    };
    Outcomes::of(&columns, Some("1"))
}

fn estimated(reference: &Side, current: &Side) -> (Expected, Outcomes) {
    let score = Reference::of(&gathered(&reference.score), Kind::Numeric).grid;
    let label = Reference::of(&gathered(&reference.label), Kind::Categorical).grid;
    let grids = (&score, &label);
    let found = expected(&count(grids, reference, true), &count(grids, current, false)).unwrap();
    (found, count(grids, current, true))
}

fn truth(outcomes: &Outcomes) -> [f64; 5] {
    let decided = outcomes.decided();
    [
        outcomes.area().unwrap().value,
        outcomes.accuracy().unwrap(),
        decided.precision.unwrap(),
        decided.recall.unwrap(),
        decided.f1.unwrap(),
    ]
}

/// How often the band holds the truth, by measure, of 300 draws.
fn coverage(reference_rows: usize, rows: usize, mean: f64) -> Vec<(&'static str, u32)> {
    let mut random = Random::new(reference_rows as u64 + rows as u64);
    let mut held: Vec<(&'static str, u32)> = Vec::new();
    for _ in 0..300 {
        let reference = side(&mut random, reference_rows, 0.0, 1.0);
        let current = side(&mut random, rows, mean, 1.0);
        let (found, labelled) = estimated(&reference, &current);
        for (at, (estimate, truth)) in found.measures.iter().zip(truth(&labelled)).enumerate() {
            if held.len() <= at {
                held.push((estimate.measure, 0));
            }
            held[at].1 += u32::from(estimate.lower <= truth && truth <= estimate.upper);
        }
    }
    held
}

/// 95 % of 300 is 285; 274 or fewer come with a chance of 0.3 % at exactly that rate, of which a few points are left to
/// the bins.
#[test]
fn the_band_holds_what_labels_would_show() {
    for (reference, rows, mean) in
        [(20_000, 2000, 0.0), (20_000, 1000, 1.0), (2000, 2000, 0.5), (1000, 300, -0.5)]
    {
        for (measure, held) in coverage(reference, rows, mean) {
            assert!(held >= 274, "{measure} {held} of 300, reference {reference}, {rows} rows, mean {mean}");
        }
    }
}

/// What it is blind to, as it says itself.
#[test]
fn concept_drift_is_outside_of_every_band() {
    let mut random = Random::new(1);
    let reference = side(&mut random, 20_000, 0.0, 1.0);
    let current = side(&mut random, 4000, 0.0, 0.2);
    let (found, labelled) = estimated(&reference, &current);
    assert!(found.assumption.contains("no concept drift"));
    for (estimate, truth) in found.measures.iter().zip(truth(&labelled)) {
        assert!(truth < estimate.lower, "{estimate:?} {truth}");
    }
}

/// INVARIANT (order-free): the counts of two halves say what those of the whole say.
#[test]
fn halves_merge_to_the_estimate_of_the_whole() {
    let mut random = Random::new(2);
    let (reference, first, second) = (
        side(&mut random, 3000, 0.0, 1.0),
        side(&mut random, 500, 0.3, 1.0),
        side(&mut random, 700, 0.3, 1.0),
    );
    let score = Reference::of(&gathered(&reference.score), Kind::Numeric).grid;
    let label = Reference::of(&gathered(&reference.label), Kind::Categorical).grid;
    let grids = (&score, &label);
    let (mut sum, mut other) = (count(grids, &first, false), count(grids, &second, false));
    let first = sum.clone();
    sum.merge(&other).unwrap();
    other.merge(&first).unwrap();
    assert_eq!(sum, other);
    assert_eq!(sum.rows, 1200);
    let reference = count(grids, &reference, true);
    assert_eq!(expected(&reference, &sum), expected(&reference, &other));
    assert_eq!(expected(&reference, &sum).map(|found| found.rows), Some(1200));
}

/// Of one row the expected area is a half, which is no loss of skill.
#[test]
fn a_few_rows_lose_no_skill() {
    let mut random = Random::new(3);
    let reference = side(&mut random, 5000, 0.0, 1.0);
    let score = Reference::of(&gathered(&reference.score), Kind::Numeric).grid;
    let label = Reference::of(&gathered(&reference.label), Kind::Categorical).grid;
    let before = count((&score, &label), &reference, true);
    for rows in [1, 2, 29] {
        let now = count((&score, &label), &side(&mut random, rows, 3.0, 1.0), false);
        assert_eq!(estimate(&before, &now).1, None, "{rows} rows");
    }
    // Enough rows in one place of the scores, where nothing tells them apart any more.
    let now = count((&score, &label), &side(&mut random, 2000, 4.0, 1.0), false);
    assert!(estimate(&before, &now).1.is_some());
}
