//! A page of tables under headlines, in an order that whoever fills it chose: what a reader has to see first stands first.

use crate::escape::markup;
use crate::page::{END, begin};
use std::fmt::Write as _;

/// A headline, a sentence and a table.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The headline.
    pub heading: String,
    /// What a reader must know before the table.
    pub note: String,
    /// The columns.
    pub columns: Vec<&'static str>,
    /// The rows, with a cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// The sections as one page that loads nothing.
pub fn html(title: &str, about: &[String], sections: &[Section]) -> String {
    let mut page = begin(title, title);
    page.push_str("<style>td{white-space:normal;overflow-wrap:anywhere}</style>\n");
    for line in about {
        let _ = write!(page, "<p class=\"dim\">{}</p>", markup(line));
    }
    page.push_str("</header>\n");
    for section in sections {
        one(&mut page, section);
    }
    page.push_str(END);
    page
}

fn one(page: &mut String, section: &Section) {
    let _ = write!(page, "<section><h2>{}</h2>", markup(&section.heading));
    if !section.note.is_empty() {
        let _ = write!(page, "<p class=\"dim\">{}</p>", markup(&section.note));
    }
    if section.rows.is_empty() {
        page.push_str("<p>None.</p></section>\n");
        return;
    }
    page.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in &section.columns {
        let _ = write!(page, "<th scope=\"col\">{}</th>", markup(column));
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in &section.rows {
        page.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let lines: Vec<String> = cell.split('\n').map(markup).collect();
            let cell = lines.join("<br>");
            let _ = match at {
                0 => write!(page, "<th scope=\"row\">{cell}</th>"),
                _ => write!(page, "<td>{cell}</td>"),
            };
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_stand_in_their_order_say_when_they_are_empty_and_escape_what_they_show() {
        let section = |heading: &str, rows: Vec<Vec<String>>| Section {
            heading: heading.to_owned(),
            columns: vec!["Row"],
            rows,
            ..Section::default()
        };
        let bad = vec![vec!["<script>\nsecond".to_owned()]];
        let page = html("T", &["a & b".to_owned()], &[section("First", Vec::new()), section("Second", bad)]);
        assert!(page.find("First").unwrap() < page.find("None.").unwrap());
        assert!(page.find("None.").unwrap() < page.find("Second").unwrap());
        assert!(page.contains("&lt;script&gt;<br>second") && page.contains("a &amp; b"));
    }
}
