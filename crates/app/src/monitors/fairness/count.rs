//! The decisions of a day, counted by group.

use super::Laid;
use crate::AppError;
use comptroller_lake::records::Records;
use comptroller_stats::cells::{Block, Cell, number_name};
use comptroller_stats::fairness::input::{NEGATIVE, POSITIVE, UNKNOWN};
use comptroller_stats::fairness::watching::Cells;
use std::collections::{BTreeMap, HashMap};

/// Counts the records of a block into `cells`; answers how many have a label.
///
/// # Errors
/// When a record cannot be read.
pub(super) fn count(
    laid: &Laid,
    records: &Records,
    labels: &HashMap<String, String>,
    cells: &mut [Cells],
) -> Result<u64, AppError> {
    let blocks: BTreeMap<String, Block> = records.blocks()?.into_iter().collect();
    let positive = laid.positive.as_deref();
    let mut keys = vec![0_usize; records.len()];
    for attribute in &laid.plan.attributes {
        let known: HashMap<&str, usize> =
            attribute.values.iter().enumerate().map(|(code, value)| (value.as_str(), code)).collect();
        let others = attribute.values.len();
        let block = blocks.get(&format!("input.{}", attribute.name));
        for (row, key) in keys.iter_mut().enumerate() {
            let name = block.and_then(|block| name(block.cell(row)));
            let code = name.and_then(|name| known.get(name.as_str()).copied()).unwrap_or(others);
            *key = *key * (others + 1) + code;
        }
    }
    let decisions = blocks.get("prediction");
    let mut labelled = 0;
    for ((row, id), key) in records.ids().enumerate().zip(keys) {
        let decision = decisions.map_or(UNKNOWN, |block| class(name(block.cell(row)).as_deref(), positive));
        let label = class(labels.get(id).map(String::as_str), positive);
        labelled += u64::from(label != UNKNOWN);
        if let Some(cells) = cells.get_mut(key) {
            cells[usize::from(label) * 3 + usize::from(decision)] += 1;
        }
    }
    Ok(labelled)
}

/// The text of a value; none for a missing one.
fn name(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Number(number) if !number.is_nan() => Some(number_name(number)),
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Number(_) | Cell::Null | Cell::Other => None,
    }
}

/// The class of a decision or a label. Without `positive`, what is neither 0 and 1 nor false and true is not known; a
/// word that counts as positive does not turn 0 and 1 around.
fn class(text: Option<&str>, positive: Option<&str>) -> u8 {
    let Some(text) = text else { return UNKNOWN };
    match positive {
        Some(wanted) if text == wanted => POSITIVE,
        Some(wanted) if usual(wanted).is_some() => NEGATIVE,
        Some(_) => usual(text).unwrap_or(NEGATIVE),
        None => usual(text).unwrap_or(UNKNOWN),
    }
}

fn usual(text: &str) -> Option<u8> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" => Some(POSITIVE),
        "0" | "0.0" | "-1" | "false" => Some(NEGATIVE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_labels_are_read_by_the_favourable_value() {
        for (text, positive, expected) in [
            (Some("1"), None, POSITIVE),
            (Some("False"), None, NEGATIVE),
            (Some("maybe"), None, UNKNOWN),
            (None, Some("hired"), UNKNOWN),
            (Some("hired"), Some("hired"), POSITIVE),
            (Some("sent away"), Some("hired"), NEGATIVE),
            // Decisions in words, labels in numbers.
            (Some("1"), Some("hired"), POSITIVE),
            // Whoever calls 0 favourable does not get 1.
            (Some("0"), Some("0"), POSITIVE),
            (Some("1"), Some("0"), NEGATIVE),
        ] {
            assert_eq!(class(text, positive), expected, "{text:?} {positive:?}");
        }
    }
}
