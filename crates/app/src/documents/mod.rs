//! Documents from facts: what a template asks for, filled with what is on record and with what people answered.
//!
//! A block shows its fact with where it is from and since when, or an answer with who gave it and when; else it stays open.
//! A document with something open is not issued. What was issued is an artifact, and what changed since can be shown.

mod facts;
mod record;
mod stale;
mod subject;
mod tables;

/// A document as a page, as Markdown and as PDF.
pub use comptroller_report::document::{
    Document, html as document_html, markdown as document_markdown, pdf as document_pdf,
};

use crate::act::Call;
use crate::artifacts::record_made;
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use comptroller_compliance::document::{Template, TemplateBlock, shipped};
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::ReadKind;
use comptroller_core::{Digest, Event, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_report::document::{Block, Fact, Section};
use comptroller_store::Conn;
use comptroller_store::areas::models;
use futures_util::TryStreamExt as _;
use record::OnRecord;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subject::Subject;
pub(crate) use subject::versions;
use utoipa::ToSchema;

/// Largest text of a document that is compared, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// How long the smallest difference of two texts is looked for; after that a larger one is shown.
const DIFF: Duration = Duration::from_secs(1);

/// A kind of document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentKind {
    /// Its name.
    pub kind: String,
    /// The title of the document.
    pub title: String,
    /// What it is about: `system`, `version`, `dataset` or `organisation`.
    pub subject: String,
    /// What asks for it.
    pub basis: String,
    /// The framework whose gaps name it when it is stale; none: all.
    pub framework: Option<String>,
}

/// Answers a question of a document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerDocument {
    /// The key of the block.
    pub key: Slug,
    /// The answer; at most 16 KiB.
    pub text: String,
}

/// A document as it stands now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Its kind.
    pub kind: String,
    /// What it is about, as people call it.
    pub subject: String,
    /// What is open, with its question.
    pub open: Vec<OpenBlock>,
    /// Answers that were given before something changed that they may not know of, each with what that was.
    pub stale: Vec<String>,
    /// What was issued, the newest last.
    pub issued: Vec<Issued>,
    /// Why the newest of these is stale; empty while it stands.
    pub issued_stale: Vec<String>,
    /// SHA-256 of its text as Markdown.
    pub digest: Digest,
    /// Everything in it.
    #[schema(value_type = Object)]
    pub document: Document,
}

/// A block that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenBlock {
    /// By which it is answered.
    pub key: String,
    /// What is asked.
    pub question: String,
}

/// A document that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issued {
    /// SHA-256 of its text, an artifact.
    pub content: Digest,
    /// SHA-256 of the template that it was made by.
    pub template: Digest,
    /// When.
    pub at: Timestamp,
    /// Its entry.
    pub ledger_index: u64,
}

/// What changed in a document since it was issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentChanges {
    /// What it is compared with.
    pub since: Issued,
    /// Whether nothing changed.
    pub is_same: bool,
    /// The lines that differ with three around them, as a unified diff.
    pub changes: String,
}

/// The kinds of documents.
///
/// # Errors
/// If a shipped template were broken; a test reads them.
pub fn document_kinds() -> Result<Vec<DocumentKind>, AppError> {
    let kind = |template: Template| DocumentKind {
        kind: template.kind,
        title: template.title,
        subject: template.subject.as_str().to_owned(),
        basis: template.basis,
        framework: template.framework,
    };
    Ok(templates()?.into_iter().map(kind).collect())
}

fn templates() -> Result<Vec<Template>, AppError> {
    shipped().map_err(AppError::Internal)
}

fn template(kind: &str) -> Result<Template, AppError> {
    let mut all = templates()?;
    match all.iter().position(|template| template.kind == kind) {
        Some(at) => Ok(all.swap_remove(at)),
        None => {
            let known: Vec<&str> = all.iter().map(|template| template.kind.as_str()).collect();
            Err(AppError::invalid("kind", format!("{kind:?} is none of {}", known.join(", "))))
        }
    }
}

impl App {
    /// A document as it stands now.
    pub async fn document(&self, caller: &Caller, kind: &str, name: &str) -> Result<DocumentView, AppError> {
        let template = template(kind)?;
        let mut conn = self.store.read().await?;
        let subject = Subject::find(&mut conn, template.subject, name).await?;
        drop(conn);
        self.may_read(caller, subject.acts().0, &resource(&subject), subject.system(), None).await?;
        if matches!(subject, Subject::System(_) | Subject::Version(..)) {
            // It shows the records of versions.
            self.note_read(caller, ReadKind::ModelRecords, &resource(&subject), 1).await?;
        }
        let mut conn = self.store.read().await?;
        self.compose(&mut conn, &template, &subject).await
    }

    /// Answers a question of a document, or changes an answer.
    pub async fn answer_document(
        &self,
        call: &Call,
        kind: String,
        name: String,
        command: AnswerDocument,
    ) -> Result<Receipt, AppError> {
        self.act(call, "document.answer", (kind, name, command), |mut act, (kind, name, command)| {
            Box::pin(async move {
                check_text("text", &command.text, false)?;
                not_a_placeholder(&command.text)?;
                let template = template(&kind)?;
                let subject = Subject::find(act.conn(), template.subject, &name).await?;
                act.may(subject.acts().1, &resource(&subject), subject.system()).await?;
                let key = command.key;
                if template.block(key.as_str()).is_none_or(|block| block.ask.is_none()) {
                    let keys: Vec<&str> = template
                        .blocks()
                        .filter(|block| block.ask.is_some())
                        .map(|block| block.key.as_str())
                        .collect();
                    return Err(AppError::invalid(
                        "key",
                        format!("{key} asks nothing here; these do: {}", keys.join(", ")),
                    ));
                }
                let event = Event::DocumentAnswered {
                    kind: kind.parse()?,
                    subject: subject.id().parse()?,
                    system: subject.system(),
                    key: key.clone(),
                };
                let draft = act.draft(event).private("answer", &Note { text: command.text })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(key, index))
            })
        })
        .await
    }

    /// Issues a document: its text becomes an artifact and its digest an event. Refused while something is open.
    pub async fn issue_document(&self, call: &Call, kind: String, name: String) -> Result<Receipt, AppError> {
        let mut conn = self.store.read().await?;
        let subject = Subject::find(&mut conn, template(&kind)?.subject, &name).await?;
        drop(conn);
        // Before anything is made of it: who may not issue it leaves no file behind.
        self.may_read(&call.caller, Action::ControlManage, &resource(&subject), subject.system(), None)
            .await?;
        let found = self.document(&call.caller, &kind, &name).await?;
        if !found.open.is_empty() {
            let open: Vec<&str> = found.open.iter().map(|open| open.key.as_str()).collect();
            return Err(AppError::Conflict(format!(
                "{} is open in it: {}; `comptroller docs answer {kind} {name} KEY --text ...` fills one",
                if open.len() == 1 { "one block".to_owned() } else { format!("{} blocks", open.len()) },
                open.join(", ")
            )));
        }
        let mut conn = self.store.read().await?;
        let is_stored = models::artifact(&mut conn, &found.digest).await?.is_some();
        drop(conn);
        let made = if is_stored {
            None
        } else {
            Some(self.store_made(document_markdown(&found.document).into_bytes()).await?)
        };
        self.act(call, "document.issue", (kind, name, found.digest), |mut act, (kind, name, content)| {
            Box::pin(async move {
                let template = template(&kind)?;
                let subject = Subject::find(act.conn(), template.subject, &name).await?;
                act.may(Action::ControlManage, &resource(&subject), subject.system()).await?;
                if let Some(made) = made {
                    record_made(&mut act, made, "text/markdown").await?;
                }
                let event = Event::DocumentIssued {
                    kind: kind.parse()?,
                    subject: subject.id().parse()?,
                    system: subject.system(),
                    template: template.digest,
                    content: content.clone(),
                };
                let draft = act.draft(event).about("artifact", &content);
                let index = act.record(draft).await?;
                Ok(Receipt::new(content, index))
            })
        })
        .await
    }

    /// What changed in a document since it was issued last, or since it was issued with this content.
    pub async fn document_changes(
        &self,
        caller: &Caller,
        kind: &str,
        name: &str,
        since: Option<Digest>,
    ) -> Result<DocumentChanges, AppError> {
        let found = self.document(caller, kind, name).await?;
        let wanted = |issued: &&Issued| since.as_ref().is_none_or(|since| issued.content == *since);
        let since = found.issued.iter().rev().find(wanted).cloned();
        let since = since.ok_or_else(|| {
            AppError::Conflict(format!(
                "{kind} of {name} was not issued yet; `comptroller docs issue` does it"
            ))
        })?;
        let before = self.read_text(&since.content).await?;
        let now = document_markdown(&found.document);
        let diff = similar::TextDiff::configure().timeout(DIFF).diff_lines(&before, &now);
        let changes = diff.unified_diff().context_radius(3).header("issued", "now").to_string();
        Ok(DocumentChanges { is_same: before == now, since, changes })
    }

    async fn read_text(&self, digest: &Digest) -> Result<String, AppError> {
        let download = self.open_artifact(digest, 0).await?;
        let mut bytes = Vec::new();
        let mut content = std::pin::pin!(download.stream);
        while let Some(piece) = content.try_next().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > MAX_TEXT {
                return Err(AppError::Internal(format!(
                    "the document {digest} is larger than {MAX_TEXT} bytes"
                )));
            }
        }
        String::from_utf8(bytes).map_err(|_| AppError::Internal(format!("the document {digest} is no text")))
    }

    async fn compose(
        &self,
        conn: &mut Conn,
        template: &Template,
        subject: &Subject,
    ) -> Result<DocumentView, AppError> {
        let record = self.on_record(conn, &template.kind, &subject.id()).await?;
        let changed = subject.changed(conn).await?;
        let (mut sections, mut stale) = (Vec::new(), Vec::new());
        for section in &template.sections {
            let mut blocks = Vec::new();
            for block in &section.blocks {
                let shown = self.block(conn, subject, block, &record).await?;
                if let (Some((at, what)), Some(answer)) = (&changed, record.answers.get(&block.key))
                    && is_answer(&shown)
                    && answer.at < *at
                {
                    stale.push(format!("{}: answered on {}, before {what}", block.key, answer.at));
                }
                blocks.push(shown);
            }
            sections.push(Section { title: section.title.clone(), source: section.source.clone(), blocks });
        }
        let mut head = vec![("Asked for by".to_owned(), template.basis.clone())];
        if !template.note.is_empty() {
            head.push(("Note".to_owned(), template.note.clone()));
        }
        let document = Document { title: template.title.clone(), about: subject.name(), head, sections };
        let open =
            document.sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
                Block::Open { key, question } => {
                    Some(OpenBlock { key: key.clone(), question: question.clone() })
                }
                _ => None,
            });
        Ok(DocumentView {
            kind: template.kind.clone(),
            subject: subject.name(),
            open: open.collect(),
            stale,
            issued_stale: record
                .issued
                .last()
                .map_or_else(Vec::new, |issued| stale::causes(issued, template, &changed)),
            issued: record.issued,
            digest: comptroller_ledger::digest(document_markdown(&document).as_bytes())
                .to_string()
                .parse()?,
            document,
        })
    }

    async fn block(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        block: &TemplateBlock,
        record: &OnRecord,
    ) -> Result<Block, AppError> {
        if let Some(name) = block.key.strip_prefix("table.") {
            let (head, rows) = self.table(conn, subject, name).await?;
            if !rows.is_empty() {
                let head = head.iter().map(|name| (*name).to_owned()).collect();
                return Ok(Block::Table { head, rows });
            }
        } else if block.is_fact()
            && let Some(fact) = self.fact(conn, subject, &block.key).await?
        {
            return Ok(Block::Facts { facts: vec![fact] });
        }
        let Some(question) = &block.ask else {
            let name =
                block.key.split_once('.').map_or(block.key.as_str(), |(_, name)| name).replace('-', " ");
            return Ok(Block::Text { text: format!("On record of {name}: none.") });
        };
        let Some(answer) = record.answers.get(&block.key) else {
            return Ok(Block::Open { key: block.key.clone(), question: question.clone() });
        };
        Ok(Block::Facts {
            facts: vec![Fact {
                name: question.clone(),
                value: answer.text.clone(),
                source: format!("said by {}, entry {}", answer.by, answer.entry),
                at: answer.at.to_string(),
            }],
        })
    }
}

/// What people write where an answer is still to come; in other letters some of them are words of other languages.
const PLACEHOLDERS: [&str; 6] = ["TBD", "TBA", "TBC", "TODO", "FIXME", "XXX"];
const MARKS: [&str; 13] = [
    "[placeholder",
    "<placeholder",
    "<fill",
    "lorem ipsum",
    "[insert",
    "<insert",
    "<name>",
    "{{",
    "to be determined",
    "to be done",
    "to do:",
    "fill in later",
    "t.b.d",
];

/// An answer that only says that it is still to come leaves the block open.
fn not_a_placeholder(text: &str) -> Result<(), AppError> {
    let (lower, upper) = (text.to_lowercase(), text.to_uppercase());
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    let found = words
        .find(|word| PLACEHOLDERS.contains(word))
        .or_else(|| PLACEHOLDERS.into_iter().find(|word| upper.trim() == *word))
        .or_else(|| MARKS.into_iter().find(|mark| lower.contains(mark)))
        .or_else(|| (!lower.contains(char::is_alphanumeric)).then_some(text.trim()));
    let Some(found) = found else { return Ok(()) };
    let problem = format!("{found:?} is a placeholder; the block stays open until there is an answer");
    Err(AppError::invalid("text", problem))
}

fn resource(subject: &Subject) -> String {
    match subject {
        Subject::Organisation => ORG.to_owned(),
        other => other.id(),
    }
}

/// Whether a block shows what somebody said.
fn is_answer(block: &Block) -> bool {
    matches!(block, Block::Facts { facts } if facts.iter().any(|fact| fact.source.starts_with("said by ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_no_answer_and_a_word_of_another_language_is_none() {
        for text in ["TBD", "tbd ", "TODO: ask legal", "see <fill in>", "[Placeholder]", "...", "?"] {
            assert!(not_a_placeholder(text).is_err(), "{text}");
        }
        for text in ["Todo el personal decide", "n/a: nobody is scored", "No. 7", "TODOS"] {
            assert!(not_a_placeholder(text).is_ok(), "{text}");
        }
    }
}
