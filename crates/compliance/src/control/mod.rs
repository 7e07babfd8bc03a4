//! The control library: what an organisation does all the time, as data that a program can test.
//!
//! A control is one TOML file. It says whom it is for and what it serves, and in a small language over events what has
//! to have happened: which occurrences are expected ([`Population`]), what each hangs together with ([`Join`]), and what
//! must be true of each ([`Test`]). The language knows equality, membership and order of fields, joins over shared ids,
//! and times; it has no loops and no functions, so that every question ends and an auditor can read it.
//!
//! A control states facts about a journal. It never says whether a criterion is satisfied.

mod condition;
mod file;
mod library;
mod raw;
mod span;

pub use condition::{Condition, FieldRef, Literal, Operator, Term};
pub use file::{ControlError, MAX_FILE_BYTES};
pub use library::{Library, references, shipped};
pub use span::{Cadence, Span, When};

use comptroller_core::Digest;
use serde::{Deserialize, Serialize};

/// A part of the work that auditors look at as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Versioning and change management.
    Change,
    /// Training-data provenance and lineage.
    Provenance,
    /// Access and segmentation.
    Access,
    /// Bias and fairness.
    Fairness,
    /// Performance and drift.
    Performance,
    /// Incident response.
    Incident,
    /// Adversarial defence.
    Adversarial,
    /// Explanation and audit trail.
    AuditTrail,
    /// Availability.
    Availability,
    /// Confidentiality.
    Confidentiality,
    /// Privacy.
    Privacy,
    /// Human oversight.
    Oversight,
    /// Vendors.
    Vendors,
    /// Inventory.
    Inventory,
}

/// How what a control does relates to what a criterion asks for; the words of the OSCAL mapping model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same.
    Equal,
    /// The control does a part of what the criterion asks for.
    Subset,
    /// The control does all that the criterion asks for, and more.
    Superset,
    /// They have a part in common.
    Intersects,
}

/// A criterion that a control serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serves {
    /// `framework-id:criterion-id`, for example `soc2:CC8.1`.
    pub criterion: String,
    /// How they relate.
    pub relation: Relation,
    /// Why.
    pub because: String,
}

impl Serves {
    /// The framework of the criterion.
    pub fn framework(&self) -> &str {
        self.criterion.split_once(':').map_or("", |(framework, _)| framework)
    }
}

/// When a control holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointRule {
    /// No exception is open.
    NoneOpen,
    /// The last occurrence that was due meets every test.
    LastMet,
}

/// One control.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its id, `CTL-AREA-NN`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The area.
    pub area: Area,
    /// What it is to achieve.
    pub objective: String,
    /// The role that answers for it.
    pub owner: comptroller_core::Role,
    /// What stands in the journal because of it.
    pub evidence: Vec<String>,
    /// The failure it prevents.
    pub prevents: String,
    /// What it cannot see.
    pub blind_spots: Vec<String>,
    /// The criteria that it serves.
    pub serves: Vec<Serves>,
    /// The expected occurrences.
    pub population: Population,
    /// What each occurrence hangs together with.
    pub joins: Vec<Join>,
    /// What must be true of each.
    pub tests: Vec<Test>,
    /// When it holds at one moment.
    pub point: PointRule,
    /// Share of occurrences in millionths that meet every test if its rule over a period is kept.
    pub period_ppm: u32,
    /// The file as it was read.
    pub text: String,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// Which occurrences are expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Population {
    /// One for every event that meets the conditions.
    Each {
        /// Its type.
        event: String,
        /// What is true of it.
        conditions: Vec<Condition>,
        /// Events that agree in these fields are one occurrence, the first of them; none = each is one.
        distinct: Vec<String>,
    },
    /// One for every period of the calendar (UTC) and every subject that existed throughout.
    Every {
        /// How often.
        cadence: Cadence,
        /// What it is expected of; none = the organisation.
        subject: Option<Subject>,
    },
}

/// What a recurring control is expected of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The event it begins with.
    pub begins: Pattern,
    /// The event it ends with, if any.
    pub ends: Option<Pattern>,
    /// Fields that tell subjects apart, present in both events.
    pub key: Vec<String>,
}

/// Events of one type that meet conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The type.
    pub event: String,
    /// What is true of each; a bare field is the event's own.
    pub conditions: Vec<Condition>,
    /// An event between the one found and the occurrence undoes it: evidence that was withdrawn, a hold that was released.
    pub unless: Option<Box<Pattern>>,
}

/// An event that belongs to an occurrence, known to its tests by a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The name, as in `$name.field`.
    pub name: String,
    /// Which events.
    pub pattern: Pattern,
    /// Whether it may come after the occurrence too.
    pub anywhen: bool,
    /// The first of them, and not the last.
    pub first: bool,
    /// Without it the tests go on; else its absence is an exception.
    pub optional: bool,
}

/// What must be true of an occurrence.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its id, unique in the control.
    pub id: String,
    /// What is wrong when it fails.
    pub says: String,
    /// It is asked only where all these are true.
    pub only_if: Vec<Condition>,
    /// It is asked once for each value of this list, known as `$each`.
    pub for_each: Option<FieldRef>,
    /// What is asked.
    pub ask: Ask,
}

/// What a test asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// All these are true of the occurrence.
    Holds(Vec<Condition>),
    /// So many events of any of these patterns are there in time.
    Any {
        /// Which events.
        patterns: Vec<Pattern>,
        /// When.
        when: When,
        /// How many.
        at_least: u32,
        /// Of events that agree in this field one counts.
        distinct: Option<String>,
    },
    /// No event of any of these patterns is there.
    None {
        /// Which events.
        patterns: Vec<Pattern>,
        /// When.
        when: When,
    },
}

impl Test {
    /// Whether it asks about the join of this name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let of = |field: &FieldRef| field.of.as_deref() == Some(name);
        let in_conditions = |conditions: &[Condition]| {
            conditions.iter().any(|condition| {
                of(&condition.left) || matches!(&condition.right, Term::Field { field, .. } if of(field))
            })
        };
        let in_patterns = |patterns: &[Pattern]| {
            patterns.iter().any(|pattern| {
                let unless = pattern.unless.iter().any(|unless| in_conditions(&unless.conditions));
                unless || in_conditions(&pattern.conditions)
            })
        };
        let asked = match &self.ask {
            Ask::Holds(conditions) => in_conditions(conditions),
            Ask::Any { patterns, when, .. } | Ask::None { patterns, when } => {
                in_patterns(patterns) || matches!(when, When::By(field) if of(field))
            }
        };
        asked || in_conditions(&self.only_if) || self.for_each.iter().any(of)
    }
}

impl Control {
    /// Whether it serves a criterion of a framework.
    pub fn serves_framework(&self, framework: &str) -> bool {
        self.serves.iter().any(|serves| serves.framework() == framework)
    }

    /// `quarterly`, `on deployment.created` and so on, for people.
    pub fn rhythm(&self) -> String {
        match &self.population {
            Population::Each { event, .. } => format!("on {event}"),
            Population::Every { cadence, .. } => format!("every {}", cadence.as_str()),
        }
    }
}
