//! Gathering a column while it streams by: all of it if it fits, else an even sample of bounded size.
//!
//! The sample is the rows whose mixed row number ends in enough zero bits. It depends on nothing but the row numbers,
//! so that all columns of a file are sampled at the same rows, in every run, whatever the batches were.

use crate::cells::{Block, BlockBuilder};
use crate::num::mix;

/// Collects the blocks of one column.
#[derive(Clone, Debug)]
pub struct Gather {
    kept: BlockBuilder,
    rows: u64,
    level: u32,
    capacity: usize,
}

/// What was gathered.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The kept rows, in order.
    pub block: Block,
    /// Rows that there were.
    pub rows: u64,
    /// How often the sample was halved; 0 means that it is all rows.
    pub level: u32,
}

impl Gathered {
    /// Whether it is all rows.
    pub fn is_complete(&self) -> bool {
        self.level == 0
    }

    /// At most `capacity` of the rows: those that a smaller gathering would have kept.
    pub fn thinned(&self, capacity: usize) -> Block {
        let level = level_for(self.rows, self.level, capacity);
        let mut kept = BlockBuilder::default();
        for (place, row) in sampled(self.rows, self.level).enumerate() {
            if keeps(row, level) {
                kept.push(self.block.cell(place));
            }
        }
        kept.finish()
    }
}

impl Gather {
    /// Keeps at most `capacity` rows, at least 1.
    pub fn new(capacity: usize) -> Self {
        Self { kept: BlockBuilder::default(), rows: 0, level: 0, capacity: capacity.max(1) }
    }

    /// Takes the next rows.
    pub fn push(&mut self, block: &Block) {
        if self.level == 0 && self.kept.len() + block.len() <= self.capacity {
            self.kept.extend(block);
            self.rows += block.len() as u64;
            return;
        }
        for cell in block.cells() {
            if keeps(self.rows, self.level) {
                self.kept.push(cell);
            }
            self.rows += 1;
            while self.kept.len() > self.capacity {
                self.halve();
            }
        }
    }

    /// Ends the gathering.
    pub fn finish(self) -> Gathered {
        Gathered { block: self.kept.finish(), rows: self.rows, level: self.level }
    }

    fn halve(&mut self) {
        let next = self.level + 1;
        let mut rows = sampled(self.rows, self.level);
        self.kept.retain(|_| rows.next().is_some_and(|row| keeps(row, next)));
        self.level = next;
    }
}

/// Whether a row is in the sample of a level.
pub(crate) fn keeps(row: u64, level: u32) -> bool {
    mix(row).trailing_zeros() >= level
}

/// The sampled rows of the first `rows`, in order.
fn sampled(rows: u64, level: u32) -> impl Iterator<Item = u64> {
    (0..rows).filter(move |row| keeps(*row, level))
}

/// The lowest level from `least` on whose sample of `rows` rows is at most `capacity`.
fn level_for(rows: u64, least: u32, capacity: usize) -> u32 {
    if least == 0 && rows <= capacity as u64 {
        return 0;
    }
    let mut at = [0_u64; u64::BITS as usize + 1];
    for row in 0..rows {
        at[mix(row).trailing_zeros() as usize] += 1;
    }
    let mut level = u64::BITS;
    let mut kept = 0;
    while level > least && kept + at[level as usize - 1] <= capacity as u64 {
        level -= 1;
        kept += at[level as usize];
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(rows: std::ops::Range<u32>) -> Block {
        Block::of_numbers(rows.map(f64::from).collect())
    }

    proptest! {
        #[test]
        fn the_sample_does_not_depend_on_the_batches(rows in 1_u32..3000, cut in 0_u32..3000, capacity in 1_usize..500) {
            let cut = cut.min(rows);
            let mut whole = Gather::new(capacity);
            whole.push(&numbers(0..rows));
            let mut parts = Gather::new(capacity);
            parts.push(&numbers(0..cut));
            parts.push(&numbers(cut..rows));
            let (whole, parts) = (whole.finish(), parts.finish());
            prop_assert_eq!(whole.block.as_numbers(), parts.block.as_numbers());
            prop_assert!(whole.block.len() <= capacity);
            prop_assert_eq!(whole.is_complete(), rows as usize <= capacity);
            let small = Gather::new(capacity.div_ceil(2));
            let mut small = small;
            small.push(&numbers(0..rows));
            let (small, thinned) = (small.finish(), whole.thinned(capacity.div_ceil(2)));
            prop_assert_eq!(small.block.as_numbers(), thinned.as_numbers());
        }
    }
}
