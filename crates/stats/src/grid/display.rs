//! Both distributions as bars for people: from the counters alone, so that a stored profile can be drawn too.

use serde::Serialize;

use super::{CategoryGrid, Grid, NumberGrid};
use crate::counts::{Counts, SPECIAL_BINS};
use crate::num::{real, share};

/// Bars of a number column between its ends.
const BARS: usize = 32;
/// Categories that are drawn, at most; the others are one bar.
const CATEGORIES: usize = 14;
/// Part of the reference on each side that the drawn range leaves to the end bars.
const TAIL: f64 = 0.005;

/// Shares of both sides by bar.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// What each bar stands for.
    pub labels: Vec<String>,
    /// Share of the reference's rows, 0..=1.
    pub reference: Vec<f64>,
    /// Share of the current rows, 0..=1.
    pub current: Vec<f64>,
    /// Whether the bars have an order, and those between the first and the last the same width.
    pub is_ordered: bool,
}

/// Bars for a column.
pub fn histogram(grid: &Grid, reference: &Counts, current: &Counts) -> Histogram {
    let mut bars = match grid {
        Grid::Numeric(grid) => of_numbers(grid, reference, current),
        Grid::Categorical(grid) => of_categories(grid, reference, current),
    };
    let specials = reference.special().into_iter().zip(current.special());
    for (name, (before, now)) in SPECIAL_BINS.iter().zip(specials) {
        if before + now > 0 {
            bars.labels.push((*name).to_owned());
            bars.reference.push(share(before, reference.rows()));
            bars.current.push(share(now, current.rows()));
        }
    }
    bars
}

fn of_numbers(grid: &NumberGrid, reference: &Counts, current: &Counts) -> Histogram {
    let mut bars = Histogram { is_ordered: true, ..Histogram::default() };
    let Some((least, greatest)) = grid.range() else { return bars };
    let (low, high) = (quantile_of(grid, reference, TAIL), quantile_of(grid, reference, 1.0 - TAIL));
    let (low, high) = if low < high { (low, high) } else { (least, greatest) };
    // Halves first: the difference of two large numbers can be infinite.
    let border = |i: usize| {
        let part = real(i as u64) / real(BARS as u64);
        low * (1.0 - part) + high * part
    };
    let mut borders: Vec<f64> = (0..=BARS).map(border).collect();
    borders.dedup();
    bars.labels.push(format!("up to {}", shown(borders[0])));
    for pair in borders.windows(2) {
        bars.labels.push(format!("{} to {}", shown(pair[0]), shown(pair[1])));
    }
    bars.labels.push(format!("above {}", shown(borders[borders.len() - 1])));
    for (counts, shares) in [(reference, &mut bars.reference), (current, &mut bars.current)] {
        let rows = real(counts.rows().max(1));
        let below: Vec<f64> = borders.iter().map(|border| rows_up_to(grid, &counts.bins, *border)).collect();
        shares.push(below[0] / rows);
        shares.extend(below.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0) / rows));
        shares.push((real(counts.valid()) - below[below.len() - 1]).max(0.0) / rows);
    }
    bars
}

/// Rows at or below `border`, evenly spread within the bin that it cuts.
fn rows_up_to(grid: &NumberGrid, bins: &[u64], border: f64) -> f64 {
    let cuts = grid.cuts();
    let bin = grid.bin(border);
    let before: u64 = bins[..bin].iter().sum();
    let (Some(left), Some(right)) = (bin.checked_sub(1).and_then(|at| cuts.get(at)), cuts.get(bin)) else {
        // Outside of the reference there is nothing to spread over.
        return real(before);
    };
    let part = ((border - left) / (right - left)).clamp(0.0, 1.0);
    real(before) + real(bins[bin]) * if part.is_finite() { part } else { 0.5 }
}

/// The border of a stored bin below which about `part` of the values lie; the ends of the reference bound it.
pub(crate) fn quantile_of(grid: &NumberGrid, counts: &Counts, part: f64) -> f64 {
    let wanted = part * real(counts.valid());
    let mut before = 0;
    for (count, cut) in counts.bins.iter().zip(grid.cuts()) {
        before += count;
        if real(before) >= wanted && before > 0 {
            return *cut;
        }
    }
    grid.cuts().last().copied().unwrap_or(0.0)
}

fn of_categories(grid: &CategoryGrid, reference: &Counts, current: &Counts) -> Histogram {
    let (n1, n2) = (reference.rows(), current.rows());
    let mut order: Vec<usize> = (0..grid.names().len()).collect();
    let weight = |bin: usize| share(reference.bins[bin], n1) + share(current.bins[bin], n2);
    order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)).then(a.cmp(b)));
    let mut bars = Histogram::default();
    for bin in order.iter().take(CATEGORIES) {
        bars.labels.push(grid.names()[*bin].clone());
        bars.reference.push(share(reference.bins[*bin], n1));
        bars.current.push(share(current.bins[*bin], n2));
    }
    let rest = |counts: &Counts| order.iter().skip(CATEGORIES).map(|bin| counts.bins[*bin]).sum::<u64>();
    let last = grid.names().len();
    for (name, before, now) in [
        ("other known categories", rest(reference), rest(current)),
        (
            if grid.is_complete() { "not in the reference" } else { "not told apart" },
            reference.bins[last],
            current.bins[last],
        ),
    ] {
        if before + now > 0 {
            bars.labels.push(name.to_owned());
            bars.reference.push(share(before, n1));
            bars.current.push(share(now, n2));
        }
    }
    bars
}

/// A number in at most a few digits.
pub(crate) fn shown(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let magnitude = number.abs();
    if !(1e-3..1e7).contains(&magnitude) {
        return format!("{number:.2e}");
    }
    let digits = if magnitude >= 1000.0 {
        0
    } else if magnitude >= 100.0 {
        1
    } else if magnitude >= 1.0 {
        2
    } else {
        4
    };
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
