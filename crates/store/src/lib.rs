//! Persistence: the object store, encryption at rest and encrypted artifacts.
//!
//! Knows bytes, keys and places; never decides whether an act is allowed.

pub mod artifacts;
mod durable;
pub mod keys;
pub mod objects;
