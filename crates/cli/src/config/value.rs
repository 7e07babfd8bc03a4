//! From text to the type of a setting: the same for the file and for the environment.

use comptroller_app::notify::EmailSecurity;
use comptroller_core::Slug;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// A type that a setting may have.
pub(super) trait FromText: Sized {
    /// Reads a text; the error says what is expected.
    fn from_text(text: &str) -> Result<Self, String>;

    /// Reads a setting that may be absent.
    fn from_setting(text: Option<String>) -> Result<Self, String> {
        match text {
            Some(text) => Self::from_text(&text),
            None => Err("has no value".into()),
        }
    }
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is empty".into()) } else { Ok(text.to_owned()) }
    }
}

impl FromText for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is empty".into()) } else { Ok(Self::from(text)) }
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
    }
}

impl FromText for NonZeroU32 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not a whole number from 1 to {}", u32::MAX))
    }
}

impl FromText for u16 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not a port, 0 to {}", Self::MAX))
    }
}

impl FromText for EmailSecurity {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl FromText for SocketAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not ADDRESS:PORT, for example 127.0.0.1:8440"))
    }
}

impl FromText for Slug {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: comptroller_core::InvalidValue| error.to_string())
    }
}

impl<T: FromText> FromText for Option<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        T::from_text(text).map(Some)
    }

    fn from_setting(text: Option<String>) -> Result<Self, String> {
        text.as_deref().map(T::from_text).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_say_what_is_expected() {
        assert!(bool::from_text("yes").unwrap_err().contains("true nor false"));
        assert!(SocketAddr::from_text("8440").unwrap_err().contains("127.0.0.1:8440"));
        assert!(NonZeroU32::from_text("0").unwrap_err().contains("from 1"));
        assert!(Slug::from_text("A B").is_err());
        assert!(String::from_text("").is_err());
        assert_eq!(Option::<String>::from_setting(None), Ok(None));
        assert!(String::from_setting(None).is_err());
    }
}
