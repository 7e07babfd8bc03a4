//! Data keys: one per subject, record or artifact, stored wrapped by the organisation key.
//!
//! Wrapped form, base64 of: version 1 (1 byte), fingerprint of the organisation key (8), nonce (24), encrypted key
//! (32), tag (16). XChaCha20-Poly1305; the associated data bind version, fingerprint and key id.

use super::{KEY_BYTES, KeysError, NONCE_BYTES, TAG_BYTES, random, random_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use comptroller_core::ids::KeyId;
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const FINGERPRINT_BYTES: usize = 8;
const WRAPPED_BYTES: usize = 1 + FINGERPRINT_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const WHAT: &str = "the wrapped data key";

/// A random 32-byte key that encrypts one subject's, record's or artifact's data.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// A new random key.
    pub fn generate() -> Result<Self, KeysError> {
        random_key().map(Self)
    }

    /// Whether it is the same key; takes the same time whatever it holds.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }

    /// The key itself, so that tests can look for it on disk.
    #[cfg(any(test, feature = "test-support"))]
    pub fn bytes_for_tests(&self) -> [u8; KEY_BYTES] {
        *self.0
    }

    /// The cipher under this key; its copy of the key is cleared when dropped.
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

pub(super) fn wrap(
    wrapping: &[u8; KEY_BYTES],
    fingerprint: [u8; FINGERPRINT_BYTES],
    id: KeyId,
    key: &DataKey,
) -> Result<String, KeysError> {
    let nonce = random::<NONCE_BYTES>()?;
    let mut secret = key.0.clone();
    let tag = XChaCha20Poly1305::new(wrapping.into())
        .encrypt_inout_detached(
            &XNonce::from(nonce),
            &bound_to(fingerprint, id),
            secret.as_mut_slice().into(),
        )
        .map_err(|_| KeysError::Sealed { what: WHAT })?;
    let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
    wrapped.push(VERSION);
    wrapped.extend_from_slice(&fingerprint);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(secret.as_slice());
    wrapped.extend_from_slice(&tag);
    Ok(STANDARD.encode(wrapped))
}

pub(super) fn unwrap(
    wrapping: &[u8; KEY_BYTES],
    fingerprint: [u8; FINGERPRINT_BYTES],
    id: KeyId,
    wrapped: &str,
) -> Result<DataKey, KeysError> {
    let format = || KeysError::Format { what: WHAT };
    // The length is checked before decoding, so that a huge text costs nothing.
    if wrapped.len() != WRAPPED_BYTES.div_ceil(3) * 4 {
        return Err(format());
    }
    let bytes = STANDARD.decode(wrapped).map_err(|_| format())?;
    let (version, rest) = bytes.split_first().ok_or_else(format)?;
    let (found, rest) = rest.split_first_chunk::<FINGERPRINT_BYTES>().ok_or_else(format)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(format)?;
    let (secret, rest) = rest.split_first_chunk::<KEY_BYTES>().ok_or_else(format)?;
    let tag: &[u8; TAG_BYTES] = rest.try_into().map_err(|_| format())?;
    if *version != VERSION {
        return Err(format());
    }
    if *found != fingerprint {
        return Err(KeysError::WrongOrgKey { found: hex::encode(found), expected: hex::encode(fingerprint) });
    }
    let mut secret = Zeroizing::new(*secret);
    XChaCha20Poly1305::new(wrapping.into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            &bound_to(fingerprint, id),
            secret.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| KeysError::Sealed { what: WHAT })?;
    Ok(DataKey(secret))
}

/// What a wrapped key is bound to: the text of the id has a fixed length, so the concatenation is unambiguous.
fn bound_to(fingerprint: [u8; FINGERPRINT_BYTES], id: KeyId) -> Vec<u8> {
    let mut bound = b"comptroller/wrapped-key/".to_vec();
    bound.push(VERSION);
    bound.extend_from_slice(&fingerprint);
    bound.extend_from_slice(id.to_string().as_bytes());
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::OrgKey;
    use comptroller_core::Timestamp;

    fn id(n: u8) -> KeyId {
        KeyId::new(Timestamp::from_micros(1_700_000_000_000_000), [n; 10])
    }

    #[test]
    fn a_wrapped_key_comes_back_under_the_same_key_and_id_only() {
        let (org, other) = (OrgKey::generate().unwrap(), OrgKey::generate().unwrap());
        let key = DataKey::generate().unwrap();
        let wrapped = org.wrap(id(1), &key).unwrap();
        assert_eq!(wrapped.len(), 108);
        assert_eq!(*org.unwrap(id(1), &wrapped).unwrap().0, *key.0);
        assert!(matches!(org.unwrap(id(2), &wrapped), Err(KeysError::Sealed { .. })));
        assert!(matches!(other.unwrap(id(1), &wrapped), Err(KeysError::WrongOrgKey { .. })));
        assert_ne!(org.wrap(id(1), &key).unwrap(), wrapped, "nonces are fresh");
    }

    #[test]
    fn authenticated_at_rest_every_flipped_bit_of_a_wrapped_key_is_refused() {
        // INVARIANT (authenticated-at-rest)
        let org = OrgKey::generate().unwrap();
        let wrapped = org.wrap(id(1), &DataKey::generate().unwrap()).unwrap();
        let bytes = STANDARD.decode(&wrapped).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                assert!(org.unwrap(id(1), &STANDARD.encode(altered)).is_err(), "byte {at}");
            }
        }
        for length in 0..bytes.len() {
            assert!(org.unwrap(id(1), &STANDARD.encode(&bytes[..length])).is_err(), "length {length}");
        }
    }
}
