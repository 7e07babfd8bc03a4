//! Ten ways in which a model goes wrong, simulated: each is named right.
//!
//! A logistic model over eight features, of which some move together; 20,000 rows before and 5,000 now. The ordinary run
//! takes a few seeds of each, `COMPTROLLER_TEST_SEEDS` another number.

use crate::support::{Data, Random, compare, numeric, of_role, with_nulls};
use comptroller_stats::coefficient::Band;
use comptroller_stats::drift::{Code, FindingKind, Report};
use comptroller_stats::profile::Role;

const FEATURES: usize = 8;
const COEFFICIENTS: [f64; FEATURES] = [1.5, -1.0, 0.8, 0.6, -0.5, 0.4, 0.0, 0.3];

/// What happens to the current rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scenario {
    Nothing,
    Covariate,
    Narrower,
    Irrelevant,
    Flipped,
    Intercept,
    Units,
    Missing,
    Constant,
    Swapped,
}

const ALL: [Scenario; 10] = [
    Scenario::Nothing,
    Scenario::Covariate,
    Scenario::Narrower,
    Scenario::Irrelevant,
    Scenario::Flipped,
    Scenario::Intercept,
    Scenario::Units,
    Scenario::Missing,
    Scenario::Constant,
    Scenario::Swapped,
];

/// True features of one row: x0 moves with x2, x1 against x3.
fn features(random: &mut Random) -> [f64; FEATURES] {
    let mut x: [f64; FEATURES] = std::array::from_fn(|_| random.normal());
    x[2] = 0.6 * x[0] + 0.8 * x[2];
    x[3] = -0.5 * x[1] + 0.866 * x[3];
    x
}

fn chance(x: &[f64; FEATURES], coefficients: &[f64; FEATURES], intercept: f64) -> f64 {
    let sum: f64 = x.iter().zip(coefficients).map(|(x, c)| x * c).sum::<f64>() + intercept;
    1.0 / (1.0 + (-sum).exp())
}

/// A table of features as they are recorded, the model's score on them, and what came true.
fn table(random: &mut Random, rows: usize, scenario: Scenario) -> Vec<Data> {
    let mut recorded: Vec<Vec<Option<f64>>> = vec![Vec::new(); FEATURES];
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    let (mut truth, mut intercept) = (COEFFICIENTS, 0.0);
    match scenario {
        Scenario::Flipped => truth[0] = -truth[0],
        Scenario::Intercept => intercept = 1.0,
        _ => {}
    }
    for _ in 0..rows {
        let mut x = features(random);
        match scenario {
            Scenario::Covariate => x[0] += 1.0,
            Scenario::Irrelevant => x[6] += 1.5,
            Scenario::Narrower => x.iter_mut().zip(COEFFICIENTS).for_each(|(x, c)| {
                if c != 0.0 {
                    *x /= 2.0;
                }
            }),
            _ => {}
        }
        labels.push(f64::from(u8::from(random.unit() < chance(&x, &truth, intercept))));
        // The pipeline stands between the world and the model.
        let mut seen = x.map(Some);
        match scenario {
            Scenario::Units => seen[0] = seen[0].map(|x| x * 1000.0),
            Scenario::Missing if random.unit() < 0.3 => seen[0] = None,
            Scenario::Constant => seen[0] = Some(0.0),
            Scenario::Swapped => seen.swap(0, 1),
            _ => {}
        }
        scores.push(chance(&seen.map(|x| x.unwrap_or(0.0)), &COEFFICIENTS, 0.0));
        for (column, value) in recorded.iter_mut().zip(seen) {
            column.push(value);
        }
    }
    let mut table: Vec<Data> =
        recorded.into_iter().enumerate().map(|(at, values)| with_nulls(&format!("x{at}"), values)).collect();
    table.push(of_role(Role::Score, numeric("score", scores)));
    table.push(of_role(Role::Label, numeric("label", labels)));
    table
}

fn is_named_right(scenario: Scenario, report: &Report) -> bool {
    let first = report.findings.first();
    let is = |kind, code| first.is_some_and(|finding| finding.kind == kind && finding.code == code);
    let about = |names: &[&str]| first.is_some_and(|finding| finding.columns == names);
    let loss = report.performance.as_ref().and_then(|all| all.measured).map_or(0.0, |loss| loss.lower);
    match scenario {
        Scenario::Nothing => report.findings.is_empty(),
        Scenario::Covariate => {
            is(FindingKind::DataDrift, Code::Shift)
                && first.is_some_and(|f| f.columns.contains(&"x0".to_owned()))
                && loss < 0.1
        }
        Scenario::Narrower => is(FindingKind::DataDrift, Code::Shift) && loss > 0.1,
        Scenario::Irrelevant => is(FindingKind::DataDrift, Code::Shift) && about(&["x6"]) && loss < 0.1,
        Scenario::Flipped => is(FindingKind::ConceptDrift, Code::Concept) && loss > 0.1,
        Scenario::Intercept => is(FindingKind::ConceptDrift, Code::Concept) && loss < 0.1,
        Scenario::Units => is(FindingKind::PipelineFault, Code::UnitChange) && about(&["x0"]),
        Scenario::Missing => is(FindingKind::PipelineFault, Code::MissingValues) && about(&["x0"]),
        Scenario::Constant => is(FindingKind::PipelineFault, Code::Constant) && about(&["x0"]),
        Scenario::Swapped => is(FindingKind::PipelineFault, Code::SwappedColumns) && about(&["x0", "x1"]),
    }
}

#[test]
fn every_scenario_is_named_right() {
    let seeds: u64 =
        std::env::var("COMPTROLLER_TEST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut wrong = Vec::new();
    for scenario in ALL {
        let mut missed = 0;
        let mut shown = String::new();
        for seed in 0..seeds {
            let mut random = Random::new(seed * 100 + scenario as u64);
            let reference = table(&mut random, 20_000, Scenario::Nothing);
            let report = compare(&reference, &table(&mut random, 5000, scenario));
            if !is_named_right(scenario, &report) {
                missed += 1;
                shown = format!("{:?} {:?} {:?}", report.headline, report.findings, report.performance);
            }
        }
        // At least 95 % of the seeds.
        if missed * 20 > seeds {
            wrong.push(format!("{scenario:?}: {missed} of {seeds} wrong, such as {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_labels_harm_is_estimated_and_concept_drift_is_not_claimed() {
    let mut random = Random::new(9);
    let reference = table(&mut random, 20_000, Scenario::Nothing);
    let unlabelled = |mut table: Vec<Data>| {
        table.pop();
        table
    };
    let narrow = compare(&reference, &unlabelled(table(&mut random, 5000, Scenario::Narrower)));
    let estimated = narrow.performance.as_ref().and_then(|all| all.estimated).unwrap();
    assert!(estimated.is_estimated && estimated.lower > 0.1, "{estimated:?}");
    let flipped = compare(&reference, &unlabelled(table(&mut random, 5000, Scenario::Flipped)));
    assert!(
        flipped.findings.iter().all(|finding| finding.kind != FindingKind::ConceptDrift),
        "{:?}",
        flipped.findings
    );
}

/// Swapped columns of different distributions are seen without any other column.
#[test]
fn swapped_columns_of_different_distributions_are_named() {
    let mut random = Random::new(3);
    let mut draw = |rows: usize, is_swapped: bool| {
        let age: Vec<f64> = (0..rows).map(|_| (40.0 + 12.0 * random.normal()).round()).collect();
        let income: Vec<f64> = (0..rows).map(|_| (10.0 + random.normal()).exp()).collect();
        let (age, income) = if is_swapped { (income, age) } else { (age, income) };
        vec![numeric("age", age), numeric("income", income)]
    };
    let report = compare(&draw(10_000, false), &draw(4000, true));
    let first = &report.findings[0];
    assert_eq!(
        (first.code, first.columns.join(" ")),
        (Code::SwappedColumns, "age income".to_owned()),
        "{first:?}"
    );
    assert!(report.columns.iter().all(|column| column.causes[0].text.contains("swapped with")));
}

/// A column joined to the wrong rows keeps its distribution and loses its company.
#[test]
fn a_column_of_other_rows_is_named() {
    let mut random = Random::new(4);
    let reference = table(&mut random, 20_000, Scenario::Nothing);
    let mut current = table(&mut random, 5000, Scenario::Nothing);
    current[0] = numeric("x0", random.normals(5000, 0.0, 1.0));
    current.truncate(FEATURES);
    // x0 moves with x2 alone, so one more column that follows it makes two.
    let follow = |table: &[Data], random: &mut Random| {
        let values = table[2].block.as_numbers().unwrap_or_default().iter();
        numeric("x8", values.map(|x| x + 0.3 * random.normal()).collect())
    };
    let mut reference: Vec<Data> = reference.into_iter().take(FEATURES).collect();
    reference.push(follow(&reference, &mut random));
    current.push(follow(&current, &mut random));
    let report = compare(&reference, &current);
    assert_eq!(
        report.findings.first().map(|f| (f.code, f.columns.clone())),
        Some((Code::DetachedColumn, vec!["x0".to_owned()])),
        "{:?}",
        report.findings
    );
    let headline = &report.headline;
    assert!(headline.coefficient < 0.1 && headline.is_raised, "{headline:?}");
    assert_eq!(headline.band, Some(Band::Investigate));
}

/// What concerns one column of many, or no column alone, is in the verdict all the same.
#[test]
fn a_fault_is_judged_by_its_column_and_a_correlation_by_its_change() {
    let mut random = Random::new(5);
    let mut draw = |rows: usize, sign: f64, spread: f64| {
        let x = random.normals(rows, 0.0, 1.0);
        let y = x.iter().map(|x| sign * x + 0.5 * random.normal()).collect();
        let length = random.normals(rows, 0.0, 1.0).iter().map(|value| 5.0 + spread * value).collect();
        let mut table = vec![numeric("x", x), numeric("y", y), numeric("length", length)];
        table.extend((0..40).map(|n| numeric(&format!("z{n}"), random.normals(rows, 0.0, 1.0))));
        table
    };
    let reference = draw(10_000, 1.0, 1.0);
    let same = compare(&reference, &draw(4000, 1.0, 1.0)).headline;
    assert_eq!((same.band, same.is_raised), (Some(Band::Normal), false), "{same:?}");
    let flipped = compare(&reference, &draw(4000, -1.0, 1.0)).headline;
    assert!(flipped.coefficient < 0.1 && flipped.is_raised, "{flipped:?}");
    assert_eq!(flipped.band, Some(Band::Investigate));
    assert!(flipped.text.contains("move together otherwise"), "{flipped:?}");
    // The mean of 43 columns, one of which does not vary any more.
    let constant = compare(&reference, &draw(4000, 1.0, 0.0)).headline;
    assert!(constant.coefficient < 0.3 && constant.is_raised, "{constant:?}");
    assert_eq!(constant.band, Some(Band::Investigate));
}
