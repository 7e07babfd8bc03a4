//! The server's configuration: one TOML file, environment variables over it, files for secrets.
//!
//! [`schema`] is the one list of settings; [`load`] fills it; [`reference`] prints it. Nothing here opens a store.

mod load;
mod reference;
mod schema;
mod value;

pub(crate) use load::load;
pub(crate) use reference::{printed, reference};
pub(crate) use schema::{Config, Notify};
