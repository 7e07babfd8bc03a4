//! The bootstrap of cells: replicates cost the same for a thousand rows and for a billion.
//!
//! Every measure here depends on the rows through the cells alone, so drawing n rows with replacement and counting them
//! is drawing the cells from a multinomial law with the observed shares: the same distribution, without the rows. It is
//! drawn cell by cell as conditional binomials. With weights a cell that holds the weights w_i is drawn as its sum under
//! the Poisson bootstrap, matched in mean and variance: `(sum w^2 / sum w) * Poisson((sum w)^2 / sum w^2)`.
//!
//! Randomness is PCG-64 (O'Neill 2014) from the caller's seed, one stream a family: equal seeds, equal results.

use super::cells::{CELLS, Confusion, Mass};
use super::report::Resampled;
use super::settings::Bootstrap;
use crate::numeric::interval::Interval;
use crate::numeric::{real, size};
use rand_distr::{Binomial, Distribution as _, Poisson};
use rand_pcg::Pcg64;

/// Expected rows of a cell beyond which its Poisson draw is cut; no cell of weighted rows comes near.
const MOST_EXPECTED: f64 = 1e15;

/// Resamples the cells of some groups and evaluates `measures` on every replicate. Gives one answer a measure, nothing
/// where the value itself or every replicate is undefined.
pub(crate) fn resample<const N: usize>(
    groups: &[Confusion],
    weighted: bool,
    how: Bootstrap,
    (stream, alpha): (u64, f64),
    measures: impl Fn(&[[f64; CELLS]]) -> [Option<f64>; N],
) -> [Option<Resampled>; N] {
    let observed: Vec<[f64; CELLS]> = groups.iter().map(Confusion::weights).collect();
    let values = measures(&observed);
    let mut random = Pcg64::new(u128::from(how.seed), u128::from(stream));
    let filled: Vec<(usize, usize, Mass)> = filled(groups);
    let mut replicate = vec![[0.0; CELLS]; groups.len()];
    let mut found: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(how.replicates as usize));
    for _ in 0..how.replicates {
        if weighted {
            draw_weighted(&filled, &mut replicate, &mut random);
        } else {
            draw_rows(&filled, &mut replicate, &mut random);
        }
        for (values, value) in found.iter_mut().zip(measures(&replicate)) {
            values.extend(value);
        }
    }
    let mut results = [None; N];
    for ((result, mut replicates), value) in results.iter_mut().zip(found).zip(values) {
        *result = value.and_then(|value| summary(&mut replicates, value, how.replicates, alpha));
    }
    results
}

/// The cells with rows, with their places.
fn filled(groups: &[Confusion]) -> Vec<(usize, usize, Mass)> {
    let mut found = Vec::new();
    for (group, confusion) in groups.iter().enumerate() {
        for (cell, mass) in confusion.cells.iter().enumerate().filter(|(_, mass)| mass.rows > 0) {
            found.push((group, cell, *mass));
        }
    }
    found
}

/// One multinomial draw of as many rows as there are.
fn draw_rows(filled: &[(usize, usize, Mass)], replicate: &mut [[f64; CELLS]], random: &mut Pcg64) {
    let mut weight_left: u64 = filled.iter().map(|(_, _, mass)| mass.rows).sum();
    let mut rows_left = weight_left;
    for (group, cell, mass) in filled {
        let chance = real(mass.rows) / real(weight_left);
        let drawn = if mass.rows == weight_left {
            rows_left
        } else {
            // A chance within 0..=1 is always accepted.
            Binomial::new(rows_left, chance).map_or(0, |law| law.sample(random))
        };
        replicate[*group][*cell] = real(drawn);
        rows_left -= drawn;
        weight_left -= mass.rows;
    }
}

/// One draw of the weights of all cells.
fn draw_weighted(filled: &[(usize, usize, Mass)], replicate: &mut [[f64; CELLS]], random: &mut Pcg64) {
    for (group, cell, mass) in filled {
        let unit = mass.square / mass.weight;
        let expected = mass.effective().clamp(f64::MIN_POSITIVE, MOST_EXPECTED);
        replicate[*group][*cell] = unit * Poisson::new(expected).map_or(0.0, |law| law.sample(random));
    }
}

/// The percentile interval of the replicates, as numpy's default quantile would give it.
fn summary(replicates: &mut [f64], value: f64, asked: u32, alpha: f64) -> Option<Resampled> {
    if replicates.is_empty() {
        return None;
    }
    replicates.sort_unstable_by(f64::total_cmp);
    let mean = replicates.iter().sum::<f64>() / size(replicates.len());
    let interval = Interval::new(quantile(replicates, alpha / 2.0), quantile(replicates, 1.0 - alpha / 2.0));
    let count = replicates.len() as u32;
    Some(Resampled { interval, bias: mean - value, replicates: count, without_value: asked - count })
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7). `sorted` is not empty.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * size(sorted.len() - 1);
    let below = (place.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::metric::Metric;

    fn selection(groups: &[[f64; CELLS]]) -> [Option<f64>; 1] {
        [Metric::SelectionRate.rate(&groups[0])]
    }

    const HOW: Bootstrap = Bootstrap { replicates: 4000, seed: 7 };

    #[test]
    fn a_rate_varies_as_the_binomial_law_says() {
        let groups = [Confusion::of_counts(30, 0, 70, 0), Confusion::of_counts(10, 10, 10, 10)];
        let [found] = resample(&groups, false, HOW, (0, 0.05), selection);
        let found = found.expect("a rate");
        let half = 1.96 * (0.3_f64 * 0.7 / 100.0).sqrt();
        assert!((found.interval.lower - (0.3 - half)).abs() < 0.015, "{found:?}");
        assert!((found.interval.upper - (0.3 + half)).abs() < 0.015, "{found:?}");
        assert!(found.bias.abs() < 0.003 && found.without_value == 0);
    }

    #[test]
    fn equal_weights_vary_as_rows_do() {
        let mut group = Confusion::of_counts(30, 0, 70, 0);
        for cell in &mut group.cells {
            cell.weight *= 2.5;
            cell.square *= 6.25;
        }
        let [weighted] = resample(&[group], true, HOW, (0, 0.05), selection);
        let [rows] = resample(&[Confusion::of_counts(30, 0, 70, 0)], false, HOW, (0, 0.05), selection);
        let (weighted, rows) = (weighted.expect("a rate").interval, rows.expect("a rate").interval);
        assert!((weighted.lower - rows.lower).abs() < 0.02 && (weighted.upper - rows.upper).abs() < 0.02);
    }

    #[test]
    fn equal_seeds_give_equal_results_and_others_do_not() {
        let groups = [Confusion::of_counts(30, 5, 70, 9)];
        let run = |seed| resample(&groups, false, Bootstrap { seed, ..HOW }, (0, 0.05), selection);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_replicate_without_a_denominator_is_counted_and_not_called_zero() {
        let groups = [Confusion::of_counts(1, 0, 20, 0)];
        let tpr = |groups: &[[f64; CELLS]]| [Metric::TruePositiveRate.rate(&groups[0])];
        let [found] = resample(&groups, false, HOW, (0, 0.05), tpr);
        let found = found.expect("some replicates keep the one positive");
        // (1 - 1/21)^21 = 0.359 of the replicates lose it.
        assert!((1300..1600).contains(&found.without_value), "{found:?}");
        assert!((found.interval.lower - 1.0).abs() < 1e-15);
    }
}
