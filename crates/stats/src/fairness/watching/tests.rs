//! Watching under the null and under alternatives, by simulation from fixed seeds; and what is counted.

use super::*;
use rand_distr::{Binomial, Distribution as _};
use rand_pcg::Pcg64;

const RUNS: u32 = 400;
const DAYS: u32 = 60;

fn plan(measure: Measure, bound: f64) -> Plan {
    Plan {
        attributes: vec![Watched { name: "sex".into(), values: vec!["1".into(), "2".into()] }],
        criteria: vec![Criterion { measure, bound, source: "stated by the caller".into() }],
        alpha: 0.05,
    }
}

/// A day of `rows` unlabelled decisions of each of two groups.
fn day(rows: u64, chances: [f64; 2], random: &mut Pcg64) -> Vec<Cells> {
    let mut cells = vec![[0; CELLS]; 3];
    for (cells, chance) in cells.iter_mut().zip(chances) {
        let hits = Binomial::new(rows, chance).expect("a chance").sample(random);
        (cells[6], cells[7]) = (rows - hits, hits);
    }
    cells
}

/// Runs that ever find something, looked at every day; with the days until it is found.
fn found(plan: &Plan, rows: u64, chances: [f64; 2], seed: u128) -> (u32, u32) {
    let (mut runs, mut days) = (0, 0);
    for run in 0..RUNS {
        let mut random = Pcg64::new(seed, u128::from(run));
        let mut watching = Watching::new(plan.clone()).expect("a good plan");
        for number in 0..DAYS {
            let cells = day(rows, chances, &mut random);
            watching.take(None, &cells, u64::from(run * DAYS + number)).expect("known groups");
            if watching.standing() == Standing::Finding {
                (runs, days) = (runs + 1, days + number + 1);
                break;
            }
        }
    }
    (runs, days)
}

#[test]
fn looking_every_day_for_two_months_raises_no_more_false_alarms_than_stated() {
    // 5 % of 400 is 20; three standard errors of the simulation are 13.
    let ratio = plan(Measure::ImpactRatio, 0.8);
    for (chances, rows) in [([0.5, 0.4], 40), ([0.4, 0.5], 200), ([0.1, 0.08], 100), ([0.3, 0.3], 50)] {
        let (runs, _) = found(&ratio, rows, chances, 21);
        assert!(runs <= 33, "{chances:?}: {runs} of {RUNS}");
    }
    let (runs, _) = found(&plan(Measure::DemographicParityDifference, 0.1), 100, [0.5, 0.4], 22);
    assert!(runs <= 33, "{runs} of {RUNS}");
}

#[test]
fn a_ratio_or_a_difference_beyond_the_bound_is_found_within_weeks() {
    for (plan, chances) in [
        (plan(Measure::ImpactRatio, 0.8), [0.5, 0.25]),
        (plan(Measure::ImpactRatio, 0.8), [0.25, 0.5]),
        (plan(Measure::DemographicParityDifference, 0.1), [0.7, 0.45]),
    ] {
        let (runs, days) = found(&plan, 100, chances, 23);
        assert!(runs == RUNS && days / runs < 21, "{runs} of {RUNS} in {days} days");
    }
}

#[test]
fn a_day_that_grows_and_labels_that_come_later_count_once() {
    let both = Plan {
        criteria: vec![
            Criterion { measure: Measure::ImpactRatio, bound: 0.8, source: "s".into() },
            Criterion { measure: Measure::EqualizedOddsDifference, bound: 0.1, source: "s".into() },
        ],
        ..plan(Measure::ImpactRatio, 0.8)
    };
    let mut watching = Watching::new(both).expect("a good plan");
    let counts =
        |rows: [u64; 4]| vec![[0, 0, 0, rows[2], rows[3], 0, rows[0], rows[1], 0], [0; CELLS], [0; CELLS]];
    let (morning, evening) = (counts([10, 20, 0, 0]), counts([15, 40, 0, 0]));
    // All that was decided is labelled positive.
    let labelled = counts([0, 0, 15, 40]);
    watching.take(None, &morning, 1).expect("known groups");
    watching.take(Some(&morning), &evening, 2).expect("known groups");
    watching.take(Some(&evening), &labelled, 3).expect("known groups");
    watching.take(Some(&labelled), &labelled, 4).expect("known groups");
    let report = watching.report().expect("consistent");
    assert_eq!(report.rows.total, 55);
    let group = &report.families[0].groups[0];
    assert_eq!((group.true_positives, group.false_negatives, group.incomplete), (40, 15, 0));
    let shown = watching.shown();
    let few: Vec<&[String]> = shown.iter().map(|one| one.too_few.as_slice()).collect();
    assert_eq!(shown.len(), 3, "true and false positive rates are games of their own");
    assert_eq!(few[0], ["sex=2"]);
    assert_eq!(few[2], ["sex=1", "sex=2"], "nobody with a negative label");
    assert_eq!(watching.standing(), Standing::InsufficientEvidence);
}

#[test]
fn a_finding_is_not_undone_by_a_group_that_is_too_small_or_by_better_days() {
    let three = Plan {
        attributes: vec![Watched { name: "race".into(), values: ["a", "b", "c"].map(str::to_owned).into() }],
        ..plan(Measure::ImpactRatio, 0.8)
    };
    let mut watching = Watching::new(three).expect("a good plan");
    let cells = |misses: u64, hits: u64| [0, 0, 0, 0, 0, 0, misses, hits, 0];
    let bad = vec![cells(100, 900), cells(900, 100), [0; CELLS], cells(7, 7)];
    watching.take(None, &bad, 1).expect("known groups");
    assert_eq!(watching.standing(), Standing::Finding);
    let shown = &watching.shown()[0];
    assert_eq!(shown.between, ["race=a", "race=b"]);
    assert_eq!(shown.too_few, ["race=c"]);
    for number in 0..20 {
        let even = vec![cells(500, 500), cells(500, 500), cells(500, 500), [0; CELLS]];
        watching.take(None, &even, 10 + number).expect("known groups");
    }
    assert_eq!(watching.standing(), Standing::Finding);
    assert!(watching.shown()[0].log_evidence < 300.0, "the evidence now falls, the finding stays");
    let missing = watching.report().expect("consistent").families[0].groups[3].rows;
    assert_eq!(missing, 14, "other values are counted apart");
}

#[test]
fn the_same_counts_and_seeds_give_the_same_evidence_also_from_what_was_stored() {
    let mut random = Pcg64::new(5, 5);
    let days: Vec<Vec<Cells>> = (0..10).map(|_| day(500, [0.5, 0.45], &mut random)).collect();
    let mut whole = Watching::new(plan(Measure::ImpactRatio, 0.95)).expect("a good plan");
    let mut resumed = whole.clone();
    for (number, cells) in days.iter().enumerate() {
        whole.take(None, cells, number as u64).expect("known groups");
        resumed.take(None, cells, number as u64).expect("known groups");
        let stored = serde_json::to_vec(&resumed).expect("a value");
        resumed = serde_json::from_slice(&stored).expect("the same form");
    }
    let evidence = |watching: &Watching| watching.shown()[0].log_evidence;
    assert!((evidence(&whole) - evidence(&resumed)).abs() < 1e-9);
    assert!(evidence(&whole).abs() > 1e-6);
}

#[test]
fn an_intersection_beyond_the_bound_is_found_where_each_attribute_alone_is_even() {
    let two = Plan {
        attributes: vec![
            Watched { name: "sex".into(), values: vec!["f".into(), "m".into()] },
            Watched { name: "race".into(), values: vec!["x".into(), "y".into()] },
        ],
        ..plan(Measure::ImpactRatio, 0.8)
    };
    let mut watching = Watching::new(two).expect("a good plan");
    let cells = |misses: u64, hits: u64| [0, 0, 0, 0, 0, 0, misses, hits, 0];
    // Keys: sex (f, m, other) times race (x, y, other).
    let mut day = vec![[0; CELLS]; 9];
    (day[0], day[1], day[3], day[4]) = (cells(200, 800), cells(800, 200), cells(800, 200), cells(200, 800));
    watching.take(None, &day, 1).expect("known groups");
    let standings: Vec<Standing> = watching.shown().iter().map(|one| one.standing).collect();
    assert_eq!(standings, [Standing::NoFinding, Standing::NoFinding, Standing::Finding]);
}

#[test]
fn a_plan_that_cannot_be_watched_is_refused() {
    let one_value = Plan {
        attributes: vec![Watched { name: "a".into(), values: vec!["x".into()] }],
        ..plan(Measure::ImpactRatio, 0.8)
    };
    let many = (0..40).map(|n| n.to_string()).collect();
    let wide = Plan { attributes: vec![Watched { name: "a".into(), values: many }], ..one_value.clone() };
    let nothing = Plan { criteria: Vec::new(), ..plan(Measure::ImpactRatio, 0.8) };
    let none = Plan { attributes: Vec::new(), ..plan(Measure::ImpactRatio, 0.8) };
    for (bad, why) in [
        (one_value, "two different values"),
        (wide, "at most 600"),
        (nothing, "nothing"),
        (none, "attributes"),
        (plan(Measure::AucDifference, 0.1), "auc_difference"),
        (plan(Measure::ImpactRatio, 1.2), "0 to 1"),
    ] {
        let error = Watching::new(bad).expect_err(why).to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    let mut watching = Watching::new(plan(Measure::ImpactRatio, 0.8)).expect("a good plan");
    assert!(watching.take(None, &[[0; CELLS]; 2], 1).is_err());
}
