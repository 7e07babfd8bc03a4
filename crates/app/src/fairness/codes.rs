//! Cells as what the audit counts: classes, numbers, groups.

use super::AuditError;
use comptroller_stats::cells::{Block, Cell, number_name};
use comptroller_stats::fairness::input::{Attribute, MISSING, NEGATIVE, POSITIVE, UNKNOWN};
use std::collections::{BTreeMap, HashMap};

/// Most different values of an attribute: a column with more holds numbers or names, not groups.
const MAX_LEVELS: usize = 200;

/// A column of numbers; NaN where there is none.
///
/// # Errors
/// For the first text.
pub(super) fn numbers(name: &str, block: &Block) -> Result<Vec<f64>, AuditError> {
    let mut found = Vec::with_capacity(block.len());
    for (row, cell) in block.cells().enumerate() {
        found.push(match cell {
            Cell::Number(number) => number,
            Cell::Null => f64::NAN,
            Cell::Text(text) => {
                return Err(AuditError::invalid(
                    format!("row {} of `{name}` holds the text {text:?} where a number belongs", row + 1),
                    "name a column of numbers, or leave such cells empty",
                ));
            }
            Cell::Other => {
                return Err(AuditError::invalid(
                    format!("row {} of `{name}` holds a text where a number belongs", row + 1),
                    "name a column of numbers",
                ));
            }
        });
    }
    Ok(found)
}

/// A column of two classes. `positive` names the positive one, any other value is negative; without it values must be 0
/// and 1, -1 and 1, or false and true. Such a column is also taken when `positive` is a word, as decisions may be words
/// where labels are 0 and 1.
///
/// # Errors
/// For other values without `positive`, and when no row holds `positive` although rows hold something.
pub(super) fn binary(name: &str, block: &Block, positive: Option<&str>) -> Result<Vec<u8>, AuditError> {
    let mut found = Vec::with_capacity(block.len());
    for (row, cell) in block.cells().enumerate() {
        let class = match (cell, positive) {
            (Cell::Null, _) => UNKNOWN,
            (Cell::Number(number), _) if number.is_nan() => UNKNOWN,
            (Cell::Number(number), Some(wanted)) => u8::from(number_name(number) == wanted),
            (Cell::Text(text), Some(wanted)) => u8::from(text == wanted),
            (Cell::Other, Some(_)) => NEGATIVE,
            (cell, None) => usual(cell).ok_or_else(|| unusual(name, row, &text_of(cell)))?,
        };
        found.push(class);
    }
    if let Some(wanted) = positive
        && !found.contains(&POSITIVE)
        && found.contains(&NEGATIVE)
    {
        // Decisions may be words and labels 0 and 1; but whoever calls 0 favourable must not get 1.
        let is_word = usual(Cell::Text(wanted)).is_none();
        if is_word && let Ok(found) = binary(name, block, None) {
            return Ok(found);
        }
        return Err(not_held(name, block, wanted));
    }
    Ok(found)
}

/// That a column does not hold the value that is to count as positive.
pub(super) fn not_held(name: &str, block: &Block, wanted: &str) -> AuditError {
    AuditError::invalid(
        format!("no row of `{name}` holds {wanted:?}"),
        format!("--positive names a value of it, such as {:?}", example(block)),
    )
}

/// Whether a row of a column holds a value, by its name.
pub(super) fn holds(block: &Block, wanted: &str) -> bool {
    block.cells().any(|cell| !matches!(cell, Cell::Null | Cell::Other) && text_of(cell) == wanted)
}

fn usual(cell: Cell<'_>) -> Option<u8> {
    let text = text_of(cell);
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(POSITIVE),
        "0" | "-1" | "false" => Some(NEGATIVE),
        _ => None,
    }
}

fn unusual(name: &str, row: usize, text: &str) -> AuditError {
    AuditError::invalid(
        format!("row {} of `{name}` holds {text:?}, which is neither 0 and 1 nor false and true", row + 1),
        "say with --positive which value is the favourable one, or with --task what else the model gives",
    )
}

fn text_of(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Number(number) => number_name(number),
        Cell::Text(text) => text.to_owned(),
        Cell::Other => "a long list of different texts".to_owned(),
    }
}

fn example(block: &Block) -> String {
    block.cells().map(text_of).find(|text| !text.is_empty()).unwrap_or_default()
}

/// A column of groups; numbers are names. Levels stand in the order of their numbers, then of their texts.
///
/// # Errors
/// For more than [`MAX_LEVELS`] different values.
pub(super) fn attribute(name: &str, block: &Block) -> Result<Attribute, AuditError> {
    let too_many = || {
        AuditError::invalid(
            format!("`{name}` has more than {MAX_LEVELS} different values and makes no groups"),
            "name a column of categories, or put its values into ranges first",
        )
    };
    let (mut of_number, mut of_text): (HashMap<u64, u32>, HashMap<&str, u32>) =
        (HashMap::new(), HashMap::new());
    let mut levels: Vec<Level> = Vec::new();
    let mut codes = Vec::with_capacity(block.len());
    for cell in block.cells() {
        let next = levels.len() as u32;
        let code = match cell {
            Cell::Null => MISSING,
            Cell::Number(number) if number.is_nan() => MISSING,
            // -0 is 0, as everywhere where numbers are names.
            Cell::Number(number) => *of_number.entry((number + 0.0).to_bits()).or_insert(next),
            Cell::Text(text) => *of_text.entry(text).or_insert(next),
            Cell::Other => return Err(too_many()),
        };
        if code == next {
            if levels.len() == MAX_LEVELS {
                return Err(too_many());
            }
            levels.push(Level::of(cell));
        }
        codes.push(code);
    }
    // The same name may have been written as a number and as a text.
    let mut order: Vec<usize> = (0..levels.len()).collect();
    order.sort_by(|a, b| levels[*a].cmp(&levels[*b]));
    let mut names: Vec<String> = Vec::new();
    let mut place: BTreeMap<usize, u32> = BTreeMap::new();
    for old in order {
        let known = names.iter().position(|name| *name == levels[old].name);
        let new = known.unwrap_or(names.len());
        if known.is_none() {
            names.push(levels[old].name.clone());
        }
        place.insert(old, new as u32);
    }
    for code in codes.iter_mut().filter(|code| **code != MISSING) {
        *code = place.get(&(*code as usize)).copied().unwrap_or(MISSING);
    }
    Ok(Attribute { name: name.to_owned(), levels: names, codes })
}

/// A value as a name.
struct Level {
    number: Option<f64>,
    name: String,
}

impl Level {
    fn of(cell: Cell<'_>) -> Self {
        let number = if let Cell::Number(number) = cell { Some(number) } else { None };
        Self { number, name: text_of(cell) }
    }

    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.number, other.number) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => self.name.cmp(&other.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_stats::cells::BlockBuilder;

    fn block(cells: &[Cell<'_>]) -> Block {
        let mut builder = BlockBuilder::default();
        for cell in cells {
            builder.push(*cell);
        }
        builder.finish()
    }

    #[test]
    fn classes_are_known_by_their_usual_names_or_by_the_stated_one() {
        let usual = block(&[Cell::Number(1.0), Cell::Number(0.0), Cell::Text("True"), Cell::Null]);
        assert_eq!(binary("y", &usual, None).unwrap(), [POSITIVE, NEGATIVE, POSITIVE, UNKNOWN]);
        let words = block(&[Cell::Text("hired"), Cell::Text("rejected"), Cell::Null]);
        assert_eq!(binary("y", &words, Some("hired")).unwrap(), [POSITIVE, NEGATIVE, UNKNOWN]);
        let error = binary("y", &words, None).unwrap_err();
        assert!(error.to_string().starts_with("row 1 of `y` holds \"hired\""), "{error}");
        let numbers = block(&[Cell::Number(1.0), Cell::Number(0.0)]);
        assert_eq!(binary("y", &numbers, Some("hired")).unwrap(), [POSITIVE, NEGATIVE]);
        let ones = block(&[Cell::Number(1.0)]);
        assert!(binary("y", &ones, Some("0")).is_err(), "whoever calls 0 favourable does not get 1");
        assert!(binary("y", &words, Some("Hired")).unwrap_err().remedy().contains("hired"));
    }

    #[test]
    fn groups_are_named_alike_whether_written_as_numbers_or_texts() {
        let mixed =
            block(&[Cell::Number(2.0), Cell::Text("2"), Cell::Number(1.0), Cell::Null, Cell::Text("x")]);
        let found = attribute("g", &mixed).unwrap();
        assert_eq!(found.levels, ["1", "2", "x"]);
        assert_eq!(found.codes, [1, 1, 0, MISSING, 2]);
        let many = Block::of_numbers((0..300).map(f64::from).collect());
        assert!(attribute("age", &many).unwrap_err().to_string().contains("more than 200 different values"));
    }

    #[test]
    fn a_text_among_numbers_is_refused_with_its_row() {
        let column = block(&[Cell::Number(1.0), Cell::Null, Cell::Text("n/a")]);
        let error = numbers("score", &column).unwrap_err();
        assert!(error.to_string().starts_with("row 3 of `score` holds the text \"n/a\""), "{error}");
    }
}
