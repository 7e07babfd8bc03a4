//! `comptroller remediation`: what is done about findings.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::{Args, Subcommand};
use comptroller_app::remediations::{CloseRemediation, OpenRemediation, PlanRemediation};
use comptroller_core::ids::EvidenceId;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List remediations.
    List {
        /// Only those of this system.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a remediation: what was found, what is done, and how it ended.
    Show {
        /// Its id.
        remediation: String,
    },
    /// Say that something must be put right. A bias test that fails opens one by itself.
    Open {
        /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        version: String,
        /// What was found.
        #[arg(long)]
        finding: String,
    },
    /// Say who does what about it, and until when; the last plan counts.
    Plan(Box<Plan>),
    /// End it: by a later bias test that passed, or by accepting what remains.
    Close(Close),
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Its id.
    remediation: String,
    /// The person who answers for it, by id.
    #[arg(long)]
    owner: String,
    /// What is done.
    #[arg(long)]
    mitigation: String,
    /// In how many days it is done, 1 to 180.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=180))]
    days: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Close {
    /// Its id.
    remediation: String,
    /// The evidence of a bias test of a version of the system that was made after the finding and passed.
    #[arg(long, value_name = "EVIDENCE", required_unless_present = "accept", conflicts_with = "accept")]
    retest: Option<EvidenceId>,
    /// Accept what remains, as a risk officer who did not build the version.
    #[arg(long)]
    accept: bool,
    /// Why.
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::List { system, paging } => {
            let answer = client.list(&path(&["remediations"]), &[("system", system)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("VERSION", "/version"),
                    ("CAUSE", "/cause"),
                    ("STATE", "/state"),
                    ("OWNER", "/owner"),
                    ("DUE", "/due_at"),
                    ("FINDING", "/finding"),
                ],
            )
        }
        Verb::Show { remediation } => {
            screen.object(&client.get(&path(&["remediations", &remediation]), &[])?)
        }
        Verb::Open { version, finding } => {
            screen.object(&client.post(&path(&["remediations"]), &OpenRemediation { version, finding })?)
        }
        Verb::Plan(plan) => {
            let Plan { remediation, owner, mitigation, days } = *plan;
            let command = PlanRemediation { owner, mitigation, days };
            screen.object(&client.post(&path(&["remediations", &remediation, "plan"]), &command)?)
        }
        Verb::Close(Close { remediation, retest, reason, .. }) => {
            let command = CloseRemediation { retest, reason };
            screen.object(&client.post(&path(&["remediations", &remediation, "closure"]), &command)?)
        }
    }
}
