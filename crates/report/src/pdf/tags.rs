//! The structure of a document, by which it is read aloud and searched (ISO 32000-1, 14.8): a tree whose leaves are lines
//! on pages.
//!
//! The tree is made while lines are placed and before anything is written, so a leaf is a number; [`group`] puts the mark of
//! the written line in its place.

use krilla::tagging::{Identifier, Tag, TagGroup, TagKind};
use std::num::NonZeroU16;

/// The number of a line of the structure.
pub(super) type Leaf = usize;

/// An element with what stands in it.
pub(super) struct Element {
    tag: TagKind,
    inside: Vec<Inside>,
}

/// What stands in an element.
pub(super) enum Inside {
    Element(Element),
    Leaf(Leaf),
}

impl Element {
    /// An element around others or lines.
    pub(super) fn new(tag: impl Into<TagKind>, inside: impl IntoIterator<Item = impl Into<Inside>>) -> Self {
        Self { tag: tag.into(), inside: inside.into_iter().map(Into::into).collect() }
    }

    /// A paragraph.
    pub(super) fn paragraph(lines: Vec<Leaf>) -> Self {
        Self::new(Tag::P, lines)
    }

    /// A headline. PDF/UA-1 (7.4.1) asks for its text in the element too.
    pub(super) fn headline(level: NonZeroU16, text: &str, lines: Vec<Leaf>) -> Self {
        Self::new(Tag::Hn(level, Some(text.to_owned())), lines)
    }

    /// With one more inside.
    pub(super) fn push(&mut self, inside: impl Into<Inside>) {
        self.inside.push(inside.into());
    }
}

impl From<Element> for Inside {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}

impl From<Leaf> for Inside {
    fn from(leaf: Leaf) -> Self {
        Self::Leaf(leaf)
    }
}

/// An element as the writer takes it. A leaf that was not written has nothing to show and is left out.
pub(super) fn group(element: Element, written: &[Option<Identifier>]) -> TagGroup {
    let mut group = TagGroup::new(element.tag);
    for inside in element.inside {
        match inside {
            Inside::Element(element) => group.push(self::group(element, written)),
            Inside::Leaf(leaf) => {
                if let Some(mark) = written.get(leaf).copied().flatten() {
                    group.push(mark);
                }
            }
        }
    }
    group
}
