//! Where in a file of cards something stands, so that a finding names its line.
//!
//! What a card was compiled to is nobody's text: whoever wrote the card looks for the line in the card.

/// The line, from 1, in which a card begins, or, of a word in it, the first line that has the word. The tables of a card
/// are written as `[rule.NAME]` and `[rule.NAME.test]`; for a file that writes them otherwise there may be none.
pub(crate) fn line_of(text: &str, table: &str, id: &str, word: Option<&str>) -> Option<usize> {
    let heads = [format!("{table}.{id}"), format!("{table}.\"{id}\""), format!("{table}.'{id}'")];
    let of_card = |line: &str| {
        let head =
            line.trim().strip_prefix('[').map(|rest| rest.split(']').next().unwrap_or_default().trim());
        head.map(|head| {
            heads.iter().any(|one| {
                head.strip_prefix(one.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        })
    };
    let (mut within, mut first) = (false, None);
    for (at, line) in text.lines().enumerate() {
        // Only a head at the very left begins a table; a list that goes on over lines is indented.
        if line.starts_with('[')
            && let Some(ours) = of_card(line)
        {
            within = ours;
        }
        if !within {
            continue;
        }
        first = first.or(Some(at + 1));
        let Some(word) = word else { break };
        let says =
            line.split(|c: char| !c.is_ascii_alphanumeric() && !"_-.:".contains(c)).any(|part| part == word);
        if says && !line.trim_start().starts_with('#') {
            return Some(at + 1);
        }
    }
    first
}

/// A finding about a card in the form in which errors carry lines.
pub(crate) fn at(text: &str, table: &str, id: &str, word: Option<&str>, what: &str) -> String {
    match line_of(text, table, id, word) {
        Some(line) => format!("line {line} column 1: {table} {id}: {what}"),
        None => format!("{table} {id}: {what}"),
    }
}

/// The line of a place in a text.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
