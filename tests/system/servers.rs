//! Servers on other databases than their own file, and several on one.

use crate::support::Server;
use std::process::Command;

impl Server {
    /// Starts in a folder of its own with settings, given as variables of the environment.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let working = folder.path().to_owned();
        Self::spawn(folder, &working, settings)
    }

    /// A second server in the working folder of this one, so on the same keys and objects.
    pub(crate) fn beside(&self, settings: &[(&str, &str)]) -> Self {
        Self::spawn(tempfile::tempdir().unwrap(), self.folder(), settings)
    }
}

/// What the test command provides under `name`; without it a test says that it is skipped, and fails in CI.
pub(crate) fn provided(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI needs {name}");
        say(&format!("SKIPPED: {name} is not set"));
    }
    value
}

/// A new, empty database on the PostgreSQL of the test command.
pub(crate) fn fresh_postgres() -> Option<String> {
    let url = provided("COMPTROLLER_TEST_POSTGRES_URL")?;
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).unwrap();
    let name = format!("system_{}", hex::encode(random));
    let statement = format!("CREATE DATABASE {name}");
    let made = Command::new("psql").args([&url, "--quiet", "--command", &statement]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    Some(format!("{}/{name}", url.rsplit_once('/').unwrap().0))
}

/// A line for whoever reads the output of the tests.
#[expect(clippy::print_stderr, reason = "a skipped test and a measured number must be seen")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
