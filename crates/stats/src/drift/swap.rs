//! Columns that have taken each other's place, seen in their own distributions: the current values of each fit the
//! frozen bins of the other.

use crate::counts::Counts;
use crate::measures::balanced;

use super::compared::Compared;

/// Drifted columns that are tried against each other, at most: the pairs grow with the square.
const MAX_TRIED: usize = 64;
/// Vc from which a column is tried, if it is more than chance.
const TRIED_FROM: f64 = 0.3;
/// The swapped columns must explain the drift at least this much better than as they are.
const BETTER: f64 = 3.0;

/// A pair with V as it is and V if swapped back, the larger of the two columns each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Swap {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) as_is: f64,
    pub(super) swapped: f64,
}

/// Finds disjoint pairs, those that fit best first. `gate` is the p-value below which a column counts as drifted.
pub(super) fn find(columns: &[Compared], gate: f64) -> Vec<Swap> {
    let mut tried: Vec<usize> = (0..columns.len())
        .filter(|at| !columns[*at].sample.is_empty() && columns[*at].coefficient(gate) >= TRIED_FROM)
        .collect();
    tried.sort_by(|a, b| columns[*b].v().total_cmp(&columns[*a].v()));
    tried.truncate(MAX_TRIED);
    let mut found = Vec::new();
    for (at, b) in tried.iter().enumerate() {
        for a in &tried[..at] {
            let (Some(one), Some(two)) = (fit(&columns[*a], &columns[*b]), fit(&columns[*b], &columns[*a]))
            else {
                continue;
            };
            let (as_is, swapped) = (columns[*a].v().min(columns[*b].v()), one.max(two));
            if swapped * BETTER <= as_is {
                found.push(Swap { first: *a.min(b), second: *a.max(b), as_is, swapped });
            }
        }
    }
    found.sort_by(|x, y| x.swapped.total_cmp(&y.swapped));
    let mut used = Vec::new();
    found.retain(|swap| {
        let free = !used.contains(&swap.first) && !used.contains(&swap.second);
        if free {
            used.extend([swap.first, swap.second]);
        }
        free
    });
    found
}

/// V, less its noise, of the current values of one column in the frozen bins of another.
fn fit(values: &Compared, bins: &Compared) -> Option<f64> {
    let mut counts = Counts::empty(&bins.grid);
    counts.add(&bins.grid, &values.sample);
    let found = balanced(&bins.reference.scored(&bins.grid, true), &counts.scored(&bins.grid, false))?;
    Some(found.corrected)
}
