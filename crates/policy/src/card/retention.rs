//! Retention cards: how long what must be kept, and how long it may be.
//!
//! They decide nothing about acts, so they become no Cedar. Several may speak about one class: the longest minimum and
//! the shortest maximum hold, and a bundle in which the two contradict each other is refused.

use crate::error::BundleError;
use comptroller_core::Slug;
use comptroller_core::vocab::RetentionClass;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest time that a card can state: a hundred years.
const MAX_DAYS: u32 = 36_525;

/// One statement about a class.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionCard {
    /// What it is about.
    pub class: RetentionClass,
    /// Nothing younger is purged.
    #[serde(default)]
    pub min_days: Option<u32>,
    /// Everything older is purged.
    #[serde(default)]
    pub max_days: Option<u32>,
    /// Where that comes from.
    pub reason: String,
    /// The controls that it serves.
    pub control: Vec<String>,
}

impl RetentionCard {
    pub(super) fn findings(&self, id: &str) -> Vec<String> {
        let mut findings = Vec::new();
        if id.parse::<Slug>().is_err() {
            findings.push("the name is not one of a-z, 0-9, `.`, `_` and `-`".to_owned());
        }
        if self.reason.trim().is_empty() || self.control.is_empty() {
            findings.push("`reason` or `control` is empty: say where it comes from".to_owned());
        }
        for days in [self.min_days, self.max_days].into_iter().flatten() {
            if !(1..=MAX_DAYS).contains(&days) {
                findings.push(format!("{days} days are not 1 to {MAX_DAYS}"));
            }
        }
        match (self.min_days, self.max_days) {
            (None, None) => findings.push("name `min_days`, `max_days` or both".to_owned()),
            (Some(min), Some(max)) if min > max => {
                findings.push(format!("min_days {min} is more than max_days {max}"));
            }
            _ => {}
        }
        findings
    }
}

/// How long the things of one class are kept, by every card together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Nothing younger is purged.
    pub min_days: Option<u32>,
    /// Everything older is purged.
    pub max_days: Option<u32>,
    /// The cards that state the minimum and the maximum which hold, in the order of their names.
    pub rules: Vec<Slug>,
}

/// What a bundle says about retention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention(BTreeMap<RetentionClass, Keep>);

impl Retention {
    /// What the cards of some files, each under its file's name, say together.
    ///
    /// # Errors
    /// [`BundleError::Card`] for a name that stands twice, and for a minimum of one card above the maximum of another.
    pub(crate) fn of<'c>(
        cards: impl Iterator<Item = (&'c str, &'c str, &'c RetentionCard)>,
    ) -> Result<Self, BundleError> {
        let refuse = |file: &str, finding: String| BundleError::Card {
            file: file.to_owned(),
            findings: vec![finding],
        };
        let mut named: BTreeMap<Slug, &RetentionCard> = BTreeMap::new();
        let mut retention = Self::default();
        for (file, id, card) in cards {
            let id: Slug = id.parse().map_err(|_| refuse(file, format!("retention {id}: not a name")))?;
            if named.insert(id.clone(), card).is_some() {
                return Err(refuse(file, format!("retention {id}: the name stands twice in this bundle")));
            }
            let keep = retention.0.entry(card.class).or_default();
            keep.min_days = keep.min_days.max(card.min_days);
            keep.max_days = match (keep.max_days, card.max_days) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            if let (Some(min), Some(max)) = (keep.min_days, keep.max_days)
                && min > max
            {
                let class = card.class;
                return Err(refuse(
                    file,
                    format!(
                        "retention {id}: {class} would have to be kept for {min} days and purged after {max}"
                    ),
                ));
            }
        }
        for (class, keep) in &mut retention.0 {
            let holds = |card: &RetentionCard| {
                card.class == *class
                    && (card.min_days.is_some() && card.min_days == keep.min_days
                        || card.max_days.is_some() && card.max_days == keep.max_days)
            };
            let holding = named.iter().filter(|(_, card)| holds(card));
            keep.rules = holding.map(|(id, _)| id.clone()).collect();
        }
        Ok(retention)
    }

    /// How long the things of a class are kept; for ever if nothing is said about it.
    pub fn keep(&self, class: RetentionClass) -> Keep {
        self.0.get(&class).cloned().unwrap_or_default()
    }

    /// What goes earlier than by `old`, in words: data that is destroyed cannot be brought back by better policies.
    pub fn goes_earlier_than(&self, old: &Self) -> Vec<String> {
        let mut earlier = Vec::new();
        for class in RetentionClass::ALL {
            let (before, after) = (old.keep(*class), self.keep(*class));
            if after.min_days < before.min_days {
                earlier.push(format!(
                    "{class} must be kept for {} instead of {}",
                    days(after.min_days, "no time"),
                    days(before.min_days, "no time")
                ));
            }
            if after.max_days.is_some_and(|new| before.max_days.is_none_or(|old| new < old)) {
                earlier.push(format!(
                    "{class} is purged after {} instead of {}",
                    days(after.max_days, "never"),
                    days(before.max_days, "never")
                ));
            }
        }
        earlier
    }
}

fn days(days: Option<u32>, none: &str) -> String {
    days.map_or_else(|| none.to_owned(), |days| format!("{days} days"))
}
