//! `cargo xtask load`: the tests of the whole system that measure, in a release build, with their numbers.
//!
//! The ordinary run has them too, with a smaller file and in a debug build, whose times say little.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::run;
use crate::servers::Servers;
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_hours(1);
/// The file that is carried; a test machine needs three times that on its disk.
const ARTIFACT_MIB: u64 = 5_120;

/// Runs them on PostgreSQL as well. True when all held.
pub(crate) fn run_all(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    let mib = match arguments {
        [] => ARTIFACT_MIB,
        [option, mib] if option == "--artifact-mib" => {
            mib.parse().with_context(|| format!("--artifact-mib {mib}: not a number"))?
        }
        _ => bail!("`load` takes --artifact-mib N and nothing else"),
    };
    let servers = Servers::start(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--release", "--package", "comptroller", "--test", "system", "--"]);
    // One after the other, so that none disturbs another's numbers.
    cargo.args(["--nocapture", "--test-threads", "1", "clients::", "artifact::"]);
    cargo.envs(servers.environment()).env("COMPTROLLER_TEST_ARTIFACT_MIB", mib.to_string());
    Ok(run(&mut cargo, LIMIT, true)?.status.success())
}
