//! Decisions beside labels: accuracy, precision, recall and F1 from the table of both.

use std::collections::{BTreeMap, BTreeSet};

use super::Outcomes;
use crate::num::{real, share, size};

/// Precision, recall and F1: of the positive class, or the mean over all classes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decided {
    /// Share of the rows decided for the class that are of it; nothing if none was.
    pub precision: Option<f64>,
    /// Share of the rows of the class that were decided for it; nothing if there is none.
    pub recall: Option<f64>,
    /// Harmonic mean of both: 2 hits over 2 hits and all misses; nothing if the class does not occur.
    pub f1: Option<f64>,
}

impl Outcomes {
    /// Labelled rows that have a decision, and those of them where it is the label.
    pub fn hits(&self) -> (u64, u64) {
        let all = self.decisions.values().flat_map(BTreeMap::values).sum();
        let right = self.decisions.iter().filter_map(|(decision, labels)| labels.get(decision)).sum();
        (right, all)
    }

    /// Share of decisions that are right, if there are any.
    pub fn accuracy(&self) -> Option<f64> {
        let (right, all) = self.hits();
        (all > 0).then(|| share(right, all))
    }

    /// Share of the commonest label among the rows with a decision: what always saying the same would reach.
    pub fn majority(&self) -> Option<f64> {
        let mut labels: BTreeMap<&str, u64> = BTreeMap::new();
        for row in self.decisions.values() {
            for (label, rows) in row {
                *labels.entry(label).or_default() += rows;
            }
        }
        let all: u64 = labels.values().sum();
        labels.values().max().map(|most| share(*most, all))
    }

    /// Precision, recall and F1: of the label that counts as "it came true"; without one the mean over every class that
    /// was decided or came true, where a value that is not defined for a class counts as 0 (macro average, as in
    /// scikit-learn).
    pub fn decided(&self) -> Decided {
        if self.hits().1 == 0 {
            return Decided::default();
        }
        if let Some(positive) = &self.positive {
            return self.decided_for(positive);
        }
        let labels = self.decisions.values().flat_map(BTreeMap::keys);
        let classes: BTreeSet<&String> = self.decisions.keys().chain(labels).collect();
        let each: Vec<Decided> = classes.iter().map(|class| self.decided_for(class)).collect();
        let mean = |of: fn(&Decided) -> Option<f64>| {
            let sum: f64 = each.iter().map(|class| of(class).unwrap_or(0.0)).sum();
            Some(sum / size(each.len()))
        };
        Decided {
            precision: mean(|all| all.precision),
            recall: mean(|all| all.recall),
            f1: mean(|all| all.f1),
        }
    }

    fn decided_for(&self, class: &str) -> Decided {
        let row = self.decisions.get(class);
        let hits = row.and_then(|labels| labels.get(class)).copied().unwrap_or(0);
        let decided: u64 = row.map_or(0, |labels| labels.values().sum());
        let real_ones: u64 = self.decisions.values().filter_map(|labels| labels.get(class)).sum();
        let part = |of: u64| (of > 0).then(|| share(hits, of));
        let both = decided + real_ones;
        let f1 = (both > 0).then(|| 2.0 * real(hits) / real(both));
        Decided { precision: part(decided), recall: part(real_ones), f1 }
    }
}
