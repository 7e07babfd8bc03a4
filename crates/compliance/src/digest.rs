//! Digests of data as everybody can compute them again: SHA-256 over RFC 8785 canonical JSON.

use comptroller_core::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// SHA-256 of bytes.
pub fn of_bytes(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// SHA-256 of the canonical JSON of a value.
///
/// # Errors
/// When the value cannot be written as JSON, such as a map whose keys are no texts.
pub fn of_json(value: &impl Serialize) -> Result<Digest, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value).map(|bytes| of_bytes(&bytes))
}

/// SHA-256 over parts, each behind its length in eight bytes, so that no two lists of parts read as the same bytes.
pub fn of_parts(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    Digest::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_everybody_else() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc").to_string(), abc);
        let one = of_json(&serde_json::json!({ "b": 1, "a": [true] })).unwrap();
        assert_eq!(one, of_bytes(br#"{"a":[true],"b":1}"#));
        assert_ne!(of_parts(&[b"ab", b"c"]), of_parts(&[b"a", b"bc"]));
    }
}
