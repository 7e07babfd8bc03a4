//! Who calls: reads the credential and the idempotency key from the headers. Whether they are good is for app to say.

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
        let token = credential(&parts.headers)?;
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
    fn everything_else_is_refused() {
        for bad in ["", "Bearer", "Bearer ", "Basic %%%", "Basic YW55", "Digest abc", "cmp_x"] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
        assert!(read(&[]).is_err());
        assert!(read(&["Bearer a", "Bearer b"]).is_err());
    }
}
