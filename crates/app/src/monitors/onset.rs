//! Since when something shows: the point of change in the daily coefficients, and whether they rise or fall.

use super::real;

/// Days that are looked back over, at most.
pub(super) const MAX_DAYS: usize = 90;
/// Days of which a direction can be told, at least.
const TREND_DAYS: usize = 6;
/// The upper 97.5 % point of the normal law: a direction is told if it is this unlikely by chance, two-sided 5 %.
const UNLIKELY: f64 = 1.959_964;

/// Where the values moved up, as a place among `values` (oldest first): behind the lowest point of the sums of what each
/// is above or below the mean of all. That is the estimate of one point of change by cumulative sums (Page 1954, Pettitt
/// 1979), which needs no scale. The last value if there is no other.
pub(super) fn onset(values: &[f64]) -> usize {
    let last = values.len().saturating_sub(1);
    let mean = values.iter().sum::<f64>() / real(values.len().max(1) as u64);
    let (mut sum, mut lowest, mut place) = (0.0, 0.0, 0);
    for (at, value) in values.iter().enumerate() {
        sum += value - mean;
        // Rounding alone is no lower point.
        if sum < lowest - 1e-12 {
            (lowest, place) = (sum, at + 1);
        }
    }
    place.min(last)
}

/// Whether the values (oldest first) rise or fall, by Mann and Kendall's test (1945, 1975) at 5 %; no word if neither
/// can be told. Equal values count in the variance as they should.
pub(super) fn trend(values: &[f64]) -> Option<&'static str> {
    let n = values.len();
    if n < TREND_DAYS {
        return None;
    }
    let mut score = 0_i64;
    for (at, first) in values.iter().enumerate() {
        for second in &values[at + 1..] {
            score += match second.total_cmp(first) {
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Equal => 0,
            };
        }
    }
    let part = |count: usize| real((count * (count - 1) * (2 * count + 5)) as u64);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|equal| part(equal.len())).sum();
    let variance = (part(n) - ties) / 18.0;
    if variance <= 0.0 {
        return None;
    }
    // One towards zero, for the jump of a whole number (Kendall 1975).
    let z = real((score - score.signum()).unsigned_abs()) / variance.sqrt();
    if z < UNLIKELY {
        return None;
    }
    Some(if score > 0 { "rising" } else { "falling" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_dated_to_its_first_day() {
        for before in 1..30_usize {
            for after in 1..30_usize {
                let mut values = vec![0.01; before];
                values.extend(vec![0.4; after]);
                assert_eq!(onset(&values), before, "{before} quiet days, {after} of drift");
            }
        }
        assert_eq!(onset(&[]), 0);
        assert_eq!(onset(&[0.4]), 0);
        assert_eq!(onset(&[0.4; 9]), 0, "it was always so");
    }

    #[test]
    fn a_noisy_step_is_dated_within_a_day_and_a_peak_of_before_does_not_count() {
        let noise = |at: u32| f64::from((at * 7_919) % 13) / 200.0;
        let mut values: Vec<f64> = (0..30).map(noise).collect();
        values[4] = 0.3;
        values.extend((30..40).map(|at| 0.35 + noise(at)));
        assert!(onset(&values).abs_diff(30) <= 1, "{}", onset(&values));
    }

    #[test]
    fn a_direction_is_told_only_if_chance_would_not_show_it() {
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert_eq!((trend(&rising), trend(&falling)), (Some("rising"), Some("falling")));
        assert_eq!(trend(&[1.0; 20]), None);
        assert_eq!(trend(&[1.0, 2.0, 3.0]), None, "too few");
        assert_eq!(trend(&[1.0, 3.0, 2.0, 4.0, 1.0, 3.0, 2.0, 4.0]), None);
        // All of six in order: S = 15, variance 28.33, z = 14 / 5.32 = 2.63 (Kendall's tables: p = 0.0028 two-sided exact).
        assert_eq!(trend(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Some("rising"));
    }
}
