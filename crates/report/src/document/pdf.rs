//! A document as PDF, in the order of the page.

use super::{Block, Document, Fact, markdown};
use crate::pdf::{Column, Hand, Part, PdfError, Sheet, Table, Term, Text, Tone, print};
use comptroller_compliance::digest;
use comptroller_core::Timestamp;

/// The document as tagged PDF; the same document gives the same bytes.
///
/// Its date is that of the newest fact. Its id is the SHA-256 of its text as Markdown, by which it is known when issued; it
/// stands in the keywords too.
///
/// # Errors
/// [`PdfError::TooLong`] of a document with too many pages.
pub fn pdf(document: &Document) -> Result<Vec<u8>, PdfError> {
    let mut parts = vec![Part::Text(Text::strong(&document.about))];
    for (name, value) in &document.head {
        parts.push(Part::Text(Text::dim(format!("{name}: {value}"))));
    }
    let open = document.open();
    if !open.is_empty() {
        let text = Text::strong(format!("{} open: ", open.len())).then(Hand::Plain, open.join(", "));
        parts.push(Part::Text(text.in_tone(Tone::Open)));
    }
    for section in &document.sections {
        parts.push(Part::Section(section.title.clone()));
        if !section.source.is_empty() {
            parts.push(Part::Text(Text::dim(&section.source)));
        }
        for block in &section.blocks {
            add(&mut parts, &section.title, block);
        }
    }
    print(&Sheet {
        title: document.title.clone(),
        about: document.about.clone(),
        date: date(document),
        digest: digest::of_bytes(markdown(document).as_bytes()),
        parts,
    })
}

fn date(document: &Document) -> Option<Timestamp> {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    let facts =
        blocks.filter_map(|block| if let Block::Facts { facts } = block { Some(facts) } else { None });
    facts.flatten().filter_map(|fact| fact.at.parse().ok()).max()
}

fn add(parts: &mut Vec<Part>, title: &str, block: &Block) {
    match block {
        Block::Text { text } => {
            for paragraph in text.lines().filter(|line| !line.trim().is_empty()) {
                parts.push(Part::Text(Text::plain(paragraph)));
            }
        }
        Block::Facts { facts } => {
            // Facts that follow each other are one list, whether they came as one block or as several.
            let terms = facts.iter().map(term);
            if let Some(Part::Terms(before)) = parts.last_mut() {
                before.extend(terms);
            } else {
                parts.push(Part::Terms(terms.collect()));
            }
        }
        Block::Table { head, rows } => {
            let columns = head.iter().map(Column::words).collect();
            let summary = title.to_owned();
            parts.push(Part::Table(Table { caption: None, summary, columns, rows: rows.clone() }));
        }
        Block::Open { key, question } => {
            let text = Text::strong("Open ").then(Hand::Plain, format!("{key}: {question}"));
            parts.push(Part::Text(text.in_tone(Tone::Open)));
        }
    }
}

fn term(fact: &Fact) -> Term {
    Term {
        name: fact.name.clone(),
        value: fact.value.clone(),
        source: format!("{}, {}", fact.source, fact.at),
    }
}
