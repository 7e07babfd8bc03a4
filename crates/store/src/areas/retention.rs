//! Legal holds, what was purged, and what a purge has to know: who names a file, and which notes have which age.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::event::{DatasetFile, PurgedDay};
use comptroller_core::ids::{
    DatasetVersionId, EvidenceId, HoldId, PrincipalId, SystemId, UploadId, VersionId,
};
use comptroller_core::{Digest, Event, Timestamp};
use std::collections::BTreeMap;

/// A legal hold.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct HoldRow {
    /// Its id.
    pub id: Text<HoldId>,
    /// The system that it covers; everything if there is none.
    pub system: Option<Text<SystemId>>,
    /// The one version that it covers.
    pub version: Option<Text<VersionId>>,
    /// Who answers for it.
    pub owner: Text<PrincipalId>,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Micros,
    /// Who released it.
    pub released_by: Option<String>,
    /// When.
    pub released_at: Option<Micros>,
    /// Index of the event that holds the reason.
    pub private_at: Option<i64>,
}

/// A version that names a file.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NamingVersion {
    /// The version.
    pub version: Text<VersionId>,
    /// When it was registered.
    pub registered_at: Micros,
    /// When the last of its deployments ended; none if it never was deployed.
    pub live_until: Option<Micros>,
    /// How many of its deployments are live.
    pub live: i64,
}

/// A dataset version that names a file.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NamingDataset {
    /// The dataset version.
    pub dataset_version: Text<DatasetVersionId>,
    /// When it was registered.
    pub registered_at: Micros,
    /// How long it may be kept, as whoever registered it said.
    pub retention_days: Option<i64>,
}

/// The private part of an event that only explains it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NoteRow {
    /// Index of its entry.
    pub idx: i64,
    /// `system/<id>` or `org`.
    pub stream: String,
    /// Since when it is there.
    pub recorded_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::HoldPlaced { hold, system, version, owner } => {
            change!(
                changes,
                "INSERT INTO hold (id, system, version, owner, placed_by, placed_at, released_by, released_at, \
                 private_at) VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, $7)",
                Text(hold),
                system.map(Text),
                version.map(Text),
                Text(owner),
                at.actor.as_str(),
                now,
                at.private_at()
            );
        }
        Event::HoldReleased { hold, .. } => {
            change!(
                changes,
                "UPDATE hold SET released_by = $1, released_at = $2 WHERE id = $3",
                at.actor.as_str(),
                now,
                Text(hold)
            );
        }
        Event::DataPurged { artifact: Some(artifact), .. } => {
            let digest = &artifact.digest;
            change!(changes, "UPDATE artifact SET purged_at = $1 WHERE digest = $2", now, Text(digest));
            change!(
                changes,
                "UPDATE evidence SET purged_at = $1 WHERE document = $2 AND purged_at IS NULL",
                now,
                Text(digest)
            );
        }
        Event::DataPurged { day: Some(PurgedDay { version, environment, day, .. }), .. } => {
            change!(
                changes,
                "DELETE FROM prediction_block WHERE version = $1 AND environment = $2 AND day = $3",
                Text(version),
                Text(environment),
                i64::from(*day)
            );
        }
        _ => {}
    }
}

/// A hold.
pub async fn hold(conn: &mut Conn, id: HoldId) -> Result<Option<HoldRow>, StoreError> {
    fetch_optional!(
        conn,
        HoldRow,
        "SELECT id, system, version, owner, placed_by, placed_at, released_by, released_at, private_at FROM hold \
         WHERE id = $1",
        Text(id)
    )
}

/// Holds after `after` by id; those that hold, or all.
pub async fn holds(conn: &mut Conn, all: bool, after: &str, limit: i64) -> Result<Vec<HoldRow>, StoreError> {
    fetch_all!(
        conn,
        HoldRow,
        "SELECT id, system, version, owner, placed_by, placed_at, released_by, released_at, private_at FROM hold \
         WHERE id > $1 AND ($2 OR released_at IS NULL) ORDER BY id LIMIT $3",
        after,
        all,
        limit
    )
}

/// The versions that name a file, with where they ran.
pub async fn versions_naming(conn: &mut Conn, digest: &Digest) -> Result<Vec<NamingVersion>, StoreError> {
    fetch_all!(
        conn,
        NamingVersion,
        "SELECT v.id AS version, v.registered_at, \
         (SELECT MAX(d.live_until) FROM deployment d WHERE d.version = v.id) AS live_until, \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM deployment d WHERE d.version = v.id AND d.live_until IS NULL) AS live \
         FROM version v WHERE v.id IN (SELECT a.version FROM version_artifact a WHERE a.digest = $1) \
         OR v.id IN (SELECT b.version FROM baseline b WHERE b.profile = $1 OR b.seasons LIKE $2) ORDER BY v.id",
        Text(digest),
        // A digest is 64 hexadecimal digits, which no name of a season holds.
        format!("%{digest}%")
    )
}

/// The dataset versions that name a file.
pub async fn datasets_naming(conn: &mut Conn, digest: &Digest) -> Result<Vec<NamingDataset>, StoreError> {
    // A digest is 64 hexadecimal digits, which no name of a file and no other member holds by chance.
    fetch_all!(
        conn,
        NamingDataset,
        "SELECT id AS dataset_version, registered_at, retention_days FROM dataset_version \
         WHERE files LIKE $1 ORDER BY id",
        format!("%{digest}%")
    )
}

/// When a file was issued as a document, oldest first.
pub async fn issues_naming(conn: &mut Conn, digest: &Digest) -> Result<Vec<Micros>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Micros,),
        "SELECT j.recorded_at FROM journal_subject s JOIN journal j ON j.idx = s.idx \
         WHERE s.subject = $1 AND j.kind = 'document.issued' ORDER BY j.idx",
        format!("artifact/{digest}")
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The evidence whose document a file is, and since when.
pub async fn evidence_naming(
    conn: &mut Conn,
    digest: &Digest,
) -> Result<Vec<(Text<EvidenceId>, Micros)>, StoreError> {
    fetch_all!(
        conn,
        (Text<EvidenceId>, Micros),
        "SELECT id, recorded_at FROM evidence WHERE document = $1 ORDER BY id",
        Text(digest)
    )
}

/// The files that the versions of a system name, profiles that they are watched against included; of one of them, if `version` is not empty.
pub async fn files_of_versions(
    conn: &mut Conn,
    system: SystemId,
    version: &str,
) -> Result<Vec<Digest>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<Digest>,),
        "SELECT DISTINCT a.digest FROM version_artifact a JOIN version v ON v.id = a.version \
         JOIN model m ON m.id = v.model WHERE m.system = $1 AND ($2 = '' OR v.id = $2) \
         UNION SELECT b.profile FROM baseline b WHERE b.system = $1 AND ($2 = '' OR b.version = $2)",
        Text(system),
        version
    )?;
    let mut files: Vec<Digest> = rows.into_iter().map(|row| row.0.0).collect();
    let seasons = fetch_all!(
        conn,
        (String,),
        "SELECT seasons FROM baseline WHERE system = $1 AND ($2 = '' OR version = $2) AND seasons <> '{}'",
        Text(system),
        version
    )?;
    for (text,) in seasons {
        let of_baseline: BTreeMap<String, Digest> =
            serde_json::from_str(&text).map_err(|error| StoreError::Damaged(format!("seasons: {error}")))?;
        files.extend(of_baseline.into_values());
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The dataset versions that the versions of a system used; one of them, if `version` is not empty.
pub async fn datasets_of_versions(
    conn: &mut Conn,
    system: SystemId,
    version: &str,
) -> Result<Vec<DatasetVersionId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<DatasetVersionId>,),
        "SELECT DISTINCT u.dataset_version FROM version_dataset u JOIN version v ON v.id = u.version \
         JOIN model m ON m.id = v.model WHERE m.system = $1 AND ($2 = '' OR v.id = $2)",
        Text(system),
        version
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The documents of the evidence about a system; about one version and the whole system, if `version` is not empty.
pub async fn documents_of(
    conn: &mut Conn,
    system: SystemId,
    version: &str,
) -> Result<Vec<Digest>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<Digest>,),
        "SELECT DISTINCT document FROM evidence WHERE system = $1 AND document IS NOT NULL \
         AND ($2 = '' OR version IS NULL OR version = $2)",
        Text(system),
        version
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The files of a dataset version.
pub async fn files_of_dataset(conn: &mut Conn, id: DatasetVersionId) -> Result<Vec<DatasetFile>, StoreError> {
    let row = fetch_optional!(conn, (String,), "SELECT files FROM dataset_version WHERE id = $1", Text(id))?;
    let Some((files,)) = row else { return Ok(Vec::new()) };
    serde_json::from_str(&files)
        .map_err(|error| StoreError::Damaged(format!("table dataset_version, files of {id}: {error}")))
}

/// Notes recorded at or before `until`, after entry `after`, oldest first: private parts under a key of their own that
/// nothing but a reader rests on. What the product itself reads (policies, texts of systems and versions, trusted
/// claims, reasons of holds) is not among them.
pub async fn notes(
    conn: &mut Conn,
    until: Micros,
    after: i64,
    limit: i64,
) -> Result<Vec<NoteRow>, StoreError> {
    fetch_all!(
        conn,
        NoteRow,
        "SELECT j.idx, j.stream, j.recorded_at FROM journal j JOIN payload p ON p.idx = j.idx \
         JOIN data_key k ON k.key_id = p.key_id \
         WHERE j.idx > $1 AND j.recorded_at <= $2 AND k.subject IS NULL AND j.kind IN ('version.annotated', \
         'evidence.recorded', 'evidence.withdrawn', 'system.classified', 'approval.requested', 'approval.voted', \
         'deployment.created', 'waiver.requested', 'waiver.decided', 'waiver.ended', 'emergency.opened', \
         'emergency.confirmed', 'emergency.reviewed', 'policy.voted', 'workload.exchanged', 'hold.released') \
         ORDER BY j.idx LIMIT $3",
        after,
        until,
        limit
    )
}

/// Uploads whose keys are destroyed and whose objects may still be there.
pub async fn unswept(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<UploadId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<UploadId>,),
        "SELECT upload FROM unswept WHERE purged_at <= $1 ORDER BY upload LIMIT $2",
        now.micros(),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The objects of an upload are to be deleted from a moment on, which may lie ahead.
pub async fn put_unswept(conn: &mut Conn, upload: UploadId, from: Timestamp) -> Result<(), StoreError> {
    execute!(conn, "INSERT INTO unswept (upload, purged_at) VALUES ($1, $2)", Text(upload), from.micros())?;
    Ok(())
}

/// The objects of an upload are not to be deleted after all.
pub async fn keep(conn: &mut Conn, upload: UploadId) -> Result<(), StoreError> {
    swept(conn, upload).await
}

/// The objects of an upload are gone.
pub(crate) async fn swept(conn: &mut Conn, upload: UploadId) -> Result<(), StoreError> {
    execute!(conn, "DELETE FROM unswept WHERE upload = $1", Text(upload))?;
    Ok(())
}
