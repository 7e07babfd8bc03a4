//! Texts as the data types of OSCAL want them.
//!
//! Titles, descriptions and remarks of OSCAL are Markdown, into which a reader may insert parameters; a text of somebody
//! else must come out as the text that it was, and as nothing else.

/// Signs that mean something anywhere in CommonMark, in tables and struck-out text, and in insertions of OSCAL.
const SIGNS: &str = "\\`*_[]<&~|{";
/// Signs that mean something at the begin of a line.
const FIRST: &str = "#-+=>";

/// A text as Markdown that shows exactly it, in one line.
pub(super) fn markup(text: &str) -> String {
    let line = string(text);
    let mut out = String::with_capacity(line.len() + 8);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    for (place, sign) in line.char_indices() {
        // "1." and "1)" begin a list.
        let numbers = digits > 0 && place == digits && matches!(sign, '.' | ')');
        if SIGNS.contains(sign) || (place == 0 && FIRST.contains(sign)) || numbers {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}

/// A text of several lines as Markdown that shows exactly them, each as a paragraph.
pub(super) fn multiline(text: &str) -> String {
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(markup).collect();
    if lines.is_empty() { markup(text) } else { paragraphs(lines) }
}

/// A string of OSCAL: not empty, in one line, with nothing blank at its ends.
pub(super) fn string(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "-".to_owned() } else { line }
}

/// A token of OSCAL: a letter or `_`, then letters, digits, `.`, `-` and `_`.
///
/// `26(1)` becomes `_26.1`. The id as it is stands beside it in a property.
pub(super) fn token(id: &str) -> String {
    let mut out = String::with_capacity(id.len() + 1);
    if !id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.push('_');
    }
    for sign in id.chars() {
        match sign {
            ')' => {}
            '(' => out.push('.'),
            sign if sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_') => out.push(sign),
            _ => out.push('-'),
        }
    }
    out
}

/// Paragraphs of Markdown.
pub(super) fn paragraphs(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_compliance::framework::Catalogue;
    use std::collections::BTreeMap;

    #[test]
    fn a_text_comes_out_as_the_text_that_it_was() {
        assert_eq!(markup("<b>so</b> & {{ insert: x }}"), "\\<b>so\\</b> \\& \\{\\{ insert: x }}");
        assert_eq!(markup("a\n# b\r\n- c"), "a # b - c");
        assert_eq!(markup("# b"), "\\# b");
        assert_eq!(markup("12. b 3."), "12\\. b 3.");
        assert_eq!(string(" \t"), "-");
        assert_eq!(string("a\u{0}b\u{2028} c "), "a b c");
    }

    /// Two criteria that became one token would be one control to whoever reads the document.
    #[test]
    fn every_id_that_ships_has_a_token_of_its_own() {
        assert_eq!(token("26(1)"), "_26.1");
        assert_eq!(token("MEASURE 2.8"), "MEASURE-2.8");
        for framework in Catalogue::builtin().unwrap().frameworks() {
            let mut seen = BTreeMap::new();
            for row in &framework.rows {
                let token = token(&row.id);
                assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)), "{token}");
                let other = seen.insert(token.clone(), row.id.clone());
                assert!(other.is_none_or(|other| other == row.id), "{}: {token}", framework.id);
            }
        }
    }
}
