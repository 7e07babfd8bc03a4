//! Requests of data subjects as cases: received, due by law, what was done, how it ended.
//!
//! // INVARIANT (no-personal-data-in-entries): what people wrote, and what they were told, is stored under the subject's own
//! // key, and goes with it. After an erasure the words of a case are under a key of their record: they must name nobody.

mod affected;
mod case;
mod clock;
mod report;

pub use affected::DecideVersion;
pub use report::{
    DatasetHeld, DeletionReport, ErasureLine, PurgeLine, REPORT_FORMAT, VersionAffected, VersionDecision,
};

use crate::act::Call;
use crate::assess::Because;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::PrivacyEvent;
use comptroller_core::ids::{SubjectId, SubjectRequestId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::{ReadKind, RequestOutcome, SubjectRequestKind, SubjectRequestStep};
use comptroller_core::{Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::subject_requests::{self, SubjectRequestRow};
use comptroller_store::areas::subjects;
use comptroller_store::{Conn, journal};
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
        self.act(call, "subject_request.open", command, |act, command| Box::pin(case::open(act, command)))
            .await
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
                let row = case::find_open(&mut act, id).await?;
                let (subject, step) = (row.subject.0, command.step);
                let event = PrivacyEvent::RequestNoted { request: id, subject, step };
                case::record(&mut act, &row, event, "note", command.text).await
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
            Box::pin(case::extend(act, id, command))
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
            Box::pin(case::close(act, id, command))
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
        let rows = subject_requests::requests(&mut conn, &subject, overdue, slice.after(), limit + 1).await?;
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
        let row = case::find(&mut conn, id).await?;
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
