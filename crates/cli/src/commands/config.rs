//! `comptroller config`: the configuration in force, without secrets and without opening a store.

use super::serve;
use crate::client::Answer;
use crate::config::{load, printed};
use crate::exit::Exit;
use crate::output::{Screen, print};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the configuration in force as TOML, and where each value came from. Secrets are never shown.
    Print {
        #[command(flatten)]
        source: ConfigArgs,
        /// Say explicitly that secrets are left out; there is no way to print them.
        #[arg(long)]
        redacted: bool,
    },
    /// Check the configuration.
    Check(ConfigArgs),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML); without it `comptroller.toml` in the current folder, if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

pub(crate) fn run(screen: Screen, verb: &Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Print { source, .. } => {
            let loaded = load(source.config.as_deref(), std::env::vars())?;
            print(&printed(&loaded))?;
        }
        Verb::Check(source) => {
            let loaded = load(source.config.as_deref(), std::env::vars())?;
            serve::check(&loaded.config)?;
            let file = loaded.file.as_ref().map(|file| file.display().to_string());
            let answer = Answer::of_value(serde_json::json!({ "ok": true, "file": file }));
            screen.print(&answer, |_| {
                format!("ok: {}\n", file.as_deref().unwrap_or("defaults and environment"))
            })?;
        }
    }
    Ok(Exit::OK)
}
