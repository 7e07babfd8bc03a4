//! What becomes of a system between two classifications of the same facts: its tier, its duties, their deadlines.

use super::result::{Classification, Deadline, Duty};
use crate::framework::{Day, Status};
use comptroller_core::vocab::RiskTier;
use serde::{Deserialize, Serialize};

/// The difference of two classifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The tier of the first; none if it was open.
    pub tier_before: Option<RiskTier>,
    /// The tier of the second.
    pub tier_after: Option<RiskTier>,
    /// Duties, by id, that bind or may in the second alone.
    pub gained: Vec<String>,
    /// Duties that bind or may in the first alone.
    pub lost: Vec<String>,
    /// Deadlines that changed, of duties in both.
    pub deadlines: Vec<MovedDeadline>,
}

/// A deadline that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedDeadline {
    /// The duty.
    pub duty: String,
    /// The date's id.
    pub date: String,
    /// Before.
    pub before: Day,
    /// After.
    pub after: Day,
    /// Whether it was firm before.
    pub status_before: Status,
    /// Whether it is firm after.
    pub status_after: Status,
}

impl Difference {
    /// Every duty that it names, once or more.
    pub fn duties(&self) -> impl Iterator<Item = &str> {
        let moved = self.deadlines.iter().map(|moved| &moved.duty);
        self.gained.iter().chain(&self.lost).chain(moved).map(String::as_str)
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.tier_before == self.tier_after
            && self.gained.is_empty()
            && self.lost.is_empty()
            && self.deadlines.is_empty()
    }
}

/// Compares two classifications of one system.
pub fn compare(before: &Classification, after: &Classification) -> Difference {
    let only = |these: &[Duty], those: &[Duty]| -> Vec<String> {
        let missing = |duty: &&Duty| !those.iter().any(|other| other.id == duty.id);
        these.iter().filter(missing).map(|duty| duty.id.clone()).collect()
    };
    let mut deadlines = Vec::new();
    for duty in &after.duties {
        let Some(old) = before.duties.iter().find(|old| old.id == duty.id) else { continue };
        for new in &duty.deadlines {
            if let Some(old) = old.deadlines.iter().find(|old| old.date == new.date) {
                deadlines.extend(moved(&duty.id, old, new));
            }
        }
    }
    Difference {
        tier_before: before.tier,
        tier_after: after.tier,
        gained: only(&after.duties, &before.duties),
        lost: only(&before.duties, &after.duties),
        deadlines,
    }
}

fn moved(duty: &str, old: &Deadline, new: &Deadline) -> Option<MovedDeadline> {
    if (old.from, old.status) == (new.from, new.status) {
        return None;
    }
    Some(MovedDeadline {
        duty: duty.to_owned(),
        date: new.date.clone(),
        before: old.from,
        after: new.from,
        status_before: old.status,
        status_after: new.status,
    })
}
