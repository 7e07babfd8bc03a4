//! Sealed payloads: personal data and free text as they stand in the database.
//!
//! Sealed form, base64 of: version 1 (1 byte), nonce (24), ciphertext, tag (16), by XChaCha20-Poly1305. The plaintext
//! of the ciphertext is salt (32 bytes), length (4, big-endian), payload, zeros up to the next power of two, at least
//! 64: the length leaks its bucket only. The salt of the ledger's commitment lies inside, so that without the key
//! nobody can test a guess against the commitment.

use super::{DataKey, KeysError, NONCE_BYTES, TAG_BYTES, random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{Tag, XNonce};
use zeroize::Zeroizing;

/// Most bytes of one payload.
pub const MAX_PAYLOAD: usize = 1 << 20;
/// Bytes of the salt of a commitment.
pub const SALT_BYTES: usize = 32;

const VERSION: u8 = 1;
const LENGTH_BYTES: usize = 4;
const SMALLEST_BUCKET: usize = 64;
const WHAT: &str = "the sealed payload";

/// Encrypts a payload with its salt, bound to `place` (for example table, row and column), as base64 text.
pub fn seal_payload(
    key: &DataKey,
    place: &[u8],
    salt: &[u8; SALT_BYTES],
    payload: &[u8],
) -> Result<String, KeysError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(KeysError::TooLarge { bytes: payload.len(), limit: MAX_PAYLOAD });
    }
    let nonce = random::<NONCE_BYTES>()?;
    // Built in its final size: growing would leave copies of the plaintext behind.
    let mut inner = Zeroizing::new(vec![0; bucket(payload.len())]);
    let (head, rest) = inner.split_at_mut(SALT_BYTES);
    let (length, body) = rest.split_at_mut(LENGTH_BYTES);
    head.copy_from_slice(salt);
    length.copy_from_slice(&(payload.len() as u32).to_be_bytes());
    body[..payload.len()].copy_from_slice(payload);

    let tag = key
        .cipher()
        .encrypt_inout_detached(&XNonce::from(nonce), &bound_to(place), inner.as_mut_slice().into())
        .map_err(|_| KeysError::Sealed { what: WHAT })?;
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + inner.len() + TAG_BYTES);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&inner);
    sealed.extend_from_slice(&tag);
    Ok(STANDARD.encode(sealed))
}

/// Decrypts a sealed payload to its salt and plaintext; key and `place` must be those that it was sealed with.
pub fn open_payload(
    key: &DataKey,
    place: &[u8],
    sealed: &str,
) -> Result<([u8; SALT_BYTES], Zeroizing<Vec<u8>>), KeysError> {
    let format = || KeysError::Format { what: WHAT };
    let largest = 1 + NONCE_BYTES + bucket(MAX_PAYLOAD) + TAG_BYTES;
    if sealed.len() > largest.div_ceil(3) * 4 {
        return Err(format());
    }
    let bytes = STANDARD.decode(sealed).map_err(|_| format())?;
    let (version, rest) = bytes.split_first().ok_or_else(format)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(format)?;
    let (encrypted, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(format)?;
    if *version != VERSION || encrypted.len() < SMALLEST_BUCKET || !encrypted.len().is_power_of_two() {
        return Err(format());
    }
    let mut inner = Zeroizing::new(encrypted.to_vec());
    key.cipher()
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            &bound_to(place),
            inner.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| KeysError::Sealed { what: WHAT })?;

    let (salt, rest) = inner.split_first_chunk::<SALT_BYTES>().ok_or_else(format)?;
    let (length, body) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(format)?;
    let payload = body.get(..u32::from_be_bytes(*length) as usize).ok_or_else(format)?;
    Ok((*salt, Zeroizing::new(payload.to_vec())))
}

/// Bytes of the padded plaintext of a payload.
fn bucket(payload: usize) -> usize {
    (SALT_BYTES + LENGTH_BYTES + payload).next_power_of_two().max(SMALLEST_BUCKET)
}

fn bound_to(place: &[u8]) -> Vec<u8> {
    let mut bound = b"comptroller/payload/".to_vec();
    bound.push(VERSION);
    bound.extend_from_slice(place);
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SALT: [u8; SALT_BYTES] = [9; SALT_BYTES];

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place_only(
            payload in proptest::collection::vec(any::<u8>(), 0..3000),
            salt in any::<[u8; SALT_BYTES]>(),
            place in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let key = DataKey::generate().unwrap();
            let sealed = seal_payload(&key, &place, &salt, &payload).unwrap();
            let (found_salt, found) = open_payload(&key, &place, &sealed).unwrap();
            prop_assert_eq!(found_salt, salt);
            prop_assert_eq!(found.as_slice(), payload.as_slice());
            let elsewhere = [place.as_slice(), b"x"].concat();
            prop_assert!(open_payload(&key, &elsewhere, &sealed).is_err());
            prop_assert!(open_payload(&DataKey::generate().unwrap(), &place, &sealed).is_err());
        }
    }

    #[test]
    fn authenticated_at_rest_every_altered_byte_of_a_payload_is_refused() {
        // INVARIANT (authenticated-at-rest)
        let key = DataKey::generate().unwrap();
        let sealed = seal_payload(&key, b"row", &SALT, b"a reason in words").unwrap();
        let bytes = STANDARD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                assert!(open_payload(&key, b"row", &STANDARD.encode(altered)).is_err(), "byte {at}");
            }
        }
        for length in 0..bytes.len() {
            assert!(
                open_payload(&key, b"row", &STANDARD.encode(&bytes[..length])).is_err(),
                "length {length}"
            );
        }
        // The text has one spelling too: every other character in any place is refused.
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(open_payload(&key, b"row", std::str::from_utf8(&altered).unwrap()).is_err(), "char {at}");
        }
    }

    #[test]
    fn lengths_within_a_bucket_look_alike() {
        let key = DataKey::generate().unwrap();
        let length = |n: usize| seal_payload(&key, b"", &SALT, &vec![b'x'; n]).unwrap().len();
        assert_eq!(length(0), length(28));
        assert_ne!(length(28), length(29));
        assert_eq!(length(29), length(92));
        assert_ne!(length(92), length(93));
    }

    #[test]
    fn the_limit_holds_on_both_sides() {
        let key = DataKey::generate().unwrap();
        let largest = seal_payload(&key, b"", &SALT, &vec![1; MAX_PAYLOAD]).unwrap();
        assert_eq!(open_payload(&key, b"", &largest).unwrap().1.len(), MAX_PAYLOAD);
        assert!(matches!(
            seal_payload(&key, b"", &SALT, &vec![1; MAX_PAYLOAD + 1]),
            Err(KeysError::TooLarge { .. })
        ));
        assert!(matches!(
            open_payload(&key, b"", &"A".repeat(largest.len() + 4)),
            Err(KeysError::Format { .. })
        ));
    }
}
