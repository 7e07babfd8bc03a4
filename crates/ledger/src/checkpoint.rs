//! Checkpoints (C2SP tlog-checkpoint 1.0): a signed note whose text is origin, size and root.
//!
//! Must not decide which origin to trust: the caller names keys, and a key counts only for the origin that is its
//! name.

use std::fmt;

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{EMPTY_ROOT, Hash, excerpt};
use crate::key::{KeyKind, SigningKey, VerifierKey};
use crate::note::{Note, NoteError, Verified};

/// Why a text is not a checkpoint, or a checkpoint is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is malformed or not trusted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines, an empty line, or no last newline.
    #[error("a checkpoint has an origin, a size and a root line and no empty line, got {0:?}")]
    Lines(String),
    /// The size is not a decimal number below 2^63 in its shortest form.
    #[error("{0:?} is not a tree size: expected a decimal number below 2^63 without leading zeros")]
    Size(String),
    /// The root is not base64 of 32 bytes.
    #[error("root line: {0}")]
    Root(#[from] crate::hash::HashError),
    /// A tree without leaves has another root.
    #[error("a tree of size 0 has the root of the empty tree, got {0}")]
    EmptyTreeRoot(Hash),
    /// The signing key's name is not the origin.
    #[error("key {key} cannot sign for origin {origin}: the key's name must be the origin")]
    KeyName {
        /// Name of the key.
        key: String,
        /// Origin of the checkpoint.
        origin: String,
    },
}

/// The statement of a checkpoint: this log, at this size, has this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log: non-empty, one line.
    pub origin: String,
    /// Number of leaves, below 2^63.
    pub size: u64,
    /// RFC 6962 root of the first `size` leaves.
    pub root: Hash,
    /// Further lines, each non-empty. The specification advises against them; we write none.
    pub extensions: Vec<String>,
}

/// A checkpoint with the note that carries it, verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Reads the text of a checkpoint note, with its last newline.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let refused = || CheckpointError::Lines(excerpt(text));
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or_else(refused)?.split('\n').collect();
        if lines.iter().any(|line| line.is_empty()) {
            return Err(refused());
        }
        let [origin, size, root, extensions @ ..] = lines.as_slice() else { return Err(refused()) };
        let size = parse_decimal(size)
            .filter(|s| *s <= MAX_TREE_SIZE)
            .ok_or_else(|| CheckpointError::Size(excerpt(size)))?;
        let root = Hash::from_base64(root)?;
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyTreeRoot(root));
        }
        let extensions = extensions.iter().map(|&line| line.to_owned()).collect();
        Ok(Self { origin: (*origin).to_owned(), size, root, extensions })
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed, with its last newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root.to_base64())?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl SignedCheckpoint {
    /// Signs a checkpoint with one or more log keys (two during a key rotation).
    ///
    /// # Errors
    /// If a key is not a log key or its name is not the origin, or the checkpoint does not read back as itself.
    pub fn sign(checkpoint: &Checkpoint, keys: &[&SigningKey]) -> Result<Self, CheckpointError> {
        let text = checkpoint.to_string();
        let mut note = Note::unsigned(text.as_str())?;
        if Checkpoint::parse(&text)? != *checkpoint {
            return Err(CheckpointError::Lines(excerpt(&text)));
        }
        for key in keys {
            if key.name() != checkpoint.origin {
                let origin = checkpoint.origin.clone();
                return Err(CheckpointError::KeyName { key: key.name().to_owned(), origin });
            }
            note.sign(key)?;
        }
        Ok(Self { checkpoint: checkpoint.clone(), note })
    }

    /// Reads a checkpoint with its signatures, none of which is checked yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// What the checkpoint states.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, verbatim.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Adds signature lines, such as those that a witness returned. They are not checked here.
    pub fn add_signature(&mut self, signature: crate::note::NoteSignature) {
        self.note.add_signature(signature);
    }

    /// Checks that a log key of the origin signed; returns the log keys that did.
    ///
    /// Keys of other names and cosignature keys are left out. See [`Note::verify`] for what is refused.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, CheckpointError> {
        Ok(self.note.verify(&self.log_keys(keys))?)
    }

    /// Those of `keys` that may sign for this origin.
    fn log_keys(&self, keys: &[VerifierKey]) -> Vec<VerifierKey> {
        let of_log = |k: &&VerifierKey| k.kind() == KeyKind::Note && k.name() == self.checkpoint.origin;
        keys.iter().filter(of_log).cloned().collect()
    }
}

impl fmt::Display for SignedCheckpoint {
    /// The whole note as it is stored and sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// A decimal number in its shortest form: digits only, no leading zero unless it is `0`.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let shortest = text == "0" || !text.starts_with('0');
    (shortest && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn text_is_strict() {
        let checkpoint = Checkpoint::parse(TEXT).unwrap();
        assert_eq!((checkpoint.size, checkpoint.to_string().as_str()), (20_852_163, TEXT));
        let extended = format!("{TEXT}extension\n");
        assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
        for bad in [
            TEXT.replace("2085", "02085"),
            TEXT.replace("2085", "+2085"),
            TEXT.replace("20852163", "9223372036854775808"),
            TEXT.replace("20852163", "0"),
            TEXT.replace("q2I=", "q2J="),
            TEXT.trim_end().to_owned(),
            format!("{TEXT}\n"),
            format!("\n{TEXT}"),
            "a\n1\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_key_named_as_the_origin_counts() {
        let key = SigningKey::new_note("host/a", &[1; 32]).unwrap();
        let checkpoint = Checkpoint::new("host/a", 0, EMPTY_ROOT);
        let signed = SignedCheckpoint::sign(&checkpoint, &[&key]).unwrap();
        let again = SignedCheckpoint::parse(signed.to_string().as_bytes()).unwrap();
        assert_eq!(again, signed);
        assert_eq!(again.verify(&[key.verifier_key()]).unwrap().len(), 1);
        let other = Checkpoint::new("host/b", 0, EMPTY_ROOT);
        assert!(matches!(SignedCheckpoint::sign(&other, &[&key]), Err(CheckpointError::KeyName { .. })));
        let mut note = Note::unsigned(other.to_string()).unwrap();
        note.sign(&key).unwrap();
        let forged = SignedCheckpoint::parse(note.to_string().as_bytes()).unwrap();
        assert!(forged.verify(&[key.verifier_key()]).is_err());
        let witness = SigningKey::new_cosignature("host/a", &[1; 32]).unwrap();
        assert!(matches!(
            SignedCheckpoint::sign(&checkpoint, &[&witness]),
            Err(CheckpointError::Note(NoteError::KeyKind(_)))
        ));
        let broken = Checkpoint::new("host/a\n7", 0, EMPTY_ROOT);
        assert!(SignedCheckpoint::sign(&broken, &[]).is_err());
    }
}
