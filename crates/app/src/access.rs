//! Tokens, and the one-time bootstrap that makes the first owner.
//!
//! // INVARIANT (own-credentials): nobody makes a credential of another person. A person makes the first one from an
//! // invitation, which works once, and further ones with those they have; administrators issue to service accounts.

use crate::act::{Act, Call, is_person};
use crate::caller::{Credential, new_secret};
use crate::people::find;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{PrincipalId, TokenId};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Environment, Event, Role, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::Draft;
use comptroller_store::areas::access::{self, TokenRow};
use comptroller_store::areas::people;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest life of a token, in days.
pub const MAX_TOKEN_DAYS: u32 = 90;
/// Life of the bootstrap token, in days.
const BOOTSTRAP_DAYS: i64 = 1;
const DAY_SECONDS: i64 = 86_400;

/// Issues a token to a service account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueToken {
    /// The service account that will act with it, by name or id. People make their own tokens.
    pub principal: String,
    /// The one environment it is good for; none = acts that touch no environment, and any environment by role.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What its owner calls it.
    pub label: Slug,
    /// 1 to 90.
    pub days: u32,
}

/// Issues a token to whoever asks for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueOwnToken {
    /// The one environment it is good for; none = acts that touch no environment, and any environment by role.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What its owner calls it.
    pub label: Slug,
    /// 1 to 90. A token that is made with another one ends no later than that.
    pub days: u32,
}

/// A new token. The secret is shown once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// Its id.
    pub id: TokenId,
    /// The whole token text; absent when the answer is repeated under an idempotency key.
    pub secret: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Index of the event in the log.
    pub ledger_index: u64,
}

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// Who acts with it.
    pub principal: PrincipalId,
    /// The one environment it is good for.
    pub environment: Option<Environment>,
    /// What its owner calls it.
    pub label: Slug,
    /// How its owner first proved who they are.
    pub origin: CredentialOrigin,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl From<TokenRow> for TokenView {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id.0,
            principal: row.principal.0,
            environment: row.environment.map(|e| e.0),
            label: row.label.0,
            origin: row.origin.0,
            issued_at: row.issued_at.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(|at| at.0),
        }
    }
}

/// Makes a token and records it. `ends` bounds its life.
pub(crate) async fn make_token(
    act: &mut Act<'_>,
    principal: PrincipalId,
    terms: IssueOwnToken,
    origin: CredentialOrigin,
    ends: Option<Timestamp>,
) -> Result<IssuedToken, AppError> {
    let IssueOwnToken { environment, label, days } = terms;
    if !(1..=MAX_TOKEN_DAYS).contains(&days) {
        return Err(AppError::invalid("days", format!("{days} is not between 1 and {MAX_TOKEN_DAYS}")));
    }
    let token = act.new_id(TokenId::new)?;
    let wanted = act.now().plus_seconds(i64::from(days) * DAY_SECONDS);
    let expires_at = ends.map_or(wanted, |ends| wanted.min(ends));
    let secret = new_secret(environment.map_or("org", Environment::as_str), &token)?;
    let event = Event::TokenIssued { token, principal, environment, expires_at, label, origin };
    let draft = act.draft(event).about("token", &token).about("person", &principal);
    let ledger_index = act.record(draft).await?;
    access::put_hash(act.tx, token, &secret.hash).await?;
    Ok(IssuedToken { id: token, secret: Some(secret.text.to_string()), expires_at, ledger_index })
}

impl App {
    /// Issues a token to a service account; the answer holds the only copy of its secret.
    pub async fn issue_token(&self, call: &Call, command: IssueToken) -> Result<IssuedToken, AppError> {
        self.act(call, "token.issue", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::TokenIssue, ORG, None).await?;
                let row = find(act.conn(), &command.principal).await?;
                if is_person(row.kind.0) {
                    return Err(AppError::invalid(
                        "principal",
                        "people make their own tokens: invite the person, or let them sign in",
                    ));
                }
                if row.status != "active" {
                    return Err(AppError::Conflict(format!("the account is {}", row.status)));
                }
                let IssueToken { environment, label, days, .. } = command;
                let terms = IssueOwnToken { environment, label, days };
                make_token(&mut act, row.id.0, terms, CredentialOrigin::Issued, None).await
            })
        })
        .await
    }

    /// Issues a token to the caller, a person. One that is made with a token ends no later than that token.
    pub async fn issue_own_token(
        &self,
        call: &Call,
        command: IssueOwnToken,
    ) -> Result<IssuedToken, AppError> {
        self.act(call, "token.issue_own", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::TokenIssueOwn, ORG, None).await?;
                let Caller { principal, credential, origin, .. } = act.caller;
                // Looked at again here, so that what ends with a credential cannot be outrun.
                let (ends, over) = match credential {
                    Credential::Token(id) => {
                        let row = access::token(act.conn(), id).await?;
                        row.map_or((None, true), |row| (Some(row.expires_at.0), row.revoked_at.is_some()))
                    }
                    Credential::Session(id) => {
                        let row = access::session(act.conn(), id).await?;
                        (None, row.is_none_or(|row| row.closed_at.is_some()))
                    }
                    Credential::Invitation(_) | Credential::Workload(_) => (None, true),
                };
                if over {
                    return Err(AppError::Unauthenticated("the credential was revoked"));
                }
                make_token(&mut act, principal, command, origin, ends).await
            })
        })
        .await
    }

    /// Revokes a token at once. People may revoke their own.
    pub async fn revoke_token(&self, call: &Call, token: TokenId) -> Result<Receipt, AppError> {
        self.act(call, "token.revoke", token, |mut act, token| {
            Box::pin(async move {
                let found = access::token(act.conn(), token).await?;
                let own = found.as_ref().is_some_and(|row| row.principal.0 == act.caller.principal);
                let action = if own && is_person(act.caller.kind) {
                    Action::TokenIssueOwn
                } else {
                    Action::TokenRevoke
                };
                act.may(action, ORG, None).await?;
                let row = found.ok_or_else(|| AppError::not_found("token", token))?;
                if row.revoked_at.is_some() {
                    return Err(AppError::Conflict("the token was revoked already".into()));
                }
                let draft = act.draft(Event::TokenRevoked { token }).about("token", &token);
                let index = act.record(draft).await?;
                Ok(Receipt::new(token, index))
            })
        })
        .await
    }

    /// Revokes the token that the caller presented; anybody may.
    pub async fn revoke_own(&self, call: &Call) -> Result<Receipt, AppError> {
        self.act(call, "token.revoke_own", (), |mut act, ()| {
            Box::pin(async move {
                let (event, id) = match act.caller.credential {
                    Credential::Token(token) => (Event::TokenRevoked { token }, token.to_string()),
                    Credential::Session(session) => (Event::SessionClosed { session }, session.to_string()),
                    Credential::Invitation(_) | Credential::Workload(_) => {
                        return Err(AppError::Unauthenticated("give a token"));
                    }
                };
                let draft = act.draft(event);
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// The caller's own tokens.
    pub async fn own_tokens(&self, caller: &Caller, slice: Slice) -> Result<Page<TokenView>, AppError> {
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let principal = caller.principal.to_string();
        let rows = access::tokens(&mut conn, &principal, slice.after(), limit + 1).await?;
        Ok(page(rows.into_iter().map(TokenView::from).collect(), limit, |view: &TokenView| {
            view.id.to_string()
        }))
    }

    /// Tokens without their secrets; of one principal, or of all.
    pub async fn tokens(
        &self,
        caller: &Caller,
        principal: Option<&str>,
        slice: Slice,
    ) -> Result<Page<TokenView>, AppError> {
        self.may_read(caller, Action::TokenRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let principal = match principal {
            Some(name) => find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let rows = access::tokens(&mut conn, &principal, slice.after(), limit + 1).await?;
        Ok(page(rows.into_iter().map(TokenView::from).collect(), limit, |view: &TokenView| {
            view.id.to_string()
        }))
    }

    /// Makes the first owner and a one-day token, once: only while nobody is known. None = done before.
    ///
    /// The bootstrap account is a service account named `bootstrap`: it can add people and roles but, being an
    /// owner, it never approves, and it should be disabled once a person is owner.
    pub async fn bootstrap(&self) -> Result<Option<String>, AppError> {
        self.store
            .write(|tx| {
                Box::pin(async move {
                    if !people::principals(tx.conn(), "", 1).await?.is_empty() {
                        return Ok::<_, AppError>(None);
                    }
                    let now = tx.now();
                    let principal = PrincipalId::new(now, comptroller_store::keys::random()?);
                    let token = TokenId::new(now, comptroller_store::keys::random()?);
                    let secret = new_secret("org", &token)?;
                    let account = Event::ServiceAccountAdded { principal, slug: "bootstrap".parse()? };
                    tx.record(Draft::new("system", account).about("person", &principal)).await?;
                    let role = Event::RoleGranted { principal, role: Role::Owner, system: None };
                    tx.record(Draft::new("system", role).about("person", &principal)).await?;
                    let issued = Event::TokenIssued {
                        token,
                        principal,
                        environment: None,
                        expires_at: now.plus_seconds(BOOTSTRAP_DAYS * DAY_SECONDS),
                        label: "bootstrap".parse()?,
                        origin: CredentialOrigin::Bootstrap,
                    };
                    tx.record(Draft::new("system", issued).about("token", &token)).await?;
                    access::put_hash(tx, token, &secret.hash).await?;
                    Ok(Some(secret.text.to_string()))
                })
            })
            .await
    }
}
