//! One column of both sides: from gathered cells to counters, and from counters to what is reported.

use crate::cells::{Block, Cell, number_name};
use crate::counts::{Counts, SPECIAL_BINS};
use crate::gather::Gathered;
use crate::grid::{CategoryGrid, Grid, Kind, NumberGrid, quantile_of};
use crate::measures::{Balanced, balanced};
use crate::sort::ascending;
use std::collections::BTreeMap;

/// Points at which the quantiles of both sides are compared: 5 %, 10 %, ... 95 %.
pub const POINTS: usize = 19;

/// A column of the reference.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its frozen bins.
    pub grid: Grid,
    /// Its rows in them.
    pub counts: Counts,
    /// Its finite values in ascending order, of the gathered rows; empty for categories and stored profiles.
    pub values: Vec<f64>,
    /// Whether `values` are all of them.
    pub has_all: bool,
}

impl Reference {
    /// Bins and counters of a gathered column. If only a sample was gathered the counters are empty, and every row is
    /// to be counted in a second pass.
    pub fn of(gathered: &Gathered, kind: Kind) -> Self {
        let tally = gathered.block.tally();
        let has_all = gathered.is_complete();
        match kind {
            Kind::Numeric => {
                let values = finite_ascending(&tally.numbers);
                let grid = NumberGrid::of_sorted(&values);
                let counts = if has_all {
                    Counts::of_sorted(&grid, &tally, &values)
                } else {
                    Counts::empty(&Grid::Numeric(grid.clone()))
                };
                Self { grid: Grid::Numeric(grid), counts, values, has_all }
            }
            Kind::Categorical => {
                let names = NumberNames::of(&tally.numbers);
                let mut rows: BTreeMap<&str, u64> = names.iter().collect();
                for (word, count) in tally.words.iter().zip(&tally.texts).filter(|(_, count)| **count > 0) {
                    *rows.entry(word).or_default() += count;
                }
                let grid = Grid::Categorical(CategoryGrid::of_counts(&rows, tally.others));
                let mut counts = Counts::empty(&grid);
                if has_all {
                    counts.add_tally(&grid, &tally);
                }
                Self { grid, counts, values: Vec::new(), has_all }
            }
        }
    }

    /// Of a stored profile.
    pub fn stored(grid: Grid, counts: Counts) -> Self {
        Self { grid, counts, values: Vec::new(), has_all: false }
    }

    /// Its quantiles at the [`POINTS`]; nothing for categories or without values.
    pub fn quantiles(&self) -> Option<[f64; POINTS]> {
        let Grid::Numeric(grid) = &self.grid else { return None };
        if !self.values.is_empty() {
            return Some(points(|part| of_sorted(&self.values, part)));
        }
        (self.counts.valid() > 0).then(|| points(|part| quantile_of(grid, &self.counts, part)))
    }
}

/// A column of the current rows, on the bins of the reference.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its rows in the reference's bins.
    pub counts: Counts,
    /// Its finite values in ascending order, of the gathered rows; empty for categories and stored profiles.
    pub values: Vec<f64>,
    /// Whether `values` are all of them.
    pub has_all: bool,
    /// Some of its rows as they came, for comparing it with other columns.
    pub sample: Block,
}

impl Current {
    /// Of a gathered column; `counts` if every row was counted while only a sample was gathered.
    pub fn of(gathered: &Gathered, grid: &Grid, counts: Option<Counts>, sample: usize) -> Self {
        let tally = gathered.block.tally();
        let values = match grid {
            Grid::Numeric(_) => finite_ascending(&tally.numbers),
            Grid::Categorical(_) => Vec::new(),
        };
        let counts = counts.unwrap_or_else(|| match grid {
            Grid::Numeric(numbers) => Counts::of_sorted(numbers, &tally, &values),
            Grid::Categorical(_) => {
                let mut counts = Counts::empty(grid);
                counts.add_tally(grid, &tally);
                counts
            }
        });
        Self { counts, values, has_all: gathered.is_complete(), sample: gathered.thinned(sample) }
    }

    /// Of a stored profile on the same grid.
    pub fn stored(counts: Counts) -> Self {
        Self { counts, values: Vec::new(), has_all: false, sample: Block::default() }
    }

    /// A column that is not there: every row lacks a value.
    pub fn absent(grid: &Grid, rows: u64) -> Self {
        let mut counts = Counts::empty(grid);
        counts.missing = rows;
        Self::stored(counts)
    }

    /// Its quantiles at the [`POINTS`], if its values were gathered.
    pub fn quantiles(&self) -> Option<[f64; POINTS]> {
        (!self.values.is_empty()).then(|| points(|part| of_sorted(&self.values, part)))
    }

    /// The one value that all rows with a value hold, if there is one and more than one row.
    pub fn constant(&self, grid: &Grid) -> Option<String> {
        if self.counts.valid() < 2 {
            return None;
        }
        let (first, last) = (self.values.first(), self.values.last());
        if let (Some(first), Some(last)) = (first, last) {
            return (first.to_bits() == last.to_bits() && self.has_all).then(|| number_name(*first));
        }
        constant_of(&self.counts, grid)
    }
}

/// The one value of the reference, if there is only one.
pub fn constant_of(counts: &Counts, grid: &Grid) -> Option<String> {
    let mut filled = counts.bins.iter().enumerate().filter(|(_, rows)| **rows > 0);
    let (bin, _) = filled.next()?;
    if filled.next().is_some() {
        return None;
    }
    match grid {
        Grid::Categorical(grid) => match (grid.names().get(bin), &counts.novel) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(novel)) if novel.len() == 1 => novel.keys().next().cloned(),
            _ => None,
        },
        Grid::Numeric(grid) => {
            let (left, right) = (grid.cuts().get(bin.checked_sub(1)?)?, grid.cuts().get(bin)?);
            (left.next_up().to_bits() == right.to_bits() || left.next_up() >= *right)
                .then(|| number_name(*right))
        }
    }
}

/// V of one column, whole and in parts.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Over everything that is counted.
    pub whole: Balanced,
    /// Over the values alone, without missing ones, NaN, infinities and wrong types; nothing if a side has none.
    pub values: Option<Balanced>,
    /// For each of [`SPECIAL_BINS`], V of that bin against all other rows.
    pub special: [Option<Balanced>; SPECIAL_BINS.len()],
}

impl Scored {
    /// Compares both sides; nothing if one has no row at all.
    pub fn of(grid: &Grid, reference: &Counts, current: &Counts) -> Option<Self> {
        let (before, now) = (reference.scored(grid, true), current.scored(grid, false));
        let whole = balanced(&before, &now)?;
        let skip = SPECIAL_BINS.len();
        let values = balanced(&before[skip..], &now[skip..]);
        let rest = |side: &[u64], at: usize| [side[at], side.iter().sum::<u64>() - side[at]];
        let special = std::array::from_fn(|at| {
            if before[at] + now[at] == 0 { None } else { balanced(&rest(&before, at), &rest(&now, at)) }
        });
        Some(Self { whole, values, special })
    }
}

/// Finite numbers, ascending.
fn finite_ascending(numbers: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
    ascending(&mut values);
    values
}

fn of_sorted(values: &[f64], part: f64) -> f64 {
    let last = values.len() - 1;
    let place = (crate::num::size(last) * part).round() as usize;
    values[place.min(last)]
}

fn points(at: impl Fn(f64) -> f64) -> [f64; POINTS] {
    std::array::from_fn(|i| at(crate::num::size(i + 1) / crate::num::size(POINTS + 1)))
}

/// Numbers by the names they have as categories.
struct NumberNames(Vec<(String, u64)>);

impl NumberNames {
    fn of(numbers: &[f64]) -> Self {
        let values = finite_ascending(numbers);
        Self(
            values
                .chunk_by(|a, b| a.to_bits() == b.to_bits())
                .map(|run| (number_name(run[0]), run.len() as u64))
                .collect(),
        )
    }

    fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, rows)| (name.as_str(), *rows))
    }
}

/// The scored bin of each row, as [`Counts::scored`] numbers them.
pub(crate) fn row_bins(grid: &Grid, block: &Block) -> Vec<usize> {
    let skip = SPECIAL_BINS.len();
    let bin = |cell: Cell<'_>| match (grid, cell) {
        (_, Cell::Null) => 0,
        (_, Cell::Number(value)) if value.is_nan() => 1,
        (_, Cell::Number(f64::NEG_INFINITY)) => 2,
        (_, Cell::Number(f64::INFINITY)) => 3,
        (Grid::Numeric(grid), Cell::Number(value)) => skip + grid.scored_bin(value),
        (Grid::Numeric(_), Cell::Text(_) | Cell::Other) => 4,
        (Grid::Categorical(grid), Cell::Number(value)) => skip + grid.scored_bin(&number_name(value)),
        (Grid::Categorical(grid), Cell::Text(text)) => skip + grid.scored_bin(text),
        (Grid::Categorical(grid), Cell::Other) => skip + grid.scored_names().len() - 1,
    };
    block.cells().map(bin).collect()
}
