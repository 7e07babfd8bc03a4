//! The expected occurrences of a control in a window, from the journal alone.

use super::ask::{Answer, ask, meets};
use super::course::{Course, course};
use super::history::InForce;
use super::journal::{Journal, Row};
use super::period::{around, day_text, whole};
use super::scope::Anchor;
use super::value::Scalar;
use crate::control::{Ask, Cadence, Condition, Control, Population, Subject, When};
use std::collections::{BTreeMap, BTreeSet};

/// A window as the engine counts: microseconds, half open; events from `horizon` on do not count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) horizon: i64,
}

/// An expected occurrence with what was found out about it.
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) at: i64,
    pub(crate) brought_forward: bool,
    pub(crate) answer: Answer,
    pub(crate) course: Course,
}

/// What is expected of one definition.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) members: Vec<Member>,
    pub(crate) excluded: BTreeMap<String, u64>,
    /// What must happen next: until when, and the occurrence.
    pub(crate) next: Option<(i64, String)>,
}

/// What tells a subject apart from others.
type Key = Vec<(String, Scalar)>;

/// The occurrences that are expected by `control` while it held by the definition of `time`; `whole_time` is how long it
/// was in operation, by whatever definitions.
pub(crate) fn expected(
    journal: &Journal,
    control: &Control,
    time: &InForce,
    whole_time: (i64, i64),
    bounds: Bounds,
) -> Expected {
    match &control.population {
        Population::Each { event, conditions, distinct } => {
            each(journal, control, (event, conditions, distinct), time, bounds)
        }
        Population::Every { cadence, subject } => {
            every(journal, control, (*cadence, subject.as_ref()), time, whole_time, bounds)
        }
    }
}

fn each(
    journal: &Journal,
    control: &Control,
    (event, conditions, distinct): (&str, &[Condition], &[String]),
    time: &InForce,
    bounds: Bounds,
) -> Expected {
    let mut expected = Expected::default();
    let Some((kind, rows)) = journal.kind(event) else { return expected };
    let mut seen = BTreeSet::new();
    let mut exclude = |why: &str| *expected.excluded.entry(why.to_owned()).or_default() += 1;
    let mut chosen: Vec<(&Row, bool)> = Vec::new();
    for row in rows.iter().take_while(|row| row.at < bounds.horizon.min(bounds.to)) {
        let in_window = row.at >= bounds.from;
        let in_force = (time.from..time.to).contains(&row.at);
        let missed = conditions.iter().find(|one| !meets(journal, kind, row, std::slice::from_ref(*one)));
        if let Some(condition) = missed {
            if in_window && in_force {
                exclude(&format!("not {}", condition.text));
            }
            continue;
        }
        let fields: Vec<Scalar> =
            distinct.iter().map(|path| journal.value(kind, row, path).clone()).collect();
        if !distinct.is_empty() && !seen.insert(fields) {
            if in_window && in_force {
                exclude("a repetition of an occurrence that counts");
            }
            continue;
        }
        if in_force {
            chosen.push((row, in_window));
        } else if in_window && time.begins && row.at < time.from {
            exclude("before the control was in operation");
        }
    }
    let brings_forward = has_deadline(control);
    for (row, in_window) in chosen {
        let anchor = Anchor::Event { kind, row };
        if !in_window && (!brings_forward || ask(journal, control, &anchor, bounds.from).pending.is_none()) {
            continue;
        }
        let answer = ask(journal, control, &anchor, bounds.horizon);
        let key = format!("event/{}", row.index);
        expected.due(answer.pending, &key);
        let course = course(journal, control, &anchor, &answer);
        expected.members.push(Member { key, at: row.at, brought_forward: !in_window, answer, course });
    }
    expected
}

/// Whether something is asked for that may happen after the occurrence.
fn has_deadline(control: &Control) -> bool {
    control.tests.iter().any(|test| matches!(&test.ask, Ask::Any { when: When::Within(_) | When::By(_), .. }))
}

fn every(
    journal: &Journal,
    control: &Control,
    (cadence, subject): (Cadence, Option<&Subject>),
    time: &InForce,
    (begun, ended): (i64, i64),
    bounds: Bounds,
) -> Expected {
    let mut expected = Expected::default();
    for (key, since, until) in subjects(journal, subject) {
        let (from, to) = (bounds.from.max(begun).max(since), bounds.to.min(ended).min(until));
        if from >= to {
            continue;
        }
        let periods = whole(cadence, from, to);
        let cut = cut_off(cadence, from, to, &periods);
        if cut > 0 && time.begins {
            let why = "a period that the window, the control or the subject does not fill";
            *expected.excluded.entry(why.to_owned()).or_default() += cut;
        }
        for (start, end) in periods {
            if !(time.from < end && end <= time.to) {
                continue;
            }
            let name = name(&key, start);
            let anchor = Anchor::Period { from: start, to: end, key: key.clone() };
            let answer = ask(journal, control, &anchor, bounds.horizon);
            expected.due(answer.pending, &name);
            let course = course(journal, control, &anchor, &answer);
            expected.members.push(Member { key: name, at: end, brought_forward: false, answer, course });
        }
        let lives = (time.from..time.to).contains(&bounds.horizon) && until > bounds.horizon;
        if lives && let Some((at, name)) = upcoming(journal, control, cadence, &key, bounds.horizon) {
            expected.due(Some(at), &name);
        }
    }
    expected.members.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    expected
}

/// How many periods reach into a time and are not among the whole ones.
fn cut_off(cadence: Cadence, from: i64, to: i64, periods: &[(i64, i64)]) -> u64 {
    let (first, last) = match (periods.first(), periods.last()) {
        (Some((first, _)), Some((_, last))) => (*first, *last),
        _ => return around(cadence, from).map_or(0, |(_, end)| 1 + u64::from(end < to)),
    };
    u64::from(from < first) + u64::from(last < to)
}

/// Until when the period around a moment, or the next one if this one has what it needs, must have it.
fn upcoming(
    journal: &Journal,
    control: &Control,
    cadence: Cadence,
    key: &Key,
    horizon: i64,
) -> Option<(i64, String)> {
    let (start, end) = around(cadence, horizon)?;
    let anchor = Anchor::Period { from: start, to: end, key: key.clone() };
    let answer = ask(journal, control, &anchor, horizon);
    if answer.pending.is_some() {
        return Some((end, name(key, start)));
    }
    let (next, end) = around(cadence, end)?;
    Some((end, name(key, next)))
}

fn name(key: &Key, start: i64) -> String {
    let day = day_text(start);
    if key.is_empty() {
        return format!("organisation/{day}");
    }
    let parts: Vec<String> = key.iter().map(|(path, value)| format!("{path}={}", value.shown())).collect();
    format!("{}/{day}", parts.join(","))
}

/// Subjects with the times during which they existed, in order; the organisation always existed.
fn subjects(journal: &Journal, subject: Option<&Subject>) -> Vec<(Key, i64, i64)> {
    let Some(subject) = subject else { return vec![(Vec::new(), i64::MIN, i64::MAX)] };
    let mut steps: Vec<(u64, i64, Key, bool)> = Vec::new();
    for (pattern, begins) in
        std::iter::once((&subject.begins, true)).chain(subject.ends.iter().map(|ends| (ends, false)))
    {
        let Some((kind, rows)) = journal.kind(&pattern.event) else { continue };
        for row in rows.iter().filter(|row| meets(journal, kind, row, &pattern.conditions)) {
            let value = |path: &String| (path.clone(), journal.value(kind, row, path).clone());
            steps.push((row.index, row.at, subject.key.iter().map(value).collect(), begins));
        }
    }
    steps.sort_by_key(|(index, ..)| *index);
    let mut open: BTreeMap<Key, i64> = BTreeMap::new();
    let mut times = Vec::new();
    for (_, at, key, begins) in steps {
        if begins {
            open.entry(key).or_insert(at);
        } else if let Some(since) = open.remove(&key) {
            times.push((key, since, at));
        }
    }
    times.extend(open.into_iter().map(|(key, since)| (key, since, i64::MAX)));
    times.sort();
    times
}

impl Expected {
    fn due(&mut self, at: Option<i64>, occurrence: &str) {
        let Some(at) = at else { return };
        let next = (at, occurrence.to_owned());
        if self.next.as_ref().is_none_or(|known| next < *known) {
            self.next = Some(next);
        }
    }
}
