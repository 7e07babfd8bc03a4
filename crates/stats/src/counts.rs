//! Counters of a column on a grid: the whole state of a profile.
//!
//! INVARIANT (order-free): every field is a count or a bounded set that forgets all of itself when it overflows, so
//! merging is associative, commutative and bit-identical in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::{Block, Cell, Tally, number_name};
use crate::error::StatsError;
use crate::grid::{Grid, NumberGrid};

/// New categories that are kept by name, at most; with more of them only their number of rows is known.
pub const MAX_NOVEL: usize = 32;

/// Counted bins for what is no value; they stand before those of values wherever all are scored.
pub const SPECIAL_BINS: [&str; 5] = ["missing", "NaN", "-inf", "+inf", "wrong type"];

/// Rows of one column, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Rows without a value.
    pub missing: u64,
    /// Rows that hold "not a number".
    pub nan: u64,
    /// Rows that hold minus infinity.
    pub negative_infinity: u64,
    /// Rows that hold plus infinity.
    pub positive_infinity: u64,
    /// Texts in a column of numbers.
    pub wrong_type: u64,
    /// Rows of each stored bin of the grid.
    pub bins: Vec<u64>,
    /// Categories that the grid does not know, with their rows; nothing once there were more than [`MAX_NOVEL`].
    pub novel: Option<BTreeMap<String, u64>>,
}

impl Counts {
    /// No rows, on this grid.
    pub fn empty(grid: &Grid) -> Self {
        Self { bins: vec![0; grid.bins()], novel: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Counts of a whole number column, whose finite values are already in ascending order.
    pub fn of_sorted(grid: &NumberGrid, tally: &Tally<'_>, finite: &[f64]) -> Self {
        let mut counts = Self { novel: Some(BTreeMap::new()), ..Self::default() };
        counts.bins = grid.count_sorted(finite);
        counts.missing = tally.nulls;
        counts.wrong_type = tally.others + tally.texts.iter().sum::<u64>();
        for value in tally.numbers.iter().filter(|value| !value.is_finite()) {
            counts.special_number(*value);
        }
        counts
    }

    /// Counts further rows.
    pub fn add(&mut self, grid: &Grid, block: &Block) {
        match grid {
            Grid::Numeric(grid) => self.add_numbers(grid, block),
            Grid::Categorical(_) => self.add_tally(grid, &block.tally()),
        }
    }

    /// Counts further rows that are already tallied.
    pub fn add_tally(&mut self, grid: &Grid, tally: &Tally<'_>) {
        self.missing += tally.nulls;
        match grid {
            Grid::Numeric(numbers) => {
                self.wrong_type += tally.others + tally.texts.iter().sum::<u64>();
                for value in &tally.numbers {
                    self.number(numbers, *value);
                }
            }
            Grid::Categorical(categories) => {
                if let Some(last) = self.bins.last_mut() {
                    *last += tally.others;
                }
                if tally.others > 0 {
                    self.novel = None;
                }
                for (word, rows) in tally.words.iter().zip(&tally.texts).filter(|(_, rows)| **rows > 0) {
                    self.category(categories.bin(word), word, *rows);
                }
                // Runs of one number are named once.
                let mut numbers = tally.numbers.clone();
                crate::sort::ascending(&mut numbers);
                for run in numbers.chunk_by(|a, b| a.to_bits() == b.to_bits()) {
                    if run[0].is_finite() {
                        let name = number_name(run[0]);
                        self.category(categories.bin(&name), &name, run.len() as u64);
                    } else {
                        for value in run {
                            self.special_number(*value);
                        }
                    }
                }
            }
        }
    }

    fn add_numbers(&mut self, grid: &NumberGrid, block: &Block) {
        if let Some(numbers) = block.as_numbers() {
            for value in numbers {
                self.number(grid, *value);
            }
            return;
        }
        for cell in block.cells() {
            match cell {
                Cell::Null => self.missing += 1,
                Cell::Number(value) => self.number(grid, value),
                Cell::Text(_) | Cell::Other => self.wrong_type += 1,
            }
        }
    }

    fn number(&mut self, grid: &NumberGrid, value: f64) {
        if value.is_finite() {
            self.bins[grid.bin(value)] += 1;
        } else {
            self.special_number(value);
        }
    }

    fn special_number(&mut self, value: f64) {
        if value.is_nan() {
            self.nan += 1;
        } else if value > 0.0 {
            self.positive_infinity += 1;
        } else {
            self.negative_infinity += 1;
        }
    }

    fn category(&mut self, bin: usize, name: &str, rows: u64) {
        self.bins[bin] += rows;
        if bin + 1 < self.bins.len() {
            return;
        }
        if let Some(novel) = &mut self.novel {
            *novel.entry(name.to_owned()).or_default() += rows;
            if novel.len() > MAX_NOVEL {
                self.novel = None;
            }
        }
    }

    /// Adds the rows of another part, counted on the same grid.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.bins.len() != other.bins.len() {
            let (ours, theirs) = (self.bins.len(), other.bins.len());
            return Err(StatsError::OtherGrid(format!("{ours} bins on one side, {theirs} on the other")));
        }
        self.missing += other.missing;
        self.nan += other.nan;
        self.negative_infinity += other.negative_infinity;
        self.positive_infinity += other.positive_infinity;
        self.wrong_type += other.wrong_type;
        for (ours, theirs) in self.bins.iter_mut().zip(&other.bins) {
            *ours += theirs;
        }
        let both = self.novel.take().zip(other.novel.as_ref());
        self.novel = both.and_then(|(mut ours, theirs)| {
            for (name, rows) in theirs {
                *ours.entry(name.clone()).or_default() += rows;
            }
            (ours.len() <= MAX_NOVEL).then_some(ours)
        });
        Ok(())
    }

    /// Rows with a value of the right type, infinities and NaN not among them.
    pub fn valid(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.valid() + self.special().iter().sum::<u64>()
    }

    /// The counted bins for what is no value, in the order of [`SPECIAL_BINS`].
    pub fn special(&self) -> [u64; 5] {
        [self.missing, self.nan, self.negative_infinity, self.positive_infinity, self.wrong_type]
    }

    /// Everything that is scored: the special bins, then the scored bins of values.
    pub fn scored(&self, grid: &Grid, is_reference: bool) -> Vec<u64> {
        let mut scored = self.special().to_vec();
        scored.extend(match grid {
            Grid::Numeric(grid) => grid.scored_counts(&self.bins),
            Grid::Categorical(grid) => grid.scored_counts(&self.bins, is_reference),
        });
        scored
    }

    /// Rows whose value the reference did not hold: below or above its range, or of an unknown category.
    pub fn outside(&self, grid: &Grid) -> Outside {
        let (first, last) = (self.bins.first().copied(), self.bins.last().copied());
        match grid {
            // Without a cut, one bin holds everything.
            Grid::Numeric(grid) if grid.cuts().is_empty() => {
                Outside { below: 0, above: last.unwrap_or(0), unseen: 0 }
            }
            Grid::Numeric(_) => Outside { below: first.unwrap_or(0), above: last.unwrap_or(0), unseen: 0 },
            Grid::Categorical(grid) if grid.is_complete() => {
                Outside { below: 0, above: 0, unseen: last.unwrap_or(0) }
            }
            Grid::Categorical(_) => Outside::default(),
        }
    }

    pub(crate) fn check(&self, grid: &Grid, place: &str) -> Result<u64, StatsError> {
        let refuse = |problem: &str| {
            Err(StatsError::Inconsistent { place: place.to_owned(), problem: problem.to_owned() })
        };
        if self.bins.len() != grid.bins() {
            return refuse("it has not a count for each bin");
        }
        if self.novel.as_ref().is_some_and(|novel| novel.len() > MAX_NOVEL) {
            return refuse("it names more new categories than are kept");
        }
        let mut novel = 0_u64;
        for count in self.novel.iter().flat_map(BTreeMap::values) {
            novel = novel.saturating_add(*count);
        }
        if novel > self.bins.last().copied().unwrap_or(0) {
            return refuse("it names more rows of new categories than there are");
        }
        let mut rows = 0_u64;
        for count in self.bins.iter().chain(&self.special()) {
            match rows.checked_add(*count).filter(|sum| *sum <= crate::profile::MAX_ROWS) {
                Some(sum) => rows = sum,
                None => return Err(StatsError::TooManyRows),
            }
        }
        Ok(rows)
    }
}

/// Rows outside of what the reference held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Below its smallest value.
    pub below: u64,
    /// Above its largest value.
    pub above: u64,
    /// Of a category that it did not hold.
    pub unseen: u64,
}
