//! Sums of whole parts that may pass 2^64: exact, so that no order of adding changes them, and written as two numbers
//! that every JSON reader sees alike.

use serde::{Deserialize, Serialize};

/// Bits of the lower number.
const LOW: u32 = 50;
/// The higher number lies within this on both sides of 0.
const MAX_HIGH: i128 = 1 << 53;

/// A whole number of parts within 2^103 on both sides of 0; what would pass that stays there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[i64; 2]", try_from = "[i64; 2]")]
pub struct Wide(i128);

impl Wide {
    /// Adds `value`, rounded to whole parts of which one unit has `parts`; no number adds nothing.
    pub fn add(&mut self, value: f64, parts: f64) {
        self.add_parts((value * parts).round() as i128);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        self.add_parts(other.0);
    }

    /// The sum in units of `parts` parts.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the sum itself is exact; this is its nearest real number"
    )]
    pub fn value(self, parts: f64) -> f64 {
        self.0 as f64 / parts
    }

    fn add_parts(&mut self, parts: i128) {
        let most = (MAX_HIGH << LOW) - 1;
        self.0 = self.0.saturating_add(parts).clamp(-most, most);
    }
}

impl From<Wide> for [i64; 2] {
    fn from(wide: Wide) -> Self {
        // Both fit: the sum is within 2^103.
        [(wide.0 >> LOW) as i64, (wide.0 & ((1 << LOW) - 1)) as i64]
    }
}

impl TryFrom<[i64; 2]> for Wide {
    type Error = String;

    fn try_from([high, low]: [i64; 2]) -> Result<Self, String> {
        let fits =
            i128::from(high) < MAX_HIGH && i128::from(high) >= -MAX_HIGH && (0..1 << LOW).contains(&low);
        if !fits {
            return Err(format!(
                "[{high}, {low}] is no sum: the first lies within 2^53, the second in 0..2^{LOW}"
            ));
        }
        Ok(Self((i128::from(high) << LOW) + i128::from(low)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sum_has_no_order_and_reads_back(values in prop::collection::vec(-1e24_f64..1e24, 0..40)) {
            let (mut forward, mut backward) = (Wide::default(), Wide::default());
            for (first, last) in values.iter().zip(values.iter().rev()) {
                forward.add(*first, 1.0);
                backward.add(*last, 1.0);
            }
            prop_assert_eq!(forward, backward);
            let text = serde_json::to_string(&forward).unwrap();
            prop_assert_eq!(serde_json::from_str::<Wide>(&text).unwrap(), forward);
        }
    }

    #[test]
    fn what_is_no_sum_is_refused() {
        for text in ["[0,-1]", "[0,1125899906842624]", "[9007199254740992,0]", "[1]"] {
            assert!(serde_json::from_str::<Wide>(text).is_err(), "{text}");
        }
        let mut wide = Wide::default();
        wide.add(f64::NAN, 1.0);
        assert_eq!(wide, Wide::default());
    }
}
