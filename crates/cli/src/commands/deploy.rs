//! `comptroller deploy`, `rollback`, `drill` and `deployments`: what runs where, and the way back.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use crate::output::Column;
use clap::{Args, Subcommand};
use comptroller_app::deploy::{Deploy, DrillRollback, Rollback};
use comptroller_app::monitors::SetBaseline;
use comptroller_core::{Environment, Label, Timestamp};

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
    /// First set the baseline that it is watched against: the profile among the files of the version, or of the data that
    /// it was validated or trained on.
    #[arg(long)]
    baseline_from_training: bool,
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
    /// List the changes of production: who asked, built, approved and deployed, when, and on what evidence.
    Changes {
        /// Only from this moment on (RFC 3339).
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// Only before this moment.
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        #[command(flatten)]
        paging: Paging,
    },
    /// List what runs in production as the policies see it now, and what lapses next if nobody acts.
    Running {
        /// Only in this system, by name or id.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}

pub(crate) fn deploy(context: &Context, arguments: DeployArgs) -> anyhow::Result<()> {
    let DeployArgs { version, environment, reason, baseline_from_training } = arguments;
    if baseline_from_training {
        let baseline = SetBaseline {
            version: version.clone(),
            profile: None,
            from_training: true,
            first: None,
            bands: None,
        };
        context.client.post(&path(&["baselines"]), &baseline)?;
    }
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
    let Context { client, screen } = context;
    match verb {
        Verb::List { system, paging } => {
            let answer = client.list(&path(&["deployments"]), &[("system", system)], &paging)?;
            screen.table(&answer, COLUMNS)
        }
        Verb::Changes { from, to, paging } => {
            let query = [("from", from.map(|at| at.to_string())), ("to", to.map(|at| at.to_string()))];
            let answer = client.list(&path(&["changes"]), &query, &paging)?;
            let columns = [
                ("ENTRY", "/ledger_index"),
                ("KIND", "/kind"),
                ("LABEL", "/label"),
                ("BUILT BY", "/builders"),
                ("REQUESTED BY", "/requested_by"),
                ("APPROVERS", "/approvers"),
                ("EVIDENCE", "/evidence"),
                ("WAIVED", "/waived"),
                ("OUTCOME", "/outcome"),
                ("EMERGENCY CONFIRMED BY", "/confirmed_by"),
                ("DECISION", "/decision"),
                ("DEPLOYED BY", "/deployed_by"),
                ("DEPLOYED", "/deployed_at"),
            ];
            screen.table(&answer, &columns)
        }
        Verb::Running { system, paging } => {
            let answer = client.list(&path(&["operations"]), &[("system", system)], &paging)?;
            let columns = [
                ("DEPLOYMENT", "/deployment"),
                ("SYSTEM", "/system"),
                ("LABEL", "/label"),
                ("OUTCOME", "/outcome"),
                ("RULES", "/rules"),
                ("ASKS FOR", "/asks_for"),
                ("LAPSES", "/lapses_at"),
                ("WHAT LAPSES", "/lapsing"),
            ];
            screen.table(&answer, &columns)
        }
    }
}
