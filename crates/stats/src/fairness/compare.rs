//! One metric over the groups of a family: rates, differences and ratios to the reference, tests, extremes.

use super::cells::Share;
use super::extreme::{Against, Coverage, Pair, largest, smallest};
use super::groups::GroupName;
use super::metric::Metric;
use super::report::{Compared, Comparison};
use super::settings::{Reference, Settings};
use super::value::{Reason, Value};
use crate::numeric::interval::{Interval, Proportion, log_ratio, newcombe};
use crate::numeric::normal::two_sided;
use crate::numeric::significance::{equal_counts, equal_shares, holm};

/// What all comparisons of a family share.
pub(crate) struct Plan<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) names: &'a [GroupName],
    /// Rows of each group, for the largest.
    pub(crate) rows: &'a [u64],
    /// Why a group is left out of a comparison, if it is.
    pub(crate) left_out: &'a [Option<String>],
    /// Strata that are judged together: the intervals hold over all of them.
    pub(crate) strata: u64,
    pub(crate) weighted: bool,
}

impl Plan<'_> {
    /// The pairs to compare for a reference, and the group each one is shown against.
    pub(crate) fn against(&self, reference: &Reference) -> Result<Against, Reason> {
        match reference {
            Reference::Best | Reference::HighestRate => Ok(Against::EveryOther),
            Reference::Overall => Ok(Against::Overall),
            Reference::Largest => {
                let most = (0..self.rows.len()).rev().max_by_key(|group| self.rows[*group]);
                most.map(Against::Group).ok_or(Reason::NoRows)
            }
            Reference::Named(wanted) => {
                let is_it = |name: &GroupName| name.values.iter().all(|value| wanted.contains(value));
                self.names.iter().position(is_it).map(Against::Group).ok_or(Reason::NoReference)
            }
        }
    }

    /// Standard deviations of intervals that hold for so many pairs together.
    pub(crate) fn z(&self, pairs: usize) -> (f64, u64) {
        let comparisons = (pairs.max(1) as u64) * self.strata;
        (two_sided(self.settings.alpha(), comparisons), comparisons)
    }
}

/// The difference `a - b` of a pair; against all rows that is the part that the others contribute.
pub(crate) fn difference(shares: &[Share], overall: &Share, pair: Pair, z: f64) -> Option<(f64, Interval)> {
    let a = shares[pair.0].proportion()?;
    if let Some(other) = pair.1 {
        let b = shares[other].proportion()?;
        return Some((a.rate - b.rate, newcombe(a, b, z)));
    }
    let Some((rest, part)) = rest(&shares[pair.0], overall) else {
        return Some((0.0, Interval::new(0.0, 0.0)));
    };
    // p_group - p_all = (1 - part) (p_group - p_rest), and group and rest are independent.
    let scale = 1.0 - part;
    let inner = newcombe(a, rest, z);
    Some((scale * (a.rate - rest.rate), Interval::new(scale * inner.lower, scale * inner.upper)))
}

/// The ratio `a / b` of a pair, nothing where `b` is 0.
pub(crate) fn ratio(shares: &[Share], overall: &Share, pair: Pair, z: f64) -> Option<(f64, Interval)> {
    let a = shares[pair.0].proportion()?;
    if let Some(other) = pair.1 {
        let b = shares[other].proportion()?;
        return Some((a.rate / b.rate, log_ratio(a, b, z)?));
    }
    let all = overall.proportion()?;
    if all.rate <= 0.0 {
        return None;
    }
    let Some((rest, part)) = rest(&shares[pair.0], overall) else {
        return Some((1.0, Interval::new(1.0, 1.0)));
    };
    let point = a.rate / all.rate;
    // p_group / p_all = r / (part r + 1 - part) grows with r = p_group / p_rest, so the interval of r carries over.
    let carry = |r: f64| r / (part * r + 1.0 - part);
    let interval = match log_ratio(a, rest, z) {
        Some(inner) => Interval::new(carry(inner.lower), carry(inner.upper)),
        // The rest has none: r has no upper end, and the ratio is at most 1 / part.
        None => {
            let inverse = log_ratio(rest, a, z)?;
            let lower = if inverse.upper > 0.0 { carry(1.0 / inverse.upper) } else { point };
            Interval::new(lower, 1.0 / part)
        }
    };
    Some((point, Interval::new(interval.lower.min(point), interval.upper.max(point))))
}

/// The other rows, and the group's part of all; nothing if there are no others.
fn rest(group: &Share, overall: &Share) -> Option<(Proportion, f64)> {
    let subtract = |all: super::cells::Mass, one: super::cells::Mass| super::cells::Mass {
        rows: all.rows.saturating_sub(one.rows),
        weight: (all.weight - one.weight).max(0.0),
        square: (all.square - one.square).max(0.0),
    };
    let others = Share { hits: subtract(overall.hits, group.hits), of: subtract(overall.of, group.of) };
    Some((others.proportion()?, group.of.weight / overall.of.weight))
}

/// The ratio of a pair with the larger rate below the line, nothing where both are 0.
pub(crate) fn folded_ratio(shares: &[Share], overall: &Share, pair: Pair, z: f64) -> Option<(f64, Interval)> {
    match ratio(shares, overall, pair, z) {
        Some(found) => Some(found),
        None => ratio(shares, overall, (pair.1?, Some(pair.0)), z),
    }
}

/// Compares one metric over groups.
pub(crate) fn compare(
    metric: Metric,
    shares: &[Share],
    overall: &Share,
    reference: &Reference,
    plan: &Plan<'_>,
) -> Comparison {
    let needed = plan.settings.min_rows;
    let single = two_sided(plan.settings.alpha(), 1);
    let values: Vec<Value> = shares.iter().map(|share| metric.value(share, single, needed)).collect();
    let coverage = Coverage::of(&values, plan.left_out);
    let against = plan.against(reference);
    let pairs = against.map(|against| against.pairs(&coverage.usable)).unwrap_or_default();
    let (z, comparisons) = plan.z(pairs.len());
    let base = against.map(|against| base(against, metric, reference, &values, &coverage.usable));
    let mut groups: Vec<Compared> = Vec::with_capacity(shares.len());
    for (group, value) in values.iter().enumerate() {
        let shown = |pair| compared(*value, shares, overall, pair, z, plan.weighted);
        groups.push(match base {
            Ok(Base::Group(base)) if base == group => nothing_for(*value, None),
            Ok(Base::Group(base)) if coverage.usable.contains(&group) => shown((group, Some(base))),
            Ok(Base::AllRows) if coverage.usable.contains(&group) => shown((group, None)),
            Ok(_) => nothing_for(*value, Some(unusable(value, Reason::ReferenceHasNoValue))),
            Err(reason) => nothing_for(*value, Some(unusable(value, reason))),
        });
    }
    correct(&mut groups);
    let rows = coverage.usable.iter().map(|group| shares[*group].of.rows).min().unwrap_or_default();
    let none = none_because(against, &coverage.usable);
    let widest = largest(&pairs, |pair| difference(shares, overall, pair, z));
    let lowest = smallest(&pairs, |pair| folded_ratio(shares, overall, pair, z));
    let no_ratio = if pairs.is_empty() { none } else { Reason::ReferenceIsZero };
    Comparison {
        metric,
        overall: metric.value(overall, single, needed),
        reference: match base {
            Ok(Base::Group(group)) => Some(group),
            _ => None,
        },
        groups,
        difference: coverage.aggregate(widest, rows, needed, none),
        ratio: coverage.aggregate(lowest, rows, needed, no_ratio),
        comparisons,
    }
}

/// Why there is no pair.
pub(crate) fn none_because(against: Result<Against, Reason>, usable: &[usize]) -> Reason {
    match against {
        Err(reason) => reason,
        Ok(Against::Group(group)) if !usable.contains(&group) => Reason::ReferenceHasNoValue,
        Ok(_) => Reason::FewerThanTwoGroups,
    }
}

/// What each group is shown against.
#[derive(Clone, Copy)]
enum Base {
    Group(usize),
    AllRows,
    Nothing,
}

fn base(against: Against, metric: Metric, reference: &Reference, values: &[Value], usable: &[usize]) -> Base {
    match against {
        Against::Overall => Base::AllRows,
        Against::Group(group) if usable.contains(&group) => Base::Group(group),
        Against::Group(_) => Base::Nothing,
        Against::EveryOther => {
            let lowest = *reference == Reference::Best && metric.lower_is_better();
            let rank = |group: &&usize| {
                let rate = values[**group].estimate().unwrap_or_default();
                if lowest { -rate } else { rate }
            };
            // Of equal groups the first.
            let best = usable.iter().rev().max_by(|a, b| rank(a).total_cmp(&rank(b)));
            best.map_or(Base::Nothing, |group| Base::Group(*group))
        }
    }
}

fn compared(value: Value, shares: &[Share], overall: &Share, pair: Pair, z: f64, weighted: bool) -> Compared {
    let other = pair.1.map_or(overall, |other| &shares[other]);
    let rows = shares[pair.0].of.rows.min(other.of.rows);
    let estimate = |(value, interval)| Value::Estimate { value, interval: Some(interval), rows };
    let rate = |share: &Share| share.proportion().map_or(0.0, |found| found.rate);
    let infinite = Value::undefined(Reason::ReferenceIsZero, rate(&shares[pair.0]), rate(other));
    let divided = ratio(shares, overall, pair, z).map_or(infinite, estimate);
    Compared {
        value,
        difference: difference(shares, overall, pair, z).map(estimate),
        ratio: Some(divided),
        p_value: p_value(shares, overall, pair, weighted),
        p_holm: None,
    }
}

fn p_value(shares: &[Share], overall: &Share, pair: Pair, weighted: bool) -> Option<f64> {
    let a = &shares[pair.0];
    if let (Some(other), false) = (pair.1, weighted) {
        let b = &shares[other];
        return Some(equal_counts(a.hits.rows, a.of.rows, b.hits.rows, b.of.rows));
    }
    if let Some(other) = pair.1 {
        return Some(equal_shares(a.proportion()?, shares[other].proportion()?));
    }
    let Some((rest, _)) = rest(a, overall) else { return Some(1.0) };
    if weighted {
        return Some(equal_shares(a.proportion()?, rest));
    }
    let (hits, rows) = (overall.hits.rows - a.hits.rows, overall.of.rows - a.of.rows);
    Some(equal_counts(a.hits.rows, a.of.rows, hits, rows))
}

fn nothing_for(value: Value, why: Option<Value>) -> Compared {
    Compared { value, difference: why, ratio: why, p_value: None, p_holm: None }
}

/// Why a group has no comparison: its own reason if it has one.
fn unusable(value: &Value, otherwise: Reason) -> Value {
    match value {
        Value::Estimate { value, .. } => Value::undefined(otherwise, *value, 0.0),
        Value::InsufficientEvidence { rows, rows_needed, .. } => Value::InsufficientEvidence {
            value: None,
            interval: None,
            rows: *rows,
            rows_needed: *rows_needed,
        },
        Value::NotEvaluable { .. } => *value,
    }
}

/// Holm's correction over the tests of one comparison.
fn correct(groups: &mut [Compared]) {
    let tested: Vec<f64> = groups.iter().filter_map(|group| group.p_value).collect();
    let mut adjusted = holm(&tested).into_iter();
    for group in groups.iter_mut().filter(|group| group.p_value.is_some()) {
        group.p_holm = adjusted.next();
    }
}

#[cfg(test)]
mod tests;
