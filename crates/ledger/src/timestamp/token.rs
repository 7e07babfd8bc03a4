//! A time-stamp token taken apart: CMS SignedData (RFC 5652) around a TSTInfo (RFC 3161 section 2.4.2).
//!
//! Checks the form only. What it says is true only after [`super::verify`].

use super::fields::{Fields, tagged, tagged_primitive};
use super::names::{self, HashKind};
use super::{MAX_TOKEN_BYTES, TimestampError};
use der::asn1::ObjectIdentifier;
use der::{DateTime, Tag};

/// Most certificates in one token.
const MAX_CERTIFICATES: usize = 16;

/// The parts of a token, as slices of its bytes.
pub(super) struct Token<'a> {
    pub(super) certificates: Vec<&'a [u8]>,
    /// The TSTInfo as it was hashed for the signature.
    pub(super) content: &'a [u8],
    pub(super) info: Info<'a>,
    pub(super) signer: Signer<'a>,
}

/// What the authority states.
pub(super) struct Info<'a> {
    pub(super) policy: ObjectIdentifier,
    /// SHA-256 of what was stamped.
    pub(super) imprint: &'a [u8],
    /// Content of the serial number.
    pub(super) serial: &'a [u8],
    /// Microseconds since 1970 UTC.
    pub(super) time: i64,
    /// How far the time may be off, in microseconds, if the authority says so.
    pub(super) accuracy: Option<u64>,
    /// Content of the nonce.
    pub(super) nonce: Option<&'a [u8]>,
}

/// The one signature.
pub(super) struct Signer<'a> {
    pub(super) id: SignerId<'a>,
    pub(super) hash: HashKind,
    /// The attributes with the tag of the token; they are signed with the tag of a SET.
    pub(super) attributes: &'a [u8],
    pub(super) algorithm: ObjectIdentifier,
    pub(super) signature: &'a [u8],
}

/// How the signature names its certificate.
pub(super) enum SignerId<'a> {
    /// The issuer's Name with tag and length, and the content of the serial number.
    Serial { issuer: &'a [u8], serial: &'a [u8] },
    /// The subject key identifier.
    KeyIdentifier(&'a [u8]),
}

impl<'a> Token<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, TimestampError> {
        const PART: &str = "token";
        if bytes.len() > MAX_TOKEN_BYTES {
            return Err(TimestampError::malformed(
                PART,
                format_args!("is longer than {MAX_TOKEN_BYTES} bytes"),
            ));
        }
        let mut outer = Fields::of_sequence(bytes, PART)?;
        if outer.oid()? != names::SIGNED_DATA {
            return Err(outer.problem("is not signed data"));
        }
        let mut fields = Fields::of_sequence(outer.next(tagged(0))?, PART)?;
        outer.end()?;
        fields.next(Tag::Integer)?; // version
        fields.next(Tag::Set)?; // hash algorithms, named again by the signer
        let mut content = fields.sequence("content")?;
        if content.oid()? != names::TST_INFO {
            return Err(content.problem("is no time-stamp"));
        }
        let mut octets = Fields::of(content.next(tagged(0))?, "content")?;
        let info = octets.next(Tag::OctetString)?;
        octets.end()?;
        content.end()?;
        let mut certificates = Vec::new();
        if let Some(set) = fields.optional(tagged(0))? {
            let mut list = Fields::of(set, "certificates")?;
            while !list.is_empty() {
                certificates.push(list.raw()?);
            }
            if certificates.len() > MAX_CERTIFICATES {
                return Err(list.problem(format_args!("are more than {MAX_CERTIFICATES}")));
            }
        }
        fields.optional(tagged(1))?; // revocation lists
        let mut signers = fields.set("signatures")?;
        fields.end()?;
        let signer = Signer::read(signers.sequence("signature")?)?;
        // INVARIANT (one-signer): RFC 3161 section 2.4.2 allows the authority's signature and no other.
        signers.end()?;
        Ok(Self { certificates, content: info, info: Info::parse(info)?, signer })
    }
}

impl<'a> Signer<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, TimestampError> {
        fields.next(Tag::Integer)?; // version
        let id = if let Some(identifier) = fields.optional(tagged_primitive(0))? {
            SignerId::KeyIdentifier(identifier)
        } else {
            let mut id = fields.sequence("signer")?;
            let (issuer, serial) = (id.raw()?, id.next(Tag::Integer)?);
            id.end()?;
            SignerId::Serial { issuer, serial }
        };
        let hash = fields.plain_algorithm("hash algorithm")?;
        let hash = HashKind::of(hash)
            .filter(|hash| *hash != HashKind::Sha1)
            .ok_or_else(|| TimestampError::Signature(format!("hash algorithm {hash} is not taken")))?;
        // RFC 5652 section 5.3: attributes are optional in CMS; RFC 3161 needs some.
        let attributes = fields.raw()?;
        if Fields::of(attributes, "attributes")?.any()?.0 != tagged(0) {
            return Err(fields.problem("has no signed attributes"));
        }
        let algorithm = fields.plain_algorithm("signature algorithm")?;
        let signature = fields.next(Tag::OctetString)?;
        fields.optional(tagged(1))?; // unsigned attributes
        fields.end()?;
        Ok(Self { id, hash, attributes, algorithm, signature })
    }

    /// The value of the signed attribute of that kind: it stands once, with one value (RFC 5652 section 11).
    pub(super) fn attribute(&self, oid: ObjectIdentifier) -> Result<Option<&'a [u8]>, TimestampError> {
        const PART: &str = "signed attributes";
        let mut list = Fields::of(Fields::of(self.attributes, PART)?.next(tagged(0))?, PART)?;
        let mut found = None;
        while !list.is_empty() {
            let mut attribute = list.sequence(PART)?;
            if attribute.oid()? != oid {
                continue;
            }
            let mut values = attribute.set(PART)?;
            let value = values.raw()?;
            values.end()?;
            if found.replace(value).is_some() {
                return Err(list.problem(format_args!("{oid} stands twice")));
            }
        }
        Ok(found)
    }
}

impl<'a> Info<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, TimestampError> {
        const PART: &str = "time-stamp";
        let mut fields = Fields::of_sequence(bytes, PART)?;
        if fields.next(Tag::Integer)? != [1] {
            return Err(fields.problem("is not version 1"));
        }
        let policy = fields.oid()?;
        let mut imprint = fields.sequence("imprint")?;
        if imprint.plain_algorithm("imprint")? != names::SHA_256 {
            return Err(TimestampError::Imprint("it is by another hash than SHA-256"));
        }
        let hash = imprint.next(Tag::OctetString)?;
        imprint.end()?;
        let serial = fields.next(Tag::Integer)?;
        let time = fields.next(Tag::GeneralizedTime)?;
        let time = micros(time).ok_or_else(|| fields.problem("its time is none that RFC 3161 writes"))?;
        let accuracy = match fields.optional(Tag::Sequence)? {
            Some(accuracy) => Some(read_accuracy(Fields::of(accuracy, "accuracy")?)?),
            None => None,
        };
        fields.optional(Tag::Boolean)?; // ordering
        let nonce = fields.optional(Tag::Integer)?;
        fields.optional(tagged(0))?; // the authority's name, which the certificate states too
        fields.optional(tagged(1))?; // extensions
        fields.end()?;
        Ok(Self { policy, imprint: hash, serial, time, accuracy, nonce })
    }
}

fn read_accuracy(mut fields: Fields<'_>) -> Result<u64, TimestampError> {
    let seconds = fields.small(Tag::Integer)?.unwrap_or(0);
    let millis = fields.small(tagged_primitive(0))?.unwrap_or(0);
    let micros = fields.small(tagged_primitive(1))?.unwrap_or(0);
    if seconds > 1 << 40 || millis > 999 || micros > 999 {
        return Err(fields.problem("is out of range"));
    }
    fields.end()?;
    Ok(seconds * 1_000_000 + millis * 1_000 + micros)
}

/// `YYYYMMDDhhmmss[.f...]Z` as microseconds since 1970 UTC; the fraction has no zero at its end (RFC 3161).
fn micros(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || fraction.is_empty() || !digits(fraction) {
        return None;
    }
    if text.contains('.') && fraction.ends_with('0') {
        return None;
    }
    let part = |from: usize, to: usize| whole[from..to].parse::<u8>().ok();
    let year = whole[..4].parse::<u16>().ok()?;
    let date = DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?);
    // Finer than a microsecond is of no use here: it is left out, so the time is never too late.
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros = u128::from(fraction.parse::<u32>().ok()?);
    i64::try_from(date.ok()?.unix_duration().as_micros() + micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond_and_odd_ones_refused() {
        assert_eq!(micros(b"19700101000000Z"), Some(0));
        assert_eq!(micros(b"20260728010203Z"), Some(1_785_200_523_000_000));
        assert_eq!(micros(b"20260728010203.5Z"), Some(1_785_200_523_500_000));
        assert_eq!(micros(b"20260728010203.1234567Z"), Some(1_785_200_523_123_456));
        for bad in [
            &b"20260728010203"[..],
            b"202607280102Z",
            b"20260728010203.Z",
            b"20260728010203.10Z",
            b"20260728010203,1Z",
            b"20260728010203+0100",
            b"20261328010203Z",
            b"20260230010203Z",
            b"20260728240000Z",
            b"2026072801020\xc3\xa9Z",
            b"+2260728010203Z",
            b"Z",
            b"",
        ] {
            assert_eq!(micros(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
