//! What a card can require, and the Cedar condition under which it holds.
//!
//! // INVARIANT (deny-on-error): every condition asks whether a fact is there before it looks at it, and compares only;
//! // there is no arithmetic, so no condition can err, and an absent fact never satisfies one.

use comptroller_core::Role;
use comptroller_core::vocab::{EvidenceKind, Measure};
use serde::{Deserialize, Serialize};

const DAY: i64 = 86_400;
/// Longest age that a requirement may allow, in days: ten years.
const MAX_DAYS: i64 = 3_660;
/// Scale of a measure's fact: millionths.
const SCALE: i64 = 1_000_000;
/// Digits of the scale.
const DIGITS: usize = 6;

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Table")]
pub enum Requirement {
    /// Evidence of this kind, about exactly this version or its system, that passed and is not too old.
    Evidence {
        /// The kind.
        evidence: EvidenceKind,
        /// Its largest age in days.
        max_age_days: i64,
    },
    /// A number that valid evidence states.
    Measure {
        /// The number.
        measure: Measure,
        /// The least that is enough.
        at_least: Option<Threshold>,
        /// The most that is tolerated.
        at_most: Option<Threshold>,
    },
    /// Some other fact of a promotion, that is true or false.
    Flag {
        /// Its name in the schema.
        fact: String,
        /// What it must be.
        is: bool,
    },
    /// Some other fact of a promotion, that is a count.
    Count {
        /// Its name in the schema.
        fact: String,
        /// The most that is tolerated.
        at_most: i64,
    },
    /// A version of the system reported by a running program not longer ago than this.
    Heartbeat {
        /// In hours.
        heartbeat_hours: i64,
    },
    /// Approvals of people, each counted once, in one of the groups.
    Approvals {
        /// The groups.
        approvals: Vec<Group>,
    },
}

/// How each kind of requirement is written. Its first key says which kind it is.
mod written {
    use super::{EvidenceKind, Group, Measure};
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Evidence {
        pub(super) evidence: EvidenceKind,
        pub(super) max_age_days: i64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Measured {
        pub(super) measure: Measure,
        pub(super) at_least: Option<toml::Value>,
        pub(super) at_most: Option<toml::Value>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Plain {
        pub(super) fact: String,
        pub(super) is: Option<bool>,
        pub(super) at_most: Option<i64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Heartbeat {
        pub(super) heartbeat_hours: i64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Approvals {
        pub(super) approvals: Vec<Group>,
    }
}

impl TryFrom<toml::Table> for Requirement {
    type Error = String;

    fn try_from(table: toml::Table) -> Result<Self, String> {
        fn read<T: serde::de::DeserializeOwned>(table: toml::Table) -> Result<T, String> {
            table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
        }
        let kind = ["evidence", "measure", "fact", "heartbeat_hours", "approvals"]
            .into_iter()
            .find(|key| table.contains_key(*key));
        match kind {
            Some("evidence") => {
                let written::Evidence { evidence, max_age_days } = read(table)?;
                Ok(Self::Evidence { evidence, max_age_days })
            }
            Some("measure") => {
                let written::Measured { measure, at_least, at_most } = read(table)?;
                let (at_least, at_most) =
                    (at_least.map(threshold).transpose()?, at_most.map(threshold).transpose()?);
                Ok(Self::Measure { measure, at_least, at_most })
            }
            Some("fact") => match read(table)? {
                written::Plain { fact, is: Some(is), at_most: None } => Ok(Self::Flag { fact, is }),
                written::Plain { fact, is: None, at_most: Some(at_most) } => {
                    Ok(Self::Count { fact, at_most })
                }
                written::Plain { fact, .. } => Err(format!("the fact {fact} needs either `is` or `at_most`")),
            },
            Some("heartbeat_hours") => {
                let written::Heartbeat { heartbeat_hours } = read(table)?;
                Ok(Self::Heartbeat { heartbeat_hours })
            }
            Some("approvals") => {
                let written::Approvals { approvals } = read(table)?;
                Ok(Self::Approvals { approvals })
            }
            _ => {
                Err("a requirement begins with evidence, measure, fact, heartbeat_hours or approvals"
                    .to_owned())
            }
        }
    }
}

/// A threshold is a text: a float in a file has no exact value.
fn threshold(value: toml::Value) -> Result<Threshold, String> {
    match value {
        toml::Value::String(text) => Threshold::try_from(text),
        other => Err(format!("the threshold {other} is not a text: write it in quotes, as \"{other}\"")),
    }
}

/// So many people who hold one of the roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The roles.
    pub roles: Vec<Role>,
    /// How many.
    pub count: u32,
}

/// A decimal number of at most six digits after the point, written as a text so that it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// In millionths.
    pub ppm: i64,
}

impl TryFrom<String> for Threshold {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse = || {
            format!(
                "the threshold {text:?} is not a decimal number such as \"0.8\", with at most six digits after the point"
            )
        };
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 6
            || part.len() > DIGITS
            || !all_digits(whole)
            || !all_digits(part)
        {
            return Err(refuse());
        }
        let whole: i64 = whole.parse().map_err(|_| refuse())?;
        let part: i64 = format!("{part:0<DIGITS$}").parse().map_err(|_| refuse())?;
        let ppm = whole * SCALE + part;
        Ok(Self { ppm: if negative { -ppm } else { ppm } })
    }
}

/// Name of the fact that holds the age of the newest valid evidence of a kind, in seconds.
pub fn age_fact(kind: EvidenceKind) -> String {
    format!("{}_age", kind.as_str().replace('-', "_"))
}

/// Name of the fact that says whether that evidence passed.
pub fn passed_fact(kind: EvidenceKind) -> String {
    format!("{}_passed", kind.as_str().replace('-', "_"))
}

/// Name of the fact of a measure, in millionths.
pub fn measure_fact(measure: Measure) -> String {
    format!("{}_ppm", measure.as_str().replace('-', "_"))
}

impl Requirement {
    /// What is wrong with it by itself.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        match self {
            Self::Evidence { evidence, max_age_days } if !(1..=MAX_DAYS).contains(max_age_days) => {
                findings.push(format!("{evidence}: max_age_days is {max_age_days}, not 1 to {MAX_DAYS}"));
            }
            Self::Measure { measure, at_least, at_most } => {
                let (wanted, given) = if measure.more_is_better() {
                    ("at_least", (at_least, at_most))
                } else {
                    ("at_most", (at_most, at_least))
                };
                // A fact is rounded against whoever asks, which has one direction only.
                if given.0.is_none() || given.1.is_some() {
                    findings.push(format!(
                        "{measure}: give {wanted}, and nothing else, as a text such as \"0.8\""
                    ));
                }
                let bounds = at_least.iter().chain(at_most);
                if bounds.into_iter().any(|bound| !Measure::is_possible(bound.ppm)) {
                    findings.push(format!(
                        "{measure} lies within 0 and 1, and so does a bound that means something"
                    ));
                }
            }
            Self::Flag { fact, .. } | Self::Count { fact, .. } if !is_name(fact) => {
                findings.push(format!("{fact:?} is not the name of a fact"));
            }
            Self::Heartbeat { heartbeat_hours } if !(1..=24 * 366).contains(heartbeat_hours) => {
                findings.push(format!("heartbeat_hours is {heartbeat_hours}, not 1 to {}", 24 * 366));
            }
            Self::Approvals { approvals } => {
                let people: u32 = approvals.iter().map(|group| group.count).fold(0, u32::saturating_add);
                if approvals.iter().any(|group| group.count == 0 || group.roles.is_empty()) {
                    findings.push("approvals: a group needs a count of at least 1 and a role".to_owned());
                }
                if !(1..=10).contains(&people) {
                    findings.push(format!("approvals: {people} people, not 1 to 10"));
                }
                for role in approvals.iter().flat_map(|group| &group.roles) {
                    // INVARIANT (separation-of-duties): a group of other roles could never be filled.
                    if ![Role::Approver, Role::RiskOfficer].contains(role) {
                        findings.push(format!("approvals: {role} never votes; use approver or risk-officer"));
                    }
                }
            }
            _ => {}
        }
        findings
    }

    /// The condition under which it holds, in Cedar. `rule` is the name of its rule.
    pub(crate) fn condition(&self, rule: &str) -> String {
        match self {
            Self::Evidence { evidence, max_age_days } => {
                let (age, passed) = (age_fact(*evidence), passed_fact(*evidence));
                let most = max_age_days * DAY;
                format!(
                    "context has {age} && context.{age} <= {most} && context has {passed} && context.{passed}"
                )
            }
            Self::Measure { measure, at_least, at_most } => {
                let fact = measure_fact(*measure);
                let bound = match (at_least, at_most) {
                    (Some(least), _) => format!(">= {}", least.ppm),
                    (None, Some(most)) => format!("<= {}", most.ppm),
                    (None, None) => return "false".to_owned(),
                };
                format!("context has {fact} && context.{fact} {bound}")
            }
            Self::Flag { fact, is: true } => format!("context.{fact}"),
            Self::Flag { fact, is: false } => format!("!context.{fact}"),
            Self::Count { fact, at_most } => format!("context.{fact} <= {at_most}"),
            Self::Heartbeat { heartbeat_hours } => {
                let most = heartbeat_hours * 3_600;
                format!("context has runtime_age && context.runtime_age <= {most}")
            }
            Self::Approvals { approvals } => {
                let people: u32 = approvals.iter().map(|group| group.count).sum();
                // The count stands beside the quorum so that proofs about numbers of people see it.
                format!("context.quorums_met.contains(\"{rule}\") && context.approvals_valid >= {people}")
            }
        }
    }
}

fn is_name(fact: &str) -> bool {
    let bytes = fact.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_exact_and_never_a_float() {
        let read = |text: &str| Threshold::try_from(text.to_owned()).map(|t| t.ppm);
        assert_eq!(read("0.8"), Ok(800_000));
        assert_eq!(read("0.799999"), Ok(799_999));
        assert_eq!(read("-1.5"), Ok(-1_500_000));
        for bad in ["", ".8", "0.7999999", "1e3", "NaN", "0,8", "1234567"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
