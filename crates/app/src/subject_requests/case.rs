//! The acts on a case: opened, extended, closed, and what stands against saying that it was fulfilled.

use super::{CloseSubjectRequest, NOUN, OpenSubjectRequest, affected, clock};
use crate::AppError;
use crate::act::Act;
use crate::assess::Because;
use crate::view::Receipt;
use comptroller_core::Event;
use comptroller_core::event::PrivacyEvent;
use comptroller_core::ids::{SubjectId, SubjectRequestId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{RequestOutcome, SubjectRequestKind};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::subject_requests::{self, SubjectRequestRow};
use comptroller_store::areas::subjects;
use comptroller_store::{Conn, Draft};

pub(super) async fn find(conn: &mut Conn, id: SubjectRequestId) -> Result<SubjectRequestRow, AppError> {
    let row = subject_requests::request(conn, id).await?;
    row.ok_or_else(|| AppError::not_found("request of a data subject", id))
}

/// A case that is open, for somebody who may handle it.
pub(super) async fn find_open(
    act: &mut Act<'_>,
    id: SubjectRequestId,
) -> Result<SubjectRequestRow, AppError> {
    let row = find(act.conn(), id).await?;
    may_handle(act, row.subject.0).await?;
    match &row.outcome {
        Some(outcome) => Err(AppError::Conflict(format!("the case is closed already: {}", outcome.0))),
        None => Ok(row),
    }
}

async fn may_handle(act: &mut Act<'_>, subject: SubjectId) -> Result<(), AppError> {
    let facts = Facts::new().bool("decides", false).bool("actor_is_builder", false);
    act.authorise(Action::SubjectHandle, &format!("subject/{subject}"), None, None, facts).await.map(|_| ())
}

/// Words about a subject: under the key of the subject, which goes with an erasure; later ones under a key of their own,
/// so that an erasure stays one.
async fn words(
    act: &mut Act<'_>,
    draft: Draft,
    subject: SubjectId,
    name: &str,
    text: String,
) -> Result<Draft, AppError> {
    let subject = format!("subject/{subject}");
    let erased = subjects::erasure(act.conn(), &subject).await?.is_some();
    Ok(draft.private_of(name, (!erased).then_some(subject), &Note { text })?)
}

pub(super) async fn record(
    act: &mut Act<'_>,
    row: &SubjectRequestRow,
    event: PrivacyEvent,
    name: &str,
    text: String,
) -> Result<Receipt, AppError> {
    let (id, subject) = (row.id.0, row.subject.0);
    let draft = act.draft(Event::from(event)).about(NOUN, &id).about("subject", &subject);
    let draft = words(act, draft, subject, name, text).await?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

pub(super) async fn open(mut act: Act<'_>, command: OpenSubjectRequest) -> Result<Receipt, AppError> {
    let OpenSubjectRequest { subject, kind, received_at, law, text } = command;
    check_text("text", &text, false)?;
    let received_at = received_at.unwrap_or_else(|| act.now());
    if received_at > act.now() {
        return Err(AppError::invalid("received_at", "a request is received before it is opened here"));
    }
    may_handle(&mut act, subject).await?;
    let known = subjects::subject(act.conn(), subject).await?;
    known.ok_or_else(|| AppError::not_found("subject", subject))?;
    let name = format!("subject/{subject}");
    if subjects::erasure(act.conn(), &name).await?.is_some() {
        let message =
            "this subject was erased; who asks again is registered again: `comptroller subject register`";
        return Err(AppError::Conflict(message.into()));
    }
    let due = clock::first(kind, law.as_ref(), received_at)?;
    let request = act.new_id(SubjectRequestId::new)?;
    let event =
        PrivacyEvent::RequestOpened { request, subject, kind, received_at, due_at: due.at, clock: due.clock };
    let draft = act.draft(Event::from(event)).about(NOUN, &request).about("subject", &subject).private_of(
        "request",
        Some(name),
        &Note { text },
    )?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(request, index))
}

pub(super) async fn extend(
    mut act: Act<'_>,
    id: SubjectRequestId,
    command: Because,
) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = find_open(&mut act, id).await?;
    let Some(due) = &row.due_at else {
        let message =
            format!("{}; there is nothing to extend", clock::words(&row.clock()?, row.received_at.0));
        return Err(AppError::Conflict(message));
    };
    if row.extended_at.is_some() {
        return Err(AppError::Conflict("the time was extended already, and the law allows it once".into()));
    }
    if act.now() >= due.0 {
        let message = format!(
            "the time ended at {}; the subject had to be told of an extension within it (GDPR Art. 12(3))",
            due.0
        );
        return Err(AppError::Conflict(message));
    }
    let later = clock::extended(row.received_at.0)?;
    let due_at = later.at.ok_or_else(|| AppError::Internal("an extension has an end".into()))?;
    let subject = row.subject.0;
    let event = PrivacyEvent::RequestExtended { request: id, subject, due_at, clock: later.clock };
    record(&mut act, &row, event, "reason", command.reason).await
}

pub(super) async fn close(
    mut act: Act<'_>,
    id: SubjectRequestId,
    command: CloseSubjectRequest,
) -> Result<Receipt, AppError> {
    check_text("text", &command.text, false)?;
    let row = find_open(&mut act, id).await?;
    if command.outcome == RequestOutcome::Fulfilled {
        let missing = missing(&mut act, &row).await?;
        if !missing.is_empty() {
            return Err(AppError::Conflict(format!("the case is not done: {}", missing.join("; "))));
        }
    }
    let (subject, outcome) = (row.subject.0, command.outcome);
    let event = PrivacyEvent::RequestClosed { request: id, subject, outcome };
    record(&mut act, &row, event, "answer", command.text).await
}

/// What stands against saying that a request was fulfilled.
async fn missing(act: &mut Act<'_>, row: &SubjectRequestRow) -> Result<Vec<String>, AppError> {
    let mut missing = Vec::new();
    if row.identity_at.is_none() {
        missing.push(format!(
            "nobody noted how it was checked who asks (`comptroller subject request note {} identity-checked`)",
            row.id.0
        ));
    }
    if row.kind.0 != SubjectRequestKind::Erasure {
        return Ok(missing);
    }
    let subject = row.subject.0;
    if subjects::erasure(act.conn(), &format!("subject/{subject}")).await?.is_none() {
        missing.push(format!("the subject is not erased (`comptroller subject erase subject/{subject}`)"));
    }
    for version in affected::undecided(act.conn(), subject).await? {
        missing.push(format!(
            "nobody decided what becomes of the version {version} (`comptroller subject decide {subject} {version}`)"
        ));
    }
    Ok(missing)
}
