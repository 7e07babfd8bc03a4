//! The governance vocabulary: typed ids, validated names, states and events.
//!
//! Pure: no async, no I/O, no clock and no randomness of its own. Every other crate speaks in these words.
//! An [`event::Event`] is the only way a governance state changes; its clear fields are what the ledger
//! commits to, its [`private`] part is what erasure can destroy.

pub mod event;
mod event_parts;
pub mod ids;
pub mod lineage;
pub mod name;
pub mod private;
pub mod time;
pub mod vocab;

pub use event::Event;
pub use name::{Digest, InvalidValue, Label, Slug, TagText};
pub use time::{Clock, Timestamp};
pub use vocab::{Environment, Role};
