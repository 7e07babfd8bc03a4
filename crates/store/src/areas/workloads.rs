//! Whose workload tokens a service account's tokens are given for, and which of them were used.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{PrincipalId, TrustId};
use comptroller_core::{Environment, Event, TagText, Timestamp};

/// Trust in what an issuer says about a workload.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TrustRow {
    /// Its id.
    pub id: Text<TrustId>,
    /// The service account that acts.
    pub principal: Text<PrincipalId>,
    /// Who signs the workload tokens.
    pub issuer: Text<TagText>,
    /// The one environment that the tokens are good for.
    pub environment: Option<Text<Environment>>,
    /// Index of the event that holds audience and claims.
    pub private_at: Option<i64>,
    /// Since when.
    pub trusted_at: Micros,
    /// Until when.
    pub distrusted_at: Option<Micros>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::WorkloadTrusted { trust, principal, issuer, environment } => {
            change!(
                changes,
                "INSERT INTO workload_trust \
                 (id, principal, issuer, environment, private_at, trusted_at, distrusted_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, NULL)",
                Text(trust),
                Text(principal),
                Text(issuer),
                environment.map(Text),
                at.private_at(),
                now
            );
        }
        Event::WorkloadDistrusted { trust } => {
            change!(
                changes,
                "UPDATE workload_trust SET distrusted_at = $1 WHERE id = $2 AND distrusted_at IS NULL",
                now,
                Text(trust)
            );
        }
        _ => {}
    }
}

/// One trust.
pub async fn trust(conn: &mut Conn, id: TrustId) -> Result<Option<TrustRow>, StoreError> {
    fetch_optional!(
        conn,
        TrustRow,
        "SELECT id, principal, issuer, environment, private_at, trusted_at, distrusted_at FROM workload_trust \
         WHERE id = $1",
        Text(id)
    )
}

/// Every trust in an issuer that still holds.
pub async fn trusts_in(conn: &mut Conn, issuer: &str) -> Result<Vec<TrustRow>, StoreError> {
    fetch_all!(
        conn,
        TrustRow,
        "SELECT id, principal, issuer, environment, private_at, trusted_at, distrusted_at FROM workload_trust \
         WHERE issuer = $1 AND distrusted_at IS NULL ORDER BY id",
        issuer
    )
}

/// Trusts after `after` by id, at most `limit`.
pub async fn trusts(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<TrustRow>, StoreError> {
    fetch_all!(
        conn,
        TrustRow,
        "SELECT id, principal, issuer, environment, private_at, trusted_at, distrusted_at FROM workload_trust \
         WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// Notes that a workload token was used; whether it was the first time.
pub async fn use_once(conn: &mut Conn, digest: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let inserted = execute!(
        conn,
        "INSERT INTO workload_seen (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
        digest,
        expires_at.micros()
    )?;
    Ok(inserted == 1)
}

/// Forgets workload tokens that ended before `now`: they are refused for that.
pub async fn forget_used(conn: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM workload_seen WHERE expires_at < $1", now.micros())
}
