//! Points in time as files have them, and what the calendar says of them. All in UTC.

use comptroller_stats::cells::{Block, BlockBuilder, Cell};
use comptroller_stats::drift::TimeOrder;
use comptroller_stats::gather::Gathered;
use comptroller_stats::grid::Kind;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::derived::ROWS;

const MICROS: f64 = 1e6;
/// Numbers from here on are seconds since 1970, then milliseconds, microseconds and nanoseconds; smaller ones, such as
/// years, have an order and no calendar.
const SECONDS: f64 = 1e8;
const MILLIS_FROM: f64 = 1e11;
const MICROS_FROM: f64 = 1e14;
const NANOS_FROM: f64 = 1e17;
/// Points before 1973 in microseconds: below, a number is only an order.
const LEAST: f64 = SECONDS * MICROS;

/// A column that is made from times: its name, its kind, and its rows, if there are any.
type Made = (&'static str, Kind, fn(&Times) -> Option<Block>);

/// Columns that are made from a column of times.
pub(super) const COLUMNS: [Made; 3] = [
    ("hour", Kind::Categorical, |times| times.calendar(|time| format!("{:02}", time.hour()))),
    ("weekday", Kind::Categorical, |times| times.calendar(|time| format!("{:?}", time.weekday()))),
    ("seconds since the row before", Kind::Numeric, Times::gaps),
];

/// The times of one side, in microseconds.
pub(super) struct Times {
    gathered: Gathered,
    /// Those of the gathered rows that are there, ascending.
    sorted: Vec<f64>,
}

/// A number as microseconds since 1970, by its size; a small one as it is.
pub(super) fn of_number(number: f64) -> f64 {
    let size = number.abs();
    if size >= NANOS_FROM {
        number / 1e3
    } else if size >= MICROS_FROM {
        number
    } else if size >= MILLIS_FROM {
        number * 1e3
    } else if size >= SECONDS {
        number * MICROS
    } else {
        number
    }
}

/// A text as microseconds: RFC 3339, or a date with or without a time, which counts as UTC.
pub(super) fn of_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let civil = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| civil(text.parse::<DateTime>().ok()?))
        .or_else(|| civil(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())))?;
    Some(to_real(time.as_microsecond()))
}

impl Times {
    pub(super) fn of(gathered: Gathered) -> Self {
        let mut sorted: Vec<f64> =
            gathered.block.cells().filter_map(number).filter(|micros| micros.is_finite()).collect();
        comptroller_stats::sort::ascending(&mut sorted);
        Self { gathered, sorted }
    }

    /// From when to when, for people.
    pub(super) fn range(&self) -> Option<String> {
        Some(format!("{} to {}", shown(*self.sorted.first()?), shown(*self.sorted.last()?)))
    }

    /// The sampled rows in the order of time.
    pub(super) fn order(&self, sample: usize) -> TimeOrder {
        let block = self.gathered.thinned(sample);
        let mut timed: Vec<(f64, usize)> = block
            .cells()
            .enumerate()
            .filter_map(|(row, cell)| Some((number(cell).filter(|micros| micros.is_finite())?, row)))
            .collect();
        // Rows of one moment stay in the order of the file.
        timed.sort_by(|a, b| a.0.total_cmp(&b.0));
        TimeOrder {
            rows: block.len(),
            order: timed.iter().map(|(_, row)| *row).collect(),
            times: timed.iter().map(|(micros, _)| shown(*micros)).collect(),
        }
    }

    /// What the calendar says of each row; nothing where the numbers are no points in time.
    fn calendar(&self, say: impl Fn(&DateTime) -> String) -> Option<Block> {
        if self.sorted.first().is_none_or(|least| *least < LEAST) {
            return None;
        }
        let mut builder = BlockBuilder::default();
        for cell in self.gathered.thinned(ROWS).cells() {
            match number(cell).and_then(moment) {
                Some(moment) => builder.text(&say(&TimeZone::UTC.to_datetime(moment))),
                None => builder.null(),
            }
        }
        Some(builder.finish())
    }

    /// Seconds from one row to the next in the order of time; nothing of a sample, which has gaps of its own.
    fn gaps(&self) -> Option<Block> {
        let is_point = self.sorted.first().is_some_and(|least| *least >= LEAST);
        if !is_point || !self.gathered.is_complete() || self.sorted.len() < 2 || self.sorted.len() > ROWS {
            return None;
        }
        Some(Block::of_numbers(self.sorted.windows(2).map(|pair| (pair[1] - pair[0]) / MICROS).collect()))
    }
}

fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Number(micros) => Some(micros),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times are whole microseconds below 2^53")]
fn moment(micros: f64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros.round() as i64).ok()
}

/// A point in time as RFC 3339, a small number as it is.
fn shown(micros: f64) -> String {
    let point = if micros >= LEAST { moment(micros) } else { None };
    point.map_or_else(|| micros.to_string(), |moment| moment.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of any usual year are below 2^53")]
fn to_real(micros: i64) -> f64 {
    micros as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_files_write_them() {
        let wanted = 1_784_800_800_000_000.0;
        for text in ["2026-07-23T10:00:00Z", "2026-07-23 10:00:00", "2026-07-23T12:00:00+02:00"] {
            assert_eq!(of_text(text), Some(wanted), "{text}");
        }
        assert_eq!(of_text("2026-07-23"), Some(wanted - 36e9));
        assert_eq!(of_text("yesterday"), None);
        for (number, scale) in
            [(1_784_800_800.0, "s"), (1_784_800_800e3, "ms"), (wanted, "us"), (wanted * 1e3, "ns")]
        {
            assert!((of_number(number) - wanted).abs() < 1.0, "{scale}");
        }
        assert_eq!((of_number(2026.0), shown(2026.0)), (2026.0, "2026".to_owned()));
        assert_eq!(shown(wanted), "2026-07-23T10:00:00Z");
    }
}
