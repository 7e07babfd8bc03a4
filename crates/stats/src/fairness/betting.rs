//! Watching two groups without end: a test that may be looked at after every row and stopped at any time.
//!
//! Two players bet on the difference of the groups' means, one on each sign. If the true difference is within the
//! tolerance, neither can expect to win, whenever somebody looks: the chance that the wealth ever reaches `1 / alpha` is
//! at most `alpha` (Ville 1939). This is auditing by betting of Chugg, Cortes-Gomez, Wilder and Ramdas (NeurIPS 2023,
//! arXiv 2305.17570), with the bets of Waudby-Smith and Ramdas (JRSS B 2024) chosen by online Newton steps (Cutkosky and
//! Orabona 2018), and with a tolerance instead of exact equality.
//!
//! One step takes what has arrived of both groups since the last one as two means. It must be taken by arrival alone,
//! never by outcome; then a step is a fair game. No row is kept.

use super::error::FairnessError;
use crate::numeric::real;
use rand_distr::{Bernoulli, Distribution as _};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

/// Most groups: every pair has a game of its own.
pub const MAX_GROUPS: usize = 50;
/// Largest part of the wealth that is put on the worst outcome: below 1, so that nobody is ever ruined.
const LARGEST_STAKE: f64 = 0.5;
/// Most steps that counts are played in: beyond it a step is made of more rows.
const MAX_STEPS: usize = 4_096;
/// Logarithm of wealth beyond which nothing is told apart any more; keeps every number finite.
const RICH: f64 = 500.0;

/// What may be: as long as it holds, nobody can expect to win.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// Every two means differ by this at most; 0 to below 1.
    Difference(f64),
    /// The smaller of every two means is at least this part of the larger one; above 0, at most 1.
    Ratio(f64),
}

impl Margin {
    /// What somebody gains who bets that the first mean is higher than it may be. At least -[`Margin::worst`].
    fn gain(self, first: f64, second: f64) -> f64 {
        match self {
            Self::Difference(most) => first - second - most,
            Self::Ratio(least) => least * first - second,
        }
    }

    /// The most that a step can cost.
    fn worst(self) -> f64 {
        match self {
            Self::Difference(most) => 1.0 + most,
            Self::Ratio(_) => 1.0,
        }
    }
}

/// One player: bets that the gain of a step is positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Player {
    /// Logarithm of the wealth, which begins with 1.
    log_wealth: f64,
    /// Part of the wealth put on the next step.
    stake: f64,
    /// Sum of squared gradients of the steps so far.
    curvature: f64,
}

impl Player {
    /// Plays one step whose gain is at least `-worst`.
    fn play(&mut self, gain: f64, worst: f64) {
        let factor = 1.0 + self.stake * gain;
        self.log_wealth = (self.log_wealth + factor.ln()).clamp(-RICH, RICH);
        // The next stake follows from steps already played.
        let gradient = gain / factor;
        self.curvature += gradient * gradient;
        let rate = 2.0 / (2.0 - 3.0_f64.ln());
        let next = self.stake + rate * gradient / (1.0 + self.curvature);
        self.stake = next.clamp(0.0, LARGEST_STAKE / worst);
    }
}

/// Rows of a group that wait for the other group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Waiting {
    rows: u64,
    sum: f64,
}

/// The game on one pair of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Game {
    first_higher: Player,
    second_higher: Player,
    waiting: [Waiting; 2],
    /// Logarithm of the largest wealth so far.
    highest: f64,
    steps: u64,
}

impl Game {
    fn log_wealth(&self) -> f64 {
        // Each player began with half of it.
        let (a, b) = (self.first_higher.log_wealth, self.second_higher.log_wealth);
        let most = a.max(b);
        most + f64::midpoint((a - most).exp(), (b - most).exp()).ln()
    }

    fn add(&mut self, side: usize, value: f64, margin: Margin) {
        self.wait(side, 1, value);
        self.settle(margin);
    }

    fn wait(&mut self, side: usize, rows: u64, sum: f64) {
        self.waiting[side].rows += rows;
        self.waiting[side].sum += sum;
    }

    /// Plays a step if rows of both groups wait.
    fn settle(&mut self, margin: Margin) {
        let [first, second] = self.waiting;
        if first.rows == 0 || second.rows == 0 {
            return;
        }
        self.waiting = [Waiting::default(); 2];
        let (first, second) = (first.sum / real(first.rows), second.sum / real(second.rows));
        self.first_higher.play(margin.gain(first, second), margin.worst());
        self.second_higher.play(margin.gain(second, first), margin.worst());
        self.steps += 1;
        self.highest = self.highest.max(self.log_wealth());
    }

    /// Takes rows of both groups, given as running sums of their values, in as many steps as the smaller one has rows.
    fn add_runs(&mut self, runs: [&[u64]; 2], margin: Margin) {
        let rows = runs.map(|run| run.len() - 1);
        let steps = rows[0].min(rows[1]).clamp(1, MAX_STEPS);
        for step in 0..steps {
            for (side, run) in runs.iter().enumerate() {
                let place = |step: usize| step * rows[side] / steps;
                let (from, to) = (place(step), place(step + 1));
                self.wait(side, (to - from) as u64, real(run[to] - run[from]));
            }
            self.settle(margin);
        }
    }
}

/// A running audit of the means of several groups: of decisions for demographic parity, of decisions on positive labels
/// for equal opportunity, of errors for accuracy. It is a value: store it, continue it, merge periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    alpha: f64,
    margin: Margin,
    groups: usize,
    games: Vec<Game>,
}

/// What is known about one pair.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairState {
    /// The groups.
    pub pair: (usize, usize),
    /// Steps played: the smaller group's rows at most.
    pub steps: u64,
    /// Natural logarithm of the evidence now, within -500..=500; evidence is wealth that began with 1.
    pub log_evidence: f64,
    /// The p-value that is valid at any time: one over the largest evidence so far, corrected for all pairs
    /// (Bonferroni).
    pub p_value: f64,
    /// Whether the means differ by more than the tolerance, at `alpha` over all pairs and all times together.
    pub alarm: bool,
}

impl Watch {
    /// Begins: alarms with a chance of at most `alpha` (above 0, at most 0.5) over all pairs and all times while every
    /// two means are within `tolerance` (0 to 1, below 1) of each other.
    ///
    /// # Errors
    /// For a setting outside of its range.
    pub fn new(groups: usize, alpha: f64, tolerance: f64) -> Result<Self, FairnessError> {
        Self::with_margin(groups, alpha, Margin::Difference(tolerance))
    }

    /// Begins, with a margin of either kind. See [`Watch::new`].
    ///
    /// # Errors
    /// For a setting outside of its range.
    pub fn with_margin(groups: usize, alpha: f64, margin: Margin) -> Result<Self, FairnessError> {
        let refuse = |name, value, range| Err(FairnessError::Setting { name, value, range });
        if !(2..=MAX_GROUPS).contains(&groups) {
            return refuse("the number of groups", crate::numeric::size(groups), "2 to 50");
        }
        if !(alpha > 0.0 && alpha <= 0.5) {
            return refuse("alpha", alpha, "above 0 and at most 0.5");
        }
        match margin {
            Margin::Difference(most) if !(0.0..1.0).contains(&most) => {
                return refuse("tolerance", most, "0 or more and below 1");
            }
            Margin::Ratio(least) if !(least > 0.0 && least <= 1.0) => {
                return refuse("the smallest ratio", least, "above 0 and at most 1");
            }
            Margin::Difference(_) | Margin::Ratio(_) => {}
        }
        Ok(Self { alpha, margin, groups, games: vec![Game::default(); groups * (groups - 1) / 2] })
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let groups = self.groups;
        (0..groups).flat_map(move |first| (first + 1..groups).map(move |second| (first, second)))
    }

    /// Takes the next row in the order of time.
    ///
    /// # Errors
    /// For an unknown group and for a value outside of 0..=1.
    pub fn add(&mut self, group: usize, value: f64) -> Result<(), FairnessError> {
        if group >= self.groups {
            return Err(FairnessError::UnknownGroup { group, groups: self.groups });
        }
        if !(0.0..=1.0).contains(&value) {
            return Err(FairnessError::Outside(value));
        }
        let margin = self.margin;
        for ((first, second), game) in self.pairs().zip(&mut self.games) {
            if first == group {
                game.add(0, value, margin);
            } else if second == group {
                game.add(1, value, margin);
            }
        }
        Ok(())
    }

    /// Takes new rows of every group as counts: rows, and how many of them have the value 1, the others have 0. They are
    /// played in an order drawn from `seed` and `stream`. Rows of a group are alike to the test in whatever order they
    /// come, so a drawn order is as fair as the true one; the seed must not depend on outcomes.
    ///
    /// # Errors
    /// For counts of another number of groups, and more ones than rows.
    pub fn add_counts(&mut self, counts: &[(u64, u64)], seed: u64, stream: u64) -> Result<(), FairnessError> {
        if counts.len() != self.groups {
            return Err(FairnessError::UnknownGroup { group: counts.len(), groups: self.groups });
        }
        let mut runs = Vec::with_capacity(counts.len());
        for (group, (rows, ones)) in counts.iter().enumerate() {
            if ones > rows {
                return Err(FairnessError::Outside(real(*ones) / real((*rows).max(1))));
            }
            let mut random = Pcg64::new(u128::from(seed), (u128::from(stream) << 64) | group as u128);
            runs.push(run(*rows, *ones, &mut random));
        }
        let margin = self.margin;
        for ((first, second), game) in self.pairs().zip(&mut self.games) {
            game.add_runs([&runs[first], &runs[second]], margin);
        }
        Ok(())
    }

    /// The chance of a false alarm.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Appends the audit of a later period that was begun anew: wealth is carried on by multiplying. Rows that waited at
    /// the end of the first period are not used, which depends on arrivals alone and so stays fair. Continuing the first
    /// audit row by row is a little stronger, since it keeps its stakes.
    ///
    /// # Errors
    /// When the other one was begun with other settings.
    pub fn then(&mut self, later: &Self) -> Result<(), FairnessError> {
        if self.groups != later.groups {
            return Err(FairnessError::OtherAudit("the number of groups"));
        }
        if self.alpha.to_bits() != later.alpha.to_bits() {
            return Err(FairnessError::OtherAudit("alpha"));
        }
        if self.margin != later.margin {
            return Err(FairnessError::OtherAudit("the margin"));
        }
        for (game, next) in self.games.iter_mut().zip(&later.games) {
            let carried = game.log_wealth();
            let highest = game.highest.max(carried + next.highest);
            let steps = game.steps + next.steps;
            *game = *next;
            for player in [&mut game.first_higher, &mut game.second_higher] {
                player.log_wealth = (player.log_wealth + carried).clamp(-RICH, RICH);
            }
            game.highest = highest.min(RICH);
            game.steps = steps;
        }
        Ok(())
    }

    /// Every pair as it stands.
    pub fn state(&self) -> Vec<PairState> {
        let games = crate::numeric::size(self.games.len());
        let state = |(pair, game): ((usize, usize), &Game)| {
            let p_value = (games * (-game.highest).exp()).min(1.0);
            let log_evidence = game.log_wealth();
            PairState { pair, steps: game.steps, log_evidence, p_value, alarm: p_value <= self.alpha }
        };
        self.pairs().zip(&self.games).map(state).collect()
    }

    /// Whether any pair alarms.
    pub fn alarms(&self) -> bool {
        self.state().iter().any(|pair| pair.alarm)
    }
}

/// Running sums of so many ones among so many rows, in an order that is drawn evenly: begins with 0.
fn run(rows: u64, ones: u64, random: &mut Pcg64) -> Vec<u64> {
    let mut sums = Vec::with_capacity(rows as usize + 1);
    let mut sum = 0;
    sums.push(0);
    for place in 0..rows {
        let (left, ones_left) = (rows - place, ones - sum);
        // A chance within 0..=1 is always accepted.
        let hit = ones_left == left
            || (ones_left > 0
                && Bernoulli::new(real(ones_left) / real(left)).is_ok_and(|law| law.sample(random)));
        sum += u64::from(hit);
        sums.push(sum);
    }
    sums
}

#[cfg(test)]
mod tests;
