//! Errors on the wire: problem details (RFC 9457) with a stable `code` and a remedy.
//!
//! Everything that can go wrong becomes a [`Problem`] here, so that no answer has a shape of its own. The text of an
//! internal error never reaches a caller: it travels beside the response ([`Cause`]) to the one place that logs it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use comptroller_app::AppError;
use comptroller_app::deploy::refusal_rules;
use comptroller_app::gate::RuleView;
use comptroller_core::vocab::Outcome;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Longest `detail`, in bytes; what a caller sent is quoted in it.
const MAX_DETAIL: usize = 600;
/// Seconds after which a caller may try again when the server takes no work now.
const RETRY_AFTER: &str = "5";

/// Problem details (RFC 9457) of an act that did not happen.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:comptroller:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of problem it is, in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong, and where.
    detail: String,
    /// Stable code for programs.
    code: &'static str,
    /// What can be done about it, and by whom.
    remedy: String,
    /// The input that was not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Of a refusal by policy: what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Of a refusal by policy: every rule that stands against the act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    rules: Vec<RuleView>,
}

/// A problem on its way to the caller.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    body: Box<ProblemBody>,
    cause: Option<String>,
}

/// Why we failed, for the log only.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl Problem {
    /// A problem with its code, which also gives status and title.
    pub(crate) fn new(code: Code, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (status, text, title) = code.parts();
        let body = ProblemBody {
            kind: format!("urn:comptroller:problem:{text}"),
            title,
            status: status.as_u16(),
            detail: shorten(detail.into()),
            code: text,
            remedy: remedy.into(),
            field: None,
            outcome: None,
            rules: Vec::new(),
        };
        Self { status, body: Box::new(body), cause: None }
    }

    /// Our fault; `cause` is for the log.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let detail = "the server could not do this; nothing is known to have changed";
        let remedy = "the operator finds the cause in the server's log under the answer's x-request-id";
        Self::new(Code::Internal, detail, remedy).because(cause)
    }

    /// Adds what is for the log only.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Input that is not valid.
    pub(crate) fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        let remedy = "correct the named input and send the request again; /docs shows its shape";
        let mut problem = Self::new(Code::InvalidInput, detail, remedy);
        problem.body.field = Some(field);
        problem
    }
}

/// Cuts a text at a character boundary.
fn shorten(mut text: String) -> String {
    if text.len() > MAX_DETAIL {
        let end = (0..=MAX_DETAIL).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// The stable codes. A code never changes its meaning or its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidInput,
    Unauthenticated,
    Denied,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    Internal,
    Busy,
    StorageFull,
    Outside,
    ReadOnly,
    NotReady,
    Overloaded,
}

impl Code {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidInput => (StatusCode::BAD_REQUEST, "invalid-input", "The input is not valid"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "No valid credential"),
            Self::Denied => (StatusCode::FORBIDDEN, "denied", "Policy does not allow this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "This does not exist"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method does not fit the path")
            }
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "This contradicts the present state"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The media type is not accepted",
            ),
            Self::RangeNotSatisfiable => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-not-satisfiable",
                "The range lies outside the content",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy", "More is waiting than the server holds"),
            Self::StorageFull => {
                (StatusCode::INSUFFICIENT_STORAGE, "storage-full", "The disk of the server is full")
            }
            Self::Outside => {
                (StatusCode::BAD_GATEWAY, "outside", "Another party did not answer as it should")
            }
            Self::ReadOnly => (StatusCode::SERVICE_UNAVAILABLE, "read-only", "The store takes no writes now"),
            Self::NotReady => {
                (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "The server does not take work now")
            }
            Self::Overloaded => {
                (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many requests are under way")
            }
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        let remedy = error.remedy();
        let code = match &error {
            AppError::Invalid { .. } => Code::InvalidInput,
            AppError::NotFound { .. } => Code::NotFound,
            AppError::Conflict(_) => Code::Conflict,
            AppError::Unauthenticated(_) => Code::Unauthenticated,
            AppError::Denied { .. } => Code::Denied,
            AppError::ReadOnly(_) => Code::ReadOnly,
            AppError::Busy { .. } => Code::Busy,
            AppError::StorageFull(_) => Code::StorageFull,
            AppError::Outside(_) => Code::Outside,
            AppError::Internal(cause) => return Self::internal(cause.as_str()),
        };
        let mut problem = Self::new(code, detail, remedy);
        match error {
            AppError::Invalid { field, .. } => problem.body.field = Some(field),
            AppError::Denied { decision, .. } => {
                problem.body.outcome = Some(decision.outcome);
                problem.body.rules = refusal_rules(&decision);
                if !decision.errors.is_empty() {
                    problem.cause = Some(format!("deciding failed: {}", decision.errors.join("; ")));
                }
            }
            _ => {}
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static("Bearer realm=\"comptroller\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            // What waits is written within milliseconds.
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            }
            _ => {}
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_keeps_its_cause_out_of_the_body() {
        let problem = Problem::from(AppError::Internal("secret table".into()));
        let body = serde_json::to_string(&problem.body).unwrap();
        assert!(!body.contains("secret table"), "{body}");
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.extensions().get::<Cause>().unwrap().0, "secret table");
    }

    #[test]
    fn a_code_agrees_with_the_use_cases() {
        let errors = [
            AppError::invalid("x", "y"),
            AppError::not_found("x", "y"),
            AppError::Conflict(String::new()),
            AppError::Unauthenticated(""),
            AppError::ReadOnly(String::new()),
            AppError::Busy { seconds: 1 },
            AppError::StorageFull(String::new()),
            AppError::Outside(String::new()),
            AppError::Internal(String::new()),
        ];
        for error in errors {
            let code = error.code();
            assert_eq!(Problem::from(error).body.code, code);
        }
    }

    #[test]
    fn a_long_detail_is_cut_at_a_character() {
        let text = shorten("ä".repeat(1_000));
        assert!(text.len() <= MAX_DETAIL + 4);
        assert!(text.ends_with("ä ..."));
    }
}
