//! Lengths of time, cadences of the calendar, and when an event has to have happened.

use super::condition::FieldRef;
use serde::{Deserialize, Serialize};

/// Longest length of time that a control may name: ten years.
const MAX_SECONDS: i64 = 10 * 366 * 86_400;

/// A length of time in seconds, written `90d`, `72h`, `30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// In seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        self.0 * 1_000_000
    }

    /// Reads `90d`, `72h` or `30m`: 1 minute to ten years.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is no length of time: write 90d, 72h or 30m, up to ten years");
        let (number, unit) = match text.as_bytes().last() {
            Some(b'd') => (&text[..text.len() - 1], 86_400),
            Some(b'h') => (&text[..text.len() - 1], 3_600),
            Some(b'm') => (&text[..text.len() - 1], 60),
            _ => return Err(problem()),
        };
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(problem());
        }
        let number: i64 = number.parse().map_err(|_| problem())?;
        match number.checked_mul(unit) {
            Some(seconds) if (1..=MAX_SECONDS).contains(&seconds) => Ok(Self(seconds)),
            _ => Err(problem()),
        }
    }
}

/// How often something is expected: periods of the calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// A day.
    Day,
    /// A week from Monday (ISO 8601).
    Week,
    /// A month.
    Month,
    /// A quarter from January, April, July or October.
    Quarter,
    /// Half a year from January or July.
    HalfYear,
    /// A year.
    Year,
}

impl Cadence {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::HalfYear => "half-year",
            Self::Year => "year",
        }
    }
}

/// When an event has to be there, or must not be.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Before the occurrence; for a period, before its end. With a length: not longer before.
    Before(Option<Span>),
    /// After the occurrence, at any time.
    After,
    /// After the occurrence, within so long.
    Within(Span),
    /// After the occurrence, until the time that a field states.
    By(FieldRef),
    /// In the period itself.
    During,
}

impl When {
    /// Reads `before`, `before 90d`, `after`, `within 72h`, `by $it.review_due_at` or `during`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest) {
            ("before", "") => Ok(Self::Before(None)),
            ("before", span) => Span::parse(span).map(|span| Self::Before(Some(span))),
            ("after", "") => Ok(Self::After),
            ("within", span) => Span::parse(span).map(Self::Within),
            ("by", field) if field.starts_with('$') => FieldRef::parse(field).map(Self::By),
            ("during", "") => Ok(Self::During),
            _ => Err(format!(
                "{text:?} is no time: write before, before 90d, after, within 72h, by $it.FIELD or during"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_bounded() {
        assert_eq!(Span::parse("72h").unwrap().seconds(), 259_200);
        assert_eq!(Span::parse("30m").unwrap().micros(), 1_800_000_000);
        for wrong in ["", "d", "0d", "-1d", "1w", "1.5h", "4000d", "99999999999999999999d", "é"] {
            assert!(Span::parse(wrong).unwrap_err().contains("no length of time"), "{wrong}");
        }
    }

    #[test]
    fn times_read_as_they_are_written() {
        assert_eq!(When::parse("before").unwrap(), When::Before(None));
        assert_eq!(When::parse("within 48h").unwrap(), When::Within(Span(172_800)));
        assert!(matches!(When::parse("by $it.review_due_at").unwrap(), When::By(_)));
        for wrong in ["", "during 3d", "after 3d", "within", "by it.x", "soon"] {
            assert!(When::parse(wrong).is_err(), "{wrong}");
        }
    }
}
