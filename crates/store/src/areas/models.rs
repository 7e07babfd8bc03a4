//! Artifacts, models and immutable versions.

use super::json;
use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DatasetVersionId, ModelId, PrincipalId, SystemId, UploadId, VersionId};
use comptroller_core::name::MediaType;
use comptroller_core::{Digest, Event, Label, Slug};

/// A completely stored artifact.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ArtifactRow {
    /// SHA-256 of the content.
    pub digest: Text<Digest>,
    /// Size in bytes.
    pub bytes: i64,
    /// Media type.
    pub media_type: Text<MediaType>,
    /// The upload whose objects hold it.
    pub upload: Text<UploadId>,
    /// Number of part objects.
    pub parts: i64,
    /// When it was completely stored.
    pub stored_at: Micros,
}

/// A model.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ModelRow {
    /// Its id.
    pub id: Text<ModelId>,
    /// The AI system it belongs to.
    pub system: Text<SystemId>,
    /// Its name, unique in the system.
    pub slug: Text<Slug>,
    /// When it was registered.
    pub registered_at: Micros,
}

/// An immutable version.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionRow {
    /// Its id.
    pub id: Text<VersionId>,
    /// The model.
    pub model: Text<ModelId>,
    /// Its label, unique in the model.
    pub label: Text<Label>,
    /// [`comptroller_core::event::VersionFacts`] as JSON.
    pub facts: String,
    /// Who registered it.
    pub registered_by: String,
    /// Index of the event that holds the private record.
    pub private_at: Option<i64>,
    /// When it was registered.
    pub registered_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::ArtifactStored { upload, digest, bytes, media_type, parts } => {
            change!(
                changes,
                // What was purged may be stored again, from another upload and under another key.
                "INSERT INTO artifact (digest, bytes, media_type, upload, parts, stored_at, purged_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, NULL) \
                 ON CONFLICT (digest) DO UPDATE SET media_type = excluded.media_type, upload = excluded.upload, \
                 parts = excluded.parts, stored_at = excluded.stored_at, purged_at = NULL",
                Text(digest),
                i64::try_from(*bytes).unwrap_or(i64::MAX),
                Text(media_type),
                Text(upload),
                i64::from(*parts),
                now
            );
        }
        Event::ModelRegistered { model, system, slug } => {
            change!(
                changes,
                "INSERT INTO model (id, system, slug, registered_at) VALUES ($1, $2, $3, $4)",
                Text(model),
                Text(system),
                Text(slug),
                now
            );
        }
        Event::VersionRegistered { version, facts } => {
            // INVARIANT (immutable-version): inserted once; no statement of this crate updates the row.
            change!(
                changes,
                "INSERT INTO version (id, model, label, facts, registered_by, private_at, registered_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                Text(version),
                Text(facts.model),
                Text(&facts.label),
                json(facts)?,
                at.actor.as_str(),
                at.private_at(),
                now
            );
            for artifact in &facts.artifacts {
                change!(
                    changes,
                    "INSERT INTO version_artifact (version, name, digest) VALUES ($1, $2, $3)",
                    Text(version),
                    Text(&artifact.name),
                    Text(&artifact.digest)
                );
            }
            for used in &facts.datasets {
                change!(
                    changes,
                    "INSERT INTO version_dataset (version, dataset_version, purpose) VALUES ($1, $2, $3)",
                    Text(version),
                    Text(used.dataset_version),
                    Text(used.purpose)
                );
            }
        }
        Event::VersionAnnotated { version } => {
            change!(
                changes,
                "INSERT INTO version_note (version, private_at) VALUES ($1, $2)",
                Text(version),
                at.idx
            );
        }
        _ => {}
    }
    Ok(())
}

/// A stored artifact; none once it was purged.
pub async fn artifact(conn: &mut Conn, digest: &Digest) -> Result<Option<ArtifactRow>, StoreError> {
    fetch_optional!(
        conn,
        ArtifactRow,
        "SELECT digest, bytes, media_type, upload, parts, stored_at FROM artifact \
         WHERE digest = $1 AND purged_at IS NULL",
        Text(digest)
    )
}

/// Stored artifacts after `after` by digest.
pub async fn artifacts(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<ArtifactRow>, StoreError> {
    fetch_all!(
        conn,
        ArtifactRow,
        "SELECT digest, bytes, media_type, upload, parts, stored_at FROM artifact \
         WHERE digest > $1 AND purged_at IS NULL ORDER BY digest LIMIT $2",
        after,
        limit
    )
}

/// Whether an artifact was stored once, and purged.
pub async fn is_purged(conn: &mut Conn, digest: &Digest) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT purged_at FROM artifact WHERE digest = $1 AND purged_at IS NOT NULL",
        Text(digest)
    )?;
    Ok(row.is_some())
}

/// A model by id.
pub async fn model(conn: &mut Conn, id: ModelId) -> Result<Option<ModelRow>, StoreError> {
    fetch_optional!(
        conn,
        ModelRow,
        "SELECT id, system, slug, registered_at FROM model WHERE id = $1",
        Text(id)
    )
}

/// Models whose name is `slug`, in any system.
pub async fn models_named(conn: &mut Conn, slug: &str) -> Result<Vec<ModelRow>, StoreError> {
    fetch_all!(
        conn,
        ModelRow,
        "SELECT id, system, slug, registered_at FROM model WHERE slug = $1 ORDER BY id",
        slug
    )
}

/// Models after `after` by id, of one system or of all when `system` is empty.
pub async fn models(
    conn: &mut Conn,
    system: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<ModelRow>, StoreError> {
    fetch_all!(
        conn,
        ModelRow,
        "SELECT id, system, slug, registered_at FROM model WHERE id > $1 AND ($2 = '' OR system = $2) \
         ORDER BY id LIMIT $3",
        after,
        system,
        limit
    )
}

/// A version by id.
pub async fn version(conn: &mut Conn, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
    fetch_optional!(
        conn,
        VersionRow,
        "SELECT id, model, label, facts, registered_by, private_at, registered_at FROM version WHERE id = $1",
        Text(id)
    )
}

/// The versions that deployments `from..=to` of the log are about.
pub async fn versions_of_deployments(
    conn: &mut Conn,
    from: i64,
    to: i64,
) -> Result<Vec<VersionRow>, StoreError> {
    fetch_all!(
        conn,
        VersionRow,
        "SELECT id, model, label, facts, registered_by, private_at, registered_at FROM version \
         WHERE id IN (SELECT version FROM deployment WHERE idx >= $1 AND idx <= $2)",
        from,
        to
    )
}

/// A version by its label.
pub async fn version_by_label(
    conn: &mut Conn,
    model: ModelId,
    label: &str,
) -> Result<Option<VersionRow>, StoreError> {
    fetch_optional!(
        conn,
        VersionRow,
        "SELECT id, model, label, facts, registered_by, private_at, registered_at FROM version \
         WHERE model = $1 AND label = $2",
        Text(model),
        label
    )
}

/// Versions of a model after `after` by id, oldest first.
pub async fn versions(
    conn: &mut Conn,
    model: ModelId,
    after: &str,
    limit: i64,
) -> Result<Vec<VersionRow>, StoreError> {
    fetch_all!(
        conn,
        VersionRow,
        "SELECT id, model, label, facts, registered_by, private_at, registered_at FROM version \
         WHERE model = $1 AND id > $2 ORDER BY id LIMIT $3",
        Text(model),
        after,
        limit
    )
}

/// Indexes of the notes on a version.
pub async fn notes(conn: &mut Conn, version: VersionId) -> Result<Vec<i64>, StoreError> {
    let rows = fetch_all!(
        conn,
        (i64,),
        "SELECT private_at FROM version_note WHERE version = $1 ORDER BY private_at",
        Text(version)
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Versions that used a dataset version, for any purpose.
pub async fn versions_using(
    conn: &mut Conn,
    dataset_version: DatasetVersionId,
) -> Result<Vec<VersionId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<VersionId>,),
        "SELECT DISTINCT version FROM version_dataset WHERE dataset_version = $1 ORDER BY version",
        Text(dataset_version)
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Other versions of the same model that use every artifact of a version, by whatever names.
pub async fn siblings(conn: &mut Conn, version: &VersionRow) -> Result<Vec<VersionRow>, StoreError> {
    // By the model: many models may share a file. In the database: many versions of a model may.
    fetch_all!(
        conn,
        VersionRow,
        "SELECT id, model, label, facts, registered_by, private_at, registered_at FROM version \
         WHERE model = $1 AND id <> $2 AND NOT EXISTS \
         (SELECT 1 FROM version_artifact mine WHERE mine.version = $2 AND NOT EXISTS \
         (SELECT 1 FROM version_artifact theirs \
         WHERE theirs.version = version.id AND theirs.digest = mine.digest)) ORDER BY id",
        Text(version.model.0),
        Text(version.id.0)
    )
}

/// Versions that use an artifact.
pub async fn versions_with_artifact(conn: &mut Conn, digest: &Digest) -> Result<Vec<VersionId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<VersionId>,),
        "SELECT DISTINCT version FROM version_artifact WHERE digest = $1 ORDER BY version",
        Text(digest)
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The id of a principal in `principal/<id>`.
pub fn principal_of(actor: &str) -> Option<PrincipalId> {
    actor.strip_prefix("principal/")?.parse().ok()
}

/// The facts of every version of a system, JSON of [`comptroller_core::event::VersionFacts`].
pub async fn facts_of_system(conn: &mut Conn, system: SystemId) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT v.facts FROM version v JOIN model m ON m.id = v.model WHERE m.system = $1 ORDER BY v.id",
        Text(system)
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
