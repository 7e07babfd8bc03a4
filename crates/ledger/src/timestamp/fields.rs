//! Reads the fields of a DER structure one after the other; every error names the part that it is in.
//!
//! Must not copy: what comes back are slices of the token, so that hashes and signatures are over the bytes that came.

use super::TimestampError;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// The fields of one structure that were not read yet.
pub(super) struct Fields<'a> {
    reader: SliceReader<'a>,
    part: &'static str,
}

/// `[number]` around a constructed value.
pub(super) const fn tagged(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// `[number]` around a primitive value.
pub(super) const fn tagged_primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

impl<'a> Fields<'a> {
    /// The fields whose encodings are `bytes`, one behind the other.
    pub(super) fn of(bytes: &'a [u8], part: &'static str) -> Result<Self, TimestampError> {
        let reader = SliceReader::new(bytes).map_err(|error| TimestampError::malformed(part, error))?;
        Ok(Self { reader, part })
    }

    /// The fields of the SEQUENCE that `bytes` are, with nothing behind it.
    pub(super) fn of_sequence(bytes: &'a [u8], part: &'static str) -> Result<Self, TimestampError> {
        let mut outer = Self::of(bytes, part)?;
        let inner = outer.sequence(part)?;
        outer.end()?;
        Ok(inner)
    }

    pub(super) fn problem(&self, problem: impl std::fmt::Display) -> TimestampError {
        TimestampError::malformed(self.part, problem)
    }

    /// Whether every field was read.
    pub(super) fn is_empty(&self) -> bool {
        self.reader.is_finished()
    }

    /// Refuses fields that nobody asked for.
    pub(super) fn end(self) -> Result<(), TimestampError> {
        if self.is_empty() { Ok(()) } else { Err(self.problem("there are more fields than there may be")) }
    }

    /// The next field as it stands, with its tag and length.
    pub(super) fn raw(&mut self) -> Result<&'a [u8], TimestampError> {
        self.reader.tlv_bytes().map_err(|error| TimestampError::malformed(self.part, error))
    }

    /// Tag and content of the next field.
    pub(super) fn any(&mut self) -> Result<(Tag, &'a [u8]), TimestampError> {
        let any = AnyRef::decode(&mut self.reader).map_err(|error| self.problem(error))?;
        Ok((any.tag(), any.value()))
    }

    /// The content of the next field, which must have this tag.
    pub(super) fn next(&mut self, tag: Tag) -> Result<&'a [u8], TimestampError> {
        match self.any()? {
            (found, value) if found == tag => Ok(value),
            (found, _) => Err(self.problem(format_args!("found {found} where {tag} must stand"))),
        }
    }

    /// The content of the next field if it has this tag; else the field stays unread.
    pub(super) fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, TimestampError> {
        if self.is_empty() || Tag::peek(&self.reader).map_err(|error| self.problem(error))? != tag {
            return Ok(None);
        }
        self.next(tag).map(Some)
    }

    /// The fields of the SEQUENCE that comes next.
    pub(super) fn sequence(&mut self, part: &'static str) -> Result<Fields<'a>, TimestampError> {
        Fields::of(self.next(Tag::Sequence)?, part)
    }

    /// The SET that comes next.
    pub(super) fn set(&mut self, part: &'static str) -> Result<Fields<'a>, TimestampError> {
        Fields::of(self.next(Tag::Set)?, part)
    }

    pub(super) fn oid(&mut self) -> Result<ObjectIdentifier, TimestampError> {
        let value = self.next(Tag::ObjectIdentifier)?;
        ObjectIdentifier::from_bytes(value).map_err(|error| self.problem(error))
    }

    /// An algorithm whose parameters are absent or NULL, the two ways to write "none".
    pub(super) fn plain_algorithm(&mut self, part: &'static str) -> Result<ObjectIdentifier, TimestampError> {
        let mut algorithm = self.sequence(part)?;
        let oid = algorithm.oid()?;
        if algorithm.optional(Tag::Null)?.is_some_and(|value| !value.is_empty()) {
            return Err(algorithm.problem("NULL has no content"));
        }
        algorithm.end()?;
        Ok(oid)
    }

    /// A small INTEGER that is not negative.
    pub(super) fn small(&mut self, tag: Tag) -> Result<Option<u64>, TimestampError> {
        let Some(value) = self.optional(tag)? else { return Ok(None) };
        if value.is_empty() || value.len() > 8 || value[0] > 0x7f {
            return Err(self.problem("a number is out of range"));
        }
        Ok(Some(value.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
    }
}
