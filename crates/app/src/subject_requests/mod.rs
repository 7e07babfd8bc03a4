//! Requests of data subjects as cases: received, due by law, what was done, how it ended.
//!
//! // INVARIANT (no-personal-data-in-entries): what people wrote, and what they were told, is stored under the subject's own
//! // key, and goes with it. After an erasure the words of a case are under a key of their record: they must name nobody.

mod affected;
mod clock;
mod report;

pub use affected::DecideVersion;
pub use report::{
    DatasetHeld, DeletionReport, ErasureLine, PurgeLine, REPORT_FORMAT, VersionAffected, VersionDecision,
};

use crate::act::{Act, Call};
use crate::assess::Because;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::PrivacyEvent;
use comptroller_core::ids::{SubjectId, SubjectRequestId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{ReadKind, RequestOutcome, SubjectRequestKind, SubjectRequestStep};
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::subject_requests::{self, SubjectRequestRow};
use comptroller_store::areas::subjects;
use comptroller_store::{Conn, Draft, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const NOUN: &str = "subject-request";

/// Opens a case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSubjectRequest {
    /// Who asks.
    pub subject: SubjectId,
    /// For what.
    pub kind: SubjectRequestKind,
    /// When it was received; none: now.
    #[serde(default)]
    pub received_at: Option<Timestamp>,
    /// The law that it rests on: `gdpr`, or for an explanation `eu-ai-act`, which gives no number of days. None: `gdpr`.
    #[serde(default)]
    pub law: Option<Slug>,
    /// What they ask for, in words.
    pub text: String,
}

/// Notes what was done about a case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteSubjectRequest {
    /// What it was.
    pub step: SubjectRequestStep,
    /// In words; of a check of identity how it was made, not what was shown.
    pub text: String,
}

/// Ends a case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseSubjectRequest {
    /// How it ended.
    pub outcome: RequestOutcome,
    /// What the subject was told; of a refusal the reasons.
    pub text: String,
}

/// Something that was done about a case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// What.
    pub step: SubjectRequestStep,
    /// In words.
    pub text: Option<String>,
    /// Who did it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// A case.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubjectRequestView {
    /// Its id.
    pub id: SubjectRequestId,
    /// Who asks.
    pub subject: SubjectId,
    /// For what.
    pub kind: SubjectRequestKind,
    /// `open`, `overdue`, `fulfilled`, `refused` or `withdrawn`.
    pub state: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// First moment that is too late; none: the law gives no number.
    pub due_at: Option<Timestamp>,
    /// The row of the law that says so.
    pub due_by: String,
    /// When the time was extended.
    pub extended_at: Option<Timestamp>,
    /// When it was checked who asks.
    pub identity_checked_at: Option<Timestamp>,
    /// What they ask for; none after an erasure.
    pub text: Option<String>,
    /// What was done.
    pub steps: Vec<StepView>,
    /// What they were told.
    pub answer: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Index of the erasure of the subject, if that happened.
    pub erasure: Option<u64>,
    /// Who opened the case.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// Which cases are wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CaseFilter {
    /// Only of this subject.
    pub subject: Option<SubjectId>,
    /// Only those that are open though they were due.
    pub overdue: bool,
}

impl App {
    /// Opens a case.
    pub async fn open_subject_request(
        &self,
        call: &Call,
        command: OpenSubjectRequest,
    ) -> Result<Receipt, AppError> {
        self.act(call, "subject_request.open", command, |act, command| Box::pin(open(act, command))).await
    }

    /// Notes what was done about a case.
    pub async fn note_subject_request(
        &self,
        call: &Call,
        id: SubjectRequestId,
        command: NoteSubjectRequest,
    ) -> Result<Receipt, AppError> {
        self.act(call, "subject_request.note", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("text", &command.text, false)?;
                let row = find_open(&mut act, id).await?;
                let (subject, step) = (row.subject.0, command.step);
                let event = PrivacyEvent::RequestNoted { request: id, subject, step };
                record(&mut act, &row, event, "note", command.text).await
            })
        })
        .await
    }

    /// Extends the time of a case, as the law allows once, within the first period and with reasons.
    pub async fn extend_subject_request(
        &self,
        call: &Call,
        id: SubjectRequestId,
        command: Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "subject_request.extend", (id, command), |act, (id, command)| {
            Box::pin(extend(act, id, command))
        })
        .await
    }

    /// Ends a case.
    ///
    /// # Errors
    /// [`AppError::Conflict`] if something is missing that a fulfilled request of its kind has; it names what.
    pub async fn close_subject_request(
        &self,
        call: &Call,
        id: SubjectRequestId,
        command: CloseSubjectRequest,
    ) -> Result<Receipt, AppError> {
        self.act(call, "subject_request.close", (id, command), |act, (id, command)| {
            Box::pin(close(act, id, command))
        })
        .await
    }

    /// Cases. Reading them is an event.
    pub async fn subject_requests(
        &self,
        caller: &Caller,
        filter: CaseFilter,
        slice: Slice,
    ) -> Result<Page<SubjectRequestView>, AppError> {
        self.may_read(caller, Action::SubjectRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let now = self.store.clock().now();
        let subject = filter.subject.map(|id| id.to_string()).unwrap_or_default();
        let overdue = filter.overdue.then_some(now);
        let mut conn = self.store.read().await?;
        let rows =
            subject_requests::requests(&mut conn, &subject, overdue, slice.after(), limit + 1).await?;
        let mut views = Vec::new();
        for row in rows {
            views.push(self.subject_request_view(&mut conn, row, now).await?);
        }
        drop(conn);
        let page = page(views, limit, |view| view.id.to_string());
        self.note_read(caller, ReadKind::PersonalData, ORG, page.items.len()).await?;
        Ok(page)
    }

    /// A case. Reading it is an event.
    pub async fn subject_request(
        &self,
        caller: &Caller,
        id: SubjectRequestId,
    ) -> Result<SubjectRequestView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, id).await?;
        drop(conn);
        let resource = format!("subject/{}", row.subject.0);
        self.may_read(caller, Action::SubjectRead, &resource, None, None).await?;
        let mut conn = self.store.read().await?;
        let view = self.subject_request_view(&mut conn, row, self.store.clock().now()).await?;
        drop(conn);
        self.note_read(caller, ReadKind::PersonalData, &resource, 1).await?;
        Ok(view)
    }

    async fn subject_request_view(
        &self,
        conn: &mut Conn,
        row: SubjectRequestRow,
        now: Timestamp,
    ) -> Result<SubjectRequestView, AppError> {
        let key = self.store.key();
        let text = journal::private::<Note>(conn, key, Some(row.private_at)).await?;
        let answer = journal::private::<Note>(conn, key, row.close_at).await?;
        let mut steps = Vec::new();
        for note in subject_requests::notes(conn, row.id.0).await? {
            let text = journal::private::<Note>(conn, key, Some(note.idx)).await?;
            steps.push(StepView {
                step: note.step.0,
                text: text.map(|note| note.text),
                by: note.noted_by,
                at: note.noted_at.0,
                ledger_index: note.idx.unsigned_abs(),
            });
        }
        let erasure = subjects::erasure(conn, &format!("subject/{}", row.subject.0)).await?;
        let state = match &row.outcome {
            Some(outcome) => outcome.0.as_str(),
            None if row.due_at.as_ref().is_some_and(|due| due.0 <= now) => "overdue",
            None => "open",
        };
        Ok(SubjectRequestView {
            id: row.id.0,
            subject: row.subject.0,
            kind: row.kind.0,
            state: state.to_owned(),
            received_at: row.received_at.0,
            due_by: clock::words(&row.clock()?, row.received_at.0),
            due_at: row.due_at.map(|at| at.0),
            extended_at: row.extended_at.map(|at| at.0),
            identity_checked_at: row.identity_at.map(|at| at.0),
            text: text.map(|note| note.text),
            steps,
            answer: answer.map(|note| note.text),
            closed_at: row.closed_at.map(|at| at.0),
            erasure: erasure.map(|row| row.idx.unsigned_abs()),
            opened_by: row.opened_by,
            opened_at: row.opened_at.0,
            ledger_index: row.private_at.unsigned_abs(),
        })
    }
}

async fn find(conn: &mut Conn, id: SubjectRequestId) -> Result<SubjectRequestRow, AppError> {
    let row = subject_requests::request(conn, id).await?;
    row.ok_or_else(|| AppError::not_found("request of a data subject", id))
}

/// A case that is open, for somebody who may handle it.
async fn find_open(act: &mut Act<'_>, id: SubjectRequestId) -> Result<SubjectRequestRow, AppError> {
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

async fn record(
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

async fn open(mut act: Act<'_>, command: OpenSubjectRequest) -> Result<Receipt, AppError> {
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
        let message = "this subject was erased; who asks again is registered again: `comptroller subject register`";
        return Err(AppError::Conflict(message.into()));
    }
    let due = clock::first(kind, law.as_ref(), received_at)?;
    let request = act.new_id(SubjectRequestId::new)?;
    let event = PrivacyEvent::RequestOpened {
        request,
        subject,
        kind,
        received_at,
        due_at: due.at,
        clock: due.clock,
    };
    let draft = act
        .draft(Event::from(event))
        .about(NOUN, &request)
        .about("subject", &subject)
        .private_of("request", Some(name), &Note { text })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(request, index))
}

async fn extend(mut act: Act<'_>, id: SubjectRequestId, command: Because) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = find_open(&mut act, id).await?;
    let Some(due) = &row.due_at else {
        let message = format!("{}; there is nothing to extend", clock::words(&row.clock()?, row.received_at.0));
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

async fn close(
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
