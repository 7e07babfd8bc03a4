//! Events of audits and of requests of data subjects, one of every kind, for the store in which every table has rows.

use comptroller_core::event::{AuditEvent, AuditTerms, PrivacyEvent, RequestClock};
use comptroller_core::ids::{
    EngagementId, EvidenceId, EvidenceRequestId, PrincipalId, SubjectId, SubjectRequestId, SystemId,
    VersionId,
};
use comptroller_core::vocab::{AffectedDecision, RequestOutcome, SubjectRequestKind, SubjectRequestStep};
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_store::{Draft, keys};

/// What a data subject wrote.
pub(crate) const SECRET_WORDS: &str = "forget me, customer 8812-X of Springfield";

/// What the events are about.
pub(crate) struct About {
    pub(crate) person: PrincipalId,
    pub(crate) subject: SubjectId,
    pub(crate) system: SystemId,
    pub(crate) version: VersionId,
    pub(crate) evidence: EvidenceId,
}

pub(crate) fn drafts(about: &About, now: Timestamp, digest: &Digest) -> anyhow::Result<Vec<Draft>> {
    let mut all = audit(about, now, digest)?;
    all.extend(requests(about, now, digest)?);
    Ok(all)
}

fn audit(about: &About, now: Timestamp, digest: &Digest) -> anyhow::Result<Vec<Draft>> {
    let text = serde_json::json!({ "text": "in words" });
    let (engagement, later) = (EngagementId::new(now, keys::random()?), now.plus_seconds(3_600));
    let (asked, dropped) =
        (EvidenceRequestId::new(now, keys::random()?), EvidenceRequestId::new(now, keys::random()?));
    let terms = AuditTerms {
        frameworks: vec!["soc2".parse()?],
        systems: vec![about.system],
        from: now,
        to: later,
        until: later,
    };
    let open = |request| -> anyhow::Result<Event> {
        Ok(Event::from(AuditEvent::RequestOpened {
            request,
            engagement,
            control: Some("CTL-X-01".parse()?),
            criterion: Some("soc2:CC8.1".parse()?),
            due_at: later,
        }))
    };
    Ok(vec![
        Draft::new("system", AuditEvent::Engaged { engagement, auditor: about.person, terms }.into())
            .private("note", &text)?,
        Draft::new(
            "system",
            AuditEvent::Read { engagement, action: "system.read".parse()?, resource: "org/own".into() }
                .into(),
        ),
        Draft::new("system", open(asked)?).private("request", &text)?,
        Draft::new("system", open(dropped)?).private("request", &text)?,
        Draft::new(
            "system",
            AuditEvent::RequestAnswered {
                request: asked,
                evidence: vec![about.evidence],
                entries: vec![0],
                pack: Some(digest.clone()),
            }
            .into(),
        )
        .private("answer", &text)?,
        Draft::new("system", AuditEvent::RequestJudged { request: asked, accepted: false }.into())
            .private("words", &text)?,
        // Both rows have every column.
        Draft::new(
            "system",
            AuditEvent::RequestAnswered {
                request: dropped,
                evidence: Vec::new(),
                entries: vec![1, 2],
                pack: Some(digest.clone()),
            }
            .into(),
        )
        .private("answer", &text)?,
        Draft::new("system", AuditEvent::RequestWithdrawn { request: dropped }.into())
            .private("reason", &text)?,
        Draft::new("system", AuditEvent::Ended { engagement }.into()).private("reason", &text)?,
    ])
}

fn requests(about: &About, now: Timestamp, digest: &Digest) -> anyhow::Result<Vec<Draft>> {
    let text = serde_json::json!({ "text": SECRET_WORDS });
    let (request, subject) = (SubjectRequestId::new(now, keys::random()?), about.subject);
    let due_at = now.plus_seconds(3_600);
    let clock = |row: &str| -> anyhow::Result<RequestClock> {
        Ok(RequestClock { framework: "gdpr".parse()?, row: row.parse()?, data: digest.clone() })
    };
    let own = |event: PrivacyEvent, name: &str| {
        Draft::new("system", event.into()).private_of(name, Some(format!("subject/{subject}")), &text)
    };
    Ok(vec![
        own(
            PrivacyEvent::RequestOpened {
                request,
                subject,
                kind: SubjectRequestKind::Erasure,
                received_at: now,
                due_at: Some(due_at),
                clock: clock("12.3")?,
            },
            "request",
        )?,
        own(
            PrivacyEvent::RequestNoted { request, subject, step: SubjectRequestStep::IdentityChecked },
            "note",
        )?,
        own(PrivacyEvent::RequestExtended { request, subject, due_at, clock: clock("12.3.ext")? }, "reason")?,
        Draft::new(
            "system",
            PrivacyEvent::VersionDecided {
                subject,
                version: about.version,
                decision: AffectedDecision::Keep,
                until: None,
            }
            .into(),
        )
        .private("reason", &text)?,
        // The last decision counts.
        Draft::new(
            "system",
            PrivacyEvent::VersionDecided {
                subject,
                version: about.version,
                decision: AffectedDecision::Retrain,
                until: Some(due_at),
            }
            .into(),
        )
        .private("reason", &text)?,
        own(PrivacyEvent::RequestClosed { request, subject, outcome: RequestOutcome::Fulfilled }, "answer")?,
    ])
}
