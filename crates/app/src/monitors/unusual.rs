//! What is unusual about the running of a day, against the days before it.
//!
//! The days before are the newest of the last 90 that were themselves not bad, at most 28 and at least 3: what goes wrong
//! for long does not become the measure. A finding needs a large factor and a value beyond all of those days, so chance
//! alone seldom makes one: of n days of one kind, a new one is beyond all with probability 1 / (n + 1).

use super::real;
use super::running::Running;
use comptroller_core::vocab::{AlarmTopic, DriftBand};
use comptroller_stats::measures::balanced;
use comptroller_stats::numeric::significance::equal_counts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Days that a day is compared with, at least.
pub(super) const MIN_DAYS: usize = 3;
/// Days that a day is compared with, at most.
pub(super) const MAX_DAYS: usize = 28;
/// Records without which a share says nothing.
const MIN_ROWS: u64 = 100;
/// Level of a test of two shares.
const ALPHA: f64 = 0.001;
/// Characters of a caller's name that are shown.
const MAX_NAME: usize = 40;

/// Something unusual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Finding {
    /// Whether it is about the operation or about access.
    pub(super) topic: AlarmTopic,
    /// Its stable name.
    pub(super) code: String,
    /// What it asks for: watch or investigate.
    pub(super) band: DriftBand,
    /// What is unusual, with the numbers.
    pub(super) text: String,
}

/// What a day asks for about a topic; none without enough days before it.
pub(super) fn band(findings: &[Finding], topic: AlarmTopic, days: usize) -> Option<DriftBand> {
    let worst = findings.iter().filter(|finding| finding.topic == topic).map(|finding| finding.band).max();
    worst.or((days >= MIN_DAYS).then_some(DriftBand::Normal))
}

/// A border for watch and one for investigate.
fn band_of(value: f64, watch: f64, investigate: f64) -> Option<DriftBand> {
    if value >= investigate {
        return Some(DriftBand::Investigate);
    }
    (value >= watch).then_some(DriftBand::Watch)
}

/// What is unusual about latency, errors, volume, gaps and repeats. `is_over`: no more records of the day are expected.
pub(super) fn operation(day: &Running, before: &[Running], is_over: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |code: &str, band: Option<DriftBand>, text: String| {
        if let Some(band) = band {
            findings.push(Finding { topic: AlarmTopic::Operation, code: code.to_owned(), band, text });
        }
    };
    // Repeats are wrong whatever other days were like.
    if let Some(repeated) = day.repeated.filter(|_| day.rows >= MIN_ROWS) {
        let share = real(repeated) / real(day.rows);
        let text = format!("{repeated} of {} records have an id that stood in the day before", day.rows);
        found("duplicates", band_of(share, 0.01, 0.1), text);
    }
    if before.len() < MIN_DAYS {
        return findings;
    }
    let (band, text) = latency(day, before);
    found("latency", band, text);
    let (band, text) = errors(day, before);
    found("errors", band, text);
    let (band, text) = volume(day, before, is_over);
    found("volume", band, text);
    let usual = before.iter().map(|day| day.longest_gap).max().unwrap_or(0);
    let is_long = day.longest_gap >= usual.saturating_mul(3);
    let band = band_of(real(day.longest_gap), 60.0, 360.0).filter(|_| is_long);
    let text = format!("nothing came for {} minutes; at most {usual} on the days before", day.longest_gap);
    found("gap", band, text);
    findings
}

fn latency(day: &Running, before: &[Running]) -> (Option<DriftBand>, String) {
    let mut usual: Vec<f64> =
        before.iter().filter(|day| day.timed() >= MIN_ROWS).filter_map(|day| day.latency(0.95)).collect();
    let Some(now) = day.latency(0.95).filter(|_| day.timed() >= MIN_ROWS && usual.len() >= MIN_DAYS) else {
        return (None, String::new());
    };
    usual.sort_by(f64::total_cmp);
    let (median, most) = (usual[usual.len() / 2], usual[usual.len() - 1]);
    let text = format!(
        "latency p95 is {:.1} ms; {:.1} ms on the middle one of the days before",
        now / 1_000.0,
        median / 1_000.0
    );
    (band_of(now / median, 1.5, 2.0).filter(|_| now > most), text)
}

fn errors(day: &Running, before: &[Running]) -> (Option<DriftBand>, String) {
    let rows: u64 = before.iter().map(|day| day.rows).sum();
    let errors: u64 = before.iter().map(|day| day.errors).sum();
    let (now, usual) = (day.error_rate(), if rows == 0 { 0.0 } else { real(errors) / real(rows) });
    let most = before.iter().map(Running::error_rate).fold(0.0, f64::max);
    let is_more = day.rows >= MIN_ROWS
        && now > most
        && now >= 2.0 * usual
        && equal_counts(errors, rows, day.errors, day.rows) < ALPHA;
    let text = format!(
        "{:.2} % of the records have an error; {:.2} % on the days before",
        now * 100.0,
        usual * 100.0
    );
    (band_of(now - usual, 0.002, 0.01).filter(|_| is_more), text)
}

fn volume(day: &Running, before: &[Running], is_over: bool) -> (Option<DriftBand>, String) {
    let mut usual: Vec<u64> = before.iter().map(|day| day.rows).collect();
    usual.sort_unstable();
    let (least, median, most) = (usual[0], usual[usual.len() / 2].max(1), usual[usual.len() - 1]);
    let text = format!("{} records came; {median} on the middle one of the days before", day.rows);
    let (now, median) = (real(day.rows.max(1)), real(median));
    let band = if day.rows > most {
        band_of(now / median, 2.0, 5.0)
    } else if day.rows < least && is_over {
        band_of(median / now, 2.0, 5.0)
    } else {
        None
    };
    (band, text)
}

/// What is unusual about who calls.
pub(super) fn access(day: &Running, before: &[Running]) -> Vec<Finding> {
    let before: Vec<&Running> = before.iter().filter(|day| day.called() > 0).collect();
    let mut findings = Vec::new();
    if before.len() < MIN_DAYS || day.called() < MIN_ROWS {
        return findings;
    }
    let mut found = |code: &str, band: Option<DriftBand>, text: String| {
        if let Some(band) = band {
            findings.push(Finding { topic: AlarmTopic::Access, code: code.to_owned(), band, text });
        }
    };
    let called = real(day.called());
    let known: BTreeSet<&String> = before.iter().flat_map(|day| day.callers.keys()).collect();
    let new: Vec<(&String, u64)> =
        day.callers.iter().filter(|(name, _)| !known.contains(name)).map(|(name, n)| (name, *n)).collect();
    let share = real(new.iter().map(|(_, rows)| *rows).sum::<u64>()) / called;
    // Beyond the callers that are counted by name everybody may be new, so nothing is claimed of them.
    let names: Vec<String> = new.iter().take(5).map(|(name, _)| shown(name)).collect();
    let text = format!(
        "{} callers were never seen on the days before and make {:.1} % of the records: {}",
        new.len(),
        share * 100.0,
        names.join(", ")
    );
    found("new-callers", band_of(share, 0.05, 0.25), text);
    for (name, rows) in &day.callers {
        let most = before.iter().filter_map(|day| day.callers.get(name)).max().copied().unwrap_or(0);
        let times = real(*rows) / real(most.max(1));
        let band = band_of(times, 3.0, 10.0).filter(|_| most > 0 && real(*rows) >= 0.1 * called);
        let text = format!("{} calls {rows} times; at most {most} times on a day before", shown(name));
        found("caller-rate", band, text);
    }
    let all: BTreeSet<&String> = known.iter().copied().chain(day.callers.keys()).collect();
    let sum = |name: &String| before.iter().filter_map(|day| day.callers.get(name)).sum::<u64>();
    let (then, now): (Vec<u64>, Vec<u64>) =
        all.iter().map(|name| (sum(name), day.callers.get(*name).copied().unwrap_or(0))).unzip();
    if let Some(moved) = balanced(&then, &now).filter(|moved| moved.passes(ALPHA)) {
        let text = format!("the shares of the callers moved, V {:.2}", moved.corrected);
        found("caller-shares", band_of(moved.corrected, 0.3, 0.5), text);
    }
    let top = |counts: &[u64]| {
        let total = real(counts.iter().sum::<u64>().max(1));
        real(counts.iter().max().copied().unwrap_or(0)) / total
    };
    let (usual, rose) = (top(&then), top(&now) - top(&then));
    let text =
        format!("one caller makes {:.0} % of the records; {:.0} % before", top(&now) * 100.0, usual * 100.0);
    found("concentration", band_of(rose, 0.3, 0.6), text);
    findings
}

fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(rows: u64, errors: u64, bin: u16, callers: &[(&str, u64)]) -> Running {
        Running {
            rows,
            errors,
            latency: [(bin, rows)].into(),
            callers: callers.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect(),
            repeated: Some(0),
            longest_gap: 5,
            ..Running::default()
        }
    }

    fn usual() -> Vec<Running> {
        (0..7).map(|n| day(1_000 + n * 10, 2, 160, &[("app", 800), ("batch", 200)])).collect()
    }

    fn codes(findings: &[Finding]) -> Vec<(&str, DriftBand)> {
        findings.iter().map(|finding| (finding.code.as_str(), finding.band)).collect()
    }

    #[test]
    fn a_day_like_the_others_is_not_unusual_and_too_few_days_tell_nothing() {
        let before = usual();
        let today = day(1_050, 3, 161, &[("app", 830), ("batch", 220)]);
        assert!(operation(&today, &before, true).is_empty());
        assert!(access(&today, &before).is_empty());
        assert_eq!(band(&[], AlarmTopic::Access, before.len()), Some(DriftBand::Normal));
        assert_eq!(band(&[], AlarmTopic::Access, 2), None, "no verdict is not normal");
        let bad = day(9_000, 900, 300, &[("x", 9_000)]);
        assert!(operation(&bad, &before[..2], true).is_empty() && access(&bad, &before[..2]).is_empty());
    }

    #[test]
    fn latency_errors_volume_gaps_and_repeats_are_named() {
        let before = usual();
        // 16 bins are one doubling.
        assert_eq!(
            codes(&operation(&day(1_000, 2, 177, &[]), &before, true)),
            [("latency", DriftBand::Investigate)]
        );
        assert_eq!(
            codes(&operation(&day(1_000, 2, 170, &[]), &before, true)),
            [("latency", DriftBand::Watch)]
        );
        assert_eq!(
            codes(&operation(&day(1_000, 30, 160, &[]), &before, true)),
            [("errors", DriftBand::Investigate)]
        );
        assert_eq!(
            codes(&operation(&day(6_000, 12, 160, &[]), &before, true)),
            [("volume", DriftBand::Investigate)]
        );
        let few = day(300, 0, 160, &[]);
        assert_eq!(codes(&operation(&few, &before, true)), [("volume", DriftBand::Watch)]);
        assert!(operation(&few, &before, false).is_empty(), "the day is not over");
        let silent = Running { longest_gap: 400, ..day(1_000, 2, 160, &[]) };
        assert_eq!(codes(&operation(&silent, &before, true)), [("gap", DriftBand::Investigate)]);
        let twice = Running { repeated: Some(50), ..day(1_000, 2, 160, &[]) };
        assert_eq!(codes(&operation(&twice, &[], true)), [("duplicates", DriftBand::Watch)]);
    }

    #[test]
    fn who_is_new_who_calls_more_and_who_calls_alone_is_named() {
        let before = usual();
        let new = access(&day(1_000, 0, 160, &[("app", 640), ("batch", 160), ("stranger", 200)]), &before);
        assert_eq!(codes(&new), [("new-callers", DriftBand::Watch), ("caller-shares", DriftBand::Watch)]);
        assert!(new[0].text.contains("stranger") && new[0].text.contains("20.0 %"), "{new:?}");
        let more = access(&day(3_000, 0, 160, &[("app", 800), ("batch", 2_200)]), &before);
        assert_eq!(codes(&more)[0], ("caller-rate", DriftBand::Investigate), "{more:?}");
        let nobody = access(&day(1_000, 0, 160, &[]), &before);
        assert!(nobody.is_empty(), "records that name nobody say nothing about callers");
    }

    #[test]
    fn stable_days_are_seldom_unusual() {
        // A linear congruential generator: the same numbers in every run.
        let mut state = 11_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 33) as u32) / f64::from(1_u32 << 31)
        };
        let mut draw = |n: u64, p: f64| (0..n).filter(|_| random() < p).count() as u64;
        let days: Vec<Running> = (0..400)
            .map(|_| {
                let rows = 900 + draw(200, 0.5);
                let app = draw(rows, 0.8);
                let slow = draw(rows, 0.06);
                let mut one = day(rows, draw(rows, 0.01), 160, &[("app", app), ("batch", rows - app)]);
                one.latency = [(160, rows - slow), (165, slow)].into();
                one
            })
            .collect();
        let mut bad = 0;
        for window in days.windows(MAX_DAYS + 1) {
            let (before, day) = (&window[..MAX_DAYS], &window[MAX_DAYS]);
            bad += usize::from(!operation(day, before, true).is_empty());
            bad += usize::from(!access(day, before).is_empty());
        }
        assert!(bad <= 4, "{bad} of 744 judgements");
    }
}
