//! Scores by group: calibration in named bins, Brier score, area under the ROC curve, share above the overall median.

use super::cells::{Confusion, Mass};
use super::compare::Plan;
use super::groups::Partition;
use super::input::{Columns, POSITIVE, UNKNOWN};
use super::mean::{Estimated, Moments, auc, gap, value_of};
use super::report::Aggregate;
use super::value::{Reason, Value};
use crate::numeric::normal::two_sided;
use serde::{Deserialize, Serialize};

/// Calibration bins: equal width, closed below, the last one closed on both sides.
pub const BINS: usize = 10;

/// What scores say by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// All rows of the family.
    pub overall: GroupScores,
    /// By group.
    pub groups: Vec<GroupScores>,
    /// Largest difference of the areas under the ROC curve.
    pub auc_difference: Aggregate,
    /// Largest difference of the Brier scores.
    pub brier_difference: Aggregate,
    /// Largest difference of mean score minus share of positives.
    pub calibration_difference: Aggregate,
}

/// The scores of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScores {
    /// Area under the ROC curve, with DeLong's interval; its rows are those of the rarer label.
    pub auc: Value,
    /// Mean squared difference of score and label.
    pub brier: Value,
    /// Mean score minus share of positive labels: above 0 the scores promise too much.
    pub mean_calibration_error: Value,
    /// Mean over rows of |mean score - share of positives| of the row's bin, without an interval: its estimate is
    /// biased upwards for few rows.
    pub expected_calibration_error: Value,
    /// The bins; empty when scores are no probabilities.
    pub bins: Vec<Bin>,
}

/// Rows with a score in a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From this score on.
    pub lower: f64,
    /// To below this one; the last bin holds its upper end.
    pub upper: f64,
    /// Labelled rows.
    pub rows: u64,
    /// Their mean score; nothing without rows.
    pub mean_score: Option<f64>,
    /// Their share of positives; nothing without rows.
    pub positive_rate: Option<f64>,
}

/// The median of all scores (NaN is no score), of an even number the mean of the two in the middle; nothing without.
pub(crate) fn median(scores: &[f64]) -> Option<f64> {
    let mut known: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
    if known.is_empty() {
        return None;
    }
    let middle = known.len() / 2;
    let even = known.len().is_multiple_of(2);
    let (below, upper, _) = known.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().max_by(f64::total_cmp);
    Some(lower.filter(|_| even).map_or(upper, |lower| f64::midpoint(lower, upper)))
}

/// "Above the median" in the place of the decision, by combination of all attributes and strata.
pub(crate) fn above_median(
    scores: &[f64],
    weights: Option<&[f64]>,
    keys: &[u32],
    size: usize,
) -> Vec<Confusion> {
    let mut found = vec![Confusion::default(); size];
    let Some(median) = median(scores) else { return found };
    for (row, (score, key)) in scores.iter().zip(keys).enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        if weight > 0.0 {
            let above = if score.is_nan() { 2 } else { usize::from(*score > median) };
            let cell = &mut found[*key as usize].cells[3 * usize::from(UNKNOWN) + above];
            cell.add(Mass { rows: 1, weight, square: weight * weight });
        }
    }
    found
}

/// Rows of one group with score and label.
#[derive(Clone, Debug, Default)]
struct Gathered {
    rows: Vec<(f64, bool, f64)>,
    brier: Moments,
    offset: Moments,
    bins: [(u64, f64, f64, f64); BINS],
    outside: u64,
}

impl Gathered {
    fn add(&mut self, score: f64, positive: bool, weight: f64) {
        self.rows.push((score, positive, weight));
        if !(0.0..=1.0).contains(&score) {
            self.outside += 1;
            return;
        }
        let truth = f64::from(u8::from(positive));
        self.brier.add((score - truth).powi(2), weight);
        self.offset.add(score - truth, weight);
        let (rows, mass, scores, positives) = &mut self.bins[bin_of(score)];
        *rows += 1;
        *mass += weight;
        *scores += weight * score;
        *positives += weight * truth;
    }

    fn merge(groups: &[Self]) -> Self {
        let mut all = Self::default();
        for group in groups {
            for (score, positive, weight) in &group.rows {
                all.add(*score, *positive, *weight);
            }
        }
        all
    }
}

#[expect(clippy::cast_precision_loss, reason = "ten bins")]
fn bin_of(score: f64) -> usize {
    ((score * BINS as f64) as usize).min(BINS - 1)
}

/// Scores of the groups of a partition, of the rows of one stratum or of all.
pub(crate) fn scores(
    columns: &Columns<'_>,
    scores: &[f64],
    partition: &Partition,
    keys: &[u32],
    of: (usize, Option<usize>),
    plan: &Plan<'_>,
) -> Scores {
    let (strata, stratum) = of;
    let mut groups = vec![Gathered::default(); partition.names.len()];
    for (row, (score, key)) in scores.iter().zip(keys).enumerate() {
        let key = *key as usize;
        let label = columns.labels.map_or(UNKNOWN, |labels| labels[row]);
        let weight = columns.weights.map_or(1.0, |weights| weights[row]);
        let elsewhere = stratum.is_some_and(|stratum| key % strata != stratum);
        if elsewhere || score.is_nan() || score.is_infinite() || label >= UNKNOWN || weight <= 0.0 {
            continue;
        }
        if let Some(group) = partition.of_key[key / strata] {
            groups[group].add(*score, label == POSITIVE, weight);
        }
    }
    let mut all = Gathered::merge(&groups);
    let areas: Vec<Option<Estimated>> = groups.iter_mut().map(|group| auc(&mut group.rows)).collect();
    // One score outside of 0..=1 says that none is a probability.
    let probability = |group: &Gathered, moments: &Moments| moments.mean().filter(|_| group.outside == 0);
    let briers: Vec<_> = groups.iter().map(|group| probability(group, &group.brier)).collect();
    let offsets: Vec<_> = groups.iter().map(|group| probability(group, &group.offset)).collect();
    let none = if all.outside > 0 { Reason::ScoresAreNoProbabilities } else { Reason::NoScores };
    let one_label = if all.rows.is_empty() { Reason::NoScores } else { Reason::OneLabel };
    let overall_area = auc(&mut all.rows);
    Scores {
        overall: result(&all, overall_area, plan),
        groups: groups.iter().zip(&areas).map(|(group, area)| result(group, *area, plan)).collect(),
        auc_difference: gap(&areas, plan, one_label),
        brier_difference: gap(&briers, plan, none),
        calibration_difference: gap(&offsets, plan, none),
    }
}

fn result(group: &Gathered, area: Option<Estimated>, plan: &Plan<'_>) -> GroupScores {
    let z = two_sided(plan.settings.alpha(), 1);
    let needed = plan.settings.min_rows;
    let positives = group.rows.iter().filter(|row| row.1).count();
    let one_label = match (group.rows.is_empty(), positives) {
        (true, _) => Reason::NoScores,
        (_, 0) => Reason::NoPositiveLabels,
        _ => Reason::NoNegativeLabels,
    };
    let auc = value_of(area, z, needed, one_label);
    if group.outside > 0 {
        let total = crate::numeric::size(group.rows.len());
        let none =
            Value::undefined(Reason::ScoresAreNoProbabilities, crate::numeric::real(group.outside), total);
        return GroupScores {
            auc,
            brier: none,
            mean_calibration_error: none,
            expected_calibration_error: none,
            bins: Vec::new(),
        };
    }
    let total: f64 = group.bins.iter().map(|bin| bin.1).sum();
    let missed: f64 = group.bins.iter().map(|bin| (bin.2 - bin.3).abs()).sum();
    let calibration = if total > 0.0 {
        Value::on(missed / total, None, group.brier.rows, needed)
    } else {
        Value::undefined(Reason::NoScores, 0.0, 0.0)
    };
    GroupScores {
        auc,
        brier: value_of(group.brier.mean(), z, needed, Reason::NoScores),
        mean_calibration_error: value_of(group.offset.mean(), z, needed, Reason::NoScores),
        expected_calibration_error: calibration,
        bins: bins(group),
    }
}

fn bins(group: &Gathered) -> Vec<Bin> {
    let edge = |place: usize| crate::numeric::size(place) / crate::numeric::size(BINS);
    let bin = |(place, (rows, mass, scores, positives)): (usize, &(u64, f64, f64, f64))| Bin {
        lower: edge(place),
        upper: edge(place + 1),
        rows: *rows,
        mean_score: (*mass > 0.0).then(|| scores / mass),
        positive_rate: (*mass > 0.0).then(|| positives / mass),
    };
    group.bins.iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&[3.0, 1.0, f64::NAN, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn bins_are_closed_below_and_the_last_one_on_both_sides() {
        assert_eq!([0.0, 0.05, 0.1, 0.95, 1.0].map(bin_of), [0, 0, 1, 9, 9]);
    }
}
