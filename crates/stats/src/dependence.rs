//! How columns move together: rank correlations from coarse joint counts, so that swapped or shuffled columns are
//! seen although each column alone looks as before.
//!
//! Each value becomes one of four levels by the quartiles of the frozen grid; the joint counts of two columns are 16
//! plain counters. The correlation is Spearman's of the table, with mid-ranks for ties.

use serde::{Deserialize, Serialize};

use crate::cells::{Block, Cell};
use crate::column::Reference;
use crate::error::StatsError;
use crate::grid::{Grid, quantile_of};
use crate::num::{real, size};
use crate::numeric::normal::upper_tail;

/// Columns whose pairs are counted, at most: 496 pairs of 16 counters.
pub const MAX_COLUMNS: usize = 32;
/// Levels of a column.
const LEVELS: usize = 4;
/// Counters of a pair.
const CELLS: usize = LEVELS * LEVELS;
/// Rows with both values that a correlation needs on each side, at least.
const MIN_ROWS: u64 = 200;
/// Changes of a correlation below this are not material, however sure.
pub const MATERIAL_CHANGE: f64 = 0.1;
/// A level that stands for "no number".
const NONE: u8 = u8::MAX;

/// Joint counts of pairs of number columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// The columns, in their order.
    columns: Vec<String>,
    /// For each pair (0, 1), (0, 2), (1, 2), (0, 3), ...: rows of each level of the first by level of the second.
    tables: Vec<Vec<u64>>,
}

/// The quartiles of a frozen number column, which divide its levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quartiles([f64; LEVELS - 1]);

impl Quartiles {
    /// Of a column, unless it is no number column or its values are too few to divide.
    pub fn of(reference: &Reference) -> Option<Self> {
        let Grid::Numeric(grid) = &reference.grid else { return None };
        if reference.counts.valid() < MIN_ROWS {
            return None;
        }
        let cuts: [f64; LEVELS - 1] =
            std::array::from_fn(|i| quantile_of(grid, &reference.counts, size(i + 1) / size(LEVELS)));
        let (_, greatest) = grid.range()?;
        // All in one level would say nothing.
        (cuts[0] < greatest).then_some(Self(cuts))
    }

    /// The level of each row.
    pub fn levels(&self, block: &Block) -> Vec<u8> {
        let level = |cell| match cell {
            Cell::Number(value) if !value.is_nan() => self.0.iter().filter(|cut| value > **cut).count() as u8,
            _ => NONE,
        };
        block.cells().map(level).collect()
    }
}

impl Pairs {
    /// Counts the pairs of columns, each given by its name and the level of each row.
    pub fn of(columns: &[(&str, &[u8])]) -> Self {
        let columns = &columns[..columns.len().min(MAX_COLUMNS)];
        let mut tables = Vec::new();
        for (at, (_, second)) in columns.iter().enumerate() {
            for (_, first) in &columns[..at] {
                let mut table = vec![0; CELLS];
                for (a, b) in first.iter().zip(*second) {
                    if *a != NONE && *b != NONE {
                        table[usize::from(*a) * LEVELS + usize::from(*b)] += 1;
                    }
                }
                tables.push(table);
            }
        }
        Self { columns: columns.iter().map(|(name, _)| (*name).to_owned()).collect(), tables }
    }

    /// The columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Adds the rows of another part, counted on the same grid.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.columns != other.columns {
            return Err(StatsError::OtherGrid("their pairs are of other columns".to_owned()));
        }
        for (ours, theirs) in self.tables.iter_mut().zip(&other.tables) {
            for (a, b) in ours.iter_mut().zip(theirs) {
                *a += b;
            }
        }
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<(), StatsError> {
        let count = self.columns.len();
        let fits = count <= MAX_COLUMNS
            && self.tables.len() == count * count.saturating_sub(1) / 2
            && self.tables.iter().all(|table| table.len() == CELLS)
            && self.tables.iter().flatten().all(|rows| *rows <= crate::profile::MAX_ROWS / CELLS as u64);
        if fits {
            return Ok(());
        }
        let problem = "not 16 counters for each pair of columns".to_owned();
        Err(StatsError::Inconsistent { place: "pairs".to_owned(), problem })
    }

    fn table(&self, a: usize, b: usize) -> Option<&[u64]> {
        let (first, second) = (a.min(b), a.max(b));
        self.tables.get(second * second.saturating_sub(1) / 2 + first).map(Vec::as_slice)
    }

    fn correlation(&self, a: usize, b: usize) -> Option<(f64, u64)> {
        if a == b {
            return None;
        }
        correlation(self.table(a, b)?)
    }
}

/// Spearman's rank correlation of a joint table, and its rows; nothing with too few rows or a constant side.
fn correlation(table: &[u64]) -> Option<(f64, u64)> {
    let rows: u64 = table.iter().sum();
    if rows < MIN_ROWS {
        return None;
    }
    let margin = |of: &dyn Fn(usize) -> usize| {
        let mut sums = [0_u64; LEVELS];
        for (cell, count) in table.iter().enumerate() {
            sums[of(cell)] += count;
        }
        ranks(&sums)
    };
    let (first, second) = (margin(&|cell| cell / LEVELS), margin(&|cell| cell % LEVELS));
    let middle = real(rows) / 2.0;
    let (mut both, mut one, mut two) = (0.0, 0.0, 0.0);
    for (cell, count) in table.iter().enumerate() {
        let (x, y) = (first[cell / LEVELS] - middle, second[cell % LEVELS] - middle);
        let count = real(*count);
        both += count * x * y;
        one += count * x * x;
        two += count * y * y;
    }
    (one > 0.0 && two > 0.0).then(|| ((both / (one * two).sqrt()).clamp(-1.0, 1.0), rows))
}

fn ranks(sums: &[u64; LEVELS]) -> [f64; LEVELS] {
    let mut before = 0;
    std::array::from_fn(|level| {
        let rank = real(before) + real(sums[level]) / 2.0;
        before += sums[level];
        rank
    })
}

/// What happened to the way columns move together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Break {
    /// Two columns have taken each other's place.
    Swapped {
        /// The first.
        first: String,
        /// The second.
        second: String,
        /// Root mean square of what the correlations differ by if they are swapped back.
        left: f64,
        /// The same as they are.
        changed: f64,
    },
    /// A column no longer moves with the others, as if its rows were in another order.
    Detached {
        /// The column.
        column: String,
        /// Its strongest correlation before, by size.
        before: f64,
        /// The same correlation now.
        now: f64,
        /// With which column.
        with: String,
    },
    /// A correlation changed.
    Changed {
        /// One column.
        first: String,
        /// The other.
        second: String,
        /// Before.
        before: f64,
        /// Now.
        now: f64,
    },
}

/// Finds what changed, at level `alpha` over all pairs. `is_stable` says of a column whether its own distribution
/// stayed; where it did not, a changed correlation says nothing new.
pub fn compare(
    reference: &Pairs,
    current: &Pairs,
    alpha: f64,
    is_stable: impl Fn(&str) -> bool,
) -> Vec<Break> {
    if reference.columns != current.columns {
        return Vec::new();
    }
    let count = reference.columns.len();
    let stable: Vec<usize> = (0..count).filter(|at| is_stable(&reference.columns[*at])).collect();
    let pairs = size((stable.len() * stable.len().saturating_sub(1) / 2).max(1));
    let mut broken = Vec::new();
    for (at, b) in stable.iter().enumerate() {
        for a in &stable[..at] {
            if let Some((before, now)) = changed(reference, current, *a, *b, alpha / pairs) {
                broken.push((*a, *b, before, now));
            }
        }
    }
    if broken.is_empty() {
        return Vec::new();
    }
    let touched: Vec<usize> =
        stable.iter().copied().filter(|at| broken.iter().any(|(a, b, ..)| a == at || b == at)).collect();
    if let Some(found) = swapped(reference, current, &touched, &stable) {
        return vec![found];
    }
    let detached = detached(reference, current, &touched, &broken);
    if !detached.is_empty() {
        return detached;
    }
    broken.sort_by(|x, y| (y.2 - y.3).abs().total_cmp(&(x.2 - x.3).abs()));
    let name = |at: usize| reference.columns[at].clone();
    broken
        .iter()
        .map(|(a, b, before, now)| Break::Changed {
            first: name(*a),
            second: name(*b),
            before: *before,
            now: *now,
        })
        .collect()
}

/// Both correlations of a pair if they differ materially and more than by chance (Fisher's z, Fisher 1921).
fn changed(reference: &Pairs, current: &Pairs, a: usize, b: usize, alpha: f64) -> Option<(f64, f64)> {
    let (before, n1) = reference.correlation(a, b)?;
    let (now, n2) = current.correlation(a, b)?;
    let z = |r: f64| r.clamp(-0.999_999, 0.999_999).atanh();
    let error = (1.0 / (real(n1) - 3.0) + 1.0 / (real(n2) - 3.0)).sqrt();
    let p = 2.0 * upper_tail((z(before) - z(now)).abs() / error);
    (p < alpha && (before - now).abs() >= MATERIAL_CHANGE).then_some((before, now))
}

/// Two columns whose correlations with all others are explained by a swap far better than as they are.
fn swapped(reference: &Pairs, current: &Pairs, touched: &[usize], all: &[usize]) -> Option<Break> {
    let mut best: Option<(f64, f64, usize, usize)> = None;
    for (at, b) in touched.iter().enumerate() {
        for a in &touched[..at] {
            let (mut kept, mut swap, mut terms) = (0.0, 0.0, 0_usize);
            for c in all.iter().filter(|c| *c != a && *c != b) {
                for (x, y) in [(*a, *b), (*b, *a)] {
                    let (Some((now, _)), Some((same, _)), Some((other, _))) = (
                        current.correlation(x, *c),
                        reference.correlation(x, *c),
                        reference.correlation(y, *c),
                    ) else {
                        continue;
                    };
                    kept += (now - same).powi(2);
                    swap += (now - other).powi(2);
                    terms += 1;
                }
            }
            if terms < 2 {
                continue;
            }
            let (kept, swap) = ((kept / size(terms)).sqrt(), (swap / size(terms)).sqrt());
            if swap < kept / 3.0 && best.is_none_or(|(least, ..)| swap < least) {
                best = Some((swap, kept, *a, *b));
            }
        }
    }
    let (left, changed, a, b) = best?;
    let name = |at: usize| reference.columns[at].clone();
    Some(Break::Swapped { first: name(a), second: name(b), left, changed })
}

/// Columns that took part in more than one broken pair, all of which fell to about nothing.
fn detached(
    reference: &Pairs,
    current: &Pairs,
    touched: &[usize],
    broken: &[(usize, usize, f64, f64)],
) -> Vec<Break> {
    let mut found = Vec::new();
    for column in touched {
        let own: Vec<_> = broken.iter().filter(|(a, b, ..)| a == column || b == column).collect();
        let fell =
            own.iter().all(|(_, _, before, now)| now.abs() < MATERIAL_CHANGE && before.abs() > now.abs());
        let elsewhere = broken.iter().any(|(a, b, ..)| a != column && b != column);
        if own.len() < 2 || !fell || elsewhere {
            continue;
        }
        let strongest = own.iter().max_by(|x, y| x.2.abs().total_cmp(&y.2.abs()));
        if let Some((a, b, ..)) = strongest {
            let with = if a == column { *b } else { *a };
            let value = |pairs: &Pairs| pairs.correlation(*column, with).map_or(0.0, |(r, _)| r);
            found.push(Break::Detached {
                column: reference.columns[*column].clone(),
                before: value(reference),
                now: value(current),
                with: reference.columns[with].clone(),
            });
        }
    }
    found
}
