//! Text to lines of a width.
//!
//! Lines are broken at spaces and within compound words; where a word is longer than a line, at its punctuation, and at
//! last between any two letters, so that no digest runs into the margin. Hyphenation is not done: the languages of the
//! texts are not known.

use super::fonts::{Fonts, shown};
use super::{Hand, Span};

/// A line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    /// Without the spaces at its end, in points.
    pub(super) width: f32,
}

/// A piece of a line in one hand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) hand: Hand,
    /// Where it begins, from the beginning of the line.
    pub(super) x: f32,
}

#[derive(Clone, Copy)]
struct Sign {
    c: char,
    hand: Hand,
    width: f32,
}

/// Where a line may be broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    /// Only if nothing else helps.
    Never,
    /// Within a word that is longer than a line.
    Weak,
    Strong,
}

/// The lines of a text. There is at least one, and each is as wide as `width` at most if one letter is.
pub(super) fn lines(fonts: &Fonts, spans: &[Span], size: f32, width: f32) -> Vec<Line> {
    let mut all = Vec::new();
    let mut row: Vec<Sign> = Vec::new();
    let mut used = 0.0;
    for span in spans {
        for c in shown(&span.text) {
            if c == '\n' {
                all.push(line(&row));
                row.clear();
                used = 0.0;
                continue;
            }
            if c == ' ' && row.last().is_none_or(|last| last.c == ' ') {
                continue;
            }
            let sign = Sign { c, hand: span.hand, width: fonts.advance(span.hand, c) * size };
            // A space hangs over the end of the line and is seen by nobody.
            while c != ' ' && !row.is_empty() && used + sign.width > width {
                let rest = row.split_off(place(&row, c));
                all.push(line(&row));
                used = rest.iter().map(|sign| sign.width).sum();
                row = rest;
            }
            used += sign.width;
            row.push(sign);
        }
    }
    if !row.is_empty() || all.is_empty() {
        all.push(line(&row));
    }
    all
}

/// The width of the widest piece that is broken only where nothing else helps, in points.
pub(super) fn widest_word(fonts: &Fonts, hand: Hand, text: &str, size: f32) -> f32 {
    let (mut widest, mut used, mut before) = (0.0_f32, 0.0, ('\0', '\0'));
    for c in shown(text) {
        if c == '\n' || kind(before.0, before.1, c) == Break::Strong {
            used = 0.0;
        }
        used += fonts.advance(hand, c) * size;
        // A space at the end of a line is not seen.
        if !matches!(c, ' ' | '\n') {
            widest = widest.max(used);
        }
        before = (before.1, c);
    }
    widest
}

/// After how many signs a line is broken that has no room for `next`: the last of the best places.
fn place(row: &[Sign], next: char) -> usize {
    let at = |place: usize| row.get(place).map_or(next, |sign| sign.c);
    let before = |place: usize| place.checked_sub(1).map_or('\0', at);
    let kinds = (1..=row.len()).map(|place| {
        let kind = kind(before(place - 1), at(place - 1), at(place));
        (kind, place)
    });
    // Of equal ones `max` takes the last.
    kinds.max().map_or(row.len(), |(_, place)| place)
}

/// Whether a line may be broken between `last` and `next`.
fn kind(before: char, last: char, next: char) -> Break {
    match last {
        // A number keeps its percent sign.
        ' ' if next == '%' => Break::Weak,
        ' ' => Break::Strong,
        '-' | '\u{2010}' | '–' | '—' | '/' if before.is_alphanumeric() && next.is_alphabetic() => {
            Break::Strong
        }
        last if last != '\0' && !last.is_alphanumeric() && next.is_alphanumeric() => Break::Weak,
        _ => Break::Never,
    }
}

fn line(signs: &[Sign]) -> Line {
    let mut line = Line::default();
    let mut x = 0.0;
    for sign in signs {
        match line.runs.last_mut() {
            Some(run) if run.hand == sign.hand => run.text.push(sign.c),
            _ => line.runs.push(Run { text: sign.c.to_string(), hand: sign.hand, x }),
        }
        x += sign.width;
        if sign.c != ' ' {
            line.width = x;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, width: f32) -> Vec<String> {
        let spans = [Span { text: text.to_owned(), hand: Hand::Plain }];
        let fonts = Fonts::new().unwrap();
        let all = lines(&fonts, &spans, 10.0, width);
        for line in &all {
            assert!(line.width <= width.max(10.0), "{line:?}");
        }
        all.into_iter().map(|line| line.runs.into_iter().map(|run| run.text).collect()).collect()
    }

    #[test]
    fn lines_are_broken_where_a_reader_expects_it() {
        assert_eq!(broken("one  two\tthree", 40.0), ["one two ", "three"]);
        assert_eq!(broken("risk-based 2026-01-01", 55.0), ["risk-based ", "2026-01-01"]);
        assert_eq!(broken("risk-based", 30.0), ["risk-", "based"]);
        assert_eq!(broken("system.purpose", 50.0), ["system.", "purpose"]);
        assert_eq!(broken("a\n\nb", 50.0), ["a", "", "b"]);
        assert_eq!(broken("", 50.0), [""]);
    }

    #[test]
    fn a_digest_is_broken_anywhere_and_nothing_of_it_is_lost() {
        let digest = "0123456789abcdef".repeat(40);
        let all = broken(&digest, 100.0);
        assert!(all.len() > 30);
        assert_eq!(all.concat(), digest);
        // Narrower than a letter: one on each line.
        assert_eq!(broken("WWW", 1.0), ["W", "W", "W"]);
    }

    #[test]
    fn the_widest_word_is_what_a_column_must_hold() {
        let fonts = Fonts::new().unwrap();
        let width = |text: &str| widest_word(&fonts, Hand::Plain, text, 10.0);
        assert!((width("a bbbb cc") - width("bbbb")).abs() < 0.01);
        assert!(width("3 of 4 (99.9 %)") > width("(99.9") + width("%)"));
        assert!((width("aa-bbbb") - width("bbbb")).abs() < 0.01);
        assert!(width("2026-01-01") > width("2026-"));
    }
}
