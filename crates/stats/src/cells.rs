//! Cells of a column in rows: a number, a text, or nothing. What every reader of files hands over.
//!
//! A column has no type of its own here: whether `7` is a number or a category is decided later, from the reference,
//! and the same rule holds for every file format. Texts are kept once, by code.

use std::collections::HashMap;

/// Different texts of one block that are kept, at most; the rest become [`Cell::Other`]. Bounds memory: a column
/// beyond this is free text or an identifier, and is not scored.
pub const MAX_WORDS: usize = 400_000;
/// Longest text that is kept as it is, in bytes; a longer one becomes its beginning and a hash.
pub const MAX_WORD_BYTES: usize = 120;

const NULL: u32 = u32::MAX;
const NUMBER: u32 = u32::MAX - 1;
const OTHER: u32 = u32::MAX - 2;

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A number, also NaN or an infinity.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A text beyond the [`MAX_WORDS`] that are told apart.
    Other,
}

/// Cells of one column, in the order of the rows.
///
/// Invariant: `codes` is empty (every row is a number) or as long as `numbers`.
#[derive(Clone, Debug, Default)]
pub struct Block {
    numbers: Vec<f64>,
    codes: Vec<u32>,
    words: Vec<String>,
}

impl Block {
    /// A block of numbers alone.
    pub fn of_numbers(numbers: Vec<f64>) -> Self {
        Self { numbers, codes: Vec::new(), words: Vec::new() }
    }

    /// Rows without a value.
    pub fn of_nulls(rows: usize) -> Self {
        Self { numbers: vec![0.0; rows], codes: vec![NULL; rows], words: Vec::new() }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The cell of a row; [`Cell::Null`] behind the end.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let code = if self.codes.is_empty() { NUMBER } else { self.codes.get(row).copied().unwrap_or(NULL) };
        match code {
            NULL => Cell::Null,
            OTHER => Cell::Other,
            NUMBER => self.numbers.get(row).map_or(Cell::Null, |number| Cell::Number(*number)),
            word => self.words.get(word as usize).map_or(Cell::Other, |word| Cell::Text(word)),
        }
    }

    /// The cells, row by row.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.len()).map(|row| self.cell(row))
    }

    /// The numbers, if every row is one.
    pub fn as_numbers(&self) -> Option<&[f64]> {
        self.codes.is_empty().then_some(&self.numbers)
    }

    /// Counts of what is there, the numbers in the order of the rows, and how often each text occurs.
    pub fn tally(&self) -> Tally<'_> {
        let mut tally = Tally { words: &self.words, ..Tally::default() };
        if self.codes.is_empty() {
            tally.numbers.clone_from(&self.numbers);
            return tally;
        }
        tally.texts = vec![0; self.words.len()];
        for (number, code) in self.numbers.iter().zip(&self.codes) {
            match *code {
                NULL => tally.nulls += 1,
                OTHER => tally.others += 1,
                NUMBER => tally.numbers.push(*number),
                word => tally.texts[word as usize] += 1,
            }
        }
        tally
    }
}

/// What a block holds, counted.
#[derive(Clone, Debug, Default)]
pub struct Tally<'a> {
    /// Rows without a value.
    pub nulls: u64,
    /// Rows with a text beyond the bound.
    pub others: u64,
    /// The numbers in the order of the rows.
    pub numbers: Vec<f64>,
    /// The different texts.
    pub words: &'a [String],
    /// Rows of each text.
    pub texts: Vec<u64>,
}

/// Makes a block cell by cell.
#[derive(Clone, Debug, Default)]
pub struct BlockBuilder {
    block: Block,
    index: HashMap<String, u32>,
}

impl BlockBuilder {
    /// Rows so far.
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// A row without a value.
    pub fn null(&mut self) {
        self.coded(NULL);
    }

    /// A row with a number.
    pub fn number(&mut self, number: f64) {
        self.block.numbers.push(number);
        if !self.block.codes.is_empty() {
            self.block.codes.push(NUMBER);
        }
    }

    /// A row with a text.
    pub fn text(&mut self, text: &str) {
        let code = self.code(text);
        self.coded(code);
    }

    /// A row with any cell.
    pub fn push(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.null(),
            Cell::Number(number) => self.number(number),
            Cell::Text(text) => self.text(text),
            Cell::Other => self.coded(OTHER),
        }
    }

    /// All rows of another block.
    pub fn extend(&mut self, other: &Block) {
        if other.codes.is_empty() && self.block.codes.is_empty() {
            self.block.numbers.extend_from_slice(&other.numbers);
            return;
        }
        // Each text is looked up once, however many rows hold it.
        let codes: Vec<u32> = other.words.iter().map(|word| self.code(word)).collect();
        for row in 0..other.len() {
            match other.codes.get(row).copied().unwrap_or(NUMBER) {
                NUMBER => self.number(other.numbers[row]),
                code => self.coded(codes.get(code as usize).copied().unwrap_or(code)),
            }
        }
    }

    /// Keeps the rows that the rule names by their place, drops the others.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = 0;
        for row in 0..self.block.len() {
            if keep(row) {
                self.block.numbers[kept] = self.block.numbers[row];
                if !self.block.codes.is_empty() {
                    self.block.codes[kept] = self.block.codes[row];
                }
                kept += 1;
            }
        }
        self.block.numbers.truncate(kept);
        self.block.codes.truncate(kept);
    }

    /// The finished block.
    pub fn finish(self) -> Block {
        self.block
    }

    fn coded(&mut self, code: u32) {
        if self.block.codes.is_empty() {
            self.block.codes.resize(self.block.numbers.len(), NUMBER);
        }
        self.block.numbers.push(0.0);
        self.block.codes.push(code);
    }

    fn code(&mut self, text: &str) -> u32 {
        let short;
        let text = if text.len() > MAX_WORD_BYTES {
            short = shortened(text);
            &short
        } else {
            text
        };
        if let Some(code) = self.index.get(text) {
            return *code;
        }
        if self.block.words.len() >= MAX_WORDS {
            return OTHER;
        }
        let code = self.block.words.len() as u32;
        self.block.words.push(text.to_owned());
        self.index.insert(text.to_owned(), code);
        code
    }
}

/// The beginning of a long text and a hash of all of it.
fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_WORD_BYTES - 20);
    format!("{}…#{:016x}", &text[..end], crate::num::fnv(text.as_bytes()))
}

/// The text by which a number is a category: `7` for 7.0, the shortest exact form otherwise.
pub fn number_name(number: f64) -> String {
    // -0.0 is 0, as everywhere in a grid.
    let number = if number == 0.0 { 0.0 } else { number };
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_column_reads_back_row_by_row() {
        let mut builder = BlockBuilder::default();
        builder.number(1.0);
        builder.text("a");
        builder.null();
        builder.number(2.0);
        builder.text("a");
        let mut all = BlockBuilder::default();
        all.extend(&Block::of_numbers(vec![9.0]));
        all.extend(&builder.finish());
        all.extend(&Block::of_numbers(vec![8.0]));
        let block = all.finish();
        let cells: Vec<Cell<'_>> = block.cells().collect();
        let a = Cell::Text("a");
        assert_eq!(
            cells,
            [Cell::Number(9.0), Cell::Number(1.0), a, Cell::Null, Cell::Number(2.0), a, Cell::Number(8.0)]
        );
        let tally = block.tally();
        assert_eq!((tally.nulls, tally.texts, tally.numbers), (1, vec![2], vec![9.0, 1.0, 2.0, 8.0]));
    }

    #[test]
    fn long_texts_are_shortened_and_still_told_apart() {
        let mut builder = BlockBuilder::default();
        builder.text(&"é".repeat(1000));
        builder.text(&format!("{}x", "é".repeat(1000)));
        let block = builder.finish();
        assert_ne!(block.cell(0), block.cell(1));
        assert!(block.words.iter().all(|word| word.len() <= MAX_WORD_BYTES));
    }

    #[test]
    fn a_number_is_named_alike_from_every_format() {
        assert_eq!((number_name(7.0).as_str(), number_name(-0.0).as_str()), ("7", "0"));
        assert_eq!(number_name(0.1), "0.1");
    }
}
