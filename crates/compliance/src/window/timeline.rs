//! Day by day: how a control stood at the end of each day of a window.

use super::period::{DAY, day_text};
use super::result::{DayState, Run};

/// Most days of a window: eleven years.
pub(crate) const MAX_DAYS: i64 = 11 * 366;

/// How a control stood at the end of each day; that of the last one is the end of the window.
// INVARIANT (a-day-is-its-window): a day is what the answer for the window that ends with it says.
pub(crate) struct Days {
    first: i64,
    until: i64,
    /// By how many more or fewer occurrences are settled, and exceptions open, than on the day before.
    settled: Vec<i64>,
    open: Vec<i64>,
    in_operation: Vec<bool>,
}

impl Days {
    /// The days from that of `from` to that before `until`.
    pub(crate) fn new(from: i64, until: i64) -> Self {
        let first = from.div_euclid(DAY) * DAY;
        let count = usize::try_from((until - 1).div_euclid(DAY) - first / DAY + 1).unwrap_or(0);
        let none = vec![0; count];
        Self { first, until, settled: none.clone(), open: none, in_operation: vec![false; count] }
    }

    /// The moment at which a day is over, or the window.
    fn end(&self, day: i64) -> i64 {
        (self.first + (day + 1) * DAY).min(self.until)
    }

    /// The first day whose end is not before a moment; as many as there are days if none is.
    fn reached(&self, end: i64) -> usize {
        if end > self.until {
            return self.open.len();
        }
        usize::try_from((end - 1 - self.first).div_euclid(DAY)).unwrap_or(0)
    }

    /// A time in operation.
    pub(crate) fn operates(&mut self, from: i64, to: i64) {
        for day in 0..self.in_operation.len() {
            let end = self.end(day as i64);
            self.in_operation[day] |= from < end && end <= to;
        }
    }

    /// An occurrence that is settled for the ends from `from` up to before `to`.
    pub(crate) fn settled(&mut self, from: i64, to: i64) {
        let (from, to) = (self.reached(from), self.reached(to));
        hold(&mut self.settled, from, to);
    }

    /// An exception that is open for the ends from `from` up to before `to`.
    pub(crate) fn open(&mut self, from: i64, to: i64) {
        let (from, to) = (self.reached(from), self.reached(to));
        hold(&mut self.open, from, to);
    }

    /// Each day, with how many exceptions are open.
    pub(crate) fn states(&self) -> Vec<(DayState, u64)> {
        let (mut open, mut settled) = (0_i64, 0_i64);
        let mut states = Vec::with_capacity(self.open.len());
        for (day, operates) in self.in_operation.iter().enumerate() {
            open += self.open[day];
            settled += self.settled[day];
            let state = match (open, operates, settled) {
                (1.., ..) => DayState::Open,
                (_, false, _) => DayState::NotInOperation,
                (_, true, ..=0) => DayState::NotEvidenced,
                (_, true, _) => DayState::Clear,
            };
            states.push((state, open.unsigned_abs()));
        }
        states
    }

    /// Equal days together.
    pub(crate) fn runs(&self, states: &[(DayState, u64)]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (day, (state, open)) in (0_i64..).zip(states) {
            let day = day_text(self.first + day * DAY);
            match runs.last_mut() {
                Some(run) if run.state == *state && run.open == *open => run.through = day,
                _ => runs.push(Run { from: day.clone(), through: day, state: *state, open: *open }),
            }
        }
        runs
    }
}

fn hold(list: &mut [i64], from: usize, to: usize) {
    if from < to && from < list.len() {
        list[from] += 1;
        if to < list.len() {
            list[to] -= 1;
        }
    }
}

/// The days of several controls together: each is no better than the worst of them, and its exceptions are theirs.
pub(crate) fn together(all: &[Vec<(DayState, u64)>]) -> Vec<(DayState, u64)> {
    let mut days: Vec<(DayState, u64)> = all.first().cloned().unwrap_or_default();
    for other in all.iter().skip(1) {
        for (mine, theirs) in days.iter_mut().zip(other) {
            *mine = (mine.0.max(theirs.0), mine.1 + theirs.1);
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(days: &Days) -> Vec<(String, String, DayState, u64)> {
        let runs = days.runs(&days.states()).into_iter();
        runs.map(|run| (run.from, run.through, run.state, run.open)).collect()
    }

    #[test]
    fn a_day_is_what_its_end_is() {
        let mut days = Days::new(0, 10 * DAY);
        days.operates(2 * DAY + 5, i64::MAX);
        days.settled(3 * DAY + 1, i64::MAX);
        days.open(3 * DAY + 1, 5 * DAY + 1);
        days.open(3 * DAY + 2, 3 * DAY + 9);
        days.open(8 * DAY, i64::MAX);
        let day = |number: i64| day_text(number * DAY);
        assert_eq!(
            shown(&days),
            [
                (day(0), day(1), DayState::NotInOperation, 0),
                (day(2), day(2), DayState::NotEvidenced, 0),
                (day(3), day(4), DayState::Open, 1),
                (day(5), day(6), DayState::Clear, 0),
                // What is missing at midnight is missing at the end of the day before.
                (day(7), day(9), DayState::Open, 1),
            ]
        );
    }

    #[test]
    fn the_last_day_is_over_with_the_window() {
        let mut days = Days::new(DAY / 2, 2 * DAY + 7);
        days.operates(0, 2 * DAY + 9);
        days.open(2 * DAY + 7, i64::MAX);
        let last = shown(&days).pop().unwrap();
        assert_eq!((last.0, last.2, last.3), (day_text(2 * DAY), DayState::Open, 1));
        days.open(2 * DAY + 8, i64::MAX);
        assert_eq!(days.states()[2].1, 1, "what is known later is not known in the window");
        let mut retired = Days::new(0, 2 * DAY);
        retired.operates(0, DAY);
        assert_eq!(retired.states()[1].0, DayState::NotInOperation);
    }

    #[test]
    fn together_is_no_better_than_the_worst() {
        let (clear, unseen) = ((DayState::Clear, 0), (DayState::NotEvidenced, 0));
        let (off, open) = ((DayState::NotInOperation, 0), (DayState::Open, 2));
        let all =
            together(&[vec![clear; 4], vec![clear, unseen, off, open], vec![clear, clear, unseen, open]]);
        assert_eq!(all, [clear, unseen, off, (DayState::Open, 4)]);
    }
}
