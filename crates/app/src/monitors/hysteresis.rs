//! When an alarm begins and when it ends, and how often it would begin with nothing wrong.
//!
//! One bad day is no alarm: so many of the last judged days must be bad, or one so bad that nobody should wait. An alarm
//! ends only well below where it began, so that a value at the border does not raise one alarm a day. Days without a
//! verdict count neither way.

use comptroller_core::vocab::DriftBand;

/// Days of a month, for what is to be expected in one.
const MONTH: usize = 30;

/// When alarms begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// So many of the last `windows` judged days make an alarm, at least 1.
    pub(super) breaches: u32,
    /// See `breaches`.
    pub(super) windows: u32,
    /// An alarm ends with a day whose coefficient is below, in millionths.
    pub(super) clear_ppm: u32,
}

/// A judged day, as far as alarms look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// What it asked for.
    pub(super) band: DriftBand,
    /// Its drift coefficient in millionths; none where there is no such number.
    pub(super) coefficient_ppm: Option<u32>,
}

/// What a judged day does to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It begins.
    Raise,
    /// It ends.
    Clear,
    /// Nothing changes.
    Stay,
}

impl Rule {
    /// What the newest of `days` does; they have a verdict and stand newest first. The days before it that count are at
    /// most `windows - 1`.
    pub(super) fn step(&self, days: &[Day], is_open: bool) -> Step {
        let Some(newest) = days.first() else { return Step::Stay };
        let is_bad = |day: &Day| day.band >= DriftBand::Investigate;
        if !is_open {
            let bad = days.iter().take(self.windows as usize).filter(|day| is_bad(day)).count();
            let is_enough = bad >= self.breaches as usize || newest.band == DriftBand::Rollback;
            return if is_bad(newest) && is_enough { Step::Raise } else { Step::Stay };
        }
        let is_below = match newest.coefficient_ppm {
            Some(ppm) => ppm < self.clear_ppm,
            None => newest.band == DriftBand::Normal,
        };
        if !is_bad(newest) && is_below { Step::Clear } else { Step::Stay }
    }

    /// How much a day shows, in millionths, to date what it shows. A day that findings raised has no D of that size: it
    /// counts as one that ends no alarm.
    pub(super) fn level(&self, day: &Day) -> u32 {
        let least = if day.band >= DriftBand::Investigate { self.clear_ppm } else { 0 };
        day.coefficient_ppm.map_or(day.band as u32 * 100_000, |ppm| ppm.max(least))
    }

    /// How many of `days`, newest first, there are from the one on that ended the last alarm, or all: what showed before
    /// that was told of then.
    pub(super) fn fresh(&self, days: &[Day]) -> usize {
        let (mut is_open, mut fresh) = (false, days.len());
        for at in (1..days.len()).rev() {
            match self.step(&days[at..], is_open) {
                Step::Raise => is_open = true,
                Step::Clear => (is_open, fresh) = (false, at + 1),
                Step::Stay => {}
            }
        }
        fresh
    }

    /// How many alarms are to be expected in a month of days of which each is bad by mere chance with probability
    /// `daily`, and bad beyond the border of a rollback with `strong`, independently of the others.
    ///
    /// Exact for this rule: the chances of every pattern of the last days, carried from day to day (a Markov chain),
    /// with a month before the one that is counted. A day that is not bad ends an alarm, as its coefficient is then 0
    /// but for days that are counted as bad.
    pub(super) fn false_alarms(&self, daily: f64, strong: f64) -> f64 {
        let daily = daily.clamp(0.0, 1.0);
        let strong = strong.clamp(0.0, daily);
        let kept = self.windows.saturating_sub(1).min(comptroller_policy::card::MAX_WINDOWS - 1);
        let patterns = 1_usize << kept;
        // By pattern of the last days (one bit each) and whether an alarm is open.
        let mut chance = vec![[0.0_f64; 2]; patterns];
        chance[0][0] = 1.0;
        let mut expected = 0.0;
        for day in 0..2 * MONTH {
            let mut next = vec![[0.0_f64; 2]; patterns];
            for (pattern, open) in chance.iter().enumerate() {
                let then = |is_bad: bool| ((pattern << 1) | usize::from(is_bad)) & (patterns - 1);
                let any = open[0] + open[1];
                next[then(false)][0] += any * (1.0 - daily);
                next[then(true)][1] += open[1] * daily;
                let is_enough = pattern.count_ones() + 1 >= self.breaches;
                let raises = if is_enough { daily } else { strong };
                next[then(true)][1] += open[0] * raises;
                next[then(true)][0] += open[0] * (daily - raises);
                if day >= MONTH {
                    expected += open[0] * raises;
                }
            }
            chance = next;
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { breaches: 2, windows: 3, clear_ppm: 200_000 };

    fn day(ppm: u32) -> Day {
        let band = match ppm {
            0..100_000 => DriftBand::Normal,
            100_000..300_000 => DriftBand::Watch,
            300_000..500_000 => DriftBand::Investigate,
            _ => DriftBand::Rollback,
        };
        Day { band, coefficient_ppm: Some(ppm) }
    }

    /// Plays days one after the other; answers how many alarms began, and whether one is open.
    fn play(rule: &Rule, days: &[Day]) -> (usize, bool) {
        let (mut raised, mut open) = (0, false);
        for at in 0..days.len() {
            let history: Vec<Day> = days[..=at].iter().rev().copied().collect();
            match rule.step(&history, open) {
                Step::Raise => (raised, open) = (raised + 1, true),
                Step::Clear => open = false,
                Step::Stay => {}
            }
        }
        (raised, open)
    }

    #[test]
    fn a_second_drift_is_dated_by_itself() {
        let days = |runs: &[(usize, u32)]| -> Vec<Day> {
            let all = runs.iter().flat_map(|(many, ppm)| vec![day(*ppm); *many]);
            all.collect::<Vec<_>>().into_iter().rev().collect()
        };
        let since = |days: &[Day]| {
            let fresh = &days[..RULE.fresh(days)];
            let values: Vec<f64> = fresh.iter().rev().map(|day| f64::from(RULE.level(day))).collect();
            fresh.len() - 1 - super::super::onset::onset(&values)
        };
        // Ten calm days, a long drift, ten calm days, and two days of a new one: a place counts from the newest.
        let twice = days(&[(10, 10_000), (20, 450_000), (10, 10_000), (2, 400_000)]);
        assert_eq!(since(&twice), 1);
        // The first is dated to its first day, over a better day in between.
        assert_eq!(since(&days(&[(10, 10_000), (1, 400_000), (1, 250_000), (1, 400_000)])), 2);
        assert_eq!(RULE.fresh(&[]), 0);
        // Columns that changed places show no D, and are dated all the same.
        let mut swapped = days(&[(10, 10_000), (3, 20_000)]);
        swapped[..3].iter_mut().for_each(|day| day.band = DriftBand::Investigate);
        assert_eq!(since(&swapped), 2);
    }

    #[test]
    fn two_of_three_make_an_alarm_and_only_well_below_it_ends() {
        let of = |all: &[u32]| play(&RULE, &all.iter().map(|ppm| day(*ppm)).collect::<Vec<_>>());
        assert_eq!(of(&[0, 350_000, 0, 0, 350_000]), (0, false), "single days");
        assert_eq!(of(&[0, 350_000, 0, 350_000]), (1, true), "two of three");
        assert_eq!(of(&[350_000, 350_000, 0]), (1, false));
        assert_eq!(of(&[350_000, 350_000, 250_000, 310_000, 290_000]), (1, true), "at the border: one alarm");
        assert_eq!(of(&[600_000]), (1, true), "so bad that nobody waits");
        assert_eq!(of(&[350_000, 350_000, 0, 350_000, 350_000]), (2, true), "and again after an end");
        assert_eq!(RULE.step(&[], false), Step::Stay);
        let quiet = Day { band: DriftBand::Normal, coefficient_ppm: None };
        assert_eq!(RULE.step(&[quiet], true), Step::Clear, "what has no coefficient ends with a normal day");
        assert_eq!(RULE.step(&[Day { band: DriftBand::Watch, ..quiet }], true), Step::Stay);
    }

    #[test]
    fn what_is_expected_by_chance_is_what_a_simulation_finds() {
        // A linear congruential generator: the same numbers in every run.
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 33) as u32) / f64::from(1_u32 << 31)
        };
        for (rule, daily, strong) in [
            (Rule { breaches: 1, windows: 1, clear_ppm: 1 }, 0.05, 0.0),
            (RULE, 0.05, 0.0),
            (RULE, 0.2, 0.02),
            (Rule { breaches: 3, windows: 7, clear_ppm: 1 }, 0.15, 0.0),
        ] {
            let months = 4_000;
            let mut days = Vec::new();
            for _ in 0..months * 30 {
                let dice = random();
                days.push(day(if dice < strong {
                    600_000
                } else if dice < daily {
                    350_000
                } else {
                    0
                }));
            }
            let (mut raised, mut open) = (0_u32, false);
            for at in 0..days.len() {
                let from = (at + 1).saturating_sub(rule.windows as usize);
                let history: Vec<Day> = days[from..=at].iter().rev().copied().collect();
                match rule.step(&history, open) {
                    Step::Raise => (raised, open) = (raised + 1, true),
                    Step::Clear => open = false,
                    Step::Stay => {}
                }
            }
            let (found, expected) = (f64::from(raised) / f64::from(months), rule.false_alarms(daily, strong));
            // Six standard errors of a count that varies at most like a Poisson one.
            let error = 6.0 * (expected / f64::from(months)).sqrt();
            assert!((found - expected).abs() < error, "{rule:?}: {found} instead of {expected}");
        }
    }

    #[test]
    fn asking_for_more_bad_days_never_raises_more() {
        for windows in 1..=8 {
            for daily in [0.0, 0.01, 0.1, 0.5, 0.9, 1.0] {
                let mut last = f64::INFINITY;
                for breaches in 1..=windows {
                    let expected = Rule { breaches, windows, clear_ppm: 1 }.false_alarms(daily, 0.0);
                    assert!((0.0..=30.0).contains(&expected), "{expected}");
                    assert!(
                        expected <= last + 1e-9,
                        "{breaches} of {windows} at {daily}: {expected} after {last}"
                    );
                    last = expected;
                }
            }
        }
    }
}
