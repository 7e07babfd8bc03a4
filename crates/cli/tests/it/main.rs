//! Tests of the real binary: what it prints, how it ends, and a whole walk against a server that it runs itself.

mod failures;
mod help;
mod offline;
mod support;
mod upload;
mod walk;
