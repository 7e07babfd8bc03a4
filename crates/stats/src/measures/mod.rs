//! Distances between the reference and the current rows of one column, all from the same frozen bins.

mod balanced;
mod divergence;
mod ks;

pub use balanced::{Balanced, balanced};
pub use divergence::{
    ChiSquare, PSI_FLOOR, chi_square, hellinger, jensen_shannon, largest_difference, psi, psi_added,
    total_variation,
};
pub use ks::{Distance, EXACT_STEPS, Method, binned as ks_binned, exact as ks_exact};

use serde::Serialize;

use crate::counts::Counts;
use crate::grid::{Grid, NumberGrid};
use crate::num::{Sum, real, share};
use crate::numeric::interval::{Proportion, wilson};

/// The distances that stand beside the coefficient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Population stability index. Numbers: the ten bins between the reference's deciles (type 7, closed on the
    /// right) and one for everything that is no finite number; categories: the scored bins. Shares below
    /// [`PSI_FLOOR`] are raised to it.
    pub psi: f64,
    /// Jensen-Shannon distance to base 2 on the scored bins.
    pub jensen_shannon: f64,
    /// Hellinger distance on the scored bins.
    pub hellinger: f64,
    /// Total variation distance on the scored bins.
    pub total_variation: f64,
    /// Two-sample chi-square statistic on the scored bins.
    pub chi_square: f64,
    /// Its degrees of freedom.
    pub chi_square_freedom: usize,
    /// Its p-value, for this column alone.
    pub chi_square_p: f64,
    /// Kolmogorov-Smirnov, of numbers.
    pub ks: Option<Ks>,
    /// Wasserstein-1, of numbers.
    pub wasserstein: Option<Wasserstein>,
}

/// Kolmogorov-Smirnov of the finite values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ks {
    /// D, 0..=1.
    pub d: f64,
    /// How it was found.
    pub method: Method,
    /// What the true D can exceed a binned one by; 0 if exact.
    pub bound: f64,
    /// Two-sided p-value, for this column alone.
    pub p: f64,
}

/// Wasserstein-1 of the finite values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wasserstein {
    /// The distance, in the unit of the column.
    pub distance: f64,
    /// The distance over the reference's interquartile range, if that is not 0.
    pub per_iqr: Option<f64>,
    /// How it was found. A binned one takes values outside of the reference's range for its ends.
    pub method: Method,
}

impl Measures {
    /// From counters, and from all finite values of both sides in ascending order where they are at hand.
    pub fn of(grid: &Grid, reference: &Counts, current: &Counts, values: Option<(&[f64], &[f64])>) -> Self {
        let scored = (reference.scored(grid, true), current.scored(grid, false));
        let chi = chi_square(&scored.0, &scored.1);
        let (psi_bins, ks, wasserstein) = match grid {
            Grid::Categorical(_) => (scored.clone(), None, None),
            Grid::Numeric(grid) => {
                let (ks, wasserstein) = of_numbers(grid, reference, current, values);
                ((deciles(grid, reference), deciles(grid, current)), ks, wasserstein)
            }
        };
        Self {
            psi: psi(&psi_bins.0, &psi_bins.1, PSI_FLOOR),
            jensen_shannon: jensen_shannon(&scored.0, &scored.1),
            hellinger: hellinger(&scored.0, &scored.1),
            total_variation: total_variation(&scored.0, &scored.1),
            chi_square: chi.statistic,
            chi_square_freedom: chi.freedom,
            chi_square_p: chi.p,
            ks,
            wasserstein,
        }
    }
}

/// Rows between the deciles, and of everything that is no finite number.
fn deciles(grid: &NumberGrid, counts: &Counts) -> Vec<u64> {
    let mut bins = grid.decile_counts(&counts.bins);
    bins.push(counts.special().iter().sum());
    bins
}

fn of_numbers(
    grid: &NumberGrid,
    reference: &Counts,
    current: &Counts,
    values: Option<(&[f64], &[f64])>,
) -> (Option<Ks>, Option<Wasserstein>) {
    let quartile = |part| crate::grid::quantile_of(grid, reference, part);
    let iqr = quartile(0.75) - quartile(0.25);
    let per_iqr = |distance: f64| (iqr > 0.0).then(|| distance / iqr).filter(|ratio| ratio.is_finite());
    if let Some((distance, w1)) = values.and_then(|(first, second)| ks_exact(first, second)) {
        let ks = Ks { d: distance.d(), method: Method::Exact, bound: 0.0, p: distance.p() };
        let w1 = w1.min(f64::MAX);
        let wasserstein = Wasserstein { distance: w1, per_iqr: per_iqr(w1), method: Method::Exact };
        return (Some(ks), Some(wasserstein));
    }
    let Some((distance, bound)) = ks_binned(&reference.bins, &current.bins) else { return (None, None) };
    let ks = Ks { d: distance.d(), method: Method::Binned, bound, p: distance.limit_p() };
    let w1 = wasserstein_binned(grid, reference, current);
    (Some(ks), Some(Wasserstein { distance: w1, per_iqr: per_iqr(w1), method: Method::Binned }))
}

/// The area between the two distribution functions, each a straight line within a stored bin.
fn wasserstein_binned(grid: &NumberGrid, reference: &Counts, current: &Counts) -> f64 {
    let (n1, n2) = (reference.valid(), current.valid());
    let gap_at = |first: u64, second: u64| share(first, n1) - share(second, n2);
    let (mut first, mut second) = (reference.bins[0], current.bins[0]);
    let mut area = Sum::default();
    for (bin, pair) in grid.cuts().windows(2).enumerate() {
        let left = gap_at(first, second);
        first += reference.bins[bin + 1];
        second += current.bins[bin + 1];
        let right = gap_at(first, second);
        let mean = if left * right >= 0.0 {
            f64::midpoint(left.abs(), right.abs())
        } else {
            (left * left + right * right) / (2.0 * (left.abs() + right.abs()))
        };
        area.add(mean * (pair[1] - pair[0]));
    }
    area.value().min(f64::MAX)
}

/// A rate on both sides with Wilson's interval for the current one at 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rate {
    /// Share of the reference's rows.
    pub reference: f64,
    /// Share of the current rows.
    pub current: f64,
    /// Lower bound of the current share.
    pub lower: f64,
    /// Upper bound of the current share.
    pub upper: f64,
}

impl Rate {
    /// `before` of `n1` and `now` of `n2` rows.
    pub fn new(before: u64, n1: u64, now: u64, n2: u64) -> Self {
        const TWO_SIDED_95: f64 = 1.959_963_984_540_054;
        let (reference, current) = (share(before, n1), share(now, n2));
        if n2 == 0 {
            return Self { reference, current, lower: 0.0, upper: 1.0 };
        }
        let interval = wilson(Proportion { rate: current, size: real(n2) }, TWO_SIDED_95);
        Self { reference, current, lower: interval.lower, upper: interval.upper }
    }
}
