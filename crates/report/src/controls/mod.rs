//! Tests of controls over a window: as a page, as PDF, as tables, and as OSCAL.
//!
//! INVARIANT (no-conclusion): the column for the conclusion is empty in every form. It is the auditor's to fill.

mod csv;
mod html;
mod oscal;
mod pdf;
mod strip;
mod timeline;

use comptroller_compliance::window::history::ExceptionNote;

pub use csv::{
    exceptions as exceptions_csv, population as population_csv, samples as samples_csv, tests as tests_csv,
};
pub use html::html;
pub use oscal::{OscalSource, oscal_documents};
pub use pdf::pdf;
pub use timeline::{MEANING as TIMELINE_MEANING, html as timeline_html};

/// Shares are shown in percent with one decimal, cut and never rounded up: 999,999 millionths are no 100 %.
fn percent(ppm: Option<u32>) -> String {
    ppm.map_or_else(|| "-".to_owned(), |ppm| format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000))
}

/// The day and minute of a time.
fn minute(at: comptroller_core::Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or_else(|| text.clone(), |short| format!("{}Z", short.replace('T', " ")))
}

/// A note in one line, without its words.
fn noted(note: &ExceptionNote) -> String {
    let due = note.due_at.map_or_else(String::new, |at| format!(", due before {}", minute(at)));
    format!("{} on {}, entry {}{due}", note.step, minute(note.at), note.index)
}

#[cfg(test)]
mod tests;
