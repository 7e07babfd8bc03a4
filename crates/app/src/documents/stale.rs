//! When an issued document is stale: when something changed after it that it may not know of. The same changes make answers
//! stale ([`Subject::changed`]).

use super::subject::Subject;
use super::{Issued, template};
use crate::controls::entries_of;
use crate::stale::StaleDocument;
use crate::{App, AppError};
use comptroller_compliance::document::Template;
use comptroller_core::ids::SystemId;
use comptroller_core::{Event, Slug, Timestamp};
use comptroller_ledger::Entry;
use comptroller_store::Conn;
use std::collections::BTreeMap;

/// What changed last about a subject, and when.
pub(super) type Change = Option<(Timestamp, String)>;

/// Why an issued document is stale; nothing while it stands.
pub(super) fn causes(issued: &Issued, template: &Template, changed: &Change) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some((at, what)) = changed
        && issued.at < *at
    {
        causes.push(format!("issued on {}, before {what}", issued.at));
    }
    if issued.template != template.digest {
        causes.push(format!("issued on {}, and its template has changed since", issued.at));
    }
    causes
}

/// What to type when an issued document is stale: what its answers do not know of comes first.
pub(super) fn command(kind: &str, subject: &str) -> String {
    format!("comptroller docs check {kind} {subject} && comptroller docs issue {kind} {subject}")
}

impl App {
    /// Issued documents that are stale, of one system or of everything; of each the last issue counts.
    pub(crate) async fn stale_documents(
        &self,
        conn: &mut Conn,
        only: Option<SystemId>,
    ) -> Result<Vec<StaleDocument>, AppError> {
        let mut last: BTreeMap<(Slug, String), (Option<SystemId>, Issued)> = BTreeMap::new();
        for row in entries_of(conn, "document.issued").await? {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            let Event::DocumentIssued { kind, subject, system, template, content } =
                Event::from_parts(&entry.kind, &entry.data)?
            else {
                continue;
            };
            if only.is_some_and(|only| system != Some(only)) {
                continue;
            }
            let at = Timestamp::from_micros(entry.recorded_at);
            let issued = Issued { content, template, at, ledger_index: row.idx.unsigned_abs() };
            last.insert((kind, subject.to_string()), (system, issued));
        }
        let mut stale = Vec::new();
        for ((kind, subject), (system, issued)) in last {
            // A kind that this version of the product does not make is not judged by it.
            let Ok(template) = template(kind.as_str()) else { continue };
            let subject = Subject::of_id(conn, &subject).await?;
            let changed = subject.changed(conn).await?;
            let causes = causes(&issued, &template, &changed);
            if causes.is_empty() || subject.is_retired() {
                continue;
            }
            stale.push(StaleDocument {
                command: command(&template.kind, &subject.typed()),
                subject: subject.name(),
                kind: template.kind,
                system,
                framework: template.framework,
                content: issued.content,
                issued_at: issued.at,
                ledger_index: issued.ledger_index,
                causes,
            });
        }
        Ok(stale)
    }
}
