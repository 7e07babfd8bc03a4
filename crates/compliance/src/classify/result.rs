//! What a classification says. It can be made again from the data and the facts whose digests it holds.

use super::tri::Tri;
use crate::framework::{Day, Kind, Limit, Reading, Route, Status, Who};
use crate::statements::Stated;
use comptroller_core::Digest;
use comptroller_core::vocab::RiskTier;
use serde::{Deserialize, Serialize};

/// The classification of a system by the AI Act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The framework.
    pub framework: String,
    /// Digest of its data.
    pub framework_digest: Digest,
    /// Digest of the stated facts.
    pub facts_digest: Digest,
    /// For which day.
    pub as_of: Day,
    /// By the law as known on this day.
    pub known: Day,
    /// The tier; none while an open question could change it.
    pub tier: Option<RiskTier>,
    /// The lowest tier it can have, whatever the open questions come to.
    pub lowest: RiskTier,
    /// The highest tier it can have.
    pub highest: RiskTier,
    /// Whether it is high-risk, and by which ways.
    pub ways: Vec<Way>,
    /// Whether a use case of Annex III is not high-risk by Art. 6(3).
    pub exempt: Tri,
    /// Whether it is a general-purpose model, which is beside the tiers.
    pub general_purpose: Tri,
    /// The roles of the organisation.
    pub roles: Vec<Role>,
    /// What was concluded, in order.
    pub findings: Vec<Finding>,
    /// Every question that was asked, in order.
    pub path: Vec<Step>,
    /// The questions without an answer, by id: the tier first, then roles, then duties.
    pub open: Vec<String>,
    /// Prohibitions that do not apply yet on the day, and whose practice is not excluded.
    pub upcoming: Vec<Upcoming>,
    /// Duties that bind, or may.
    pub duties: Vec<Duty>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// A way by which a system is high-risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Annex I or Annex III.
    pub route: Route,
    /// The use case of Annex III.
    pub use_case: Option<String>,
    /// Whether it makes the system high-risk.
    pub holds: Tri,
}

/// A role of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The role.
    pub role: Who,
    /// Whether the organisation has it.
    pub holds: Tri,
    /// Whether it has it by Art. 25(1) alone.
    pub by_article_25: bool,
}

/// A conclusion and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The provision.
    pub provision: String,
    /// What is concluded.
    pub says: String,
    /// Whether it holds.
    pub holds: Tri,
    /// The questions it rests on.
    pub because: Vec<String>,
}

/// What an answer decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decides {
    /// The tier.
    Tier,
    /// A role.
    Role,
    /// Whether a duty binds.
    Duty,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The question.
    pub question: String,
    /// What kind of row asks it.
    pub kind: Kind,
    /// Its words.
    pub text: String,
    /// The provision.
    pub provision: String,
    /// The answer.
    pub answer: Tri,
    /// What the answer rests on.
    pub stated: Option<Stated>,
    /// What it decides about.
    pub decides: Decides,
}

/// A prohibition that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upcoming {
    /// The practice.
    pub practice: String,
    /// Its words.
    pub text: String,
    /// Whether the system does it.
    pub holds: Tri,
    /// From when it is prohibited.
    pub from: Day,
}

/// A duty that binds, or may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The row.
    pub id: String,
    /// What is to be done.
    pub text: String,
    /// The provision.
    pub provision: String,
    /// In which of its roles the organisation has the duty.
    pub roles: Vec<Who>,
    /// Whether it binds.
    pub binds: Tri,
    /// The questions on which that still hangs.
    pub open: Vec<String>,
    /// From when, by each date that concerns the system.
    pub deadlines: Vec<Deadline>,
    /// How long it may take, or must be kept.
    pub limit: Option<Limit>,
}

/// Where a deadline stands on the day of the classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It applies.
    Applies,
    /// It will.
    Upcoming,
    /// By one reading it applies, by another it does not, or not yet.
    Disputed,
}

/// From when a duty binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The date's id in the framework.
    pub date: String,
    /// The day; if contested, by the reading of the row itself.
    pub from: Day,
    /// Firm or contested.
    pub status: Status,
    /// If contested: every reading.
    pub readings: Vec<Reading>,
    /// Where it stands on the day.
    pub standing: Standing,
}
