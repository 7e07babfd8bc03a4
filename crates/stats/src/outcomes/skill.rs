//! The area under the ROC curve from counts by score, its error, and calibration without labels.

use crate::num::{Sum, real};

/// Area under the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The chance that a positive row scores higher than another one, ties counting half, 0..=1.
    pub value: f64,
    /// Standard error (Hanley and McNeil 1982).
    pub error: f64,
}

/// The area from rows by bin of the score, ascending: weight of others, weight of positives. Nothing if a class is
/// missing. Rows of one bin count as ties: with the stored bins the area is within 1/512 of that of the scores, and in
/// practice within 1/10,000.
pub fn area(bins: impl IntoIterator<Item = (f64, f64)>) -> Option<Area> {
    let (mut below, mut positives) = (0.0, 0.0);
    let mut wins = Sum::default();
    for (other, positive) in bins {
        wins.add(positive * (below + other / 2.0));
        below += other;
        positives += positive;
    }
    if below <= 0.0 || positives <= 0.0 {
        return None;
    }
    let value = (wins.value() / (below * positives)).clamp(0.0, 1.0);
    let (q1, q2) = (value / (2.0 - value), 2.0 * value * value / (1.0 + value));
    let spread = value * (1.0 - value)
        + (positives - 1.0).max(0.0) * (q1 - value * value)
        + (below - 1.0).max(0.0) * (q2 - value * value);
    Some(Area { value, error: (spread.max(0.0) / (below * positives)).sqrt() })
}

/// The average precision, by which the curve of precision over recall is summed: each bin's gain of recall times the
/// precision from this bin on upwards (as in scikit-learn; no interpolation). Bins ascend; nothing without a positive row.
pub fn average_precision(bins: impl DoubleEndedIterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut above, mut positives) = (0.0, 0.0);
    let mut sum = Sum::default();
    for (other, positive) in bins.rev() {
        above += other + positive;
        positives += positive;
        if positive > 0.0 {
            sum.add(positive * positives / above);
        }
    }
    (positives > 0.0).then(|| (sum.value() / positives).clamp(0.0, 1.0))
}

/// How often a row of each score bin comes true, as a function that never falls (pool adjacent violators, Ayer et al.
/// 1955). Bins without rows take the value of the next lower bin that has one, else of the next higher.
pub fn calibration(bins: &[[u64; 2]]) -> Vec<f64> {
    let blocks = calibration_blocks(bins);
    let rate = |block: &CalibrationBlock| if block.rows > 0.0 { block.positives / block.rows } else { 0.0 };
    blocks.iter().flat_map(|block| std::iter::repeat_n(rate(block), block.bins)).collect()
}

/// Neighbouring score bins that share one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CalibrationBlock {
    /// Rows of the reference that came true.
    pub(super) positives: f64,
    /// Its labelled rows.
    pub(super) rows: f64,
    /// Score bins.
    pub(super) bins: usize,
}

/// The blocks of [`calibration`], ascending.
pub(super) fn calibration_blocks(bins: &[[u64; 2]]) -> Vec<CalibrationBlock> {
    // Blocks of (positives, rows, bins), merged while a later one has a lower rate.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for [other, positive] in bins {
        let rows = real(other + positive);
        match blocks.last_mut() {
            // An empty bin joins the one before it.
            Some(last) if rows == 0.0 => last.2 += 1,
            _ => blocks.push((real(*positive), rows, 1)),
        }
        while let [.., a, b] = blocks[..] {
            let falls = a.1 == 0.0 || a.0 * b.1 >= b.0 * a.1;
            if !falls || b.1 == 0.0 {
                break;
            }
            blocks.pop();
            blocks.pop();
            blocks.push((a.0 + b.0, a.1 + b.1, a.2 + b.2));
        }
    }
    blocks.into_iter().map(|(positives, rows, bins)| CalibrationBlock { positives, rows, bins }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half_and_a_missing_class_has_no_area() {
        let found = area([(1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]).unwrap();
        // Pairs: 2 x 2; three wins and one tie.
        assert!((found.value - 0.875).abs() < 1e-15);
        assert!(area([(3.0, 0.0)]).is_none());
    }

    #[test]
    fn calibration_never_falls_and_keeps_the_number_of_positives() {
        let bins = [[0, 0], [9, 1], [5, 5], [8, 2], [0, 0], [1, 9]];
        let rates = calibration(&bins);
        assert_eq!(rates.len(), bins.len());
        assert!(rates.is_sorted_by(|a, b| a <= b), "{rates:?}");
        let kept: f64 = rates.iter().zip(&bins).map(|(rate, [a, b])| rate * real(a + b)).sum();
        assert!((kept - 17.0).abs() < 1e-9);
        assert!((rates[2] - 0.35).abs() < 1e-12 && (rates[0] - 0.1).abs() < 1e-12, "{rates:?}");
    }
}
