//! Who is calling: tokens, sessions and invitations are checked here, in constant time, and nowhere else.
//!
//! Token text: `cmp_<tag>_<id>_<secret>_<check>`; tag is `dev`, `staging`, `production` or `org`, or `session` or
//! `invitation`, which are no tokens; id and secret are hexadecimal, and check is the first 8 digits of the SHA-256 of what stands before it, so that a mistyped token is
//! refused without a look-up and a leaked one is recognised by scanners. Only a hash of the secret is stored.

use crate::{App, AppError};
use comptroller_core::ids::{InvitationId, PrincipalId, SessionId, TokenId, TrustId};
use comptroller_core::vocab::{CredentialOrigin, PrincipalKind};
use comptroller_core::{Environment, Timestamp};
use comptroller_store::Conn;
use comptroller_store::areas::{access, people};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The credential that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API token.
    Token(TokenId),
    /// A session.
    Session(SessionId),
    /// An invitation. It is good for one act: making the first token.
    Invitation(InvitationId),
    /// A workload token that a trust covers. It is good for one act: getting a token.
    Workload(TrustId),
}

/// An authenticated principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub principal: PrincipalId,
    /// Person or service account.
    pub kind: PrincipalKind,
    /// The one environment that the credential is good for, if it is bound to one.
    pub environment: Option<Environment>,
    /// How the caller proved who it is.
    pub credential: Credential,
    /// How it first proved that.
    pub origin: CredentialOrigin,
}

impl Caller {
    /// The actor of the caller's events.
    pub fn actor(&self) -> String {
        format!("principal/{}", self.principal)
    }
}

/// A new credential: the text for its owner, and the hash for the store.
pub(crate) struct NewSecret {
    pub(crate) text: Zeroizing<String>,
    pub(crate) hash: String,
}

/// Makes a credential with 256 random bits. `tag` is the environment, `org`, or what the credential is if no token.
pub(crate) fn new_secret(tag: &str, id: &impl ToString) -> Result<NewSecret, AppError> {
    let secret = Zeroizing::new(hex::encode(Zeroizing::new(comptroller_store::keys::random::<32>()?)));
    let body = Zeroizing::new(format!("cmp_{tag}_{}_{}", id.to_string().replace('-', ""), secret.as_str()));
    let check = &comptroller_ledger::digest(body.as_bytes()).to_string()[..8];
    Ok(NewSecret {
        text: Zeroizing::new(format!("{}_{check}", body.as_str())),
        hash: comptroller_ledger::digest(secret.as_bytes()).to_string(),
    })
}

/// Tag of a session.
pub(crate) const SESSION: &str = "session";
/// Tag of an invitation.
pub(crate) const INVITATION: &str = "invitation";
const REFUSED: AppError = AppError::Unauthenticated("the token is not valid");

struct Parsed<'t> {
    tag: &'t str,
    id: String,
    secret_hash: String,
}

fn parse(text: &str) -> Result<Parsed<'_>, AppError> {
    if text.len() > 256 {
        return Err(REFUSED);
    }
    let (body, check) = text.rsplit_once('_').ok_or(REFUSED)?;
    if comptroller_ledger::digest(body.as_bytes()).to_string()[..8] != *check {
        return Err(AppError::Unauthenticated(
            "the token is mistyped or incomplete: its check digits do not fit",
        ));
    }
    let parts: Vec<&str> = body.split('_').collect();
    let ["cmp", tag, id, secret] = parts.as_slice() else {
        return Err(REFUSED);
    };
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(REFUSED);
    }
    let id = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    Ok(Parsed { tag, id, secret_hash: comptroller_ledger::digest(secret.as_bytes()).to_string() })
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

impl App {
    /// Checks a token or session secret. Every failure says the same, but for a mistyped or an expired one.
    pub async fn authenticate(&self, text: &str) -> Result<Caller, AppError> {
        let parsed = parse(text)?;
        let now = self.store.clock().now();
        let key = self.store.key();
        let mut conn = self.store.read().await?;
        let (principal, environment, credential, origin) = match parsed.tag {
            INVITATION => {
                return Err(AppError::Unauthenticated(
                    "this is an invitation: make a token with it first, by `comptroller invitation accept`",
                ));
            }
            SESSION => {
                let id: SessionId = parsed.id.parse().map_err(|_| REFUSED)?;
                let row = access::session(&mut conn, id).await?.ok_or(REFUSED)?;
                let hash = access::hash(&mut conn, key, id).await?.ok_or(REFUSED)?;
                if !same(&hash, &parsed.secret_hash) {
                    return Err(REFUSED);
                }
                check_life(now, row.expires_at.0, row.closed_at.map(|at| at.0))?;
                self.use_session(id, now).await?;
                (row.principal.0, None, Credential::Session(id), CredentialOrigin::SignIn)
            }
            _ => {
                let id: TokenId = parsed.id.parse().map_err(|_| REFUSED)?;
                let row = access::token(&mut conn, id).await?.ok_or(REFUSED)?;
                let hash = access::hash(&mut conn, key, id).await?.ok_or(REFUSED)?;
                let tag = row.environment.map_or("org", |environment| environment.0.as_str());
                if !same(&hash, &parsed.secret_hash) || tag != parsed.tag {
                    return Err(REFUSED);
                }
                check_life(now, row.expires_at.0, row.revoked_at.map(|at| at.0))?;
                (row.principal.0, row.environment.map(|e| e.0), Credential::Token(id), row.origin.0)
            }
        };
        caller(&mut conn, principal, environment, credential, origin).await
    }

    /// Checks an invitation. Whether it was used already is for the use case to say, so that an answer can be repeated.
    pub async fn authenticate_invitation(&self, text: &str) -> Result<Caller, AppError> {
        let parsed = parse(text)?;
        if parsed.tag != INVITATION {
            return Err(AppError::Unauthenticated("this is no invitation; give the text that you were sent"));
        }
        let id: InvitationId = parsed.id.parse().map_err(|_| REFUSED)?;
        let mut conn = self.store.read().await?;
        let row = access::invitation(&mut conn, id).await?.ok_or(REFUSED)?;
        let hash = access::hash(&mut conn, self.store.key(), id).await?.ok_or(REFUSED)?;
        if !same(&hash, &parsed.secret_hash) {
            return Err(REFUSED);
        }
        let credential = Credential::Invitation(id);
        caller(&mut conn, row.principal.0, None, credential, CredentialOrigin::Invitation).await
    }
}

pub(crate) async fn caller(
    conn: &mut Conn,
    principal: PrincipalId,
    environment: Option<Environment>,
    credential: Credential,
    origin: CredentialOrigin,
) -> Result<Caller, AppError> {
    let row = people::principal(conn, &principal.to_string()).await?.ok_or(REFUSED)?;
    if row.status != "active" {
        return Err(AppError::Unauthenticated("the account is disabled"));
    }
    Ok(Caller { principal, kind: row.kind.0, environment, credential, origin })
}

fn check_life(now: Timestamp, expires: Timestamp, ended: Option<Timestamp>) -> Result<(), AppError> {
    if ended.is_some() {
        return Err(AppError::Unauthenticated("the token was revoked"));
    }
    if now >= expires {
        return Err(AppError::Unauthenticated("the token has expired; ask for a new one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_one_wrong_digit_is_refused_before_any_look_up() {
        let id = TokenId::new(Timestamp::from_micros(1_000_000), [9; 10]);
        let new = new_secret("production", &id).unwrap();
        let parsed = parse(&new.text).unwrap();
        assert_eq!((parsed.tag, parsed.id.as_str()), ("production", id.to_string().as_str()));
        assert_eq!(parsed.secret_hash, new.hash);
        for position in 0..new.text.len() {
            let mut bytes = new.text.as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'0' { b'1' } else { b'0' };
            let text = String::from_utf8(bytes).unwrap();
            assert!(parse(&text).is_err(), "{position}");
        }
        assert!(parse("").is_err());
        assert!(parse(&"_".repeat(300)).is_err());
    }
}
