//! Tokens for pipelines without a secret: a platform such as a CI service signs who its workload is, and the workload
//! changes that for a token of a service account that lasts ten minutes.
//!
//! What counts is the issuer's signature, our audience and the exact value of every claim that the trust names. A
//! subject alone is never enough: platforms build it from names, and a name can be given to somebody else.

use crate::access::{IssueOwnToken, IssuedToken, make_token};
use crate::act::{Act, Call, is_person};
use crate::caller::{Credential, caller};
use crate::oidc::{ALGORITHMS, Discovery};
use crate::people::find;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, outbound};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comptroller_core::ids::{PrincipalId, TrustId};
use comptroller_core::private::{WorkloadClaims, WorkloadText};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Environment, Event, TagText, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::workloads::{self, TrustRow};
use comptroller_store::{Conn, journal};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier};
use openidconnect::{ClientId, Nonce};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// Life of a token that is given for a workload token, in seconds.
const LIFE_SECONDS: i64 = 600;
/// Longest workload token, in bytes.
const MAX_TOKEN: usize = 16 << 10;
/// Most claims of a trust, and longest value of one.
const MAX_CLAIMS: usize = 16;
const MAX_CLAIM: usize = 512;
/// How far another clock may be ahead, in seconds.
const SKEW_SECONDS: i64 = 60;
/// How long an issuer's keys are used without asking again.
const FRESH: Duration = Duration::from_hours(1);
/// Shortest time between two readings because a token did not verify: anybody can send one.
const PAUSE: Duration = Duration::from_secs(30);
/// Claims that every token has and the exchange itself judges.
const RESERVED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// The issuers that were asked since the start.
#[derive(Debug, Default)]
pub(crate) struct Issuers(Mutex<HashMap<String, Arc<Discovery>>>);

/// Trusts what an issuer says about a workload.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustWorkload {
    /// The service account that will act, by name or id.
    pub service_account: String,
    /// The issuer's address, exactly as in its tokens.
    pub issuer: String,
    /// Whom the tokens have to be for: a text that you choose for this server and that the pipeline asks for.
    pub audience: String,
    /// Claims by name, each with the one value that it has to have. Besides `sub` there must be another one, best a
    /// number that the platform never gives again, such as `repository_id`.
    pub claims: BTreeMap<String, String>,
    /// The one environment that the tokens are good for; none = as for other tokens.
    #[serde(default)]
    pub environment: Option<Environment>,
}

/// Changes a workload token for a token of a service account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeToken {
    /// The workload token, a JWT.
    pub subject_token: String,
    /// The service account by name or id; needed if the token is trusted for several.
    #[serde(default)]
    pub service_account: Option<String>,
}

/// A trust.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrustView {
    /// Its id.
    pub id: TrustId,
    /// The service account.
    pub service_account: PrincipalId,
    /// Who signs the tokens.
    pub issuer: String,
    /// Whom they have to be for.
    pub audience: String,
    /// What they have to say.
    pub claims: BTreeMap<String, String>,
    /// The one environment that the tokens given for them are good for.
    pub environment: Option<Environment>,
    /// Since when.
    pub trusted_at: Timestamp,
    /// Until when, if it was ended.
    pub distrusted_at: Option<Timestamp>,
}

/// What the exchange found, for the transaction.
#[derive(Debug, Serialize)]
struct Verified {
    trust: TrustId,
    environment: Option<Environment>,
    digest: String,
    expires_at: Timestamp,
    claims: BTreeMap<String, String>,
}

impl App {
    /// Trusts what an issuer says about a workload. Nothing is asked of the issuer yet.
    pub async fn trust_workload(&self, call: &Call, command: TrustWorkload) -> Result<Receipt, AppError> {
        self.act(call, "workload.trust", command, |act, command| Box::pin(trust(act, command))).await
    }

    /// Ends a trust. Tokens that were given under it end by themselves within ten minutes.
    pub async fn distrust_workload(&self, call: &Call, id: TrustId) -> Result<Receipt, AppError> {
        self.act(call, "workload.distrust", id, |mut act, id| {
            Box::pin(async move {
                act.may(Action::TokenIssue, ORG, None).await?;
                let row = workloads::trust(act.conn(), id).await?;
                let row = row.ok_or_else(|| AppError::not_found("trust", id))?;
                if row.distrusted_at.is_some() {
                    return Err(AppError::Conflict("the trust was ended already".into()));
                }
                let draft = act.draft(Event::WorkloadDistrusted { trust: id }).about("trust", &id);
                let index = act.record(draft).await?;
                Ok(Receipt::new(id, index))
            })
        })
        .await
    }

    /// Every trust, with those that were ended.
    pub async fn workload_trusts(&self, caller: &Caller, slice: Slice) -> Result<Page<TrustView>, AppError> {
        self.may_read(caller, Action::TokenRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in workloads::trusts(&mut conn, slice.after(), limit + 1).await? {
            let text = self.trust_text(&mut conn, &row).await?;
            views.push(TrustView {
                id: row.id.0,
                service_account: row.principal.0,
                issuer: row.issuer.0.to_string(),
                audience: text.audience,
                claims: text.claims,
                environment: row.environment.map(|environment| environment.0),
                trusted_at: row.trusted_at.0,
                distrusted_at: row.distrusted_at.map(|at| at.0),
            });
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    async fn trust_text(&self, conn: &mut Conn, row: &TrustRow) -> Result<WorkloadText, AppError> {
        let text = journal::private(conn, self.store.key(), row.private_at).await?;
        text.ok_or_else(|| AppError::Internal(format!("trust {} has no text", row.id.0)))
    }

    /// Changes a workload token for a token of ten minutes. A workload token works once.
    ///
    /// # Errors
    /// A token that no trust covers: the answer does not say which claim differs, the log of the server does.
    pub async fn exchange_token(&self, command: ExchangeToken) -> Result<IssuedToken, AppError> {
        let ExchangeToken { subject_token: text, service_account } = command;
        let issuer = unverified_issuer(&text)?;
        let mut conn = self.store.read().await?;
        let wanted = match &service_account {
            Some(name) => Some(find(&mut conn, name).await.map_err(|_| NOT_TRUSTED)?.id.0),
            None => None,
        };
        let mut candidates = Vec::new();
        for row in workloads::trusts_in(&mut conn, &issuer).await? {
            if wanted.is_none_or(|wanted| wanted == row.principal.0) {
                let text = self.trust_text(&mut conn, &row).await?;
                candidates.push((row, text));
            }
        }
        drop(conn);
        // Only issuers that somebody here trusts are ever asked.
        if candidates.is_empty() {
            return Err(NOT_TRUSTED);
        }
        let (discovery, now) = (self.issuers.of(&issuer)?, self.store.clock().now());
        let mut found = Vec::new();
        for (row, trusted) in candidates {
            if let Some(claims) = verify(&discovery, &text, &trusted.audience, now).await?
                && matches(&claims, &trusted.claims, row.id.0)
            {
                found.push((row, trusted, claims));
            }
        }
        if found.len() > 1 {
            return Err(AppError::Conflict(
                "the token is trusted for several service accounts; name the one that you want".into(),
            ));
        }
        let Some((row, trusted, claims)) = found.pop() else { return Err(NOT_TRUSTED) };
        self.give(&row, &trusted, &claims, &text).await
    }

    async fn give(
        &self,
        row: &TrustRow,
        trusted: &WorkloadText,
        claims: &Map<String, Value>,
        text: &str,
    ) -> Result<IssuedToken, AppError> {
        let now = self.store.clock().now();
        let signed = text.rsplit_once('.').map_or(text, |(signed, _)| signed);
        let seconds = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
        let mut kept = trusted.claims.clone();
        for name in ["sub", "jti"] {
            kept.extend(claims.get(name).and_then(word).map(|value| (name.to_owned(), value)));
        }
        let verified = Verified {
            trust: row.id.0,
            environment: row.environment.map(|environment| environment.0),
            // Of the signed part: some signatures can be written in two ways.
            digest: comptroller_ledger::digest(signed.as_bytes()).to_string(),
            expires_at: Timestamp::from_micros(seconds.saturating_mul(1_000_000)),
            claims: kept,
        };
        if verified.expires_at <= now {
            return Err(AppError::Unauthenticated("the workload token has expired"));
        }
        let mut conn = self.store.read().await?;
        let credential = Credential::Workload(row.id.0);
        let caller = caller(&mut conn, row.principal.0, None, credential, CredentialOrigin::Workload).await?;
        drop(conn);
        self.act(&Call::new(caller), "token.exchange", verified, |act, verified| {
            Box::pin(exchange(act, verified))
        })
        .await
    }
}

const NOT_TRUSTED: AppError =
    AppError::Unauthenticated("nothing here trusts this workload token for the service account");

async fn trust(mut act: Act<'_>, command: TrustWorkload) -> Result<Receipt, AppError> {
    act.may(Action::TokenIssue, ORG, None).await?;
    let TrustWorkload { service_account, issuer, audience, claims, environment } = command;
    outbound::check_url(&issuer).map_err(|error| AppError::invalid("issuer", error.to_string()))?;
    Discovery::new(issuer.clone()).map_err(|error| AppError::invalid("issuer", error.to_string()))?;
    if audience.is_empty() || audience.len() > MAX_CLAIM {
        return Err(AppError::invalid("audience", format!("give 1 to {MAX_CLAIM} bytes")));
    }
    check_claims(&claims)?;
    let row = find(act.conn(), &service_account).await?;
    if is_person(row.kind.0) {
        return Err(AppError::invalid(
            "service_account",
            "a pipeline acts as a service account, not as a person",
        ));
    }
    let (principal, id) = (row.id.0, act.new_id(TrustId::new)?);
    let issuer: TagText = issuer.parse()?;
    let draft = act
        .draft(Event::WorkloadTrusted { trust: id, principal, issuer, environment })
        .about("trust", &id)
        .about("person", &principal)
        .private("trusted", &WorkloadText { audience, claims })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

fn check_claims(claims: &BTreeMap<String, String>) -> Result<(), AppError> {
    if claims.len() > MAX_CLAIMS {
        return Err(AppError::invalid("claims", format!("give at most {MAX_CLAIMS}")));
    }
    for (name, value) in claims {
        if RESERVED.contains(&name.as_str()) {
            return Err(AppError::invalid("claims", format!("{name} is judged by the exchange itself")));
        }
        if name.is_empty() || name.len() > 64 || value.is_empty() || value.len() > MAX_CLAIM {
            return Err(AppError::invalid(
                "claims",
                format!("a name has 1 to 64 bytes, a value 1 to {MAX_CLAIM}"),
            ));
        }
    }
    if claims.keys().all(|name| name == "sub") {
        return Err(AppError::invalid(
            "claims",
            "name a claim besides `sub`, best a number that the platform never gives again, such as repository_id",
        ));
    }
    Ok(())
}

async fn exchange(mut act: Act<'_>, verified: Verified) -> Result<IssuedToken, AppError> {
    let trust = verified.trust;
    let row = workloads::trust(act.conn(), trust).await?;
    if row.is_none_or(|row| row.distrusted_at.is_some()) {
        return Err(NOT_TRUSTED);
    }
    if !workloads::use_once(act.conn(), &verified.digest, verified.expires_at).await? {
        return Err(AppError::Unauthenticated(
            "the workload token was used already; ask the platform for another",
        ));
    }
    let terms = IssueOwnToken { environment: verified.environment, label: "workload".parse()?, days: 1 };
    let (principal, ends) = (act.caller.principal, act.now().plus_seconds(LIFE_SECONDS));
    let issued = make_token(&mut act, principal, terms, CredentialOrigin::Workload, Some(ends)).await?;
    let draft = act
        .draft(Event::WorkloadExchanged { trust, token: issued.id })
        .about("trust", &trust)
        .about("token", &issued.id)
        .private("claims", &WorkloadClaims { claims: verified.claims })?;
    act.record(draft).await?;
    Ok(issued)
}

impl Issuers {
    fn of(&self, issuer: &str) -> Result<Arc<Discovery>, AppError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(discovery) = known.get(issuer) {
            return Ok(Arc::clone(discovery));
        }
        let discovery = Discovery::new(issuer.to_owned())
            .map_err(|error| AppError::Internal(format!("issuer {issuer}: {error}")))?;
        let discovery = Arc::new(discovery);
        known.insert(issuer.to_owned(), Arc::clone(&discovery));
        Ok(discovery)
    }
}

const NO_JWT: AppError = AppError::Unauthenticated("the workload token is no JWT");

/// The claims of a token that nobody has verified.
fn payload(text: &str) -> Result<Map<String, Value>, AppError> {
    if text.len() > MAX_TOKEN {
        return Err(AppError::Unauthenticated("the workload token is longer than 16 KiB"));
    }
    let part = text.split('.').nth(1).ok_or(NO_JWT)?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| NO_JWT)?;
    serde_json::from_slice(&bytes).map_err(|_| NO_JWT)
}

fn unverified_issuer(text: &str) -> Result<String, AppError> {
    payload(text)?.get("iss").and_then(Value::as_str).map(str::to_owned).ok_or(NO_JWT)
}

/// The claims, if the issuer signed them for `audience` and they hold now.
async fn verify(
    discovery: &Discovery,
    text: &str,
    audience: &str,
    now: Timestamp,
) -> Result<Option<Map<String, Value>>, AppError> {
    let token = CoreIdToken::from_str(text).map_err(|_| NO_JWT)?;
    // The key may be newer than what was read.
    for fresh in [FRESH, PAUSE] {
        let metadata = discovery.metadata(fresh).await?;
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(audience.to_owned()),
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        );
        // A workload token belongs to no sign-in, so there is no nonce to compare.
        match token.claims(&verifier.set_allowed_algs(ALGORITHMS), |_: Option<&Nonce>| Ok(())) {
            Ok(_) => {
                let claims = payload(text)?;
                let from = claims.get("nbf").and_then(Value::as_i64).unwrap_or(0);
                return Ok((from <= now.micros() / 1_000_000 + SKEW_SECONDS).then_some(claims));
            }
            Err(error) => tracing::info!(%error, "a workload token was not accepted"),
        }
    }
    Ok(None)
}

/// A claim as the text with which a trust compares it.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn matches(claims: &Map<String, Value>, wanted: &BTreeMap<String, String>, trust: TrustId) -> bool {
    for (name, value) in wanted {
        if claims.get(name).and_then(word).as_ref() != Some(value) {
            tracing::info!(%trust, claim = name, "a workload token has another value of a claim");
            return false;
        }
    }
    true
}
