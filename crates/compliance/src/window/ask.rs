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
    /// When what was missing was there after all.
    pub(crate) late: Option<i64>,
    /// Entries that show it.
    pub(crate) shown_by: Vec<u64>,
}

/// What was found out about an occurrence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) failures: Vec<Failure>,
    /// The earliest end of what may still happen.
    pub(crate) pending: Option<i64>,
    /// Entries that the tests rest on.
    pub(crate) evidence: BTreeSet<u64>,
}

/// Asks everything about an occurrence. Events from `horizon` on, in microseconds, do not count.
pub(crate) fn ask<'j>(journal: &'j Journal, control: &Control, anchor: &Anchor<'j>, horizon: i64) -> Answer {
    let mut scope = Scope { journal, anchor, horizon, joined: Vec::new(), each: None };
    let mut answer = Answer::default();
    if let Anchor::Event { row, .. } = anchor {
        answer.evidence.insert(row.index);
    }
    let mut missing = Vec::new();
    for join in &control.joins {
        let row = scope.join(join);
        if let Some(row) = row {
            answer.evidence.insert(row.index);
        } else if !join.optional {
            missing.push(join.name.as_str());
            let says = format!("the {} that it belongs to is not on record", join.pattern.event);
            let failure = Failure {
                test: join.name.clone(),
                says,
                since: anchor.at(),
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
        let since = self.anchor.at();
        let failed = |since, late, shown_by| Failure {
            test: test.id.clone(),
            says: test.says.clone(),
            since,
            late,
            shown_by,
        };
        match &test.ask {
            Ask::Holds(conditions) => {
                if !self.all(Hand::NOTHING, conditions) {
                    answer.failures.push(failed(since, None, Vec::new()));
                }
            }
            Ask::None { patterns, when } => {
                let Some((from, to)) = self.bounds(when) else { return };
                let found = patterns.iter().find_map(|pattern| self.found(pattern, from, to, when).next());
                if let Some(row) = found {
                    answer.failures.push(failed(row.at.max(since), None, vec![row.index]));
                }
            }
            Ask::Any { patterns, when, at_least, distinct } => {
                let Some((from, to)) = self.bounds(when) else {
                    answer.failures.push(failed(since, None, Vec::new()));
                    return;
                };
                let rows = self.enough(patterns, from, to, when, *at_least, distinct.as_deref());
                let Err(some) = rows else {
                    answer.evidence.extend(rows.unwrap_or_default());
                    return;
                };
                let is_open = !matches!(when, When::Before(_)) && to > self.horizon;
                if is_open {
                    answer.pending = Some(answer.pending.map_or(to, |other| other.min(to)));
                    return;
                }
                let since = if matches!(when, When::Before(_)) { since } else { to };
                let late = match when {
                    When::Before(_) => None,
                    _ => self.late(patterns, to),
                };
                let shown_by = some.into_iter().chain(late.map(|row| row.index)).collect();
                answer.failures.push(failed(since, late.map(|row| row.at), shown_by));
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

    /// So many events, by index; or those that there are.
    fn enough(
        &self,
        patterns: &[Pattern],
        from: i64,
        to: i64,
        when: &When,
        at_least: u32,
        distinct: Option<&str>,
    ) -> Result<Vec<u64>, Vec<u64>> {
        let (mut rows, mut values) = (Vec::new(), BTreeSet::new());
        for pattern in patterns {
            for row in self.found(pattern, from, to, when) {
                if let Some(path) = distinct
                    && !values.insert(self.journal.value(&pattern.event, row, path).clone())
                {
                    continue;
                }
                rows.push(row.index);
                if rows.len() as u64 == u64::from(at_least) {
                    return Ok(rows);
                }
            }
        }
        Err(rows)
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
