//! Tokens, sessions and external identities. Hashes stand in tables of their own: they are secrets, not state.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{PrincipalId, SessionId, TokenId};
use comptroller_core::{Environment, Event, Slug};

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
    /// When it was issued.
    pub issued_at: Micros,
    /// When it ends.
    pub expires_at: Micros,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
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
        Event::TokenIssued { token, principal, environment, expires_at, label } => {
            change!(
                changes,
                "INSERT INTO token (id, principal, environment, label, issued_at, expires_at, revoked_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, NULL)",
                Text(token),
                Text(principal),
                environment.map(Text),
                Text(label),
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

/// Keeps the hash of a token's secret.
pub async fn put_token_hash(conn: &mut Conn, token: TokenId, hash: &str) -> Result<(), StoreError> {
    execute!(conn, "INSERT INTO token_secret (token, hash) VALUES ($1, $2)", Text(token), hash)?;
    Ok(())
}

/// A token and the hash of its secret.
pub async fn token(conn: &mut Conn, id: TokenId) -> Result<Option<(TokenRow, String)>, StoreError> {
    let row = fetch_optional!(
        conn,
        TokenRow,
        "SELECT id, principal, environment, label, issued_at, expires_at, revoked_at FROM token WHERE id = $1",
        Text(id)
    )?;
    let hash = fetch_optional!(conn, (String,), "SELECT hash FROM token_secret WHERE token = $1", Text(id))?;
    Ok(row.zip(hash.map(|h| h.0)))
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
        "SELECT id, principal, environment, label, issued_at, expires_at, revoked_at FROM token \
         WHERE id > $1 AND ($2 = '' OR principal = $2) ORDER BY id LIMIT $3",
        after,
        principal,
        limit
    )
}

/// Keeps the hash of a session's secret.
pub async fn put_session_hash(conn: &mut Conn, session: SessionId, hash: &str) -> Result<(), StoreError> {
    execute!(conn, "INSERT INTO session_secret (session, hash) VALUES ($1, $2)", Text(session), hash)?;
    Ok(())
}

/// A session and the hash of its secret.
pub async fn session(conn: &mut Conn, id: SessionId) -> Result<Option<(SessionRow, String)>, StoreError> {
    let row = fetch_optional!(
        conn,
        SessionRow,
        "SELECT id, principal, method, expires_at, closed_at FROM session WHERE id = $1",
        Text(id)
    )?;
    let hash =
        fetch_optional!(conn, (String,), "SELECT hash FROM session_secret WHERE session = $1", Text(id))?;
    Ok(row.zip(hash.map(|h| h.0)))
}

/// Links a keyed look-up digest (of an e-mail address or an OIDC subject) to a person.
pub async fn put_identity(conn: &mut Conn, lookup: &str, principal: PrincipalId) -> Result<(), StoreError> {
    execute!(conn, "INSERT INTO identity (lookup, principal) VALUES ($1, $2)", lookup, Text(principal))?;
    Ok(())
}

/// Who a keyed look-up digest stands for.
pub async fn identity(conn: &mut Conn, lookup: &str) -> Result<Option<PrincipalId>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Text<PrincipalId>,),
        "SELECT principal FROM identity WHERE lookup = $1",
        lookup
    )?;
    Ok(row.map(|r| r.0.0))
}

/// Forgets every look-up digest of a person (erasure).
pub async fn forget_identities(conn: &mut Conn, principal: PrincipalId) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM identity WHERE principal = $1", Text(principal))
}
