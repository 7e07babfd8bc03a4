//! Codes of authenticator apps (RFC 6238): six digits, half a minute, SHA-1, which is what apps know without being told.

use comptroller_core::Timestamp;
use comptroller_store::keys::one_time_number;
use subtle::ConstantTimeEq as _;

/// Bytes of a secret (RFC 4226 section 4 recommends 160 bits).
pub(super) const SECRET_BYTES: usize = 20;
/// Seconds of one step.
const STEP_SECONDS: i64 = 30;
/// How many steps another clock may be before or behind ours.
const SKEW_STEPS: i64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a secret at a moment.
pub fn code_at(secret: &[u8], now: Timestamp) -> String {
    code(secret, now.micros().div_euclid(STEP_SECONDS * 1_000_000))
}

fn code(secret: &[u8], step: i64) -> String {
    format!("{:0DIGITS$}", one_time_number(secret, step.unsigned_abs()) % MODULUS)
}

/// The step whose code this is, if it is near `now` and after `last`, the step of the last code that was used.
pub(super) fn accept(secret: &[u8], shown: &str, now: Timestamp, last: i64) -> Option<i64> {
    let present = now.micros().div_euclid(STEP_SECONDS * 1_000_000);
    let mut found = None;
    for step in present - SKEW_STEPS..=present + SKEW_STEPS {
        let same = bool::from(code(secret, step).as_bytes().ct_eq(shown.as_bytes()));
        if same && step > last {
            found = Some(step);
        }
    }
    found
}

/// The text of a secret that apps take (RFC 4648 base 32, without padding).
pub(super) fn to_text(secret: &[u8]) -> String {
    let mut text = String::with_capacity(secret.len().div_ceil(5) * 8);
    for chunk in secret.chunks(5) {
        let mut bits = [0_u8; 8];
        bits[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_be_bytes(bits) >> 24;
        for n in 0..(chunk.len() * 8).div_ceil(5) {
            // Proof: five bits are below 32.
            text.push(char::from(BASE32[(word >> (35 - 5 * n)) as usize & 31]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_code_of_rfc_6238_is_taken_near_its_time_and_once() {
        // The last six of the eight digits of appendix B.
        assert_eq!(code_at(SECRET, at(1_111_111_109)), "081804");
        let step = accept(SECRET, "081804", at(1_111_111_109), 0).unwrap();
        assert_eq!(step, 1_111_111_109 / 30);
        assert_eq!(accept(SECRET, "081804", at(1_111_111_109 + 30), 0), Some(step));
        assert_eq!(accept(SECRET, "081804", at(1_111_111_109 + 61), 0), None);
        assert_eq!(accept(SECRET, "081804", at(1_111_111_109), step), None);
        for wrong in ["081805", "81804", "0818040", "", "07081804"] {
            assert_eq!(accept(SECRET, wrong, at(1_111_111_109), 0), None, "{wrong}");
        }
    }

    #[test]
    fn base_32_agrees_with_rfc_4648_section_10() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
        ] {
            assert_eq!(to_text(plain.as_bytes()), text);
        }
    }
}
