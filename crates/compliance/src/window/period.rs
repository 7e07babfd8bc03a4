//! Periods of the calendar in UTC: days, weeks from Monday, months, quarters, halves and years.

use crate::control::Cadence;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// The period that holds a moment: its first microsecond and the first one after it. `None` outside the years 1 to 9998.
pub(crate) fn around(cadence: Cadence, at: i64) -> Option<(i64, i64)> {
    let moment = jiff::Timestamp::from_microsecond(at).ok()?;
    let day = moment.to_zoned(TimeZone::UTC).date();
    if !(1..=9_998).contains(&day.year()) {
        return None;
    }
    let months = |length: i8| {
        let first = (day.month() - 1) / length * length + 1;
        let next = first + length;
        let end = if next > 12 { date(day.year() + 1, 1, 1) } else { date(day.year(), next, 1) };
        Some((date(day.year(), first, 1), end))
    };
    let (from, to) = match cadence {
        Cadence::Day => (day, day.tomorrow().ok()?),
        Cadence::Week => {
            let monday =
                day.checked_sub(jiff::Span::new().days(day.weekday().to_monday_zero_offset())).ok()?;
            (monday, monday.checked_add(jiff::Span::new().days(7)).ok()?)
        }
        Cadence::Month => months(1)?,
        Cadence::Quarter => months(3)?,
        Cadence::HalfYear => months(6)?,
        Cadence::Year => months(12)?,
    };
    Some((micros(from)?, micros(to)?))
}

/// The whole periods between two moments, rising.
pub(crate) fn whole(cadence: Cadence, from: i64, to: i64) -> Vec<(i64, i64)> {
    let mut periods = Vec::new();
    let mut next = around(cadence, from).map_or(to, |(start, end)| if start == from { from } else { end });
    while next < to {
        match around(cadence, next) {
            Some((start, end)) if end <= to => {
                periods.push((start, end));
                next = end;
            }
            _ => break,
        }
    }
    periods
}

/// The day of a moment, `YYYY-MM-DD`.
pub(crate) fn day_text(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at)
        .map_or_else(|_| at.to_string(), |moment| moment.to_zoned(TimeZone::UTC).date().to_string())
}

fn micros(day: Date) -> Option<i64> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Timestamp;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().micros()
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        let moment = at("2026-08-20T13:00:00Z");
        for (cadence, from, to) in [
            (Cadence::Day, "2026-08-20", "2026-08-21"),
            (Cadence::Week, "2026-08-17", "2026-08-24"),
            (Cadence::Month, "2026-08-01", "2026-09-01"),
            (Cadence::Quarter, "2026-07-01", "2026-10-01"),
            (Cadence::HalfYear, "2026-07-01", "2027-01-01"),
            (Cadence::Year, "2026-01-01", "2027-01-01"),
        ] {
            let (start, end) = around(cadence, moment).unwrap();
            assert_eq!((day_text(start).as_str(), day_text(end).as_str()), (from, to), "{cadence:?}");
        }
    }

    #[test]
    fn only_whole_periods_count() {
        let quarters = whole(Cadence::Quarter, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        assert_eq!(quarters.len(), 4);
        let quarters = whole(Cadence::Quarter, at("2026-01-01T00:00:01Z"), at("2026-12-31T00:00:00Z"));
        assert_eq!(
            quarters.iter().map(|(from, _)| day_text(*from)).collect::<Vec<_>>(),
            ["2026-04-01", "2026-07-01"]
        );
        assert_eq!(whole(Cadence::Day, at("2028-02-28T00:00:00Z"), at("2028-03-02T00:00:00Z")).len(), 3);
        assert!(whole(Cadence::Year, 5, 4).is_empty());
        assert!(whole(Cadence::Day, i64::MAX - 5, i64::MAX).is_empty());
    }
}
