//! Verifies a token: what it is about, its signature, its certificate, and the chain to a trusted authority.
//!
//! Must not take trust from the token: trusted certificates come from whoever verifies.

use super::certificate::Certificate;
use super::fields::{Fields, tagged};
use super::names::{self, HashKind};
use super::token::{Signer, SignerId, Token};
use super::{MAX_ANCHOR_BYTES, TimestampError};
use crate::hash::digest;
use der::Tag;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// The purpose of time-stamping, 1.3.6.1.5.5.7.3.8, as its DER content.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Most trusted certificates.
const MAX_ANCHORS: usize = 256;

/// The certificates that somebody trusts to vouch for authorities.
#[derive(Clone, Debug)]
pub struct Anchors(Vec<TrustAnchor<'static>>);

impl Anchors {
    /// Reads the certificates of a PEM file; there must be one at least.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TimestampError> {
        let refused = |problem: String| TimestampError::Anchors(problem);
        if pem.len() > MAX_ANCHOR_BYTES {
            return Err(refused(format!("more than {MAX_ANCHOR_BYTES} bytes")));
        }
        let mut anchors = Vec::new();
        for (at, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let certificate = certificate.map_err(|error| refused(format!("not PEM: {error:?}")))?;
            let anchor = anchor_from_trusted_cert(&certificate)
                .map_err(|error| refused(format!("certificate {} is not usable: {error}", at + 1)))?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() || anchors.len() > MAX_ANCHORS {
            return Err(refused(format!("{} certificates, expected 1 to {MAX_ANCHORS}", anchors.len())));
        }
        Ok(Self(anchors))
    }
}

/// What a token states, verified as far as [`Stamp::is_trusted`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The text existed before this moment, in microseconds since 1970 UTC.
    pub time: i64,
    /// How far the time may be off, in microseconds; `None` if the authority does not say.
    pub accuracy: Option<u64>,
    /// What the signer is called in its certificate: 1 to 64 printable characters.
    pub authority: String,
    /// Serial number of the token, hexadecimal.
    pub serial: String,
    /// The authority's policy, an object identifier.
    pub policy: String,
    /// Whether the signer's certificate leads to a trusted one. If not, anybody may have made the token.
    pub is_trusted: bool,
}

/// Verifies that `token` is a time-stamp of `text`.
///
/// Without `anchors` everything but the chain is checked, and [`Stamp::is_trusted`] is false.
pub fn verify(token: &[u8], text: &[u8], anchors: Option<&Anchors>) -> Result<Stamp, TimestampError> {
    let token = Token::parse(token)?;
    if token.info.imprint != digest(text).as_bytes() {
        return Err(TimestampError::Imprint("it is about other bytes"));
    }
    let certificate = signer_certificate(&token)?;
    certificate.check_purpose()?;
    check_signature(&token, &certificate)?;
    if let Some(anchors) = anchors {
        check_chain(&token, &certificate, anchors)?;
    }
    Ok(Stamp {
        time: token.info.time,
        accuracy: token.info.accuracy,
        authority: certificate.authority(),
        serial: hex::encode(token.info.serial),
        policy: token.info.policy.to_string(),
        is_trusted: anchors.is_some(),
    })
}

/// The certificate that the signed attributes name. INVARIANT (one-signer): a name outside the signature proves
/// nothing, so it must be the one that the signature names, too.
fn signer_certificate<'a>(token: &Token<'a>) -> Result<Certificate<'a>, TimestampError> {
    for raw in &token.certificates {
        // Other forms than X.509 certificates are not those of an authority.
        let Ok(certificate) = Certificate::parse(raw) else { continue };
        let named = match token.signer.id {
            SignerId::Serial { issuer, serial } => {
                certificate.issuer == issuer && certificate.serial == serial
            }
            SignerId::KeyIdentifier(identifier) => certificate.key_identifier()? == Some(identifier),
        };
        if named {
            check_named(&token.signer, &certificate)?;
            return Ok(certificate);
        }
    }
    Err(TimestampError::Certificate("is not in the token".into()))
}

/// Checks the ESS attribute, in either or both of its forms (RFC 2634 section 5.4, RFC 5035 section 3, RFC 5816).
fn check_named(signer: &Signer<'_>, certificate: &Certificate<'_>) -> Result<(), TimestampError> {
    const PART: &str = "signing certificate attribute";
    let mut forms = 0;
    for (oid, fixed) in
        [(names::SIGNING_CERTIFICATE, Some(HashKind::Sha1)), (names::SIGNING_CERTIFICATE_V2, None)]
    {
        let Some(value) = signer.attribute(oid)? else { continue };
        forms += 1;
        // The first certificate is the signer's; those behind it are of its chain.
        let mut first = Fields::of_sequence(value, PART)?.sequence(PART)?.sequence(PART)?;
        let hash = match fixed {
            Some(hash) => hash,
            None => read_hash(&mut first)?,
        };
        if first.next(Tag::OctetString)? != hash.digest(certificate.raw) {
            return Err(TimestampError::Signature("it names another certificate".into()));
        }
        if let Some(value) = first.optional(Tag::Sequence)? {
            let mut pair = Fields::of(value, PART)?;
            let issuer = Fields::of(pair.next(Tag::Sequence)?, PART)?.next(tagged(4))?;
            if issuer != certificate.issuer || pair.next(Tag::Integer)? != certificate.serial {
                return Err(TimestampError::Signature("it names another issuer or serial number".into()));
            }
        }
    }
    if forms == 0 {
        return Err(TimestampError::Signature("it does not name its certificate".into()));
    }
    Ok(())
}

/// The hash of ESSCertIDv2: SHA-256 unless another one is written.
fn read_hash(first: &mut Fields<'_>) -> Result<HashKind, TimestampError> {
    // Both fields that may stand here are told apart by their tags.
    let mut fields = match first.optional(Tag::Sequence)? {
        Some(value) => Fields::of(value, "hash algorithm")?,
        None => return Ok(HashKind::Sha256),
    };
    let oid = fields.oid()?;
    fields.optional(Tag::Null)?;
    fields.end()?;
    HashKind::of(oid).ok_or_else(|| TimestampError::Signature(format!("hash algorithm {oid} is not taken")))
}

/// The signature is over the attributes, and these hold the digest of the content (RFC 5652 section 5.4).
fn check_signature(token: &Token<'_>, certificate: &Certificate<'_>) -> Result<(), TimestampError> {
    let refused = |problem: String| TimestampError::Signature(problem);
    let signer = &token.signer;
    let kind = signer.attribute(names::CONTENT_TYPE)?.map(|value| Fields::of(value, "content type"));
    if kind.transpose()?.map(|mut value| value.oid()).transpose()? != Some(names::TST_INFO) {
        return Err(refused("its signed attributes are not those of a time-stamp".into()));
    }
    let stated = match signer.attribute(names::MESSAGE_DIGEST)? {
        Some(value) => Fields::of(value, "message digest")?.next(Tag::OctetString)?,
        None => return Err(refused("it does not cover the content".into())),
    };
    if stated != signer.hash.digest(token.content) {
        return Err(refused("the content is not the one that was signed".into()));
    }
    let der = CertificateDer::from(certificate.raw);
    let key = EndEntityCert::try_from(&der)
        .map_err(|error| TimestampError::Certificate(format!("cannot be used: {error}")))?;
    let verifiers = names::verifiers(signer.algorithm, signer.hash);
    if verifiers.is_empty() {
        return Err(refused(format!("algorithm {} with {:?} is not taken", signer.algorithm, signer.hash)));
    }
    let mut message = signer.attributes.to_vec();
    // The attributes are signed as the SET that they are, and sent with a tag of their own.
    message[0] = 0x31;
    if verifiers.iter().any(|verifier| key.verify_signature(*verifier, &message, signer.signature).is_ok()) {
        return Ok(());
    }
    Err(refused("the signature is wrong, or by an algorithm that does not fit the key".into()))
}

/// A chain of certificates from the signer to a trusted one, all valid at the time of the token.
fn check_chain(
    token: &Token<'_>,
    certificate: &Certificate<'_>,
    anchors: &Anchors,
) -> Result<(), TimestampError> {
    let untrusted = |error: webpki::Error| TimestampError::Untrusted(error.to_string());
    let der = CertificateDer::from(certificate.raw);
    let signer = EndEntityCert::try_from(&der).map_err(untrusted)?;
    let others: Vec<CertificateDer<'_>> = token
        .certificates
        .iter()
        .filter(|raw| **raw != certificate.raw)
        .map(|raw| CertificateDer::from(*raw))
        .collect();
    let time = u64::try_from(token.info.time).map_err(|_| untrusted(webpki::Error::BadDerTime))?;
    let time = UnixTime::since_unix_epoch(Duration::from_micros(time));
    // The signer's own purpose was checked more strictly; a purpose of an authority above it binds it, too.
    let usage = KeyUsage::required_if_present(TIME_STAMPING);
    signer
        .verify_for_usage(ALL_VERIFICATION_ALGS, &anchors.0, &others, time, usage, None, None)
        .map(|_| ())
        .map_err(untrusted)
}
