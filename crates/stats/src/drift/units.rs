//! Whether the current values are the reference's in another unit: one straight line maps all quantiles.

use crate::column::POINTS;
use crate::num::{real, size};

/// Factors between units that are in use, with their offsets. Powers of ten are tried besides. 2 is none of them: a
/// spread that doubled or halved is what worlds do.
const UNITS: &[(f64, f64, &str)] = &[
    (1.8, 32.0, "degrees Celsius to Fahrenheit"),
    (1.0 / 1.8, -32.0 / 1.8, "degrees Fahrenheit to Celsius"),
    (1.0, 273.15, "degrees Celsius to kelvin"),
    (1.0, -273.15, "kelvin to degrees Celsius"),
    (2.54, 0.0, "inches to centimetres"),
    (1.0 / 2.54, 0.0, "centimetres to inches"),
    (0.3048, 0.0, "feet to metres"),
    (1.0 / 0.3048, 0.0, "metres to feet"),
    (1.609_344, 0.0, "miles to kilometres"),
    (1.0 / 1.609_344, 0.0, "kilometres to miles"),
    (0.453_592_37, 0.0, "pounds to kilograms"),
    (1.0 / 0.453_592_37, 0.0, "kilograms to pounds"),
    (12.0, 0.0, "per year to per month, or the like"),
    (1.0 / 12.0, 0.0, "months to years"),
    (60.0, 0.0, "minutes to seconds, or the like"),
    (1.0 / 60.0, 0.0, "seconds to minutes, or the like"),
    (3600.0, 0.0, "hours to seconds"),
    (1.0 / 3600.0, 0.0, "seconds to hours"),
    (24.0, 0.0, "days to hours"),
    (1.0 / 24.0, 0.0, "hours to days"),
    (86_400.0, 0.0, "days to seconds"),
    (1.0 / 86_400.0, 0.0, "seconds to days"),
    (1024.0, 0.0, "powers of 1024"),
    (1.0 / 1024.0, 0.0, "powers of 1024"),
    (1_048_576.0, 0.0, "powers of 1024"),
    (1.0 / 1_048_576.0, 0.0, "powers of 1024"),
    (-1.0, 0.0, "the sign is turned"),
];
/// Powers of ten that are tried, up and down.
const POWERS: i32 = 12;
/// Distance of the quantiles from the line, over the interquartile range, that is still a line; sampling noise comes on
/// top.
const NEAR: f64 = 0.02;
/// A slope this far from 1 in either direction is another scale, whatever its unit.
const FAR: f64 = 5.0;

/// A line that maps the reference's values onto the current ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) slope: f64,
    pub(super) offset: f64,
    pub(super) known_as: Option<&'static str>,
}

/// The line, if the current quantiles lie on one that is a change of unit. `rows` is the number of current values, for
/// the noise of their quantiles.
pub(super) fn scale_change(before: &[f64; POINTS], now: &[f64; POINTS], rows: u64) -> Option<Scale> {
    let spread = before[14] - before[4];
    if spread <= 0.0 || !spread.is_finite() || distinct(before) < POINTS / 2 {
        return None;
    }
    // The quantile of a smooth law moves by about its spread over the root of the rows.
    let noise = 2.0 / real(rows.max(1)).sqrt();
    let fits = |slope: f64, offset: f64| distance(before, now, slope, offset) <= NEAR + noise;
    let same = distance(before, now, 1.0, 0.0);
    let powers = (1..=POWERS).flat_map(|k| [10_f64.powi(k), 10_f64.powi(-k)]);
    let tens = powers.map(|factor| (factor, 0.0, "a power of ten"));
    for (slope, offset, name) in tens.chain(UNITS.iter().copied()) {
        // A unit close to none must beat it clearly.
        if fits(slope, offset) && same > 10.0 * (NEAR + noise) {
            return Some(Scale { slope, offset, known_as: Some(name) });
        }
    }
    let (slope, offset) = line(before, now)?;
    let far = slope.abs() >= FAR || slope.abs() <= 1.0 / FAR;
    (far && slope != 0.0 && fits(slope, offset)).then_some(Scale { slope, offset, known_as: None })
}

/// Root mean square distance of the current quantiles from the mapped ones, over the mapped interquartile range. A
/// negative slope turns the order of the quantiles.
fn distance(before: &[f64; POINTS], now: &[f64; POINTS], slope: f64, offset: f64) -> f64 {
    let spread = (before[14] - before[4]) * slope.abs();
    let square = |i: usize| {
        let from = if slope < 0.0 { before[POINTS - 1 - i] } else { before[i] };
        ((now[i] - slope * from - offset) / spread).powi(2)
    };
    let mean = (0..POINTS).map(square).sum::<f64>() / size(POINTS);
    if mean.is_finite() { mean.sqrt() } else { f64::INFINITY }
}

/// The least-squares line of the current quantiles on the reference's.
fn line(before: &[f64; POINTS], now: &[f64; POINTS]) -> Option<(f64, f64)> {
    let mean = |points: &[f64; POINTS]| points.iter().map(|x| x / size(POINTS)).sum::<f64>();
    let (x, y) = (mean(before), mean(now));
    let (mut both, mut own) = (0.0, 0.0);
    for (a, b) in before.iter().zip(now) {
        both += (a - x) * (b - y);
        own += (a - x) * (a - x);
    }
    let slope = both / own;
    let offset = y - slope * x;
    (slope.is_finite() && offset.is_finite()).then_some((slope, offset))
}

fn distinct(points: &[f64; POINTS]) -> usize {
    points.windows(2).filter(|pair| pair[0] < pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skewed() -> [f64; POINTS] {
        std::array::from_fn(|i| (size(i) / 6.0).exp())
    }

    fn known(before: &[f64; POINTS], map: impl Fn(f64) -> f64) -> Option<Scale> {
        let mut now = before.map(map);
        now.sort_by(f64::total_cmp);
        scale_change(before, &now, 100_000)
    }

    #[test]
    fn units_are_recognised_by_their_factor() {
        let before = skewed();
        for factor in [1000.0, 0.01, 2.54, 60.0] {
            let found = known(&before, |x| x * factor).expect("a unit");
            assert!((found.slope - factor).abs() < 1e-12 && found.known_as.is_some(), "{factor}: {found:?}");
        }
        assert_eq!(
            known(&before, |x| x * 1.8 + 32.0).and_then(|s| s.known_as),
            Some("degrees Celsius to Fahrenheit")
        );
        assert_eq!(known(&before, |x| -x).and_then(|s| s.known_as), Some("the sign is turned"));
        let found = known(&before, |x| x * 37.0 + 5.0).expect("another scale");
        assert!((found.slope - 37.0).abs() < 1e-9 && found.known_as.is_none(), "{found:?}");
    }

    #[test]
    fn what_worlds_do_is_no_unit() {
        let normal: [f64; POINTS] =
            std::array::from_fn(|i| -crate::numeric::normal::upper_quantile(size(i + 1) / 20.0));
        for (slope, offset) in [(1.0, 0.0), (1.0, 1.0), (0.5, 0.0), (2.0, 0.0), (1.3, -0.4), (1.0, 3.0)] {
            let found = known(&normal, |x| slope * x + offset);
            assert!(found.is_none(), "{slope} {offset}: {found:?}");
        }
        assert!(known(&[3.0; POINTS], |x| x * 1000.0).is_none(), "a constant has no scale");
    }
}
