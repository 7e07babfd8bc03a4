//! Asks the tests of a control about one occurrence.
//!
//! INVARIANT (no-conclusion): what comes out is what was found and what was not. Nothing here, and nothing that is made
//! of it, says whether a control was effective or a criterion satisfied: that is the auditor's.

use super::journal::{Journal, Row};
use super::scope::{Anchor, Hand, Scope};
use super::value::Scalar;
use crate::control::{Ask, Condition, Control, Join, Operator, Pattern, Term, Test, When};
use std::collections::BTreeSet;

/// A test that an occurrence does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    pub(crate) says: String,
    /// From when on it is an exception.
    pub(crate) since: i64,
    /// The first end of a window that shows it.
    pub(crate) known: i64,
    /// When what was missing was there after all.
    pub(crate) late: Option<i64>,
    /// Entries that show it.
    pub(crate) shown_by: Vec<u64>,
}

/// What was found out about an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) failures: Vec<Failure>,
    /// The earliest end of what may still happen.
    pub(crate) pending: Option<i64>,
    /// Entries that the tests rest on.
    pub(crate) evidence: BTreeSet<u64>,
    /// The first end of a window for which none of the tests that were answered waits any more.
    pub(crate) settled: i64,
    /// The first end of a window that joins the same events.
    pub(crate) joined: i64,
}

/// Asks everything about an occurrence. Events from `horizon` on, in microseconds, do not count.
pub(crate) fn ask<'j>(journal: &'j Journal, control: &Control, anchor: &Anchor<'j>, horizon: i64) -> Answer {
    let mut scope = Scope { journal, anchor, horizon, joined: Vec::new(), each: None };
    let mut answer = Answer {
        failures: Vec::new(),
        pending: None,
        evidence: BTreeSet::new(),
        settled: anchor.known(),
        joined: anchor.known(),
    };
    if let Anchor::Event { row, .. } = anchor {
        answer.evidence.insert(row.index);
    }
    let mut missing = Vec::new();
    for join in &control.joins {
        let row = scope.join(join);
        if let Some(row) = row {
            answer.evidence.insert(row.index);
            answer.joined = answer.joined.max(row.at.saturating_add(1));
        } else if !join.optional {
            missing.push(join.name.as_str());
            let says = format!("the {} that it belongs to is not on record", join.pattern.event);
            let failure = Failure {
                test: join.name.clone(),
                says,
                since: anchor.at(),
                known: anchor.known(),
                late: None,
                shown_by: Vec::new(),
            };
            answer.failures.push(failure);
        }
        scope.joined.push((&join.name, &join.pattern.event, row));
    }
    for test in &control.tests {
        // What rests on something that is missing has its cause there.
        if missing.iter().any(|name| test.mentions(name)) || !scope.all(Hand::NOTHING, &test.only_if) {
            continue;
        }
        let Some(field) = &test.for_each else {
            scope.test(test, &mut answer);
            continue;
        };
        let items = match scope.value(Hand::NOTHING, field) {
            Scalar::List(items) => items,
            Scalar::Absent => Vec::new(),
            one => vec![one],
        };
        for item in items {
            scope.each = Some(item);
            scope.test(test, &mut answer);
        }
        scope.each = None;
    }
    answer
}

/// Whether an event of a type meets conditions that look at nothing but itself.
pub(crate) fn meets(journal: &Journal, kind: &str, row: &Row, conditions: &[Condition]) -> bool {
    let anchor = Anchor::Event { kind, row };
    let scope = Scope { journal, anchor: &anchor, horizon: i64::MAX, joined: Vec::new(), each: None };
    scope.all(Hand::NOTHING, conditions)
}

impl<'j> Scope<'_, 'j> {
    fn join(&self, join: &Join) -> Option<&'j Row> {
        let mut matching = self
            .candidates(&join.pattern, i64::MIN, self.horizon)
            .filter(|row| join.anywhen || self.anchor.is_after(row) || self.is_anchor(row))
            .filter(|row| self.matches(&join.pattern, row));
        if join.first { matching.next() } else { matching.last() }
    }

    fn is_anchor(&self, row: &Row) -> bool {
        matches!(self.anchor, Anchor::Event { row: own, .. } if own.index == row.index)
    }

    fn test(&self, test: &Test, answer: &mut Answer) {
        let (since, known) = (self.anchor.at(), self.anchor.known());
        let failed = |since, known, late, shown_by| Failure {
            test: test.id.clone(),
            says: test.says.clone(),
            since,
            known,
            late,
            shown_by,
        };
        match &test.ask {
            Ask::Holds(conditions) => {
                if !self.all(Hand::NOTHING, conditions) {
                    answer.failures.push(failed(since, known, None, Vec::new()));
                }
            }
            Ask::None { patterns, when } => {
                let Some((from, to)) = self.bounds(when) else { return };
                let found = patterns.iter().filter_map(|pattern| self.found(pattern, from, to, when).next());
                if let Some(row) = found.min_by_key(|row| row.index) {
                    let known = known.max(row.at.saturating_add(1));
                    answer.failures.push(failed(row.at.max(since), known, None, vec![row.index]));
                }
            }
            Ask::Any { patterns, when, at_least, distinct } => {
                let Some((from, to)) = self.bounds(when) else {
                    answer.failures.push(failed(since, known, None, Vec::new()));
                    return;
                };
                let some = match self.enough(patterns, (from, to), when, *at_least, distinct.as_deref()) {
                    Ok(rows) => {
                        let last = rows.iter().map(|row| row.at.saturating_add(1)).max();
                        answer.settled = answer.settled.max(last.unwrap_or(known));
                        answer.evidence.extend(rows.iter().map(|row| row.index));
                        return;
                    }
                    Err(some) => some,
                };
                let is_open = !matches!(when, When::Before(_)) && to > self.horizon;
                if is_open {
                    answer.pending = Some(answer.pending.map_or(to, |other| other.min(to)));
                    return;
                }
                let (since, known) =
                    if matches!(when, When::Before(_)) { (since, known) } else { (to, known.max(to)) };
                // Until its time was over it waited.
                answer.settled = answer.settled.max(known);
                let late = match when {
                    When::Before(_) => None,
                    _ => self.late(patterns, to),
                };
                let shown_by = some.iter().chain(late.as_ref()).map(|row| row.index).collect();
                answer.failures.push(failed(since, known, late.map(|row| row.at), shown_by));
            }
        }
    }

    /// The first event that matches after the time was over.
    fn late(&self, patterns: &[Pattern], from: i64) -> Option<&'j Row> {
        let first = |pattern| self.found(pattern, from, self.horizon, &When::After).next();
        patterns.iter().filter_map(first).min_by_key(|row| row.index)
    }

    /// From when, and before when, an event counts; none if a field that says so is not there.
    fn bounds(&self, when: &When) -> Option<(i64, i64)> {
        let at = self.anchor.at();
        match when {
            When::Before(None) => Some((i64::MIN, at.saturating_add(1))),
            When::Before(Some(span)) => Some((at.saturating_sub(span.micros()), at.saturating_add(1))),
            When::After => Some((at, i64::MAX)),
            When::Within(span) => Some((at, at.saturating_add(span.micros()).saturating_add(1))),
            When::By(field) => Some((at, self.value(Hand::NOTHING, field).as_time()?.saturating_add(1))),
            When::During => match self.anchor {
                Anchor::Period { from, to, .. } => Some((*from, *to)),
                Anchor::Event { .. } => None,
            },
        }
    }

    /// Events of a pattern in time.
    fn found<'s>(
        &'s self,
        pattern: &'s Pattern,
        from: i64,
        to: i64,
        when: &'s When,
    ) -> impl Iterator<Item = &'j Row> + 's {
        self.candidates(pattern, from, to.min(self.horizon))
            .filter(move |row| match when {
                When::Before(_) => self.anchor.is_after(row),
                When::During => true,
                When::After | When::Within(_) | When::By(_) => {
                    !self.anchor.is_after(row) && !self.is_anchor(row)
                }
            })
            .filter(|row| self.matches(pattern, row))
    }

    /// So many events; or those that there are. Of what may come after the occurrence the earliest ones, so that the last
    /// of them says from when on there were enough.
    fn enough(
        &self,
        patterns: &[Pattern],
        (from, to): (i64, i64),
        when: &When,
        at_least: u32,
        distinct: Option<&str>,
    ) -> Result<Vec<&'j Row>, Vec<&'j Row>> {
        let most = at_least as usize;
        let mut found: Vec<(&'j Row, Option<Scalar>)> = Vec::new();
        for pattern in patterns {
            let (mut count, mut seen) = (0, BTreeSet::new());
            for row in self.found(pattern, from, to, when) {
                let value = distinct.map(|path| self.journal.value(&pattern.event, row, path).clone());
                if value.as_ref().is_some_and(|value| !seen.insert(value.clone())) {
                    continue;
                }
                found.push((row, value));
                count += 1;
                if count == most {
                    break;
                }
            }
            // What happened before is there whenever it is asked: the first pattern that has enough will do.
            if count == most && !matches!(when, When::Within(_) | When::By(_)) {
                break;
            }
        }
        found.sort_by_key(|(row, _)| row.index);
        let mut values = BTreeSet::new();
        found.retain(|(_, value)| value.as_ref().is_none_or(|value| values.insert(value.clone())));
        let is_enough = found.len() >= most;
        let rows = found.into_iter().take(most).map(|(row, _)| row).collect();
        if is_enough { Ok(rows) } else { Err(rows) }
    }

    /// Rows of the type of a pattern with `from <= at < to`, narrowed by one condition that an index answers.
    fn candidates<'s>(
        &'s self,
        pattern: &'s Pattern,
        from: i64,
        to: i64,
    ) -> Box<dyn Iterator<Item = &'j Row> + 's> {
        let rows = self.journal.rows(&pattern.event);
        let keyed = pattern.conditions.iter().find_map(|condition| self.keyed(condition));
        let Some((path, value)) = keyed else {
            let first = rows.partition_point(|row| row.at < from);
            return Box::new(rows[first..].iter().take_while(move |row| row.at < to));
        };
        let positions = self.journal.having(&pattern.event, path, &value);
        let at = |position: &u32| rows.get(*position as usize).map_or(i64::MAX, |row| row.at);
        let first = positions.partition_point(|position| at(position) < from);
        let last = positions.partition_point(|position| at(position) < to).max(first);
        Box::new((first..last).filter_map(move |place| rows.get(*positions.get(place)? as usize)))
    }

    /// A field of the event at hand that must equal something known beforehand.
    fn keyed<'c>(&self, condition: &'c Condition) -> Option<(&'c str, Scalar)> {
        if condition.operator != Operator::Equal || condition.left.of.is_some() {
            return None;
        }
        match &condition.right {
            Term::Field { field, plus: None, .. } if matches!(field.of.as_deref(), Some(name) if name != "found") => {
                Some((&condition.left.path, self.term(Hand::NOTHING, &condition.right)))
            }
            _ => None,
        }
    }

    fn matches(&self, pattern: &Pattern, row: &'j Row) -> bool {
        let Some((kind, _)) = self.journal.kind(&pattern.event) else { return false };
        let hand = Hand { own: Some((kind, row)), found: None };
        if !self.all(hand, &pattern.conditions) {
            return false;
        }
        let Some(unless) = &pattern.unless else { return true };
        let Some((undoing, rows)) = self.journal.kind(&unless.event) else { return true };
        let after = rows.partition_point(|other| other.index <= row.index);
        !rows[after..].iter().take_while(|other| self.anchor.is_after(other)).any(|other| {
            self.all(Hand { own: Some((undoing, other)), found: Some((kind, row)) }, &unless.conditions)
        })
    }
}
