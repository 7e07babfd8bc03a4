//! The `comptroller` binary: reads arguments and configuration, calls the server's API or a stand-alone use case,
//! shows the answer, and ends with a documented exit code.
//!
//! Nothing here decides anything about governance: rules live in the policies, acts in the application.

mod args;
mod client;
mod commands;
mod config;
mod exit;
mod failure;
mod input;
mod output;

use args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_usage(&error),
    };
    let format = cli.format;
    match commands::run(cli) {
        Ok(code) => code.into(),
        Err(error) => failure::report(&error, format).into(),
    }
}
