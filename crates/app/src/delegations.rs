//! Delegations: a person who votes names another one who votes in their stead, for a time, everywhere or on one system.
//!
//! // INVARIANT (separation-of-duties): a vote by delegation rests on roles that the delegator holds by a grant of their
//! // own, so there are no chains; it is refused when either of the two had a part in what is approved, and each human
//! // stands behind at most one vote on a request. All of it is asked again at every use, in [`crate::votes`].

use crate::act::{Act, Call, is_person, roles};
use crate::assess::Because;
use crate::factors::step_up::{self, Purpose, SecondFactor};
use crate::people::find as find_principal;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{DelegationId, PrincipalId, SystemId};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Event, Role, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::approvals::VoteRow;
use comptroller_store::areas::delegations::{self, DelegationRow};
use comptroller_store::areas::people;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Longest time of a delegation, in days.
const MAX_DAYS: u32 = 30;
/// How long before its start a delegation can be made, in days.
const MAX_AHEAD_DAYS: i64 = 90;
/// Delegations of a person that are looked through, at most.
const MAX_KNOWN: i64 = 1_000;
const DAY_SECONDS: i64 = 86_400;

/// Names somebody who votes in one's stead.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDelegation {
    /// The person who will vote, by id.
    pub delegate: String,
    /// The one system that it is about, by id or name; none = every system on which the delegator may vote.
    #[serde(default)]
    pub system: Option<String>,
    /// From when on; none = at once. At most 90 days ahead.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// For how many days: 1 to 30.
    pub days: u32,
    /// Why.
    pub reason: String,
    /// A second factor of the caller, who needs it if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

/// A delegation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DelegationView {
    /// Its id.
    pub id: DelegationId,
    /// In whose stead votes are cast.
    pub delegator: PrincipalId,
    /// Who casts them.
    pub delegate: PrincipalId,
    /// The one system that it is about; none = every system on which the delegator may vote.
    pub system: Option<SystemId>,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// `ahead`, `in-force`, `ended` or `expired`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody ended it before its time.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

impl App {
    /// Names somebody who votes in the caller's stead, for a time.
    pub async fn create_delegation(
        &self,
        call: &Call,
        command: CreateDelegation,
    ) -> Result<Receipt, AppError> {
        self.take_attempt(&call.caller, command.second_factor.as_ref()).await?;
        self.act(call, "delegation.create", command, |act, command| Box::pin(create(act, command))).await
    }

    /// Ends a delegation before its time; what was voted under it no longer counts.
    pub async fn end_delegation(
        &self,
        call: &Call,
        id: DelegationId,
        command: Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "delegation.end", (id, command), |act, (id, command)| Box::pin(end(act, id, command)))
            .await
    }

    /// Delegations; those from or to one person, or all.
    pub async fn delegations(
        &self,
        caller: &Caller,
        person: Option<&str>,
        slice: Slice,
    ) -> Result<Page<DelegationView>, AppError> {
        self.may_read(caller, Action::ApprovalRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let person = match person {
            Some(name) => find_principal(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let now = self.store.clock().now();
        let mut views = Vec::new();
        for row in delegations::delegations(&mut conn, &person, slice.after(), limit + 1).await? {
            let reason = journal::private::<Note>(&mut conn, self.store.key(), row.private_at).await?;
            views.push(view(row, now, reason.map(|note| note.text)));
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }
}

fn view(row: DelegationRow, now: Timestamp, reason: Option<String>) -> DelegationView {
    let state = if row.ended_at.is_some() {
        "ended"
    } else if row.ends_at.0 <= now {
        "expired"
    } else if row.starts_at.0 > now {
        "ahead"
    } else {
        "in-force"
    };
    DelegationView {
        id: row.id.0,
        delegator: row.delegator.0,
        delegate: row.delegate.0,
        system: row.system.map(|id| id.0),
        starts_at: row.starts_at.0,
        ends_at: row.ends_at.0,
        state: state.to_owned(),
        created_at: row.created_at.0,
        ended_at: row.ended_at.map(|at| at.0),
        reason,
    }
}

/// The time of a delegation, if it may have it.
fn span(command: &CreateDelegation, now: Timestamp) -> Result<(Timestamp, Timestamp), AppError> {
    if !(1..=MAX_DAYS).contains(&command.days) {
        return Err(AppError::invalid("days", format!("{} is not 1 to {MAX_DAYS}", command.days)));
    }
    let starts_at = match command.starts_at {
        None => now,
        Some(at) if at < now => {
            return Err(AppError::invalid("starts_at", "it has passed; leave it out to begin at once"));
        }
        Some(at) if at > now.plus_seconds(MAX_AHEAD_DAYS * DAY_SECONDS) => {
            return Err(AppError::invalid("starts_at", format!("it is over {MAX_AHEAD_DAYS} days ahead")));
        }
        Some(at) => at,
    };
    Ok((starts_at, starts_at.plus_seconds(i64::from(command.days) * DAY_SECONDS)))
}

async fn create(mut act: Act<'_>, command: CreateDelegation) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let (starts_at, ends_at) = span(&command, act.now())?;
    let system = match &command.system {
        Some(name) => Some(systems::find(act.conn(), name).await?.id.0),
        None => None,
    };
    let delegator = act.caller.principal;
    let delegate = find_principal(act.conn(), &command.delegate).await?;
    let held = roles(act.conn(), delegate.id.0, system).await?;
    let asked = Facts::new()
        .bool("delegate_is_self", delegate.id.0 == delegator)
        .bool("delegate_is_person", delegate.status == "active" && is_person(delegate.kind.0))
        .bool("delegate_is_member", works_here(&held))
        .bool("delegate_administers", administers(&held))
        .bool("actor_signed_in", act.caller.origin == CredentialOrigin::SignIn)
        .bool("sign_in_offered", act.sign_in_offered);
    let purpose = Purpose::Delegate {
        delegate: command.delegate,
        system: command.system,
        starts_at: command.starts_at,
        days: command.days,
    };
    let step_up = step_up::check(&mut act, &purpose, command.second_factor.as_ref()).await?;
    let asked = step_up.add_to(asked);
    let resource = format!("person/{}", delegate.id.0);
    act.authorise(Action::DelegationCreate, &resource, system, None, asked).await?;
    let delegate = delegate.id.0;
    let known = delegations::delegations(act.conn(), &delegator.to_string(), "", MAX_KNOWN).await?;
    let same = known.into_iter().find(|row| {
        row.delegator.0 == delegator
            && row.delegate.0 == delegate
            && row.system.as_ref().map(|id| id.0) == system
            && row.ended_at.is_none()
            && row.starts_at.0 < ends_at
            && starts_at < row.ends_at.0
    });
    if let Some(same) = same {
        // Ending one of two would leave the other in force unseen.
        return Err(AppError::Conflict(format!(
            "delegation {} names the same person for that time already; end it first to change it",
            same.id.0
        )));
    }
    let delegation = act.new_id(DelegationId::new)?;
    let event = Event::DelegationCreated { delegation, delegator, delegate, system, starts_at, ends_at };
    let draft = act
        .draft(event)
        .about("delegation", &delegation)
        .about("person", &delegator)
        .about("person", &delegate)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    step_up.record(&mut act, "delegation", &delegation, system).await?;
    Ok(Receipt::new(delegation, index))
}

async fn end(mut act: Act<'_>, id: DelegationId, command: Because) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = delegations::delegation(act.conn(), id).await?;
    let row = row.ok_or_else(|| AppError::not_found("delegation", id))?;
    let system = row.system.as_ref().map(|id| id.0);
    let own = Facts::new().bool("actor_is_delegator", row.delegator.0 == act.caller.principal);
    act.authorise(Action::DelegationEnd, &format!("delegation/{id}"), system, None, own).await?;
    if row.ended_at.is_some() || row.ends_at.0 <= act.now() {
        return Err(AppError::Conflict("this delegation is over already".into()));
    }
    let draft = act.draft(Event::DelegationEnded { delegation: id });
    let draft = match system {
        Some(system) => draft.of_system(system),
        None => draft,
    };
    let draft = draft
        .about("delegation", &id)
        .about("person", &row.delegator.0)
        .about("person", &row.delegate.0)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

/// Whether somebody with these roles is one of those who build, deploy or judge: auditors and programs are not.
pub(crate) fn works_here(roles: &BTreeSet<Role>) -> bool {
    votes(roles) || roles.contains(&Role::Developer) || roles.contains(&Role::Deployer)
}

/// Whether these are roles that vote.
pub(crate) fn votes(roles: &BTreeSet<Role>) -> bool {
    roles.contains(&Role::Approver) || roles.contains(&Role::RiskOfficer)
}

/// Whether these are roles that administer.
pub(crate) fn administers(roles: &BTreeSet<Role>) -> bool {
    roles.contains(&Role::Owner) || roles.contains(&Role::Admin)
}

/// Whether somebody is a person who acts here.
pub(crate) async fn acts_here(conn: &mut Conn, principal: PrincipalId) -> Result<bool, AppError> {
    let row = people::principal(conn, &principal.to_string()).await?;
    Ok(row.is_some_and(|row| row.status == "active" && is_person(row.kind.0)))
}

/// Why the delegation of a vote no longer holds; nothing for a vote in one's own name. In operation a delegation that
/// held when the vote was used does not expire.
pub(crate) async fn over(
    conn: &mut Conn,
    vote: &VoteRow,
    now: Timestamp,
    in_operation: bool,
) -> Result<Option<&'static str>, AppError> {
    let Some(id) = &vote.delegation else { return Ok(None) };
    let row = delegations::delegation(conn, id.0).await?;
    let Some(row) = row.filter(|row| row.ended_at.is_none()) else {
        return Ok(Some("the delegation that it was cast by was ended"));
    };
    let expired = !in_operation && row.ends_at.0 <= now;
    Ok(expired.then_some("the delegation that it was cast by has expired"))
}

/// Whether the voter, or whoever they vote for, stands behind a vote already. A vote whose delegation is over keeps
/// nobody but its voter from voting.
pub(crate) async fn stands_behind_one(
    conn: &mut Conn,
    cast: &[VoteRow],
    voter: PrincipalId,
    seat: PrincipalId,
    now: Timestamp,
) -> Result<bool, AppError> {
    for vote in cast {
        if vote.voter.0 == voter {
            return Ok(true);
        }
        if over(conn, vote, now, false).await?.is_some() {
            continue;
        }
        let behind = [Some(vote.voter.0), vote.in_stead_of.as_ref().map(|id| id.0)];
        if behind.contains(&Some(voter)) || behind.contains(&Some(seat)) {
            return Ok(true);
        }
    }
    Ok(false)
}
