//! A document as one page that loads nothing and prints well.

use super::{Block, Document, Fact};
use crate::escape::markup;
use crate::page::{END, begin};
use std::fmt::Write as _;

const STYLE: &str = "<style>.open{border-left:.4rem solid #d9a441;padding:.3rem .7rem;margin:.6rem 0;background:var(--w)}\
dt{font-weight:600;margin-top:.6rem}dd{margin:0;overflow-wrap:anywhere}td{white-space:normal;overflow-wrap:anywhere}\
section{break-inside:auto}.open,dl>div,tr{break-inside:avoid}code{font-size:.85em}</style>\n";

/// The document as a page.
pub fn html(document: &Document) -> String {
    let mut page = begin(&document.title, &document.title);
    page.push_str(STYLE);
    let _ = write!(page, "<p><strong>{}</strong></p>", markup(&document.about));
    for (name, value) in &document.head {
        let _ = write!(page, "<p class=\"dim\">{}: {}</p>", markup(name), markup(value));
    }
    let open = document.open();
    if !open.is_empty() {
        let _ = write!(
            page,
            "<p class=\"open\" role=\"status\"><strong>{} open:</strong> {}</p>",
            open.len(),
            markup(&open.join(", "))
        );
    }
    page.push_str("</header>\n");
    for section in &document.sections {
        let _ = write!(page, "<section><h2>{}</h2>", markup(&section.title));
        if !section.source.is_empty() {
            let _ = write!(page, "<p class=\"dim\">{}</p>", markup(&section.source));
        }
        for block in &section.blocks {
            one(&mut page, block);
        }
        page.push_str("</section>\n");
    }
    page.push_str(END);
    page
}

fn one(page: &mut String, block: &Block) {
    match block {
        Block::Text { text } => {
            for paragraph in text.lines().filter(|line| !line.trim().is_empty()) {
                let _ = write!(page, "<p>{}</p>", markup(paragraph));
            }
        }
        Block::Facts { facts } => {
            page.push_str("<dl>");
            for fact in facts {
                self::fact(page, fact);
            }
            page.push_str("</dl>");
        }
        Block::Table { head, rows } => table(page, head, rows),
        Block::Open { key, question } => {
            let _ = write!(
                page,
                "<p class=\"open\"><strong>Open</strong> <code>{}</code>: {}</p>",
                markup(key),
                markup(question)
            );
        }
    }
}

fn fact(page: &mut String, fact: &Fact) {
    let lines: Vec<String> = fact.value.lines().map(markup).collect();
    let _ = write!(
        page,
        "<div><dt>{}</dt><dd>{}<br><span class=\"dim\">{}, {}</span></dd></div>",
        markup(&fact.name),
        lines.join("<br>"),
        markup(&fact.source),
        markup(&fact.at)
    );
}

fn table(page: &mut String, head: &[String], rows: &[Vec<String>]) {
    page.push_str("<div class=\"wide\"><table><thead><tr>");
    for name in head {
        let _ = write!(page, "<th scope=\"col\">{}</th>", markup(name));
    }
    page.push_str("</tr></thead><tbody>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", markup(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
}
