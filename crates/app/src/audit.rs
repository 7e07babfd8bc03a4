//! Reading the log as people do: entries, who read what. Every such read is itself an event.

use crate::view::{Page, Slice, page};
use crate::{App, AppError, Caller, ORG, models};
use comptroller_core::vocab::ReadKind;
use comptroller_policy::Action;
use comptroller_store::journal::{self, EntryFilter, EntryRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a list of entries is narrowed to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EntryQuery {
    /// Event type, for example `deployment.created`.
    pub kind: Option<String>,
    /// Actor, `principal/<id>`.
    pub actor: Option<String>,
    /// What it is about, for example `version/<id>`.
    pub subject: Option<String>,
    /// Stream, `system/<id>` or `org`.
    pub stream: Option<String>,
}

/// An entry of the log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EntryView {
    /// Index in the log.
    pub index: u64,
    /// Leaf hash, hex.
    pub leaf_hash: String,
    /// The entry itself; its canonical JSON (RFC 8785) is the leaf.
    #[schema(value_type = Object)]
    pub entry: serde_json::Value,
}

/// Who read the records of a model, and how often.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReaderView {
    /// `principal/<id>`.
    pub actor: String,
    /// Number of reads.
    pub reads: u64,
}

pub(crate) fn entry_view(row: &EntryRow) -> Result<EntryView, AppError> {
    Ok(EntryView {
        index: row.idx.unsigned_abs(),
        leaf_hash: row.leaf_hash.clone(),
        entry: serde_json::from_str(&row.entry)?,
    })
}

impl App {
    /// Entries, newest first.
    pub async fn entries(
        &self,
        caller: &Caller,
        query: EntryQuery,
        slice: Slice,
    ) -> Result<Page<EntryView>, AppError> {
        self.may_read(caller, Action::AuditRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let before = slice.before()?;
        let filter = EntryFilter {
            kind: query.kind.unwrap_or_default(),
            actor: query.actor.unwrap_or_default(),
            subject: query.subject.unwrap_or_default(),
            stream: query.stream.unwrap_or_default(),
        };
        let mut conn = self.store.read().await?;
        let rows = journal::search(&mut conn, &filter, before, limit + 1).await?;
        drop(conn);
        let views = rows.iter().map(entry_view).collect::<Result<Vec<_>, _>>()?;
        let page = page(views, limit, |view| view.index.to_string());
        self.note_read(caller, ReadKind::AuditLog, ORG, page.items.len()).await?;
        Ok(page)
    }

    /// Who read the records of a model, and how often.
    pub async fn readers(&self, caller: &Caller, model: &str) -> Result<Vec<ReaderView>, AppError> {
        let mut conn = self.store.read().await?;
        let row = models::find(&mut conn, model).await?;
        let resource = format!("model/{}", row.id.0);
        drop(conn);
        self.may_read(caller, Action::AuditRead, &resource, Some(row.system.0), None).await?;
        let mut conn = self.store.read().await?;
        let readers = journal::readers_of(&mut conn, &resource).await?;
        drop(conn);
        self.note_read(caller, ReadKind::AuditLog, &resource, readers.len()).await?;
        Ok(readers
            .into_iter()
            .map(|(actor, reads)| ReaderView { actor, reads: reads.unsigned_abs() })
            .collect())
    }
}
