//! Uploads in progress and idempotency keys: work that nobody relies on once it is done.

use crate::StoreError;
use crate::db::{Conn, execute, fetch_all, fetch_optional};
use crate::types::{Micros, Text};
use comptroller_core::ids::{PrincipalId, UploadId};
use comptroller_core::name::MediaType;
use comptroller_core::{Digest, Timestamp};

/// An upload.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct UploadRow {
    /// Its id.
    pub id: Text<UploadId>,
    /// Who began it.
    pub principal: Text<PrincipalId>,
    /// SHA-256 that the content must have.
    pub digest: Text<Digest>,
    /// Size that the content must have.
    pub bytes: i64,
    /// Media type.
    pub media_type: Text<MediaType>,
    /// Size of every part but the last.
    pub part_bytes: i64,
    /// When it began.
    pub created_at: Micros,
    /// Whether the artifact is stored.
    pub completed: bool,
}

/// Begins an upload.
pub async fn begin(conn: &mut Conn, upload: &UploadRow) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO upload (id, principal, digest, bytes, media_type, part_bytes, created_at, completed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        upload.id,
        upload.principal,
        Text(&upload.digest.0),
        upload.bytes,
        Text(&upload.media_type.0),
        upload.part_bytes,
        upload.created_at,
        upload.completed
    )?;
    Ok(())
}

/// An upload.
pub async fn upload(conn: &mut Conn, id: UploadId) -> Result<Option<UploadRow>, StoreError> {
    fetch_optional!(
        conn,
        UploadRow,
        "SELECT id, principal, digest, bytes, media_type, part_bytes, created_at, completed FROM upload WHERE id = $1",
        Text(id)
    )
}

/// The open upload of the same content by the same principal, to be resumed.
pub async fn open_upload(
    conn: &mut Conn,
    principal: PrincipalId,
    digest: &Digest,
) -> Result<Option<UploadRow>, StoreError> {
    fetch_optional!(
        conn,
        UploadRow,
        "SELECT id, principal, digest, bytes, media_type, part_bytes, created_at, completed FROM upload \
         WHERE principal = $1 AND digest = $2 AND NOT completed ORDER BY id DESC LIMIT 1",
        Text(principal),
        Text(digest)
    )
}

/// Notes that a part is durably stored.
pub async fn put_part(conn: &mut Conn, upload: UploadId, part: i64, bytes: i64) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO upload_part (upload, part, bytes) VALUES ($1, $2, $3) ON CONFLICT (upload, part) DO NOTHING",
        Text(upload),
        part,
        bytes
    )?;
    Ok(())
}

/// The stored parts, in order.
pub async fn parts(conn: &mut Conn, upload: UploadId) -> Result<Vec<(i64, i64)>, StoreError> {
    fetch_all!(
        conn,
        (i64, i64),
        "SELECT part, bytes FROM upload_part WHERE upload = $1 ORDER BY part",
        Text(upload)
    )
}

/// Marks an upload as done.
pub async fn complete(conn: &mut Conn, upload: UploadId) -> Result<(), StoreError> {
    execute!(conn, "UPDATE upload SET completed = TRUE WHERE id = $1", Text(upload))?;
    Ok(())
}

/// What was answered to an idempotency key: digest of the request, and the answer.
pub async fn remembered(
    conn: &mut Conn,
    principal: PrincipalId,
    key: &str,
) -> Result<Option<(String, String)>, StoreError> {
    fetch_optional!(
        conn,
        (String, String),
        "SELECT request_digest, response FROM idempotency WHERE principal = $1 AND idem_key = $2",
        Text(principal),
        key
    )
}

/// Remembers the answer to an idempotency key, in the transaction of the act itself.
pub async fn remember(
    conn: &mut Conn,
    principal: PrincipalId,
    key: &str,
    request_digest: &str,
    response: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO idempotency (principal, idem_key, request_digest, response, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
        Text(principal),
        key,
        request_digest,
        response,
        now.micros()
    )?;
    Ok(())
}

/// Forgets answers older than `before`.
pub async fn forget_answers(conn: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    execute!(conn, "DELETE FROM idempotency WHERE created_at < $1", before.micros())
}
