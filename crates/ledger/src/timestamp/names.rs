//! Object identifiers of RFC 3161, CMS and X.509, and the algorithms that a token may use.

use der::asn1::ObjectIdentifier;
use rustls_pki_types::SignatureVerificationAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use webpki::ring::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

pub(super) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
pub(super) const TST_INFO: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.4");
pub(super) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
/// ESS signing certificate by SHA-1 (RFC 2634).
pub(super) const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
/// ESS signing certificate by a hash of choice (RFC 5035).
pub(super) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
pub(super) const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
pub(super) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
pub(super) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
pub(super) const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
pub(super) const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
pub(super) const ORGANISATION: ObjectIdentifier = oid("2.5.4.10");
pub(super) const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");

const SHA_1: ObjectIdentifier = oid("1.3.14.3.2.26");
const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_SHA_256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");

/// A hash function that may stand in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashKind {
    /// Only to name a certificate, as RFC 2634 does: nothing is signed over it alone.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashKind {
    pub(super) fn of(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SHA_1 => Some(Self::Sha1),
            SHA_256 => Some(Self::Sha256),
            SHA_384 => Some(Self::Sha384),
            SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// The ways to verify a signature of this algorithm over this hash; none if it is not taken.
///
/// Which of them fits the key is for the certificate to say.
pub(super) fn verifiers(
    signature: ObjectIdentifier,
    hash: HashKind,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    match (signature, hash) {
        (RSA | RSA_SHA_256, HashKind::Sha256) => vec![RSA_PKCS1_2048_8192_SHA256],
        (RSA | RSA_SHA_384, HashKind::Sha384) => vec![RSA_PKCS1_2048_8192_SHA384],
        (RSA | RSA_SHA_512, HashKind::Sha512) => vec![RSA_PKCS1_2048_8192_SHA512],
        (ECDSA_SHA_256, HashKind::Sha256) => vec![ECDSA_P256_SHA256, ECDSA_P384_SHA256],
        (ECDSA_SHA_384, HashKind::Sha384) => vec![ECDSA_P256_SHA384, ECDSA_P384_SHA384],
        _ => vec![],
    }
}
