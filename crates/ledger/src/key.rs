//! Ed25519 keys in the text forms of signed-note: `vkey` lines and Go's `PRIVATE+KEY` lines.
//!
//! Must not make randomness: new keys come from 32 random bytes of the caller.
//! INVARIANT (secret-stays): a [`SigningKey`] shows its secret only through [`SigningKey::to_secret_text`]; Debug
//! prints the public half, and the secret is wiped from memory when dropped.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use crate::cosignature;
use crate::hash::{digest, excerpt};
use crate::note::NoteSignature;

/// Longest key name in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

/// What a key signs, with its type byte in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// 0x01: signs the text of a note.
    Note,
    /// 0x04: cosigns a checkpoint with a time (tlog-cosignature v1).
    Cosignature,
}

/// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key). Finds a key, proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

/// Why a text is not a key, or a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text has not the form of a verifier key.
    #[error("{0:?} is not a verifier key: expected <name>+<8 hex digits>+<base64>")]
    VerifierText(String),
    /// The text has not the form of a signing key (the text is not repeated here).
    #[error("this is not a signing key: expected PRIVATE+KEY+<name>+<8 hex digits>+<base64>")]
    SigningText,
    /// A name that is empty, too long, or has spaces, control characters or a plus sign.
    #[error("key name {0:?} must be 1 to 1024 bytes without spaces, control characters and '+'")]
    Name(String),
    /// A type byte this crate does not handle.
    #[error(
        "key {name} has type {kind:#04x}; only 0x01 (Ed25519) and 0x04 (Ed25519 cosignature) are handled"
    )]
    Kind {
        /// Name of the key.
        name: String,
        /// Type byte found.
        kind: u8,
    },
    /// The identifier is not the hash of name, type and key.
    #[error("key {name} says identifier {stated}, but its bytes give {computed}: the text was changed")]
    Identifier {
        /// Name of the key.
        name: String,
        /// Identifier in the text.
        stated: String,
        /// Identifier of the bytes.
        computed: KeyId,
    },
    /// The public key is not a point of the curve.
    #[error("key {name} is not a valid Ed25519 public key")]
    Point {
        /// Name of the key.
        name: String,
    },
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

/// The public half of a key: name, kind and Ed25519 point.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    kind: KeyKind,
    point: ed25519_dalek::VerifyingKey,
}

/// The secret half of a key.
pub struct SigningKey {
    name: String,
    id: KeyId,
    kind: KeyKind,
    secret: ed25519_dalek::SigningKey,
}

impl KeyKind {
    /// The type byte of the specification.
    pub fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Note),
            0x04 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

impl KeyId {
    /// Takes four raw bytes.
    pub fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    fn of(name: &str, kind: KeyKind, public: &[u8; 32]) -> Self {
        let hash = digest(&[name.as_bytes(), b"\n", &[kind.byte()], public].concat());
        let [a, b, c, d, ..] = *hash.as_bytes();
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl VerifierKey {
    /// Name of the key; for a log it is the origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Identifier that stands in signature lines.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The 32 bytes of the Ed25519 public key.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.point.to_bytes()
    }

    /// Checks signature bytes over a note's text. Returns the time of a cosignature, `None` for a note key.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, KeyError> {
        match self.kind {
            KeyKind::Note => self.verify_message(text.as_bytes(), signature).map(|()| None),
            KeyKind::Cosignature => {
                let (timestamp, signature) = cosignature::split(signature).ok_or(KeyError::Signature)?;
                self.verify_message(&cosignature::message(timestamp, text), signature)?;
                Ok(Some(timestamp))
            }
        }
    }

    pub(crate) fn verify_message(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| KeyError::Signature)?;
        self.point.verify_strict(message, &signature).map_err(|_| KeyError::Signature)
    }
}

impl fmt::Display for VerifierKey {
    /// The `vkey` text: name+id+base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[self.kind.byte()], self.point.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(material))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Reads a `vkey` text; the identifier must fit the key.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refused = || KeyError::VerifierText(excerpt(text));
        // Base64 may hold plus signs, so the first two are the separators.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(stated), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused());
        };
        check_name(name)?;
        let material = STANDARD.decode(encoded).map_err(|_| refused())?;
        let (kind, public) = read_material(name, &material)?.ok_or_else(refused)?;
        let point = ed25519_dalek::VerifyingKey::from_bytes(public)
            .map_err(|_| KeyError::Point { name: excerpt(name) })?;
        let id = checked_id(name, kind, public, stated)?;
        Ok(Self { name: name.to_owned(), id, kind, point })
    }
}

impl SigningKey {
    /// A log key (type 0x01) from 32 random bytes.
    pub fn new_note(name: &str, random: &[u8; 32]) -> Result<Self, KeyError> {
        Self::generate(name, KeyKind::Note, random)
    }

    /// A witness key (type 0x04) from 32 random bytes. One key per witness: the name is not signed.
    pub fn new_cosignature(name: &str, random: &[u8; 32]) -> Result<Self, KeyError> {
        Self::generate(name, KeyKind::Cosignature, random)
    }

    /// A key of either kind from 32 random bytes.
    pub fn generate(name: &str, kind: KeyKind, random: &[u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let secret = ed25519_dalek::SigningKey::from_bytes(random);
        let id = KeyId::of(name, kind, secret.verifying_key().as_bytes());
        Ok(Self { name: name.to_owned(), id, kind, secret })
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public half.
    pub fn verifier_key(&self) -> VerifierKey {
        let point = self.secret.verifying_key();
        VerifierKey { name: self.name.clone(), id: self.id, kind: self.kind, point }
    }

    /// Reads the text of [`SigningKey::to_secret_text`].
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.trim_end_matches('\n').splitn(5, '+');
        let fields = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        let [Some("PRIVATE"), Some("KEY"), Some(name), Some(stated), Some(encoded)] = fields else {
            return Err(KeyError::SigningText);
        };
        check_name(name)?;
        let material = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyError::SigningText)?);
        let (kind, seed) = read_material(name, &material)?.ok_or(KeyError::SigningText)?;
        let key = Self::generate(name, kind, seed)?;
        checked_id(name, kind, key.secret.verifying_key().as_bytes(), stated)?;
        Ok(key)
    }

    /// `PRIVATE+KEY+name+id+base64(type ‖ seed)`, one line without its newline: the form of Go's note package.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let mut material = Zeroizing::new([0_u8; 33]);
        material[0] = self.kind.byte();
        material[1..].copy_from_slice(self.secret.as_bytes());
        let encoded = Zeroizing::new(STANDARD.encode(&material[..]));
        Zeroizing::new(format!("PRIVATE+KEY+{}+{}+{}", self.name, self.id, *encoded))
    }

    /// Signs the text of a note as it stands. Meant for keys of kind [`KeyKind::Note`]; for a checkpoint by a
    /// cosignature key see [`cosignature::cosign`].
    pub(crate) fn sign(&self, text: &str) -> NoteSignature {
        self.signature_line(self.sign_message(text.as_bytes()).to_vec())
    }

    pub(crate) fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    pub(crate) fn signature_line(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.id, bytes }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // INVARIANT (secret-stays)
        write!(f, "SigningKey(of {})", self.verifier_key())
    }
}

/// Checks a key name: 1 to 1024 bytes, no Unicode space, no control character, no plus sign.
pub(crate) fn check_name(name: &str) -> Result<(), KeyError> {
    let bad_character = |c: char| c.is_whitespace() || c < ' ' || c == '+';
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(bad_character) {
        return Err(KeyError::Name(excerpt(name)));
    }
    Ok(())
}

/// Splits type byte and 32 key bytes; `None` if the length is wrong.
fn read_material<'m>(name: &str, material: &'m [u8]) -> Result<Option<(KeyKind, &'m [u8; 32])>, KeyError> {
    let Some((byte, key)) = material.split_first() else { return Ok(None) };
    let kind = KeyKind::of_byte(*byte).ok_or_else(|| KeyError::Kind { name: excerpt(name), kind: *byte })?;
    Ok(key.try_into().ok().map(|key| (kind, key)))
}

fn checked_id(name: &str, kind: KeyKind, public: &[u8; 32], stated: &str) -> Result<KeyId, KeyError> {
    let computed = KeyId::of(name, kind, public);
    if computed.to_string() == stated {
        return Ok(computed);
    }
    Err(KeyError::Identifier { name: excerpt(name), stated: excerpt(stated), computed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_stays() {
        // INVARIANT (secret-stays)
        let key = SigningKey::new_note("host/log", &[42; 32]).unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains(&STANDARD.encode([42; 30])[..20]) && !shown.contains("2a2a2a"));
        let text = key.to_secret_text();
        let again = SigningKey::from_secret_text(&text).unwrap();
        assert_eq!(again.verifier_key(), key.verifier_key());
        let message = SigningKey::from_secret_text(&text[..40]).unwrap_err().to_string();
        assert!(!message.contains(&text[24..40]));
    }

    #[test]
    fn verifier_texts_are_checked() {
        for kind in [KeyKind::Note, KeyKind::Cosignature] {
            let key = SigningKey::generate("host/log", kind, &[9; 32]).unwrap().verifier_key();
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let refused = |text: String| text.parse::<VerifierKey>().unwrap_err();
        assert!(matches!(refused(good.replace("/foo", "/fop")), KeyError::Identifier { .. }));
        assert!(matches!(refused(good.replace("+530d", "+530e")), KeyError::Identifier { .. }));
        assert!(matches!(refused(good.replace("+530d", "+530D")), KeyError::Identifier { .. }));
        assert!(matches!(refused(good.replace("+Aeky", "+Beky")), KeyError::Kind { kind: 0x05, .. }));
        assert!(matches!(refused(good[..60].to_owned()), KeyError::VerifierText(_)));
        assert!(matches!(refused(format!("a b{good}")), KeyError::Name(_)));
        assert!(matches!(refused(String::new()), KeyError::Name(_) | KeyError::VerifierText(_)));
        assert!(SigningKey::new_note("a+b", &[0; 32]).is_err());
    }
}
