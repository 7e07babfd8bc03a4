//! AI systems, vendors, links and tags.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{SystemId, TeamId, VendorId};
use comptroller_core::vocab::{Relation, RiskTier, SystemKind, SystemStatus};
use comptroller_core::{Event, Slug, TagText};

/// An AI system.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SystemRow {
    /// Its id.
    pub id: Text<SystemId>,
    /// Its name.
    pub slug: Text<Slug>,
    /// Own, third-party API or shadow.
    pub kind: Text<SystemKind>,
    /// Where it stands in its life.
    pub status: Text<SystemStatus>,
    /// The owning team.
    pub owner_team: Text<TeamId>,
    /// The vendor, for a third-party system.
    pub vendor: Option<Text<VendorId>>,
    /// Its risk tier, if somebody has classified it.
    pub risk_tier: Option<Text<RiskTier>>,
    /// What the tier rests on, as JSON, if rules computed it.
    pub basis: Option<String>,
    /// Index of the event that classified it last.
    pub classified_in: Option<i64>,
    /// Index of the event that holds the text.
    pub private_at: Option<i64>,
    /// When it was registered.
    pub registered_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// A vendor.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VendorRow {
    /// Its id.
    pub id: Text<VendorId>,
    /// Its name.
    pub slug: Text<Slug>,
    /// Index of the event that holds the text.
    pub private_at: Option<i64>,
    /// When it was registered.
    pub registered_at: Micros,
}

/// What a list of systems is narrowed to; empty text = anything.
#[derive(Clone, Debug, Default)]
pub struct SystemFilter {
    /// Kind.
    pub kind: String,
    /// Status.
    pub status: String,
    /// Owning team's id.
    pub team: String,
    /// Part of the name.
    pub contains: String,
    /// Tag key.
    pub tag_key: String,
    /// Tag value.
    pub tag_value: String,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::VendorRegistered { vendor, slug } => {
            change!(
                changes,
                "INSERT INTO vendor (id, slug, private_at, registered_at) VALUES ($1, $2, $3, $4)",
                Text(vendor),
                Text(slug),
                at.private_at(),
                now
            );
        }
        Event::SystemRegistered { system, slug, kind, status, owner_team, vendor } => {
            change!(
                changes,
                "INSERT INTO system (id, slug, kind, status, owner_team, vendor, private_at, registered_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                Text(system),
                Text(slug),
                Text(kind),
                Text(status),
                Text(owner_team),
                vendor.map(Text),
                at.private_at(),
                now
            );
        }
        Event::SystemUpdated { system, status, owner_team, text_changed } => {
            let text_at = if *text_changed { at.private_at() } else { None };
            change!(
                changes,
                "UPDATE system SET status = COALESCE($1, status), owner_team = COALESCE($2, owner_team), \
                 private_at = COALESCE($3, private_at), updated_at = $4 WHERE id = $5",
                status.map(Text),
                owner_team.map(Text),
                text_at,
                now,
                Text(system)
            );
        }
        Event::SystemClassified { system, tier, basis, .. } => {
            let basis = basis.as_ref().map(super::json).transpose()?;
            change!(
                changes,
                "UPDATE system SET risk_tier = $1, basis = $2, classified_in = $3, updated_at = $4 WHERE id = $5",
                Text(tier),
                basis.as_deref(),
                at.idx,
                now,
                Text(system)
            );
        }
        Event::SystemLinked { system, relation, to_system, to_vendor } => {
            let target = match (to_system, to_vendor) {
                (Some(other), _) => format!("system/{other}"),
                (None, Some(vendor)) => format!("vendor/{vendor}"),
                (None, None) => return Err(StoreError::Entry("a link needs a target".into())),
            };
            change!(
                changes,
                "INSERT INTO system_link (system, relation, target) VALUES ($1, $2, $3) \
                 ON CONFLICT (system, relation, target) DO NOTHING",
                Text(system),
                Text(relation),
                target
            );
        }
        Event::TagSet { subject, key, value: Some(value) } => {
            change!(
                changes,
                "INSERT INTO tag (subject, tag_key, tag_value) VALUES ($1, $2, $3) \
                 ON CONFLICT (subject, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
                subject.as_str(),
                Text(key),
                Text(value)
            );
        }
        Event::TagSet { subject, key, value: None } => {
            change!(
                changes,
                "DELETE FROM tag WHERE subject = $1 AND tag_key = $2",
                subject.as_str(),
                Text(key)
            );
        }
        _ => {}
    }
    Ok(())
}

/// A system by id or name.
pub async fn system(conn: &mut Conn, name: &str) -> Result<Option<SystemRow>, StoreError> {
    fetch_optional!(
        conn,
        SystemRow,
        "SELECT id, slug, kind, status, owner_team, vendor, risk_tier, basis, classified_in, private_at, registered_at, updated_at FROM system \
         WHERE id = $1 OR slug = $1",
        name
    )
}

/// Systems after `after` by name, at most `limit`.
pub async fn systems(
    conn: &mut Conn,
    filter: &SystemFilter,
    after: &str,
    limit: i64,
) -> Result<Vec<SystemRow>, StoreError> {
    // The name cannot contain LIKE's wildcards but `_`, which is escaped.
    let contains = format!("%{}%", filter.contains.replace(['\\', '%'], "").replace('_', "\\_"));
    fetch_all!(
        conn,
        SystemRow,
        "SELECT id, slug, kind, status, owner_team, vendor, risk_tier, basis, classified_in, private_at, registered_at, updated_at FROM system \
         WHERE slug > $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR status = $3) AND ($4 = '' OR owner_team = $4) \
         AND slug LIKE $5 ESCAPE '\\' \
         AND ($6 = '' OR EXISTS (SELECT 1 FROM tag WHERE subject = 'system/' || system.id AND tag_key = $6 \
              AND ($7 = '' OR tag_value = $7))) \
         ORDER BY slug LIMIT $8",
        after,
        filter.kind.as_str(),
        filter.status.as_str(),
        filter.team.as_str(),
        contains.as_str(),
        filter.tag_key.as_str(),
        filter.tag_value.as_str(),
        limit
    )
}

/// The links of a system: relation and target (`system/<id>` or `vendor/<id>`).
pub async fn links(conn: &mut Conn, system: SystemId) -> Result<Vec<(Relation, String)>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<Relation>, String),
        "SELECT relation, target FROM system_link WHERE system = $1 ORDER BY relation, target",
        Text(system)
    )?;
    Ok(rows.into_iter().map(|(relation, target)| (relation.0, target)).collect())
}

/// The tags of a thing, by key. `subject` is `system/<id>` and so on.
pub async fn tags(conn: &mut Conn, subject: &str) -> Result<Vec<(TagText, TagText)>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<TagText>, Text<TagText>),
        "SELECT tag_key, tag_value FROM tag WHERE subject = $1 ORDER BY tag_key",
        subject
    )?;
    Ok(rows.into_iter().map(|(key, value)| (key.0, value.0)).collect())
}

/// A vendor by id or name.
pub async fn vendor(conn: &mut Conn, name: &str) -> Result<Option<VendorRow>, StoreError> {
    fetch_optional!(
        conn,
        VendorRow,
        "SELECT id, slug, private_at, registered_at FROM vendor WHERE id = $1 OR slug = $1",
        name
    )
}

/// Vendors after `after` by name, at most `limit`.
pub async fn vendors(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<VendorRow>, StoreError> {
    fetch_all!(
        conn,
        VendorRow,
        "SELECT id, slug, private_at, registered_at FROM vendor WHERE slug > $1 ORDER BY slug LIMIT $2",
        after,
        limit
    )
}
