//! Waivers: a rule that may be waived is, for one version in one environment, for a time, with an owner.

use crate::act::{Act, Call};
use crate::assess::Because;
use crate::gate::decision_event;
use crate::models::{find_version, with_all_builders};
use crate::people::find as find_principal;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{PrincipalId, VersionId, WaiverId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::Vote;
use comptroller_core::{Environment, Event, Slug, TagText, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::evidence::{self, WaiverRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Longest time of a waiver, in days.
const MAX_DAYS: u32 = 90;
/// Most waivers of one version that are looked at.
const MAX_WAIVERS: i64 = 200;
/// Before its end a waiver warns at these numbers of days.
const WARN_DAYS: [i64; 3] = [3, 14, 30];

/// Asks for a waiver.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestWaiver {
    /// The rule.
    pub rule: Slug,
    /// The version: its id, or `model@label`.
    pub version: String,
    /// Where.
    pub environment: Environment,
    /// The person who answers for it, by id.
    pub owner: String,
    /// The ticket that it belongs to.
    pub ticket: TagText,
    /// For how many days: 1 to 90.
    pub days: u32,
    /// Why, and what limits the risk meanwhile.
    pub reason: String,
}

/// Grants or refuses a waiver.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideWaiver {
    /// Approve or deny.
    pub vote: Vote,
    /// Why.
    pub comment: String,
}

/// A waiver.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaiverView {
    /// Its id.
    pub id: WaiverId,
    /// The rule.
    pub rule: Slug,
    /// The version.
    pub version: VersionId,
    /// Where.
    pub environment: Environment,
    /// Who answers for it.
    pub owner: PrincipalId,
    /// The ticket that it belongs to.
    pub ticket: TagText,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// `requested`, `granted`, `refused`, `ended` or `expired`.
    pub state: String,
    /// Who decided.
    pub decided_by: Option<PrincipalId>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// A warning that its end is near: 30, 14 or 3 days.
    pub warning: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// The waivers of a version in an environment, in any state.
pub(crate) async fn waivers_of(
    conn: &mut Conn,
    version: VersionId,
    environment: Environment,
) -> Result<Vec<WaiverRow>, AppError> {
    let mut rows = evidence::waivers(conn, &version.to_string(), "granted", "", MAX_WAIVERS).await?;
    rows.retain(|row| row.environment.0 == environment);
    Ok(rows)
}

impl App {
    /// Asks for a waiver.
    pub async fn request_waiver(&self, call: &Call, command: RequestWaiver) -> Result<Receipt, AppError> {
        self.act(call, "waiver.request", command, |act, command| Box::pin(request(act, command))).await
    }

    /// Grants or refuses a waiver.
    pub async fn decide_waiver(
        &self,
        call: &Call,
        id: WaiverId,
        command: DecideWaiver,
    ) -> Result<Receipt, AppError> {
        self.act(call, "waiver.decide", (id, command), |act, (id, command)| {
            Box::pin(decide(act, id, command))
        })
        .await
    }

    /// Ends a waiver before its time.
    pub async fn end_waiver(&self, call: &Call, id: WaiverId, command: Because) -> Result<Receipt, AppError> {
        self.act(call, "waiver.end", (id, command), |mut act, (id, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                let row = find(act.conn(), id).await?;
                let system = find_version(act.conn(), &row.version.0.to_string()).await?.0.system.0;
                let resource = format!("waiver/{id}");
                let environment = Some(row.environment.0);
                act.authorise(Action::WaiverEnd, &resource, Some(system), environment, Facts::new()).await?;
                if !["requested", "granted"].contains(&row.state.as_str()) {
                    return Err(AppError::Conflict(format!("this waiver is {} already", row.state)));
                }
                let draft = act
                    .draft(Event::WaiverEnded { waiver: id })
                    .of_system(system)
                    .about("waiver", &id)
                    .private("reason", &Note { text: command.reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// Waivers; of one version, or all.
    pub async fn waivers(
        &self,
        caller: &Caller,
        version: Option<&str>,
        slice: Slice,
    ) -> Result<Page<WaiverView>, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let version = match version {
            Some(name) => find_version(&mut conn, name).await?.1.id.0.to_string(),
            None => String::new(),
        };
        let now = self.store.clock().now();
        let mut views = Vec::new();
        for row in evidence::waivers(&mut conn, &version, "", slice.after(), limit + 1).await? {
            let reason = journal::private::<Note>(&mut conn, self.store.key(), row.private_at).await?;
            views.push(view(row, now, reason.map(|note| note.text)));
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }
}

fn view(row: WaiverRow, now: Timestamp, reason: Option<String>) -> WaiverView {
    let expired = row.expires_at.0 <= now && ["requested", "granted"].contains(&row.state.as_str());
    let left = (row.expires_at.0.micros() - now.micros()).div_euclid(86_400_000_000);
    let warning = WARN_DAYS
        .iter()
        .find(|days| row.state == "granted" && !expired && left < **days)
        .map(|days| format!("ends in less than {days} days"));
    WaiverView {
        id: row.id.0,
        rule: row.rule.0,
        version: row.version.0,
        environment: row.environment.0,
        owner: row.owner.0,
        ticket: row.ticket.0,
        requested_by: row.requested_by,
        requested_at: row.requested_at.0,
        expires_at: row.expires_at.0,
        state: if expired { "expired".to_owned() } else { row.state },
        decided_by: row.decided_by.map(|id| id.0),
        decided_at: row.decided_at.map(|at| at.0),
        warning,
        reason,
    }
}

async fn find(conn: &mut Conn, id: WaiverId) -> Result<WaiverRow, AppError> {
    evidence::waiver(conn, id).await?.ok_or_else(|| AppError::not_found("waiver", id))
}

async fn request(mut act: Act<'_>, command: RequestWaiver) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    if !(1..=MAX_DAYS).contains(&command.days) {
        return Err(AppError::invalid("days", format!("{} is not 1 to {MAX_DAYS}", command.days)));
    }
    let (model, version) = find_version(act.conn(), &command.version).await?;
    let (system, id) = (model.system.0, version.id.0);
    let resource = format!("version/{id}");
    act.authorise(Action::WaiverRequest, &resource, Some(system), Some(command.environment), Facts::new())
        .await?;
    match act.bundle.rules().find(|rule| rule.id == command.rule) {
        None => return Err(AppError::not_found("rule", &command.rule)),
        Some(rule) if !rule.waivable => {
            return Err(AppError::invalid("rule", format!("{} cannot be waived", command.rule)));
        }
        Some(_) => {}
    }
    let owner = find_principal(act.conn(), &command.owner).await?;
    if owner.status != "active" || !crate::act::is_person(owner.kind.0) {
        return Err(AppError::invalid("owner", "the owner is a person who acts here"));
    }
    if let Some(open) = open(&mut act, id, &command).await? {
        return Err(AppError::Conflict(format!(
            "waiver {open} asks for the same: have it decided, or end it before asking again"
        )));
    }
    let waiver = act.new_id(WaiverId::new)?;
    let event = Event::WaiverRequested {
        waiver,
        rule: command.rule,
        version: id,
        environment: command.environment,
        owner: owner.id.0,
        ticket: command.ticket,
        expires_at: act.now().plus_seconds(i64::from(command.days) * 86_400),
    };
    let draft = act
        .draft(event)
        .of_system(system)
        .about("version", &id)
        .about("waiver", &waiver)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(waiver, index))
}

/// The request of the same person for the same rule and place that nobody has decided yet.
async fn open(
    act: &mut Act<'_>,
    version: VersionId,
    command: &RequestWaiver,
) -> Result<Option<WaiverId>, AppError> {
    let (now, actor) = (act.now(), act.caller.actor());
    let mut after = String::new();
    loop {
        let rows =
            evidence::waivers(act.conn(), &version.to_string(), "requested", &after, MAX_WAIVERS).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        after = last.id.0.to_string();
        let same = |row: &&WaiverRow| {
            row.rule.0 == command.rule
                && row.environment.0 == command.environment
                && row.requested_by == actor
                && row.expires_at.0 > now
        };
        if let Some(row) = rows.iter().find(same) {
            return Ok(Some(row.id.0));
        }
    }
}

async fn decide(mut act: Act<'_>, id: WaiverId, command: DecideWaiver) -> Result<Receipt, AppError> {
    check_text("comment", &command.comment, false)?;
    let row = find(act.conn(), id).await?;
    let (model, version) = find_version(act.conn(), &row.version.0.to_string()).await?;
    let (system, approver) = (model.system.0, act.caller.principal);
    let builders = with_all_builders(act.conn(), &version).await?.builders;
    let waivable = act.bundle.rules().any(|rule| rule.id == row.rule.0 && rule.waivable);
    let asked = Facts::new()
        .bool("rule_waivable", waivable)
        .bool("approver_is_requester", row.requested_by == act.caller.actor() || row.owner.0 == approver)
        .bool("approver_is_builder", builders.contains(&approver))
        .bool("already_decided", row.state != "requested")
        .bool("expired", row.expires_at.0 <= act.now());
    let resource = format!("waiver/{id}");
    let environment = Some(row.environment.0);
    let decision = act.authorise(Action::WaiverDecide, &resource, Some(system), environment, asked).await?;
    let (decided, event) =
        decision_event(&act, Action::WaiverDecide, resource, environment, &decision, BTreeMap::new())?;
    let draft = act.draft(event).of_system(system).about("waiver", &id);
    act.record(draft).await?;
    let event = Event::WaiverDecided { waiver: id, approver, vote: command.vote, decision: decided };
    let draft = act
        .draft(event)
        .of_system(system)
        .about("waiver", &id)
        .about("version", &row.version.0)
        .private("comment", &Note { text: command.comment })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}
