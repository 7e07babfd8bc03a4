//! Delegations: who may vote in whose stead, where and until when.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DelegationId, PrincipalId, SystemId};
use comptroller_core::{Event, Timestamp};

/// A delegation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DelegationRow {
    /// Its id.
    pub id: Text<DelegationId>,
    /// In whose stead votes are cast.
    pub delegator: Text<PrincipalId>,
    /// Who casts them.
    pub delegate: Text<PrincipalId>,
    /// The one system that it is about; none = every system.
    pub system: Option<Text<SystemId>>,
    /// From when on it holds.
    pub starts_at: Micros,
    /// From when on it holds no more.
    pub ends_at: Micros,
    /// When it was made.
    pub created_at: Micros,
    /// When somebody ended it before its time.
    pub ended_at: Option<Micros>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::DelegationCreated { delegation, delegator, delegate, system, starts_at, ends_at } => {
            change!(
                changes,
                "INSERT INTO delegation (id, delegator, delegate, system, starts_at, ends_at, created_at, ended_at, \
                 private_at) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)",
                Text(delegation),
                Text(delegator),
                Text(delegate),
                system.map(Text),
                starts_at.micros(),
                ends_at.micros(),
                now,
                at.private_at()
            );
        }
        Event::DelegationEnded { delegation } => {
            change!(
                changes,
                "UPDATE delegation SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
                now,
                Text(delegation)
            );
        }
        _ => {}
    }
}

/// A delegation.
pub async fn delegation(conn: &mut Conn, id: DelegationId) -> Result<Option<DelegationRow>, StoreError> {
    fetch_optional!(
        conn,
        DelegationRow,
        "SELECT id, delegator, delegate, system, starts_at, ends_at, created_at, ended_at, private_at \
         FROM delegation WHERE id = $1",
        Text(id)
    )
}

/// The delegation by which `delegate` may vote in the stead of `delegator` on `system` at `now`.
pub async fn holding(
    conn: &mut Conn,
    delegator: PrincipalId,
    delegate: PrincipalId,
    system: SystemId,
    now: Timestamp,
) -> Result<Option<DelegationRow>, StoreError> {
    fetch_optional!(
        conn,
        DelegationRow,
        "SELECT id, delegator, delegate, system, starts_at, ends_at, created_at, ended_at, private_at \
         FROM delegation WHERE delegator = $1 AND delegate = $2 AND (system IS NULL OR system = $3) \
         AND starts_at <= $4 AND ends_at > $4 AND ended_at IS NULL ORDER BY ends_at DESC, id LIMIT 1",
        Text(delegator),
        Text(delegate),
        Text(system),
        now.micros()
    )
}

/// Delegations after `after` by id; those from or to one person, or all when `person` is empty.
pub async fn delegations(
    conn: &mut Conn,
    person: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<DelegationRow>, StoreError> {
    fetch_all!(
        conn,
        DelegationRow,
        "SELECT id, delegator, delegate, system, starts_at, ends_at, created_at, ended_at, private_at \
         FROM delegation WHERE id > $1 AND ($2 = '' OR delegator = $2 OR delegate = $2) ORDER BY id LIMIT $3",
        after,
        person,
        limit
    )
}
