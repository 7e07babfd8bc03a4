//! One column compared: everything that is needed later, without its values.

use crate::cells::Block;
use crate::column::{Current, POINTS, Reference, Scored, constant_of};
use crate::counts::Counts;
use crate::grid::{Grid, Histogram, histogram};
use crate::measures::{Balanced, Measures, Rate, balanced};
use crate::profile::Role;

use super::report::Rates;

/// A compared column.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What it is to the model.
    pub role: Role,
    /// The frozen bins.
    pub grid: Grid,
    /// The reference's rows in them.
    pub reference: Counts,
    /// The current rows in them.
    pub current: Counts,
    /// Whether the current rows lack the column.
    pub is_absent: bool,
    /// V, whole and in parts; none if a side has no row.
    pub scored: Option<Scored>,
    /// V of the quality indicator.
    pub quality: Option<Balanced>,
    /// Rates of what is no sound value.
    pub rates: Rates,
    /// Other distances.
    pub measures: Measures,
    /// Both distributions.
    pub histogram: Histogram,
    /// Quantiles of both sides, where values were at hand.
    pub quantiles: Option<([f64; POINTS], [f64; POINTS])>,
    /// The one value of the reference, if there is only one.
    pub constant_before: Option<String>,
    /// The one value of the current rows, if there is only one.
    pub constant_now: Option<String>,
    /// Some of the current rows.
    pub sample: Block,
    /// Its weight among the features beside the stated one: columns that were made from one share its weight.
    pub share: f64,
    /// What a difference of its values means, where they are no values of the file.
    pub about: Option<String>,
}

impl Compared {
    /// Compares a column. `current` is none where the current rows lack it; `rows` is how many of them there are.
    pub fn of(name: &str, role: Role, reference: Reference, current: Option<Current>, rows: u64) -> Self {
        let is_absent = current.is_none();
        let current = current.unwrap_or_else(|| Current::absent(&reference.grid, rows));
        let grid = &reference.grid;
        let values = (reference.has_all && current.has_all && !current.values.is_empty())
            .then_some((reference.values.as_slice(), current.values.as_slice()));
        Self {
            name: name.to_owned(),
            role,
            is_absent,
            scored: Scored::of(grid, &reference.counts, &current.counts),
            quality: quality(grid, &reference.counts, &current.counts),
            rates: rates(grid, &reference.counts, &current.counts),
            measures: Measures::of(grid, &reference.counts, &current.counts, values),
            histogram: histogram(grid, &reference.counts, &current.counts),
            quantiles: reference.quantiles().zip(current.quantiles()),
            constant_before: constant_of(&reference.counts, grid),
            constant_now: current.constant(grid),
            sample: current.sample,
            share: 1.0,
            about: None,
            reference: reference.counts,
            current: current.counts,
            grid: reference.grid,
        }
    }

    /// Vc if the difference is more than chance at level `gate`, else 0.
    pub fn coefficient(&self, gate: f64) -> f64 {
        let whole = self.scored.as_ref().map(|scored| scored.whole);
        whole.filter(|whole| whole.passes(gate)).map_or(0.0, |whole| whole.corrected)
    }

    /// V over everything, or that of nothing.
    pub fn v(&self) -> f64 {
        self.scored.as_ref().map_or(0.0, |scored| scored.whole.v)
    }
}

/// V of {sound, missing, not finite, wrong type, below, above, unseen}.
fn quality(grid: &Grid, reference: &Counts, current: &Counts) -> Option<Balanced> {
    let indicator = |counts: &Counts, unseen: u64| {
        let outside = counts.outside(grid);
        let [missing, nan, low, high, wrong] = counts.special();
        let bad = outside.below + outside.above + unseen;
        let sound = counts.valid().saturating_sub(bad);
        [sound, missing, nan + low + high, wrong, outside.below, outside.above, unseen]
    };
    let (before, now) = unseen(grid, reference, current);
    balanced(&indicator(reference, before), &indicator(current, now))
}

/// Rows of categories that the reference lacks; of the reference itself, those that it would lack without them.
fn unseen(grid: &Grid, reference: &Counts, current: &Counts) -> (u64, u64) {
    match grid {
        Grid::Categorical(categories) if categories.is_complete() => {
            let last = |scored: Vec<u64>| scored.last().copied().unwrap_or(0);
            (
                last(categories.scored_counts(&reference.bins, true)),
                last(categories.scored_counts(&current.bins, false)),
            )
        }
        _ => (0, 0),
    }
}

fn rates(grid: &Grid, reference: &Counts, current: &Counts) -> Rates {
    let (n1, n2) = (reference.rows(), current.rows());
    let rate = |before: u64, now: u64| Rate::new(before, n1, now, n2);
    let not_finite = |counts: &Counts| counts.nan + counts.negative_infinity + counts.positive_infinity;
    let range = |counts: &Counts| counts.outside(grid).below + counts.outside(grid).above;
    let (before, now) = unseen(grid, reference, current);
    Rates {
        missing: rate(reference.missing, current.missing),
        not_finite: rate(not_finite(reference), not_finite(current)),
        wrong_type: rate(reference.wrong_type, current.wrong_type),
        out_of_range: rate(range(reference), range(current)),
        unseen: rate(before, now),
    }
}
