//! The table of steps. A new check of the whole tree is one row and one function here.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Context;
use super::report::{Verdict, count_tests};
use crate::process::{Finished, find_program, last_lines, run};
use crate::tools::python_environment;
use crate::{codegen, product, tidy};

/// What has to run or be installed before a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// PostgreSQL and S3.
    Servers,
    /// The verifiers of others; not with `--fast`.
    Foreign,
}

/// One row of the table.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) run: fn(&Context) -> Result<Verdict>,
}

/// All steps in their order: what is quick and tells most comes first.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "every file is formatted", needs: &[], run: fmt },
    Step { name: "tidy", about: "imports, sizes, module docs, invariants, hygiene", needs: &[], run: tidy },
    Step { name: "clippy", about: "no lint, in all targets", needs: &[], run: clippy },
    Step {
        name: "test",
        about: "all tests, on both databases",
        needs: &[Need::Servers, Need::Foreign],
        run: test,
    },
    Step { name: "doc", about: "the examples in the documentation", needs: &[], run: doc },
    Step {
        name: "foreign",
        about: "the verifiers of others accept and refuse",
        needs: &[Need::Foreign],
        run: foreign,
    },
    Step { name: "codegen", about: "generated references are up to date", needs: &[], run: codegen_check },
    Step { name: "deny", about: "licences, bans, sources, advisories", needs: &[], run: deny },
    Step { name: "api", about: "schemathesis finds no server error", needs: &[], run: api },
    Step { name: "python", about: "the Python package against the real server", needs: &[], run: python },
    Step { name: "tutorial", about: "the commands of docs/tutorial.md work", needs: &[], run: tutorial },
    Step { name: "demo", about: "the demo walks to its end", needs: &[], run: demo },
];

/// A whole build from nothing on two cores, with room.
const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_mins(10);
/// What `sdk/python` asks for.
const OLDEST_PYTHON: (u32, u32) = (3, 9);
const BUILD_BACKEND: &str = "setuptools==80.9.0";
/// A database that cannot be reached must not hold the run.
const ADVISORIES: Duration = Duration::from_mins(2);

fn fmt(context: &Context) -> Result<Verdict> {
    plain(&run(context.cargo().args(["fmt", "--all", "--check"]), SHORT, true)?, "run `cargo fmt`")
}

fn tidy(context: &Context) -> Result<Verdict> {
    if tidy::check_sources(context.workspace)? {
        Ok(Verdict::passed())
    } else {
        bail!("see the findings above")
    }
}

fn clippy(context: &Context) -> Result<Verdict> {
    let mut cargo = context.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]);
    plain(&run(&mut cargo, LONG, true)?, "see the lints above")
}

fn test(context: &Context) -> Result<Verdict> {
    let mut cargo = context.cargo();
    if find_program("cargo-nextest").is_some() {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"]);
        cargo.args(["--final-status-level", "slow", "--show-progress", "none", "--cargo-quiet"]);
    } else {
        cargo.args(["test", "--workspace", "--no-fail-fast", "--quiet", "--lib", "--bins", "--tests"]);
    }
    counted(&run(&mut cargo, LONG, true)?)
}

fn doc(context: &Context) -> Result<Verdict> {
    counted(&run(context.cargo().args(["test", "--workspace", "--quiet", "--doc"]), LONG, true)?)
}

fn foreign(context: &Context) -> Result<Verdict> {
    if context.fast {
        return Ok(Verdict::Skipped("left out by --fast".to_owned()));
    }
    let python = context.variable("COMPTROLLER_TEST_PYTHON").context("the verifiers are not installed")?;
    let verifier = context.variable("COMPTROLLER_TEST_GO_VERIFY").context("the Go verifier is not built")?;
    let mut command = Command::new(python);
    command.current_dir(&context.workspace.root).arg("-B").arg("tests/foreign/selftest.py").arg(verifier);
    counted(&run(&mut command, SHORT, true)?)
}

fn codegen_check(context: &Context) -> Result<Verdict> {
    if !context.workspace.has_package(product::PACKAGE) {
        return Ok(Verdict::Skipped(format!("no package `{}` yet", product::PACKAGE)));
    }
    if codegen::check(context.workspace)? {
        Ok(Verdict::passed())
    } else {
        bail!("run `cargo xtask codegen`")
    }
}

fn deny(context: &Context) -> Result<Verdict> {
    if context.fast {
        return Ok(Verdict::Skipped("left out by --fast".to_owned()));
    }
    let program = match find_program("cargo-deny") {
        Some(found) => found,
        None => install_deny(context)?,
    };
    let deny = |check: &[&str], limit| {
        let mut command = Command::new(&program);
        command.current_dir(&context.workspace.root).args(["--workspace", "check", "--hide-inclusion-graph"]);
        run(command.args(check), limit, true)
    };
    let finished = deny(&["licenses", "bans", "sources"], SHORT)?;
    if !finished.status.success() {
        bail!("a dependency breaks a rule of deny.toml; see above");
    }
    // Advisories come from a database on the network, which a closed build machine does not reach.
    let finished = deny(&["advisories"], ADVISORIES)?;
    if finished.status.success() {
        return Ok(Verdict::passed());
    }
    if finished.stderr.contains("failed to fetch advisory database") {
        return Ok(Verdict::Passed("advisories NOT checked: their database is not reachable".to_owned()));
    }
    bail!("a dependency has an advisory against it; see above")
}

fn install_deny(context: &Context) -> Result<std::path::PathBuf> {
    let root = context.workspace.cache.join("tools");
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        println!("building cargo-deny once; this takes some minutes");
        let mut cargo = context.cargo();
        cargo.args(["install", "cargo-deny", "--locked", "--quiet", "--root"]).arg(&root);
        // Its objects are of no use to our own builds.
        cargo.env("CARGO_TARGET_DIR", context.workspace.cache.join("target-tools"));
        plain(&run(&mut cargo, LONG, true)?, "cargo-deny does not build")?;
    }
    Ok(program)
}

/// Installs `sdk/python` as a user does, and runs its tests with the Python that has it.
fn python(context: &Context) -> Result<Verdict> {
    if context.fast {
        return Ok(Verdict::Skipped("left out by --fast".to_owned()));
    }
    let environment =
        python_environment(&context.workspace.cache, "sdk-python", OLDEST_PYTHON, &[BUILD_BACKEND])?;
    let python = environment.join("bin/python");
    let package = context.workspace.root.join("sdk/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation"]);
    install.args(["--no-deps", "--force-reinstall"]).arg(&package);
    plain(&run(&mut install, SHORT, true)?, "sdk/python cannot be installed")?;
    let binary = product::build(context.workspace)?;
    let mut tests = Command::new(&python);
    tests.current_dir(package.join("tests")).args(["-B", "test_sdk.py"]);
    tests.env("COMPTROLLER_BINARY", binary);
    counted(&run(&mut tests, SHORT, true)?)
}

fn tutorial(context: &Context) -> Result<Verdict> {
    super::tutorial::run_tutorial(context)
}

fn api(context: &Context) -> Result<Verdict> {
    if context.fast {
        return Ok(Verdict::Skipped("left out by --fast".to_owned()));
    }
    super::api::run_schemathesis(context)
}

fn demo(context: &Context) -> Result<Verdict> {
    if !context.workspace.has_package(product::PACKAGE) {
        return Ok(Verdict::Skipped(format!("no package `{}` yet", product::PACKAGE)));
    }
    let mut cargo = context.cargo();
    cargo.args(["run", "--quiet", "--package", "xtask", "--", "demo", "--exit"]);
    plain(&run(&mut cargo, LONG, true)?, "the demo did not walk to its end")
}

fn plain(finished: &Finished, what_if_not: &str) -> Result<Verdict> {
    if finished.status.success() { Ok(Verdict::passed()) } else { bail!("{what_if_not}") }
}

/// Counts tests; an unhappy end without a failed test is a failure of its own, such as a compile error.
fn counted(finished: &Finished) -> Result<Verdict> {
    let output = format!("{}{}", finished.stdout, finished.stderr);
    match (count_tests(&output), finished.status.success()) {
        (Some((passed, failed)), true) if failed == 0 => Ok(Verdict::Tests { passed, failed }),
        (Some((passed, failed)), false) if failed > 0 => Ok(Verdict::Tests { passed, failed }),
        (None, true) => bail!("no test was run"),
        _ => bail!("the tests ended with {}: {}", finished.status, last_lines(&output, 1)),
    }
}
