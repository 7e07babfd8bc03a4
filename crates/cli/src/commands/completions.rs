//! `comptroller completions`.

use crate::args::Cli;
use crate::exit::Exit;
use crate::output::print;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "comptroller", &mut script);
    print(&String::from_utf8(script)?).map(|()| Exit::OK)
}
