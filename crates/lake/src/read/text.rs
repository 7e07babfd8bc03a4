//! What a piece of text is as a cell, the same for all text formats.

use comptroller_stats::cells::BlockBuilder;

/// Texts that stand for no value, as spreadsheets and data frames write it.
pub(super) const NOTHING: &[&str] = &["", "NA", "N/A", "n/a", "null", "NULL", "None", "#N/A", "<NA>"];

/// Adds a field of a text file: nothing, a number, or a text. Signs of infinity and NaN are numbers.
pub(crate) fn field(builder: &mut BlockBuilder, text: &str) {
    let text = text.trim();
    if NOTHING.contains(&text) {
        builder.null();
        return;
    }
    // Every number begins with one of these; most texts do not, and parsing is the most of reading.
    let may_be = matches!(text.as_bytes()[0], b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N');
    match text.parse::<f64>() {
        Ok(number) if may_be => builder.number(number),
        _ => builder.text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_stats::cells::Cell;

    #[test]
    fn fields_are_nothing_numbers_or_texts() {
        let mut builder = BlockBuilder::default();
        for text in ["", " 7 ", "-1e3", "NaN", "inf", "-Infinity", "NA", "true", "1,5", "in", "0x10"] {
            field(&mut builder, text);
        }
        let block = builder.finish();
        let cells: Vec<Cell<'_>> = block.cells().collect();
        assert_eq!(cells[0], Cell::Null);
        assert_eq!(cells[1..3], [Cell::Number(7.0), Cell::Number(-1000.0)]);
        assert!(matches!(cells[3], Cell::Number(nan) if nan.is_nan()));
        assert_eq!(cells[4..6], [Cell::Number(f64::INFINITY), Cell::Number(f64::NEG_INFINITY)]);
        assert_eq!(cells[6], Cell::Null);
        let texts = ["true", "1,5", "in", "0x10"].map(Cell::Text);
        assert_eq!(cells[7..], texts);
    }
}
