//! Gathering vectors while they stream by: the sums of all, and an even sample of bounded size.
//!
//! The sample is that of [`crate::gather`]: it depends on nothing but the row numbers.

use super::Moments;
use crate::gather::keeps;
use crate::num::mix;

/// Numbers of a vector, at most; a longer one counts as missing.
pub const MAX_DIMS: usize = 4096;
/// Numbers of a sample, at most: 2,730 to 5,461 rows of 768 numbers.
const MAX_NUMBERS: usize = 4 << 20;
/// Rows of a sample, at most.
const MAX_ROWS: usize = 8192;

/// What was gathered of one side.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    /// Sums of all rows.
    pub moments: Moments,
    /// Length of the vectors.
    pub dims: usize,
    /// The sampled rows in order: those with a vector, one behind the other.
    pub values: Vec<f32>,
    /// For each sampled row whether it has a vector.
    pub present: Vec<bool>,
}

impl Vectors {
    /// Sampled rows that have a vector.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dims).unwrap_or(0)
    }

    /// Whether no sampled row has a vector.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The sampled vectors.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dims.max(1))
    }
}

/// Collects the vectors of a column.
#[derive(Clone, Debug, Default)]
pub struct VectorGather {
    gathered: Vectors,
    rows: u64,
    /// Rows from before the first vector, whose length was not known.
    before: u64,
    level: u32,
    /// Numbers of the sampled rows.
    sampled: Vec<u64>,
}

impl VectorGather {
    /// Nothing yet; `dims` is the length of the vectors if it is known, else that of the first one.
    pub fn new(dims: Option<usize>) -> Self {
        let mut gather = Self::default();
        if let Some(dims) = dims {
            gather.begin(dims);
        }
        gather
    }

    fn begin(&mut self, dims: usize) {
        self.gathered.dims = dims;
        self.gathered.moments = Moments::empty(dims);
    }

    /// Takes the next row.
    pub fn push(&mut self, vector: Option<&[f32]>) {
        let vector = vector.filter(|vector| (1..=MAX_DIMS).contains(&vector.len()));
        if let (0, Some(vector)) = (self.gathered.dims, vector) {
            self.begin(vector.len());
            for _ in 0..self.before {
                self.gathered.moments.add(None);
            }
        }
        if self.gathered.dims == 0 {
            self.before += 1;
        } else {
            self.gathered.moments.add(vector);
        }
        if keeps(self.rows, self.level) {
            let dims = self.gathered.dims;
            let whole = vector.filter(|vector| vector.len() == dims && vector.iter().all(|x| x.is_finite()));
            self.gathered.values.extend(whole.unwrap_or_default());
            self.gathered.present.push(whole.is_some());
            self.sampled.push(self.rows);
        }
        self.rows += 1;
        while self.sampled.len() > self.capacity() {
            self.halve();
        }
    }

    /// Ends the gathering.
    pub fn finish(mut self) -> Vectors {
        if self.gathered.dims == 0 {
            self.gathered.moments = Moments::of_missing(self.before);
        }
        let mut vectors = self.gathered.values.chunks_exact(self.gathered.dims.max(1));
        for (row, present) in self.sampled.iter().zip(&self.gathered.present) {
            let vector = if *present { vectors.next() } else { None };
            self.gathered.moments.sample(mix(*row), vector);
        }
        self.gathered
    }

    fn capacity(&self) -> usize {
        (MAX_NUMBERS / self.gathered.dims.max(1)).clamp(1, MAX_ROWS)
    }

    fn halve(&mut self) {
        self.level += 1;
        let dims = self.gathered.dims;
        let (mut rows, mut present, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = 0;
        for (row, has) in self.sampled.iter().zip(&self.gathered.present) {
            let end = if *has { at + dims } else { at };
            if keeps(*row, self.level) {
                rows.push(*row);
                present.push(*has);
                values.extend_from_slice(&self.gathered.values[at..end]);
            }
            at = end;
        }
        self.sampled = rows;
        (self.gathered.present, self.gathered.values) = (present, values);
    }
}
