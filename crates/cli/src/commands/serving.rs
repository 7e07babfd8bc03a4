//! `comptroller serving`: which version served then?

use super::{Context, deploy};
use crate::client::path;
use crate::input::one_of;
use clap::Args;
use comptroller_core::{Environment, Timestamp};

#[derive(Debug, Args)]
pub(crate) struct ServingArgs {
    /// The system, by name or id.
    #[arg(long)]
    system: String,
    /// The moment, RFC 3339, for example 2026-07-27T12:00:00Z; without it, now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Where.
    #[arg(long, default_value = "production", value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
}

pub(crate) fn run(context: &Context, arguments: ServingArgs) -> anyhow::Result<()> {
    let query = [
        ("environment", Some(arguments.environment.to_string())),
        ("at", arguments.at.map(|moment| moment.to_string())),
    ];
    let answer = context.client.get(&path(&["systems", &arguments.system, "serving"]), &query)?;
    context.screen.table(&answer, deploy::COLUMNS)
}
