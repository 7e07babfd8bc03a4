//! What an auditor asks for: asked, answered, accepted or flagged, withdrawn.

use super::{NOUN, find};
use crate::act::{Act, Call};
use crate::assess::Because;
use crate::controls::{is_known, library};
use crate::tiers::framework_data;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller};
use comptroller_compliance::framework::Day;
use comptroller_core::event::AuditEvent;
use comptroller_core::ids::{EngagementId, EvidenceId, EvidenceRequestId};
use comptroller_core::name::ControlId;
use comptroller_core::private::{EvidenceRequestText, Note, check_text};
use comptroller_core::{Digest, Event, TagText, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::audits::{self, EngagementRow, EvidenceRequestRow};
use comptroller_store::areas::evidence;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest time for an answer, in days.
const MAX_DAYS: u32 = 90;
const DAY: i64 = 86_400;
/// Longest title, in bytes.
const MAX_TITLE: usize = 200;
/// Most references of one answer.
const MOST: usize = 1_000;

/// Asks for evidence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskEvidence {
    /// The engagement; none: the only one of yours that is open.
    #[serde(default)]
    pub engagement: Option<EngagementId>,
    /// In one line.
    pub title: String,
    /// In more words.
    #[serde(default)]
    pub text: String,
    /// The control that it is about.
    #[serde(default)]
    pub control: Option<ControlId>,
    /// The criterion that it is about, `framework:row`, for example `soc2:CC6.1`.
    #[serde(default)]
    pub criterion: Option<TagText>,
    /// In how many days it is to be answered: 1 to 90.
    pub days: u32,
}

/// Answers what an auditor asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerEvidenceRequest {
    /// What it shows, or why there is nothing to show.
    pub text: String,
    /// Evidence that was recorded here.
    #[serde(default)]
    pub evidence: Vec<EvidenceId>,
    /// Entries of the log, by index.
    #[serde(default)]
    pub entries: Vec<u64>,
    /// SHA-256 of an evidence pack that was handed over.
    #[serde(default)]
    pub pack: Option<Digest>,
}

/// Accepts an answer, or flags it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeEvidenceRequest {
    /// Whether the auditor takes what was handed over.
    pub accepted: bool,
    /// Why; of what is flagged it must be said.
    #[serde(default)]
    pub reason: String,
}

/// Which requests are wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RequestFilter {
    /// Only of this engagement; none: of your only open one, and for people of the organisation of all.
    pub engagement: Option<EngagementId>,
    /// Only in this state.
    pub state: Option<String>,
}

/// What an auditor asked for, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRequestView {
    /// Its id.
    pub id: EvidenceRequestId,
    /// The engagement.
    pub engagement: EngagementId,
    /// In one line.
    pub title: Option<String>,
    /// In more words.
    pub text: Option<String>,
    /// The control that it is about.
    pub control: Option<ControlId>,
    /// The criterion that it is about.
    pub criterion: Option<TagText>,
    /// `open`, `answered`, `accepted`, `flagged` or `withdrawn`.
    pub state: String,
    /// It waits for the organisation, and its time has passed.
    pub overdue: bool,
    /// Until when it is to be answered.
    pub due_at: Timestamp,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Evidence of the last answer.
    pub evidence: Vec<EvidenceId>,
    /// Entries of the last answer.
    pub entries: Vec<u64>,
    /// SHA-256 of the pack of the last answer.
    pub pack: Option<Digest>,
    /// What the last answer says.
    pub answer: Option<String>,
    /// Who gave it.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// What the auditor said to it, or why they withdrew.
    pub judgement: Option<String>,
    /// When.
    pub judged_at: Option<Timestamp>,
}

impl App {
    /// Asks for evidence, as the auditor of an engagement that gives access now.
    pub async fn ask_evidence(&self, call: &Call, mut command: AskEvidence) -> Result<Receipt, AppError> {
        command.engagement = Some(self.meant(&call.caller, command.engagement).await?);
        self.act(call, "evidence_request.ask", command, |act, command| Box::pin(ask(act, command))).await
    }

    /// Answers a request; the last answer counts.
    pub async fn answer_evidence_request(
        &self,
        call: &Call,
        id: EvidenceRequestId,
        command: AnswerEvidenceRequest,
    ) -> Result<Receipt, AppError> {
        self.act(call, "evidence_request.answer", (id, command), |act, (id, command)| {
            Box::pin(answer(act, id, command))
        })
        .await
    }

    /// Accepts an answer or flags it, as the auditor who asked.
    pub async fn judge_evidence_request(
        &self,
        call: &Call,
        id: EvidenceRequestId,
        command: JudgeEvidenceRequest,
    ) -> Result<Receipt, AppError> {
        self.act(call, "evidence_request.judge", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, command.accepted)?;
                let row = find_request(act.conn(), id).await?;
                as_auditor(&mut act, &row).await?;
                if row.state != "answered" {
                    let message =
                        format!("the request is {}; only an answer is accepted or flagged", row.state);
                    return Err(AppError::Conflict(message));
                }
                let event = AuditEvent::RequestJudged { request: id, accepted: command.accepted };
                end(&mut act, &row, event, command.reason).await
            })
        })
        .await
    }

    /// Withdraws a request, as the auditor who asked.
    pub async fn withdraw_evidence_request(
        &self,
        call: &Call,
        id: EvidenceRequestId,
        command: Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "evidence_request.withdraw", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let row = find_request(act.conn(), id).await?;
                as_auditor(&mut act, &row).await?;
                if matches!(row.state.as_str(), "accepted" | "withdrawn") {
                    return Err(AppError::Conflict(format!("the request is {} already", row.state)));
                }
                end(&mut act, &row, AuditEvent::RequestWithdrawn { request: id }, command.reason).await
            })
        })
        .await
    }

    /// What was asked for; an auditor from outside sees what they asked for themself.
    pub async fn evidence_requests(
        &self,
        caller: &Caller,
        filter: RequestFilter,
        slice: Slice,
    ) -> Result<Page<EvidenceRequestView>, AppError> {
        let engagement = match (self.may_follow(caller, filter.engagement).await?, filter.engagement) {
            (Some(_), None) => Some(self.meant(caller, None).await?),
            (_, asked) => asked,
        };
        let limit = slice.limit()?;
        let engagement = engagement.map(|id| id.to_string()).unwrap_or_default();
        let state = filter.state.unwrap_or_default();
        let mut conn = self.store.read().await?;
        let rows = audits::requests(&mut conn, &engagement, &state, slice.after(), limit + 1).await?;
        let mut views = Vec::new();
        for row in rows {
            views.push(self.evidence_request_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    /// A request with its answer.
    pub async fn evidence_request(
        &self,
        caller: &Caller,
        id: EvidenceRequestId,
    ) -> Result<EvidenceRequestView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find_request(&mut conn, id).await?;
        drop(conn);
        self.may_follow(caller, Some(row.engagement.0)).await?;
        let mut conn = self.store.read().await?;
        self.evidence_request_view(&mut conn, row).await
    }

    pub(super) async fn evidence_request_view(
        &self,
        conn: &mut Conn,
        row: EvidenceRequestRow,
    ) -> Result<EvidenceRequestView, AppError> {
        let key = self.store.key();
        let asked = journal::private::<EvidenceRequestText>(conn, key, row.private_at).await?;
        let answer = journal::private::<Note>(conn, key, row.answer_at).await?;
        let judgement = journal::private::<Note>(conn, key, row.judgement_at).await?;
        let (title, text) = asked.map(|asked| (asked.title, asked.text)).unzip();
        let waits = matches!(row.state.as_str(), "open" | "flagged");
        Ok(EvidenceRequestView {
            id: row.id.0,
            engagement: row.engagement.0,
            title,
            text: text.filter(|text| !text.is_empty()),
            overdue: waits && row.due_at.0 <= self.store.clock().now(),
            due_at: row.due_at.0,
            asked_at: row.asked_at.0,
            evidence: row.evidence()?,
            entries: row.entries()?,
            answer: answer.map(|note| note.text),
            answered_at: row.answered_at.map(|at| at.0),
            judgement: judgement.map(|note| note.text).filter(|text| !text.is_empty()),
            judged_at: row.judged_at.map(|at| at.0),
            control: row.control.map(|control| control.0),
            criterion: row.criterion.map(|criterion| criterion.0),
            pack: row.pack.map(|pack| pack.0),
            state: row.state,
            answered_by: row.answered_by,
        })
    }
}

async fn find_request(conn: &mut Conn, id: EvidenceRequestId) -> Result<EvidenceRequestRow, AppError> {
    audits::request(conn, id).await?.ok_or_else(|| AppError::not_found("evidence request", id))
}

/// Lets only the auditor of the engagement go on, while it gives access.
async fn may_ask(act: &mut Act<'_>, row: &EngagementRow) -> Result<(), AppError> {
    let is_auditor = row.auditor.0 == act.caller.principal && row.is_open(act.now());
    let facts = Facts::new().bool("actor_is_auditor", is_auditor);
    let resource = format!("{NOUN}/{}", row.id.0);
    act.authorise(Action::AuditAsk, &resource, None, None, facts).await.map(|_| ())
}

async fn as_auditor(act: &mut Act<'_>, row: &EvidenceRequestRow) -> Result<(), AppError> {
    let engagement = find(act.conn(), row.engagement.0).await?;
    may_ask(act, &engagement).await
}

async fn end(
    act: &mut Act<'_>,
    row: &EvidenceRequestRow,
    event: AuditEvent,
    reason: String,
) -> Result<Receipt, AppError> {
    let mut draft =
        act.draft(Event::from(event)).about(NOUN, &row.engagement.0).about("evidence-request", &row.id.0);
    if !reason.is_empty() {
        draft = draft.private("words", &Note { text: reason })?;
    }
    let index = act.record(draft).await?;
    Ok(Receipt::new(row.id.0, index))
}

async fn ask(mut act: Act<'_>, command: AskEvidence) -> Result<Receipt, AppError> {
    let AskEvidence { engagement, title, text, control, criterion, days } = command;
    check_text("title", &title, false)?;
    check_text("text", &text, true)?;
    if title.len() > MAX_TITLE {
        return Err(AppError::invalid(
            "title",
            format!("at most {MAX_TITLE} bytes; the rest goes into the text"),
        ));
    }
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(AppError::invalid("days", format!("{days} is not 1 to {MAX_DAYS}")));
    }
    let engagement = engagement.ok_or_else(|| AppError::invalid("engagement", "name one"))?;
    let row = find(act.conn(), engagement).await?;
    may_ask(&mut act, &row).await?;
    if let Some(control) = &control
        && library()?.get(control.as_str()).is_none()
        && !is_known(act.conn(), control).await?
    {
        return Err(AppError::not_found("control", control));
    }
    if let Some(criterion) = &criterion {
        check_criterion(criterion, &row, act.now())?;
    }
    let due_at = act.now().plus_seconds(i64::from(days) * DAY);
    let request = act.new_id(EvidenceRequestId::new)?;
    let draft = act
        .draft(Event::from(AuditEvent::RequestOpened { request, engagement, control, criterion, due_at }))
        .about(NOUN, &engagement)
        .about("evidence-request", &request)
        .private("request", &EvidenceRequestText { title, text })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(request, index))
}

/// A criterion is a row of a framework that the engagement is about.
fn check_criterion(criterion: &TagText, row: &EngagementRow, now: Timestamp) -> Result<(), AppError> {
    let (framework, id) = criterion.as_str().split_once(':').unwrap_or_default();
    let audited = row.frameworks()?;
    if !audited.iter().any(|audited| audited.as_str() == framework) {
        let known: Vec<&str> = audited.iter().map(comptroller_core::Slug::as_str).collect();
        let message =
            format!("{criterion}: write `framework:row`; the engagement is about {}", known.join(", "));
        return Err(AppError::invalid("criterion", message));
    }
    match framework_data(framework)?.row(id, Day::of(now)) {
        Some(_) => Ok(()),
        None => Err(AppError::not_found("row of the framework", criterion)),
    }
}

async fn answer(
    mut act: Act<'_>,
    id: EvidenceRequestId,
    command: AnswerEvidenceRequest,
) -> Result<Receipt, AppError> {
    let AnswerEvidenceRequest { text, evidence: shown, entries, pack } = command;
    check_text("text", &text, false)?;
    let row = find_request(act.conn(), id).await?;
    act.may(Action::AuditAnswer, &format!("{NOUN}/{}", row.engagement.0), None).await?;
    if matches!(row.state.as_str(), "accepted" | "withdrawn") {
        return Err(AppError::Conflict(format!("the request is {} already", row.state)));
    }
    if shown.len() + entries.len() > MOST {
        return Err(AppError::invalid("evidence", format!("at most {MOST} references; hand over a pack")));
    }
    for id in &shown {
        let row = evidence::evidence(act.conn(), *id).await?;
        let row = row.ok_or_else(|| AppError::not_found("evidence", id))?;
        if row.withdrawn_at.is_some() {
            return Err(AppError::invalid(
                "evidence",
                format!("{id} was withdrawn and shows nothing any more"),
            ));
        }
    }
    let size = act.tx.next_index();
    if let Some(beyond) = entries.iter().find(|index| **index >= size) {
        return Err(AppError::invalid("entries", format!("there is no entry {beyond}; the log has {size}")));
    }
    let event = AuditEvent::RequestAnswered { request: id, evidence: shown, entries, pack };
    let draft = act
        .draft(Event::from(event))
        .about(NOUN, &row.engagement.0)
        .about("evidence-request", &id)
        .private("answer", &Note { text })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}
