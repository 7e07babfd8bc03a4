//! Who calls: reads the credential and the idempotency key from the headers. Whether they are good is for app to say.
//!
//! A browser sends the cookie of a session by itself, also when another site makes it send a request. A session
//! therefore changes something only if the browser says that the request comes from a page of ours.

use crate::account::cookie;
use crate::problem::Problem;
use crate::state::ServerState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_app::{AppError, Call, Caller};

/// Longest `Authorization` header that is looked at, in bytes.
const MAX_AUTHORIZATION: usize = 1_024;

/// The authenticated caller of a read.
pub(crate) struct Authenticated(pub(crate) Caller);

/// The authenticated caller of a write, with the idempotency key if there is one.
pub(crate) struct Keyed(pub(crate) Call);

/// As [`Keyed`], by an invitation.
pub(crate) struct Invited(pub(crate) Call);

impl FromRequestParts<ServerState> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let token = match session(parts, state.app.sign_in_url())? {
            Some(session) => session,
            None => credential(&parts.headers)?,
        };
        Ok(Self(state.app.authenticate(&token).await?))
    }
}

impl FromRequestParts<ServerState> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        keyed(caller, &parts.headers).map(Self)
    }
}

impl FromRequestParts<ServerState> for Invited {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let caller = state.app.authenticate_invitation(&credential(&parts.headers)?).await?;
        keyed(caller, &parts.headers).map(Self)
    }
}

fn keyed(caller: Caller, headers: &HeaderMap) -> Result<Call, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = keys.next();
    if keys.next().is_some() {
        return Err(Problem::invalid("Idempotency-Key", "the header is there more than once"));
    }
    // What is not ASCII is refused by the use case, with the form that is accepted.
    let key = key.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Call::keyed(caller, key)?)
}

/// The session's cookie, if the request has no other credential and is one that a session may make.
fn session(parts: &Parts, ours: Option<&str>) -> Result<Option<String>, AppError> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let Some(session) = cookie::read(&parts.headers, cookie::SESSION)? else { return Ok(None) };
    if !parts.method.is_safe() && !comes_from(&parts.headers, ours) {
        return Err(AppError::Unauthenticated(
            "a session changes something only from this server's own pages",
        ));
    }
    Ok(Some(session))
}

/// Whether the browser says that a page of `ours`, the server's own address, makes the request (Fetch Metadata; for
/// older browsers the Origin header of RFC 6454).
pub(crate) fn comes_from(headers: &HeaderMap, ours: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    match (headers.get(header::ORIGIN), ours) {
        (Some(origin), Some(ours)) => origin.as_bytes().eq_ignore_ascii_case(ours.as_bytes()),
        _ => false,
    }
}

/// The token text of `Bearer TOKEN`, or of `Basic` with the token as password (the MLflow client sends that).
fn credential(headers: &HeaderMap) -> Result<String, AppError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(AppError::Unauthenticated("the request carries no credential"))?;
    let malformed =
        AppError::Unauthenticated("the Authorization header is neither `Bearer TOKEN` nor `Basic ...`");
    if values.next().is_some() {
        return Err(AppError::Unauthenticated("the Authorization header is there more than once"));
    }
    let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Err(malformed);
    };
    let rest = rest.trim();
    if value.len() > MAX_AUTHORIZATION || rest.is_empty() {
        return Err(malformed);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed);
    }
    let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((_, password)) => Ok(password.to_owned()),
        None => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(values: &[&'static str]) -> Result<String, AppError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        credential(&headers)
    }

    #[test]
    fn bearer_and_basic_give_the_token() {
        assert_eq!(read(&["Bearer cmp_x"]).unwrap(), "cmp_x");
        assert_eq!(read(&["bearer  cmp_x "]).unwrap(), "cmp_x");
        // "any:cmp_x:y" in Base64: only the first colon divides (RFC 7617).
        assert_eq!(read(&["Basic YW55OmNtcF94Onk="]).unwrap(), "cmp_x:y");
    }

    #[test]
    fn only_our_own_pages_speak_for_a_session() {
        let ours = Some("https://governance.example.org");
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            headers
        };
        let site = |value| headers(&[("sec-fetch-site", value)]);
        assert!(comes_from(&site("same-origin"), ours));
        assert!(comes_from(&headers(&[("origin", "https://governance.example.org")]), ours));
        for other in ["cross-site", "same-site", "none", ""] {
            assert!(!comes_from(&site(other), ours), "{other}");
        }
        for origin in ["null", "https://evil.example.org", "http://governance.example.org", ""] {
            assert!(!comes_from(&headers(&[("origin", origin)]), ours), "{origin}");
        }
        let both = headers(&[("sec-fetch-site", "cross-site"), ("origin", "https://governance.example.org")]);
        assert!(!comes_from(&both, ours));
        assert!(!comes_from(&HeaderMap::new(), ours));
        assert!(!comes_from(&headers(&[("origin", "null")]), None));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in ["", "Bearer", "Bearer ", "Basic %%%", "Basic YW55", "Digest abc", "cmp_x"] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
        assert!(read(&[]).is_err());
        assert!(read(&["Bearer a", "Bearer b"]).is_err());
    }
}
