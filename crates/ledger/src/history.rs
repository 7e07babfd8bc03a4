//! The keys of a log over time: rotation statements and the key history file.
//!
//! Must not decide which key is trusted: that begins with the keys the auditor brings.
//! INVARIANT (rotation-signed-by-both): a rotation counts only if the old key and the new key both signed the same
//! statement, so neither a thief of the old key alone nor a stranger can introduce a key that a holder of the other
//! did not agree to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::checkpoint::parse_decimal;
use crate::entry::MAX_SAFE_INTEGER;
use crate::hash::excerpt;
use crate::key::{KeyError, KeyKind, SigningKey, VerifierKey};

const STATEMENT_HEADER: &str = "comptroller-key-rotation/v1";
const HISTORY_HEADER: &str = "comptroller-key-history/v1";

/// Most keys of a history file.
pub const MAX_HISTORY_KEYS: usize = 1024;

/// Why a rotation or a history file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// One of the keys cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key's name is not the origin, or it is a witness key, or old and new are the same.
    #[error("a rotation of {origin} needs two different log keys of that name")]
    Keys {
        /// Origin of the log.
        origin: String,
    },
    /// A signature does not verify.
    #[error("the rotation statement is not signed by the {0} key")]
    Signature(&'static str),
    /// A size is beyond 2^53-1.
    #[error("size {0} is beyond 2^53-1")]
    Size(u64),
    /// The file's first line is another.
    #[error("the first line of a key history must be 'comptroller-key-history/v1', got {0:?}")]
    Header(String),
    /// A line of the file is wrong.
    #[error("key history line {line}: expected 'key <vkey> from <size> [until <size>]' in rising order")]
    Line {
        /// Line number, from 1.
        line: usize,
    },
    /// No key or too many.
    #[error("a key history has 1 to 1024 keys, got {0}")]
    Count(usize),
}

/// The `data` of a `ledger.key_rotated` entry: from `from_size` on, `new_vkey` signs the checkpoints of `origin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationStatement {
    /// Origin of the log.
    pub origin: String,
    /// The key in use before, as a verifier key text.
    pub old_vkey: String,
    /// The key that takes over, as a verifier key text.
    pub new_vkey: String,
    /// First tree size that the new key signs. Both keys may sign during an overlap.
    pub from_size: u64,
    /// Base64 Ed25519 signature of the old key over the statement.
    pub old_signature: String,
    /// Base64 Ed25519 signature of the new key over the statement.
    pub new_signature: String,
}

/// One key of a log and the tree sizes whose checkpoints it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPeriod {
    /// The key.
    pub key: VerifierKey,
    /// First size it signs.
    pub from: u64,
    /// First size it no longer signs; `None` while in use.
    pub until: Option<u64>,
}

/// The keys of a log in the order they were introduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    periods: Vec<KeyPeriod>,
}

impl RotationStatement {
    /// Makes the statement and signs it with both keys, whose name is the origin.
    pub fn sign(old: &SigningKey, new: &SigningKey, from_size: u64) -> Result<Self, HistoryError> {
        let mut statement = Self {
            origin: old.name().to_owned(),
            old_vkey: old.verifier_key().to_string(),
            new_vkey: new.verifier_key().to_string(),
            from_size,
            old_signature: String::new(),
            new_signature: String::new(),
        };
        statement.keys()?;
        let text = statement.text();
        statement.old_signature = STANDARD.encode(old.sign_message(text.as_bytes()));
        statement.new_signature = STANDARD.encode(new.sign_message(text.as_bytes()));
        Ok(statement)
    }

    /// Checks both signatures; returns the old and the new key. Says nothing about trust in either.
    pub fn verify(&self) -> Result<(VerifierKey, VerifierKey), HistoryError> {
        let (old, new) = self.keys()?;
        let text = self.text();
        // INVARIANT (rotation-signed-by-both)
        for (which, key, signature) in
            [("old", &old, &self.old_signature), ("new", &new, &self.new_signature)]
        {
            let bytes = STANDARD.decode(signature).map_err(|_| HistoryError::Signature(which))?;
            key.verify(&text, &bytes).map_err(|_| HistoryError::Signature(which))?;
        }
        Ok((old, new))
    }

    fn keys(&self) -> Result<(VerifierKey, VerifierKey), HistoryError> {
        let (old, new): (VerifierKey, VerifierKey) = (self.old_vkey.parse()?, self.new_vkey.parse()?);
        let belongs = |key: &VerifierKey| key.kind() == KeyKind::Note && key.name() == self.origin;
        if !belongs(&old) || !belongs(&new) || old == new {
            return Err(HistoryError::Keys { origin: excerpt(&self.origin) });
        }
        if self.from_size > MAX_SAFE_INTEGER {
            return Err(HistoryError::Size(self.from_size));
        }
        Ok((old, new))
    }

    /// The bytes that both keys sign. The second line is never a number, so it cannot pass for a checkpoint.
    fn text(&self) -> String {
        format!(
            "{STATEMENT_HEADER}\norigin {}\nold {}\nnew {}\nfrom {}\n",
            self.origin, self.old_vkey, self.new_vkey, self.from_size
        )
    }
}

impl KeyHistory {
    /// The history of a log that has had one key.
    pub fn new(first: VerifierKey) -> Self {
        Self { periods: vec![KeyPeriod { key: first, from: 0, until: None }] }
    }

    /// The keys in the order they were introduced.
    pub fn periods(&self) -> &[KeyPeriod] {
        &self.periods
    }

    /// The keys that may sign a checkpoint of `size`.
    pub fn keys_at(&self, size: u64) -> Vec<VerifierKey> {
        let in_use = |p: &&KeyPeriod| p.from <= size && p.until.is_none_or(|until| size < until);
        self.periods.iter().filter(in_use).map(|p| p.key.clone()).collect()
    }

    /// Adds the new key of a rotation; the old one stays in use until [`KeyHistory::retire`].
    pub fn rotate(&mut self, new: VerifierKey, from: u64) -> Result<(), HistoryError> {
        let latest = self.periods.last().map_or(0, |p| p.from);
        if from < latest || self.periods.iter().any(|p| p.key == new) {
            return Err(HistoryError::Line { line: self.periods.len() + 2 });
        }
        if self.periods.len() == MAX_HISTORY_KEYS {
            return Err(HistoryError::Count(MAX_HISTORY_KEYS + 1));
        }
        self.periods.push(KeyPeriod { key: new, from, until: None });
        Ok(())
    }

    /// Ends the use of a key before size `until`. Returns whether the key was known and in use before that size.
    pub fn retire(&mut self, key: &VerifierKey, until: u64) -> bool {
        match self.periods.iter_mut().find(|p| p.key == *key && p.until.is_none() && p.from < until) {
            Some(period) => {
                period.until = Some(until);
                true
            }
            None => false,
        }
    }

    /// Reads a history file.
    pub fn parse(text: &str) -> Result<Self, HistoryError> {
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let header = lines.next().unwrap_or_default();
        if header != HISTORY_HEADER {
            return Err(HistoryError::Header(excerpt(header)));
        }
        let mut periods: Vec<KeyPeriod> = Vec::new();
        for (number, line) in lines.enumerate() {
            let refused = HistoryError::Line { line: number + 2 };
            if periods.len() == MAX_HISTORY_KEYS {
                return Err(HistoryError::Count(MAX_HISTORY_KEYS + 1));
            }
            let words: Vec<&str> = line.split(' ').collect();
            let (key, from, until) = match words.as_slice() {
                ["key", key, "from", from] => (key, from, None),
                ["key", key, "from", from, "until", until] => (key, from, Some(until)),
                _ => return Err(refused),
            };
            let from = parse_decimal(from).ok_or_else(|| refused.clone())?;
            let until = until.map(|u| parse_decimal(u).ok_or_else(|| refused.clone())).transpose()?;
            let key: VerifierKey = key.parse()?;
            let rising = periods.last().is_none_or(|last| last.from <= from);
            let repeated = periods.iter().any(|p| p.key == key);
            if !rising || repeated || until.is_some_and(|until| until <= from) {
                return Err(refused);
            }
            periods.push(KeyPeriod { key, from, until });
        }
        if periods.is_empty() {
            return Err(HistoryError::Count(0));
        }
        Ok(Self { periods })
    }
}

impl fmt::Display for KeyHistory {
    /// The history file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HISTORY_HEADER}")?;
        for KeyPeriod { key, from, until } in &self.periods {
            write!(f, "key {key} from {from}")?;
            if let Some(until) = until {
                write!(f, " until {until}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
