//! The organisation, its people and service accounts, their roles and teams, and the log's key history.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{OrgId, PrincipalId, TeamId};
use comptroller_core::vocab::{PrincipalKind, Role};
use comptroller_core::{Event, Slug};

/// A person or a service account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PrincipalRow {
    /// Its id.
    pub id: Text<PrincipalId>,
    /// Person or service account.
    pub kind: Text<PrincipalKind>,
    /// Name of a service account; people have none in clear.
    pub slug: Option<Text<Slug>>,
    /// `active`, `disabled` or `erased`.
    pub status: String,
    /// Index of the event that holds the private part.
    pub private_at: Option<i64>,
    /// When it became known.
    pub added_at: Micros,
}

/// A team.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TeamRow {
    /// Its id.
    pub id: Text<TeamId>,
    /// Its name.
    pub slug: Text<Slug>,
    /// When it was made.
    pub created_at: Micros,
}

/// A role of a principal; `system` is empty when it holds for the whole organisation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct GrantRow {
    /// Who has it.
    pub principal: Text<PrincipalId>,
    /// Which.
    pub role: Text<Role>,
    /// For which system; empty = all.
    pub system: String,
    /// Since when.
    pub granted_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::OrgCreated { org, slug, vkey, .. } => {
            change!(
                changes,
                "INSERT INTO org (id, slug, created_at) VALUES ($1, $2, $3)",
                Text(org),
                Text(slug),
                now
            );
            change!(changes, "INSERT INTO log_key (from_size, vkey) VALUES ($1, $2)", at.idx, vkey.as_str());
        }
        Event::KeyRotated(statement) => {
            let vkey = statement.get("new_vkey").and_then(|v| v.as_str()).unwrap_or_default();
            change!(changes, "INSERT INTO log_key (from_size, vkey) VALUES ($1, $2)", at.idx, vkey);
        }
        Event::PersonAdded { principal } => {
            change!(
                changes,
                "INSERT INTO principal (id, kind, slug, status, private_at, added_at) \
                 VALUES ($1, 'person', NULL, 'active', $2, $3)",
                Text(principal),
                at.private_at(),
                now
            );
        }
        Event::ServiceAccountAdded { principal, slug } => {
            change!(
                changes,
                "INSERT INTO principal (id, kind, slug, status, private_at, added_at) \
                 VALUES ($1, 'service-account', $2, 'active', $3, $4)",
                Text(principal),
                Text(slug),
                at.private_at(),
                now
            );
        }
        Event::PrincipalDisabled { principal } => {
            change!(changes, "UPDATE principal SET status = 'disabled' WHERE id = $1", Text(principal));
        }
        Event::RoleGranted { principal, role, system } => {
            change!(
                changes,
                "INSERT INTO role_grant (principal, role, system, granted_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (principal, role, system) DO NOTHING",
                Text(principal),
                Text(role),
                system.map(|s| s.to_string()).unwrap_or_default(),
                now
            );
        }
        Event::RoleRevoked { principal, role, system } => {
            change!(
                changes,
                "DELETE FROM role_grant WHERE principal = $1 AND role = $2 AND system = $3",
                Text(principal),
                Text(role),
                system.map(|s| s.to_string()).unwrap_or_default()
            );
        }
        Event::TeamCreated { team, slug } => {
            change!(
                changes,
                "INSERT INTO team (id, slug, created_at) VALUES ($1, $2, $3)",
                Text(team),
                Text(slug),
                now
            );
        }
        Event::TeamMemberAdded { team, principal } => {
            change!(
                changes,
                "INSERT INTO team_member (team, principal) VALUES ($1, $2) ON CONFLICT (team, principal) DO NOTHING",
                Text(team),
                Text(principal)
            );
        }
        Event::TeamMemberRemoved { team, principal } => {
            change!(
                changes,
                "DELETE FROM team_member WHERE team = $1 AND principal = $2",
                Text(team),
                Text(principal)
            );
        }
        _ => {}
    }
}

/// The organisation of this database, once it exists.
pub async fn org(conn: &mut Conn) -> Result<Option<(OrgId, Slug)>, StoreError> {
    let row = fetch_optional!(conn, (Text<OrgId>, Text<Slug>), "SELECT id, slug FROM org")?;
    Ok(row.map(|(id, slug)| (id.0, slug.0)))
}

/// A principal by id, or a service account by name.
pub async fn principal(conn: &mut Conn, name: &str) -> Result<Option<PrincipalRow>, StoreError> {
    fetch_optional!(
        conn,
        PrincipalRow,
        "SELECT id, kind, slug, status, private_at, added_at FROM principal WHERE id = $1 OR slug = $1",
        name
    )
}

/// Principals after `after` by id, at most `limit`.
pub async fn principals(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<PrincipalRow>, StoreError> {
    fetch_all!(
        conn,
        PrincipalRow,
        "SELECT id, kind, slug, status, private_at, added_at FROM principal WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// Every role of a principal.
pub async fn grants(conn: &mut Conn, principal: PrincipalId) -> Result<Vec<GrantRow>, StoreError> {
    fetch_all!(
        conn,
        GrantRow,
        "SELECT principal, role, system, granted_at FROM role_grant WHERE principal = $1 ORDER BY role, system",
        Text(principal)
    )
}

/// The roles for the whole organisation of every person who is active.
pub async fn with_roles(conn: &mut Conn) -> Result<Vec<(PrincipalId, Role)>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<PrincipalId>, Text<Role>),
        "SELECT principal.id, role_grant.role FROM role_grant JOIN principal ON principal.id = role_grant.principal \
         WHERE role_grant.system = '' AND principal.status = 'active' AND principal.kind = $1 \
         ORDER BY principal.id, role_grant.role",
        Text(PrincipalKind::Person)
    )?;
    Ok(rows.into_iter().map(|(person, role)| (person.0, role.0)).collect())
}

/// A team by id or name.
pub async fn team(conn: &mut Conn, name: &str) -> Result<Option<TeamRow>, StoreError> {
    fetch_optional!(conn, TeamRow, "SELECT id, slug, created_at FROM team WHERE id = $1 OR slug = $1", name)
}

/// Teams after `after` by id, at most `limit`.
pub async fn teams(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<TeamRow>, StoreError> {
    fetch_all!(
        conn,
        TeamRow,
        "SELECT id, slug, created_at FROM team WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// Ids of a team's members.
pub async fn members(conn: &mut Conn, team: TeamId) -> Result<Vec<PrincipalId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<PrincipalId>,),
        "SELECT principal FROM team_member WHERE team = $1 ORDER BY principal",
        Text(team)
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The verification keys of the log, each with the size from which it signs.
pub async fn log_keys(conn: &mut Conn) -> Result<Vec<(i64, String)>, StoreError> {
    fetch_all!(conn, (i64, String), "SELECT from_size, vkey FROM log_key ORDER BY from_size")
}
