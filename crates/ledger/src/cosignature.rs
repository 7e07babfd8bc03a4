//! Timestamped Ed25519 cosignatures of checkpoints, `cosignature/v1` (C2SP tlog-cosignature, key type 0x04).
//!
//! Must not decide whether a checkpoint deserves a cosignature: that is [`crate::witness`].

use crate::key::{KeyKind, SigningKey};
use crate::note::NoteSignature;

/// Why a cosignature cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// The key is a log key.
    #[error("key {0} is not a cosignature key (type 0x04)")]
    WrongKind(String),
    /// The time is zero or above 2^63-1.
    #[error("cosignature time {0} is not within 1 to 2^63-1 POSIX seconds")]
    Time(u64),
}

/// Cosigns the text of a checkpoint at a time in POSIX seconds.
pub fn cosign(text: &str, key: &SigningKey, time: u64) -> Result<NoteSignature, CosignatureError> {
    if key.kind() != KeyKind::Cosignature {
        return Err(CosignatureError::WrongKind(key.name().to_owned()));
    }
    if time == 0 || i64::try_from(time).is_err() {
        return Err(CosignatureError::Time(time));
    }
    let signature = key.sign_message(&message(time, text));
    Ok(key.signature_line([time.to_be_bytes().as_slice(), &signature].concat()))
}

/// The bytes that are signed: a header line, the time line and the whole text.
pub(crate) fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// Time and Ed25519 signature; `None` if the length or the time is out of range.
pub(crate) fn split(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time != 0 && i64::try_from(time).is_ok() && signature.len() == 64).then_some((time, signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Note;

    #[test]
    fn time_is_signed() {
        let key = SigningKey::new_cosignature("witness.example/w1", &[3; 32]).unwrap();
        let text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let line = cosign(text, &key, 1_679_315_147).unwrap();
        let mut note = Note::unsigned(text).unwrap();
        note.add_signature(line.clone());
        let verified = note.verify(&[key.verifier_key()]).unwrap();
        assert_eq!(verified[0].timestamp, Some(1_679_315_147));
        let mut later = line;
        later.bytes[7] ^= 1;
        assert!(key.verifier_key().verify(text, &later.bytes).is_err());
        assert!(key.verifier_key().verify(text, &[0; 72]).is_err());
        assert!(cosign(text, &key, 0).is_err());
        assert!(cosign(text, &key, u64::MAX).is_err());
        let log = SigningKey::new_note("example.com/log", &[3; 32]).unwrap();
        assert!(matches!(cosign(text, &log, 1), Err(CosignatureError::WrongKind(_))));
    }
}
