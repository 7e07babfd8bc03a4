//! Means by group with their standard errors, and the gaps between them: for scores, errors, rankings.

use super::compare::{Plan, none_because};
use super::extreme::{Against, Coverage, largest};
use super::report::Aggregate;
use super::settings::Reference;
use super::value::{Reason, Value};
use crate::numeric::interval::{Interval, Proportion, difference_of, wilson};
use crate::numeric::real;

/// Sums from which a weighted mean and its error follow; mergeable.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    pub(crate) rows: u64,
    weight: f64,
    square: f64,
    /// Mean so far.
    mean: f64,
    /// Weighted sum of squared distances from the mean so far (West 1979).
    spread: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, value: f64, weight: f64) {
        if weight <= 0.0 {
            return;
        }
        self.rows += 1;
        self.weight += weight;
        self.square += weight * weight;
        let distance = value - self.mean;
        self.mean += distance * weight / self.weight;
        self.spread += weight * distance * (value - self.mean);
    }

    /// The mean with its standard error; nothing without rows.
    pub(crate) fn mean(&self) -> Option<Estimated> {
        if self.rows == 0 {
            return None;
        }
        let size = self.weight * self.weight / self.square;
        // One effective row has no spread; it is never enough rows to be compared.
        let variance = self.spread / self.weight / (size - 1.0).max(f64::MIN_POSITIVE);
        let error = if size > 1.0 { variance.max(0.0).sqrt() } else { 0.0 };
        Some(Estimated { value: self.mean, error, rows: self.rows, size, share: false })
    }
}

/// A value with a normal law around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimated {
    pub(crate) value: f64,
    /// Standard error.
    pub(crate) error: f64,
    pub(crate) rows: u64,
    /// Effective rows.
    pub(crate) size: f64,
    /// Whether it lies within 0..=1.
    pub(crate) share: bool,
}

impl Estimated {
    /// The normal interval. A share with no observed spread gets Wilson's instead: no spread in few rows is no certainty.
    pub(crate) fn interval(&self, z: f64) -> Interval {
        if self.share && self.error <= 0.0 {
            return wilson(Proportion { rate: self.value, size: self.size }, z);
        }
        let (lower, upper) = (self.value - z * self.error, self.value + z * self.error);
        if self.share {
            return Interval::new(lower.max(0.0), upper.min(1.0));
        }
        Interval::new(lower, upper)
    }

    /// As a result.
    pub(crate) fn result(&self, z: f64, needed: u64) -> Value {
        Value::on(self.value, Some(self.interval(z)), self.rows, needed)
    }
}

/// A mean or why there is none.
pub(crate) fn value_of(mean: Option<Estimated>, z: f64, needed: u64, none: Reason) -> Value {
    mean.map_or(Value::undefined(none, 0.0, 0.0), |mean| mean.result(z, needed))
}

/// The largest difference between groups. Against a stated group if the reference is one, otherwise over every pair:
/// the best, the highest and all rows together have no meaning of their own for errors.
pub(crate) fn gap(means: &[Option<Estimated>], plan: &Plan<'_>, none: Reason) -> Aggregate {
    let needed = plan.settings.min_rows;
    let values: Vec<Value> = means.iter().map(|mean| value_of(*mean, 1.0, needed, none)).collect();
    let coverage = Coverage::of(&values, plan.left_out);
    let against = match plan.settings.reference {
        Reference::Best | Reference::HighestRate | Reference::Overall => Ok(Against::EveryOther),
        Reference::Largest | Reference::Named(_) => plan.against(&plan.settings.reference),
    };
    let pairs = against.map(|against| against.pairs(&coverage.usable)).unwrap_or_default();
    let (z, _) = plan.z(pairs.len());
    let found = largest(&pairs, |(a, b)| {
        let (a, b) = (means[a]?, means[b?]?);
        Some((a.value - b.value, difference_of(a.value, a.interval(z), b.value, b.interval(z))))
    });
    let rows = coverage.usable.iter().filter_map(|group| means[*group]).map(|mean| mean.rows).min();
    coverage.aggregate(found, rows.unwrap_or_default(), needed, none_because(against, &coverage.usable))
}

/// The square root of a mean of squares, with its error by the delta method.
pub(crate) fn root(mean: Option<Estimated>) -> Option<Estimated> {
    let mean = mean?;
    let value = mean.value.max(0.0).sqrt();
    let error = if value > 0.0 { mean.error / (2.0 * value) } else { 0.0 };
    Some(Estimated { value, error, ..mean })
}

/// Area under the ROC curve of one group with DeLong's standard error (DeLong et al. 1988), from scores in any order.
/// Ties count half. Nothing without a positive and a negative. The rows are those of the rarer label.
pub(crate) fn auc(rows: &mut [(f64, bool, f64)]) -> Option<Estimated> {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let sum = |positive: bool| {
        let mine = rows.iter().filter(|row| row.1 == positive);
        mine.fold((0_u64, 0.0, 0.0), |(n, w, s), row| (n + 1, w + row.2, s + row.2 * row.2))
    };
    let (positives, negatives) = (sum(true), sum(false));
    if positives.0 == 0 || negatives.0 == 0 {
        return None;
    }
    let (mut below_positive, mut below_negative) = (0.0, 0.0);
    let mut placed = [Moments::default(); 2];
    for tie in rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let weight =
            |positive: bool| tie.iter().filter(|row| row.1 == positive).map(|row| row.2).sum::<f64>();
        let (tied_positive, tied_negative) = (weight(true), weight(false));
        for row in tie {
            if row.1 {
                placed[1].add((below_negative + tied_negative / 2.0) / negatives.1, row.2);
            } else {
                placed[0].add(1.0 - (below_positive + tied_positive / 2.0) / positives.1, row.2);
            }
        }
        below_positive += tied_positive;
        below_negative += tied_negative;
    }
    let (of_positive, of_negative) = (placed[1].mean()?, placed[0].mean()?);
    let error = of_positive.error.hypot(of_negative.error);
    let size = (positives.1 * positives.1 / positives.2).min(negatives.1 * negatives.1 / negatives.2);
    let rows = positives.0.min(negatives.0);
    debug_assert!(size <= real(rows) + 1e-6, "weights never add rows");
    Some(Estimated { value: of_positive.value.clamp(0.0, 1.0), error, rows, size, share: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mean_has_the_error_of_the_textbook() {
        let mut moments = Moments::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            moments.add(value, 1.0);
        }
        let mean = moments.mean().expect("rows");
        assert!((mean.value - 5.0).abs() < 1e-12);
        assert!((mean.error - (32.0_f64 / 7.0 / 8.0).sqrt()).abs() < 1e-12);
        assert_eq!(Moments::default().mean(), None);
    }

    #[test]
    fn perfect_separation_of_few_rows_is_no_certainty() {
        let mut rows: Vec<(f64, bool, f64)> = (0..10).map(|i| (f64::from(i), i >= 5, 1.0)).collect();
        let found = auc(&mut rows).expect("both labels");
        assert!((found.value - 1.0).abs() < 1e-15);
        assert!(found.interval(1.96).lower < 0.7, "{:?}", found.interval(1.96));
        assert_eq!(auc(&mut [(0.3, true, 1.0)]), None);
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_pairs_in_order(
            rows in proptest::collection::vec((0_u8..6, any::<bool>(), 1_u8..4), 2..60),
        ) {
            let mut list: Vec<(f64, bool, f64)> =
                rows.iter().map(|row| (f64::from(row.0), row.1, f64::from(row.2))).collect();
            let (mut won, mut all) = (0.0, 0.0);
            for a in list.iter().filter(|row| row.1) {
                for b in list.iter().filter(|row| !row.1) {
                    all += a.2 * b.2;
                    won += a.2 * b.2 * if a.0 > b.0 { 1.0 } else if a.0 < b.0 { 0.0 } else { 0.5 };
                }
            }
            match auc(&mut list) {
                Some(found) => prop_assert!((found.value - won / all).abs() < 1e-12),
                None => prop_assert!(all < 0.5),
            }
        }
    }
}
