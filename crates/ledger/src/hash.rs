//! SHA-256 values and the two hash rules of the Merkle tree (RFC 6962 section 2.1).
//!
//! Must not know about tiles, files or signatures.
//! INVARIANT (domain-separation): a leaf is hashed behind the byte 0x00 and an inner node behind 0x01, so no
//! entry can pass for a node.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A SHA-256 value: the hash of a leaf, of a node, or of any bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::LEN]);

/// The root of the tree with no leaves: SHA-256 of the empty string (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Why a text is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The text is not 64 lower-case hexadecimal digits.
    #[error("a hash is 64 lower-case hexadecimal digits, got {0:?}")]
    Hex(String),
    /// The text is not the padded standard base64 of 32 bytes.
    #[error("a hash is the padded base64 of 32 bytes, got {0:?}")]
    Base64(String),
}

impl Hash {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Takes 32 raw bytes.
    pub const fn new(bytes: [u8; Hash::LEN]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; Hash::LEN] {
        &self.0
    }

    /// Padded standard base64, 44 characters (the form of checkpoints and proofs).
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes. Other alphabets, missing padding and stray bits are refused.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        let refused = || HashError::Base64(excerpt(text));
        let bytes = STANDARD.decode(text).map_err(|_| refused())?;
        Ok(Self(bytes.try_into().map_err(|_| refused())?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let refused = || HashError::Hex(excerpt(text));
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(refused()); // one spelling only, so that equal hashes are equal texts
        }
        let mut bytes = [0; Hash::LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| refused())?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HexVisitor;
        impl serde::de::Visitor<'_> for HexVisitor {
            type Value = Hash;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 lower-case hexadecimal digits")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(HexVisitor)
    }
}

/// SHA-256 of any bytes, without a prefix. Not for tree nodes.
pub fn digest(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// A SHA-256 computed piece by piece, for files that do not fit in memory.
#[derive(Clone, Default)]
pub struct Digester(Sha256);

impl Digester {
    /// Starts with no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// Hash of a leaf: SHA-256(0x00 ‖ entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    // INVARIANT (domain-separation): leaves behind 0x00.
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(entry);
    Hash(hasher.finalize().into())
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // INVARIANT (domain-separation): nodes behind 0x01.
    let mut block = [0_u8; 1 + 2 * Hash::LEN];
    block[0] = 0x01;
    block[1..=Hash::LEN].copy_from_slice(&left.0);
    block[1 + Hash::LEN..].copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// The first characters of a refused text, so that an error message stays short.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(SHOWN).collect();
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_separation() {
        // INVARIANT (domain-separation)
        assert_eq!(digest(b""), EMPTY_ROOT);
        assert_eq!(
            leaf_hash(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let joined = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(node_hash(&left, &right), leaf_hash(&joined));
        assert_eq!(node_hash(&left, &right), digest(&[&[1_u8][..], &joined].concat()));
    }

    #[test]
    fn texts_have_one_spelling() {
        let hash = digest(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert!(hash.to_string().to_uppercase().parse::<Hash>().is_err());
        assert!(Hash::from_base64(hash.to_base64().trim_end_matches('=')).is_err());
        assert!("00".parse::<Hash>().is_err());
        let mut digester = Digester::new();
        digester.update(b"");
        digester.update(b"x");
        assert_eq!(digester.finish(), hash);
    }
}
