//! The largest difference and the smallest ratio over pairs of groups, with intervals that hold for all pairs together.
//!
//! If every pair's interval holds, then the largest of their lower ends is at most the largest true difference and the
//! largest of their upper ends at least: so the extreme has an interval too, whichever pair it is found at. That needs
//! no law of a maximum, and it is not fooled by the largest of many noisy differences being large.

use super::report::{Aggregate, Between, NotCovered};
use super::value::{Reason, Value};
use crate::numeric::interval::Interval;

/// A pair of groups by place; the second is nothing for all rows together.
pub(crate) type Pair = (usize, Option<usize>);

/// An extreme value with its interval and where it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extreme {
    pub(crate) value: f64,
    pub(crate) interval: Interval,
    pub(crate) between: Pair,
}

/// The largest absolute difference. `of` gives the signed difference of a pair with its interval.
pub(crate) fn largest(pairs: &[Pair], of: impl Fn(Pair) -> Option<(f64, Interval)>) -> Option<Extreme> {
    let mut found: Option<Extreme> = None;
    for pair in pairs {
        let Some((value, interval)) = of(*pair) else { continue };
        let next = Extreme { value: value.abs(), interval: interval.absolute(), between: *pair };
        found = Some(found.map_or(next, |so_far| larger(so_far, next)));
    }
    found
}

/// The smallest ratio without direction, in 0..=1. `of` gives the ratio of a pair with its interval.
pub(crate) fn smallest(pairs: &[Pair], of: impl Fn(Pair) -> Option<(f64, Interval)>) -> Option<Extreme> {
    let mut found: Option<Extreme> = None;
    for pair in pairs {
        let Some((value, interval)) = of(*pair) else { continue };
        let value = if value > 1.0 { 1.0 / value } else { value };
        let next = Extreme { value, interval: interval.folded(), between: *pair };
        found = Some(found.map_or(next, |so_far| smaller(so_far, next)));
    }
    found
}

/// The larger of two, as an extreme of both.
pub(crate) fn larger(a: Extreme, b: Extreme) -> Extreme {
    let lower = a.interval.lower.max(b.interval.lower);
    let interval = Interval::new(lower, a.interval.upper.max(b.interval.upper));
    let first = if b.value > a.value { b } else { a };
    Extreme { interval, ..first }
}

/// The smaller of two, as an extreme of both.
pub(crate) fn smaller(a: Extreme, b: Extreme) -> Extreme {
    let upper = a.interval.upper.min(b.interval.upper);
    let interval = Interval::new(a.interval.lower.min(b.interval.lower), upper);
    let first = if b.value < a.value { b } else { a };
    Extreme { interval, ..first }
}

/// Which groups are to be compared with which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// Every pair: the reference was chosen by the very rates that are compared.
    EveryOther,
    /// One group that was chosen otherwise.
    Group(usize),
    /// All rows together.
    Overall,
}

impl Against {
    /// The pairs among some groups.
    pub(crate) fn pairs(self, groups: &[usize]) -> Vec<Pair> {
        match self {
            Self::EveryOther => {
                let mut pairs = Vec::with_capacity(groups.len() * groups.len().saturating_sub(1) / 2);
                for (place, group) in groups.iter().enumerate() {
                    pairs.extend(groups[place + 1..].iter().map(|other| (*group, Some(*other))));
                }
                pairs
            }
            Self::Group(reference) => {
                let others =
                    groups.iter().filter(|group| **group != reference && groups.contains(&reference));
                others.map(|group| (*group, Some(reference))).collect()
            }
            Self::Overall => groups.iter().map(|group| (*group, None)).collect(),
        }
    }
}

/// Groups that can be compared, and those that cannot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) usable: Vec<usize>,
    pub(crate) not_covered: Vec<NotCovered>,
    pub(crate) left_out: Vec<NotCovered>,
}

impl Coverage {
    /// Of the groups' values; `left_out` says which were left out on request and why.
    pub(crate) fn of(values: &[Value], left_out: &[Option<String>]) -> Self {
        let mut found = Self::default();
        for (group, value) in values.iter().enumerate() {
            if let Some(Some(because)) = left_out.get(group) {
                let because = because.clone();
                found.left_out.push(NotCovered { group, because, more_rows_help: false });
            } else if value.estimate().is_some() {
                found.usable.push(group);
            } else {
                let more_rows_help = matches!(value, Value::InsufficientEvidence { .. });
                found.not_covered.push(NotCovered { group, because: value.because(), more_rows_help });
            }
        }
        found
    }

    /// The groups that are usable in both, and the reasons of either.
    pub(crate) fn and(self, other: Self) -> Self {
        let usable = self.usable.into_iter().filter(|group| other.usable.contains(group)).collect();
        let mut not_covered = self.not_covered;
        for one in other.not_covered {
            match not_covered.iter_mut().find(|known| known.group == one.group) {
                Some(known) => {
                    known.because = format!("{}; {}", known.because, one.because);
                    known.more_rows_help &= one.more_rows_help;
                }
                None => not_covered.push(one),
            }
        }
        not_covered.sort_by_key(|one| one.group);
        Self { usable, not_covered, left_out: self.left_out }
    }

    /// The aggregate of an extreme; without one it says why there is none. `rows` are those of the smallest group.
    pub(crate) fn aggregate(
        &self,
        found: Option<Extreme>,
        rows: u64,
        needed: u64,
        none: Reason,
    ) -> Aggregate {
        let value = match found {
            Some(extreme) => Value::Estimate { value: extreme.value, interval: Some(extreme.interval), rows },
            None if self.not_covered.iter().any(|one| one.more_rows_help)
                && none == Reason::FewerThanTwoGroups =>
            {
                Value::InsufficientEvidence { value: None, interval: None, rows, rows_needed: needed }
            }
            None => Value::undefined(none, 0.0, 0.0),
        };
        Aggregate {
            value,
            between: found.map(|extreme| Between { group: extreme.between.0, against: extreme.between.1 }),
            not_covered: self.not_covered.clone(),
            left_out: self.left_out.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extreme_has_the_largest_ends_of_all_pairs() {
        let pairs = Against::EveryOther.pairs(&[0, 1, 2]);
        assert_eq!(pairs, [(0, Some(1)), (0, Some(2)), (1, Some(2))]);
        let of = |pair: Pair| match pair {
            (0, Some(1)) => Some((-0.2, Interval::new(-0.5, 0.1))),
            (0, Some(2)) => Some((0.1, Interval::new(0.05, 0.15))),
            _ => None,
        };
        let found = largest(&pairs, of).expect("two pairs have a value");
        assert_eq!(found, Extreme { value: 0.2, interval: Interval::new(0.05, 0.5), between: (0, Some(1)) });
    }

    #[test]
    fn a_reference_that_is_not_usable_leaves_no_pair() {
        assert!(Against::Group(4).pairs(&[0, 1]).is_empty());
        assert_eq!(Against::Group(1).pairs(&[0, 1]), [(0, Some(1))]);
        assert_eq!(Against::Overall.pairs(&[0, 1]), [(0, None), (1, None)]);
    }
}
