//! What stands in a PDF, as another program reads it.

use super::fonts::{Fonts, shown};
use super::reader::{Reader, dense};
use super::*;
use crate::document::{Block, Document, Fact, Section, markdown, pdf};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn fact(name: &str, value: &str) -> Fact {
    Fact {
        name: name.into(),
        value: value.into(),
        source: "registry, entry 7".into(),
        at: "2026-11-27T10:00:00Z".into(),
    }
}

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: "Technical documentation".into(),
        about: "scorer@1".into(),
        head: vec![("Asked for by".into(), "a law".into())],
        sections: vec![Section { title: "General description".into(), source: "Annex IV(1)".into(), blocks }],
    }
}

fn text(text: &str) -> Block {
    Block::Text { text: text.into() }
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> Block {
    Block::Table { head: head.iter().map(|name| (*name).to_owned()).collect(), rows }
}

#[test]
fn another_reader_finds_every_text_in_the_order_of_the_page() {
    let document = document(vec![
        text("Ein Text über Größe, façade, ő, Ł.\nЩо це робить? Ελληνικά: ώρα."),
        Block::Facts { facts: vec![fact("purpose", "Scores <loans>\nand | nothing else")] },
        table(&["Name", "Measure"], vec![vec!["accuracy".into(), "≥ 0.91 → better".into()]]),
        Block::Open { key: "limits".into(), question: "What does it not do?".into() },
    ]);
    let bytes = pdf(&document).unwrap();
    let reader = Reader::new(&bytes);
    let found = reader.dense(&document.title);
    let mut from = 0;
    for expected in [
        "Technical documentation",
        "scorer@1",
        "Asked for by: a law",
        "1 open: limits",
        "General description",
        "Annex IV(1)",
        "Ein Text über Größe, façade, ő, Ł.",
        "Що це робить? Ελληνικά: ώρα.",
        "purpose",
        "Scores <loans>",
        "and | nothing else",
        "registry, entry 7, 2026-11-27T10:00:00Z",
        "Name",
        "Measure",
        "accuracy",
        "≥ 0.91 → better",
        "Open limits: What does it not do?",
    ] {
        let at = found[from..].find(&dense(expected)).unwrap_or_else(|| panic!("{expected} in {found}"));
        from += at + dense(expected).len();
    }
    assert_eq!(from, found.len(), "nothing is added: {found}");
}

#[test]
fn it_is_tagged_has_an_outline_and_embeds_its_fonts() {
    let document = document(vec![
        Block::Facts { facts: vec![fact("a", "b")] },
        Block::Facts { facts: vec![fact("c", "d")] },
        table(&["x", "y"], vec![vec!["1".into(), String::new()], vec!["3".into(), "4".into()]]),
    ]);
    let reader = Reader::new(&pdf(&document).unwrap());
    let elements = reader.elements();
    // An empty cell is a cell; facts that follow each other are one list.
    for (name, count) in [
        ("H1", 1),
        ("H2", 1),
        ("L", 1),
        ("LI", 2),
        ("Table", 1),
        ("TH", 2),
        ("TD", 4),
        ("TR", 3),
        ("THead", 1),
    ] {
        assert_eq!(elements.get(name), Some(&count), "{name} in {elements:?}");
    }
    assert_eq!(
        reader.outline(),
        [(0, "Technical documentation".to_owned()), (1, "General description".to_owned())]
    );
    assert!(reader.embeds_its_fonts());
    assert_eq!(reader.information("Title").as_deref(), Some("Technical documentation"));
    assert_eq!(reader.information("CreationDate").as_deref(), Some("D:20261127100000Z"));
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let one =
        document(vec![text("Größe und Щ 🙂 漢"), table(&["a", "b"], vec![vec!["1".into(), "2".into()]; 90])]);
    let bytes = pdf(&one).unwrap();
    assert_eq!(bytes, pdf(&one.clone()).unwrap());
    let mut other = one.clone();
    other.about = "scorer@2".into();
    assert_ne!(bytes, pdf(&other).unwrap());
    let id = format!("sha256:{}", comptroller_compliance::digest::of_bytes(markdown(&one).as_bytes()));
    assert_eq!(Reader::new(&bytes).information("Keywords"), Some(id));
}

#[test]
fn the_head_of_a_table_stands_on_each_of_its_pages_and_is_read_aloud_once() {
    let rows: Vec<Vec<String>> = (0..300).map(|row| vec![format!("row-{row}"), "x ".repeat(row)]).collect();
    let reader = Reader::new(&pdf(&document(vec![table(&["Occurrence", "Words"], rows)])).unwrap());
    assert!(reader.pages.len() > 5, "{}", reader.pages.len());
    for page in &reader.pages {
        assert_eq!(page.matches("Occurrence").count(), 1, "{page}");
    }
    assert_eq!(reader.elements().get("TH"), Some(&2));
    assert_eq!(reader.elements().get("TR"), Some(&301));
    let words: Vec<&str> = reader.pages.iter().flat_map(|page| page.split_whitespace()).collect();
    for row in 0..300 {
        assert_eq!(words.iter().filter(|word| **word == format!("row-{row}")).count(), 1, "{row}");
    }
}

#[test]
fn rows_and_heads_that_no_page_can_hold_are_divided_and_nothing_is_lost() {
    let long: String = (0..9_000).map(|word| format!("w{word} ")).collect();
    let blocks = vec![
        table(&["Short", "Long"], vec![vec!["a".into(), long.clone()]]),
        table(&["Next", &long], vec![vec!["b".into(), "last-cell".into()]]),
    ];
    let document = document(blocks);
    let reader = Reader::new(&pdf(&document).unwrap());
    let found = reader.pages.join(" ");
    let words: std::collections::BTreeMap<&str, usize> =
        found.split_whitespace().fold(std::collections::BTreeMap::new(), |mut counts, word| {
            *counts.entry(word).or_default() += 1;
            counts
        });
    for word in 0..9_000 {
        assert_eq!(words.get(format!("w{word}").as_str()), Some(&2), "w{word}");
    }
    assert!(found.contains("last-cell"));
    assert_eq!(reader.elements().get("Table"), Some(&2));
}

#[test]
fn hundreds_of_pages_take_seconds() {
    let paragraph = "The system is watched all the time and every decision is on record. ".repeat(9);
    let mut blocks = Vec::new();
    for number in 0..1_750 {
        blocks.push(text(&format!("{number}. {paragraph}")));
        blocks.push(Block::Facts { facts: vec![fact("purpose", "Scores loans")] });
    }
    let begun = Instant::now();
    let bytes = pdf(&document(blocks)).unwrap();
    let took = begun.elapsed();
    let pages = lopdf::Document::load_mem(&bytes).unwrap().get_pages().len();
    assert!(pages >= 300, "{pages}");
    // Without optimisation and on a busy machine; a quadratic step would take minutes.
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(bytes.len() < 16 << 20, "{}", bytes.len());
}

#[test]
fn a_document_that_is_too_long_is_refused_and_not_cut() {
    let lines = "a\n".repeat(60 * MAX_PAGES);
    let refused = pdf(&document(vec![Block::Facts { facts: vec![fact("b", &lines)] }]));
    assert!(matches!(refused, Err(PdfError::TooLong)), "{refused:?}");
}

#[test]
fn what_has_no_letter_is_a_box_with_the_text_behind_it() {
    let document = document(vec![text("before 🙂 漢 שלום\u{7}\u{202e}\u{0} after")]);
    let bytes = pdf(&document).unwrap();
    let reader = Reader::new(&bytes);
    let found = reader.dense(&document.title);
    assert!(found.contains("before□□□□□□□□□after"), "{found}");
    // Poppler and others show the text itself; lopdf does not know ActualText, so it is looked for in the file.
    let content = lopdf::Document::load_mem(&bytes).unwrap();
    let page = *content.get_pages().get(&1).unwrap();
    let drawn = content.get_and_decode_page_content(page).unwrap();
    let spans = drawn.operations.iter().filter(|operation| operation.operator == "BDC");
    let said: Vec<String> = spans
        .filter_map(|span| span.operands.get(1)?.as_dict().ok()?.get(b"ActualText").ok())
        .filter_map(|text| lopdf::decode_text_string(text).ok())
        .collect();
    assert_eq!(said, ["before 🙂 漢 שלום\u{fffd}\u{fffd}\u{fffd} after"]);
}

/// Texts of every kind: letters of many scripts, control characters, very long words.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-zA-Zа-яα-ω0-9./_-]{0,400}", "\\PC{0,80}", "[\\x00-\\x20\\n\\r]{0,20}"]
}

fn any_block() -> impl Strategy<Value = Block> {
    let facts = (any_text(), any_text(), any_text()).prop_map(|(name, value, source)| Block::Facts {
        facts: vec![Fact { name, value, source, at: "2026-11-27T10:00:00Z".into() }],
    });
    let table = (1..6_usize).prop_flat_map(|columns| {
        let row = || prop::collection::vec(any_text(), columns);
        (row(), prop::collection::vec(row(), 0..8)).prop_map(|(head, rows)| Block::Table { head, rows })
    });
    let open = (any_text(), any_text()).prop_map(|(key, question)| Block::Open { key, question });
    prop_oneof![any_text().prop_map(|text| Block::Text { text }), facts, table, open]
}

/// What a reader must find: the letters without white space, those that look the same as one.
fn seen(fonts: &Fonts, text: &str) -> Vec<String> {
    let text: String = shown(text).collect();
    let (_, letters) = fonts.letters(Hand::Plain, &dense(&text));
    letters.iter().map(|letter| format!("{:?}", letter.glyph_id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No text makes it fail, and each that is shorter than a page is found whole.
    #[test]
    fn any_text_is_printed(title in any_text(), about in any_text(), blocks in prop::collection::vec(any_block(), 0..6)) {
        let mut document = document(blocks);
        document.title = title;
        document.about = about;
        let reader = Reader::new(&pdf(&document).unwrap());
        let fonts = Fonts::new().unwrap();
        let found: Vec<Vec<String>> = reader.pages.iter().map(|page| seen(&fonts, page)).collect();
        let all: Vec<String> = found.concat();
        let has = |text: &str| {
            let text = seen(&fonts, text);
            // A text over two pages has the foot, and perhaps the head of a table, within it: its ends are found.
            let part = text.len().min(4);
            let whole = text.is_empty() || all.windows(text.len()).any(|part| part == text);
            whole || (reader.pages.len() > 1
                && all.windows(part).any(|found| found == &text[..part])
                && all.windows(part).any(|found| found == &text[text.len() - part..]))
        };
        prop_assert!(has(&document.about), "{:?}", document.about);
        for block in &document.sections[0].blocks {
            let texts: Vec<&String> = match block {
                Block::Text { text } => vec![text],
                Block::Facts { facts } => facts.iter().flat_map(|fact| [&fact.name, &fact.value]).collect(),
                Block::Table { head, rows } => head.iter().chain(rows.iter().flatten()).collect(),
                Block::Open { key, question } => vec![key, question],
            };
            for text in texts {
                prop_assert!(has(text), "{text:?}");
            }
        }
    }
}
