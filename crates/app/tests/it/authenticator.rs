//! A software authenticator that makes passkeys and signs with them, and does one thing wrong if told so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comptroller_app::factors::{Assertion, NewPasskey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

/// Where the browser is.
pub(crate) const ORIGIN: &str = "https://governance.example.org";
const SITE: &str = "governance.example.org";

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    /// Made for another name.
    Site,
    /// A page of another site asked.
    Origin,
    /// From within a frame of another site.
    CrossOrigin,
    /// The other ceremony.
    Kind,
    Challenge,
    /// Nobody touched it.
    Absent,
    /// It did not recognise its owner.
    Unverified,
    Signature,
    /// It counts backwards, as a copy does.
    Counter,
    /// It was cut off.
    Short,
}

enum Key {
    P256(EcdsaKeyPair, SystemRandom),
    Ed25519(Ed25519KeyPair),
}

/// A passkey.
pub(crate) struct Authenticator {
    credential: Vec<u8>,
    key: Key,
    counter: u32,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    hex::decode(comptroller_ledger::digest(bytes).to_string()).unwrap()
}

impl Authenticator {
    /// With a key of P-256, which every authenticator has.
    pub(crate) fn p256(name: u8) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        Self { credential: vec![name; 20], key: Key::P256(pair, random), counter: 1 }
    }

    /// With a key of Ed25519; it does not count.
    pub(crate) fn ed25519(name: u8) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self { credential: vec![name; 32], key: Key::Ed25519(pair), counter: 0 }
    }

    pub(crate) fn credential(&self) -> String {
        text(&self.credential)
    }

    /// `navigator.credentials.create`.
    pub(crate) fn create(&self, challenge: &str, wrong: Wrong) -> NewPasskey {
        let mut data = self.head(ATTESTED, wrong);
        data.extend([0; 16]);
        data.extend((self.credential.len() as u16).to_be_bytes());
        data.extend(&self.credential);
        match &self.key {
            Key::P256(pair, _) => {
                let point = pair.public_key().as_ref();
                data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
                data.extend(&point[1..33]);
                data.extend([0x22, 0x58, 0x20]);
                data.extend(&point[33..]);
            }
            Key::Ed25519(pair) => {
                data.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
                data.extend(pair.public_key().as_ref());
            }
        }
        if wrong == Wrong::Short {
            data.pop();
        }
        let client_data = text(&client_data("webauthn.create", challenge, wrong));
        NewPasskey { client_data, authenticator_data: text(&data) }
    }

    /// `navigator.credentials.get`.
    pub(crate) fn get(&mut self, challenge: &str, wrong: Wrong) -> Assertion {
        if matches!(self.key, Key::P256(..)) && wrong != Wrong::Counter {
            self.counter += 1;
        }
        let mut data = self.head(0, wrong);
        if wrong == Wrong::Short {
            data.pop();
        }
        let client_data = client_data("webauthn.get", challenge, wrong);
        let mut signed = data.clone();
        signed.extend(sha256(&client_data));
        if wrong == Wrong::Signature {
            signed.push(0);
        }
        let signature = match &self.key {
            Key::P256(pair, random) => pair.sign(random, &signed).unwrap().as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(&signed).as_ref().to_vec(),
        };
        Assertion {
            credential: self.credential(),
            client_data: text(&client_data),
            authenticator_data: text(&data),
            signature: text(&signature),
        }
    }

    fn head(&self, flags: u8, wrong: Wrong) -> Vec<u8> {
        let mut flags = flags | PRESENT | VERIFIED;
        match wrong {
            Wrong::Absent => flags &= !PRESENT,
            Wrong::Unverified => flags &= !VERIFIED,
            _ => {}
        }
        let site = if wrong == Wrong::Site { "evil.example.org" } else { SITE };
        let mut data = sha256(site.as_bytes());
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn client_data(kind: &str, challenge: &str, wrong: Wrong) -> Vec<u8> {
    let kind = match (wrong, kind) {
        (Wrong::Kind, "webauthn.get") => "webauthn.create",
        (Wrong::Kind, _) => "webauthn.get",
        _ => kind,
    };
    let challenge = if wrong == Wrong::Challenge { text(&[9; 32]) } else { challenge.to_owned() };
    let origin = if wrong == Wrong::Origin { "https://evil.example.org" } else { ORIGIN };
    let cross = wrong == Wrong::CrossOrigin;
    let value = serde_json::json!({
        "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross,
        "other_keys_can_be_added_here": "do not compare this text",
    });
    value.to_string().into_bytes()
}
