//! Planned failures of writes, for tests of everything that stores objects.
//!
//! A fault strikes one attempt below the retry loop, so a test can tell a passing failure from an outage.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// When a planned failure strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is stored and the attempt fails.
    BeforeStoring,
    /// The object is stored, yet the attempt fails: a lost acknowledgement.
    AfterStoring,
}

/// Which write attempts fail. Attempts are counted from 0 over the life of the plan, retries included.
#[derive(Debug, Default)]
pub struct FaultPlan {
    once: BTreeMap<u64, Fault>,
    from: Option<(u64, Fault)>,
    attempts: Mutex<u64>,
}

impl FaultPlan {
    /// A plan without failures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the `nth` attempt fail.
    pub fn fail_put(mut self, nth: u64, fault: Fault) -> Self {
        self.once.insert(nth, fault);
        self
    }

    /// Lets the `nth` attempt and every later one fail: an outage.
    pub fn fail_puts_from(mut self, nth: u64, fault: Fault) -> Self {
        self.from = Some((nth, fault));
        self
    }

    /// Number of write attempts so far.
    pub fn attempts(&self) -> u64 {
        *self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one attempt and says whether it fails.
    pub(super) fn next(&self) -> Option<Fault> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let this = *attempts;
        *attempts += 1;
        let outage = self.from.filter(|(first, _)| this >= *first).map(|(_, fault)| fault);
        self.once.get(&this).copied().or(outage)
    }
}
