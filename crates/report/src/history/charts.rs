//! The two pictures: the coefficient day by day against its bands, and what carried it.

use super::{Alarm, Day};
use crate::escape::cut;
use crate::svg::Svg;
use std::collections::BTreeMap;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
/// Names of carriers that have a shade of their own.
const NAMED: usize = 5;
/// Room of a date under the picture.
const DATE_WIDTH: f64 = 74.0;
/// Bars are no wider.
const MAX_BAR: f64 = 26.0;
/// Room beside the first and the last day, so that their bars stay within the picture.
const BESIDE: f64 = MAX_BAR / 2.0 + 1.0;

/// A line ends where this many times the usual gap lies between two days.
const LONGEST_GAP: i64 = 4;
/// Height of a line of small text.
const LINE: f64 = 11.0;

/// Where a day stands from left to right.
struct Across {
    first: i64,
    step: f64,
}

impl Across {
    fn of(days: &[Day]) -> Self {
        let first = days.first().map_or(0, |day| day.number);
        let last = days.last().map_or(first, |day| day.number);
        let span = u32::try_from((last - first).max(0)).unwrap_or(u32::MAX);
        Self { first, step: (WIDTH - LEFT - RIGHT - 2.0 * BESIDE) / f64::from(span.max(1)) }
    }

    /// How wide a bar is, so that it touches none of another day: days with records may be far apart.
    fn bar(&self, days: &[Day]) -> f64 {
        let apart = days.windows(2).map(|pair| pair[1].number - pair[0].number).min();
        let apart = apart.map_or(f64::INFINITY, |days| f64::from(u32::try_from(days.max(1)).unwrap_or(1)));
        (apart * self.step * 0.8).min(MAX_BAR)
    }

    /// The middle of a day.
    fn x(&self, number: i64) -> f64 {
        let place = u32::try_from((number - self.first).max(0)).unwrap_or(u32::MAX);
        LEFT + BESIDE + f64::from(place) * self.step
    }
}

/// The middle one of the gaps between days, in days.
fn usual_gap(days: &[&Day]) -> i64 {
    let mut gaps: Vec<i64> = days.windows(2).map(|pair| pair[1].number - pair[0].number).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(1)
}

fn dates(svg: &mut Svg, days: &[Day], across: &Across, y: f64) {
    let mut free_from = f64::NEG_INFINITY;
    for day in days {
        let x = across.x(day.number);
        // A date is left out rather than written over another one.
        if x - DATE_WIDTH / 2.0 >= free_from {
            let anchor = if x < DATE_WIDTH { "start" } else { "middle" };
            let place = if x < DATE_WIDTH { LEFT } else { x.min(WIDTH - DATE_WIDTH / 2.0) };
            svg.label("small", (place, y), anchor, &day.date);
            free_from = x + DATE_WIDTH / 2.0;
        }
    }
}

/// The coefficient of every day with the bands behind, days without a verdict at the foot, and alarms as flags.
pub(super) fn over_time(days: &[Day], bands: [f64; 3], alarms: &[Alarm]) -> String {
    let (top, bottom, height) = (24.0, 236.0, 264.0);
    let verdicts: Vec<&Day> = days.iter().filter(|day| day.coefficient.is_some()).collect();
    let peak = verdicts.iter().filter_map(|day| day.coefficient).fold(0.0, f64::max);
    let described = match (verdicts.first(), verdicts.last()) {
        (Some(first), Some(last)) => format!(
            "{} days with a verdict from {} to {}; the coefficient began at {:.2}, ends at {:.2} and was at most {peak:.2}",
            verdicts.len(),
            first.date,
            last.date,
            first.coefficient.unwrap_or(0.0),
            last.coefficient.unwrap_or(0.0)
        ),
        _ => "no day has a verdict".to_owned(),
    };
    let mut svg =
        Svg::new("time", WIDTH as u32, height as u32, "The drift coefficient day by day", &described);
    // The picture ends above what is drawn, so that small numbers can be told apart.
    let most = (peak.max(bands[1]) * 1.15).clamp(0.01, 1.0);
    let y = |value: f64| bottom - (bottom - top) * (value / most).clamp(0.0, 1.0);
    let borders = [0.0, bands[0], bands[1], bands[2], 1.0];
    let mut lowest = f64::INFINITY;
    for (at, name) in ["normal", "watch", "investigate", "rollback"].iter().enumerate() {
        let (from, to) = (y(borders[at]), y(borders[at + 1]));
        if from - to < 0.5 {
            continue;
        }
        svg.bar(&format!("band {name}"), [LEFT, to, WIDTH - LEFT - RIGHT, from - to], name);
        // Borders that lie close together share the place of one number.
        if lowest - from > LINE {
            svg.label("small", (LEFT - 6.0, from - 2.0), "end", &format!("{:.2}", borders[at]));
            lowest = from;
        }
        if from - to > 14.0 {
            svg.label("small", (WIDTH - RIGHT - 4.0, to + 12.0), "end", name);
        }
    }
    let across = Across::of(days);
    // A line through a long time without records would show values that nobody measured.
    let longest = LONGEST_GAP * usual_gap(&verdicts);
    for run in verdicts.chunk_by(|a, b| b.number - a.number <= longest) {
        let points = run.iter().filter_map(|day| Some((across.x(day.number), y(day.coefficient?))));
        svg.path("reference", &points.collect::<Vec<(f64, f64)>>());
    }
    for day in days {
        let x = across.x(day.number);
        match day.coefficient {
            Some(value) => {
                let pillar = day.pillar.as_deref().unwrap_or("none");
                let hint = format!("{}: {value:.3} by {pillar}, {} records", day.date, day.rows);
                svg.bar("mark", [x - 2.5, y(value) - 2.5, 5.0, 5.0], &hint);
            }
            None => {
                let hint = format!("{}: not enough evidence, {} records", day.date, day.rows);
                svg.bar("reference", [x - 2.5, bottom - 6.0, 5.0, 5.0], &hint);
            }
        }
    }
    for alarm in alarms.iter().filter(|alarm| days.first().is_some_and(|day| alarm.number >= day.number)) {
        let x = across.x(alarm.number);
        svg.line("axis", [x, top - 4.0, x, bottom]);
        let anchor = if x > WIDTH - DATE_WIDTH { "end" } else { "middle" };
        svg.label("small", (x, top - 10.0), anchor, "alarm");
    }
    svg.line("axis", [LEFT, bottom, WIDTH - RIGHT, bottom]);
    dates(&mut svg, days, &across, height - 8.0);
    svg.finish()
}

/// What carries the data's part of each day, as bars whose height is the coefficient; answers the names in the order of
/// their shades as well.
pub(super) fn carriers(days: &[Day]) -> (String, Vec<String>) {
    let mut weight: BTreeMap<&str, f64> = BTreeMap::new();
    for day in days {
        for (name, share) in &day.carriers {
            *weight.entry(name).or_default() += share * day.coefficient.unwrap_or(0.0);
        }
    }
    let mut names: Vec<(&str, f64)> = weight.into_iter().collect();
    names.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let named: Vec<String> = names.iter().take(NAMED).map(|(name, _)| (*name).to_owned()).collect();
    if named.is_empty() {
        return (String::new(), named);
    }
    let (top, bottom, height) = (14.0, 186.0, 214.0);
    let described = format!("the columns that carry most over all days: {}", named.join(", "));
    let mut svg =
        Svg::new("carry", WIDTH as u32, height as u32, "What carries the drift day by day", &described);
    let most = days.iter().filter_map(|day| day.coefficient).fold(0.05, f64::max);
    let across = Across::of(days);
    let width = across.bar(days);
    for day in days {
        let Some(value) = day.coefficient else { continue };
        let mut y = bottom;
        let full = (bottom - top) * value / most;
        let share_of = |name: &str| {
            day.carriers.iter().find(|(carrier, _)| carrier == name).map_or(0.0, |(_, share)| *share)
        };
        // Only the largest are listed, and all together carry the whole.
        let mut rest = if day.carriers.is_empty() { 0.0 } else { 1.0 };
        for (shade, name) in named.iter().enumerate() {
            let share = share_of(name);
            rest -= share;
            let part = full * share;
            y -= part;
            if part > 0.2 {
                let hint = format!("{}: {} {:.0} %", day.date, cut(name, 40), share * 100.0);
                svg.bar(
                    &format!("shade{shade}"),
                    [across.x(day.number) - width / 2.0, y, width, part],
                    &hint,
                );
            }
        }
        let part = full * rest.max(0.0);
        if part > 0.2 {
            let hint = format!("{}: other columns {:.0} %", day.date, rest * 100.0);
            svg.bar("shade5", [across.x(day.number) - width / 2.0, y - part, width, part], &hint);
        }
    }
    svg.label("small", (LEFT - 6.0, top + 8.0), "end", &format!("{most:.2}"));
    svg.label("small", (LEFT - 6.0, bottom), "end", "0");
    svg.line("axis", [LEFT, bottom, WIDTH - RIGHT, bottom]);
    dates(&mut svg, days, &across, height - 8.0);
    (svg.finish(), named)
}
