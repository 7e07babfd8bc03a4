//! A document as data: what stands in it, apart from how it is printed.
//!
//! Whoever gathers the facts makes a [`Document`]; the forms (HTML, PDF, Markdown) print it and add nothing. A block that
//! nobody has filled stays [`Block::Open`] in every form, so that a gap can be seen and counted.

mod html;
mod markdown;
mod pdf;

pub use html::html;
pub use markdown::markdown;
pub use pdf::pdf;

use serde::{Deserialize, Serialize};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What it is about, in one line.
    pub about: String,
    /// What is said before anything else: name and value, in order.
    pub head: Vec<(String, String)>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its headline.
    pub title: String,
    /// What asks for it, for example `Annex IV(2)(a)`; empty if nothing does.
    pub source: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "block")]
pub enum Block {
    /// Running text.
    Text {
        /// The text; line breaks make paragraphs.
        text: String,
    },
    /// Facts on record.
    Facts {
        /// The facts, in order.
        facts: Vec<Fact>,
    },
    /// A table.
    Table {
        /// The names of the columns.
        head: Vec<String>,
        /// The rows; each has as many cells as the head.
        rows: Vec<Vec<String>>,
    },
    /// What somebody must still say: an open placeholder.
    Open {
        /// By which it is filled.
        key: String,
        /// What is asked.
        question: String,
    },
}

/// A fact, with where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What is on record.
    pub value: String,
    /// Where it is from, for example `registry, entry 214` or the person who said so.
    pub source: String,
    /// Since when it is so, or when it was said: RFC 3339.
    pub at: String,
}

impl Document {
    /// The keys of the placeholders that are open, in order.
    pub fn open(&self) -> Vec<&str> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks
            .filter_map(|block| if let Block::Open { key, .. } = block { Some(key.as_str()) } else { None })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            title: "Model card".into(),
            about: "scorer@1".into(),
            head: vec![("basis".into(), "a paper".into())],
            sections: vec![Section {
                title: "Use".into(),
                source: "Art. 13".into(),
                blocks: vec![
                    Block::Facts {
                        facts: vec![Fact {
                            name: "purpose".into(),
                            value: "Scores <loans>\nand | nothing *else*".into(),
                            source: "registry, entry 7".into(),
                            at: "2026-11-27T10:00:00Z".into(),
                        }],
                    },
                    Block::Table { head: vec!["a".into()], rows: vec![vec!["<b> | c".into()]] },
                    Block::Open { key: "limits".into(), question: "What does it not do?".into() },
                ],
            }],
        }
    }

    #[test]
    fn a_gap_is_seen_in_every_form_and_no_text_becomes_markup() {
        let document = document();
        assert_eq!(document.open(), ["limits"]);
        let (page, text) = (html(&document), markdown(&document));
        assert!(page.contains("1 open") && page.contains("What does it not do?"), "{page}");
        assert!(page.contains("&lt;loans&gt;") && !page.contains("<loans>"));
        assert!(text.contains("**OPEN** `limits`"), "{text}");
        assert!(
            text.contains("registry, entry 7, 2026-11-27T10:00:00Z"),
            "the source stands beside the fact: {text}"
        );
        assert!(!text.contains("*else*"), "{text}");
        assert_eq!(text, markdown(&document.clone()));
    }
}
