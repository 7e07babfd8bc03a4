//! The crate's behaviour from outside, against the bundle that ships.

mod bundle;
mod cases;
mod decisions;
mod matrix;
mod properties;
mod table;
