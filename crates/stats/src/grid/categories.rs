//! The bins of a category column, frozen when the reference was profiled.
//!
//! Categories with enough rows have a bin of their own; the rest of what the reference held is "rare"; everything else
//! is "unseen". A reference with too many categories keeps those with bins and cannot tell rare from unseen: both are
//! "other".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::MAX_WORD_BYTES;
use crate::error::StatsError;

/// Categories that are stored, at most.
pub const MAX_CATEGORIES: usize = 1000;
/// Rows of the reference that a category needs for a bin of its own, at least: the chi-square law of the noise holds
/// from about five (Cochran 1954).
const ROWS_PER_BIN: u64 = 5;
/// Part of the reference that a category needs for a bin of its own when not all can be stored.
const SHARE_PER_BIN: u64 = 1024;

/// Known categories in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryGrid {
    names: Vec<String>,
    /// Whether each has a scored bin of its own.
    own: Vec<bool>,
    /// Whether `names` are all that the reference held.
    complete: bool,
}

impl CategoryGrid {
    /// The grid of a reference, from the rows of each of its categories and of those that were not told apart.
    pub fn of_counts(counts: &BTreeMap<&str, u64>, others: u64) -> Self {
        let total: u64 = counts.values().sum::<u64>() + others;
        let complete = others == 0 && counts.len() <= MAX_CATEGORIES;
        let least = if complete { ROWS_PER_BIN } else { ROWS_PER_BIN.max(total.div_ceil(SHARE_PER_BIN)) };
        let kept = counts.iter().filter(|(_, rows)| complete || **rows >= least).take(MAX_CATEGORIES);
        let (names, own) = kept.map(|(name, rows)| ((*name).to_owned(), *rows >= least)).unzip();
        Self { names, own, complete }
    }

    /// The stored categories, in the order of their bytes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the stored categories are all that the reference held.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bins: one for each stored category, and one for everything else.
    pub fn bins(&self) -> usize {
        self.names.len() + 1
    }

    /// The bin of a category; the last for one that is not stored.
    pub fn bin(&self, name: &str) -> usize {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).unwrap_or(self.names.len())
    }

    /// The scored bin of a category, as [`CategoryGrid::scored_names`] names them.
    pub fn scored_bin(&self, name: &str) -> usize {
        let bin = self.bin(name);
        let owned = self.own.iter().filter(|own| **own).count();
        match self.own.get(bin) {
            Some(true) => self.own[..bin].iter().filter(|own| **own).count(),
            Some(false) => owned,
            None => owned + 1,
        }
    }

    /// Scored counts: a bin for each category that has one, then rare, then unseen (or other).
    ///
    /// The reference's own rows whose category occurs once count as unseen: left out one by one they would be, and
    /// their share is what to expect of new rows under no drift (Good 1953). Without this every column of names
    /// would drift from itself.
    pub fn scored_counts(&self, counts: &[u64], is_reference: bool) -> Vec<u64> {
        let mut scored = Vec::new();
        let (mut rare, mut unseen) = (0, counts.get(self.names.len()).copied().unwrap_or(0));
        for (own, rows) in self.own.iter().zip(counts) {
            if *own {
                scored.push(*rows);
            } else if is_reference && *rows == 1 {
                unseen += 1;
            } else {
                rare += rows;
            }
        }
        scored.extend([rare, unseen]);
        scored
    }

    /// What each scored bin is called.
    pub fn scored_names(&self) -> Vec<String> {
        let own = self.names.iter().zip(&self.own).filter(|(_, own)| **own);
        let mut names: Vec<String> = own.map(|(name, _)| name.clone()).collect();
        names.push("rare".to_owned());
        names.push(if self.complete { "unseen" } else { "other" }.to_owned());
        names
    }

    /// Checks what was read from somewhere.
    pub(crate) fn check(&self, place: &str) -> Result<(), StatsError> {
        let refuse = |problem: &str| {
            Err(StatsError::Inconsistent { place: place.to_owned(), problem: problem.to_owned() })
        };
        if self.names.len() > MAX_CATEGORIES || self.own.len() != self.names.len() {
            return refuse("it has too many categories, or not a mark for each");
        }
        if !self.names.is_sorted_by(|a, b| a < b) {
            return refuse("its categories are not in order");
        }
        if self.names.iter().any(|name| name.len() > MAX_WORD_BYTES) {
            return refuse("a category is longer than any that is kept");
        }
        Ok(())
    }
}
