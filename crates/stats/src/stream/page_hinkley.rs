//! Page-Hinkley: sums what rows differ from the mean so far by more than `delta`, and cries out when the sum has left
//! its extreme by more than a threshold (Page 1954; Hinkley 1971; with forgetting, Mouss et al. 2004).

use serde::{Deserialize, Serialize};

use super::State;

/// How it watches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkleySettings {
    /// Rows before the first alarm, at least.
    pub least_rows: u64,
    /// Difference from the mean that is none, in the unit of the input.
    pub delta: f64,
    /// What the sum may leave its extreme by, in the unit of the input times rows.
    pub threshold: f64,
    /// Part of the sum that is kept at each row, within 0..=1.
    pub alpha: f64,
}

impl Default for PageHinkleySettings {
    /// Those of river 0.26. The threshold is meant for inputs with a deviation well below 1: of standard normal numbers
    /// it calls half of the stable stretches of 1,000 rows a change.
    fn default() -> Self {
        Self { least_rows: 30, delta: 0.005, threshold: 50.0, alpha: 0.9999 }
    }
}

/// The detector, for changes upwards and downwards. After a change it begins anew at the next row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    rows: u64,
    mean: f64,
    /// The sum for a change upwards, and the lowest that it was.
    up: [f64; 2],
    /// The sum for a change downwards, and the highest that it was.
    down: [f64; 2],
    has_changed: bool,
}

impl PageHinkley {
    /// Without rows.
    pub fn new(settings: PageHinkleySettings) -> Self {
        let nothing = [0.0; 2];
        Self { settings, rows: 0, mean: 0.0, up: nothing, down: nothing, has_changed: false }
    }

    /// Takes the next row; one that is no number is left out.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::Stable;
        }
        if self.has_changed {
            *self = Self::new(self.settings);
        }
        let PageHinkleySettings { least_rows, delta, threshold, alpha } = self.settings;
        self.rows += 1;
        self.mean += (value - self.mean) / crate::num::real(self.rows);
        let deviation = value - self.mean;
        let (up, down) = (alpha * self.up[0] + deviation - delta, alpha * self.down[0] + deviation + delta);
        let is_first = self.rows == 1;
        self.up = [up, if is_first { up } else { self.up[1].min(up) }];
        self.down = [down, if is_first { down } else { self.down[1].max(down) }];
        let gap = (up - self.up[1]).max(self.down[1] - down);
        self.has_changed = self.rows >= least_rows && gap > threshold;
        if self.has_changed { State::Change } else { State::Stable }
    }
}
