//! Building the product's binary, for the commands that run it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{last_lines, run};
use crate::workspace::Workspace;

/// The package of the `comptroller` binary.
pub(crate) const PACKAGE: &str = "comptroller";

/// From a cold start on two cores, with room.
const BUILD_LIMIT: Duration = Duration::from_mins(45);

/// Builds the product and returns the path of its binary.
///
/// In the dev profile: it shares its crates with the tests, and what is hot there is optimised (root Cargo.toml), so
/// that the demo begins minutes after a clone. `cargo build --release` makes what an installation runs.
///
/// Fails when the tree has no such package yet, or with the compiler's own words.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    if !workspace.has_package(PACKAGE) {
        bail!("the workspace has no package `{PACKAGE}` (crates/cli) to build");
    }
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", PACKAGE, "--bin", PACKAGE, "--message-format=json-render-diagnostics"]);
    let finished = run(&mut cargo, BUILD_LIMIT, false)?;
    if !finished.status.success() {
        bail!("the product does not build:\n{}", last_lines(&finished.stderr, 80));
    }
    built_executable(&finished.stdout).context("cargo built the product, but named no executable")
}

/// The executable among cargo's messages, which holds with any target folder or profile.
fn built_executable(messages: &str) -> Option<PathBuf> {
    let mut found = None;
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        if message["target"]["name"] == PACKAGE
            && let Some(path) = message["executable"].as_str()
        {
            found = Some(PathBuf::from(path));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_the_messages() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"serde\"},\"executable\":null}\n",
            "not json\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"comptroller\"},\"executable\":\"t/comptroller\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(built_executable(messages), Some(PathBuf::from("t/comptroller")));
        assert_eq!(built_executable("{}"), None);
    }
}
