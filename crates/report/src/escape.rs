//! Texts from data: cut to size, and in markup.

/// The beginning of a text, with an ellipsis in the last of `most` characters if it is longer.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Text for HTML and XML. Characters that XML 1.0 cannot hold, not even escaped, become visible replacements, and so
/// do those that change the direction of what follows.
pub fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control()
                || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                escaped.push('\u{fffd}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Text that Markdown shows as it stands: no HTML, no links, no mentions, no new table cells or lines.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A mention would call somebody in; inside a word, as in model@label, it is none.
            '@' if !before.is_alphanumeric() => escaped.push_str("@\u{200b}"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
        before = c;
    }
    // Addresses would become links.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// A row of a table as CSV. A value that a spreadsheet would take for a formula gets an apostrophe before it.
pub fn csv_row(out: &mut String, values: &[&str]) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']) && *value != "-";
        let safe = if formula { format!("'{value}") } else { (*value).to_owned() };
        if safe.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&safe.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&safe);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            markup("<a b=\"c\">&'\u{7}\u{202e}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\u{fffd}\u{fffd}"
        );
        assert_eq!(markdown("a|b\n<i> @me https://x"), "a\\|b &lt;i&gt; @\u{200b}me https&#58;//x");
    }
}
