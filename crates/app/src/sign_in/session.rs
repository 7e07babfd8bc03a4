//! Sessions: whom an identity stands for, and how long somebody stays signed in.

use super::provider::Identity;
use crate::act::Call;
use crate::caller::{SESSION, new_secret};
use crate::invitations::end_credentials;
use crate::people::email_key;
use crate::{App, AppError, ORG, Receipt};
use comptroller_core::ids::{PrincipalId, SessionId};
use comptroller_core::{Event, TagText, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::{access, people};
use comptroller_store::{Draft, Tx};
use zeroize::Zeroizing;

/// Longest life of a session, in hours.
pub const SESSION_HOURS: i64 = 12;
/// A session that is not used for so long is over.
const IDLE_SECONDS: i64 = 30 * 60;
/// The use of a session is noted when the last note is this old.
const NOTE_SECONDS: i64 = 60;

/// A new session.
#[derive(Debug)]
pub struct Opened {
    /// The credential for the browser; nobody else has it.
    pub secret: Zeroizing<String>,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Who an identity turned out to be.
enum Found {
    /// A person who may sign in.
    Person(PrincipalId),
    /// A person who is disabled; the attempt is recorded.
    Disabled(PrincipalId),
}

impl App {
    /// Opens a session of whom the identity stands for.
    pub(super) async fn open_session(&self, issuer: String, identity: Identity) -> Result<Opened, AppError> {
        let opened = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    match find(tx, &issuer, &identity).await? {
                        Found::Person(principal) => open(tx, principal).await.map(Some),
                        Found::Disabled(principal) => refuse(tx, principal).await.map(|()| None),
                    }
                })
            })
            .await?;
        opened.ok_or(AppError::Unauthenticated("the account is disabled"))
    }

    /// Forgets the provider's id of a person, so that the next sign-in finds the person by the verified address again.
    /// Every credential of theirs ends: whoever had the old account must not go on with it.
    pub async fn unlink_identity(&self, call: &Call, name: String) -> Result<Receipt, AppError> {
        self.act(call, "identity.unlink", name, |mut act, name| {
            Box::pin(async move {
                act.may(Action::PersonInvite, ORG, None).await?;
                let principal = crate::people::find(act.conn(), &name).await?.id.0;
                if access::unlink(act.conn(), principal).await? == 0 {
                    return Err(AppError::Conflict("no account of an identity provider is linked".into()));
                }
                let event = Event::IdentityUnlinked { principal };
                let draft = act.draft(event).about("person", &principal);
                let index = act.record(draft).await?;
                end_credentials(&mut act, principal).await?;
                Ok(Receipt::new(principal, index))
            })
        })
        .await
    }

    /// Notes that a session is used. One that was idle for too long is over.
    pub(crate) async fn use_session(&self, session: SessionId, now: Timestamp) -> Result<(), AppError> {
        let mut conn = self.store.read().await?;
        let seen = access::session_seen(&mut conn, session).await?;
        drop(conn);
        if seen.is_none_or(|seen| seen.plus_seconds(IDLE_SECONDS) <= now) {
            return Err(AppError::Unauthenticated("the session was not used for 30 minutes; sign in again"));
        }
        if seen.is_some_and(|seen| seen.plus_seconds(NOTE_SECONDS) > now) || self.store.is_read_only() {
            return Ok(());
        }
        self.store
            .write(move |tx| Box::pin(async move { Ok(access::see_session(tx.conn(), session, now).await?) }))
            .await
    }
}

/// By the provider's own id of the person; the first time by the verified address, which is then linked.
async fn find(tx: &mut Tx, issuer: &str, identity: &Identity) -> Result<Found, AppError> {
    let subject = tx.key().lookup_digest("oidc", &format!("{issuer}\n{}", identity.subject));
    if let Some(principal) = known(tx, &subject).await? {
        return status(tx, principal).await;
    }
    let Some(email) = &identity.verified_email else {
        return Err(AppError::Unauthenticated(
            "the identity provider has not verified an e-mail address of yours, so nobody here can be found by it",
        ));
    };
    let address = tx.key().lookup_digest("email", &email_key(email));
    let Some(principal) = known(tx, &address).await? else {
        return Err(AppError::Unauthenticated(
            "nobody with your e-mail address is known here; ask an owner or administrator to add you",
        ));
    };
    let found = status(tx, principal).await?;
    if matches!(found, Found::Disabled(_)) {
        return Ok(found);
    }
    if access::is_linked(tx.conn(), principal, issuer).await? {
        return Err(AppError::Unauthenticated(
            "this e-mail address belongs to somebody who signs in with another account of the same provider; ask an \
             administrator to unlink it if that account is gone",
        ));
    }
    access::put_identity(tx, &subject, principal, Some(issuer)).await?;
    let issuer: TagText = issuer.parse()?;
    let linked = Event::IdentityLinked { principal, issuer };
    tx.record(Draft::new(&actor(principal), linked).about("person", &principal)).await?;
    Ok(found)
}

async fn known(tx: &mut Tx, lookup: &str) -> Result<Option<PrincipalId>, AppError> {
    let key = tx.shared_key();
    Ok(access::identity(tx.conn(), &key, lookup).await?)
}

async fn status(tx: &mut Tx, principal: PrincipalId) -> Result<Found, AppError> {
    let row = people::principal(tx.conn(), &principal.to_string()).await?;
    let active = row.is_some_and(|row| row.status == "active");
    Ok(if active { Found::Person(principal) } else { Found::Disabled(principal) })
}

async fn open(tx: &mut Tx, principal: PrincipalId) -> Result<Opened, AppError> {
    let now = tx.now();
    let session = SessionId::new(now, comptroller_store::keys::random()?);
    let secret = new_secret(SESSION, &session)?;
    let expires_at = now.plus_seconds(SESSION_HOURS * 3_600);
    let event = Event::SessionOpened { session, principal, method: "oidc".parse()?, expires_at };
    tx.record(Draft::new(&actor(principal), event).about("person", &principal)).await?;
    access::put_hash(tx, session, &secret.hash).await?;
    access::see_session(tx.conn(), session, now).await?;
    Ok(Opened { secret: secret.text, expires_at })
}

async fn refuse(tx: &mut Tx, principal: PrincipalId) -> Result<(), AppError> {
    let resource = format!("person/{principal}");
    let reason = "account-disabled".parse()?;
    let event = Event::AccessDenied { action: "sign_in".parse()?, resource, reason };
    tx.record(Draft::new(&actor(principal), event).about("person", &principal)).await?;
    Ok(())
}

fn actor(principal: PrincipalId) -> String {
    format!("principal/{principal}")
}
