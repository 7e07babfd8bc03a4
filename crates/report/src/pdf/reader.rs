//! What an independent reader finds in a PDF: for tests.

use lopdf::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeMap;

/// A PDF as lopdf reads it.
pub(crate) struct Reader {
    document: Document,
    /// The text of each page without its foot, in the order of drawing.
    pub(crate) pages: Vec<String>,
}

impl Reader {
    /// Reads a PDF, and checks that the number of each page is right.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let document = Document::load_mem(bytes).expect("lopdf reads it");
        let numbers: Vec<u32> = document.get_pages().into_keys().collect();
        let mut pages = Vec::new();
        for number in &numbers {
            let text = document.extract_text(&[*number]).expect("lopdf finds the text");
            let foot = format!("Page {number} of {}", numbers.len());
            let text = text.trim_end();
            let text =
                text.strip_suffix(&foot).unwrap_or_else(|| panic!("no {foot:?} at the end of {text:?}"));
            pages.push(text.to_owned());
        }
        Self { document, pages }
    }

    /// All text without white space, so that it does not matter where lines and pages end. The title in the foot is left
    /// out where it stands.
    pub(crate) fn dense(&self, title: &str) -> String {
        let title = dense(title);
        let page = |page: &String| {
            let text = dense(page);
            text.strip_suffix(&title).unwrap_or(&text).to_owned()
        };
        self.pages.iter().map(page).collect()
    }

    /// How often each element stands in the structure.
    pub(crate) fn elements(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let catalog = self.document.catalog().expect("a catalog");
        let root = self.dictionary(catalog.get(b"StructTreeRoot").expect("it is tagged"));
        self.count(root.expect("the root of the structure"), &mut counts);
        counts
    }

    fn count(&self, element: &Dictionary, counts: &mut BTreeMap<String, usize>) {
        if let Ok(name) = element.get(b"S").and_then(Object::as_name) {
            *counts.entry(String::from_utf8_lossy(name).into_owned()).or_default() += 1;
        }
        let inside = match element.get(b"K") {
            Ok(Object::Array(all)) => all.iter().collect(),
            Ok(one) => vec![one],
            Err(_) => vec![],
        };
        for inside in inside {
            if let Some(inside) = self.dictionary(inside) {
                self.count(inside, counts);
            }
        }
    }

    fn dictionary<'a>(&'a self, object: &'a Object) -> Option<&'a Dictionary> {
        match object {
            Object::Reference(id) => self.document.get_dictionary(*id).ok(),
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    /// The outline, each entry with its level from 0.
    pub(crate) fn outline(&self) -> Vec<(usize, String)> {
        let catalog = self.document.catalog().expect("a catalog");
        let outlines = catalog.get(b"Outlines").and_then(Object::as_reference).expect("an outline");
        let mut found = Vec::new();
        self.entries(outlines, 0, &mut found);
        found
    }

    fn entries(&self, parent: ObjectId, level: usize, found: &mut Vec<(usize, String)>) {
        let parent = self.document.get_dictionary(parent).expect("an entry");
        let mut next = parent.get(b"First").and_then(Object::as_reference).ok();
        while let Some(id) = next {
            let entry = self.document.get_dictionary(id).expect("an entry");
            let title = entry.get(b"Title").and_then(lopdf::decode_text_string).expect("a title");
            found.push((level, title));
            self.entries(id, level + 1, found);
            next = entry.get(b"Next").and_then(Object::as_reference).ok();
        }
    }

    /// Whether every font is in the file.
    pub(crate) fn embeds_its_fonts(&self) -> bool {
        let is_font = |object: &&Object| {
            object.as_dict().is_ok_and(|dictionary| dictionary.has_type(b"FontDescriptor"))
        };
        let mut fonts = self.document.objects.values().filter(is_font).peekable();
        fonts.peek().is_some() && fonts.all(|font| font.as_dict().is_ok_and(|font| font.has(b"FontFile2")))
    }

    /// An entry of the information about the file.
    pub(crate) fn information(&self, key: &str) -> Option<String> {
        let information = self.dictionary(self.document.trailer.get(b"Info").ok()?)?;
        information.get(key.as_bytes()).and_then(lopdf::decode_text_string).ok()
    }
}

/// Text without white space.
pub(crate) fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}
