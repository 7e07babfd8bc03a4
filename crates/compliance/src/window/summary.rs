//! Sums up what was found out about the occurrences of one control.

use super::evaluate::Evaluated;
use super::history::{ChangeKind, History, InForce};
use super::population::{Bounds, Expected, Member};
use super::result::{
    Cause, ControlException, ControlResult, Excluded, Finding, NextDue, Occurrence, PeriodResult,
    PointResult, State,
};
use super::timeline::Days;
use crate::control::{Control, PointRule};
use crate::digest;
use comptroller_core::vocab::ExceptionStep;
use comptroller_core::{Digest, Timestamp};

pub(super) fn finding(kind: &str, says: String) -> Finding {
    Finding { kind: kind.to_owned(), says }
}

pub(super) fn findings(
    history: &History,
    in_library: Option<&Control>,
    id: &str,
    first: &InForce,
    bounds: Bounds,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if first.begins && first.from > bounds.from {
        let says =
            format!("in operation from {} on, and counts from there", Timestamp::from_micros(first.from));
        findings.push(finding("introduced-in-window", says));
    }
    for change in history.changes(id) {
        let (at, in_window) = (change.at, (bounds.from..bounds.to).contains(&change.at.micros()));
        let (kind, what) = match change.kind {
            ChangeKind::Changed => ("changed-in-window", "another definition holds"),
            ChangeKind::Retired => ("retired-in-window", "it was taken out of operation"),
            ChangeKind::Adopted => continue,
        };
        if in_window {
            findings.push(finding(kind, format!("from {at} on {what}; entry {} records it", change.index)));
        }
    }
    let held = history.times(id).into_iter().rfind(|time| time.from < bounds.to);
    if let (Some(control), Some(held)) = (in_library, held)
        && control.digest != held.definition
    {
        let says = format!(
            "the library has the definition {}, which no entry puts in operation; the one that is on record, {}, was used",
            control.digest, held.definition
        );
        findings.push(finding("other-definition-in-library", says));
    }
    findings
}

/// The occurrences of a control, counted.
#[derive(Default)]
struct Counted {
    population: Vec<Occurrence>,
    exceptions: Vec<ControlException>,
    period: PeriodResult,
    /// Whether the last one that is settled meets every test.
    last_met: Option<bool>,
}

impl Counted {
    fn new(
        history: &History,
        control: &Control,
        members: Vec<Member>,
        bounds: Bounds,
        days: &mut Days,
    ) -> Self {
        let mut counted = Self::default();
        let mut last = i64::MIN;
        for member in members {
            let state = match (&member.answer.failures[..], member.answer.pending) {
                ([], None) => State::Met,
                ([], Some(_)) => State::Pending,
                _ => State::Exception,
            };
            let period = &mut counted.period;
            period.expected += 1;
            match state {
                State::Met => period.met += 1,
                State::Exception => period.exceptions += 1,
                State::Pending => period.pending += 1,
            }
            if state != State::Pending && member.at >= last {
                last = member.at;
                counted.last_met = Some(state == State::Met);
            }
            if state == State::Exception {
                counted.exceptions.push(exception(history, control, &member, bounds));
            }
            on_days(days, history, control, &member, bounds);
            counted.population.push(occurrence(member, state));
        }
        let period = &mut counted.period;
        let settled = period.met + period.exceptions;
        period.rule_ppm = control.period_ppm;
        period.met_ppm = (settled > 0).then(|| (period.met * 1_000_000 / settled) as u32);
        period.kept = period.met_ppm.map(|share| share >= period.rule_ppm);
        counted
    }

    fn point(&self, control: &Control, bounds: Bounds, in_operation: bool) -> PointResult {
        let open = self.exceptions.iter().filter(|exception| exception.closed.is_none()).count() as u64;
        let kept = match control.point {
            _ if !in_operation => None,
            PointRule::NoneOpen => Some(open == 0),
            PointRule::LastMet => self.last_met,
        };
        PointResult { at: Timestamp::from_micros(bounds.horizon), rule: control.point, open, kept }
    }
}

/// What a control came to; the criteria and the queries are added by the caller.
pub(super) fn summarise(
    history: &History,
    control: &Control,
    all: Expected,
    bounds: Bounds,
    in_operation: bool,
    mut days: Days,
    mut findings: Vec<Finding>,
) -> Evaluated {
    let counted = Counted::new(history, control, all.members, bounds, &mut days);
    if counted.population.is_empty() {
        findings.push(finding("no-occurrence", "nothing was expected in the window".to_owned()));
    }
    let next_due = all.next.map(|(at, occurrence)| NextDue {
        at: Timestamp::from_micros(at),
        control: control.id.clone(),
        occurrence,
    });
    let changes = history.changes(&control.id).iter().filter(|change| change.at.micros() < bounds.to);
    let result = ControlResult {
        id: control.id.clone(),
        title: control.title.clone(),
        area: control.area,
        owner: control.owner,
        objective: control.objective.clone(),
        rhythm: control.rhythm(),
        serves: control.serves.clone(),
        blind_spots: control.blind_spots.clone(),
        changes: changes.cloned().collect(),
        findings,
        point: counted.point(control, bounds, in_operation),
        population: counted.population,
        excluded: all.excluded.into_iter().map(|(why, count)| Excluded { why, count }).collect(),
        exceptions: counted.exceptions,
        period: counted.period,
        timeline: days.runs(&days.states()),
        next_due,
    };
    Evaluated { result, days, queries: Vec::new() }
}

/// Puts an occurrence on the days. A retest that passed ends what the tests leave open.
fn on_days(days: &mut Days, history: &History, control: &Control, member: &Member, bounds: Bounds) {
    for (from, to) in &member.course.settled {
        days.settled(*from, *to);
    }
    if member.course.open.is_empty() {
        return;
    }
    let closed = closed(history, &exception_id(&control.id, &member.key), bounds);
    for (from, to) in &member.course.open {
        let mut from = *from;
        for (passed, failed) in &closed {
            let until = (*to).min(passed.saturating_add(1));
            if from < until {
                days.open(from, until);
            }
            from = from.max(*failed);
        }
        if from < *to {
            days.open(from, *to);
        }
    }
}

/// From when to when a retest keeps an exception closed, by what is on record in the window: one that passed after
/// somebody else had done something about it, until one that failed.
fn closed(history: &History, exception: &Digest, bounds: Bounds) -> Vec<(i64, i64)> {
    let (mut remedied_by, mut spans) = (None, Vec::<(i64, i64)>::new());
    for note in history.notes(exception).iter().filter(|note| note.at.micros() < bounds.horizon) {
        let at = note.at.micros();
        let is_closed = spans.last().is_some_and(|(_, until)| *until == i64::MAX);
        match note.step {
            ExceptionStep::Remediation => remedied_by = Some(note.actor.as_str()),
            ExceptionStep::RetestPassed if !is_closed && remedied_by.is_some_and(|by| by != note.actor) => {
                spans.push((at, i64::MAX));
            }
            ExceptionStep::RetestFailed if is_closed => {
                if let Some((_, until)) = spans.last_mut() {
                    *until = at;
                }
            }
            _ => {}
        }
    }
    spans
}

/// When the retest passed that keeps an exception closed at the end of the window, if one does.
fn retested(history: &History, exception: &Digest, bounds: Bounds) -> Option<i64> {
    closed(history, exception, bounds).last().filter(|(_, until)| *until == i64::MAX).map(|(at, _)| *at)
}

fn occurrence(member: Member, state: State) -> Occurrence {
    Occurrence {
        key: member.key,
        at: Timestamp::from_micros(member.at),
        brought_forward: member.brought_forward,
        state,
        due: member.answer.pending.map(|at| Timestamp::from_micros(at - 1)),
        evidence: member.answer.evidence.into_iter().collect(),
    }
}

/// The id of an exception: a digest over the control and the occurrence.
pub fn exception_id(control: &str, occurrence: &str) -> Digest {
    digest::of_parts(&[b"comptroller-exception/v1", control.as_bytes(), occurrence.as_bytes()])
}

fn exception(history: &History, control: &Control, member: &Member, bounds: Bounds) -> ControlException {
    let id = exception_id(&control.id, &member.key);
    let failures = &member.answer.failures;
    let since = failures.iter().map(|failure| failure.since).min().unwrap_or(member.at);
    let all_late = failures.iter().map(|failure| failure.late).collect::<Option<Vec<i64>>>();
    let healed = all_late.and_then(|times| times.into_iter().max());
    let closed = healed.into_iter().chain(retested(history, &id, bounds)).min();
    let cause = |failure: &super::ask::Failure| Cause {
        test: failure.test.clone(),
        says: failure.says.clone(),
        late: failure.late.map(Timestamp::from_micros),
        shown_by: failure.shown_by.clone(),
    };
    ControlException {
        id,
        control: control.id.clone(),
        occurrence: member.key.clone(),
        at: Timestamp::from_micros(member.at),
        since: Timestamp::from_micros(since),
        closed: closed.map(Timestamp::from_micros),
        causes: failures.iter().map(cause).collect(),
        effect: control.prevents.clone(),
    }
}
