//! From a framework, the controls and what a window shows of them to how each row stands.

use super::steps::{Steps, close, perform};
use super::{ControlStanding, GAP_FORMAT, GapAnalysis, GapRow, MEANING, Standing};
use crate::classify::{Classification, Standing as DateStanding, Tri};
use crate::control::{Control, Library, Relation, Serves};
use crate::framework::{Day, Framework, Kind, Row};
use crate::window::{ControlResult, WindowResult};
use std::collections::BTreeMap;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct GapQuestion<'a> {
    /// The framework.
    pub framework: &'a Framework,
    /// The day, which is the day of knowledge too.
    pub as_of: Day,
    /// The one system that is asked about.
    pub system: Option<&'a str>,
    /// Controls that could be put in operation.
    pub library: &'a Library,
    /// A test of controls over a window that ends on the day, of everything or of the system.
    pub tested: &'a WindowResult,
    /// Rows that somebody stated not to be applicable, with the reason.
    pub excluded: &'a BTreeMap<String, String>,
    /// Classifications of the systems that are asked about, for a framework with duties that depend on them.
    pub systems: &'a [SystemDuties],
    /// What is stale on the day.
    pub stale: &'a [Renewal],
}

/// Something on record that has to be made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// What it is, in a name that nothing else has.
    pub about: String,
    /// What is stale, and why.
    pub says: String,
    /// What to type.
    pub command: String,
}

/// A system and what the AI Act says of it.
#[derive(Clone, Debug)]
pub struct SystemDuties {
    /// Its name.
    pub slug: String,
    /// Its classification by the recorded answers, for the day; none: it was never classified by rules.
    pub classification: Option<Classification>,
}

/// A control that serves a row, wherever it is known from.
struct Serving<'a> {
    id: &'a str,
    title: &'a str,
    relation: Relation,
    result: Option<&'a ControlResult>,
}

/// Looks at every row of a framework.
pub fn analyse(question: &GapQuestion<'_>) -> GapAnalysis {
    let framework = question.framework;
    let mut steps = Steps::default();
    let mut rows = Vec::new();
    for row in framework.rows_known(question.as_of).filter(|row| row.asks()) {
        rows.push(one(question, row, &mut steps));
    }
    for renewal in question.stale {
        steps.renew(renewal);
    }
    let mut counts: BTreeMap<Standing, usize> = Standing::ALL.map(|standing| (standing, 0)).into();
    for row in &rows {
        *counts.entry(row.standing).or_default() += 1;
    }
    GapAnalysis {
        format: GAP_FORMAT.to_owned(),
        framework: framework.id.clone(),
        name: framework.name.clone(),
        framework_digest: framework.digest(),
        as_of: question.as_of,
        system: question.system.map(str::to_owned),
        controls_digest: question.tested.digest.clone(),
        meaning: MEANING.to_owned(),
        counts,
        steps: steps.ordered(&rows),
        rows,
    }
}

fn one(question: &GapQuestion<'_>, row: &Row, steps: &mut Steps) -> GapRow {
    let mut found = GapRow {
        id: row.id.clone(),
        label: row.label.clone(),
        source: row.source.clone(),
        standing: Standing::Holds,
        because: Vec::new(),
        is_seen_whole: false,
        controls: Vec::new(),
        applies_from: None,
        steps: Vec::new(),
    };
    let excluded = question.excluded.get(&row.id);
    // Nobody states away what a system is on record to do.
    let is_prohibition = question.framework.id == crate::classify::FRAMEWORK && row.kind == Kind::Prohibition;
    if let (Some(reason), true) = (excluded, is_prohibition) {
        prohibited(question, row, &mut found, &mut Steps::default());
        if found.standing == Standing::DoesNot {
            found.because.push(format!("stated as not applicable, against the answers: {reason}"));
            return found;
        }
        found.because.clear();
        found.steps.clear();
    }
    if let Some(reason) = excluded {
        found.standing = Standing::NotApplicable;
        found.because.push(format!("stated: {reason}"));
        return found;
    }
    if question.framework.id == crate::classify::FRAMEWORK {
        match row.kind {
            Kind::Prohibition => {
                prohibited(question, row, &mut found, steps);
                return found;
            }
            Kind::Duty if !concerned(question, row, &mut found, steps) => return found,
            _ => {}
        }
    } else {
        found.applies_from = upcoming(question, row);
    }
    by_controls(question, row, &mut found, steps);
    found
}

/// The first day of a row that does not apply yet.
fn upcoming(question: &GapQuestion<'_>, row: &Row) -> Option<Day> {
    let dates = question.framework.dates_of(row, question.as_of);
    let first = dates.iter().map(|date| date.valid_from).min()?;
    (first > question.as_of).then_some(first)
}

/// A prohibited practice is no duty that a control serves: the answers of each system say whether it is done.
fn prohibited(question: &GapQuestion<'_>, row: &Row, found: &mut GapRow, steps: &mut Steps) {
    found.is_seen_whole = true;
    for system in question.systems {
        let answer = system.classification.as_ref().and_then(|classification| {
            classification.path.iter().find(|step| step.question == row.id).map(|step| step.answer)
        });
        match answer {
            Some(Tri::No) => {}
            Some(Tri::Yes) => {
                found.standing = Standing::DoesNot;
                found.because.push(format!("{}: the answers say that it does this", system.slug));
            }
            Some(Tri::Unknown) | None => unanswered(system, found, steps, "whether it does this"),
        }
    }
    if found.standing == Standing::Holds {
        found.because.push(match question.systems.len() {
            0 => "no system is on record".to_owned(),
            1 => "the recorded answers say that the system does not do this".to_owned(),
            count => format!("the recorded answers of {count} systems say that none does this"),
        });
    }
}

/// Whether a duty of the AI Act concerns any system; what is open about that is said.
fn concerned(question: &GapQuestion<'_>, row: &Row, found: &mut GapRow, steps: &mut Steps) -> bool {
    let (mut binds, mut open) = (Vec::new(), false);
    for system in question.systems {
        let Some(classification) = &system.classification else {
            unanswered(system, found, steps, "its tier and role");
            open = true;
            continue;
        };
        let Some(duty) = classification.duties.iter().find(|duty| duty.id == row.id) else { continue };
        if duty.binds == Tri::Unknown {
            unanswered(system, found, steps, &duty.open.join(", "));
            open = true;
            continue;
        }
        binds.push(system.slug.as_str());
        let is_to_come = duty.deadlines.iter().all(|deadline| deadline.standing == DateStanding::Upcoming);
        let from = duty.deadlines.iter().map(|deadline| deadline.from).min();
        if let Some(from) = from.filter(|_| is_to_come) {
            found.applies_from = Some(found.applies_from.map_or(from, |known| known.min(from)));
        }
    }
    if binds.is_empty() {
        if !open {
            found.standing = Standing::NotApplicable;
            found.because.push("by tier and role, no system on record has this duty".to_owned());
        }
        return false;
    }
    if question.system.is_none() {
        found.because.push(format!("duty of {}", binds.join(", ")));
    }
    true
}

fn unanswered(system: &SystemDuties, found: &mut GapRow, steps: &mut Steps, what: &str) {
    found.standing = found.standing.min(Standing::CannotBeEvidenced);
    found.because.push(format!("{}: open is {what}", system.slug));
    let step = steps.classify(&system.slug);
    if !found.steps.contains(&step) {
        found.steps.push(step);
    }
}

/// What the controls that serve a row show.
fn by_controls(question: &GapQuestion<'_>, row: &Row, found: &mut GapRow, steps: &mut Steps) {
    let serving = serving(question, &row.id);
    if serving.is_empty() {
        found.standing = found.standing.min(Standing::CannotBeEvidenced);
        found.because.push("no control serves it: it has to be shown by other means".to_owned());
        return;
    }
    found.is_seen_whole = serving.iter().any(|control| {
        control.result.is_some() && matches!(control.relation, Relation::Equal | Relation::Superset)
    });
    for control in &serving {
        let (settled, open) = control
            .result
            .map_or((0, 0), |result| (result.period.met + result.period.exceptions, result.point.open));
        found.controls.push(ControlStanding {
            id: control.id.to_owned(),
            title: control.title.to_owned(),
            in_operation: control.result.is_some(),
            settled,
            open,
        });
        let (standing, because, step) = match control.result {
            None => (
                Standing::CannotBeEvidenced,
                format!("{} is not in operation", control.id),
                steps.adopt(control.id, control.title),
            ),
            Some(result) if open > 0 => (
                Standing::DoesNot,
                format!("{}: {open} open exceptions", control.id),
                close(steps, result, question),
            ),
            Some(result) if settled == 0 && is_recurring(result) => (
                Standing::CannotBeEvidenced,
                format!("{}: what it expects {} has not happened in the window", control.id, result.rhythm),
                perform(steps, result),
            ),
            Some(result) if settled == 0 => {
                // Nothing is to be done about that: nobody leaves, or is erased, so that a control has something to show.
                found.standing = found.standing.min(Standing::CannotBeEvidenced);
                let says = "nothing that it is asked of has happened in the window";
                found.because.push(format!("{}: {says} ({})", control.id, result.rhythm));
                continue;
            }
            Some(_) => continue,
        };
        found.standing = found.standing.min(standing);
        found.because.push(because);
        found.steps.push(step);
    }
    if found.standing == Standing::Holds {
        let settled: u64 = found.controls.iter().map(|control| control.settled).sum();
        let controls = found.controls.len();
        found
            .because
            .push(format!("{controls} controls in operation, {settled} occurrences, no open exception"));
    }
}

/// Controls that serve a row: those in operation by their own definition, and those of the library that are not.
fn serving<'a>(question: &GapQuestion<'a>, row: &str) -> Vec<Serving<'a>> {
    let wanted = format!("{}:{row}", question.framework.id);
    let of = |serves: &'a [Serves]| {
        serves.iter().find(|serves| serves.criterion == wanted).map(|found| found.relation)
    };
    let running = &question.tested.controls;
    let is_running = |id: &str| running.iter().any(|result| result.id == id && is_in_operation(result));
    let mut all: Vec<Serving<'a>> = Vec::new();
    for result in running.iter().filter(|result| is_in_operation(result)) {
        if let Some(relation) = of(&result.serves) {
            all.push(Serving { id: &result.id, title: &result.title, relation, result: Some(result) });
        }
    }
    for control in question.library.iter().filter(|control: &&Control| !is_running(&control.id)) {
        if let Some(relation) = of(&control.serves) {
            all.push(Serving { id: &control.id, title: &control.title, relation, result: None });
        }
    }
    all.sort_by_key(|control| control.id);
    all
}

/// A control that was retired in the window has results, and is no longer in operation.
fn is_in_operation(result: &ControlResult) -> bool {
    result.timeline.last().is_none_or(|run| run.state != crate::window::result::DayState::NotInOperation)
}

/// A control of the calendar, and not one that waits for an event: by the words of [`crate::control::Control::rhythm`].
fn is_recurring(result: &ControlResult) -> bool {
    result.rhythm.starts_with("every ")
}
