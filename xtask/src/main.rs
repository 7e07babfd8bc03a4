//! Developer commands of the workspace, run as `cargo xtask COMMAND`.
//!
//! Everything that proves the tree is started from here, so that a developer, CI and a reader of the README run
//! the same commands. Nothing here ships: no crate of the product may depend on `xtask`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer tool talks on the terminal")]

mod bench;
mod codegen;
mod demo;
mod foreign;
mod fuzz;
mod load;
mod process;
mod product;
mod servers;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;

/// One row of the command table. `run` returns whether everything it checked holds.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Result<bool>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        arguments: "[--exit] [--out DIR]",
        about: "build the product and walk through it from registration to offline verification",
        run: demo::run,
    },
    Command {
        name: "test",
        arguments: "[--fast] [--only STEP]... [--list]",
        about: "install what the tests need, start the servers, run every check",
        run: test::run,
    },
    Command { name: "ci", arguments: "", about: "`test` with the settings of CI", run: test::run_ci },
    Command {
        name: "tidy",
        arguments: "",
        about: "imports between crates, file sizes, module docs, invariants, generated references",
        run: tidy::run,
    },
    Command {
        name: "codegen",
        arguments: "[--check]",
        about: "write (or compare) the generated references under docs/reference",
        run: codegen::run,
    },
    Command {
        name: "servers",
        arguments: "",
        about: "start PostgreSQL and S3 on loopback and print their settings until ctrl-c",
        run: servers::run,
    },
    Command {
        name: "bench",
        arguments: "[ARGS]...",
        about: "run every bench of the workspace",
        run: bench::run_all,
    },
    Command {
        name: "load",
        arguments: "[--artifact-mib N]",
        about: "a thousand clients and a file of 5 GiB on a release build, with times and memory",
        run: load::run_all,
    },
    Command {
        name: "fuzz",
        arguments: "[TARGET]... [--seconds N]",
        about: "let every parser of foreign bytes, or the ones named, meet inputs that break it",
        run: fuzz::run_targets,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print_help();
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_help();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("error: there is no command `{name}`; the commands are:\n");
        print_help();
        return ExitCode::from(2);
    };
    match start(command, rest) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: &Command, arguments: &[String]) -> Result<bool> {
    process::catch_interrupts()?;
    (command.run)(&Workspace::locate()?, arguments)
}

fn print_help() {
    println!("usage: cargo xtask COMMAND [ARGUMENTS]\n");
    for command in COMMANDS {
        let usage = format!("{} {}", command.name, command.arguments);
        println!("  {usage:<42} {}", command.about);
    }
}
