//! `comptroller deploy`, `rollback`, `drill` and `deployments`: what runs where, and the way back.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use crate::output::Column;
use clap::{Args, Subcommand};
use comptroller_app::deploy::{Deploy, DrillRollback, Rollback};
use comptroller_core::{Environment, Label};

/// Columns of a list of deployments.
pub(super) const COLUMNS: &[Column] = &[
    ("ENVIRONMENT", "/environment"),
    ("LABEL", "/label"),
    ("KIND", "/kind"),
    ("LIVE FROM", "/live_from"),
    ("LIVE UNTIL", "/live_until"),
    ("VERSION", "/version"),
    ("ENTRY", "/ledger_index"),
];

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
    version: String,
    /// Where.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The model's id, its name, or SYSTEM/MODEL.
    model: String,
    /// Where.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
    /// The label to return to; without it, the version that served before the present one.
    #[arg(long, value_name = "LABEL")]
    to: Option<Label>,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// The model's id, its name, or SYSTEM/MODEL.
    model: String,
    /// Where.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List deployments and rollbacks, newest first.
    List {
        /// Only those of this system, by name or id.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}

pub(crate) fn deploy(context: &Context, arguments: DeployArgs) -> anyhow::Result<()> {
    let DeployArgs { version, environment, reason } = arguments;
    let command = Deploy { version, environment, reason };
    context.screen.object(&context.client.post(&path(&["deployments"]), &command)?)
}

pub(crate) fn rollback(context: &Context, arguments: RollbackArgs) -> anyhow::Result<()> {
    let RollbackArgs { model, environment, to, reason } = arguments;
    let command = Rollback { model, environment, to, reason };
    context.screen.object(&context.client.post(&path(&["rollbacks"]), &command)?)
}

pub(crate) fn drill(context: &Context, arguments: DrillArgs) -> anyhow::Result<()> {
    let DrillArgs { model, environment } = arguments;
    let command = DrillRollback { model, environment };
    // The server reads every artifact back.
    context.screen.object(&context.client.post_long(&path(&["drills"]), &command)?)
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Verb::List { system, paging } = verb;
    let answer = context.client.list(&path(&["deployments"]), &[("system", system)], &paging)?;
    context.screen.table(&answer, COLUMNS)
}
