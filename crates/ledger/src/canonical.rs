//! Canonical JSON (RFC 8785) written straight into a buffer: the hot path of appending and verifying.
//!
//! Must give the same bytes as the general canonicaliser, which a property test compares. Fractions go through
//! that canonicaliser; all else is written here.

use std::io::Write as _;

use serde_json::{Map, Number, Value};

use crate::entry::EntryError;

/// Writes a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<(), EntryError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_text(out, text)?,
        Value::Array(items) => write_array(out, items, write_value)?,
        Value::Object(fields) => write_object(out, fields)?,
    }
    Ok(())
}

/// Writes an array, its items by `write`.
pub(crate) fn write_array<T>(
    out: &mut Vec<u8>,
    items: &[T],
    write: impl Fn(&mut Vec<u8>, &T) -> Result<(), EntryError>,
) -> Result<(), EntryError> {
    out.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(out, item)?;
    }
    out.push(b']');
    Ok(())
}

/// Writes a string: serde_json escapes exactly what RFC 8785 section 3.2.2.2 does.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) -> Result<(), EntryError> {
    serde_json::to_writer(out, text).map_err(failed)
}

/// Writes an integer. Callers have checked that it is within ±(2^53-1).
pub(crate) fn write_integer(out: &mut Vec<u8>, number: impl std::fmt::Display) -> Result<(), EntryError> {
    write!(out, "{number}").map_err(failed)
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), EntryError> {
    if number.is_f64() {
        let bytes = serde_json_canonicalizer::to_vec(number).map_err(failed)?;
        out.extend_from_slice(&bytes);
        return Ok(());
    }
    write_integer(out, number)
}

fn write_object(out: &mut Vec<u8>, fields: &Map<String, Value>) -> Result<(), EntryError> {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    // RFC 8785 sorts by UTF-16 units, which differs from byte order beyond U+FFFF.
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (position, (name, value)) in sorted.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_text(out, name)?;
        out.push(b':');
        write_value(out, value)?;
    }
    out.push(b'}');
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> EntryError {
    EntryError::Json(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn agrees_with_the_general_canonicaliser() {
        let value = json!({
            "\u{e000}": 1, "\u{10000}": 2, "é": -0.0, "\u{7f}\u{2028}\u{1}\t\"\\/": [1e21, 1e-7, 0.1, 5e-324],
            "": {}, "a": [], "A": [null, true, false, -17, 9_007_199_254_740_991_u64],
        });
        let mut ours = Vec::new();
        write_value(&mut ours, &value).unwrap();
        assert_eq!(ours, serde_json_canonicalizer::to_vec(&value).unwrap());
    }
}
