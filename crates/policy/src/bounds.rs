//! Bounds on the texts of a bundle, checked before Cedar reads them.
//!
//! Cedar's reader recurses without a limit and overflows the stack, which no caller can catch, and its type checker
//! visits both branches of every nested `if`, which doubles the time with each. So the size of a text, the depth of
//! its brackets, and the operators and conditions of one policy are bounded here. This is no parser: it only knows
//! strings, comments, words, brackets, operators and the semicolon that ends a policy.

use crate::error::BundleError;

/// Largest text, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 32;
/// Most operators and attribute look-ups of one policy; each may nest one level deeper without a bracket.
const MAX_OPERATORS: usize = 256;
/// Most `if` of one policy: 12 nested ones take no measurable time, 20 take seconds.
const MAX_CONDITIONS: usize = 12;

/// Where the scan stands inside a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    Text,
    Comment,
}

/// Refuses a text that is too large, or that nests or chains too much.
pub(crate) fn check(file: &'static str, text: &str) -> Result<(), BundleError> {
    if text.len() > MAX_BYTES {
        return Err(BundleError::TooLarge { file, bytes: text.len(), limit: MAX_BYTES });
    }
    // `<` begins a type in a schema and compares in a policy.
    let types = file == crate::source::SCHEMA_FILE;
    let bytes = text.as_bytes();
    let (mut place, mut line, mut depth) = (Place::Code, 1, 0_usize);
    let (mut operators, mut conditions, mut at) = (0_usize, 0_usize, 0_usize);
    while at < bytes.len() {
        let byte = bytes[at];
        let rest = &bytes[at..];
        line += usize::from(byte == b'\n');
        at += 1;
        match place {
            // A backslash takes the next byte with it, so that an escaped quote does not end the string.
            Place::Text if byte == b'\\' => at += 1,
            Place::Text if byte == b'"' => place = Place::Code,
            Place::Comment if byte == b'\n' || byte == b'\r' => place = Place::Code,
            Place::Text | Place::Comment => {}
            Place::Code => match byte {
                b'"' => place = Place::Text,
                b'/' if rest.starts_with(b"//") => place = Place::Comment,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b'<' if types => depth += 1,
                b'>' if types => depth = depth.saturating_sub(1),
                b';' => (operators, conditions) = (0, 0),
                b'!' | b'-' | b'+' | b'*' | b'.' => operators += 1,
                b'&' if rest.starts_with(b"&&") => operators += 1,
                b'|' if rest.starts_with(b"||") => operators += 1,
                b'i' if is_word(bytes, at - 1, b"if") => conditions += 1,
                _ => {}
            },
        }
        if depth > MAX_DEPTH {
            return Err(BundleError::TooDeep { file, line, limit: MAX_DEPTH });
        }
        if operators > MAX_OPERATORS {
            return Err(BundleError::TooManyOperators { file, line, limit: MAX_OPERATORS });
        }
        if conditions > MAX_CONDITIONS {
            return Err(BundleError::TooManyConditions { file, line, limit: MAX_CONDITIONS });
        }
    }
    Ok(())
}

/// Whether `word` stands at `at` as a word of its own, and not inside a longer one.
fn is_word(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    let part_of_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    bytes[at..].starts_with(word) && !part_of_word(before) && !part_of_word(bytes.get(at + word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_do_not_count_and_do_not_hide() {
        let file = "hard.cedar";
        let many = "!".repeat(300);
        assert_eq!(check(file, &format!("\"{many}\" // {many}\n")), Ok(()));
        assert_eq!(check(file, &format!("\"\\\"{many}\"")), Ok(()));
        for hidden in [format!("\";\" // ;\n{many}"), format!("\"\\\\\"{many}"), format!("// \"\n{many}")] {
            let refused = check(file, &hidden);
            assert!(matches!(refused, Err(BundleError::TooManyOperators { .. })), "{hidden}");
        }
        let apart = format!("{};\n{}", "!".repeat(200), "!".repeat(200));
        assert_eq!(check(file, &apart), Ok(()));
    }

    #[test]
    fn conditions_count_as_words_only() {
        let conditions = "if a then b else ".repeat(13);
        assert_eq!(
            check("hard.cedar", &conditions),
            Err(BundleError::TooManyConditions { file: "hard.cedar", line: 1, limit: 12 })
        );
        assert_eq!(check("hard.cedar", &"context.verified_if_ready ".repeat(13)), Ok(()));
    }

    #[test]
    fn a_refusal_names_the_line() {
        let text = format!("{}\n\n{}", "(".repeat(32), "(");
        assert_eq!(
            check("hard.cedar", &text),
            Err(BundleError::TooDeep { file: "hard.cedar", line: 3, limit: 32 })
        );
    }
}
