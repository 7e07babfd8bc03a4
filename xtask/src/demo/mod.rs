//! `cargo xtask demo [--exit]`: build the product as a user would and walk through it.
//!
//! A step that does not do what it says must end the walk with an error; the demo never passes by default.

use anyhow::{Result, bail};

use crate::product::{self, Profile};
use crate::workspace::Workspace;

/// Builds the release binary and runs the walk-through.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--exit") {
        bail!("`demo` takes only `--exit`, found `{unknown}`");
    }
    let binary = product::build(workspace, Profile::Release)?;
    bail!("{} is built, but the walk-through is not in this tree", workspace.relative(&binary));
}
