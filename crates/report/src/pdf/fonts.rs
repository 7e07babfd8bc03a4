//! The fonts that are embedded, and which letter of them shows a character.
//!
//! Liberation Sans has Latin, Greek and Cyrillic. Whatever else a text holds is shown as a box (`crate::escape` does the
//! same to what steers a terminal or reorders a line), and so are the letters of scripts that are written from right to
//! left: placing them needs more than a font, and in the wrong order they would say something else.

use super::{Hand, PdfError};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use std::collections::HashMap;

const REGULAR: &[u8] = include_bytes!("../../fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/LiberationSans-Bold.ttf");

/// What stands where a letter is missing: U+25A1, a white square.
const BOX: char = '\u{25a1}';

/// Both fonts.
pub(super) struct Fonts {
    regular: Face,
    bold: Face,
}

struct Face {
    font: Font,
    letters: HashMap<char, Letter>,
    missing: Letter,
}

/// A letter of a font.
#[derive(Clone, Copy)]
struct Letter {
    glyph: u32,
    /// How far the next one stands behind it, in parts of the size.
    advance: f32,
}

impl Fonts {
    /// Reads the fonts of this program.
    pub(super) fn new() -> Result<Self, PdfError> {
        Ok(Self { regular: Face::new(REGULAR)?, bold: Face::new(BOLD)? })
    }

    /// How wide a character is, in parts of the size.
    pub(super) fn advance(&self, hand: Hand, c: char) -> f32 {
        self.face(hand).letter(c).advance
    }

    /// The text with a box for each character that has no letter.
    pub(super) fn visible(&self, hand: Hand, text: &str) -> String {
        let face = self.face(hand);
        text.chars().map(|c| if face.letters.contains_key(&c) { c } else { BOX }).collect()
    }

    /// The font and the letters of a text.
    pub(super) fn letters(&self, hand: Hand, text: &str) -> (Font, Vec<KrillaGlyph>) {
        let face = self.face(hand);
        let glyph = |(at, c): (usize, char)| {
            let Letter { glyph, advance } = face.letter(c);
            KrillaGlyph::new(GlyphId::new(glyph), advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
        };
        (face.font.clone(), text.char_indices().map(glyph).collect())
    }

    fn face(&self, hand: Hand) -> &Face {
        if hand == Hand::Strong { &self.bold } else { &self.regular }
    }
}

impl Face {
    fn new(bytes: &'static [u8]) -> Result<Self, PdfError> {
        let fault = || PdfError::Writer("a font of this program cannot be read".into());
        let read = FontRef::new(bytes).map_err(|_| fault())?;
        let metrics = read.glyph_metrics(Size::unscaled(), LocationRef::default());
        let font = Font::new(bytes.into(), 0).ok_or_else(fault)?;
        let units = font.units_per_em();
        let mut letters = HashMap::new();
        for (point, glyph) in read.charmap().mappings() {
            if let Some(c) = char::from_u32(point)
                && !is_right_to_left(c)
            {
                let advance = metrics.advance_width(glyph).unwrap_or_default() / units;
                letters.insert(c, Letter { glyph: glyph.to_u32(), advance });
            }
        }
        let missing = *letters.get(&BOX).ok_or_else(fault)?;
        Ok(Self { font, letters, missing })
    }

    fn letter(&self, c: char) -> Letter {
        self.letters.get(&c).copied().unwrap_or(self.missing)
    }
}

/// The characters of a text as they are printed: white space is one space, ends of lines are `\n`, what steers or reorders
/// text becomes a visible replacement, and what is never visible is left out.
pub(super) fn shown(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut before = '\0';
    text.chars().filter_map(move |c| {
        let (last, now) = (before, c);
        before = c;
        match now {
            // One end of a line in two characters.
            '\n' if last == '\r' => None,
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
            // Soft hyphens, joiners, marks of the byte order, variants of the sign before.
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => None,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some('\u{fffd}'),
            // The space of every script, but those at which no line is broken.
            c if c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}') => Some(' '),
            // Not a character, whatever the plane (Unicode 23.7).
            c if c.is_control() || u32::from(c) & 0xfffe == 0xfffe => Some('\u{fffd}'),
            c => Some(c),
        }
    })
}

/// Hebrew, Arabic and their presentation forms.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn european_letters_have_their_own_and_others_a_box() {
        let fonts = Fonts::new().unwrap();
        for hand in [Hand::Plain, Hand::Strong] {
            let is_boxed = |c: char| fonts.visible(hand, &c.to_string()) == "□";
            for c in "AzÄßçłőžșĲαΩάЖщѓїЄ€–…≥→•\u{a0}".chars() {
                assert!(!is_boxed(c), "{c}");
            }
            for c in "אبक漢🙂\u{fffd}\u{e000}".chars() {
                assert!(is_boxed(c), "{c}");
            }
        }
    }

    #[test]
    fn nothing_that_steers_is_left() {
        let seen: String = shown("a\r\nb\u{3000}c\u{ad}d\u{7}\u{202e}\u{feff}\u{2028}e\u{1ffff}").collect();
        assert_eq!(seen, "a\nb cd\u{fffd}\u{fffd}\ne\u{fffd}");
    }
}
