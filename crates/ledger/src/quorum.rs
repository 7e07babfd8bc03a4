//! Trust policy files (C2SP tlog-policy): which logs and witnesses are known, and which witnesses suffice.
//!
//! Must not fetch anything: URLs are kept as text for the caller.
//! INVARIANT (one-vote): a witness counts once. Its public key and its name stand in the file once, and a name is
//! a member of one group at most.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, parse_decimal};
use crate::hash::excerpt;
use crate::key::{KeyError, KeyKind, VerifierKey};
use crate::note::{NoteError, Verified};

/// Most log, witness and group lines of each kind (the specification asks for at least 32).
pub const MAX_LINES_EACH: usize = 256;

/// Largest policy file in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// A log or witness of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its key. For a log the key's name is the origin.
    pub key: VerifierKey,
    /// Where to reach it, if the file says so.
    pub url: Option<String>,
}

/// What must have happened for a name of the file to count as "witnessed". Members come before their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Witness(Box<Party>),
    Group { threshold: usize, members: Vec<usize> },
}

/// The quorum line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    /// `quorum none`.
    Nobody,
    /// The name at this position in the rules.
    Rule(usize),
}

/// A parsed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    rules: Vec<Rule>,
    quorum: Quorum,
}

/// Who stands behind a checkpoint that satisfies a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Log keys of the policy that signed.
    pub logs: Vec<Verified>,
    /// Witnesses of the policy that cosigned, each with its time.
    pub witnesses: Vec<Verified>,
}

/// What is wrong with a line of a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLineError {
    /// A byte that is not allowed.
    #[error("control character {0:#04x} is not allowed")]
    ControlCharacter(u8),
    /// A line that begins with no known word, or has too few or too many words.
    #[error(
        "expected 'log <vkey> [<url>]', 'witness <name> <vkey> [<url>]', 'group <name> <k|any|all> <member>...' or 'quorum <name|none>'"
    )]
    Form,
    /// A key that cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A witness key where a log key belongs, or the other way round.
    #[error("a log needs a key of type 0x01 and a witness one of type 0x04")]
    KeyKind,
    /// The same public key twice.
    #[error("this public key stands in the file before")]
    DuplicateKey,
    /// The same name twice, or the reserved name `none`.
    #[error("the name {0:?} is taken")]
    NameTaken(String),
    /// A name that no line above defines.
    #[error("the name {0:?} is not defined above")]
    NameUnknown(String),
    /// A name in two groups, or twice in one.
    #[error("{0:?} is a member of a group before")]
    MemberTwice(String),
    /// A threshold outside 1 to the number of members.
    #[error("the threshold must be any, all or a number from 1 to {0}")]
    Threshold(usize),
    /// A second quorum line.
    #[error("there is a quorum line before")]
    SecondQuorum,
    /// A URL that is not UTF-8.
    #[error("the URL is not UTF-8")]
    Url,
    /// More lines of one kind than [`MAX_LINES_EACH`].
    #[error("more than 256 lines of this kind")]
    TooMany,
}

/// Why a policy file is refused, or a checkpoint does not satisfy a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line is wrong.
    #[error("policy line {line}: {source}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        source: PolicyLineError,
    },
    /// No quorum line.
    #[error("the policy has no quorum line; write 'quorum none' to ask for no witnesses")]
    NoQuorum,
    /// The file is larger than [`MAX_POLICY_BYTES`].
    #[error("the policy has {0} bytes, the limit is 1048576")]
    TooLarge(usize),
    /// The log's signature is missing or bad.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A cosignature of a known witness does not verify.
    #[error("cosignature: {0}")]
    Cosignature(#[from] NoteError),
    /// Too few witnesses.
    #[error("the quorum is not reached: {found} of {known} known witnesses cosigned")]
    Quorum {
        /// Witnesses that cosigned.
        found: usize,
        /// Witnesses of the policy.
        known: usize,
    },
}

impl Policy {
    /// A policy of one log and no witnesses.
    pub fn single_log(key: VerifierKey) -> Self {
        Self { logs: vec![Party { key, url: None }], rules: Vec::new(), quorum: Quorum::Nobody }
    }

    /// Reads a policy file. Names are opaque bytes, as the specification says.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge(bytes.len()));
        }
        let mut reader = Reader::default();
        for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
            reader.line(line).map_err(|source| PolicyError::Line { line: number + 1, source })?;
        }
        let quorum = reader.quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(Self { logs: reader.logs, rules: reader.rules, quorum })
    }

    /// The known logs.
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The known witnesses, whether or not the quorum needs them.
    pub fn witnesses(&self) -> impl Iterator<Item = &Party> {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Witness(party) => Some(&**party),
            Rule::Group { .. } => None,
        })
    }

    /// Checks the log's signature, all cosignatures of known witnesses, and the quorum.
    pub fn check(&self, checkpoint: &SignedCheckpoint) -> Result<Witnessed, PolicyError> {
        let log_keys: Vec<VerifierKey> = self.logs.iter().map(|log| log.key.clone()).collect();
        let logs = checkpoint.verify(&log_keys)?;
        Ok(Witnessed { logs, witnesses: self.check_quorum(checkpoint)? })
    }

    /// Checks the cosignatures and the quorum only; the caller has checked the log's signature.
    pub fn check_quorum(&self, checkpoint: &SignedCheckpoint) -> Result<Vec<Verified>, PolicyError> {
        let keys: Vec<VerifierKey> = self.witnesses().map(|witness| witness.key.clone()).collect();
        let witnesses = checkpoint.note().verify_any(&keys)?;
        let Quorum::Rule(quorum) = self.quorum else { return Ok(witnesses) };
        // One pass suffices: a group stands behind its members.
        let mut satisfied: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            satisfied.push(match rule {
                Rule::Witness(party) => witnesses.iter().any(|w| w.key == party.key),
                Rule::Group { threshold, members } => {
                    members.iter().filter(|member| satisfied[**member]).count() >= *threshold
                }
            });
        }
        if satisfied[quorum] {
            return Ok(witnesses);
        }
        Err(PolicyError::Quorum { found: witnesses.len(), known: keys.len() })
    }
}

/// The state of reading a file line by line.
#[derive(Default)]
struct Reader {
    logs: Vec<Party>,
    rules: Vec<Rule>,
    names: HashMap<Vec<u8>, usize>,
    members: HashSet<usize>,
    groups: usize,
    quorum: Option<Quorum>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyLineError> {
        if let Some(byte) = line.iter().find(|b| (**b < 0x20 && **b != b'\t') || **b == 0x7f) {
            return Err(PolicyLineError::ControlCharacter(*byte));
        }
        let words: Vec<&[u8]> = line.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key, url @ ..] if url.len() <= 1 => self.log(key, url.first().copied()),
            [b"witness", name, key, url @ ..] if url.len() <= 1 => {
                self.witness(name, key, url.first().copied())
            }
            [b"group", name, threshold, members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            [b"quorum", name] => self.set_quorum(name),
            _ => Err(PolicyLineError::Form),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyLineError> {
        let log = party(key, url, KeyKind::Note)?;
        if self.logs.iter().any(|other| other.key.public_bytes() == log.key.public_bytes()) {
            return Err(PolicyLineError::DuplicateKey);
        }
        if self.logs.len() == MAX_LINES_EACH {
            return Err(PolicyLineError::TooMany);
        }
        self.logs.push(log);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyLineError> {
        let witness = party(key, url, KeyKind::Cosignature)?;
        let others =
            || self.rules.iter().filter_map(|r| if let Rule::Witness(p) = r { Some(p) } else { None });
        // INVARIANT (one-vote): the same key under two names would vote twice.
        if others().any(|other| other.key.public_bytes() == witness.key.public_bytes()) {
            return Err(PolicyLineError::DuplicateKey);
        }
        if others().count() == MAX_LINES_EACH {
            return Err(PolicyLineError::TooMany);
        }
        self.define(name, Rule::Witness(Box::new(witness)))
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), PolicyLineError> {
        let count = members.len();
        let threshold = match threshold {
            b"any" => 1,
            b"all" => count,
            number => std::str::from_utf8(number)
                .ok()
                .and_then(parse_decimal)
                .and_then(|k| usize::try_from(k).ok())
                .filter(|k| (1..=count).contains(k))
                .ok_or(PolicyLineError::Threshold(count))?,
        };
        let mut positions = Vec::with_capacity(count);
        for member in members {
            let position = self.find(member)?;
            // INVARIANT (one-vote): no second path from a witness to the quorum.
            if !self.members.insert(position) {
                return Err(PolicyLineError::MemberTwice(shown(member)));
            }
            positions.push(position);
        }
        self.groups += 1;
        if self.groups > MAX_LINES_EACH {
            return Err(PolicyLineError::TooMany);
        }
        self.define(name, Rule::Group { threshold, members: positions })
    }

    fn set_quorum(&mut self, name: &[u8]) -> Result<(), PolicyLineError> {
        if self.quorum.is_some() {
            return Err(PolicyLineError::SecondQuorum);
        }
        self.quorum = Some(if name == b"none" { Quorum::Nobody } else { Quorum::Rule(self.find(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &[u8], rule: Rule) -> Result<(), PolicyLineError> {
        if name == b"none" || self.names.contains_key(name) {
            return Err(PolicyLineError::NameTaken(shown(name)));
        }
        self.names.insert(name.to_vec(), self.rules.len());
        self.rules.push(rule);
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<usize, PolicyLineError> {
        self.names.get(name).copied().ok_or_else(|| PolicyLineError::NameUnknown(shown(name)))
    }
}

fn party(key: &[u8], url: Option<&[u8]>, kind: KeyKind) -> Result<Party, PolicyLineError> {
    let text = std::str::from_utf8(key).map_err(|_| KeyError::VerifierText(shown(key)))?;
    let key = VerifierKey::from_str(text)?;
    if key.kind() != kind {
        return Err(PolicyLineError::KeyKind);
    }
    let url = url.map(|u| String::from_utf8(u.to_vec()).map_err(|_| PolicyLineError::Url)).transpose()?;
    Ok(Party { key, url })
}

fn shown(name: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(name))
}
