//! Statements for others: DSSE v1 envelopes (Dead Simple Signing Envelope) signed by a log's key.
//!
//! Must not interpret the payload, and must not decide which key to trust: the caller names keys.
//! INVARIANT (one-key-two-languages): a log's key signs notes (checkpoints, rotation statements) and DSSE envelopes, and
//! no message is both. What a note signs ends in a newline; a payload that ends in one is refused, so what an envelope
//! signs never does. And it begins with `DSSEv1 `, while a checkpoint begins with an origin, which has no space.
//! INVARIANT (known-key-must-verify): a signature that names a known key and does not verify refuses the envelope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::hash::excerpt;
use crate::key::{KeyKind, SigningKey, VerifierKey};

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Largest envelope, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 4 << 20;
/// Most signatures of an envelope that are read.
pub const MAX_SIGNATURES: usize = 100;

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are too many.
    #[error("the envelope has {0} bytes, the limit is {MAX_ENVELOPE_BYTES}")]
    TooLarge(usize),
    /// The bytes are not the JSON of an envelope.
    #[error("this is not a DSSE envelope: {0}")]
    Json(String),
    /// The payload or a signature is not base64.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// A payload that ends in a newline, see the first invariant.
    #[error("the payload ends in a newline, which a log's key does not sign")]
    Newline,
    /// The payload is of another type than the caller expects.
    #[error("the payload type is {found:?}, expected {expected:?}")]
    Type {
        /// Type in the envelope.
        found: String,
        /// Type that was asked for.
        expected: String,
    },
    /// Only log keys sign envelopes.
    #[error("key {0} is a witness key: give the key of a log")]
    KeyKind(String),
    /// More than [`MAX_SIGNATURES`].
    #[error("the envelope has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A signature by a known key does not verify.
    #[error("the signature by the known key {0} does not verify: the statement was changed or forged")]
    BadSignature(String),
    /// None of the known keys signed.
    #[error("no signature by a trusted key; the envelope is signed by: {0}")]
    NoTrustedSignature(String),
}

/// An envelope: a payload, its type, and signatures over both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The payload, base64.
    pub payload: String,
    /// What the payload is, a media type.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

/// A signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// Name and identifier of the key, `name+hash` as in its vkey. Finds a key, proves nothing.
    #[serde(default)]
    pub keyid: Option<String>,
    /// Ed25519 signature over the pre-authentication encoding, base64.
    pub sig: String,
}

/// A payload with the keys that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPayload {
    /// The payload.
    pub payload: Vec<u8>,
    /// Of the given keys, those whose signature verified.
    pub signed_by: Vec<VerifierKey>,
}

impl Envelope {
    /// Signs a payload with every key, none of which may be a witness key.
    pub fn sign(payload_type: &str, payload: &[u8], keys: &[&SigningKey]) -> Result<Self, EnvelopeError> {
        let message = encoding(payload_type, payload)?;
        let mut signatures = Vec::new();
        for key in keys {
            let verifier = key.verifier_key();
            log_key(&verifier)?;
            let sig = STANDARD.encode(key.sign_message(&message));
            signatures.push(EnvelopeSignature { keyid: Some(keyid(&verifier)), sig });
        }
        let payload = STANDARD.encode(payload);
        Ok(Self { payload, payload_type: payload_type.to_owned(), signatures })
    }

    /// Reads an envelope; no signature is checked yet. Unknown fields are ignored, as the specification asks.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let envelope: Self =
            serde_json::from_slice(bytes).map_err(|error| EnvelopeError::Json(error.to_string()))?;
        if envelope.signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooManySignatures);
        }
        Ok(envelope)
    }

    /// Checks the signatures; answers the payload if a trusted key signed it.
    pub fn verify(&self, payload_type: &str, keys: &[VerifierKey]) -> Result<VerifiedPayload, EnvelopeError> {
        if self.payload_type != payload_type {
            let found = excerpt(&self.payload_type);
            return Err(EnvelopeError::Type { found, expected: payload_type.to_owned() });
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| EnvelopeError::Base64("the payload"))?;
        let message = encoding(&self.payload_type, &payload)?;
        let mut signed_by = Vec::new();
        for key in keys {
            log_key(key)?;
            if self.is_signed_by(key, &message)? {
                signed_by.push(key.clone());
            }
        }
        if signed_by.is_empty() {
            let named =
                self.signatures.iter().map(|one| one.keyid.as_deref().unwrap_or("a key without a name"));
            let named: Vec<String> = named.map(excerpt).collect();
            let named = if named.is_empty() { "nobody".to_owned() } else { named.join(", ") };
            return Err(EnvelopeError::NoTrustedSignature(named));
        }
        Ok(VerifiedPayload { payload, signed_by })
    }

    fn is_signed_by(&self, key: &VerifierKey, message: &[u8]) -> Result<bool, EnvelopeError> {
        let id = keyid(key);
        let mut signed = false;
        for signature in &self.signatures {
            let bytes = STANDARD.decode(&signature.sig).map_err(|_| EnvelopeError::Base64("a signature"))?;
            let verifies = key.verify_message(message, &bytes).is_ok();
            // INVARIANT (known-key-must-verify)
            if !verifies && signature.keyid.as_deref() == Some(id.as_str()) {
                return Err(EnvelopeError::BadSignature(id));
            }
            // Whoever copies an envelope may drop the name of the key.
            signed |= verifies;
        }
        Ok(signed)
    }
}

/// The bytes that are signed: the pre-authentication encoding of DSSE v1.
fn encoding(payload_type: &str, payload: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    // INVARIANT (one-key-two-languages)
    if payload.ends_with(b"\n") {
        return Err(EnvelopeError::Newline);
    }
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    let message = [head.as_bytes(), payload].concat();
    // An empty payload leaves the head as the end, which has no newline either.
    Ok(message)
}

fn keyid(key: &VerifierKey) -> String {
    format!("{}+{}", key.name(), key.id())
}

fn log_key(key: &VerifierKey) -> Result<(), EnvelopeError> {
    match key.kind() {
        KeyKind::Note => Ok(()),
        KeyKind::Cosignature => Err(EnvelopeError::KeyKind(excerpt(key.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, Hash, Note, SignedCheckpoint};

    fn key(seed: u8) -> SigningKey {
        SigningKey::new_note("host/log/1", &[seed; 32]).unwrap()
    }

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        let message = encoding("http://example.com/HelloWorld", b"hello world").unwrap();
        assert_eq!(message, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn an_envelope_reads_back_and_every_change_is_found() {
        // INVARIANT (known-key-must-verify)
        let (ours, next, other) = (key(1), key(2), key(3));
        let envelope = Envelope::sign(IN_TOTO, b"{\"a\":1}", &[&ours, &next]).unwrap();
        let read = Envelope::parse(&serde_json::to_vec(&envelope).unwrap()).unwrap();
        assert_eq!(read, envelope);
        for known in [&ours, &next] {
            let verified = read.verify(IN_TOTO, &[known.verifier_key(), other.verifier_key()]).unwrap();
            assert_eq!(verified.payload, b"{\"a\":1}");
            assert_eq!(verified.signed_by, [known.verifier_key()]);
        }
        let trusted = [ours.verifier_key()];
        let stranger = read.verify(IN_TOTO, &[other.verifier_key()]).unwrap_err();
        assert!(matches!(stranger, EnvelopeError::NoTrustedSignature(_)), "{stranger}");
        assert!(matches!(read.verify("text/plain", &trusted), Err(EnvelopeError::Type { .. })));
        let mut changed = read.clone();
        changed.payload = STANDARD.encode(b"{\"a\":2}");
        assert!(matches!(changed.verify(IN_TOTO, &trusted), Err(EnvelopeError::BadSignature(_))));
        // Without the name it is just no signature of ours.
        changed.signatures.iter_mut().for_each(|one| one.keyid = None);
        assert!(matches!(changed.verify(IN_TOTO, &trusted), Err(EnvelopeError::NoTrustedSignature(_))));
        let mut nameless = read.clone();
        nameless.signatures.iter_mut().for_each(|one| one.keyid = None);
        assert!(nameless.verify(IN_TOTO, &trusted).is_ok());
        let mut bare = read;
        bare.signatures.clear();
        assert!(bare.verify(IN_TOTO, &trusted).unwrap_err().to_string().contains("nobody"));
    }

    #[test]
    fn no_message_is_both_a_note_and_an_envelope() {
        // INVARIANT (one-key-two-languages)
        let key = key(1);
        let head = Checkpoint::new("host/log/1", 7, Hash::new([7; 32]));
        let text = head.to_string();
        // What a note signs cannot be signed as an envelope's payload, nor be the encoding of one.
        assert_eq!(Envelope::sign(IN_TOTO, text.as_bytes(), &[&key]), Err(EnvelopeError::Newline));
        for payload in [&b""[..], b"{}", text.trim_end().as_bytes()] {
            let message = encoding(IN_TOTO, payload).unwrap();
            assert!(message.starts_with(b"DSSEv1 ") && !message.ends_with(b"\n"));
            let said = String::from_utf8(message).unwrap();
            assert!(Note::unsigned(said.as_str()).is_err(), "{said}");
            assert!(Checkpoint::parse(&said).is_err(), "{said}");
        }
        // And the signature of one is none of the other.
        let signed = SignedCheckpoint::sign(&head, &[&key]).unwrap();
        let line = signed.to_string();
        let bytes = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        let forged = Envelope {
            payload: STANDARD.encode(text.trim_end()),
            payload_type: IN_TOTO.into(),
            signatures: vec![EnvelopeSignature { keyid: None, sig: STANDARD.encode(&bytes[4..]) }],
        };
        assert!(forged.verify(IN_TOTO, &[key.verifier_key()]).is_err());
        let witness = SigningKey::new_cosignature("witness", &[4; 32]).unwrap();
        assert!(matches!(Envelope::sign(IN_TOTO, b"{}", &[&witness]), Err(EnvelopeError::KeyKind(_))));
    }
}
