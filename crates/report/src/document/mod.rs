//! A document as data: what stands in it, apart from how it is printed.
//!
//! Whoever gathers the facts makes a [`Document`]; the forms (HTML, PDF, Markdown) print it and add nothing. A block that
//! nobody has filled stays [`Block::Open`] in every form, so that a gap can be seen and counted.

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
