//! What frameworks ask for, which duties a system has, and whether controls held over a window.
//!
//! Pure: dated data and evaluation "as of". No clock, no I/O: the caller passes facts, events and a date.

pub mod classify;
pub mod control;
pub mod digest;
pub mod document;
pub mod framework;
pub mod gap;
pub mod risk;
pub mod sample;
pub mod statements;
pub mod window;
