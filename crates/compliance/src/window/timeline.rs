//! Day by day: how many exceptions were open at the end of each day of a window.

use super::period::{DAY, day_text};
use super::result::{DayState, Run};

/// Most days of a window: eleven years.
pub(crate) const MAX_DAYS: i64 = 11 * 366;

/// Exceptions that are open at the end of each day, and whether anything was in operation then.
pub(crate) struct Days {
    first: i64,
    changes: Vec<i64>,
    in_operation: Vec<bool>,
}

impl Days {
    /// The days from that of `from` to that before `until`.
    pub(crate) fn new(from: i64, until: i64) -> Self {
        let first = from.div_euclid(DAY) * DAY;
        let count = usize::try_from((until - 1).div_euclid(DAY) - first / DAY + 1).unwrap_or(0);
        Self { first, changes: vec![0; count + 1], in_operation: vec![false; count] }
    }

    /// A time in operation.
    pub(crate) fn operates(&mut self, from: i64, to: i64) {
        for (day, operates) in (0_i64..).zip(self.in_operation.iter_mut()) {
            let end = self.first + (day + 1) * DAY;
            *operates |= from < end && end <= to.max(end - i64::from(to == i64::MAX));
        }
    }

    /// An exception that is open from `since` until `closed`.
    pub(crate) fn open(&mut self, since: i64, closed: Option<i64>) {
        let last = self.changes.len() as i64 - 1;
        let day = |at: i64| at.saturating_sub(self.first).div_euclid(DAY).clamp(0, last) as usize;
        let (from, to) = (day(since), closed.map_or(last as usize, day));
        if from < to {
            self.changes[from] += 1;
            self.changes[to] -= 1;
        }
    }

    /// What another list of the same days adds.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, change) in self.changes.iter_mut().zip(&other.changes) {
            *sum += change;
        }
        for (mine, theirs) in self.in_operation.iter_mut().zip(&other.in_operation) {
            *mine |= theirs;
        }
    }

    /// Equal days together.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut open = 0_i64;
        for (day, operates) in (0_i64..).zip(&self.in_operation) {
            open += self.changes[day as usize];
            let state = match (open, operates) {
                (1.., _) => DayState::Open,
                (_, true) => DayState::Clear,
                (_, false) => DayState::NotInOperation,
            };
            let (day, open) = (day_text(self.first + day * DAY), open.unsigned_abs());
            match runs.last_mut() {
                Some(run) if run.state == state && run.open == open => run.through = day,
                _ => runs.push(Run { from: day.clone(), through: day, state, open }),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_what_its_end_is() {
        let mut days = Days::new(0, 10 * DAY);
        days.operates(2 * DAY + 5, i64::MAX);
        days.open(3 * DAY + 1, Some(5 * DAY + 1));
        days.open(3 * DAY + 2, Some(3 * DAY + 9));
        days.open(8 * DAY, None);
        let runs: Vec<_> =
            days.runs().into_iter().map(|run| (run.from, run.through, run.state, run.open)).collect();
        let day = |number: i64| day_text(number * DAY);
        assert_eq!(
            runs,
            [
                (day(0), day(1), DayState::NotInOperation, 0),
                (day(2), day(2), DayState::Clear, 0),
                (day(3), day(4), DayState::Open, 1),
                (day(5), day(7), DayState::Clear, 0),
                (day(8), day(9), DayState::Open, 1),
            ]
        );
    }
}
