//! A question to an authority and its answer: TimeStampReq and TimeStampResp (RFC 3161 section 2.4).

use super::TimestampError;
use super::fields::Fields;
use super::token::Token;
use super::verify::{Anchors, Stamp, verify};
use crate::hash::{digest, excerpt};
use der::Tag;

/// The reasons in a refusal, by bit (RFC 3161 section 2.4.2).
const REASONS: &[(usize, &str)] = &[
    (0, "it does not take SHA-256"),
    (2, "it does not allow this request"),
    (5, "the request has the wrong form"),
    (14, "its clock is not available"),
    (15, "it does not know the policy"),
    (16, "it does not know an extension"),
    (17, "it cannot state what was asked for"),
    (25, "it failed by itself"),
];

/// A question about one text. Its nonce ties the answer to it.
#[derive(Clone, Debug)]
pub struct Query {
    text: Vec<u8>,
    nonce: [u8; 8],
}

impl Query {
    /// A question about `text`, with random bytes that are used for nothing else.
    pub fn new(text: &[u8], random: [u8; 8]) -> Self {
        let mut nonce = random;
        // A positive INTEGER of eight bytes, whatever the bytes are: 62 random bits are left.
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        Self { text: text.to_vec(), nonce }
    }

    /// The DER bytes that are posted as `application/timestamp-query`. The certificate is asked for.
    pub fn to_der(&self) -> Vec<u8> {
        // SEQUENCE { version 1, messageImprint { { SHA-256, NULL }, OCTET STRING }, nonce, certReq TRUE }
        let mut bytes = vec![0x30, 67, 0x02, 1, 1, 0x30, 49, 0x30, 13];
        bytes.extend([0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0]);
        bytes.extend([0x04, 32]);
        bytes.extend(digest(&self.text).as_bytes());
        bytes.extend([0x02, 8]);
        bytes.extend(self.nonce);
        bytes.extend([0x01, 1, 0xff]);
        bytes
    }

    /// The token in an answer, if it answers this question and verifies in full under `anchors`.
    pub fn accept(&self, answer: &[u8], anchors: &Anchors) -> Result<(Vec<u8>, Stamp), TimestampError> {
        const PART: &str = "answer";
        let mut fields = Fields::of_sequence(answer, PART)?;
        read_status(fields.sequence("status")?)?;
        let token = fields.raw()?;
        fields.end()?;
        if Token::parse(token)?.info.nonce != Some(&self.nonce[..]) {
            return Err(TimestampError::Nonce);
        }
        let stamp = verify(token, &self.text, Some(anchors))?;
        Ok((token.to_vec(), stamp))
    }
}

/// Refuses every status but `granted` and `grantedWithMods`; what was modified is found by verifying the token.
fn read_status(mut fields: Fields<'_>) -> Result<(), TimestampError> {
    const GRANTED_WITH_MODS: u64 = 1;
    let status = fields.small(Tag::Integer)?.ok_or_else(|| fields.problem("there is none"))?;
    if status <= GRANTED_WITH_MODS {
        return Ok(());
    }
    let mut reasons = Vec::new();
    if let Some(words) = fields.optional(Tag::Sequence)? {
        let mut words = Fields::of(words, "status text")?;
        while !words.is_empty() {
            reasons.push(excerpt(&String::from_utf8_lossy(words.next(Tag::Utf8String)?)));
        }
    }
    if let Some(bits) = fields.optional(Tag::BitString)? {
        // The first byte counts unused bits.
        let is_set = |bit: usize| bits.get(1 + bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        reasons.extend(REASONS.iter().filter(|(bit, _)| is_set(*bit)).map(|(_, text)| (*text).to_owned()));
    }
    reasons.truncate(4);
    let said = if reasons.is_empty() { "it gives no reason".to_owned() } else { reasons.join("; ") };
    Err(TimestampError::Refused(format!("status {status}: {said}")))
}
