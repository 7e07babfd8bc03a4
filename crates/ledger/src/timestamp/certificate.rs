//! The certificate of a token's signer: what it may be used for, and what it is called.
//!
//! Must not judge signatures or chains; see [`super::verify`].

use super::TimestampError;
use super::fields::{Fields, tagged};
use super::names;
use der::Tag;
use der::asn1::ObjectIdentifier;
use sha2::{Digest as _, Sha256};

/// Longest name of an authority, in characters: that of a label in the log.
const MAX_NAME: usize = 64;

/// A certificate, taken apart as far as a time-stamp needs it.
pub(super) struct Certificate<'a> {
    /// The whole certificate.
    pub(super) raw: &'a [u8],
    /// Content of the serial number.
    pub(super) serial: &'a [u8],
    /// The issuer's Name, with tag and length.
    pub(super) issuer: &'a [u8],
    subject: &'a [u8],
    extensions: Vec<Extension<'a>>,
}

struct Extension<'a> {
    oid: ObjectIdentifier,
    critical: bool,
    value: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(raw: &'a [u8]) -> Result<Self, TimestampError> {
        const PART: &str = "certificate";
        let mut outer = Fields::of_sequence(raw, PART)?;
        let mut fields = outer.sequence(PART)?;
        fields.optional(tagged(0))?; // version
        let serial = fields.next(Tag::Integer)?;
        fields.next(Tag::Sequence)?; // signature algorithm
        let issuer = fields.raw()?;
        fields.next(Tag::Sequence)?; // validity
        let subject = fields.next(Tag::Sequence)?;
        let mut extensions = Vec::new();
        while !fields.is_empty() {
            let (tag, value) = fields.any()?;
            if tag != tagged(3) {
                continue;
            }
            let mut list = Fields::of_sequence(value, PART)?;
            while !list.is_empty() {
                let mut extension = list.sequence(PART)?;
                let oid = extension.oid()?;
                let critical = extension.optional(Tag::Boolean)?.is_some_and(|value| value != [0]);
                extensions.push(Extension { oid, critical, value: extension.next(Tag::OctetString)? });
            }
        }
        Ok(Self { raw, serial, issuer, subject, extensions })
    }

    /// The extension of that kind; two of a kind are refused (RFC 5280 section 4.2).
    fn extension(&self, oid: ObjectIdentifier) -> Result<Option<&Extension<'a>>, TimestampError> {
        let mut found = self.extensions.iter().filter(|extension| extension.oid == oid);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(TimestampError::Certificate(format!("has the extension {oid} twice"))),
        }
    }

    /// The subject key identifier, if it has one.
    pub(super) fn key_identifier(&self) -> Result<Option<&'a [u8]>, TimestampError> {
        let Some(extension) = self.extension(names::SUBJECT_KEY_IDENTIFIER)? else { return Ok(None) };
        let mut value = Fields::of(extension.value, "subject key identifier")?;
        value.next(Tag::OctetString).map(Some)
    }

    /// RFC 3161 section 2.3: the key serves for time-stamping and nothing else, and the certificate says so in a
    /// critical extension. A key usage, if there is one, must allow signatures (RFC 5280 section 4.2.1.3).
    pub(super) fn check_purpose(&self) -> Result<(), TimestampError> {
        let refused = |problem: &str| TimestampError::Certificate(problem.to_owned());
        let purposes = self
            .extension(names::EXTENDED_KEY_USAGE)?
            .ok_or_else(|| refused("is not for time-stamping: it has no extended key usage"))?;
        let mut list = Fields::of_sequence(purposes.value, "extended key usage")?;
        if list.oid()? != names::TIME_STAMPING || !list.is_empty() {
            return Err(refused("is not for time-stamping alone"));
        }
        if !purposes.critical {
            return Err(refused("its extended key usage is not critical"));
        }
        if let Some(usage) = self.extension(names::KEY_USAGE)? {
            const SIGNING: u8 = 0x80 | 0x40; // digitalSignature, nonRepudiation
            let mut fields = Fields::of(usage.value, "key usage")?;
            // The first byte counts unused bits.
            let bits = fields.next(Tag::BitString)?.get(1).copied().unwrap_or(0);
            if bits & SIGNING == 0 {
                return Err(refused("its key usage does not allow signatures"));
            }
        }
        Ok(())
    }

    /// What the authority is called: common name, else organisation, else a digest of the certificate.
    ///
    /// 1 to 64 printable characters, so that it can stand in the log.
    pub(super) fn authority(&self) -> String {
        let named = |oid| self.subject_part(oid).ok().flatten();
        let name = named(names::COMMON_NAME).or_else(|| named(names::ORGANISATION));
        name.unwrap_or_else(|| format!("certificate {}", &hex::encode(Sha256::digest(self.raw))[..32]))
    }

    fn subject_part(&self, oid: ObjectIdentifier) -> Result<Option<String>, TimestampError> {
        const PART: &str = "subject";
        let mut parts = Fields::of(self.subject, PART)?;
        while !parts.is_empty() {
            let mut part = parts.set(PART)?;
            while !part.is_empty() {
                let mut pair = part.sequence(PART)?;
                let found = pair.oid()?;
                let (tag, value) = pair.any()?;
                if found == oid && matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String) {
                    return Ok(printable(&String::from_utf8_lossy(value)));
                }
            }
        }
        Ok(None)
    }
}

/// The text without control characters and outer space, cut to [`MAX_NAME`]; `None` if nothing is left.
fn printable(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let cut: String = kept.trim().chars().take(MAX_NAME).collect();
    let name = cut.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_printable() {
        assert_eq!(printable(" A\u{7} B\n").as_deref(), Some("A B"));
        assert_eq!(printable(&format!("{} x", "a".repeat(63))).unwrap(), "a".repeat(63));
        assert_eq!(printable(" \n"), None);
    }
}
