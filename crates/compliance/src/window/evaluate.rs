//! Evaluates a window: every control that was in operation, by the definition that held when it mattered.

use super::history::{ExceptionNote, History, InForce};
use super::journal::Journal;
use super::population::{Bounds, Expected, expected};
use super::result::{
    ControlResult, CriterionResult, DayState, LedgerPosition, RESULT_FORMAT, Receipt, WindowResult,
};
use super::summary::{finding, findings, summarise};
use super::timeline::{Days, MAX_DAYS, together};
use crate::control::{Control, Library};
use crate::digest;
use comptroller_core::{Digest, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a journal.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// First moment of the window.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// Only controls that serve this framework.
    pub framework: Option<&'a str>,
    /// Only this control.
    pub control: Option<&'a str>,
    /// Where the log is looked at: every entry of it was pushed into the journal.
    pub ledger: LedgerPosition,
}

/// Why a window cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// It ends before it begins, or is longer than eleven years.
    #[error("the window {from} to {to} is not one: it must end after it begins, within eleven years")]
    Window {
        /// First moment.
        from: Timestamp,
        /// First moment after it.
        to: Timestamp,
    },
    /// The journal has fewer or more entries than the position says.
    #[error("the log has {size} entries at the position given, and {counted} were read: read exactly these")]
    Position {
        /// Entries at the position.
        size: u64,
        /// Entries read.
        counted: u64,
    },
    /// The result cannot be written as JSON.
    #[error("cannot write the result as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What one control came to, with the days that its criteria need.
pub(super) struct Evaluated {
    pub(super) result: ControlResult,
    pub(super) days: Days,
    pub(super) queries: Vec<Digest>,
}

/// Evaluates a window.
///
/// # Errors
/// See [`WindowError`]. What is wrong with a control is no error but a finding in its result.
pub fn evaluate(
    journal: &Journal,
    history: &History,
    library: &Library,
    question: &Question<'_>,
) -> Result<WindowResult, WindowError> {
    let (from, to) = (question.from.micros(), question.to.micros());
    if from >= to || to.saturating_sub(from) / super::period::DAY > MAX_DAYS {
        return Err(WindowError::Window { from: question.from, to: question.to });
    }
    if journal.counted() != question.ledger.size {
        return Err(WindowError::Position { size: question.ledger.size, counted: journal.counted() });
    }
    let known = journal.known_until().map_or(from, Timestamp::micros).saturating_add(1);
    let bounds = Bounds { from, to, horizon: to.min(known).max(from) };
    let (mut evaluated, mut not_in_operation) = (Vec::new(), BTreeSet::new());
    for id in
        history.controls().chain(library.iter().map(|control| control.id.as_str())).collect::<BTreeSet<_>>()
    {
        if question.control.is_some_and(|wanted| wanted != id) {
            continue;
        }
        match control(journal, history, library.get(id), id, bounds) {
            Some(one) if question.framework.is_none_or(|wanted| serves(&one.result, wanted)) => {
                evaluated.push(one);
            }
            None if library
                .get(id)
                .is_some_and(|c| question.framework.is_none_or(|f| c.serves_framework(f))) =>
            {
                not_in_operation.insert(id.to_owned());
            }
            _ => {}
        }
    }
    let criteria = criteria(library, &evaluated, &not_in_operation, question.framework);
    assemble(history, question, bounds, evaluated, criteria, not_in_operation.into_iter().collect())
}

fn serves(result: &ControlResult, framework: &str) -> bool {
    result.serves.iter().any(|serves| serves.framework() == framework)
}

/// What a control came to; none if it was not in operation in the window.
fn control(
    journal: &Journal,
    history: &History,
    in_library: Option<&Control>,
    id: &str,
    bounds: Bounds,
) -> Option<Evaluated> {
    let times: Vec<InForce> =
        history.times(id).into_iter().filter(|time| time.from < bounds.to && time.to > bounds.from).collect();
    // The definition that held last says what the control is.
    let last = times.iter().rev().find_map(|time| history.definition(&time.definition)).or(in_library);
    let (Some(first), Some(last)) = (times.first(), last) else { return None };
    let mut findings = findings(history, in_library, id, first, bounds);
    let mut all = Expected::default();
    let mut days = Days::new(bounds.from, bounds.horizon.max(bounds.from + 1));
    for time in &times {
        days.operates(time.from, time.to);
        let Some(definition) = history.definition(&time.definition) else {
            let says = format!(
                "the definition {} held from {} on and cannot be read: what it asks for was not tested",
                time.definition,
                Timestamp::from_micros(time.from)
            );
            findings.push(finding("definition-not-readable", says));
            continue;
        };
        let part = expected(journal, definition, time, whole_time(&times, time), bounds);
        for (why, count) in part.excluded {
            *all.excluded.entry(why).or_default() += count;
        }
        all.members.extend(part.members);
        all.next = all.next.into_iter().chain(part.next).min();
    }
    let in_operation = times.iter().any(|time| (time.from..time.to).contains(&(bounds.horizon - 1)));
    let evaluated = summarise(history, last, all, bounds, in_operation, days, findings);
    let queries: BTreeSet<Digest> = times.into_iter().map(|time| time.definition).collect();
    Some(Evaluated { queries: queries.into_iter().collect(), ..evaluated })
}

/// How long the control was in operation around a time, by whatever definitions.
fn whole_time(times: &[InForce], time: &InForce) -> (i64, i64) {
    let (mut from, mut to) = (time.from, time.to);
    for other in times.iter().rev() {
        if other.to == from && other.from < from {
            from = other.from;
        }
    }
    for other in times {
        if other.from == to && !other.begins {
            to = other.to;
        }
    }
    (from, to)
}

/// What the digest of a result is over.
#[derive(Serialize)]
struct Sealed<'a> {
    format: &'a str,
    from: Timestamp,
    to: Timestamp,
    evidence_until: Timestamp,
    framework: Option<&'a str>,
    control: Option<&'a str>,
    engine: &'a Digest,
    controls: &'a [ControlResult],
    criteria: &'a [CriterionResult],
    not_in_operation: &'a [String],
}

fn assemble(
    history: &History,
    question: &Question<'_>,
    bounds: Bounds,
    evaluated: Vec<Evaluated>,
    criteria: Vec<CriterionResult>,
    not_in_operation: Vec<String>,
) -> Result<WindowResult, WindowError> {
    let engine = engine_digest();
    let evidence_until = Timestamp::from_micros(bounds.horizon);
    let mut receipts = Vec::new();
    for one in &evaluated {
        receipts.extend(receipts_of(one, question, &engine, evidence_until)?);
    }
    let controls: Vec<ControlResult> = evaluated.into_iter().map(|one| one.result).collect();
    let sealed = Sealed {
        format: RESULT_FORMAT,
        from: question.from,
        to: question.to,
        evidence_until,
        framework: question.framework,
        control: question.control,
        engine: &engine,
        controls: &controls,
        criteria: &criteria,
        not_in_operation: &not_in_operation,
    };
    let digest = digest::of_json(&sealed)?;
    let exceptions = controls.iter().flat_map(|control| &control.exceptions);
    let notes: BTreeMap<Digest, Vec<ExceptionNote>> = exceptions
        .map(|exception| (exception.id.clone(), history.notes(&exception.id).to_vec()))
        .filter(|(_, notes)| !notes.is_empty())
        .collect();
    Ok(WindowResult {
        format: RESULT_FORMAT.to_owned(),
        from: question.from,
        to: question.to,
        evidence_until,
        framework: question.framework.map(str::to_owned),
        control: question.control.map(str::to_owned),
        engine,
        controls,
        criteria,
        not_in_operation,
        digest,
        ledger: question.ledger.clone(),
        receipts,
        notes,
    })
}

fn receipts_of(
    one: &Evaluated,
    question: &Question<'_>,
    engine: &Digest,
    evidence_until: Timestamp,
) -> Result<[Receipt; 2], serde_json::Error> {
    let result = &one.result;
    let excluded = result.excluded.iter().map(|excluded| excluded.count).sum();
    let receipt = |list: &str, rows: usize, excluded: u64, digest: Digest| Receipt {
        control: result.id.clone(),
        list: list.to_owned(),
        query: one.queries.clone(),
        from: question.from,
        to: question.to,
        evidence_until,
        code: engine.clone(),
        rows: rows as u64,
        excluded,
        digest,
        ledger: question.ledger.clone(),
    };
    Ok([
        receipt("population", result.population.len(), excluded, digest::of_json(&result.population)?),
        receipt("exceptions", result.exceptions.len(), 0, digest::of_json(&result.exceptions)?),
    ])
}

/// What came out for each criterion that a control in operation serves.
fn criteria(
    library: &Library,
    evaluated: &[Evaluated],
    not_in_operation: &BTreeSet<String>,
    framework: Option<&str>,
) -> Vec<CriterionResult> {
    let mut by_criterion: BTreeMap<&str, Vec<&Evaluated>> = BTreeMap::new();
    for one in evaluated {
        for serves in
            one.result.serves.iter().filter(|serves| framework.is_none_or(|f| serves.framework() == f))
        {
            by_criterion.entry(&serves.criterion).or_default().push(one);
        }
    }
    let resting: Vec<&Control> =
        library.iter().filter(|control| not_in_operation.contains(&control.id)).collect();
    let mut results = Vec::new();
    for (criterion, those) in by_criterion {
        let would = |control: &&&Control| control.serves.iter().any(|serves| serves.criterion == criterion);
        let resting: Vec<String> = resting.iter().filter(would).map(|control| control.id.clone()).collect();
        let mut all: Vec<_> = those.iter().map(|one| one.days.states()).collect();
        let Some(days) = those.first().map(|one| &one.days) else { continue };
        if !resting.is_empty() {
            all.push(vec![(DayState::NotInOperation, 0); all[0].len()]);
        }
        results.push(CriterionResult {
            criterion: criterion.to_owned(),
            controls: those.iter().map(|one| one.result.id.clone()).collect(),
            not_in_operation: resting,
            expected: those.iter().map(|one| one.result.period.expected).sum(),
            exceptions: those.iter().map(|one| one.result.period.exceptions).sum(),
            timeline: days.runs(&together(&all)),
            next_due: those.iter().filter_map(|one| one.result.next_due.clone()).min(),
        });
    }
    results
}

/// Occurrences that a list of keys lacks, and keys that are no occurrence: how a list of others is shown to hide rows.
pub fn reconcile(result: &ControlResult, listed: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let known: BTreeSet<&str> = result.population.iter().map(|occurrence| occurrence.key.as_str()).collect();
    let missing = known.iter().filter(|key| !listed.contains(**key)).map(|key| (*key).to_owned()).collect();
    let unknown = listed.iter().filter(|key| !known.contains(key.as_str())).cloned().collect();
    (missing, unknown)
}

/// SHA-256 over the source of what computes a result.
pub fn engine_digest() -> Digest {
    digest::of_parts(&[
        include_bytes!("ask.rs"),
        include_bytes!("course.rs"),
        include_bytes!("evaluate.rs"),
        include_bytes!("history.rs"),
        include_bytes!("journal.rs"),
        include_bytes!("period.rs"),
        include_bytes!("population.rs"),
        include_bytes!("scope.rs"),
        include_bytes!("summary.rs"),
        include_bytes!("timeline.rs"),
        include_bytes!("value.rs"),
        include_bytes!("../control/condition.rs"),
        include_bytes!("../control/file.rs"),
        include_bytes!("../control/raw.rs"),
        include_bytes!("../control/span.rs"),
    ])
}
