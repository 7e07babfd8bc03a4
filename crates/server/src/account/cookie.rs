//! Two cookies: one for a session, one for a sign-in under way.
//!
//! The prefix `__Host-` makes browsers accept them only from this very host, over TLS (or loopback) and for every path,
//! so that another site of the same domain cannot plant one (RFC 6265bis, section 4.1.3.2).

use axum::http::{HeaderMap, HeaderValue, header};
use comptroller_app::AppError;

/// The secret of a session.
pub(crate) const SESSION: &str = "__Host-comptroller-session";
/// What has to come back from the identity provider.
pub(super) const SIGN_IN: &str = "__Host-comptroller-sign-in";

/// Longest `Cookie` header that is looked at, in bytes.
const MAX_HEADER: usize = 8_192;

/// The value of a cookie; none if the request has none of this name.
///
/// # Errors
/// Two of one name: one of them was not set here.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Result<Option<String>, AppError> {
    let mut found = None;
    for header in headers.get_all(header::COOKIE) {
        let Some(text) = header.to_str().ok().filter(|text| text.len() <= MAX_HEADER) else { continue };
        for pair in text.split(';') {
            let Some((key, value)) = pair.trim().split_once('=') else { continue };
            if key != name || value.is_empty() {
                continue;
            }
            if found.is_some() {
                return Err(AppError::Unauthenticated("the request has the same cookie twice"));
            }
            found = Some(value.to_owned());
        }
    }
    Ok(found)
}

/// The header that sets a cookie for `seconds`; 0 takes it away.
///
/// `Lax`, since the browser must send both on the way back from the identity provider; see [`crate::auth`] for writes.
pub(super) fn set(name: &str, value: &str, seconds: i64) -> Result<HeaderValue, AppError> {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    HeaderValue::from_str(&text).map_err(|_| AppError::Internal("a cookie with a bad value".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_among_others_and_never_guessed_between_two() {
        let name = SESSION;
        let one = headers(&["a=b; __Host-comptroller-session=x; c=d"]);
        assert_eq!(read(&one, name).unwrap().as_deref(), Some("x"));
        assert_eq!(read(&headers(&["a=b", "c"]), name).unwrap(), None);
        assert_eq!(read(&headers(&["x__Host-comptroller-session=x"]), name).unwrap(), None);
        for twice in [
            &["__Host-comptroller-session=x; __Host-comptroller-session=y"][..],
            &["__Host-comptroller-session=x", "__Host-comptroller-session=y"],
        ] {
            assert!(read(&headers(twice), name).is_err());
        }
    }
}
