//! A document as Markdown: the form that people compare line by line, and the one whose digest is recorded.

use super::{Block, Document};
use crate::escape::markdown as safe;
use std::fmt::Write as _;

/// The document; the same document gives the same bytes.
pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n\n{}\n\n", safe(&document.title), safe(&document.about));
    for (name, value) in &document.head {
        let _ = writeln!(out, "- {}: {}", safe(name), safe(value));
    }
    for section in &document.sections {
        let _ = write!(out, "\n## {}\n\n", safe(&section.title));
        if !section.source.is_empty() {
            let _ = write!(out, "*{}*\n\n", safe(&section.source));
        }
        for block in &section.blocks {
            one(&mut out, block);
        }
    }
    out
}

fn one(out: &mut String, block: &Block) {
    match block {
        Block::Text { text } => {
            let _ = write!(out, "{}\n\n", safe(text));
        }
        Block::Facts { facts } => {
            for fact in facts {
                let _ = writeln!(out, "**{}**\n", safe(&fact.name));
                for line in fact.value.lines() {
                    let _ = writeln!(out, "> {}", safe(line));
                }
                let _ = write!(out, "\n({}, {})\n\n", safe(&fact.source), safe(&fact.at));
            }
        }
        Block::Table { head, rows } => {
            let line = |cells: &[String]| {
                format!("| {} |\n", cells.iter().map(|cell| safe(cell)).collect::<Vec<_>>().join(" | "))
            };
            out.push_str(&line(head));
            let _ = writeln!(out, "|{}", " --- |".repeat(head.len()));
            for row in rows {
                out.push_str(&line(row));
            }
            out.push('\n');
        }
        Block::Open { key, question } => {
            let _ = write!(out, "**OPEN** `{}`: {}\n\n", safe(key), safe(question));
        }
    }
}
