//! Sorting numbers: a radix sort, because comparing is most of the time of everything exact.

/// Below this the ordinary sort is as fast.
const SMALL: usize = 4096;
/// Bits of a digit: 2^11 counters fit the first cache.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: usize = 64_usize.div_ceil(DIGIT as usize);

/// Sorts numbers upwards, in the total order of IEEE 754 (-0 before +0).
pub fn ascending(values: &mut [f64]) {
    if values.len() < SMALL {
        values.sort_unstable_by(f64::total_cmp);
        return;
    }
    let mut keys: Vec<u64> = values.iter().map(|value| key(*value)).collect();
    let mut spare = vec![0_u64; keys.len()];
    let mut counts = vec![[0_usize; BUCKETS]; PASSES];
    for key in &keys {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, pass)] += 1;
        }
    }
    for (pass, counts) in counts.iter_mut().enumerate() {
        // All values agree in this digit.
        if counts[digit(keys[0], pass)] == keys.len() {
            continue;
        }
        let mut place = 0;
        for count in counts.iter_mut() {
            place += std::mem::replace(count, place);
        }
        for key in &keys {
            let bucket = &mut counts[digit(*key, pass)];
            spare[*bucket] = *key;
            *bucket += 1;
        }
        std::mem::swap(&mut keys, &mut spare);
    }
    drop(spare);
    for (value, key) in values.iter_mut().zip(&keys) {
        *value = number(*key);
    }
}

fn digit(key: u64, pass: usize) -> usize {
    (key >> (pass * DIGIT as usize)) as usize & (BUCKETS - 1)
}

/// A key whose unsigned order is the total order of the numbers.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::mix;

    #[test]
    fn the_radix_sort_agrees_with_the_ordinary_one() {
        for scale in [0_u32, 30, 52, 63] {
            let mut values: Vec<f64> =
                (0..20_000).map(|i| f64::from_bits(mix(i) >> scale)).filter(|v| !v.is_nan()).collect();
            values.extend([f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, -1.5]);
            let mut expected = values.clone();
            expected.sort_unstable_by(f64::total_cmp);
            ascending(&mut values);
            assert!(values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}
