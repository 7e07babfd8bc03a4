//! `comptroller delegation`: who votes in whose stead, for a time.

use super::Context;
use super::factor::Code;
use crate::args::Paging;
use crate::client::path;
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::delegations::CreateDelegation;
use comptroller_core::Timestamp;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Name somebody who votes in your stead, everywhere or on one system, for a time.
    Create(Box<Create>),
    /// End a delegation before its time. Votes that were cast by it no longer count.
    End {
        /// Its id.
        delegation: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List delegations.
    List {
        /// Only those from or to this person, by id.
        #[arg(long)]
        person: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The person who will vote, by id.
    delegate: String,
    /// The one system that it is about; without it, every system on which you may vote.
    #[arg(long)]
    system: Option<String>,
    /// From when on, for example 2026-07-27T12:00:00Z; without it, at once.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// For how many days, 1 to 30.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=30))]
    days: u32,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    code: Code,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Create(create) => {
            let Create { delegate, system, from, days, reason, code } = *create;
            let second_factor = code.factor();
            let command = CreateDelegation { delegate, system, starts_at: from, days, reason, second_factor };
            screen.object(&client.post(&path(&["delegations"]), &command)?)
        }
        Verb::End { delegation, reason } => {
            screen.object(&client.post(&path(&["delegations", &delegation, "end"]), &Because { reason })?)
        }
        Verb::List { person, paging } => {
            let answer = client.list(&path(&["delegations"]), &[("person", person)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("FROM", "/delegator"),
                    ("TO", "/delegate"),
                    ("SYSTEM", "/system"),
                    ("STATE", "/state"),
                    ("STARTS", "/starts_at"),
                    ("ENDS", "/ends_at"),
                ],
            )
        }
    }
}
