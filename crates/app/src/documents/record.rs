//! What people answered, and what was issued: read from the journal.

use super::Issued;
use crate::controls::entries_of;
use crate::{App, AppError};
use comptroller_core::private::Note;
use comptroller_core::{Event, Timestamp};
use comptroller_ledger::Entry;
use comptroller_store::Conn;
use comptroller_store::journal::{self, Opened};
use std::collections::BTreeMap;

/// An answer that counts.
pub(super) struct Answer {
    pub(super) text: String,
    /// Who gave it.
    pub(super) by: String,
    pub(super) at: Timestamp,
    pub(super) entry: i64,
}

/// What is on record about a document.
#[derive(Default)]
pub(super) struct OnRecord {
    /// The last answer by key.
    pub(super) answers: BTreeMap<String, Answer>,
    /// Oldest first.
    pub(super) issued: Vec<Issued>,
}

impl App {
    /// Answers and issues of a document about a subject, as events name it.
    pub(super) async fn on_record(
        &self,
        conn: &mut Conn,
        kind: &str,
        subject: &str,
    ) -> Result<OnRecord, AppError> {
        let mut found = OnRecord::default();
        for name in ["document.answered", "document.issued"] {
            for row in entries_of(conn, name).await? {
                let entry: Entry = serde_json::from_str(&row.entry)?;
                let at = Timestamp::from_micros(entry.recorded_at);
                match Event::from_parts(&entry.kind, &entry.data)? {
                    Event::DocumentAnswered { kind: of, subject: about, key, .. }
                        if of.as_str() == kind && about.as_str() == subject =>
                    {
                        let opened = journal::payload(conn, self.store.key(), row.idx).await?;
                        let Opened::Readable { plain, .. } = opened else {
                            // An answer that was erased is open again.
                            found.answers.remove(key.as_str());
                            continue;
                        };
                        let text = serde_json::from_slice::<Note>(&plain)?.text;
                        let answer = Answer { text, by: entry.actor, at, entry: row.idx };
                        found.answers.insert(key.to_string(), answer);
                    }
                    Event::DocumentIssued { kind: of, subject: about, template, content, .. }
                        if of.as_str() == kind && about.as_str() == subject =>
                    {
                        let ledger_index = row.idx.unsigned_abs();
                        found.issued.push(Issued { content, template, at, ledger_index });
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}
