//! Audits by auditors from outside: who may read what, until when, and what they ask for.
//!
//! An engagement gives a person the role of an auditor for a time and a scope, and takes it away by itself. The credential
//! is the person's own, by an invitation (own-credentials). Whether an engagement gives access is asked at every act.

mod overview;
mod page;
mod requests;
mod standing;

pub use overview::{AuditOverview, BlindSpot, ControlLine, ExceptionLine, OVERVIEW_FORMAT, RequestCounts};
pub use page::overview_html;
pub use requests::{
    AnswerEvidenceRequest, AskEvidence, EvidenceRequestView, JudgeEvidenceRequest, RequestFilter,
};
pub(crate) use standing::Standing;

use crate::act::{Act, Call, is_person};
use crate::assess::Because;
use crate::tiers::framework_data;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, people as people_cases, systems};
use comptroller_core::event::{AuditEvent, AuditTerms};
use comptroller_core::ids::{EngagementId, PrincipalId, SystemId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::{Event, Role, Slug, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::audits::{self, EngagementRow};
use comptroller_store::areas::people;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an engagement is called as a subject of entries.
const NOUN: &str = "engagement";
/// Longest access, in days.
const MAX_DAYS: i64 = 366;
const DAY: i64 = 86_400;
/// Most frameworks and systems of one engagement.
const MOST: usize = 100;

/// Gives an auditor from outside access for a time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EngageAuditor {
    /// The person, by id. They hold no other role here.
    pub auditor: String,
    /// The frameworks that are audited, for example `soc2`.
    pub frameworks: Vec<Slug>,
    /// The systems that may be read, by name or id; none: the whole organisation.
    #[serde(default)]
    pub systems: Vec<String>,
    /// First moment of the period that is audited.
    pub from: Timestamp,
    /// First moment after it.
    pub to: Timestamp,
    /// First moment without access: at most a year from now.
    pub until: Timestamp,
    /// For example the firm and the letter of engagement.
    pub note: String,
}

/// An engagement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EngagementView {
    /// Its id.
    pub id: EngagementId,
    /// The person who audits.
    pub auditor: PrincipalId,
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
    /// `open`, `over`, or `ended` before its time.
    pub state: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
    /// What was noted.
    pub note: Option<String>,
    /// Why it was ended.
    pub reason: Option<String>,
}

impl App {
    /// Gives an auditor from outside access for a time.
    ///
    /// # Errors
    /// [`AppError::Denied`] for oneself and for whoever holds another role here; [`AppError::Invalid`] for terms that no
    /// engagement has.
    pub async fn engage_auditor(&self, call: &Call, command: EngageAuditor) -> Result<Receipt, AppError> {
        self.act(call, "audit.engage", command, |act, command| Box::pin(engage(act, command))).await
    }

    /// Ends the access of an auditor now.
    pub async fn end_engagement(
        &self,
        call: &Call,
        id: EngagementId,
        command: Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "audit.end", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                act.may(Action::AuditEnd, &format!("{NOUN}/{id}"), None).await?;
                let row = find(act.conn(), id).await?;
                if !row.is_open(act.now()) {
                    return Err(AppError::Conflict("this engagement gives no access any more".into()));
                }
                let draft = act
                    .draft(Event::from(AuditEvent::Ended { engagement: id }))
                    .about(NOUN, &id)
                    .about("person", &row.auditor.0)
                    .private("reason", &Note { text: command.reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// Engagements; an auditor from outside sees their own.
    pub async fn engagements(&self, caller: &Caller, slice: Slice) -> Result<Page<EngagementView>, AppError> {
        let own = self.may_follow(caller, None).await?;
        let limit = slice.limit()?;
        let auditor = own.map(|id| id.to_string()).unwrap_or_default();
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in audits::engagements(&mut conn, &auditor, slice.after(), limit + 1).await? {
            views.push(self.engagement_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    /// An engagement.
    pub async fn engagement(&self, caller: &Caller, id: EngagementId) -> Result<EngagementView, AppError> {
        let row = self.followed(caller, id).await?;
        let mut conn = self.store.read().await?;
        self.engagement_view(&mut conn, row).await
    }

    /// Asks whether engagements may be read. Answers the auditor to whose own ones that is limited, if it is.
    async fn may_follow(
        &self,
        caller: &Caller,
        asked: Option<EngagementId>,
    ) -> Result<Option<PrincipalId>, AppError> {
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let held = audits::of_auditor(&mut conn, caller.principal).await?;
        drop(conn);
        let own = held.iter().find(|row| row.is_open(now)).map(|row| row.id.0);
        let resource = asked.or(own).map_or_else(|| ORG.to_owned(), |id| format!("{NOUN}/{id}"));
        self.may_read(caller, Action::EngagementRead, &resource, None, None).await?;
        Ok(own.map(|_| caller.principal))
    }

    /// An engagement that the caller may read.
    async fn followed(&self, caller: &Caller, id: EngagementId) -> Result<EngagementRow, AppError> {
        self.may_follow(caller, Some(id)).await?;
        let mut conn = self.store.read().await?;
        find(&mut conn, id).await
    }

    /// The engagement that is meant: by id, or the only open one of the caller.
    async fn meant(&self, caller: &Caller, id: Option<EngagementId>) -> Result<EngagementId, AppError> {
        if let Some(id) = id {
            return Ok(id);
        }
        let now = self.store.clock().now();
        let mut conn = self.store.read().await?;
        let held = audits::of_auditor(&mut conn, caller.principal).await?;
        let mut open = held.iter().filter(|row| row.is_open(now)).map(|row| row.id.0);
        match (open.next(), open.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(AppError::invalid(
                "engagement",
                "you have none that is open: name one; `comptroller audit list` shows them",
            )),
            (Some(_), Some(_)) => Err(AppError::invalid(
                "engagement",
                "you have several that are open: name one; `comptroller audit list` shows them",
            )),
        }
    }

    async fn engagement_view(&self, conn: &mut Conn, row: EngagementRow) -> Result<EngagementView, AppError> {
        let note = journal::private::<Note>(conn, self.store.key(), row.private_at).await?;
        let reason = journal::private::<Note>(conn, self.store.key(), row.end_at).await?;
        let state = match (&row.ended_at, row.is_open(self.store.clock().now())) {
            (Some(_), _) => "ended",
            (None, true) => "open",
            (None, false) => "over",
        };
        Ok(EngagementView {
            id: row.id.0,
            auditor: row.auditor.0,
            frameworks: row.frameworks()?,
            systems: row.systems()?,
            from: row.from_at.0,
            to: row.to_at.0,
            until: row.until_at.0,
            state: state.to_owned(),
            opened_at: row.opened_at.0,
            ended_at: row.ended_at.map(|at| at.0),
            opened_by: row.opened_by,
            note: note.map(|note| note.text),
            reason: reason.map(|note| note.text),
        })
    }
}

async fn find(conn: &mut Conn, id: EngagementId) -> Result<EngagementRow, AppError> {
    audits::engagement(conn, id).await?.ok_or_else(|| AppError::not_found("engagement", id))
}

async fn engage(mut act: Act<'_>, command: EngageAuditor) -> Result<Receipt, AppError> {
    let now = act.now();
    check_text("note", &command.note, false)?;
    check_terms(&command, now)?;
    let auditor = people_cases::find(act.conn(), &command.auditor).await?;
    let person = auditor.id.0;
    let other_role =
        people::grants(act.conn(), person).await?.iter().any(|grant| grant.role.0 != Role::Auditor);
    let facts = Facts::new()
        .bool("auditor_is_self", person == act.caller.principal)
        .bool("auditor_takes_part", other_role);
    act.authorise(Action::AuditEngage, &format!("person/{person}"), None, None, facts).await?;
    if !is_person(auditor.kind.0) || auditor.status != "active" {
        return Err(AppError::invalid(
            "auditor",
            "an auditor is a person whose account is active; `comptroller person add` makes one known",
        ));
    }
    let mut scope = Vec::new();
    for name in &command.systems {
        let id = systems::find(act.conn(), name).await?.id.0;
        if !scope.contains(&id) {
            scope.push(id);
        }
    }
    let EngageAuditor { frameworks, from, to, until, note, .. } = command;
    let engagement = act.new_id(EngagementId::new)?;
    let terms = AuditTerms { frameworks, systems: scope, from, to, until };
    let draft = act
        .draft(Event::from(AuditEvent::Engaged { engagement, auditor: person, terms }))
        .about(NOUN, &engagement)
        .about("person", &person)
        .private("note", &Note { text: note })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(engagement, index))
}

fn check_terms(command: &EngageAuditor, now: Timestamp) -> Result<(), AppError> {
    if command.frameworks.is_empty() || command.frameworks.len() > MOST {
        return Err(AppError::invalid("frameworks", format!("name 1 to {MOST} of them")));
    }
    for framework in &command.frameworks {
        framework_data(framework.as_str())?;
    }
    if command.systems.len() > MOST {
        return Err(AppError::invalid("systems", format!("at most {MOST}; without any: the organisation")));
    }
    if command.from >= command.to {
        return Err(AppError::invalid("to", "the period that is audited ends after it begins"));
    }
    if command.until <= now {
        return Err(AppError::invalid("until", "access ends after now"));
    }
    if command.until > now.plus_seconds(MAX_DAYS * DAY) {
        return Err(AppError::invalid("until", "access lasts at most a year; engage the auditor again then"));
    }
    Ok(())
}
