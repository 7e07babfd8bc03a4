//! A day of the calendar: the unit in which law applies and becomes known.

use super::words::Unit;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A day without a time, written `2026-07-27`. Days are compared as they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// The day so much later; of a shorter month its last day, as Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c) counts.
    /// Hours are no days: none.
    pub fn after(self, amount: u32, unit: Unit) -> Option<Self> {
        let span = match unit {
            Unit::Hour => return None,
            Unit::Day => jiff::Span::new().try_days(amount),
            Unit::Month => jiff::Span::new().try_months(amount),
            Unit::Year => jiff::Span::new().try_years(amount),
        };
        span.and_then(|span| self.0.checked_add(span)).ok().map(Self)
    }

    /// The day on which a moment falls, in UTC.
    pub fn of(moment: comptroller_core::Timestamp) -> Self {
        let moment =
            jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self(moment.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// The moment at which it begins in UTC.
    pub fn start(self) -> comptroller_core::Timestamp {
        let start = self.0.to_zoned(jiff::tz::TimeZone::UTC).map(|start| start.timestamp().as_microsecond());
        // Proof: every day of the calendar has a midnight in UTC but the last one of the range, which ends it.
        comptroller_core::Timestamp::from_micros(start.unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day = if form { text.parse().ok() } else { None };
        day.map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
            format!("{shown:?} is not a day: write it as 2026-07-27")
        })
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Timestamp;

    #[test]
    fn days_have_one_form_and_their_order() {
        let day: Day = "2026-07-27".parse().unwrap();
        assert_eq!(day.to_string(), "2026-07-27");
        assert!(day > "2026-07-26".parse().unwrap());
        for bad in ["2026-7-27", "2026-02-30", "27.07.2026", "2026-07-27T00:00", ""] {
            assert!(bad.parse::<Day>().unwrap_err().contains("2026-07-27"), "{bad}");
        }
    }

    #[test]
    fn a_month_ends_on_the_same_date_or_on_the_last_of_a_shorter_month() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        for (from, months, to) in [
            ("2026-03-05", 1, "2026-04-05"),
            ("2026-01-31", 1, "2026-02-28"),
            ("2027-11-30", 3, "2028-02-29"),
            ("2026-12-31", 2, "2027-02-28"),
        ] {
            assert_eq!(day(from).after(months, Unit::Month), Some(day(to)), "{from}");
        }
        assert_eq!(day("2026-12-30").after(3, Unit::Day), Some(day("2027-01-02")));
        assert_eq!(day("2028-02-29").after(1, Unit::Year), Some(day("2029-02-28")));
        assert_eq!(day("2026-01-01").after(1, Unit::Hour), None);
        assert_eq!(day("9999-12-31").after(1, Unit::Day), None);
    }

    #[test]
    fn a_moment_falls_on_a_day_of_utc() {
        let moment: Timestamp = "2026-07-27T23:59:59.999999Z".parse().unwrap();
        assert_eq!(Day::of(moment).to_string(), "2026-07-27");
        assert_eq!(Day::of(moment).start().to_string(), "2026-07-27T00:00:00.000000Z");
        assert_eq!(Day::of(Timestamp::from_micros(moment.micros() + 1)).to_string(), "2026-07-28");
    }
}
