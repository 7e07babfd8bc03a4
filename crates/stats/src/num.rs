//! Small arithmetic that everything here shares: counts as reals, shares, compensated sums.

/// A count as a real number: exact to 2^53, and no data set of rows comes near that.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53: a profile with more is refused")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A length as a real number.
pub(crate) fn size(length: usize) -> f64 {
    real(length as u64)
}

/// `part / total`, 0 if there is nothing.
pub(crate) fn share(part: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { real(part) / real(total) }
}

/// Neumaier's compensated sum: its error does not grow with the number of terms. Terms come in an order that the
/// data fixes (sorted values, numbered bins), so the result is the same on every machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        let next = self.total + term;
        self.lost += if self.total.abs() >= term.abs() {
            (self.total - next) + term
        } else {
            (term - next) + self.total
        };
        self.total = next;
    }

    pub(crate) fn value(self) -> f64 {
        self.total + self.lost
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        for term in terms {
            sum.add(term);
        }
        sum
    }
}

/// FNV-1a, 64 bits: shortens long texts to names that are the same everywhere. No protection against somebody who
/// seeks collisions, which would only merge two of their own categories.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

/// The finalizer of SplitMix64: spreads row numbers evenly, so that a rule on its low bits is an unbiased sample.
pub(crate) fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_keeps_what_a_plain_one_loses() {
        let sum: Sum = [1.0, 1e100, 1.0, -1e100].into_iter().collect();
        assert!((sum.value() - 2.0).abs() < 1e-12);
    }
}
