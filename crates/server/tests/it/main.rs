//! Tests of the whole interface: the real router on a loopback port, over a store in a temporary folder.

mod authz;
mod bad_input;
mod files;
mod pages;
mod replay;
mod support;
mod walk;
mod world;
