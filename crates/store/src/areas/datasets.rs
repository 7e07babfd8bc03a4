//! Datasets, their immutable versions, and the lineage between them.

use super::json;
use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::ids::{DatasetId, DatasetVersionId, TeamId};
use comptroller_core::vocab::{CollectionMethod, LegalBasis};
use comptroller_core::{Digest, Event, Label, Slug, TagText};
use std::collections::BTreeMap;

/// A dataset.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DatasetRow {
    /// Its id.
    pub id: Text<DatasetId>,
    /// Its name.
    pub slug: Text<Slug>,
    /// The owning team.
    pub owner_team: Text<TeamId>,
    /// Index of the event that holds the text.
    pub private_at: Option<i64>,
    /// When it was registered.
    pub registered_at: Micros,
}

/// One immutable version of a dataset.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DatasetVersionRow {
    /// Its id.
    pub id: Text<DatasetVersionId>,
    /// The dataset.
    pub dataset: Text<DatasetId>,
    /// Its label, unique in the dataset.
    pub label: Text<Label>,
    /// Its files: JSON list of name, digest, bytes.
    pub files: String,
    /// Rows in all.
    pub row_count: i64,
    /// Licence.
    pub licence: Text<TagText>,
    /// How it was collected.
    pub collection: Text<CollectionMethod>,
    /// Legal basis of its use.
    pub legal_basis: Text<LegalBasis>,
    /// Categories of personal data: JSON list.
    pub personal_data: String,
    /// Longest keeping, in days.
    pub retention_days: Option<i64>,
    /// Digest of the private record.
    pub record_digest: Text<Digest>,
    /// Index of the event that holds the text.
    pub private_at: Option<i64>,
    /// When it was registered.
    pub registered_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) -> Result<(), StoreError> {
    let now = at.recorded_at.micros();
    match event {
        Event::DatasetRegistered { dataset, slug, owner_team } => {
            change!(
                changes,
                "INSERT INTO dataset (id, slug, owner_team, private_at, registered_at) VALUES ($1, $2, $3, $4, $5)",
                Text(dataset),
                Text(slug),
                Text(owner_team),
                at.private_at(),
                now
            );
        }
        Event::DatasetVersionRegistered {
            dataset_version,
            dataset,
            label,
            files,
            rows,
            licence,
            collection,
            legal_basis,
            personal_data,
            retention_days,
            derived_from,
            record_digest,
        } => {
            change!(
                changes,
                "INSERT INTO dataset_version (id, dataset, label, files, row_count, licence, collection, legal_basis, \
                 personal_data, retention_days, record_digest, private_at, registered_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                Text(dataset_version),
                Text(dataset),
                Text(label),
                json(files)?,
                i64::try_from(*rows).unwrap_or(i64::MAX),
                Text(licence),
                Text(collection),
                Text(legal_basis),
                json(personal_data)?,
                retention_days.map(i64::from),
                Text(record_digest),
                at.private_at(),
                now
            );
            for parent in derived_from {
                change!(
                    changes,
                    "INSERT INTO dataset_parent (child, parent) VALUES ($1, $2)",
                    Text(dataset_version),
                    Text(parent)
                );
            }
        }
        _ => {}
    }
    Ok(())
}

/// A dataset by id or name.
pub async fn dataset(conn: &mut Conn, name: &str) -> Result<Option<DatasetRow>, StoreError> {
    fetch_optional!(
        conn,
        DatasetRow,
        "SELECT id, slug, owner_team, private_at, registered_at FROM dataset WHERE id = $1 OR slug = $1",
        name
    )
}

/// Datasets after `after` by name, at most `limit`.
pub async fn datasets(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<DatasetRow>, StoreError> {
    fetch_all!(
        conn,
        DatasetRow,
        "SELECT id, slug, owner_team, private_at, registered_at FROM dataset WHERE slug > $1 ORDER BY slug LIMIT $2",
        after,
        limit
    )
}

/// Versions of a dataset, oldest first.
pub async fn versions(conn: &mut Conn, dataset: DatasetId) -> Result<Vec<DatasetVersionRow>, StoreError> {
    fetch_all!(
        conn,
        DatasetVersionRow,
        "SELECT id, dataset, label, files, row_count, licence, collection, legal_basis, personal_data, \
         retention_days, record_digest, private_at, registered_at FROM dataset_version WHERE dataset = $1 ORDER BY id",
        Text(dataset)
    )
}

/// One dataset version.
pub async fn version(conn: &mut Conn, id: DatasetVersionId) -> Result<Option<DatasetVersionRow>, StoreError> {
    fetch_optional!(
        conn,
        DatasetVersionRow,
        "SELECT id, dataset, label, files, row_count, licence, collection, legal_basis, personal_data, \
         retention_days, record_digest, private_at, registered_at FROM dataset_version WHERE id = $1",
        Text(id)
    )
}

/// One dataset version by the dataset's name and its label.
pub async fn version_by_label(
    conn: &mut Conn,
    dataset: DatasetId,
    label: &str,
) -> Result<Option<DatasetVersionRow>, StoreError> {
    fetch_optional!(
        conn,
        DatasetVersionRow,
        "SELECT id, dataset, label, files, row_count, licence, collection, legal_basis, personal_data, \
         retention_days, record_digest, private_at, registered_at FROM dataset_version \
         WHERE dataset = $1 AND label = $2",
        Text(dataset),
        label
    )
}

/// The whole lineage: dataset version -> what it was derived from.
pub async fn parents(
    conn: &mut Conn,
) -> Result<BTreeMap<DatasetVersionId, Vec<DatasetVersionId>>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<DatasetVersionId>, Text<DatasetVersionId>),
        "SELECT child, parent FROM dataset_parent ORDER BY child, parent"
    )?;
    let mut graph: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (child, parent) in rows {
        graph.entry(child.0).or_default().push(parent.0);
    }
    Ok(graph)
}
