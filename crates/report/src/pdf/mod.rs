//! PDF: what a document says, laid out on pages of A4 and written as tagged PDF (ISO 32000-1, PDF/UA-1 as of
//! ISO 14289-1).
//!
//! Who prints a document makes a [`Sheet`] of [`Part`]s. It becomes pages in two steps: [`flow`] places every line, and
//! only then is it known how many pages there are; [`draw`] writes them. The same sheet gives the same bytes: nothing
//! asks for the time or for a random number, and the date and the id of the file come from the sheet.
//!
//! Must not read files: the fonts are in the program. Must not lose a text: what the fonts have no letter for is shown as
//! a box, and stands behind the box as it was for who searches or copies.

mod draw;
mod flow;
mod fonts;
mod lines;
#[cfg(test)]
pub(crate) mod reader;
mod tables;
mod tags;

use comptroller_core::{Digest, Timestamp};

/// Pages of one document. A longer one is refused and not cut.
const MAX_PAGES: usize = 5_000;

/// Why no PDF was made.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The document has too many pages.
    #[error(
        "the PDF would have more than {MAX_PAGES} pages; the page (HTML) and the Markdown have no such limit"
    )]
    TooLong,
    /// The fonts of this program cannot be read, or the writer refuses what it was given: a fault of this program.
    #[error("the PDF cannot be written: {0}")]
    Writer(String),
}

/// A document that is to be printed.
pub(crate) struct Sheet {
    /// Its title, which is also its first headline.
    pub(crate) title: String,
    /// What it is about, in one line.
    pub(crate) about: String,
    /// When what it says was so; it becomes the date of the file.
    pub(crate) date: Option<Timestamp>,
    /// Digest over what it says; it becomes the id of the file.
    pub(crate) digest: Digest,
    /// What it says, in order.
    pub(crate) parts: Vec<Part>,
}

/// A part of a document.
pub(crate) enum Part {
    /// The headline of a section; it stands in the outline.
    Section(String),
    /// A paragraph.
    Text(Text),
    /// A list with bullets.
    List(Vec<Text>),
    /// Names with what is said of each.
    Terms(Vec<Term>),
    /// A table.
    Table(Table),
    /// Days side by side.
    Days(Days),
}

/// Running text of one paragraph; line breaks stay.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) spans: Vec<Span>,
    pub(crate) tone: Tone,
}

/// Text in one hand.
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) hand: Hand,
}

/// How text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hand {
    #[default]
    Plain,
    Strong,
    /// What stands beside the text, such as its source.
    Dim,
}

/// What a paragraph is, shown by a bar beside it. Its words say so too, as colour alone says nothing to many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// What somebody must still say.
    Open,
    /// What went wrong.
    Wrong,
}

/// A name with what is said of it and where that is from.
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) source: String,
}

/// A table; its head stands on every page that it reaches.
pub(crate) struct Table {
    pub(crate) caption: Option<String>,
    /// What it is, for who cannot see it.
    pub(crate) summary: String,
    pub(crate) columns: Vec<Column>,
    /// Each row has as many cells as there are columns.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A column.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Words,
    /// Aligned at the right.
    Number,
    /// Nothing: a field to be filled by hand.
    Field,
}

/// Days side by side, with what they show in words.
pub(crate) struct Days {
    pub(crate) runs: Vec<(u32, Shade)>,
    pub(crate) says: String,
}

/// The look of days: each has a colour and a height of its own, so that they are told apart in black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shade {
    /// Half as high as the strip, filled.
    Good,
    /// As high as the strip.
    Bad,
    /// Half as high, an outline: nothing is known.
    Unseen,
    /// A thin line.
    None,
}

impl Text {
    /// Text in the plain hand.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::default().then(Hand::Plain, text)
    }

    /// Text that stands beside what is said.
    pub(crate) fn dim(text: impl Into<String>) -> Self {
        Self::default().then(Hand::Dim, text)
    }

    /// Text that begins with strong words.
    pub(crate) fn strong(text: impl Into<String>) -> Self {
        Self::default().then(Hand::Strong, text)
    }

    /// With more behind it.
    pub(crate) fn then(mut self, hand: Hand, text: impl Into<String>) -> Self {
        self.spans.push(Span { text: text.into(), hand });
        self
    }

    /// With another tone.
    pub(crate) fn in_tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl Column {
    /// A column of words.
    pub(crate) fn words(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Words }
    }

    /// A column of numbers.
    pub(crate) fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Number }
    }

    /// A column that is filled by hand.
    pub(crate) fn field(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Field }
    }
}

/// Prints a document.
///
/// # Errors
/// [`PdfError`].
pub(crate) fn print(sheet: &Sheet) -> Result<Vec<u8>, PdfError> {
    let fonts = fonts::Fonts::new()?;
    let pages = flow::flow(&fonts, sheet)?;
    draw::draw(&fonts, sheet, pages)
}

#[cfg(test)]
mod tests;
