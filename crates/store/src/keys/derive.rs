//! Sub-keys and keyed digests by HMAC-SHA-256 (RFC 2104), derived as in HKDF-Expand (RFC 5869 section 2.3).
//!
//! One key, one purpose: the organisation key itself never encrypts or digests anything.

use super::KEY_BYTES;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC-SHA-256 of the concatenated parts. Callers keep the concatenation unambiguous.
pub(super) fn hmac(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a short key with zeros to its block; doing so here needs no fallible constructor.
    let mut block = Zeroizing::new([0; 64]);
    block[..KEY_BYTES].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA-256 of a message under a key of any length.
pub(super) fn message_code(key: &[u8], message: &[u8]) -> [u8; 32] {
    // Proof: RFC 2104 section 2 takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The sub-key for one purpose: T(1) of HKDF-Expand with `label` as info.
///
/// The extract step is left out, as RFC 5869 section 3.3 permits: the key is uniformly random already.
pub(super) fn sub_key(key: &[u8; KEY_BYTES], label: &str) -> Zeroizing<[u8; KEY_BYTES]> {
    Zeroizing::new(hmac(key, &[label.as_bytes(), &[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_5869_test_case_1() {
        let prk = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let first = hmac(&hex::decode(prk).unwrap().try_into().unwrap(), &[&info, &[1]]);
        assert_eq!(hex::encode(first), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn labels_give_unrelated_keys() {
        assert_ne!(*sub_key(&[7; 32], "a"), *sub_key(&[7; 32], "b"));
        assert_ne!(*sub_key(&[7; 32], "a"), *sub_key(&[8; 32], "a"));
    }
}
