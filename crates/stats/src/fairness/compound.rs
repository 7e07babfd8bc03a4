//! Measures of several rates: equalised odds, average odds, entropy; with the bootstrap beside them.

use super::cells::{CELLS, Confusion, Share};
use super::compare::{Plan, difference, folded_ratio, none_because};
use super::entropy::entropy;
use super::extreme::{Coverage, Extreme, Pair, larger, largest, smaller, smallest};
use super::metric::Metric;
use super::report::{Aggregate, Compound, CompoundMeasure as Measure, Resampled};
use super::value::{Reason, Value};
use crate::numeric::interval::Interval;
use crate::numeric::normal::two_sided;

/// All measures in the order of results.
const MEASURES: [Measure; 14] = [
    Measure::EqualizedOddsDifference,
    Measure::EqualizedOddsRatio,
    Measure::AverageAbsoluteOddsDifference,
    Measure::DemographicParityDifference,
    Measure::DemographicParityRatio,
    Measure::Entropy0,
    Measure::Entropy1,
    Measure::Entropy2,
    Measure::EntropyBetween0,
    Measure::EntropyBetween1,
    Measure::EntropyBetween2,
    Measure::EntropyWithin0,
    Measure::EntropyWithin1,
    Measure::EntropyWithin2,
];

/// Two rates over the groups, with the groups and pairs that have both.
struct Rates {
    overall: [Share; 2],
    shares: [Vec<Share>; 2],
    coverage: Coverage,
    pairs: Vec<Pair>,
    none: Reason,
}

impl Rates {
    fn of(metrics: [Metric; 2], groups: &[Confusion], plan: &Plan<'_>) -> Self {
        let all = Confusion::all_of(groups);
        let shares = metrics.map(|metric| groups.iter().map(|group| metric.share(group)).collect::<Vec<_>>());
        let single = two_sided(plan.settings.alpha(), 1);
        let cover = |place: usize| {
            let metric: Metric = metrics[place];
            let value = |share: &Share| metric.value(share, single, plan.settings.min_rows);
            let values: Vec<Value> = shares[place].iter().map(value).collect();
            Coverage::of(&values, plan.left_out)
        };
        let coverage = cover(0).and(cover(1));
        let against = plan.against(&plan.settings.reference);
        let pairs = against.map(|against| against.pairs(&coverage.usable)).unwrap_or_default();
        let none = none_because(against, &coverage.usable);
        Self { overall: metrics.map(|metric| metric.share(&all)), shares, coverage, pairs, none }
    }

    fn rows(&self) -> u64 {
        let smaller = |group: &usize| self.shares[0][*group].of.rows.min(self.shares[1][*group].of.rows);
        self.coverage.usable.iter().map(smaller).min().unwrap_or_default()
    }

    fn difference(&self, place: usize, pair: Pair, z: f64) -> Option<(f64, Interval)> {
        difference(&self.shares[place], &self.overall[place], pair, z)
    }

    fn ratio(&self, place: usize, pair: Pair, z: f64) -> Option<(f64, Interval)> {
        folded_ratio(&self.shares[place], &self.overall[place], pair, z)
    }
}

/// All compound measures of the groups of a family.
pub(crate) fn compound(groups: &[Confusion], plan: &Plan<'_>, stream: u64) -> Vec<Compound> {
    let odds = Rates::of([Metric::TruePositiveRate, Metric::FalsePositiveRate], groups, plan);
    let parity = Rates::of([Metric::SelectionRate; 2], groups, plan);
    let resampled = match plan.settings.bootstrap {
        Some(how) => {
            let at = (stream, plan.settings.alpha());
            let measures = |cells: &[[f64; CELLS]]| values(cells, &odds.pairs, &parity.pairs);
            super::bootstrap::resample(groups, plan.weighted, how, at, measures)
        }
        None => [None::<Resampled>; MEASURES.len()],
    };
    let cells: Vec<[f64; CELLS]> = groups.iter().map(Confusion::weights).collect();
    let rows = groups.iter().map(|group| Metric::Accuracy.share(group).of.rows).sum();
    let observed = values(&cells, &odds.pairs, &parity.pairs);
    let mut found = Vec::with_capacity(MEASURES.len());
    for ((measure, bootstrap), value) in MEASURES.into_iter().zip(resampled).zip(observed) {
        let aggregate = match measure {
            Measure::EqualizedOddsDifference
            | Measure::EqualizedOddsRatio
            | Measure::AverageAbsoluteOddsDifference => odds_aggregate(measure, &odds, plan),
            Measure::DemographicParityDifference | Measure::DemographicParityRatio => {
                odds_aggregate(measure, &parity, plan)
            }
            _ => entropy_aggregate(value, rows, plan),
        };
        let bootstrap = bootstrap.filter(|_| aggregate.value.estimate().is_some());
        found.push(Compound { measure, aggregate, bootstrap });
    }
    found
}

fn odds_aggregate(measure: Measure, rates: &Rates, plan: &Plan<'_>) -> Aggregate {
    let tests = if is_parity(measure) { rates.pairs.len() } else { 2 * rates.pairs.len() };
    let (z, _) = plan.z(tests);
    let found = match measure {
        Measure::EqualizedOddsRatio | Measure::DemographicParityRatio => {
            let of = |place| smallest(&rates.pairs, |pair| rates.ratio(place, pair, z));
            both(of(0), of(1), smaller)
        }
        Measure::AverageAbsoluteOddsDifference => largest(&rates.pairs, |pair| {
            let (a, in_a) = rates.difference(0, pair, z)?;
            let (b, in_b) = rates.difference(1, pair, z)?;
            let (in_a, in_b) = (in_a.absolute(), in_b.absolute());
            let interval = Interval::new(in_a.lower + in_b.lower, in_a.upper + in_b.upper);
            let half = Interval::new(interval.lower / 2.0, interval.upper / 2.0);
            Some((f64::midpoint(a.abs(), b.abs()), half))
        }),
        _ => {
            let of = |place| largest(&rates.pairs, |pair| rates.difference(place, pair, z));
            both(of(0), of(1), larger)
        }
    };
    let none = if rates.pairs.is_empty() { rates.none } else { Reason::ReferenceIsZero };
    rates.coverage.aggregate(found, rates.rows(), plan.settings.min_rows, none)
}

/// A measure of two rates has a value only where both have one.
fn both(a: Option<Extreme>, b: Option<Extreme>, join: fn(Extreme, Extreme) -> Extreme) -> Option<Extreme> {
    Some(join(a?, b?))
}

fn is_parity(measure: Measure) -> bool {
    matches!(measure, Measure::DemographicParityDifference | Measure::DemographicParityRatio)
}

fn entropy_aggregate(value: Option<f64>, rows: u64, plan: &Plan<'_>) -> Aggregate {
    let value = match value {
        Some(value) => Value::on(value, None, rows, plan.settings.min_rows),
        None if rows == 0 => Value::undefined(Reason::NoLabels, 0.0, 0.0),
        None => Value::undefined(Reason::ZeroBenefit, 0.0, 0.0),
    };
    Aggregate { value, between: None, not_covered: Vec::new(), left_out: Vec::new() }
}

/// Every measure from the weights of the cells, in the order of [`MEASURES`].
fn values(groups: &[[f64; CELLS]], odds: &[Pair], parity: &[Pair]) -> [Option<f64>; MEASURES.len()] {
    let mut all = [0.0; CELLS];
    for group in groups {
        all.iter_mut().zip(group).for_each(|(sum, weight)| *sum += weight);
    }
    let rates = |metric: Metric| -> (Vec<Option<f64>>, Option<f64>) {
        (groups.iter().map(|group| metric.rate(group)).collect(), metric.rate(&all))
    };
    let (tpr, fpr) = (rates(Metric::TruePositiveRate), rates(Metric::FalsePositiveRate));
    let selected = rates(Metric::SelectionRate);
    let [zero, one, two] = [0, 1, 2].map(|alpha| entropy(alpha, groups));
    [
        widest(odds, &tpr).zip(widest(odds, &fpr)).map(|(a, b)| a.max(b)),
        lowest(odds, &tpr).zip(lowest(odds, &fpr)).map(|(a, b)| a.min(b)),
        average(odds, &tpr, &fpr),
        widest(parity, &selected),
        lowest(parity, &selected),
        zero.and_then(|found| found.total),
        one.and_then(|found| found.total),
        two.and_then(|found| found.total),
        zero.and_then(|found| found.between),
        one.and_then(|found| found.between),
        two.and_then(|found| found.between),
        zero.and_then(|found| found.within),
        one.and_then(|found| found.within),
        two.and_then(|found| found.within),
    ]
}

type Known = (Vec<Option<f64>>, Option<f64>);

fn at(rates: &Known, pair: Pair) -> Option<(f64, f64)> {
    let other = pair.1.map_or(rates.1, |other| rates.0[other]);
    Some((rates.0[pair.0]?, other?))
}

/// Largest difference; nothing as soon as one pair has none.
fn widest(pairs: &[Pair], rates: &Known) -> Option<f64> {
    let mut found: Option<f64> = None;
    for pair in pairs {
        let (a, b) = at(rates, *pair)?;
        found = Some(found.unwrap_or(0.0).max((a - b).abs()));
    }
    found
}

/// Smallest ratio; nothing as soon as one pair has no rates, or if all rates are 0.
fn lowest(pairs: &[Pair], rates: &Known) -> Option<f64> {
    let mut found: Option<f64> = None;
    for pair in pairs {
        let (a, b) = at(rates, *pair)?;
        if a.max(b) > 0.0 {
            found = Some(found.unwrap_or(1.0).min(a.min(b) / a.max(b)));
        }
    }
    found
}

fn average(pairs: &[Pair], tpr: &Known, fpr: &Known) -> Option<f64> {
    let mut found: Option<f64> = None;
    for pair in pairs {
        let ((a, b), (c, d)) = (at(tpr, *pair)?, at(fpr, *pair)?);
        found = Some(found.unwrap_or(0.0).max(f64::midpoint((a - b).abs(), (c - d).abs())));
    }
    found
}
