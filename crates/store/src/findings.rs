//! What a check of the store found. Never carries a secret or free text; only places, ids, digests and numbers.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Most findings that are listed; later ones are counted only.
pub const MAX_FINDINGS: usize = 1_000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Stored data contradict each other: something was edited, lost or damaged.
    Damage,
    /// Nothing contradicts, but a safeguard is missing.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where: `table journal, idx 7, column entry`, `object log/tile/0/000`.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// The outcome of a check: damage first, each part in the order of checking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// What was found, at most [`MAX_FINDINGS`].
    pub found: Vec<Finding>,
    /// How many more there were.
    pub more: u64,
    /// What was checked, by kind: a check that looked at nothing shows here.
    pub checked: BTreeMap<String, u64>,
}

impl Findings {
    /// Whether nothing at all was found.
    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether anything is damaged.
    pub fn is_damaged(&self) -> bool {
        self.found.iter().any(|finding| finding.severity == Severity::Damage)
    }

    /// Puts the findings of another check behind these.
    pub fn append(&mut self, other: Self) {
        self.more += other.more;
        for (kind, count) in other.checked {
            self.count(&kind, count);
        }
        for finding in other.found {
            self.add(finding);
        }
        self.found.sort_by_key(|finding| finding.severity);
    }

    pub(crate) fn damage(&mut self, place: impl Into<String>, what: impl Into<String>, remedy: &str) {
        self.add(Finding {
            severity: Severity::Damage,
            place: place.into(),
            what: what.into(),
            remedy: remedy.to_owned(),
        });
    }

    pub(crate) fn warning(&mut self, place: impl Into<String>, what: impl Into<String>, remedy: &str) {
        self.add(Finding {
            severity: Severity::Warning,
            place: place.into(),
            what: what.into(),
            remedy: remedy.to_owned(),
        });
    }

    pub(crate) fn count(&mut self, kind: &str, by: u64) {
        *self.checked.entry(kind.to_owned()).or_default() += by;
    }

    fn add(&mut self, finding: Finding) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push(finding);
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Damage { "damage" } else { "warning" };
        write!(f, "{severity}: {}: {}; {}", self.place, self.what, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_damage_comes_first() {
        let mut findings = Findings::default();
        findings.warning("a", "b", "c");
        assert!(!findings.is_clean() && !findings.is_damaged());
        let mut other = Findings::default();
        for n in 0..=MAX_FINDINGS {
            other.damage(format!("row {n}"), "b", "c");
        }
        findings.append(other);
        assert_eq!(findings.found.len(), MAX_FINDINGS);
        assert_eq!(findings.more, 2, "one beyond the list of each");
        assert_eq!(findings.found[0].severity, Severity::Damage);
        assert_eq!(findings.found[0].to_string(), "damage: row 0: b; c");
    }
}
