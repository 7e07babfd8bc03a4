//! `cargo xtask bench`: every bench of the workspace, one package after the other so that none disturbs another.

use std::time::Duration;

use anyhow::Result;

use crate::process::run;
use crate::workspace::Workspace;

const BENCH_LIMIT: Duration = Duration::from_hours(1);

/// Runs all benches; further arguments go to the bench programs. True when all ended well.
pub(crate) fn run_all(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    let mut all_ended_well = true;
    let mut count = 0;
    for package in &workspace.metadata.packages {
        for bench in package.targets.iter().filter(|target| target.is_bench()) {
            println!("\n== bench {} of {}", bench.name, package.name);
            let mut cargo = workspace.cargo();
            cargo
                .args(["bench", "--package", package.name.as_str(), "--bench", &bench.name, "--"])
                .args(arguments);
            all_ended_well &= run(&mut cargo, BENCH_LIMIT, true)?.status.success();
            count += 1;
        }
    }
    println!("\n{count} benches run");
    Ok(all_ended_well)
}
