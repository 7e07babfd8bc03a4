//! Reports: data in, bytes out. HTML with inline SVG, PDF, CSV, OSCAL, Markdown and JUnit.
//!
//! Must not read files, ask the network or know the time. INVARIANT (nothing-runs): a report loads nothing from
//! outside, holds no script, and every text from data is escaped, so that a column's name can never become markup.

pub mod controls;
pub mod document;
mod drift;
pub mod escape;
pub mod fairness;
pub mod gap;
pub mod history;
mod page;
mod pdf;
pub mod sections;
mod svg;

pub use drift::{html, junit, markdown};
pub use pdf::PdfError;
