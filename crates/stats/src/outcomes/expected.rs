//! Performance to expect before labels come (confidence-based estimation).
//!
//! Each current row counts as coming true with the chance that its score bin had in the reference, a chance that never
//! falls with the score (pool adjacent violators). With a row of chance p that was decided for the class, p true
//! positives are expected, and so on; every measure follows from such sums. Two errors make the band: what the rows
//! would really do, p (1 - p) each, and that the reference knows p from a bounded number of rows. Both are carried to
//! the measure by its derivative in the chance of each row (delta method).
//!
//! It is blind to concept drift by construction: if the same score means another chance now, nothing here sees it.

use serde::Serialize;

use super::classes::ClassScores;
use super::skill::{area, calibration_blocks};
use super::{MAX_CLASSES, Outcomes};
use crate::num::{Sum, real, size};

/// Standard deviations on each side of a band at 95 %.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;
/// Rows below which no loss of skill is read from the estimate: errors of so few are no normal law, and of one row the
/// area is a half whatever its score.
const MIN_ROWS: u64 = 30;
/// What has to hold for the estimate, in words of the report.
const ASSUMPTION: &str = "estimated without labels: it holds only if a score still means the chance that it meant in \
                          the reference (no concept drift)";

/// One measure as expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// `auc`, `accuracy`, `precision`, `recall` or `f1`; of several classes the mean over them (accuracy apart).
    pub measure: &'static str,
    /// The measured value on the reference.
    pub before: Option<f64>,
    /// The expected value of the current rows.
    pub now: f64,
    /// Lower end of the band in which labels would put it, 95 %.
    pub lower: f64,
    /// Upper end of the band.
    pub upper: f64,
}

/// All measures as expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// The measures.
    pub measures: Vec<Estimate>,
    /// Current rows with a score.
    pub rows: u64,
    /// What has to hold.
    pub assumption: &'static str,
}

/// The performance of the current rows as the reference lets expect it. Nothing without scores on both sides, or
/// where the reference has no labels.
pub fn expected(reference: &Outcomes, current: &Outcomes) -> Option<Expected> {
    let alike = reference.classes.len() == current.classes.len()
        && reference.classes.iter().zip(&current.classes).all(|(a, b)| a.is_alike(b));
    if !alike || reference.classes.is_empty() || reference.classes.len() > MAX_CLASSES {
        return None;
    }
    // Without a row of each kind in the reference nothing is known of any chance.
    reference.area()?;
    let soft: Vec<Soft<'_>> =
        reference.classes.iter().zip(&current.classes).map(|(before, now)| Soft::of(before, now)).collect();
    let rows = soft.iter().map(Soft::rows).max().unwrap_or(0);
    let known = reference.decided();
    let accuracy = if let [class] = soft.as_slice() { class.accuracy() } else { accuracy_of(&soft) };
    let has_areas = soft.iter().all(|class| class.area().is_some());
    let area = if has_areas { mean_of(&soft, Soft::area) } else { None };
    let all = [
        ("auc", reference.area().map(|area| area.value), area),
        ("accuracy", reference.accuracy(), accuracy),
        ("precision", known.precision, mean_of(&soft, Soft::precision)),
        ("recall", known.recall, mean_of(&soft, Soft::recall)),
        ("f1", known.f1, mean_of(&soft, Soft::f1)),
    ];
    let measures: Vec<Estimate> = all
        .into_iter()
        .filter_map(|(measure, before, point)| {
            let Point { value, error } = point?;
            let half = TWO_SIDED_95 * error;
            let (lower, upper) = ((value - half).clamp(0.0, 1.0), (value + half).clamp(0.0, 1.0));
            Some(Estimate { measure, before, now: value, lower, upper })
        })
        .collect();
    (!measures.is_empty()).then_some(Expected { measures, rows, assumption: ASSUMPTION })
}

/// The expected area under the ROC curve with the standard error of its band, for the skill that is lost.
pub(super) fn expected_area(reference: &Outcomes, current: &Outcomes) -> Option<(f64, f64)> {
    let found = expected(reference, current).filter(|found| found.rows >= MIN_ROWS)?;
    let area = found.measures.iter().find(|estimate| estimate.measure == "auc")?;
    Some((area.now, (area.upper - area.lower) / (2.0 * TWO_SIDED_95)))
}

/// The mean over classes, with the error that it has if the errors of the classes are one: never too narrow. As where
/// labels are there, a value that is not defined for one of several classes counts as 0; without any there is none.
fn mean_of<'a>(classes: &[Soft<'a>], of: impl Fn(&Soft<'a>) -> Option<Point>) -> Option<Point> {
    let each: Vec<Option<Point>> = classes.iter().map(of).collect();
    let mean = |of: fn(&Point) -> f64| each.iter().flatten().map(of).sum::<f64>() / size(each.len());
    each.iter()
        .any(Option::is_some)
        .then(|| Point { value: mean(|point| point.value), error: mean(|point| point.error) })
}

/// Share of right decisions of a model of several classes: the expected hits of each class, by its own score.
fn accuracy_of(classes: &[Soft<'_>]) -> Option<Point> {
    let (mut value, mut variance) = (0.0, 0.0);
    for class in classes {
        let decided = class.other() + class.own();
        if decided <= 0.0 {
            return None;
        }
        value += class.hits() / decided;
        variance += class.variance(|_| [0.0, 0.0, 1.0 / decided]);
    }
    Some(Point { value: value.min(1.0), error: variance.sqrt() })
}

/// A value with its standard error.
#[derive(Clone, Copy, Debug)]
struct Point {
    value: f64,
    error: f64,
}

/// The current rows of one class, each with its chance.
struct Soft<'a> {
    /// Chance of each score bin.
    chances: Vec<f64>,
    /// For each block of bins with one chance: its bins, and p (1 - p) and its variance with half a hit and half a
    /// miss more, because none of a few is no certainty.
    blocks: Vec<(usize, f64, f64)>,
    /// Rows by score bin: without a decision, decided for another class, decided for this one.
    rows: &'a [[u64; 3]],
}

impl<'a> Soft<'a> {
    fn of(before: &ClassScores, now: &'a ClassScores) -> Self {
        let (mut chances, mut blocks) = (Vec::new(), Vec::new());
        for block in calibration_blocks(&before.by_score) {
            let chance = if block.rows > 0.0 { block.positives / block.rows } else { 0.0 };
            chances.extend(std::iter::repeat_n(chance, block.bins));
            let softened = (block.positives + 0.5) / (block.rows + 1.0);
            let spread = softened * (1.0 - softened);
            blocks.push((block.bins, spread, spread / (block.rows + 1.0)));
        }
        Self { chances, blocks, rows: &now.decided }
    }

    fn rows(&self) -> u64 {
        self.rows.iter().flatten().sum()
    }

    fn other(&self) -> f64 {
        self.rows.iter().map(|bin| real(bin[1])).sum()
    }

    fn own(&self) -> f64 {
        self.rows.iter().map(|bin| real(bin[2])).sum()
    }

    /// Expected rows of the class among those decided for it.
    fn hits(&self) -> f64 {
        self.chances.iter().zip(self.rows).map(|(chance, bin)| chance * real(bin[2])).collect::<Sum>().value()
    }

    /// Expected rows of the class among those decided at all.
    fn positives(&self) -> f64 {
        let decided = self.chances.iter().zip(self.rows).map(|(chance, bin)| chance * real(bin[1] + bin[2]));
        decided.collect::<Sum>().value()
    }

    /// The variance of a measure whose derivative in the outcome of one row is `gradient(bin)` by decision.
    fn variance(&self, gradient: impl Fn(usize) -> [f64; 3]) -> f64 {
        let mut sum = Sum::default();
        let mut bin = 0;
        for (bins, spread, unsure) in &self.blocks {
            let mut together = 0.0;
            for rows in self.rows.iter().skip(bin).take(*bins) {
                for (rows, slope) in rows.iter().zip(gradient(bin)) {
                    sum.add(spread * real(*rows) * slope * slope);
                    together += real(*rows) * slope;
                }
                bin += 1;
            }
            sum.add(unsure * together * together);
        }
        sum.value().max(0.0)
    }

    fn point(&self, value: f64, gradient: impl Fn(usize) -> [f64; 3]) -> Point {
        Point { value, error: self.variance(gradient).sqrt() }
    }

    fn accuracy(&self) -> Option<Point> {
        let (decided, hits, positives) = (self.other() + self.own(), self.hits(), self.positives());
        if decided <= 0.0 {
            return None;
        }
        let value = (self.other() - positives + 2.0 * hits) / decided;
        Some(self.point(value, |_| [0.0, -1.0 / decided, 1.0 / decided]))
    }

    fn precision(&self) -> Option<Point> {
        let own = self.own();
        (own > 0.0).then(|| self.point(self.hits() / own, |_| [0.0, 0.0, 1.0 / own]))
    }

    fn recall(&self) -> Option<Point> {
        let (hits, positives) = (self.hits(), self.positives());
        let down = hits / (positives * positives);
        (positives > 0.0 && self.own() + self.other() > 0.0)
            .then(|| self.point(hits / positives, |_| [0.0, -down, 1.0 / positives - down]))
    }

    fn f1(&self) -> Option<Point> {
        let (hits, both) = (self.hits(), self.own() + self.positives());
        let down = 2.0 * hits / (both * both);
        (both > 0.0).then(|| self.point(2.0 * hits / both, |_| [0.0, -down, 2.0 / both - down]))
    }

    fn area(&self) -> Option<Point> {
        let weights: Vec<(f64, f64)> = self
            .chances
            .iter()
            .zip(self.rows)
            .map(|(chance, bin)| {
                let rows = real(bin.iter().sum());
                (rows * (1.0 - chance), rows * chance)
            })
            .collect();
        let value = area(weights.iter().copied())?.value;
        let others: f64 = weights.iter().map(|(other, _)| other).sum();
        let positives: f64 = weights.iter().map(|(_, positive)| positive).sum();
        let (mut below, mut above) = (0.0, positives);
        let mut slopes = Vec::with_capacity(weights.len());
        for (other, positive) in &weights {
            above -= positive;
            // One row more of the class wins against the others below, and no longer loses to those of it above.
            let gain = (below + other / 2.0 - above - positive / 2.0) / (positives * others);
            slopes.push(gain - value * (1.0 / positives - 1.0 / others));
            below += other;
        }
        Some(self.point(value, |bin| [slopes.get(bin).copied().unwrap_or(0.0); 3]))
    }
}
