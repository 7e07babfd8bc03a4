//! Sorting numbers: a radix sort, because comparing is most of the time of everything exact.

use std::cell::RefCell;
use std::ops::Range;

/// Below this the ordinary sort is as fast.
const SMALL: usize = 4096;
/// Bits of a digit: 2^11 counters fit the first cache.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: usize = 64_usize.div_ceil(DIGIT as usize);
/// The first of the digits that are sorted by at once: sign, exponent and 30 bits of the rest.
const UPPER: usize = 2;

/// Numbers beyond which a thread does not keep its room for the next column.
const KEPT: usize = 1 << 21;

/// Room that a thread sorts in, kept from column to column: asking the system for it anew takes as long as two passes.
#[derive(Default)]
struct Room {
    keys: Vec<u64>,
    spare: Vec<u64>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// Sorts numbers upwards, in the total order of IEEE 754 (-0 before +0).
pub fn ascending(values: &mut [f64]) {
    if values.len() < SMALL {
        values.sort_unstable_by(f64::total_cmp);
        return;
    }
    ROOM.with_borrow_mut(|room| {
        by_digits(values, room);
        if values.len() > KEPT {
            *room = Room::default();
        }
    });
}

fn by_digits(values: &mut [f64], room: &mut Room) {
    room.keys.clear();
    room.keys.extend(values.iter().map(|value| key(*value)));
    if room.spare.len() < values.len() {
        room.spare.resize(values.len(), 0);
    }
    let (mut keys, mut spare) = (&mut room.keys[..], &mut room.spare[..values.len()]);
    // Few numbers of a column agree in their first 42 bits; where many do, the other digits are sorted by too.
    if passes(keys, spare, UPPER..PASSES) {
        std::mem::swap(&mut keys, &mut spare);
    }
    if !settle(keys) && passes(keys, spare, 0..PASSES) {
        std::mem::swap(&mut keys, &mut spare);
    }
    for (value, key) in values.iter_mut().zip(keys.iter()) {
        *value = number(*key);
    }
}

/// Sorts by these digits, the lowest first; each pass keeps the order of the one before. Whether the result is in `spare`.
fn passes(keys: &mut [u64], spare: &mut [u64], digits: Range<usize>) -> bool {
    let (mut keys, mut spare, mut is_spare) = (keys, spare, false);
    let mut counts = vec![[0_usize; BUCKETS]; digits.len()];
    for key in keys.iter() {
        for (pass, counts) in digits.clone().zip(&mut counts) {
            counts[digit(*key, pass)] += 1;
        }
    }
    for (pass, counts) in digits.zip(&mut counts) {
        // All values agree in this digit.
        if counts[digit(keys[0], pass)] == keys.len() {
            continue;
        }
        let mut place = 0;
        for count in counts.iter_mut() {
            place += std::mem::replace(count, place);
        }
        for key in keys.iter() {
            let bucket = &mut counts[digit(*key, pass)];
            spare[*bucket] = *key;
            *bucket += 1;
        }
        std::mem::swap(&mut keys, &mut spare);
        is_spare = !is_spare;
    }
    is_spare
}

/// Puts the few right that stand wrong, by insertion; no if that would take more steps than there are keys.
fn settle(keys: &mut [u64]) -> bool {
    let mut left = keys.len();
    for at in 1..keys.len() {
        let key = keys[at];
        let mut place = at;
        while place > 0 && keys[place - 1] > key {
            if left == 0 {
                keys[place] = key;
                return false;
            }
            left -= 1;
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
    }
    true
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

    #[test]
    fn a_column_is_sorted_in_the_room_of_a_longer_or_a_shorter_one() {
        for rows in [9_000_u64, 5_000, KEPT as u64 + 1, 6_000] {
            let mut values: Vec<f64> = (0..rows).map(|i| f64::from((mix(i) >> 40) as u32) - 1e6).collect();
            let mut expected = values.clone();
            expected.sort_unstable_by(f64::total_cmp);
            ascending(&mut values);
            assert!(values == expected, "{rows} rows");
        }
    }
}
