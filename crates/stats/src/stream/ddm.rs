//! DDM: the rate of errors of a model that still learns the world falls; when it rises by more than chance above the
//! lowest that it was, the world has changed (Gama, Medas, Castillo, Rodrigues 2004).

use serde::{Deserialize, Serialize};

use super::State;

/// How it watches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DdmSettings {
    /// Rows that are not judged at first.
    pub warm_rows: u64,
    /// Standard deviations above the lowest rate from which it warns.
    pub warning: f64,
    /// Standard deviations from which it is a change.
    pub change: f64,
}

impl Default for DdmSettings {
    fn default() -> Self {
        Self { warm_rows: 30, warning: 2.0, change: 3.0 }
    }
}

/// The detector of a rising rate of errors. After a change it begins anew at the next row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ddm {
    settings: DdmSettings,
    rows: u64,
    errors: u64,
    /// The rate and its deviation where their sum was lowest; none before the warm rows.
    lowest: Option<[f64; 2]>,
    has_changed: bool,
}

impl Ddm {
    /// Without rows.
    pub fn new(settings: DdmSettings) -> Self {
        Self { settings, rows: 0, errors: 0, lowest: None, has_changed: false }
    }

    /// Takes the next decision.
    pub fn update(&mut self, is_error: bool) -> State {
        if self.has_changed {
            *self = Self::new(self.settings);
        }
        self.rows += 1;
        self.errors += u64::from(is_error);
        if self.rows <= self.settings.warm_rows {
            return State::Stable;
        }
        let rate = crate::num::share(self.errors, self.rows);
        let deviation = (rate * (1.0 - rate) / crate::num::real(self.rows)).sqrt();
        let [low, spread] = match self.lowest {
            Some([low, spread]) if low + spread < rate + deviation => [low, spread],
            _ => [rate, deviation],
        };
        self.lowest = Some([low, spread]);
        let is_beyond = |deviations: f64| rate + deviation > low + deviations * spread;
        self.has_changed = is_beyond(self.settings.change);
        match (self.has_changed, is_beyond(self.settings.warning)) {
            (true, _) => State::Change,
            (false, true) => State::Warning,
            (false, false) => State::Stable,
        }
    }
}
