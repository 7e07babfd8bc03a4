//! Regression: what is left between a predicted number and what came, as exact sums.
//!
//! Residuals and labels are measured in ranges of the reference's labels, which are frozen, in parts of 10^-12; a
//! residual beyond 100 ranges counts as 100.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::grid::NumberGrid;
use crate::num::real;
use crate::wide::Wide;

const PARTS: f64 = 1e12;
/// Ranges of the reference beyond which a residual or label counts as this.
const MOST: f64 = 100.0;

/// Exact sums over the rows with a label and a predicted number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residuals {
    /// The range of the reference's labels, above 0; everything below is in this unit.
    unit: f64,
    /// Where labels are counted from: the smallest of the reference.
    origin: f64,
    rows: u64,
    /// Sums of |e|, e^2 and e^4.
    absolute: Wide,
    squared: Wide,
    fourth: Wide,
    /// Sums of the label and of its square.
    label: Wide,
    label_squared: Wide,
}

impl Residuals {
    /// No rows, in the units of the label's frozen bins.
    pub(super) fn empty(labels: &NumberGrid) -> Self {
        let (origin, greatest) = labels.range().unwrap_or((0.0, 1.0));
        let range = greatest - origin;
        let unit = if range > 0.0 && range.is_finite() { range } else { 1.0 };
        let nothing = Wide::default();
        Self {
            unit,
            origin,
            rows: 0,
            absolute: nothing,
            squared: nothing,
            fourth: nothing,
            label: nothing,
            label_squared: nothing,
        }
    }

    /// Counts a row; one without two finite numbers is left out.
    pub(super) fn add(&mut self, predicted: f64, label: f64) {
        if !(predicted.is_finite() && label.is_finite()) {
            return;
        }
        // Halves of the numbers first: their difference can be infinite.
        let e = (label / self.unit - predicted / self.unit).clamp(-MOST, MOST);
        let y = (label / self.unit - self.origin / self.unit).clamp(-MOST, MOST);
        self.rows += 1;
        self.absolute.add(e.abs(), PARTS);
        self.squared.add(e * e, PARTS);
        self.fourth.add(e.powi(4), PARTS);
        self.label.add(y, PARTS);
        self.label_squared.add(y * y, PARTS);
    }

    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.unit.to_bits() == other.unit.to_bits() && self.origin.to_bits() == other.origin.to_bits()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.absolute.merge(other.absolute);
        self.squared.merge(other.squared);
        self.fourth.merge(other.fourth);
        self.label.merge(other.label);
        self.label_squared.merge(other.label_squared);
    }

    /// Rows with a label and a predicted number.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Mean absolute error, in the unit of the label.
    pub fn mean_absolute_error(&self) -> Option<f64> {
        self.mean(self.absolute).map(|error| error * self.unit)
    }

    /// Root of the mean squared error, in the unit of the label.
    pub fn root_mean_squared_error(&self) -> Option<f64> {
        self.mean(self.squared).map(|square| square.sqrt() * self.unit)
    }

    /// Share of the variance of the label that the predicted numbers explain, at most 1; nothing where the label does
    /// not vary.
    pub fn r_squared(&self) -> Option<f64> {
        let variance = self.label_variance()?;
        (variance > 1.0 / PARTS).then(|| self.mean(self.squared).map(|square| 1.0 - square / variance))?
    }

    /// Mean squared error and its standard error, in squared ranges.
    pub(super) fn squared_error(&self) -> Option<(f64, f64)> {
        let square = self.mean(self.squared)?;
        let spread = (self.mean(self.fourth)? - square * square).max(0.0);
        Some((square, (spread / real(self.rows)).sqrt()))
    }

    /// Variance of the label in squared ranges: the squared error of always saying the mean.
    pub(super) fn label_variance(&self) -> Option<f64> {
        let mean = self.mean(self.label)?;
        Some((self.mean(self.label_squared)? - mean * mean).max(0.0))
    }

    pub(super) fn unit(&self) -> f64 {
        self.unit
    }

    fn mean(&self, sum: Wide) -> Option<f64> {
        (self.rows > 0).then(|| sum.value(PARTS) / real(self.rows))
    }

    pub(super) fn check(&self, rows: u64) -> Result<(), StatsError> {
        let positive = [self.absolute, self.squared, self.fourth, self.label_squared];
        let fits = self.rows <= rows
            && self.unit.is_finite()
            && self.unit > 0.0
            && self.origin.is_finite()
            && positive.iter().all(|sum| sum.value(PARTS) >= 0.0);
        if fits {
            return Ok(());
        }
        let problem = "its sums do not fit each other".to_owned();
        Err(StatsError::Inconsistent { place: "residuals".to_owned(), problem })
    }
}
