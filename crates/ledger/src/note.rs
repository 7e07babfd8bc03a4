//! Signed notes (C2SP signed-note 1.0): text with Ed25519 signature lines by named keys.
//!
//! Must not interpret the text. Keys live in [`crate::key`].
//! INVARIANT (known-key-must-verify): a signature that names a known key and does not verify refuses the whole
//! note; signatures of unknown keys are ignored; a note without a verified signature is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::excerpt;
use crate::key::{KeyId, KeyKind, SigningKey, VerifierKey, check_name};

/// Largest note in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most signatures of a note that are read (the specification asks for at least 16).
pub const MAX_SIGNATURES: usize = 100;

/// What each signature line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Why bytes are not a signed note, or a note is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is larger than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes, the limit is 1048576")]
    TooLarge(usize),
    /// The note is not UTF-8.
    #[error("the note is not UTF-8 at byte {0}")]
    NotUtf8(usize),
    /// A control character other than newline.
    #[error("the note has the control character {code:#04x} at byte {byte}")]
    ControlCharacter {
        /// The character.
        code: u8,
        /// Where it stands.
        byte: usize,
    },
    /// The text is empty or does not end in a newline.
    #[error("the text of a note must end in a newline")]
    TextEnd,
    /// No blank line between text and signatures.
    #[error("the note has no blank line before its signatures")]
    NoSignatures,
    /// A signature line is not well-formed.
    #[error("signature line {line:?} is not '\u{2014} <name> <base64>'")]
    SignatureLine {
        /// The beginning of the line.
        line: String,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than 100 signatures")]
    TooManySignatures,
    /// A signature by a known key does not verify.
    #[error("the signature by the known key {name}+{id} does not verify: the text was changed or forged")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Its identifier.
        id: KeyId,
    },
    /// None of the known keys signed.
    #[error("no signature by a trusted key; the note is signed by: {found}")]
    NoTrustedSignature {
        /// The keys that the signature lines name.
        found: String,
    },
    /// A witness key was given to sign a plain note.
    #[error("key {0} is not a note key (type 0x01); a witness cosigns instead")]
    KeyKind(String),
    /// Two known keys share name and identifier.
    #[error("two of the given keys share the name and identifier {name}+{id}; give only the right one")]
    AmbiguousKey {
        /// Name of the keys.
        name: String,
        /// Their identifier.
        id: KeyId,
    },
}

/// One signature line: who says to have signed, and the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Identifier of the key.
    pub key_id: KeyId,
    /// The signature: 64 bytes of Ed25519, or 8 of time and 64 of Ed25519 for a cosignature; any for other keys.
    pub bytes: Vec<u8>,
}

/// A text with its signature lines, none of which has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One verified signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The known key that signed.
    pub key: VerifierKey,
    /// For a cosignature its time in POSIX seconds, else `None`.
    pub timestamp: Option<u64>,
}

impl NoteSignature {
    /// Reads one line without its newline.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let refused = || NoteError::SignatureLine { line: excerpt(line) };
        let (name, encoded) =
            line.strip_prefix(SIGNATURE_PREFIX).and_then(|l| l.split_once(' ')).ok_or_else(refused)?;
        check_name(name).map_err(|_| refused())?;
        let decoded = STANDARD.decode(encoded).map_err(|_| refused())?;
        let (id, bytes) = decoded.split_first_chunk::<4>().ok_or_else(refused)?;
        if bytes.is_empty() {
            return Err(refused());
        }
        Ok(Self { name: name.to_owned(), key_id: KeyId::new(*id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    /// One line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_bytes().as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl Note {
    /// A note that nobody has signed yet. The text must end in a newline and hold no other control characters.
    pub fn unsigned(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::TextEnd);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a signed note. At least one signature line must be there; none is checked yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge(bytes.len()));
        }
        let whole = std::str::from_utf8(bytes).map_err(|e| NoteError::NotUtf8(e.valid_up_to()))?;
        check_characters(whole)?;
        let blank = whole.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&whole[..=blank], &whole[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, none of them checked.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds the signature of a note key (type 0x01) behind the others.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), NoteError> {
        if key.kind() != KeyKind::Note {
            return Err(NoteError::KeyKind(key.name().to_owned()));
        }
        self.signatures.push(key.sign(&self.text));
        Ok(())
    }

    /// Adds a signature line made elsewhere. It is not checked here.
    pub fn add_signature(&mut self, signature: NoteSignature) {
        self.signatures.push(signature);
    }

    /// Checks every signature of a known key. Each key is reported once, in the order of the lines.
    ///
    /// # Errors
    /// See the invariant known-key-must-verify above.
    pub fn verify(&self, known: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let verified = self.verify_any(known)?;
        if verified.is_empty() {
            let found: Vec<String> =
                self.signatures.iter().map(|s| format!("{}+{}", s.name, s.key_id)).collect();
            return Err(NoteError::NoTrustedSignature { found: excerpt(&found.join(", ")) });
        }
        Ok(verified)
    }

    /// As [`Note::verify`], but a note that no known key signed gives an empty list.
    pub fn verify_any(&self, known: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let mut verified: Vec<Verified> = Vec::new();
        for signature in &self.signatures {
            let mut matching =
                known.iter().filter(|k| k.name() == signature.name && k.id() == signature.key_id);
            let Some(key) = matching.next() else { continue };
            if matching.any(|other| other != key) {
                return Err(NoteError::AmbiguousKey { name: signature.name.clone(), id: signature.key_id });
            }
            // INVARIANT (known-key-must-verify): checked even if the same key already has a good signature.
            let timestamp = key.verify(&self.text, &signature.bytes).map_err(|_| {
                NoteError::BadSignature { name: signature.name.clone(), id: signature.key_id }
            })?;
            if !verified.iter().any(|v| v.key == *key) {
                verified.push(Verified { key: key.clone(), timestamp });
            }
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    /// The whole note as it is stored and sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().enumerate().find(|(_, b)| *b < 0x20 && *b != b'\n') {
        Some((byte, code)) => Err(NoteError::ControlCharacter { code, byte }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        let key: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap()[0].key, key);
        assert_eq!(note.to_string(), NOTE);
        assert_eq!(key.to_string(), VKEY);
    }

    #[test]
    fn known_key_must_verify() {
        // INVARIANT (known-key-must-verify)
        let key: VerifierKey = VKEY.parse().unwrap();
        let keys = [key.clone()];
        let changed = Note::parse(NOTE.replace("example message", "Example message").as_bytes()).unwrap();
        assert!(matches!(changed.verify(&keys), Err(NoteError::BadSignature { .. })));
        let mine = SigningKey::new_note("example.com/foo", &[7; 32]).unwrap();
        let mut note = Note::parse(NOTE.as_bytes()).unwrap();
        note.sign(&mine).unwrap(); // same name, other identifier: unknown, so ignored
        assert_eq!(note.verify(&keys).unwrap().len(), 1);
        assert_eq!(note.verify(&[key, mine.verifier_key()]).unwrap().len(), 2);
        let mut repeated = note.clone();
        repeated.add_signature(note.signatures()[0].clone());
        assert_eq!(repeated.verify(&keys).unwrap().len(), 1);
        let mut spoiled = note.clone();
        spoiled.add_signature(NoteSignature { bytes: vec![0; 64], ..note.signatures()[0].clone() });
        assert!(matches!(spoiled.verify(&keys), Err(NoteError::BadSignature { .. })));
        assert!(matches!(note.verify(&[]), Err(NoteError::NoTrustedSignature { .. })));
        let other = SigningKey::new_note("example.com/bar", &[7; 32]).unwrap().verifier_key();
        assert!(matches!(note.verify(&[other]), Err(NoteError::NoTrustedSignature { .. })));
    }

    #[test]
    fn parsing_is_strict() {
        let line = NOTE.split("\n\n").nth(1).unwrap();
        let sixteen = format!("text\n\n{}", line.repeat(16));
        assert_eq!(Note::parse(sixteen.as_bytes()).unwrap().signatures().len(), 16);
        let blank_inside = format!("a\n\nb\n\n{line}");
        assert_eq!(Note::parse(blank_inside.as_bytes()).unwrap().text(), "a\n\nb\n");
        for bad in [
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            format!("text\r\n\n{line}"),
            format!("text\n\n{}", line.trim_end()),
            format!("text\n\n{}", line.replace('\u{2014}', "-")),
            format!("text\n\n{}", line.replace("=\n", "\n")),
            format!("text\n\n{}", line.replace("example.com/foo", "exa+mple")),
            format!("text\n\n{}", line.replace("example.com/foo", "")),
            "text\n\n\u{2014} a AAAAAA==\n".to_owned(),
            format!("text\n\n{}", line.repeat(101)),
            "x".repeat(MAX_NOTE_BYTES + 1),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{}", excerpt(&bad));
        }
        assert!(Note::parse(b"\xff\n\n").is_err());
        assert!(Note::unsigned("no newline").is_err());
    }
}
