//! `comptroller waiver`: exceptions from rules, for a time.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use clap::{Args, Subcommand};
use comptroller_app::assess::Because;
use comptroller_app::waivers::{DecideWaiver, RequestWaiver};
use comptroller_core::vocab::Vote;
use comptroller_core::{Environment, Slug, TagText};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask that a waiver takes the place of a rule, for one version in one environment, for a time.
    Request(Box<Request>),
    /// List waivers; a granted one warns when its end is near.
    List {
        /// Only those for this version.
        #[arg(long)]
        version: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Grant or refuse a waiver.
    Decide {
        /// Its id.
        waiver: String,
        /// In favour, or against.
        #[arg(value_parser = one_of(Vote::ALL, Vote::as_str))]
        vote: Vote,
        /// Why.
        #[arg(long)]
        comment: String,
    },
    /// End a waiver before its time.
    End {
        /// Its id.
        waiver: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The rule.
    rule: Slug,
    /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
    version: String,
    /// Where.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
    /// The person who answers for it, by id.
    #[arg(long)]
    owner: String,
    /// The ticket that it belongs to.
    #[arg(long)]
    ticket: TagText,
    /// For how many days, 1 to 90.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// Why, and what limits the risk meanwhile.
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Request(request) => {
            let Request { rule, version, environment, owner, ticket, days, reason } = *request;
            let command = RequestWaiver { rule, version, environment, owner, ticket, days, reason };
            screen.object(&client.post(&path(&["waivers"]), &command)?)
        }
        Verb::List { version, paging } => {
            let answer = client.list(&path(&["waivers"]), &[("version", version)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("RULE", "/rule"),
                    ("VERSION", "/version"),
                    ("ENVIRONMENT", "/environment"),
                    ("STATE", "/state"),
                    ("EXPIRES", "/expires_at"),
                    ("WARNING", "/warning"),
                ],
            )
        }
        Verb::Decide { waiver, vote, comment } => screen
            .object(&client.post(&path(&["waivers", &waiver, "decision"]), &DecideWaiver { vote, comment })?),
        Verb::End { waiver, reason } => {
            screen.object(&client.post(&path(&["waivers", &waiver, "end"]), &Because { reason })?)
        }
    }
}
