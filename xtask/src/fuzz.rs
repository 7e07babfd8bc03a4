//! `cargo xtask fuzz`: builds the targets of `fuzz/` and lets each look for inputs that break a parser.
//!
//! The toolchain of the repository serves: libFuzzer is built from C++ by its crate, and the compiler's own coverage
//! pass feeds it. No address sanitizer: the crates forbid unsafe code, so what is sought are panics, overflows, broken
//! promises and inputs that take too long. What is found lies in the target folder; what was worth keeping becomes an
//! ordinary test and a seed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{run, run_quiet};
use crate::workspace::Workspace;

/// Instrumentation as cargo-fuzz sets it, but for the sanitizer, which needs a nightly compiler.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
const BUILD_LIMIT: Duration = Duration::from_hours(1);
const SECONDS: u64 = 60;
/// A parser that takes longer for one input of at most [`LONGEST`] bytes is a finding.
const SECONDS_PER_INPUT: u32 = 10;
const LONGEST: u32 = 1 << 16;

/// Fuzzes one target or all of them in turn. True when nothing was found.
pub(crate) fn run_targets(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    let all = targets(&workspace.root.join("fuzz/targets"))?;
    let (wanted, seconds) = parse(arguments, &all)?;
    let host = host()?;
    let target = workspace.target().join("fuzz");
    let mut build = workspace.cargo();
    // With a target named, the flags reach no build script.
    build.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &host]);
    build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &target);
    if !run(&mut build, BUILD_LIMIT, true)?.status.success() {
        bail!("the fuzz targets did not build; they need a C++ compiler");
    }
    let mut broken = Vec::new();
    for name in &wanted {
        println!("\n== fuzz {name}, {seconds} s");
        let (corpus, found) = (target.join("corpus").join(name), target.join("found").join(name));
        std::fs::create_dir_all(&corpus).with_context(|| format!("cannot create {}", corpus.display()))?;
        std::fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
        let mut fuzz = std::process::Command::new(target.join(&host).join("release").join(name));
        fuzz.arg(&corpus).arg(workspace.root.join("fuzz/seeds").join(name));
        fuzz.arg(format!("-artifact_prefix={}/", found.display()));
        fuzz.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={LONGEST}"));
        fuzz.arg(format!("-timeout={SECONDS_PER_INPUT}")).arg("-print_final_stats=1");
        let limit = Duration::from_secs(seconds.saturating_mul(2) + 120);
        if !run(&mut fuzz, limit, true)?.status.success() {
            broken.push(format!("{name}: see {}", found.display()));
        }
    }
    println!("\n{} targets, {} broken", wanted.len(), broken.len());
    for line in &broken {
        println!("  {line}");
    }
    Ok(broken.is_empty())
}

/// The targets to run and the seconds for each.
fn parse(arguments: &[String], all: &[String]) -> Result<(Vec<String>, u64)> {
    let (mut wanted, mut seconds) = (Vec::new(), SECONDS);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().context("--seconds needs a number")?;
            seconds = number.parse().with_context(|| format!("--seconds {number}: not a number"))?;
        } else if all.contains(word) {
            wanted.push(word.clone());
        } else {
            bail!("there is no fuzz target `{word}`; the targets are {}", all.join(", "));
        }
    }
    if wanted.is_empty() {
        wanted = all.to_vec();
    }
    Ok((wanted, seconds))
}

/// One target for each file of the folder.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The platform of this machine, as rustc names it.
fn host() -> Result<String> {
    let version = run_quiet(std::process::Command::new("rustc").arg("-vV"), Duration::from_mins(1))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_seconds_are_read_and_others_are_refused() {
        let all = ["entry".to_owned(), "note".to_owned()];
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&[], &all).unwrap(), (all.to_vec(), SECONDS));
        assert_eq!(parse(&words("note --seconds 5"), &all).unwrap(), (words("note"), 5));
        assert!(parse(&words("nope"), &all).unwrap_err().to_string().contains("entry, note"));
        assert!(parse(&words("--seconds x"), &all).is_err());
    }
}
