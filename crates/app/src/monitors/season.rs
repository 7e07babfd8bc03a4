//! Seasons of a baseline: a day is compared with the same month or weekday, where the baseline holds enough of each.
//!
//! A July against a whole year drifts with nothing wrong. The rule is fixed: months if the baseline holds at least ten of
//! them, else weekdays if it holds all seven; each with at least so many days and rows. Else there is one baseline.

use comptroller_core::Slug;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a season, at least: fewer would say "not enough" where the whole baseline could tell.
pub(super) const MIN_ROWS: u64 = 500;
/// Days of a season, at least.
const MIN_DAYS: usize = 4;
/// Months without which a year is not told apart.
const MIN_MONTHS: usize = 10;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The weekday of a day since 1970-01-01, which was a Thursday.
fn weekday(day: i64) -> &'static str {
    // Proof: a remainder by 7 is within 0..7.
    WEEKDAYS[usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)]
}

/// The month of a day since 1970-01-01.
fn month(day: i64) -> &'static str {
    let date = super::window::date(day);
    let number: usize = date.get(5..7).and_then(|text| text.parse().ok()).unwrap_or(1);
    MONTHS.get(number.wrapping_sub(1)).copied().unwrap_or(MONTHS[0])
}

/// Which season each day belongs to, if the days with their rows make seasons.
pub(super) fn seasons(rows: &BTreeMap<i64, u64>) -> Option<fn(i64) -> &'static str> {
    let enough = |of: fn(i64) -> &'static str, least: usize| {
        let mut found: BTreeMap<&str, (BTreeSet<i64>, u64)> = BTreeMap::new();
        for (day, rows) in rows {
            let season = found.entry(of(*day)).or_default();
            season.0.insert(*day);
            season.1 += rows;
        }
        found.len() >= least && found.values().all(|(days, rows)| days.len() >= MIN_DAYS && *rows >= MIN_ROWS)
    };
    if enough(month, MIN_MONTHS) {
        return Some(month);
    }
    enough(weekday, WEEKDAYS.len()).then_some(weekday as fn(i64) -> &'static str)
}

/// The season of a day among those that a baseline has.
pub(super) fn season_of<T>(day: i64, seasons: &BTreeMap<Slug, T>) -> Option<(&Slug, &T)> {
    [month(day), weekday(day)]
        .into_iter()
        .find_map(|name| seasons.iter().find(|(known, _)| known.as_str() == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: i64, count: i64, rows: u64) -> BTreeMap<i64, u64> {
        (from..from + count).map(|day| (day, rows)).collect()
    }

    #[test]
    fn days_have_the_weekday_and_month_of_the_calendar() {
        // 2026-11-27 is a Friday; it is day 20,784.
        assert_eq!((weekday(20_784), month(20_784)), ("friday", "november"));
        assert_eq!(
            (weekday(0), month(0), month(30), month(31)),
            ("thursday", "january", "january", "february")
        );
        assert_eq!(month(59), "march");
    }

    #[test]
    fn seasons_need_enough_of_each() {
        let of = |rows: BTreeMap<i64, u64>| seasons(&rows).map(|season| season(20_784));
        assert_eq!(of(days(0, 27, 1_000)), None, "one weekday has only three days");
        assert_eq!(of(days(0, 28, 1_000)), Some("friday"));
        assert_eq!(of(days(0, 28, 100)), None, "too few rows");
        assert_eq!(of(days(0, 365, 100)), Some("november"));
        assert_eq!(of(days(0, 250, 100)), Some("friday"), "nine months are no year");
        let known: BTreeMap<Slug, u8> =
            [("friday".parse().unwrap(), 1), ("monday".parse().unwrap(), 2)].into();
        assert_eq!(season_of(20_784, &known).map(|(_, found)| *found), Some(1));
        assert_eq!(season_of(20_785, &known), None);
    }
}
