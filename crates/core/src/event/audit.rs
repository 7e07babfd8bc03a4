//! Events of an audit by an auditor from outside: access for a time, every read, and what is asked for.

use crate::ids::{EngagementId, EvidenceId, EvidenceRequestId, PrincipalId, SystemId};
use crate::name::ControlId;
use crate::{Digest, Slug, TagText, Timestamp};
use serde::{Deserialize, Serialize};

/// What an engagement gives access to, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditTerms {
    /// The frameworks that are audited.
    pub frameworks: Vec<Slug>,
    /// The systems that may be read; empty for the whole organisation.
    pub systems: Vec<SystemId>,
    /// First moment of the period that is audited.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// First moment without access.
    pub until: Timestamp,
}

/// An event of an audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(
    missing_docs,
    reason = "each field is the id or fact that its name says; docs/EVENTS.md lists them all"
)]
pub enum AuditEvent {
    /// An auditor may read from here on, within `terms`. Private: a note.
    #[serde(rename = "audit.engaged")]
    Engaged { engagement: EngagementId, auditor: PrincipalId, terms: AuditTerms },
    /// The access of the auditor ended before its time. Private: the reason.
    #[serde(rename = "audit.ended")]
    Ended { engagement: EngagementId },
    /// The auditor was let read something; recorded before the answer leaves.
    #[serde(rename = "audit.read")]
    Read { engagement: EngagementId, action: Slug, resource: String },
    /// The auditor asks for evidence. Private: title and words.
    #[serde(rename = "evidence_request.opened")]
    RequestOpened {
        request: EvidenceRequestId,
        engagement: EngagementId,
        control: Option<ControlId>,
        criterion: Option<TagText>,
        due_at: Timestamp,
    },
    /// The organisation answers with evidence, entries of the log or the digest of a pack; the last answer counts.
    /// Private: the words.
    #[serde(rename = "evidence_request.answered")]
    RequestAnswered {
        request: EvidenceRequestId,
        evidence: Vec<EvidenceId>,
        entries: Vec<u64>,
        pack: Option<Digest>,
    },
    /// The auditor accepts the answer, or flags it. Private: the words.
    #[serde(rename = "evidence_request.judged")]
    RequestJudged { request: EvidenceRequestId, accepted: bool },
    /// The auditor no longer asks. Private: the reason.
    #[serde(rename = "evidence_request.withdrawn")]
    RequestWithdrawn { request: EvidenceRequestId },
}

impl AuditEvent {
    /// Whether a type of event is one of these.
    pub(super) fn owns(kind: &str) -> bool {
        kind.starts_with("audit.") || kind.starts_with("evidence_request.")
    }
}

impl From<AuditEvent> for super::Event {
    fn from(event: AuditEvent) -> Self {
        Self::Audit(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    #[test]
    fn an_event_of_an_area_is_stored_like_any_other() {
        let engagement = EngagementId::new(Timestamp::from_micros(1), [1; 10]);
        let event = Event::from(AuditEvent::Ended { engagement });
        let (kind, data) = event.to_parts().unwrap();
        assert_eq!((kind.as_str(), &data), ("audit.ended", &serde_json::json!({ "engagement": engagement })));
        assert_eq!(Event::from_parts(&kind, &data).unwrap(), event);
        // What is wrong is named, also of an area.
        let error = Event::from_parts("audit.ended", &serde_json::json!({})).unwrap_err();
        assert!(error.to_string().contains("engagement"), "{error}");
        assert!(Event::from_parts("audit.invented", &data).is_err());
    }
}
