//! The window engine: whether controls did what they say over a time, for every single occurrence.
//!
//! It derives from the journal which occurrences were to be expected, asks every test about each, and lists what it found
//! with a receipt for every list. Same journal, same definitions, same window: same bytes, on every machine.
//! INVARIANT (no-conclusion): see [`result`]. What it cannot see stands in each control as a blind spot.

mod ask;
mod course;
mod evaluate;
pub mod history;
pub mod journal;
mod period;
mod population;
pub mod result;
mod rows;
mod scope;
mod summary;
mod timeline;
mod value;

pub use evaluate::{Question, WindowError, engine_digest, evaluate, reconcile};
pub use history::History;
pub use journal::{Journal, Needs, Record};
pub use result::{
    ControlException, ControlResult, CriterionResult, LedgerPosition, Occurrence, Receipt, WindowResult,
};
pub use rows::{Lapse, TIMELINE_FORMAT, Timeline, TimelineRow, timeline};
pub use summary::exception_id;
