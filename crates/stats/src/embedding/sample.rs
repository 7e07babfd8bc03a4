//! A sample of the rows of a column of vectors that parts of the data can be merged from.
//!
//! Each row has a hash that does not depend on its vector; the rows with the smallest hashes are kept (a bottom-k sample,
//! Cohen and Kaplan 2007). Whatever the order and the parts, the same rows are kept, and each row is as likely as any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::MAX_DIMS;

/// Rows that are kept, at most.
const MAX_ROWS: usize = 512;
/// Numbers that are kept, at most: 512 rows of up to 1,024 numbers, 128 of 4,096.
const MAX_NUMBERS: usize = 1 << 19;
/// Digits of a hash, and of a number.
const HASH: usize = 16;
const NUMBER: usize = 8;

/// Sampled rows by their hash; a row without a vector is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct VectorSample(BTreeMap<u64, Vec<u32>>);

impl VectorSample {
    /// Sampled rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a row of `dims` numbers, or one without a vector, by its hash.
    pub(super) fn add(&mut self, hash: u64, vector: Option<&[f32]>, dims: usize) {
        let capacity = capacity(dims);
        if self.0.len() == capacity && self.0.last_key_value().is_some_and(|(last, _)| *last < hash) {
            return;
        }
        self.keep(hash, vector.unwrap_or_default().iter().map(|number| number.to_bits()).collect(), capacity);
    }

    /// Adds the rows of another part.
    pub(super) fn merge(&mut self, other: &Self, dims: usize) {
        for (hash, row) in &other.0 {
            self.keep(*hash, row.clone(), capacity(dims));
        }
    }

    /// INVARIANT (order-free): of two rows with one hash the smaller is kept, whichever came first.
    fn keep(&mut self, hash: u64, row: Vec<u32>, capacity: usize) {
        let kept = self.0.entry(hash).or_insert_with(|| row.clone());
        if row < *kept {
            *kept = row;
        }
        while self.0.len() > capacity {
            self.0.pop_last();
        }
    }

    /// The rows in the order of their hashes, which is no order of the data.
    pub(super) fn rows(&self) -> impl Iterator<Item = Option<Vec<f32>>> {
        let vector = |row: &Vec<u32>| row.iter().map(|bits| f32::from_bits(*bits)).collect();
        self.0.values().map(move |row| (!row.is_empty()).then(|| vector(row)))
    }

    /// Whether every row is of vectors of this length, or without one, and no more are kept than may be.
    pub(super) fn fits(&self, dims: usize) -> bool {
        let is_vector = |row: &Vec<u32>| {
            row.is_empty() || (row.len() == dims && row.iter().all(|bits| f32::from_bits(*bits).is_finite()))
        };
        self.len() <= capacity(dims) && self.0.values().all(is_vector)
    }
}

fn capacity(dims: usize) -> usize {
    (MAX_NUMBERS / dims.max(1)).min(MAX_ROWS)
}

/// A hash and its numbers, in hexadecimal digits.
impl From<VectorSample> for Vec<String> {
    fn from(sample: VectorSample) -> Self {
        let text = |(hash, row): (u64, Vec<u32>)| {
            use std::fmt::Write as _;
            let mut text = format!("{hash:016x}");
            for bits in row {
                // Writing to a string does not fail.
                let _ = write!(text, "{bits:08x}");
            }
            text
        };
        sample.0.into_iter().map(text).collect()
    }
}

impl TryFrom<Vec<String>> for VectorSample {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let wrong = || "a sampled row is no hash with numbers, in the order of the hashes".to_owned();
        if texts.len() > MAX_ROWS {
            return Err("more rows are sampled than a profile keeps".to_owned());
        }
        let mut rows = BTreeMap::new();
        for text in texts {
            let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let length = text.len();
            if !is_hex
                || length < HASH
                || !(length - HASH).is_multiple_of(NUMBER)
                || length > HASH + NUMBER * MAX_DIMS
            {
                return Err(wrong());
            }
            let hash = u64::from_str_radix(&text[..HASH], 16).map_err(|_| wrong())?;
            let numbers =
                (HASH..length).step_by(NUMBER).map(|at| u32::from_str_radix(&text[at..at + NUMBER], 16));
            let row: Vec<u32> = numbers.collect::<Result<_, _>>().map_err(|_| wrong())?;
            if rows.last_key_value().is_some_and(|(last, _): (&u64, _)| *last >= hash) {
                return Err(wrong());
            }
            rows.insert(hash, row);
        }
        Ok(Self(rows))
    }
}
