//! Texts of ids, digests, numbers and times in few bytes: the entry and the log's proof inside a compact proof.
//!
//! A text is a run of codes. 20 to 7e and 0a are themselves; 80 and above are the words below; the others stand for what
//! takes many letters and few bytes. Reading is bounded: a code names at most what fits, and all texts of one reader
//! together are as long as it was told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_core::Timestamp;

/// A UUID in lower case: 16 bytes follow.
const UUID: u8 = 0x01;
/// 64 hexadecimal digits: 32 bytes follow.
const DIGEST: u8 = 0x02;
/// 44 characters of base64: 32 bytes follow.
const HASH: u8 = 0x03;
/// Base64 of any length: a number, and so many bytes.
const BASE64: u8 = 0x04;
/// A decimal number: its value follows.
const DECIMAL: u8 = 0x05;
/// A time with six decimals: microseconds since 1970 in 8 bytes.
const TIME: u8 = 0x06;
/// Letters that stood before: how far back, and how many.
const COPY: u8 = 0x07;
/// One byte that is none of the others.
const BYTE: u8 = 0x08;
const WORD: u8 = 0x80;
/// What is copied is so long, at least.
const MIN_COPY: usize = 6;
/// Looked at for a copy, at most.
const MAX_BACK: usize = 8 << 10;

/// The words of codes 80, 81 and so on. Their order is part of the format.
pub(super) const WORDS: &[&str] = &[
    "{\"actor\":\"system\",\"commitments\":[],\"data\":{\"block\":\"",
    "\",\"bytes\":",
    ",\"day\":",
    ",\"digest\":\"",
    "\",\"environment\":\"production\",\"filter_bytes\":",
    "\",\"environment\":\"staging\",\"filter_bytes\":",
    "\",\"environment\":\"dev\",\"filter_bytes\":",
    ",\"first_at\":\"",
    "\",\"last_at\":\"",
    "\",\"records\":\"prediction\",\"root\":\"",
    "\",\"records\":\"label\",\"root\":\"",
    "\",\"rows\":",
    ",\"system\":\"",
    "\",\"version\":\"",
    "\"},\"occurred_at\":",
    ",\"org\":\"",
    "\",\"recorded_at\":",
    ",\"stream\":\"system/",
    "\",\"stream_seq\":",
    ",\"subjects\":[\"version/",
    "\",\"block/",
    "\"],\"type\":\"predictions.sealed\",\"v\":1}",
    "c2sp.org/tlog-proof@v1\nindex ",
    "\u{2014} ",
];

/// Appends a number: 7 bits a byte, the lowest first, 80 on all but the last.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes texts; a later one may copy from an earlier one.
#[derive(Debug, Default)]
pub(super) struct Packed {
    out: Vec<u8>,
    seen: Vec<u8>,
}

impl Packed {
    /// The codes since the last take.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.bytes().next() {
            let taken = self.word(rest).or_else(|| self.value(rest)).or_else(|| self.copy(rest));
            let taken = taken.unwrap_or_else(|| {
                match first {
                    b'\n' | 0x20..=0x7e => self.out.push(first),
                    _ => {
                        let letter = rest.chars().next().map_or(1, char::len_utf8);
                        self.out.extend(rest.bytes().take(letter).flat_map(|byte| [BYTE, byte]));
                        return letter;
                    }
                }
                1
            });
            self.seen.extend_from_slice(&rest.as_bytes()[..taken]);
            rest = &rest[taken..];
        }
    }

    fn word(&mut self, rest: &str) -> Option<usize> {
        let (at, word) = WORDS.iter().enumerate().find(|(_, word)| rest.starts_with(**word))?;
        self.out.push(WORD | at as u8);
        Some(word.len())
    }

    fn value(&mut self, rest: &str) -> Option<usize> {
        if let Some(id) = rest.get(..36).and_then(uuid)
            && self.copied(&rest.as_bytes()[..36]).is_none()
        {
            self.out.push(UUID);
            self.out.extend_from_slice(&id);
            return Some(36);
        }
        if let Some(digest) = rest.get(..64).and_then(digest) {
            self.out.push(DIGEST);
            self.out.extend_from_slice(&digest);
            return Some(64);
        }
        if let Some((micros, length)) = time(rest) {
            self.out.push(TIME);
            self.out.extend_from_slice(&micros.to_be_bytes());
            return Some(length);
        }
        if let Some((bytes, length)) = base64(rest) {
            if bytes.len() == 32 {
                self.out.push(HASH);
            } else {
                self.out.push(BASE64);
                put_number(&mut self.out, bytes.len() as u64);
            }
            self.out.extend_from_slice(&bytes);
            return Some(length);
        }
        let (number, length) = decimal(rest)?;
        self.out.push(DECIMAL);
        put_number(&mut self.out, number);
        Some(length)
    }

    /// The longest run of letters that stood before.
    fn copy(&mut self, rest: &str) -> Option<usize> {
        let from = self.seen.len().saturating_sub(MAX_BACK);
        let (mut back, mut length) = (0, 0);
        for at in from..self.seen.len() {
            let same = self.seen[at..].iter().zip(rest.as_bytes()).take_while(|(a, b)| a == b).count();
            if same >= length {
                (back, length) = (self.seen.len() - at, same);
            }
        }
        while !rest.is_char_boundary(length) {
            length -= 1;
        }
        if length < MIN_COPY {
            return None;
        }
        self.out.push(COPY);
        put_number(&mut self.out, back as u64);
        put_number(&mut self.out, length as u64);
        Some(length)
    }

    /// How far back these bytes stood before.
    fn copied(&self, bytes: &[u8]) -> Option<usize> {
        let from = self.seen.len().saturating_sub(MAX_BACK);
        let at = self.seen[from..].windows(bytes.len()).rposition(|window| window == bytes)?;
        Some(self.seen.len() - from - at)
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let is_one = text.bytes().enumerate().all(|(at, letter)| match at {
        8 | 13 | 18 | 23 => letter == b'-',
        _ => matches!(letter, b'0'..=b'9' | b'a'..=b'f'),
    });
    let mut id = [0; 16];
    (is_one && hex::decode_to_slice(text.replace('-', ""), &mut id).is_ok()).then_some(id)
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let is_one = text.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; 32];
    (is_one && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// `2026-07-27T12:00:00.000000Z`.
fn time(rest: &str) -> Option<(i64, usize)> {
    const LENGTH: usize = 27;
    let text = rest.get(..LENGTH)?;
    let time: Timestamp = text.parse().ok()?;
    (time.to_string() == text).then_some((time.micros(), LENGTH))
}

/// Padded base64 of at least 32 bytes.
fn base64(rest: &str) -> Option<(Vec<u8>, usize)> {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = rest.as_bytes().iter().take_while(|byte| letters(byte)).count();
    let bytes = STANDARD.decode(&rest[..length]).ok()?;
    (bytes.len() >= 32 && STANDARD.encode(&bytes).len() == length).then_some((bytes, length))
}

/// A whole number of at least three digits that is written as our numbers are.
fn decimal(rest: &str) -> Option<(u64, usize)> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = rest[..length].parse().ok()?;
    (length > 2 && number < 1 << 63 && !rest.starts_with('0')).then_some((number, length))
}

/// Reads what was packed.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    rest: &'a [u8],
    seen: Vec<u8>,
    limit: usize,
}

impl<'a> Unpacked<'a> {
    /// All texts together have at most `limit` bytes.
    pub(super) fn new(rest: &'a [u8], limit: usize) -> Self {
        Self { rest, seen: Vec::new(), limit }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn eight(&mut self) -> Option<[u8; 8]> {
        self.bytes(8)?.try_into().ok()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A text: the length of its codes, and the codes.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let codes = self.bytes(length)?;
        let mut inner = Unpacked { rest: codes, seen: std::mem::take(&mut self.seen), limit: self.limit };
        let start = inner.seen.len();
        while !inner.is_at_end() {
            inner.code()?;
            if inner.seen.len() > inner.limit {
                return None;
            }
        }
        self.seen = inner.seen;
        String::from_utf8(self.seen[start..].to_vec()).ok()
    }

    fn code(&mut self) -> Option<()> {
        match self.byte()? {
            letter @ (b'\n' | 0x20..=0x7e) => self.seen.push(letter),
            UUID => {
                let digits = hex::encode(self.bytes(16)?);
                let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
                self.seen.extend_from_slice(parts.join("-").as_bytes());
            }
            DIGEST => {
                let bytes = self.bytes(32)?;
                self.seen.extend_from_slice(hex::encode(bytes).as_bytes());
            }
            HASH => {
                let bytes = self.bytes(32)?;
                self.seen.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
            BASE64 => {
                let length = usize::try_from(self.number()?).ok()?;
                let bytes = self.bytes(length)?;
                self.seen.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
            DECIMAL => {
                let number = self.number()?;
                self.seen.extend_from_slice(number.to_string().as_bytes());
            }
            TIME => {
                let micros = i64::from_be_bytes(self.eight()?);
                self.seen.extend_from_slice(Timestamp::from_micros(micros).to_string().as_bytes());
            }
            COPY => {
                let (back, length) = (self.number()?, self.number()?);
                let start = self.seen.len().checked_sub(usize::try_from(back).ok()?)?;
                let end = start.checked_add(usize::try_from(length).ok()?)?;
                let copied = self.seen.get(start..end)?.to_vec();
                self.seen.extend_from_slice(&copied);
            }
            BYTE => {
                let byte = self.byte()?;
                self.seen.push(byte);
            }
            code => {
                let word = WORDS.get(usize::from(code.checked_sub(WORD)?))?;
                self.seen.extend_from_slice(word.as_bytes());
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(texts: &[&str]) -> usize {
        let (mut packed, mut bytes) = (Packed::default(), Vec::new());
        for text in texts {
            packed.text(text);
            let codes = packed.take();
            put_number(&mut bytes, codes.len() as u64);
            bytes.extend_from_slice(&codes);
        }
        let mut unpacked = Unpacked::new(&bytes, 1 << 16);
        for text in texts {
            assert_eq!(unpacked.text().as_deref(), Some(*text));
        }
        assert!(unpacked.is_at_end());
        bytes.len()
    }

    #[test]
    fn what_our_texts_are_made_of_takes_few_bytes() {
        let id = "0190a1b2-0000-7000-8000-00000000000a";
        let digest = "0123456789abcdef".repeat(4);
        assert!(round(&[id]) <= 18 && round(&[&digest]) <= 34 && round(&["9007199254740991"]) <= 10);
        assert!(round(&["2026-07-27T12:00:00.123456Z"]) <= 10);
        assert!(round(&["bG9nLmV4YW1wbGUub3JnL2xvZy5leGFtcGxlLm9yZy8="]) <= 34);
        assert!(round(&[id, id]) <= 18 + 4, "a second time it is copied");
        // What only looks like one of them comes back all the same.
        round(&[
            "0190A1B2-0000-7000-8000-00000000000a",
            "007",
            "2026-02-31T12:00:00.123456Z",
            "====",
            "\u{2014}\t\0",
        ]);
    }

    #[test]
    fn codes_that_reach_too_far_are_refused() {
        for codes in
            [&[COPY, 5, 2][..], &[b'a', COPY, 1, 9], &[UUID, 1], &[0xff], &[0x00], &[BASE64, 200, 1, 0]]
        {
            let bytes = [&[codes.len() as u8], codes].concat();
            assert_eq!(Unpacked::new(&bytes, 100).text(), None, "{codes:?}");
        }
        // Sixty letters that double ten times are more than a hundred.
        let mut bomb = vec![b'a'; 60];
        for _ in 0..10 {
            bomb.extend_from_slice(&[COPY, 60, 60]);
        }
        assert_eq!(Unpacked::new(&[&[bomb.len() as u8], &bomb[..]].concat(), 100).text(), None);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(texts in proptest::collection::vec("\\PC{0,80}|[0-9a-f-]{0,90}|[A-Za-z0-9+/=\n]{0,99}", 1..4)) {
            round(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
