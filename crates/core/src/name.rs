//! Validated names: what users may call things, with one error type that says what was wrong.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A value that is not of the form asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {shown:?} is not valid: expected {expected}")]
pub struct InvalidValue {
    /// What kind of value it should have been.
    pub what: &'static str,
    /// The value, cut to 80 characters and without control characters.
    pub shown: String,
    /// The form that is accepted.
    pub expected: &'static str,
}

impl InvalidValue {
    /// Describes a refused value; long or unprintable input is cut for display.
    pub fn new(what: &'static str, value: &str, expected: &'static str) -> Self {
        let shown = value.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        Self { what, shown, expected }
    }
}

macro_rules! checked_text {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidValue::new($what, text, $expected)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

checked_text! {
    /// A name used in URLs and commands. It stands in the ledger in clear, so it must not name a person.
    Slug, "name", "1 to 64 of a-z 0-9 . _ -, starting with a letter or digit, not a UUID",
    |t| (1..=64).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && t.as_bytes()[0].is_ascii_alphanumeric()
        // A name never looks like an id, so "name or id" has one meaning.
        && uuid::Uuid::try_parse(t).is_err();
    /// A version label such as `1`, `2.1.0` or `2026-07`.
    Label, "version label", "1 to 64 of A-Z a-z 0-9 . _ + -, starting with a letter or digit",
    |t| (1..=64).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        && t.as_bytes()[0].is_ascii_alphanumeric();
    /// A tag key or value, or another short free label. In clear in the ledger, so no personal data.
    TagText, "tag", "1 to 64 printable characters without leading or trailing space",
    |t| !t.is_empty() && t.chars().count() <= 64 && t.trim() == t && !t.chars().any(char::is_control);
    /// A SHA-256 digest as 64 lower-case hexadecimal digits.
    Digest, "SHA-256 digest", "64 lower-case hexadecimal digits",
    |t| t.len() == 64 && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    /// The id of a control, such as `CTL-CHANGE-02`.
    ControlId, "control id", "CTL-AREA-01: CTL-, then 3 to 40 of A-Z 0-9 -",
    |t| t.strip_prefix("CTL-").is_some_and(|rest| (3..=40).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'));
    /// A source-control commit id.
    Commit, "code commit", "7 to 64 lower-case hexadecimal digits",
    |t| (7..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    /// A media type such as `application/octet-stream`.
    MediaType, "media type", "type/subtype in lower case, at most 127 characters",
    |t| t.len() <= 127
        && t.split('/').count() == 2
        && t.split('/').all(|p| !p.is_empty()
            && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b)));
}

impl Digest {
    /// From the 32 bytes of a digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_cannot_carry_a_path_or_a_space() {
        assert!("credit-scoring.v2".parse::<Slug>().is_ok());
        for bad in ["", "../x", "a/b", "A", "a b", ".hidden", "ü", &"a".repeat(65)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_names_the_value_and_the_form() {
        let error = "a\u{7}b".parse::<Slug>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "name \"a\u{fffd}b\" is not valid: expected 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit, \
             not a UUID"
        );
    }

    #[test]
    fn digests_and_media_types_have_one_spelling() {
        assert!(Digest::from_bytes([0xab; 32]).as_str().parse::<Digest>().is_ok());
        assert!("AB".repeat(32).parse::<Digest>().is_err());
        assert!("text/csv".parse::<MediaType>().is_ok());
        assert!("text".parse::<MediaType>().is_err());
    }
}
