//! The use cases over a real store in a temporary folder.

mod erasure;
mod promotion;
mod world;
