//! Invitations, tokens, sessions and external identities. Hashes stand in a table of their own: they are secrets, not
//! state.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::keys::OrgKey;
use crate::tx::{At, Tx};
use crate::types::{Micros, Text};
use comptroller_core::ids::{InvitationId, PrincipalId, SessionId, TokenId};
use comptroller_core::vocab::CredentialOrigin;
use comptroller_core::{Environment, Event, Slug, Timestamp};
use std::fmt::Display;

/// A token, without its hash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TokenRow {
    /// Its id.
    pub id: Text<TokenId>,
    /// Who acts with it.
    pub principal: Text<PrincipalId>,
    /// The one environment it is good for; none = acts that have no environment.
    pub environment: Option<Text<Environment>>,
    /// What its owner calls it.
    pub label: Text<Slug>,
    /// How its owner first proved who they are.
    pub origin: Text<CredentialOrigin>,
    /// When it was issued.
    pub issued_at: Micros,
    /// When it ends.
    pub expires_at: Micros,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
}

/// An invitation, without its hash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InvitationRow {
    /// Its id.
    pub id: Text<InvitationId>,
    /// Who is invited.
    pub principal: Text<PrincipalId>,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// When it was used, or replaced by a later one.
    pub ended_at: Option<Micros>,
}

/// A session, without its hash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionRow {
    /// Its id.
    pub id: Text<SessionId>,
    /// Who signed in.
    pub principal: Text<PrincipalId>,
    /// How, for example `oidc`.
    pub method: Text<Slug>,
    /// When it ends.
    pub expires_at: Micros,
    /// When it was closed.
    pub closed_at: Option<Micros>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::InvitationIssued { invitation, principal, expires_at } => {
            change!(
                changes,
                "UPDATE invitation SET ended_at = $1 WHERE principal = $2 AND ended_at IS NULL",
                now,
                Text(principal)
            );
            change!(
                changes,
                "INSERT INTO invitation (id, principal, issued_at, expires_at, ended_at) \
                 VALUES ($1, $2, $3, $4, NULL)",
                Text(invitation),
                Text(principal),
                now,
                expires_at.micros()
            );
        }
        Event::InvitationAccepted { invitation } => {
            change!(changes, "UPDATE invitation SET ended_at = $1 WHERE id = $2", now, Text(invitation));
        }
        Event::TokenIssued { token, principal, environment, expires_at, label, origin } => {
            change!(
                changes,
                "INSERT INTO token (id, principal, environment, label, origin, issued_at, expires_at, revoked_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
                Text(token),
                Text(principal),
                environment.map(Text),
                Text(label),
                Text(origin),
                now,
                expires_at.micros()
            );
        }
        Event::TokenRevoked { token } => {
            change!(
                changes,
                "UPDATE token SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
                now,
                Text(token)
            );
        }
        Event::SessionOpened { session, principal, method, expires_at } => {
            change!(
                changes,
                "INSERT INTO session (id, principal, method, opened_at, expires_at, closed_at) \
                 VALUES ($1, $2, $3, $4, $5, NULL)",
                Text(session),
                Text(principal),
                Text(method),
                now,
                expires_at.micros()
            );
        }
        Event::SessionClosed { session } => {
            change!(
                changes,
                "UPDATE session SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL",
                now,
                Text(session)
            );
        }
        _ => {}
    }
}

/// Keeps the hash of a secret; `credential` is the id of a token, session or invitation.
pub async fn put_hash(tx: &mut Tx, credential: impl Display, hash: &str) -> Result<(), StoreError> {
    let credential = credential.to_string();
    let seal = hash_seal(tx.key(), &credential, hash);
    execute!(
        tx.conn(),
        "INSERT INTO credential_secret (credential, hash, seal) VALUES ($1, $2, $3)",
        credential,
        hash,
        seal
    )?;
    Ok(())
}

/// The hash of a secret; none if there is no such credential, or if its row was not written by this store.
pub async fn hash(
    conn: &mut Conn,
    key: &OrgKey,
    credential: impl Display,
) -> Result<Option<String>, StoreError> {
    let credential = credential.to_string();
    let row = fetch_optional!(
        conn,
        (String, String),
        "SELECT hash, seal FROM credential_secret WHERE credential = $1",
        credential.as_str()
    )?;
    let Some((hash, seal)) = row else { return Ok(None) };
    if seal != hash_seal(key, &credential, &hash) {
        tracing::error!(
            credential,
            "table credential_secret: somebody edited this row; run `comptroller doctor`"
        );
        return Ok(None);
    }
    Ok(Some(hash))
}

/// Binds the hash of a secret to its credential, under the organisation's key: whoever can write to the database
/// cannot give themself somebody's token.
pub(crate) fn hash_seal(key: &OrgKey, credential: &str, hash: &str) -> String {
    key.lookup_digest("seal/credential", &format!("{credential}\n{hash}"))
}

/// Binds an identity to its person, under the organisation's key.
pub(crate) fn identity_seal(key: &OrgKey, lookup: &str, principal: &str, issuer: Option<&str>) -> String {
    key.lookup_digest("seal/identity", &format!("{lookup}\n{principal}\n{}", issuer.unwrap_or_default()))
}

/// An invitation.
pub async fn invitation(conn: &mut Conn, id: InvitationId) -> Result<Option<InvitationRow>, StoreError> {
    fetch_optional!(
        conn,
        InvitationRow,
        "SELECT id, principal, expires_at, ended_at FROM invitation WHERE id = $1",
        Text(id)
    )
}

/// A token.
pub async fn token(conn: &mut Conn, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
    fetch_optional!(
        conn,
        TokenRow,
        "SELECT id, principal, environment, label, origin, issued_at, expires_at, revoked_at FROM token WHERE id = $1",
        Text(id)
    )
}

/// Tokens of a principal that are neither revoked nor over.
pub async fn live_tokens(
    conn: &mut Conn,
    principal: PrincipalId,
    now: Timestamp,
) -> Result<Vec<TokenId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<TokenId>,),
        "SELECT id FROM token WHERE principal = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY id",
        Text(principal),
        now.micros()
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Tokens after `after` by id, at most `limit`; of one principal, or of all when `principal` is empty.
pub async fn tokens(
    conn: &mut Conn,
    principal: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<TokenRow>, StoreError> {
    fetch_all!(
        conn,
        TokenRow,
        "SELECT id, principal, environment, label, origin, issued_at, expires_at, revoked_at FROM token \
         WHERE id > $1 AND ($2 = '' OR principal = $2) ORDER BY id LIMIT $3",
        after,
        principal,
        limit
    )
}

/// A session.
pub async fn session(conn: &mut Conn, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
    fetch_optional!(
        conn,
        SessionRow,
        "SELECT id, principal, method, expires_at, closed_at FROM session WHERE id = $1",
        Text(id)
    )
}

/// When a session was used last, give or take a minute.
pub async fn session_seen(conn: &mut Conn, session: SessionId) -> Result<Option<Timestamp>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Micros,),
        "SELECT seen_at FROM session_seen WHERE session = $1",
        Text(session)
    )?;
    Ok(row.map(|row| row.0.0))
}

/// Notes when a session was used last.
pub async fn see_session(conn: &mut Conn, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO session_seen (session, seen_at) VALUES ($1, $2) \
         ON CONFLICT (session) DO UPDATE SET seen_at = excluded.seen_at",
        Text(session),
        now.micros()
    )?;
    Ok(())
}

/// Forgets when sessions were used that were used last before `before`.
pub async fn forget_sessions_seen(conn: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM session_seen WHERE seen_at < $1", before.micros())
}

/// Sessions of a principal that are neither closed nor over.
pub async fn live_sessions(
    conn: &mut Conn,
    principal: PrincipalId,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<SessionId>,),
        "SELECT id FROM session WHERE principal = $1 AND closed_at IS NULL AND expires_at > $2 ORDER BY id",
        Text(principal),
        now.micros()
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Links a keyed look-up digest (of an e-mail address or an OIDC subject) to a person.
/// `issuer` is there for a subject only.
pub async fn put_identity(
    tx: &mut Tx,
    lookup: &str,
    principal: PrincipalId,
    issuer: Option<&str>,
) -> Result<(), StoreError> {
    let seal = identity_seal(tx.key(), lookup, &principal.to_string(), issuer);
    execute!(
        tx.conn(),
        "INSERT INTO identity (lookup, principal, issuer, seal) VALUES ($1, $2, $3, $4)",
        lookup,
        Text(principal),
        issuer,
        seal
    )?;
    Ok(())
}

/// Whether an account of this issuer signs in as the person.
pub async fn is_linked(conn: &mut Conn, principal: PrincipalId, issuer: &str) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT lookup FROM identity WHERE principal = $1 AND issuer = $2 LIMIT 1",
        Text(principal),
        issuer
    )?;
    Ok(row.is_some())
}

/// Forgets the accounts of issuers that sign in as the person; answers how many there were.
pub async fn unlink(conn: &mut Conn, principal: PrincipalId) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM identity WHERE principal = $1 AND issuer IS NOT NULL", Text(principal))
}

/// Who a keyed look-up digest stands for.
///
/// # Errors
/// A row that was not written by this store: it says who somebody is, so nobody goes on with it.
pub async fn identity(
    conn: &mut Conn,
    key: &OrgKey,
    lookup: &str,
) -> Result<Option<PrincipalId>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Text<PrincipalId>, Option<String>, String),
        "SELECT principal, issuer, seal FROM identity WHERE lookup = $1",
        lookup
    )?;
    let Some((principal, issuer, seal)) = row else { return Ok(None) };
    if seal != identity_seal(key, lookup, &principal.0.to_string(), issuer.as_deref()) {
        return Err(StoreError::Damaged(format!(
            "table identity, lookup {lookup}: somebody edited this row"
        )));
    }
    Ok(Some(principal.0))
}

/// Forgets every look-up digest of a person (erasure).
pub async fn forget_identities(conn: &mut Conn, principal: PrincipalId) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM identity WHERE principal = $1", Text(principal))
}
