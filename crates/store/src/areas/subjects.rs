//! Data subjects, which datasets hold them, and erasures.

use crate::StoreError;
use crate::change::{Change, change};
use crate::db::{Conn, fetch_all, fetch_optional};
use crate::tx::At;
use crate::types::{Micros, Text};
use comptroller_core::Event;
use comptroller_core::ids::{DatasetVersionId, SubjectId};

/// A data subject.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SubjectRow {
    /// Its id.
    pub id: Text<SubjectId>,
    /// Index of the event that holds the reference.
    pub private_at: Option<i64>,
    /// When it became known.
    pub registered_at: Micros,
}

/// An erasure.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ErasureRow {
    /// `person/<id>` or `subject/<id>`.
    pub subject: String,
    /// Payloads that can no longer be read.
    pub payloads: i64,
    /// Its entry.
    pub idx: i64,
    /// When.
    pub erased_at: Micros,
}

pub(super) fn project(changes: &mut Vec<Change>, at: &At, event: &Event) {
    let now = at.recorded_at.micros();
    match event {
        Event::SubjectRegistered { subject, datasets } => {
            change!(
                changes,
                "INSERT INTO data_subject (id, private_at, registered_at) VALUES ($1, $2, $3)",
                Text(subject),
                at.private_at(),
                now
            );
            for dataset in datasets {
                change!(
                    changes,
                    "INSERT INTO subject_dataset (subject, dataset_version) VALUES ($1, $2)",
                    Text(subject),
                    Text(dataset)
                );
            }
        }
        Event::SubjectErased { subject, basis, payloads, .. } => {
            change!(
                changes,
                "INSERT INTO erasure (subject, basis, payloads, idx, erased_at) VALUES ($1, $2, $3, $4, $5)",
                subject.as_str(),
                Text(basis),
                i64::try_from(*payloads).unwrap_or(i64::MAX),
                at.idx,
                now
            );
            if let Some(person) = subject.strip_prefix("person/") {
                change!(changes, "UPDATE principal SET status = 'erased' WHERE id = $1", person);
                change!(
                    changes,
                    "UPDATE token SET revoked_at = $1 WHERE principal = $2 AND revoked_at IS NULL",
                    now,
                    person
                );
                change!(
                    changes,
                    "UPDATE session SET closed_at = $1 WHERE principal = $2 AND closed_at IS NULL",
                    now,
                    person
                );
            }
        }
        _ => {}
    }
}

/// A data subject.
pub async fn subject(conn: &mut Conn, id: SubjectId) -> Result<Option<SubjectRow>, StoreError> {
    fetch_optional!(
        conn,
        SubjectRow,
        "SELECT id, private_at, registered_at FROM data_subject WHERE id = $1",
        Text(id)
    )
}

/// Data subjects after `after` by id.
pub async fn subjects(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<SubjectRow>, StoreError> {
    fetch_all!(
        conn,
        SubjectRow,
        "SELECT id, private_at, registered_at FROM data_subject WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
}

/// Dataset versions that hold records about a subject.
pub async fn datasets_of(conn: &mut Conn, subject: SubjectId) -> Result<Vec<DatasetVersionId>, StoreError> {
    let rows = fetch_all!(
        conn,
        (Text<DatasetVersionId>,),
        "SELECT dataset_version FROM subject_dataset WHERE subject = $1 ORDER BY dataset_version",
        Text(subject)
    )?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// The erasure of `person/<id>` or `subject/<id>`, if it happened.
pub async fn erasure(conn: &mut Conn, subject: &str) -> Result<Option<ErasureRow>, StoreError> {
    fetch_optional!(
        conn,
        ErasureRow,
        "SELECT subject, payloads, idx, erased_at FROM erasure WHERE subject = $1",
        subject
    )
}
