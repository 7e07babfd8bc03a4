//! Tokens, and the one-time bootstrap that makes the first owner.

use crate::act::Call;
use crate::caller::{Credential, new_secret};
use crate::people::find;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{PrincipalId, TokenId};
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

/// Issues a token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueToken {
    /// Who will act with it: a principal's id, or a service account's name.
    pub principal: String,
    /// The one environment it is good for; none = acts that touch no environment, and any environment by role.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What its owner calls it.
    pub label: Slug,
    /// 1 to 90.
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
            issued_at: row.issued_at.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(|at| at.0),
        }
    }
}

impl App {
    /// Issues a token; the answer holds the only copy of its secret.
    pub async fn issue_token(&self, call: &Call, command: IssueToken) -> Result<IssuedToken, AppError> {
        self.act(call, "token.issue", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::TokenIssue, ORG, None).await?;
                if !(1..=MAX_TOKEN_DAYS).contains(&command.days) {
                    return Err(AppError::invalid(
                        "days",
                        format!("{} is not between 1 and 90", command.days),
                    ));
                }
                let row = find(act.conn(), &command.principal).await?;
                if row.status != "active" {
                    return Err(AppError::Conflict(format!("the account is {}", row.status)));
                }
                let token = act.new_id(TokenId::new)?;
                let expires_at = act.now().plus_seconds(i64::from(command.days) * DAY_SECONDS);
                let secret = new_secret(command.environment.map_or("org", Environment::as_str), &token)?;
                let event = Event::TokenIssued {
                    token,
                    principal: row.id.0,
                    environment: command.environment,
                    expires_at,
                    label: command.label,
                };
                let draft = act.draft(event).about("token", &token).about("person", &row.id.0);
                let ledger_index = act.record(draft).await?;
                access::put_token_hash(act.conn(), token, &secret.hash).await?;
                Ok(IssuedToken { id: token, secret: Some(secret.text.to_string()), expires_at, ledger_index })
            })
        })
        .await
    }

    /// Revokes a token at once.
    pub async fn revoke_token(&self, call: &Call, token: TokenId) -> Result<Receipt, AppError> {
        self.act(call, "token.revoke", token, |mut act, token| {
            Box::pin(async move {
                act.may(Action::TokenRevoke, ORG, None).await?;
                let found = access::token(act.conn(), token).await?;
                let (row, _) = found.ok_or_else(|| AppError::not_found("token", token))?;
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
                };
                let draft = act.draft(event);
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
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
                    };
                    tx.record(Draft::new("system", issued).about("token", &token)).await?;
                    access::put_token_hash(tx.conn(), token, &secret.hash).await?;
                    Ok(Some(secret.text.to_string()))
                })
            })
            .await
    }
}
