//! The timelines of a window as rows for readers: every control, every criterion of a framework, and what lapses next.
//!
//! INVARIANT (no-conclusion): a row says on which days exceptions were open, and on which there was nothing to show.

use super::period::day_text;
use super::result::{ControlResult, CriterionResult, DayState, NextDue, Run, WindowResult};
use crate::control::{Control, Library};
use crate::framework::{Day, Framework};
use comptroller_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the format of a [`Timeline`].
pub const TIMELINE_FORMAT: &str = "comptroller-timeline/v1";

/// How controls and criteria stood day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// [`TIMELINE_FORMAT`].
    pub format: String,
    /// The first day.
    pub from: String,
    /// The last day that is known: that of the end of the window, or of what was known.
    pub through: String,
    /// The framework that it was narrowed to.
    pub framework: Option<String>,
    /// The one control that it was narrowed to.
    pub control: Option<String>,
    /// Digest of the test of controls that it was taken from.
    pub result: Digest,
    /// Every control that was in operation.
    pub controls: Vec<TimelineRow>,
    /// Every criterion of the framework; without one, those that a control serves. None of a single control: it would be
    /// shown better than it is.
    pub criteria: Vec<TimelineRow>,
    /// Controls of the library that were not in operation.
    pub not_in_operation: Vec<String>,
    /// The earliest of what lapses.
    pub lapse: Option<Lapse>,
}

/// A control, or a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// The id of a control, or `framework-id:criterion-id`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Of a criterion: the controls that serve it and were in operation.
    pub controls: Vec<String>,
    /// Of a criterion: controls of the library that would serve it and were not in operation.
    pub not_in_operation: Vec<String>,
    /// Equal days together, in order.
    pub runs: Vec<Run>,
    /// The earliest day by which something must happen, or an exception begins.
    pub lapse: Option<Lapse>,
}

/// What must happen, or an exception begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lapse {
    /// The last day on which it can happen.
    pub day: String,
    /// The first moment at which it is too late.
    pub at: Timestamp,
    /// The control that expects it.
    pub control: String,
    /// The occurrence.
    pub occurrence: String,
}

impl TimelineRow {
    /// How it stands on the last day, and since when in the window.
    pub fn last(&self) -> Option<(DayState, &str)> {
        let last = self.runs.last()?;
        let same = self.runs.iter().rev().take_while(|run| run.state == last.state).last()?;
        Some((last.state, &same.from))
    }
}

/// The timelines of a result; with `framework`, the data of the one that it was narrowed to.
pub fn timeline(result: &WindowResult, library: &Library, framework: Option<&Framework>) -> Timeline {
    let last =
        Timestamp::from_micros(result.evidence_until.micros().saturating_sub(1).max(result.from.micros()));
    let (from, through) = (Day::of(result.from), Day::of(last));
    let controls: Vec<TimelineRow> = result.controls.iter().map(of_control).collect();
    let criteria = match (&result.control, framework) {
        (Some(_), _) => Vec::new(),
        (None, Some(framework)) => of_framework(result, library, framework, (from, through)),
        (None, None) => result.criteria.iter().map(|one| of_criterion(one, String::new())).collect(),
    };
    Timeline {
        format: TIMELINE_FORMAT.to_owned(),
        from: from.to_string(),
        through: through.to_string(),
        framework: result.framework.clone(),
        control: result.control.clone(),
        result: result.digest.clone(),
        lapse: controls.iter().filter_map(|row| row.lapse.clone()).min(),
        controls,
        criteria,
        not_in_operation: result.not_in_operation.clone(),
    }
}

fn of_control(control: &ControlResult) -> TimelineRow {
    TimelineRow {
        id: control.id.clone(),
        title: control.title.clone(),
        controls: Vec::new(),
        not_in_operation: Vec::new(),
        runs: control.timeline.clone(),
        lapse: control.next_due.as_ref().map(lapse),
    }
}

fn of_criterion(criterion: &CriterionResult, title: String) -> TimelineRow {
    TimelineRow {
        id: criterion.criterion.clone(),
        title,
        controls: criterion.controls.clone(),
        not_in_operation: criterion.not_in_operation.clone(),
        runs: criterion.timeline.clone(),
        lapse: criterion.next_due.as_ref().map(lapse),
    }
}

/// Every row of the framework that asks for something. What no control serves has nothing to show; what only controls
/// serve that were not in operation is as they were.
fn of_framework(
    result: &WindowResult,
    library: &Library,
    framework: &Framework,
    (from, through): (Day, Day),
) -> Vec<TimelineRow> {
    let found: BTreeMap<&str, &CriterionResult> =
        result.criteria.iter().map(|criterion| (criterion.criterion.as_str(), criterion)).collect();
    let mut rows = Vec::new();
    for row in framework.rows_known(through).filter(|row| row.asks()) {
        let id = format!("{}:{}", framework.id, row.id);
        if let Some(criterion) = found.get(id.as_str()) {
            rows.push(of_criterion(criterion, row.label.clone()));
            continue;
        }
        let would = |control: &&Control| {
            result.not_in_operation.contains(&control.id)
                && control.serves.iter().any(|serves| serves.criterion == id)
        };
        let resting: Vec<String> = library.iter().filter(would).map(|control| control.id.clone()).collect();
        let state = if resting.is_empty() { DayState::NotEvidenced } else { DayState::NotInOperation };
        rows.push(TimelineRow {
            id,
            title: row.label.clone(),
            controls: Vec::new(),
            not_in_operation: resting,
            runs: vec![Run { from: from.to_string(), through: through.to_string(), state, open: 0 }],
            lapse: None,
        });
    }
    rows
}

fn lapse(due: &NextDue) -> Lapse {
    Lapse {
        day: day_text(due.at.micros().saturating_sub(1)),
        at: due.at,
        control: due.control.clone(),
        occurrence: due.occurrence.clone(),
    }
}
