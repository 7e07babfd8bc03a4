//! What a profile keeps of a column of vectors: their exact sum, and a sample of the rows.

use serde::{Deserialize, Serialize};

use super::{MAX_DIMS, VectorSample, Vectors};
use crate::error::StatsError;
use crate::wide::Wide;

/// Parts of one unit of a component, 2^30: sums are whole, so that no order of adding changes them.
const PARTS: f64 = 1_073_741_824.0;
/// A component beyond this counts as this.
const MOST: f64 = 1e9;

/// Exact sums of the vectors of one column, and a sample of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// Rows.
    pub rows: u64,
    /// Rows that hold no vector of this length and of finite numbers.
    pub missing: u64,
    /// The sum of each component.
    sums: Vec<Wide>,
    /// Rows for what sums cannot say; none where only sums were kept.
    #[serde(default, skip_serializing_if = "VectorSample::is_empty")]
    sample: VectorSample,
}

impl Moments {
    /// No rows, of vectors of this length.
    pub fn empty(dims: usize) -> Self {
        Self { sums: vec![Wide::default(); dims], ..Self::default() }
    }

    /// Rows that hold no vector, before any was seen.
    pub(super) fn of_missing(rows: u64) -> Self {
        Self { rows, missing: rows, ..Self::default() }
    }

    /// Length of the vectors.
    pub fn dims(&self) -> usize {
        self.sums.len()
    }

    /// Adds a row; a vector of another length or with a component that is no finite number counts as missing.
    pub fn add(&mut self, vector: Option<&[f32]>) {
        self.rows += 1;
        match self.whole(vector) {
            Some(vector) => {
                for (sum, value) in self.sums.iter_mut().zip(vector) {
                    sum.add(f64::from(*value).clamp(-MOST, MOST), PARTS);
                }
            }
            None => self.missing += 1,
        }
    }

    /// The same, and the row may be one of the sample: `hash` says so, an even number of 64 bits that does not depend on
    /// the vector.
    pub fn add_row(&mut self, hash: u64, vector: Option<&[f32]>) {
        self.add(vector);
        self.sample(hash, vector);
    }

    /// Puts a row that was added into the sample, if its hash is among the smallest.
    pub(super) fn sample(&mut self, hash: u64, vector: Option<&[f32]>) {
        let (dims, whole) = (self.dims(), self.whole(vector));
        self.sample.add(hash, whole, dims);
    }

    fn whole<'a>(&self, vector: Option<&'a [f32]>) -> Option<&'a [f32]> {
        vector.filter(|vector| vector.len() == self.dims() && vector.iter().all(|x| x.is_finite()))
    }

    /// The sampled rows.
    pub fn sampled(&self) -> &VectorSample {
        &self.sample
    }

    /// The sums alone.
    #[must_use]
    pub fn without_sample(mut self) -> Self {
        self.sample = VectorSample::default();
        self
    }

    /// The sums and the sample, as they are gathered from data; none without a sample.
    pub(super) fn vectors(&self) -> Option<Vectors> {
        if self.sample.is_empty() {
            return None;
        }
        let mut vectors = Vectors { moments: self.clone(), dims: self.dims(), ..Vectors::default() };
        for row in self.sample.rows() {
            vectors.present.push(row.is_some());
            vectors.values.extend(row.unwrap_or_default());
        }
        Some(vectors)
    }

    /// Adds the rows of another part.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.dims() != other.dims() {
            let (ours, theirs) = (self.dims(), other.dims());
            return Err(StatsError::OtherGrid(format!(
                "vectors of {ours} numbers on one side, of {theirs} on the other"
            )));
        }
        self.rows += other.rows;
        self.missing += other.missing;
        for (ours, theirs) in self.sums.iter_mut().zip(&other.sums) {
            ours.merge(*theirs);
        }
        self.sample.merge(&other.sample, other.dims());
        Ok(())
    }

    pub(crate) fn check(&self, rows: u64, place: &str) -> Result<(), StatsError> {
        let fits = self.sample.fits(self.dims()) && self.sample.len() as u64 <= self.rows;
        if self.dims() <= MAX_DIMS && self.rows == rows && self.missing <= self.rows && fits {
            return Ok(());
        }
        let problem =
            "its vectors do not fit the rows of the profile, or are longer than are read".to_owned();
        Err(StatsError::Inconsistent { place: place.to_owned(), problem })
    }

    /// The sums; a mean but for a factor, which an angle does not see.
    fn direction(&self) -> impl Iterator<Item = f64> {
        self.sums.iter().map(|sum| sum.value(PARTS))
    }
}

/// 1 - cos of the angle between the two mean vectors, 0..=2; nothing where one of them is 0 or their lengths differ.
pub fn cosine_distance(a: &Moments, b: &Moments) -> Option<f64> {
    if a.dims() != b.dims() {
        return None;
    }
    // Scaled, so that squares stay in range.
    let largest = |side: &Moments| side.direction().fold(0.0_f64, |most, x| most.max(x.abs()));
    let (most_a, most_b) = (largest(a), largest(b));
    if most_a <= 0.0 || most_b <= 0.0 {
        return None;
    }
    let (mut product, mut squares) = (0.0, [0.0; 2]);
    for (x, y) in a.direction().zip(b.direction()) {
        let (x, y) = (x / most_a, y / most_b);
        product += x * y;
        squares = [squares[0] + x * x, squares[1] + y * y];
    }
    Some((1.0 - product / (squares[0] * squares[1]).sqrt()).clamp(0.0, 2.0))
}
