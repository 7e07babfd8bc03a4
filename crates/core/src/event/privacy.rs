//! Events about the requests of data subjects, and about what becomes of versions that were trained on their data.

use crate::ids::{SubjectId, SubjectRequestId, VersionId};
use crate::vocab::{AffectedDecision, RequestOutcome, SubjectRequestKind, SubjectRequestStep};
use crate::{Digest, Slug, TagText, Timestamp};
use serde::{Deserialize, Serialize};

/// The row of a law that says until when a request is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestClock {
    /// The framework, for example `gdpr`.
    pub framework: Slug,
    /// Its row, for example `12.3`.
    pub row: TagText,
    /// Digest of the framework's data.
    pub data: Digest,
}

/// An event about a request of a data subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(
    missing_docs,
    reason = "each field is the id or fact that its name says; docs/EVENTS.md lists them all"
)]
pub enum PrivacyEvent {
    /// A data subject asked for something. `due_at` is the first moment that is too late, none if the law of `clock`
    /// gives no number. Private: the words, under the subject's own key.
    #[serde(rename = "subject_request.opened")]
    RequestOpened {
        request: SubjectRequestId,
        subject: SubjectId,
        kind: SubjectRequestKind,
        received_at: Timestamp,
        due_at: Option<Timestamp>,
        clock: RequestClock,
    },
    /// Something was done about it: the identity was checked, or a step was taken. Private: the words, under the
    /// subject's own key.
    #[serde(rename = "subject_request.noted")]
    RequestNoted { request: SubjectRequestId, subject: SubjectId, step: SubjectRequestStep },
    /// The subject was told that the answer comes later. Private: the reasons, under the subject's own key.
    #[serde(rename = "subject_request.extended")]
    RequestExtended { request: SubjectRequestId, subject: SubjectId, due_at: Timestamp, clock: RequestClock },
    /// The subject was answered, and the case is over. Private: the words, under the subject's own key; after an erasure
    /// under a key of this record.
    #[serde(rename = "subject_request.closed")]
    RequestClosed { request: SubjectRequestId, subject: SubjectId, outcome: RequestOutcome },
    /// What becomes of a version that was trained on data that held a subject; the last decision counts. `until` is when
    /// it is to be done. Private: the reason.
    #[serde(rename = "affected_version.decided")]
    VersionDecided {
        subject: SubjectId,
        version: VersionId,
        decision: AffectedDecision,
        until: Option<Timestamp>,
    },
}

impl PrivacyEvent {
    /// Whether a type of event is one of these.
    pub(super) fn owns(kind: &str) -> bool {
        kind.starts_with("subject_request.") || kind.starts_with("affected_version.")
    }
}

impl From<PrivacyEvent> for super::Event {
    fn from(event: PrivacyEvent) -> Self {
        Self::Privacy(event)
    }
}
