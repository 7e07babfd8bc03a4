//! How an occurrence stands at each end that a window could have, from one answer about it.
//!
//! An answer is given for the end of the window that was asked about. What it says of earlier ends follows from when each
//! of its parts came to be known. Only where events after the occurrence were joined does an earlier end see others, and
//! the tests are asked again for it.

use super::ask::{Answer, ask};
use super::journal::Journal;
use super::scope::Anchor;
use crate::control::Control;

/// Ends of windows, half open: `from <= end < to`.
type Ends = (i64, i64);

/// How an occurrence stands at each end that a window could have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// Ends at which it meets every test or is an exception, and nothing may still happen.
    pub(crate) settled: Vec<Ends>,
    /// Ends at which it is an exception that is open, as far as the tests say it. They do not meet.
    pub(crate) open: Vec<Ends>,
}

/// The course of an occurrence of which `last` is the answer for the latest end.
// INVARIANT (a-day-is-its-window): each stretch is what the answer for an end inside it would say.
pub(crate) fn course(journal: &Journal, control: &Control, anchor: &Anchor<'_>, last: &Answer) -> Course {
    let mut course = Course::default();
    course.add(last, i64::MAX);
    let mut until = last.joined;
    while until > anchor.known() {
        let earlier = ask(journal, control, anchor, until - 1);
        course.add(&earlier, until);
        until = earlier.joined;
    }
    course
}

impl Course {
    /// What an answer says of the ends from where it joins the same events up to `until`.
    fn add(&mut self, answer: &Answer, until: i64) {
        let first = answer.failures.iter().map(|failure| failure.known).min();
        let met = answer.pending.is_none().then_some(answer.settled);
        if let Some(settled) = first.into_iter().chain(met).min() {
            push(&mut self.settled, (settled.max(answer.joined), until));
        }
        // It is open while a test that failed has not been made up for.
        let mut open: Vec<Ends> = answer
            .failures
            .iter()
            .map(|failure| (failure.known, failure.late.map_or(i64::MAX, |late| late.saturating_add(1))))
            .collect();
        open.sort_unstable();
        let mut reached = answer.joined;
        for (from, to) in open {
            push(&mut self.open, (from.max(reached), to.min(until)));
            reached = reached.max(to);
        }
    }
}

fn push(list: &mut Vec<Ends>, (from, to): Ends) {
    if from >= to {
        return;
    }
    // Nearly every occurrence has one: no room for more is kept.
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push((from, to));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::ask::Failure;
    use std::collections::BTreeSet;

    fn answer(failures: &[(i64, Option<i64>)], pending: Option<i64>, settled: i64) -> Answer {
        let failure = |(known, late): &(i64, Option<i64>)| Failure {
            test: "t".into(),
            says: "s".into(),
            since: known - 1,
            known: *known,
            late: *late,
            shown_by: Vec::new(),
        };
        let failures = failures.iter().map(failure).collect();
        Answer { failures, pending, evidence: BTreeSet::new(), settled, joined: 10 }
    }

    fn of(answer: &Answer) -> (Vec<Ends>, Vec<Ends>) {
        let mut course = Course::default();
        course.add(answer, 100);
        (course.settled, course.open)
    }

    #[test]
    fn what_is_met_is_settled_and_what_waits_is_not() {
        assert_eq!(of(&answer(&[], None, 10)), (vec![(10, 100)], vec![]));
        assert_eq!(of(&answer(&[], None, 40)), (vec![(40, 100)], vec![]));
        assert_eq!(of(&answer(&[], Some(120), 10)), (vec![], vec![]));
    }

    #[test]
    fn two_failures_are_open_once_and_a_gap_between_them_is_one() {
        // Made up for at 19, and a second one from 30 on that never is.
        let found = of(&answer(&[(15, Some(19)), (30, None)], None, 30));
        assert_eq!(found, (vec![(15, 100)], vec![(15, 20), (30, 100)]));
        // One inside the other, and one that reaches further.
        let found = of(&answer(&[(15, Some(49)), (20, Some(29)), (40, Some(59))], None, 40));
        assert_eq!(found.1, vec![(15, 50), (50, 60)]);
        // What waits is an exception already if another test failed.
        assert_eq!(of(&answer(&[(15, None)], Some(120), 10)).0, vec![(15, 100)]);
    }
}
