//! Passkeys: what an authenticator says about its key and about one use of it (W3C Web Authentication level 2).
//!
//! No attestation: which make an authenticator is of, nobody here asks. So of a registration only the authenticator data
//! are read (section 6.1), in which CTAP2 fixes the encoding of the key byte by byte, and no CBOR has to be parsed.
//! Signatures are verified by `ring`, which is in the tree through TLS.

use crate::AppError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comptroller_core::Digest;
use comptroller_ledger::digest;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest part of what an authenticator says, in bytes of text.
const MAX_TEXT: usize = 8_192;
/// Longest credential id (section 4, credential id).
const MAX_CREDENTIAL: usize = 1_023;
/// Bytes of the hash of the relying party, the flags and the counter.
const HEAD: usize = 37;
/// Bytes of the make of the authenticator.
const MAKE: usize = 16;

/// Flags of the authenticator data (section 6.1): somebody was there, and was recognised.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// A key follows.
const ATTESTED: u8 = 0x40;
/// Something follows the key.
const EXTENDED: u8 = 0x80;

/// ES256, COSE_Key in canonical CBOR: EC2, -7, P-256, x of 32 bytes; then y (RFC 9053 sections 2.1 and 7.1.1).
const P256_HEAD: [u8; 10] = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const P256_MIDDLE: [u8; 3] = [0x22, 0x58, 0x20];
/// EdDSA, likewise: OKP, -8, Ed25519, x of 32 bytes (RFC 9053 sections 2.2 and 7.2).
const ED25519_HEAD: [u8; 10] = [0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];

/// A new passkey, as `navigator.credentials.create` gave it. Everything is base64url without padding.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.getAuthenticatorData()`.
    pub authenticator_data: String,
}

/// One use of a passkey, as `navigator.credentials.get` gave it. Everything is base64url without padding.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// `id` of the credential.
    pub credential: String,
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.authenticatorData`.
    pub authenticator_data: String,
    /// `response.signature`.
    pub signature: String,
}

/// What is kept of a passkey, sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The credential id, base64url.
    pub(super) credential: String,
    key: Key,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Key {
    /// An uncompressed point of P-256, base64url.
    Es256(String),
    /// A point of Ed25519, base64url.
    EdDsa(String),
}

/// Whom a passkey is for: this server, as browsers know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'s> {
    /// Scheme, name and port.
    pub(super) origin: &'s str,
    /// The name alone.
    pub(super) name: &'s str,
}

impl<'s> Site<'s> {
    /// The site of an address that has no path.
    pub(super) fn of(origin: &'s str) -> Self {
        let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        let name = match rest.strip_prefix('[') {
            // An address of IPv6 has colons of its own; browsers make no passkey for one.
            Some(_) => rest,
            None => rest.split_once(':').map_or(rest, |(name, _)| name),
        };
        Self { origin, name }
    }
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

/// Text of bytes.
pub(super) fn to_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The digest by which a credential is found and named in the log.
pub(super) fn name_of(credential: &str) -> Option<Digest> {
    let id = bytes(credential).filter(|id| !id.is_empty() && id.len() <= MAX_CREDENTIAL)?;
    digest(&id).to_string().parse().ok()
}

/// The challenge that the browser was given, if it was asked by this site for this kind of act.
fn challenge(client_data: &[u8], kind: &str, site: Site<'_>) -> Option<String> {
    let data: ClientData = serde_json::from_slice(client_data).ok()?;
    let ours = data.kind == kind && data.origin == site.origin && !data.cross_origin;
    ours.then_some(data.challenge)
}

/// The flags and the counter of authenticator data that are for this site, made with somebody there who was recognised.
fn head(data: &[u8], site: Site<'_>) -> Option<(u8, u32)> {
    let (of_site, rest) = data.split_first_chunk::<32>()?;
    let (flags, rest) = rest.split_first()?;
    let (counter, _) = rest.split_first_chunk::<4>()?;
    let ours = digest(site.name.as_bytes()).to_string() == hex::encode(of_site);
    let there = flags & PRESENT != 0 && flags & VERIFIED != 0;
    (ours && there).then_some((*flags, u32::from_be_bytes(*counter)))
}

/// The key behind a credential id, and nothing after it but extensions.
fn key(cose: &[u8], extended: bool) -> Option<Key> {
    let (key, rest) = if let Some(rest) = cose.strip_prefix(&P256_HEAD) {
        let (x, rest) = rest.split_first_chunk::<32>()?;
        let (y, rest) = rest.strip_prefix(&P256_MIDDLE)?.split_first_chunk::<32>()?;
        let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
        (Key::Es256(to_text(&point)), rest)
    } else {
        let (x, rest) = cose.strip_prefix(&ED25519_HEAD)?.split_first_chunk::<32>()?;
        (Key::EdDsa(to_text(x)), rest)
    };
    (rest.is_empty() || extended).then_some(key)
}

/// Reads a new passkey that was made for `expected`, the challenge of its enrolment. Answers what to keep and the
/// counter.
///
/// # Errors
/// One text that says what such a passkey has to be.
pub(super) fn register(new: &NewPasskey, expected: &str, site: Site<'_>) -> Result<(Kept, u32), AppError> {
    registered(new, expected, site).ok_or_else(|| {
        AppError::invalid(
            "passkey",
            "it was not made here and now for this enrolment, with its owner recognised, or its key is neither ES256 \
             nor EdDSA",
        )
    })
}

fn registered(new: &NewPasskey, expected: &str, site: Site<'_>) -> Option<(Kept, u32)> {
    let client_data = bytes(&new.client_data)?;
    if challenge(&client_data, "webauthn.create", site)? != expected {
        return None;
    }
    let data = bytes(&new.authenticator_data)?;
    let (flags, counter) = head(&data, site)?;
    if flags & ATTESTED == 0 {
        return None;
    }
    let rest = data.get(HEAD + MAKE..)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > MAX_CREDENTIAL || length > rest.len() {
        return None;
    }
    let (id, cose) = rest.split_at(length);
    Some((Kept { credential: to_text(id), key: key(cose, flags & EXTENDED != 0)? }, counter))
}

impl Assertion {
    /// The challenge that was signed, if this site asked for it.
    pub(super) fn challenge(&self, site: Site<'_>) -> Option<String> {
        challenge(&bytes(&self.client_data)?, "webauthn.get", site)
    }

    /// Whether the key signed it after the use counted `last`; answers the counter of this use.
    ///
    /// Many authenticators do not count and always say 0. One that counts and does not count on was copied.
    pub(super) fn verify(&self, kept: &Kept, last: i64, site: Site<'_>) -> Option<i64> {
        let data = bytes(&self.authenticator_data)?;
        let (_, counter) = head(&data, site)?;
        let counter = i64::from(counter);
        if (counter != 0 || last != 0) && counter <= last {
            return None;
        }
        let client_data = bytes(&self.client_data)?;
        let of_client = hex::decode(digest(&client_data).to_string()).ok()?;
        let signed = [data, of_client].concat();
        let signature = bytes(&self.signature)?;
        let verified = match &kept.key {
            Key::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes(point)?).verify(&signed, &signature)
            }
            Key::EdDsa(point) => UnparsedPublicKey::new(&ED25519, bytes(point)?).verify(&signed, &signature),
        };
        verified.ok().map(|()| counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_the_name_without_scheme_and_port() {
        for (origin, name) in [
            ("https://governance.example.org", "governance.example.org"),
            ("https://governance.example.org:8443", "governance.example.org"),
            ("http://localhost:8440", "localhost"),
        ] {
            assert_eq!(Site::of(origin).name, name);
        }
    }

    #[test]
    fn a_key_has_one_encoding() {
        let p256 = [P256_HEAD.as_slice(), &[1; 32], &P256_MIDDLE, &[2; 32]].concat();
        let point = [&[4], [1; 32].as_slice(), &[2; 32]].concat();
        assert_eq!(key(&p256, false), Some(Key::Es256(to_text(&point))));
        let ed25519 = [ED25519_HEAD.as_slice(), &[3; 32]].concat();
        assert_eq!(key(&ed25519, false), Some(Key::EdDsa(to_text(&[3; 32]))));
        for good in [&p256, &ed25519] {
            let longer = [good.as_slice(), &[0xa0]].concat();
            assert_eq!(key(&longer, false), None);
            assert!(key(&longer, true).is_some());
            for cut in 0..good.len() {
                assert_eq!(key(&good[..cut], true), None, "{cut}");
            }
        }
        // Another curve, another algorithm.
        for at in 1..10 {
            let mut other = p256.clone();
            other[at] ^= 1;
            assert_eq!(key(&other, false), None, "{at}");
        }
    }
}
