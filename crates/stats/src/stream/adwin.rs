//! ADWIN: a window that grows while its parts agree and drops its old end when two parts of it have different means
//! (Bifet and Gavaldà 2007). The window is kept as sums over stretches of 1, 2, 4, ... rows, so that its state grows with
//! the logarithm of its length.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::State;
use crate::num::real;

/// Lengths of stretches, at most: 2^64 rows.
const MAX_LEVELS: usize = 64;

/// How it watches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdwinSettings {
    /// Chance of a false alarm at one look, as its authors bound it; real rates are far lower.
    pub delta: f64,
    /// It looks at every so many rows, at least 1.
    pub clock: u64,
    /// Stretches of one length, at least 1; more find changes sooner and take more time.
    pub stretches: usize,
    /// Rows that both parts of a window have more of.
    pub least_part: u64,
    /// Rows that a window has more of before it is looked at.
    pub grace: u64,
}

impl Default for AdwinSettings {
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, stretches: 5, least_part: 5, grace: 10 }
    }
}

/// Sums of a stretch of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Stretch {
    total: f64,
    /// Sum of the squared differences from the mean of the stretch.
    squares: f64,
}

/// The detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adwin {
    settings: AdwinSettings,
    rows: u64,
    width: u64,
    whole: Stretch,
    /// For each length 2^i its stretches, the oldest first.
    levels: Vec<VecDeque<Stretch>>,
}

impl Adwin {
    /// Without rows.
    pub fn new(settings: AdwinSettings) -> Self {
        Self { settings, rows: 0, width: 0, whole: Stretch::default(), levels: Vec::new() }
    }

    /// Rows of the window.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Mean of the window; 0 without rows.
    pub fn mean(&self) -> f64 {
        if self.width == 0 { 0.0 } else { self.whole.total / real(self.width) }
    }

    /// Takes the next row; one that is no number is left out.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::Stable;
        }
        self.insert(value);
        self.rows += 1;
        if !self.rows.is_multiple_of(self.settings.clock.max(1)) || self.width <= self.settings.grace {
            return State::Stable;
        }
        let mut has_changed = false;
        while self.has_two_means() {
            self.drop_oldest();
            has_changed = true;
        }
        if has_changed { State::Change } else { State::Stable }
    }

    fn insert(&mut self, value: f64) {
        let row = Stretch { total: value, squares: 0.0 };
        self.whole = joined(self.whole, self.width, row, 1);
        self.width += 1;
        if self.levels.is_empty() {
            self.levels.push(VecDeque::new());
        }
        self.levels[0].push_back(row);
        for level in 0..MAX_LEVELS {
            if self.levels[level].len() <= self.settings.stretches.max(1) {
                break;
            }
            let (Some(first), Some(second)) =
                (self.levels[level].pop_front(), self.levels[level].pop_front())
            else {
                break;
            };
            if self.levels.len() == level + 1 {
                self.levels.push(VecDeque::new());
            }
            self.levels[level + 1].push_back(joined(first, 1 << level, second, 1 << level));
        }
    }

    /// Whether some place divides the window into two parts whose means differ by more than chance.
    fn has_two_means(&self) -> bool {
        let width = real(self.width);
        let AdwinSettings { delta, least_part, .. } = self.settings;
        let variance = self.whole.squares / width;
        let odds = (2.0 * width.ln() / delta).ln();
        let (mut rows, mut total) = (0, 0.0);
        for (level, stretches) in self.levels.iter().enumerate().rev() {
            for stretch in stretches {
                rows += 1_u64 << level;
                total += stretch.total;
                let rest = self.width - rows;
                if rows <= least_part || rest <= least_part {
                    continue;
                }
                let gap = total / real(rows) - (self.whole.total - total) / real(rest);
                let sizes = 1.0 / real(rows - least_part + 1) + 1.0 / real(rest - least_part + 1);
                let bound = (2.0 * sizes * variance * odds).sqrt() + 2.0 / 3.0 * odds * sizes;
                if gap.abs() > bound {
                    return true;
                }
            }
        }
        false
    }

    fn drop_oldest(&mut self) {
        let Some(level) = self.levels.iter().rposition(|stretches| !stretches.is_empty()) else { return };
        let Some(oldest) = self.levels[level].pop_front() else { return };
        let rows = 1_u64 << level;
        let rest = self.width - rows;
        let total = self.whole.total - oldest.total;
        let squares = if rest == 0 {
            0.0
        } else {
            let gap = oldest.total / real(rows) - total / real(rest);
            let between = real(rows) * real(rest) / real(self.width) * gap * gap;
            (self.whole.squares - oldest.squares - between).max(0.0)
        };
        self.whole = Stretch { total, squares };
        self.width = rest;
        self.levels.truncate(size_of_filled(&self.levels));
    }
}

/// Levels up to the last one that holds something.
fn size_of_filled(levels: &[VecDeque<Stretch>]) -> usize {
    levels.iter().rposition(|stretches| !stretches.is_empty()).map_or(0, |last| last + 1)
}

/// The sums of two stretches together (Chan, Golub, LeVeque 1983).
fn joined(first: Stretch, rows: u64, second: Stretch, more: u64) -> Stretch {
    if rows == 0 {
        return second;
    }
    let gap = first.total / real(rows) - second.total / real(more);
    let between = real(rows) * real(more) / real(rows + more) * gap * gap;
    Stretch { total: first.total + second.total, squares: first.squares + second.squares + between }
}
