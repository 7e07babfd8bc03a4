//! Bodies, queries and path parts, refused as problems when they do not have the documented shape.
//!
//! Unknown fields are refused: the commands and the query types say so themselves. JSON of the right syntax and the
//! wrong shape is 400, like any other invalid input. NUL characters are refused everywhere, since PostgreSQL cannot
//! store them in text.

use crate::problem::{Code, Problem};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use comptroller_app::predictions::Format;
use serde::de::DeserializeOwned;

/// The media types of records.
const FORMATS: [(&str, Format); 5] = [
    ("application/json", Format::Json),
    ("application/x-ndjson", Format::Ndjson),
    ("application/jsonl", Format::Ndjson),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
    ("application/vnd.apache.parquet", Format::Parquet),
];

/// A JSON body of type `T`.
pub(crate) struct Body<T>(pub(crate) T);

/// A body of raw bytes: one part of an upload.
pub(crate) struct Raw(pub(crate) Bytes);

/// A batch of records, in the format that its media type names.
pub(crate) struct Records(pub(crate) Format, pub(crate) Bytes);

/// The query string as `T`.
pub(crate) struct Params<T>(pub(crate) T);

/// The variable parts of the path as `T`.
pub(crate) struct Segment<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_type(request.headers(), "application/json", false)?;
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| bytes_problem(&rejection))?;
        if has_escaped_nul(&bytes) {
            return Err(Problem::invalid(
                "body",
                "the body has a NUL character (\\u0000); text cannot hold it",
            ));
        }
        // serde would read an array as the fields of a struct in their order; the documented shape is an object.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Problem::invalid("body", "the body is a list; send the documented object"));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_data() => {
                Err(Problem::invalid("body", format!("the body does not have the documented shape: {error}")))
            }
            Err(error) => Err(Problem::invalid("body", format!("the body is not JSON: {error}"))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_type(request.headers(), "application/octet-stream", true)?;
        Ok(Self(Bytes::from_request(request, state).await.map_err(|rejection| bytes_problem(&rejection))?))
    }
}

impl<S: Send + Sync> FromRequest<S> for Records {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let essence = essence(request.headers());
        let known = FORMATS.iter().find(|(name, _)| essence.eq_ignore_ascii_case(name));
        let Some((_, format)) = known else {
            let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                format!("the Content-Type is {essence:?}"),
                format!("send records as one of {}", names.join(", ")),
            ));
        };
        let format = *format;
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| bytes_problem(&rejection))?;
        Ok(Self(format, bytes))
    }
}

impl<S, T> FromRequestParts<S> for Params<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid("query", rejection.body_text())),
        }
    }
}

impl<S, T> FromRequestParts<S> for Segment<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                Err(Problem::internal(rejection.body_text()))
            }
            Err(rejection) => {
                // The URL is our clients' business: whoever named the thing hears what is wrong with its name.
                let text = rejection.body_text();
                Err(Problem::invalid("path", text.strip_prefix("Invalid URL: ").unwrap_or(&text)))
            }
        }
    }
}

/// Refuses another media type; parameters such as `charset` do not matter.
fn check_type(headers: &HeaderMap, expected: &'static str, may_be_absent: bool) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE);
    if given.is_none() && may_be_absent {
        return Ok(());
    }
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = essence(headers);
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = if given.is_empty() {
        "the request has no Content-Type".to_owned()
    } else {
        format!("the Content-Type is {given:?}")
    };
    Err(Problem::new(
        Code::UnsupportedMediaType,
        detail,
        format!("send the body as `Content-Type: {expected}`"),
    ))
}

/// The media type without its parameters; empty if there is none.
fn essence(headers: &HeaderMap) -> String {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().to_owned()
}

fn bytes_problem(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            Code::TooLarge,
            "the body is larger than this path accepts",
            "JSON bodies have at most 1 MiB, upload parts 8 MiB and batches of records 16 MiB; send files as uploads, in parts",
        );
    }
    Problem::invalid("body", "the body ended before it was complete")
}

/// Whether JSON text has a NUL character, which it can only spell `\u0000`: a raw one is no JSON.
fn has_escaped_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at + 1..];
        if escape.starts_with(b"u0000") {
            return true;
        }
        // The character after a backslash belongs to the escape, a second backslash too.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_found_and_an_escaped_backslash_is_not_one() {
        assert!(has_escaped_nul(br#"{"a":"x\u0000"}"#));
        assert!(has_escaped_nul(br#"{"a":"\\\u0000"}"#));
        assert!(!has_escaped_nul(br#"{"a":"\\u0000"}"#));
        assert!(!has_escaped_nul(br#"{"a":"\u00e9\n"}"#));
        assert!(!has_escaped_nul(b"\\"));
        assert!(!has_escaped_nul(b""));
    }

    #[test]
    fn a_media_type_may_carry_parameters() {
        let mut headers = HeaderMap::new();
        assert!(check_type(&headers, "application/json", false).is_err());
        assert!(check_type(&headers, "application/octet-stream", true).is_ok());
        headers.insert(header::CONTENT_TYPE, "Application/JSON; charset=utf-8".parse().unwrap());
        assert!(check_type(&headers, "application/json", false).is_ok());
        headers.insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
        assert!(check_type(&headers, "application/json", false).is_err());
    }
}
