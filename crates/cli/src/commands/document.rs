//! Documents made of facts: what is open in them, answers, issues and changes. The verbs of `comptroller docs`.

use super::docs::Verb;
use super::{Context, stale};
use crate::args::ApiArgs;
use crate::client::{Answer, path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::read_text;
use crate::output::{Screen, clean, write_file};
use clap::Args;
use comptroller_app::documents::{
    AnswerDocument, Document, DocumentChanges, DocumentView, document_html, document_kinds,
    document_markdown, document_pdf,
};
use comptroller_core::private::MAX_TEXT;
use comptroller_core::{Digest, Slug};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Which document, of what.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The kind; `comptroller docs list` names them.
    kind: String,
    /// What it is about: a system, MODEL@LABEL, DATASET@LABEL, or `organisation`.
    subject: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The documents that a server issued and that are stale, each with the cause and the command that mends it.
    #[arg(long)]
    stale: bool,
    /// Only those of this system, by id or name.
    #[arg(long, requires = "stale")]
    system: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    which: Which,
    /// Write it to this file: a page if its name ends in .html, PDF if in .pdf, else Markdown; without it print Markdown.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    which: Which,
    /// The key of the block, as `docs check` names it.
    key: Slug,
    /// The answer.
    #[arg(long, required_unless_present = "file")]
    text: Option<String>,
    /// A file with the answer.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    which: Which,
    /// SHA-256 of an issued text; without it the last one.
    #[arg(long, value_name = "DIGEST")]
    since: Option<Digest>,
}

impl Which {
    fn path(&self, more: &[&str]) -> String {
        path(&[&["documents", &self.kind, &self.subject][..], more].concat())
    }
}

/// The kinds that come with this program; or what is stale of what a server issued.
pub(crate) fn list(screen: Screen, api: &ApiArgs, arguments: ListArgs) -> anyhow::Result<()> {
    if arguments.stale {
        let Context { client, screen } = Context::new(api, screen)?;
        let documents = stale::ask(&client, arguments.system)?.documents;
        let value = serde_json::json!({ "items": documents });
        return screen.print(&Answer::of_value(value), |_| match documents.len() {
            0 => "no issued document is stale\n".to_owned(),
            _ => stale::documents(&documents, screen.style),
        });
    }
    screen.table(
        &Answer::of_value(serde_json::json!({ "items": document_kinds()? })),
        &[("KIND", "/kind"), ("ABOUT", "/subject"), ("TITLE", "/title"), ("ASKED FOR BY", "/basis")],
    )
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    let Context { client, screen } = context;
    match verb {
        Verb::Show(arguments) => show(context, &arguments)?,
        Verb::Answer(AnswerArgs { which, key, text, file }) => {
            let text = match (text, file) {
                (Some(text), _) => text,
                (None, Some(file)) => read_text(&file, MAX_TEXT as u64)?,
                (None, None) => return Err(Failure::usage("no answer is given", "give --text or --file")),
            };
            let command = AnswerDocument { key, text };
            screen.object(&client.post(&which.path(&["answers"]), &command)?)?;
        }
        Verb::Check(which) => return check(context, &which),
        Verb::Issue(which) => {
            screen.object(&client.post(&which.path(&["issue"]), &serde_json::Value::Null)?)?;
        }
        Verb::Diff(DiffArgs { which, since }) => {
            let query = [("since", since.map(|since| since.to_string()))];
            let answer = client.get(&which.path(&["changes"]), &query)?;
            let found: DocumentChanges = serde_json::from_value(answer.value.clone())?;
            screen.print(&answer, |_| {
                let since = format!("issued {} as {}\n", found.since.at, found.since.content);
                if found.is_same { since + "nothing changed\n" } else { since + &lines(&found.changes) }
            })?;
        }
        _ => {}
    }
    Ok(Exit::OK)
}

fn show(Context { client, screen }: &Context, arguments: &ShowArgs) -> anyhow::Result<()> {
    let answer = client.get(&arguments.which.path(&[]), &[])?;
    let found: DocumentView = serde_json::from_value(answer.value.clone())?;
    let Some(file) = &arguments.out else {
        return screen.print(&answer, |_| lines(&document_markdown(&found.document)));
    };
    let bytes = in_form_of(file, &found.document)?;
    write_file(file, &bytes).map_err(|error| {
        Failure::usage(format!("{}: {error}", file.display()), "name a file that can be written")
    })?;
    screen.object(&Answer::of_value(serde_json::json!({
        "file": file, "bytes": bytes.len(), "open": found.open.len(),
    })))
}

/// The document in the form that the end of a file's name asks for.
fn in_form_of(file: &Path, document: &Document) -> anyhow::Result<Vec<u8>> {
    let ends = |end: &str| file.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
    if ends("pdf") {
        return document_pdf(document).map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display()), "name a file that ends in .html or .md")
        });
    }
    let text = if ends("html") { document_html(document) } else { document_markdown(document) };
    Ok(text.into_bytes())
}

/// What is open, and what may no longer be so.
fn check(Context { client, screen }: &Context, which: &Which) -> anyhow::Result<Exit> {
    let answer = client.get(&which.path(&[]), &[])?;
    let found: DocumentView = serde_json::from_value(answer.value)?;
    let value = serde_json::json!({
        "kind": found.kind, "subject": found.subject, "open": found.open, "stale": found.stale,
        "issued_stale": found.issued_stale,
    });
    screen.print(&Answer::of_value(value), |_| {
        let mut out = String::new();
        for open in &found.open {
            let style = screen.style;
            let _ =
                writeln!(out, "{} {}", style.caution(&format!("{:<24}", open.key)), clean(&open.question));
        }
        let (kind, subject) = (&which.kind, &which.subject);
        for answer in &found.stale {
            let key = answer.split(':').next().unwrap_or_default();
            let command = format!("comptroller docs answer {kind} {subject} {key} --text TEXT");
            stale::add(&mut out, screen.style, "answer", std::slice::from_ref(answer), &command);
        }
        if !found.issued_stale.is_empty() {
            let command = format!("comptroller docs issue {kind} {subject}");
            stale::add(&mut out, screen.style, "what was issued last", &found.issued_stale, &command);
        }
        let _ = match found.open.len() {
            0 => writeln!(out, "nothing is open in {} of {}", found.kind, clean(&found.subject)),
            count => writeln!(
                out,
                "{count} open; answer one with `comptroller docs answer {} {} KEY --text TEXT`",
                which.kind,
                clean(&which.subject)
            ),
        };
        out
    })?;
    Ok(if found.open.is_empty() { Exit::OK } else { Exit::DENY })
}

/// Texts of others, line by line, without signs that steer a terminal.
fn lines(text: &str) -> String {
    text.lines().map(|line| clean(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_name_says_which_form_is_written() {
        let (title, about) = ("Model card".to_owned(), "scorer@1".to_owned());
        let document = Document { title, about, head: vec![], sections: vec![] };
        for (name, begins) in [
            ("card.pdf", "%PDF-1.7"),
            ("card.PDF", "%PDF-1.7"),
            ("card.html", "<!doctype html>"),
            ("card.md", "# Model card"),
            ("pdf", "# Model card"),
        ] {
            let bytes = in_form_of(Path::new(name), &document).unwrap();
            assert!(bytes.starts_with(begins.as_bytes()), "{name}");
        }
    }
}
