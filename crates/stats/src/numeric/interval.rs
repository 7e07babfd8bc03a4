//! Intervals for shares, their differences and their ratios.
//!
//! A share is given by its rate and its size: rows, or for weighted rows Kish's effective number `(sum w)^2 / sum w^2`
//! (Kish 1965). `z` is the number of standard deviations on each side, from [`super::normal::two_sided`].

use serde::{Deserialize, Serialize};

/// A closed interval with finite ends, `lower <= upper`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// From its ends.
    pub fn new(lower: f64, upper: f64) -> Self {
        Self { lower, upper }
    }

    /// Where `|x|` lies when `x` lies in this interval.
    pub fn absolute(self) -> Self {
        if self.lower >= 0.0 {
            return self;
        }
        if self.upper <= 0.0 {
            return Self::new(-self.upper, -self.lower);
        }
        Self::new(0.0, self.upper.max(-self.lower))
    }

    /// Where `min(x, 1/x)` lies when `x >= 0` lies in this interval: a ratio without its direction, in 0..=1.
    pub fn folded(self) -> Self {
        let inverse = |x: f64| if x > 0.0 { 1.0 / x } else { f64::INFINITY };
        let lower = self.lower.min(inverse(self.upper));
        let upper = if self.lower > 1.0 { inverse(self.lower) } else { self.upper.min(1.0) };
        Self::new(lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0))
    }

    /// Whether a value lies in it.
    pub fn holds(self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// A share of something countable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// 0..=1.
    pub rate: f64,
    /// Rows or effective rows, above 0.
    pub size: f64,
}

/// Wilson's interval for a share (Wilson 1927), within 0..=1; it has width even for 0 of n and n of n.
pub fn wilson(share: Proportion, z: f64) -> Interval {
    let Proportion { rate, size } = share;
    let z2 = z * z;
    let scale = 1.0 + z2 / size;
    let middle = (rate + z2 / (2.0 * size)) / scale;
    let half = z / scale * (rate * (1.0 - rate) / size + z2 / (4.0 * size * size)).max(0.0).sqrt();
    // At the ends the bound is exact; rounding must not move it off.
    let lower = if rate <= 0.0 { 0.0 } else { (middle - half).clamp(0.0, rate) };
    let upper = if rate >= 1.0 { 1.0 } else { (middle + half).clamp(rate, 1.0) };
    Interval::new(lower, upper)
}

/// The interval of `a - b` from the points and intervals of two independent values: square-and-add (Newcombe 1998
/// method 10; for values in general Zou and Donner 2008).
pub fn difference_of(a: f64, in_a: Interval, b: f64, in_b: Interval) -> Interval {
    let down = (a - in_a.lower).hypot(in_b.upper - b);
    let up = (in_a.upper - a).hypot(b - in_b.lower);
    Interval::new(a - b - down, a - b + up)
}

/// Newcombe's interval for the difference of two shares, `a - b`, from their Wilson intervals (Newcombe 1998).
pub fn newcombe(a: Proportion, b: Proportion, z: f64) -> Interval {
    difference_of(a.rate, wilson(a, z), b.rate, wilson(b, z))
}

/// The interval of the ratio `a / b` of two independent shares on the logarithmic scale (Katz et al. 1978), never
/// without the ratio itself. When one of the shares is 0 or 1 its variance estimate is 0 or infinite: then both get
/// half a hit and half a miss more (Walter 1975 for the hits), and `a = 0` has the lower end 0.
///
/// Nothing for `b = 0`: the ratio is infinite or undefined.
pub fn log_ratio(a: Proportion, b: Proportion, z: f64) -> Option<Interval> {
    if b.rate <= 0.0 {
        return None;
    }
    let point = a.rate / b.rate;
    let inner = |share: Proportion| share.rate > 0.0 && share.rate < 1.0;
    let [above, below] = if inner(a) && inner(b) { [a, b] } else { [softened(a), softened(b)] };
    let variance = |share: Proportion| (1.0 - share.rate) / (share.size * share.rate);
    let middle = (above.rate / below.rate).ln();
    let half = z * (variance(above) + variance(below)).sqrt();
    let lower = if a.rate <= 0.0 { 0.0 } else { (middle - half).exp().min(point) };
    // exp of a finite number can overflow only for sizes far below one row.
    let upper = (middle + half).exp().min(f64::MAX).max(point);
    Some(Interval::new(lower, upper))
}

fn softened(share: Proportion) -> Proportion {
    let size = share.size + 1.0;
    Proportion { rate: (share.rate * share.size + 0.5) / size, size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(hits: u32, rows: u32) -> Proportion {
        Proportion { rate: f64::from(hits) / f64::from(rows), size: f64::from(rows) }
    }

    #[test]
    fn folding_forgets_the_direction_of_a_ratio() {
        assert_eq!(Interval::new(0.5, 0.8).folded(), Interval::new(0.5, 0.8));
        assert_eq!(Interval::new(1.25, 2.0).folded(), Interval::new(0.5, 0.8));
        assert_eq!(Interval::new(0.5, 4.0).folded(), Interval::new(0.25, 1.0));
        assert_eq!(Interval::new(-0.1, 0.3).absolute(), Interval::new(0.0, 0.3));
        assert_eq!(Interval::new(-0.3, -0.1).absolute(), Interval::new(0.1, 0.3));
    }

    #[test]
    fn a_ratio_with_an_empty_reference_is_no_number() {
        assert_eq!(log_ratio(of(3, 10), of(0, 10), 1.96), None);
        let zero = log_ratio(of(0, 40), of(10, 40), 1.96).expect("the reference is above 0");
        assert!(zero.lower.abs() < 1e-15 && zero.upper > 0.0 && zero.upper < 1.0, "{zero:?}");
        let same = log_ratio(of(40, 40), of(40, 40), 1.96).expect("the reference is above 0");
        assert!(same.lower < 1.0 && same.upper > 1.0, "all of forty is no certainty: {same:?}");
    }

    proptest! {
        #[test]
        fn every_interval_is_finite_and_holds_its_point(
            rows in [1_u32..400, 1..400], hits in [0_u32..400, 0..400], z in 0.5_f64..5.0,
        ) {
            let (a, b) = (of(hits[0].min(rows[0]), rows[0]), of(hits[1].min(rows[1]), rows[1]));
            let single = wilson(a, z);
            prop_assert!(single.holds(a.rate) && single.lower >= 0.0 && single.upper <= 1.0 && single.lower < single.upper);
            let gap = newcombe(a, b, z);
            prop_assert!(gap.holds(a.rate - b.rate) && gap.lower >= -1.0 - 1e-12 && gap.upper <= 1.0 + 1e-12);
            if let Some(ratio) = log_ratio(a, b, z) {
                prop_assert!(ratio.holds(a.rate / b.rate) && ratio.lower >= 0.0 && ratio.upper.is_finite());
                let folded = ratio.folded();
                prop_assert!(folded.lower <= folded.upper && folded.upper <= 1.0);
            }
        }
    }
}
