//! What describes a free text: how long it is, of how many words, how much of it is no letter, how many of its words the
//! reference does not know, and its script. Each is a column of numbers or categories like any other.

use std::collections::HashMap;

use crate::num::{fnv, mix, size};

/// Words that a vocabulary holds, at most; with more, an even sample of all words is kept.
const MAX_WORDS: usize = 100_000;
/// Bytes of a text that are looked at, at most.
const MAX_BYTES: usize = 64 << 10;

/// The words of the reference, by hash: all of them, or an even sample that depends on nothing but the words.
///
/// Texts fall into two halves by their own hash, and a text is judged by the words of the other half: it never vouches
/// for itself, on whichever side it stands (cross-fitting, Chernozhukov et al. 2018). So data does not drift from a copy
/// of itself, and neither from fresh rows of the same law.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// For each kept word in which halves it occurs, a bit each.
    words: HashMap<u64, u8>,
    level: u32,
}

/// What describes one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Described {
    /// Characters.
    pub length: f64,
    /// Words: runs of letters and digits.
    pub words: f64,
    /// Share of the characters beside blanks that are no letters.
    pub other: f64,
    /// Share of the words that the other half of the reference does not know; none where there is no word to judge by.
    pub unknown: Option<f64>,
    /// The script that most letters are of.
    pub script: &'static str,
}

impl Vocabulary {
    /// Takes the words of a row of the reference.
    pub fn add(&mut self, text: &str) {
        let half = half(text);
        for word in words(text) {
            let hash = hash(&word);
            if hash.trailing_zeros() >= self.level {
                *self.words.entry(hash).or_default() |= half;
            }
        }
        while self.words.len() > MAX_WORDS {
            self.level += 1;
            let level = self.level;
            self.words.retain(|hash, _| hash.trailing_zeros() >= level);
        }
    }

    /// Describes a text of either side.
    pub fn describe(&self, text: &str) -> Described {
        let other_half = 0b11 ^ half(text);
        let text = cut(text);
        let (mut length, mut visible, mut letters) = (0_usize, 0_usize, 0_usize);
        let mut scripts = [0_usize; SCRIPTS.len()];
        for c in text.chars() {
            length += 1;
            visible += usize::from(!c.is_whitespace());
            if c.is_alphabetic() {
                letters += 1;
                scripts[script(c)] += 1;
            }
        }
        let (mut count, mut judged, mut unknown) = (0_usize, 0_usize, 0_usize);
        for word in words(text) {
            count += 1;
            let hash = hash(&word);
            if hash.trailing_zeros() >= self.level {
                judged += 1;
                unknown += usize::from(self.words.get(&hash).copied().unwrap_or(0) & other_half == 0);
            }
        }
        let most = (0..SCRIPTS.len()).rev().max_by_key(|at| scripts[*at]).unwrap_or(0);
        Described {
            length: size(length),
            words: size(count),
            other: if visible == 0 { 0.0 } else { size(visible - letters) / size(visible) },
            unknown: (judged > 0).then(|| size(unknown) / size(judged)),
            script: if letters == 0 { "none" } else { SCRIPTS[most] },
        }
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_BYTES.min(text.len()))]
}

/// Runs of letters and digits, in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    cut(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn hash(word: &str) -> u64 {
    mix(fnv(word.as_bytes()))
}

/// The half that a text falls into, as a bit.
fn half(text: &str) -> u8 {
    1 << (hash(text) >> 63)
}

const SCRIPTS: [&str; 12] = [
    "Latin",
    "Cyrillic",
    "Greek",
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Thai",
    "Kana",
    "Hangul",
    "Han",
    "Armenian or Georgian",
    "other",
];

/// The place of a letter's script, by the blocks of Unicode.
fn script(c: char) -> usize {
    match u32::from(c) {
        0x41..=0x24f | 0x1e00..=0x1eff | 0x2c60..=0x2c7f | 0xa720..=0xa7ff | 0xff21..=0xff5a => 0,
        0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => 1,
        0x370..=0x3ff | 0x1f00..=0x1fff => 2,
        0x600..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfefe => 3,
        0x590..=0x5ff | 0xfb1d..=0xfb4f => 4,
        0x900..=0x97f | 0xa8e0..=0xa8ff => 5,
        0xe00..=0xe7f => 6,
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f => 7,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => 8,
        0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x323af => 9,
        0x530..=0x58f | 0x10a0..=0x10ff => 10,
        _ => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of the wanted half, which differ in a sign at their end alone.
    fn in_half(text: &str, wanted: u8) -> String {
        (0..64).map(|n| text.to_owned() + &".".repeat(n)).find(|text| half(text) == wanted).unwrap()
    }

    #[test]
    fn a_text_is_described_by_what_a_reader_would_count() {
        let mut known = Vocabulary::default();
        known.add(&in_half("The card was refused twice", 1));
        known.add(&in_half("the card is lost", 2));
        let asked = in_half("The card was stolen", 2);
        let found = known.describe(&asked);
        let signs = asked.len() - "The card was stolen".len();
        assert_eq!((found.length, found.words, found.script), (size(asked.len()), 4.0, "Latin"));
        assert!((found.unknown.unwrap() - 0.25).abs() < 1e-12, "only `stolen` is new to the first half");
        assert!((found.other - size(signs) / size(16 + signs)).abs() < 1e-12);
        // A text of the reference does not vouch for itself, and its copy says the same.
        assert!((known.describe(&in_half("the card is lost", 2)).unknown.unwrap() - 0.5).abs() < 1e-12);
        let nothing = known.describe("... 42");
        assert_eq!((nothing.script, nothing.unknown), ("none", Some(1.0)));
        assert_eq!(known.describe("").unknown, None);
        for (text, script) in [
            ("карта утеряна", "Cyrillic"),
            ("カードを なくした", "Kana"),
            ("카드 분실", "Hangul"),
            ("卡片", "Han"),
        ] {
            assert_eq!(known.describe(text).script, script);
        }
    }

    #[test]
    fn a_large_vocabulary_keeps_an_even_sample_of_bounded_size() {
        let mut known = Vocabulary::default();
        (0..200_000).for_each(|n| known.add(&in_half(&format!("w{n} w{n}x"), 1)));
        assert!(known.words.len() <= MAX_WORDS && known.words.len() > MAX_WORDS / 4, "{}", known.words.len());
        let text = |from: u32| {
            let words = (from..from + 500).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
            in_half(&words, 2)
        };
        assert!(known.describe(&text(1000)).unknown.unwrap().abs() < 1e-12, "known words stay known");
        assert!((known.describe(&text(900_000)).unknown.unwrap() - 1.0).abs() < 1e-12);
    }
}
