//! What a caller is told when an act does not happen: what was wrong, where, and what to do.

use comptroller_core::InvalidValue;
use comptroller_policy::Decision;
use comptroller_store::StoreError;

/// An error of a use case. `code` is stable; internals are logged and never shown.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The input is not valid.
    #[error("{field}: {message}")]
    Invalid {
        /// Which input.
        field: &'static str,
        /// What is wrong and what is expected.
        message: String,
    },
    /// The thing does not exist.
    #[error("{what} {name:?} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// How it was named.
        name: String,
    },
    /// The act contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// Nobody is signed in, or the credential is not good.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Policy refused. The decision says why and who can put it right.
    #[error("{action} on {resource} is not allowed")]
    Denied {
        /// The act.
        action: comptroller_policy::Action,
        /// The thing.
        resource: String,
        /// Why, with every rule that fired.
        decision: Box<Decision>,
    },
    /// The store takes no writes now.
    #[error("{0}")]
    ReadOnly(String),
    /// Too much is under way; the same may be tried again.
    #[error("more is waiting than this server holds")]
    Busy {
        /// Seconds to wait.
        seconds: u32,
    },
    /// The disk is full.
    #[error("{0}")]
    StorageFull(String),
    /// Another party that the act needs did not answer, or not as it should.
    #[error("{0}")]
    Outside(String),
    /// Our fault. The text is for the log, not for the caller.
    #[error("internal error: {0}")]
    Internal(String),
}

impl AppError {
    /// Names the input that was not valid.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// Names the thing that does not exist.
    pub fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    /// The stable code of the error, for problem+json and exit codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid-input",
            Self::NotFound { .. } => "not-found",
            Self::Conflict(_) => "conflict",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Denied { .. } => "denied",
            Self::ReadOnly(_) => "read-only",
            Self::Busy { .. } => "busy",
            Self::StorageFull(_) => "storage-full",
            Self::Outside(_) => "outside",
            Self::Internal(_) => "internal",
        }
    }

    /// What the caller can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Invalid { .. } => "correct the named input and send the request again".into(),
            Self::NotFound { what, .. } => format!("list the existing ones, or register the {what} first"),
            Self::Conflict(_) => "read the present state and decide again".into(),
            Self::Unauthenticated(_) => "present a valid token as `Authorization: Bearer ...`".into(),
            Self::Denied { decision, .. } => decision
                .rules
                .iter()
                .map(|rule| rule.remedy.clone())
                .reduce(|all, next| format!("{all}; {next}"))
                .unwrap_or_else(|| "ask an owner of the organisation".into()),
            Self::ReadOnly(_) => "try again later; if it stays so, run `comptroller doctor`".into(),
            Self::Busy { seconds } => format!("send the same again after {seconds} s"),
            Self::StorageFull(_) => {
                "tell the operator to make room on that disk; then send the same again".into()
            }
            Self::Outside(_) => "try again; if it stays so, tell the operator".into(),
            Self::Internal(_) => "the operator finds the cause in the server's log".into(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ReadOnly(_) | StoreError::ClockWentBack { .. } | StoreError::Stopped => {
                Self::ReadOnly(error.to_string())
            }
            StoreError::Entry(text) => Self::invalid("request", text),
            error if error.is_unique_violation() => {
                Self::Conflict("something of this name exists already".into())
            }
            error => {
                let mut text = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(inner) = source {
                    text = format!("{text}: {inner}");
                    source = inner.source();
                }
                Self::Internal(text)
            }
        }
    }
}

impl From<comptroller_store::keys::KeysError> for AppError {
    fn from(error: comptroller_store::keys::KeysError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<InvalidValue> for AppError {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid { field: error.what, message: error.to_string() }
    }
}

impl From<serde_json::Error> for AppError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("serialising: {error}"))
    }
}
