//! Invitations: how a person comes to the first credential of their own.
//!
//! Whoever invites has seen the invitation and could use it. It therefore works once and ends every earlier credential
//! of the person: a second use fails, and a person whose account was taken over this way is locked out and learns it.
//! The log names whoever invited (own-credentials).

use crate::access::{IssueOwnToken, IssuedToken, make_token};
use crate::act::{Act, Call, is_person};
use crate::caller::{Credential, INVITATION, new_secret};
use crate::people::find;
use crate::{App, AppError, ORG};
use comptroller_core::ids::{InvitationId, PrincipalId};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Event, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::access;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest life of an invitation, in days.
const MAX_DAYS: u32 = 7;
const DAY_SECONDS: i64 = 86_400;

/// Invites a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitePerson {
    /// The person's id.
    pub person: String,
    /// Days until it ends, 1 to 7.
    pub days: u32,
}

/// A new invitation. Its text is shown once; hand it to the person and to nobody else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// Its id.
    pub id: InvitationId,
    /// The whole text; absent when the answer is repeated under an idempotency key.
    pub secret: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

impl App {
    /// Invites a person; the answer holds the only copy of the invitation. An earlier one that is open ends.
    pub async fn invite(&self, call: &Call, command: InvitePerson) -> Result<Invited, AppError> {
        self.act(call, "person.invite", command, |act, command| Box::pin(invite(act, command))).await
    }

    /// Makes the first token of the person who was invited. Every earlier token and session of theirs ends.
    pub async fn accept_invitation(
        &self,
        call: &Call,
        command: IssueOwnToken,
    ) -> Result<IssuedToken, AppError> {
        self.act(call, "invitation.accept", command, |act, command| Box::pin(accept(act, command))).await
    }
}

async fn invite(mut act: Act<'_>, command: InvitePerson) -> Result<Invited, AppError> {
    act.may(Action::PersonInvite, ORG, None).await?;
    if !(1..=MAX_DAYS).contains(&command.days) {
        return Err(AppError::invalid("days", format!("{} is not between 1 and {MAX_DAYS}", command.days)));
    }
    let row = find(act.conn(), &command.person).await?;
    if !is_person(row.kind.0) {
        return Err(AppError::invalid("person", "this is a service account: issue it a token"));
    }
    if row.status != "active" {
        return Err(AppError::Conflict(format!("the account is {}", row.status)));
    }
    let (principal, id) = (row.id.0, act.new_id(InvitationId::new)?);
    let secret = new_secret(INVITATION, &id)?;
    let expires_at = act.now().plus_seconds(i64::from(command.days) * DAY_SECONDS);
    let event = Event::InvitationIssued { invitation: id, principal, expires_at };
    let draft = act.draft(event).about("invitation", &id).about("person", &principal);
    let ledger_index = act.record(draft).await?;
    access::put_hash(act.tx, id, &secret.hash).await?;
    Ok(Invited { id, secret: Some(secret.text.to_string()), expires_at, ledger_index })
}

async fn accept(mut act: Act<'_>, command: IssueOwnToken) -> Result<IssuedToken, AppError> {
    let Credential::Invitation(id) = act.caller.credential else {
        return Err(AppError::Unauthenticated("this act takes an invitation"));
    };
    let (principal, now) = (act.caller.principal, act.now());
    let row = access::invitation(act.conn(), id).await?;
    let row = row.ok_or_else(|| AppError::not_found("invitation", id))?;
    if row.ended_at.is_some() {
        return Err(AppError::Unauthenticated(
            "the invitation was used already, or replaced by a later one; if you did not use it, tell an auditor, \
             and ask for a new one",
        ));
    }
    if now >= row.expires_at.0 {
        return Err(AppError::Unauthenticated("the invitation has expired; ask for a new one"));
    }
    let draft = act.draft(Event::InvitationAccepted { invitation: id });
    let draft = draft.about("invitation", &id).about("person", &principal);
    act.record(draft).await?;
    end_credentials(&mut act, principal).await?;
    make_token(&mut act, principal, command, CredentialOrigin::Invitation, None).await
}

/// Ends every token and session of a principal.
pub(crate) async fn end_credentials(act: &mut Act<'_>, principal: PrincipalId) -> Result<(), AppError> {
    let now = act.now();
    for token in access::live_tokens(act.conn(), principal, now).await? {
        let draft = act.draft(Event::TokenRevoked { token }).about("token", &token);
        act.record(draft).await?;
    }
    for session in access::live_sessions(act.conn(), principal, now).await? {
        let draft = act.draft(Event::SessionClosed { session }).about("person", &principal);
        act.record(draft).await?;
    }
    Ok(())
}
