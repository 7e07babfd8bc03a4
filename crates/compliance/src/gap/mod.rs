//! What of a framework can be shown on a day, what cannot, and what to do next.
//!
//! Each row of a framework is looked at through the controls that serve it: are they in operation, did what they expect
//! happen, is an exception open? That says what the record shows. It never says that a criterion is met or a law complied
//! with (no-conclusion): a control sees a part, and prints what it does not see.

mod evaluate;
mod steps;

pub use evaluate::{GapQuestion, Renewal, SystemDuties, analyse};

use crate::framework::Day;
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the format of a [`GapAnalysis`].
pub const GAP_FORMAT: &str = "comptroller-gap-analysis/v1";

/// What "holds" means, for every reader of an analysis.
pub const MEANING: &str = "\"Holds\" says no more than this: every control of the record that serves the row is in \
operation, what it expects has happened, and none of its exceptions is open on the day. A control sees a part of what is \
asked for. Whether a criterion is met or a law complied with is a judgement, and not made here.";

/// How a row of a framework stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A control that serves it has an open exception.
    DoesNot,
    /// The record does not show it.
    CannotBeEvidenced,
    /// See [`MEANING`].
    Holds,
    /// It does not concern the organisation or the system, for a stated reason.
    NotApplicable,
}

impl Standing {
    /// Every value, the most urgent first.
    pub const ALL: [Self; 4] = [Self::DoesNot, Self::CannotBeEvidenced, Self::Holds, Self::NotApplicable];

    /// The words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoesNot => "does not",
            Self::CannotBeEvidenced => "cannot be evidenced",
            Self::Holds => "holds",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// The analysis of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapAnalysis {
    /// [`GAP_FORMAT`].
    pub format: String,
    /// The framework.
    pub framework: String,
    /// Its name for people.
    pub name: String,
    /// Digest of its data.
    pub framework_digest: Digest,
    /// The day.
    pub as_of: Day,
    /// The one system that was asked about; none: the organisation.
    pub system: Option<String>,
    /// Digest of the test of controls that it rests on.
    pub controls_digest: Digest,
    /// [`MEANING`].
    pub meaning: String,
    /// Rows by how they stand.
    pub counts: BTreeMap<Standing, usize>,
    /// Every row, in the order of the framework.
    pub rows: Vec<GapRow>,
    /// What to do next: what completes most rows first.
    pub steps: Vec<Step>,
}

/// A row of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRow {
    /// Its id within the framework.
    pub id: String,
    /// What it asks, in our own words.
    pub label: String,
    /// Where it stands.
    pub source: String,
    /// How it stands.
    pub standing: Standing,
    /// Why, in words.
    pub because: Vec<String>,
    /// Whether the controls see all of it, by the relation that they state.
    pub is_seen_whole: bool,
    /// The controls that serve it.
    pub controls: Vec<ControlStanding>,
    /// The first day on which it applies, where it has one and that is still to come; contested by the row's own reading.
    pub applies_from: Option<Day>,
    /// What must be done before it holds, by [`Step::id`].
    pub steps: Vec<String>,
}

/// A control that serves a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlStanding {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Whether it is in operation on the day.
    pub in_operation: bool,
    /// Occurrences that were settled in the window.
    pub settled: u64,
    /// Exceptions that are open.
    pub open: u64,
}

/// What kind of thing is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Answer what decides about a system.
    Classify,
    /// Put a control in operation.
    Adopt,
    /// Close what is open.
    Close,
    /// Let happen what a control expects.
    Perform,
    /// Make anew what is stale. No row waits for it, and rows rest on it.
    Renew,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name within the analysis.
    pub id: String,
    /// What kind of thing it is.
    pub kind: StepKind,
    /// What is to be done.
    pub says: String,
    /// What to type.
    pub command: String,
    /// Rows that hold once this and the steps before it are done.
    pub completes: Vec<String>,
    /// All rows that wait for it.
    pub waits: Vec<String>,
}
