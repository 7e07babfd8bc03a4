//! The domain classifier: logistic regression of "which sample is this row of", fitted on every other sampled row and
//! judged on the rest.
//!
//! Components are centred and scaled by the rows of the fit; one more feature, the squared length of the scaled vector,
//! sees what a plane cannot, that a cloud became wider or narrower. Both samples weigh alike. The fit is a fixed number
//! of accelerated gradient steps (Nesterov 1983) with a ridge, from 0 and in the order of the rows: the same bits on
//! every run.

use super::Vectors;
use crate::num::{real, size};
use crate::outcomes::{Area, area};
use crate::sort::ascending;

/// Gradient steps of a fit.
const STEPS: usize = 60;
/// Steps by which the steepest curvature is found.
const POWER_STEPS: usize = 8;
/// Weight of the squared length of the weights.
const RIDGE: f64 = 0.01;
/// Vectors of each side that a fit and a judgement need, at least.
const LEAST_ROWS: usize = 50;

/// A fitted classifier.
#[derive(Clone, Debug)]
pub struct Classifier {
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// One weight for each component, and one for the squared length.
    weights: Vec<f64>,
    intercept: f64,
}

/// Scores of rows that the classifier was not fitted on; none where a row has no vector.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// Of the reference.
    pub reference: Vec<Option<f64>>,
    /// Of the current rows.
    pub current: Vec<Option<f64>>,
    /// How well they tell the sides apart: 0.5 is not at all.
    pub area: Area,
}

/// Fits on one half of both samples and scores the other; nothing where there are too few vectors.
pub fn held_out(reference: &Vectors, current: &Vectors) -> Option<HeldOut> {
    if reference.dims != current.dims || reference.dims == 0 {
        return None;
    }
    let (before, now) = (halves(reference), halves(current));
    if [&before, &now].iter().any(|side| side.fit.len() < LEAST_ROWS || side.judged() < LEAST_ROWS) {
        return None;
    }
    let classifier = Classifier::fit(&before.fit, &now.fit);
    let score = |side: &Halves<'_>| -> Vec<Option<f64>> {
        side.rest.iter().map(|row| row.map(|row| classifier.score(row))).collect()
    };
    let (reference, current) = (score(&before), score(&now));
    let area = area_of(&reference, &current)?;
    Some(HeldOut { reference, current, area })
}

struct Halves<'a> {
    fit: Vec<&'a [f32]>,
    rest: Vec<Option<&'a [f32]>>,
}

impl Halves<'_> {
    fn judged(&self) -> usize {
        self.rest.iter().flatten().count()
    }
}

/// Every other sampled row, with a vector or without.
fn halves(side: &Vectors) -> Halves<'_> {
    let mut vectors = side.iter();
    let mut halves = Halves { fit: Vec::new(), rest: Vec::new() };
    for (row, present) in side.present.iter().enumerate() {
        let vector = if *present { vectors.next() } else { None };
        if row % 2 == 1 {
            halves.rest.push(vector);
        } else {
            halves.fit.extend(vector);
        }
    }
    halves
}

impl Classifier {
    fn fit(reference: &[&[f32]], current: &[&[f32]]) -> Self {
        let dims = reference[0].len();
        let mut classifier = Self {
            centre: vec![0.0; dims],
            scale: vec![1.0; dims],
            weights: vec![0.0; dims + 1],
            intercept: 0.0,
        };
        classifier.standardise(reference, current);
        // Rows weigh so that both sides have half of the whole.
        let weight = |side: &[&[f32]]| 0.5 / size(side.len());
        let rows: Vec<(Vec<f64>, f64, f64)> = reference
            .iter()
            .map(|row| (classifier.features(row), 0.0, weight(reference)))
            .chain(current.iter().map(|row| (classifier.features(row), 1.0, weight(current))))
            .collect();
        let step = 1.0 / (0.25 * curvature(&rows, dims + 1) + RIDGE);
        let (mut last, mut ahead) = (vec![0.0; dims + 2], vec![0.0; dims + 2]);
        for turn in 0..STEPS {
            let slope = gradient(&rows, &ahead);
            let next: Vec<f64> =
                ahead.iter().zip(slope).map(|(weight, slope)| weight - step * slope).collect();
            let push = size(turn) / (size(turn) + 3.0);
            ahead = next.iter().zip(&last).map(|(new, old)| new + push * (new - old)).collect();
            last = next;
        }
        classifier.intercept = last.pop().unwrap_or(0.0);
        classifier.weights = last;
        classifier
    }

    fn standardise(&mut self, reference: &[&[f32]], current: &[&[f32]]) {
        let all = || reference.iter().chain(current);
        let rows = size(reference.len() + current.len());
        for at in 0..self.centre.len() {
            let mean = all().map(|row| f64::from(row[at])).sum::<f64>() / rows;
            let square = all().map(|row| (f64::from(row[at]) - mean).powi(2)).sum::<f64>() / rows;
            self.centre[at] = mean;
            // A component that does not vary in the fit says nothing there, and must not explode elsewhere.
            self.scale[at] = if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        }
    }

    /// Scaled components, and their mean square less 1.
    fn features(&self, row: &[f32]) -> Vec<f64> {
        let mut features: Vec<f64> = row
            .iter()
            .zip(self.centre.iter().zip(&self.scale))
            .map(|(x, (centre, scale))| (f64::from(*x) - centre) * scale)
            .collect();
        let square = features.iter().map(|x| x * x).sum::<f64>() / size(features.len().max(1));
        features.push((square - 1.0) * LENGTH_SCALE);
        features
    }

    /// How much a row looks like the current ones, as log odds.
    fn score(&self, row: &[f32]) -> f64 {
        self.features(row).iter().zip(&self.weights).map(|(x, weight)| x * weight).sum::<f64>()
            + self.intercept
    }
}

/// The mean square of many components varies little; this makes it count as much as one of them.
const LENGTH_SCALE: f64 = 5.0;

type Row = (Vec<f64>, f64, f64);

/// The gradient of the mean logarithmic loss with the ridge; the last weight is the intercept.
fn gradient(rows: &[Row], weights: &[f64]) -> Vec<f64> {
    let dims = weights.len() - 1;
    let mut slope: Vec<f64> = weights.iter().map(|weight| RIDGE * weight).collect();
    slope[dims] = 0.0;
    for (features, side, mass) in rows {
        let odds: f64 =
            features.iter().zip(weights).map(|(x, weight)| x * weight).sum::<f64>() + weights[dims];
        let error = mass * (1.0 / (1.0 + (-odds).exp()) - side);
        for (slope, x) in slope.iter_mut().zip(features) {
            *slope += error * x;
        }
        slope[dims] += error;
    }
    slope
}

/// The largest eigenvalue of the second moments of the features and the intercept, with room above (power method).
fn curvature(rows: &[Row], dims: usize) -> f64 {
    let mut direction = vec![1.0 / size(dims + 1).sqrt(); dims + 1];
    let mut length = 1.0;
    for _ in 0..POWER_STEPS {
        let mut next = vec![0.0; dims + 1];
        for (features, _, mass) in rows {
            let product: f64 =
                features.iter().zip(&direction).map(|(x, y)| x * y).sum::<f64>() + direction[dims];
            for (sum, x) in next.iter_mut().zip(features) {
                *sum += mass * product * x;
            }
            next[dims] += mass * product;
        }
        length = next.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
        direction = next.into_iter().map(|x| x / length).collect();
    }
    // The method comes from below.
    2.0 * length
}

/// The area under the ROC curve of two samples of scores.
fn area_of(reference: &[Option<f64>], current: &[Option<f64>]) -> Option<Area> {
    let sorted = |side: &[Option<f64>]| {
        let mut values: Vec<f64> = side.iter().flatten().copied().collect();
        ascending(&mut values);
        values
    };
    let (before, now) = (sorted(reference), sorted(current));
    let mut all = before.clone();
    all.extend(&now);
    ascending(&mut all);
    all.dedup();
    let (mut i, mut j) = (0, 0);
    let mut bins = Vec::with_capacity(all.len());
    for value in all {
        let (first, second) = (i, j);
        i += before[i..].partition_point(|other| *other <= value);
        j += now[j..].partition_point(|other| *other <= value);
        bins.push((real((i - first) as u64), real((j - second) as u64)));
    }
    area(bins)
}
