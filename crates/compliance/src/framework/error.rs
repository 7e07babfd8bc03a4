//! What is wrong with framework data, where, and what to do.

use thiserror::Error;

/// Longest piece of foreign text that an error shows, in characters.
const MAX_SHOWN: usize = 80;

/// A file of framework data that is not in order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}{}: {problem}", if .place.is_empty() { String::new() } else { format!(", {}", .place) })]
pub struct DataError {
    /// The file, as the caller named it.
    pub file: String,
    /// The row or key in it; empty if it is the whole file.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl DataError {
    /// An error about a place of a file.
    pub(crate) fn new(
        file: &str,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.to_owned(), place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// Foreign text, short and without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).filter(|c| !c.is_control()).collect()
}
