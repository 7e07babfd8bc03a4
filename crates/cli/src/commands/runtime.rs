//! `comptroller runtime`: what running processes have loaded, held against the record.

use super::Context;
use crate::client::path;
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::runtime::ReportRuntime;
use comptroller_core::{Digest, Environment, Slug};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Report the model file that a process has loaded.
    Report {
        /// The system, by name or id.
        #[arg(long)]
        system: String,
        /// Where the process runs.
        #[arg(long, value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
        /// Which process or host.
        #[arg(long)]
        instance: Slug,
        /// SHA-256 of the model file.
        #[arg(long, value_name = "SHA256")]
        loaded: Digest,
    },
    /// List what each process last reported.
    List {
        /// The system, by name or id.
        system: String,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Report { system, environment, instance, loaded } => {
            let command = ReportRuntime { system, environment, instance, loaded };
            screen.object(&client.post(&path(&["runtimes"]), &command)?)
        }
        Verb::List { system } => {
            let answer = client.get(&path(&["systems", &system, "runtimes"]), &[])?;
            screen.table(
                &answer,
                &[
                    ("ENVIRONMENT", "/environment"),
                    ("INSTANCE", "/instance"),
                    ("MATCHES", "/matches"),
                    ("LOADED", "/loaded"),
                    ("REPORTED", "/reported_at"),
                ],
            )
        }
    }
}
