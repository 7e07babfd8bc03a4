//! What a test of controls over a window says: populations, occurrences, exceptions, and how complete each list is.
//!
//! INVARIANT (no-conclusion): there is no field for an opinion. `kept` says whether a number is within the rule that the
//! control states for itself.

use super::history::{ControlChange, ExceptionNote};
use crate::control::{Area, PointRule, Serves};
use comptroller_core::{Digest, Role, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the format of a [`WindowResult`].
pub const RESULT_FORMAT: &str = "comptroller-control-test/v1";

/// The log at the position where it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPosition {
    /// Entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest,
}

/// The test of controls over a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowResult {
    /// [`RESULT_FORMAT`].
    pub format: String,
    /// First moment of the window.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// Events from this moment on do not count: the end of the window, or what was known.
    pub evidence_until: Timestamp,
    /// The framework that it was narrowed to.
    pub framework: Option<String>,
    /// The one control that it was narrowed to.
    pub control: Option<String>,
    /// SHA-256 over the source of the engine.
    pub engine: Digest,
    /// What came out for each control that was in operation.
    pub controls: Vec<ControlResult>,
    /// What came out for each criterion that these controls serve.
    pub criteria: Vec<CriterionResult>,
    /// Controls of the library that were not in operation in the window.
    pub not_in_operation: Vec<String>,
    /// SHA-256 over the canonical JSON of all of the above: who asks the same of the same log gets the same.
    pub digest: Digest,
    /// Where the log was looked at.
    pub ledger: LedgerPosition,
    /// How complete each list is.
    pub receipts: Vec<Receipt>,
    /// What was recorded about exceptions until the log was looked at, by exception.
    pub notes: BTreeMap<Digest, Vec<ExceptionNote>>,
}

/// What came out for a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The area.
    pub area: Area,
    /// The role that answers for it.
    pub owner: Role,
    /// What it is to achieve.
    pub objective: String,
    /// When it is expected.
    pub rhythm: String,
    /// The criteria that it serves.
    pub serves: Vec<Serves>,
    /// What it cannot see.
    pub blind_spots: Vec<String>,
    /// When it was put in operation, changed and retired, up to the end of the window.
    pub changes: Vec<ControlChange>,
    /// What a reader must know before the numbers.
    pub findings: Vec<Finding>,
    /// Every expected occurrence, in order.
    pub population: Vec<Occurrence>,
    /// Events of the type that are not in the population, by the reason.
    pub excluded: Vec<Excluded>,
    /// Every occurrence that does not meet a test.
    pub exceptions: Vec<ControlException>,
    /// The numbers of the window.
    pub period: PeriodResult,
    /// What was so at the end.
    pub point: PointResult,
    /// Day by day, equal days together.
    pub timeline: Vec<Run>,
    /// What must happen next, and until when.
    pub next_due: Option<NextDue>,
}

/// Something about a control that no occurrence shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `introduced-in-window`, `changed-in-window`, `retired-in-window`, `definition-not-readable`,
    /// `other-definition-in-library` or `no-occurrence`.
    pub kind: String,
    /// In words.
    pub says: String,
}

/// Whether an occurrence meets the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// All of them.
    Met,
    /// Not all of them.
    Exception,
    /// What is asked for may still happen, after the window.
    Pending,
}

impl State {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Exception => "exception",
            Self::Pending => "pending",
        }
    }
}

/// One expected occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// `event/<index>`, or the subject and the first day of the period.
    pub key: String,
    /// When it happened; of a period, its end.
    pub at: Timestamp,
    /// It happened before the window, and was open when that began.
    pub brought_forward: bool,
    /// Whether it meets the tests.
    pub state: State,
    /// Until when what is asked for may still happen.
    pub due: Option<Timestamp>,
    /// Entries that show it.
    pub evidence: Vec<u64>,
}

/// Why events of the type are not in the population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// The condition that they do not meet, or another reason.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// An occurrence that does not meet a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlException {
    /// Digest over the control and the occurrence: stays the same whenever it is asked.
    pub id: Digest,
    /// The control.
    pub control: String,
    /// The occurrence.
    pub occurrence: String,
    /// When that was.
    pub at: Timestamp,
    /// Since when it is an exception.
    pub since: Timestamp,
    /// When it was none any more: what was missing came late, or a retest passed. None = it is open.
    pub closed: Option<Timestamp>,
    /// Its cause, as far as the journal shows it: each test that is not met.
    pub causes: Vec<Cause>,
    /// What the control is there to prevent.
    pub effect: String,
}

/// A test that is not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The test, or the join that found nothing.
    pub test: String,
    /// What is wrong.
    pub says: String,
    /// When what was missing was there after all.
    pub late: Option<Timestamp>,
    /// Entries that show it.
    pub shown_by: Vec<u64>,
}

/// The numbers of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodResult {
    /// Expected occurrences.
    pub expected: u64,
    /// Those that meet every test.
    pub met: u64,
    /// Those that do not.
    pub exceptions: u64,
    /// Those that may still do so after the window.
    pub pending: u64,
    /// Share of those that meet every test among those that are settled, millionths; none: nothing is settled.
    pub met_ppm: Option<u32>,
    /// The share that the control's own rule asks for.
    pub rule_ppm: u32,
    /// Whether the share is that high; none: nothing is settled.
    pub kept: Option<bool>,
}

/// What was so at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointResult {
    /// The moment.
    pub at: Timestamp,
    /// The rule of the control.
    pub rule: PointRule,
    /// Exceptions that were open.
    pub open: u64,
    /// Whether the rule was kept; none: nothing was due until then, or the control was not in operation.
    pub kept: Option<bool>,
}

/// How a control stood at the end of a day; the worst is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayState {
    /// Something that it expects was settled since the window began, and no exception was open.
    Clear,
    /// Nothing that it expects was settled since the window began: there is nothing to show.
    NotEvidenced,
    /// It was not in operation.
    NotInOperation,
    /// Exceptions were open.
    Open,
}

impl DayState {
    /// Every value, the best first.
    pub const ALL: [Self; 4] = [Self::Clear, Self::NotEvidenced, Self::NotInOperation, Self::Open];

    /// The words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "no exception open",
            Self::NotEvidenced => "not evidenced",
            Self::NotInOperation => "not in operation",
            Self::Open => "exceptions open",
        }
    }

    /// A sign for each, where there is no colour.
    pub const fn sign(self) -> char {
        match self {
            Self::Clear => '=',
            Self::NotEvidenced => '?',
            Self::NotInOperation => '-',
            Self::Open => 'X',
        }
    }
}

/// Days that are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The last day.
    pub through: String,
    /// How it stood.
    pub state: DayState,
    /// Exceptions that were open.
    pub open: u64,
}

/// What must happen next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NextDue {
    /// Until when.
    pub at: Timestamp,
    /// The control.
    pub control: String,
    /// The occurrence.
    pub occurrence: String,
}

/// What came out for a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionResult {
    /// `framework-id:criterion-id`.
    pub criterion: String,
    /// The controls that serve it and were in operation.
    pub controls: Vec<String>,
    /// Controls of the library that would serve it and were not in operation in the window.
    pub not_in_operation: Vec<String>,
    /// Expected occurrences of these.
    pub expected: u64,
    /// Exceptions.
    pub exceptions: u64,
    /// Day by day, no better than the worst of the controls that serve it: exceptions of all of these.
    pub timeline: Vec<Run>,
    /// The earliest that must happen next.
    pub next_due: Option<NextDue>,
}

/// How complete a list is, and how to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The control.
    pub control: String,
    /// `population` or `exceptions`.
    pub list: String,
    /// SHA-256 of every definition that was asked by.
    pub query: Vec<Digest>,
    /// First moment of the window.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// Events from this moment on do not count.
    pub evidence_until: Timestamp,
    /// SHA-256 over the source of the engine.
    pub code: Digest,
    /// Rows of the list.
    pub rows: u64,
    /// Events of the type in the window that are not in the list, each kind with its reason in `excluded`.
    pub excluded: u64,
    /// SHA-256 over the canonical JSON of the list.
    pub digest: Digest,
    /// Where the log was looked at.
    pub ledger: LedgerPosition,
}
