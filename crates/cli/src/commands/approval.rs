//! `comptroller approval`: requests for approval, and votes.

use super::Context;
use super::factor::Code;
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::approvals::{CastVote, RequestApproval};
use comptroller_core::Environment;
use comptroller_core::ids::PrincipalId;
use comptroller_core::vocab::Vote;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask for approval of a version in an environment.
    Request {
        /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        version: String,
        /// Where it should go.
        #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List requests.
    List {
        /// Only those for this version.
        #[arg(long)]
        version: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a request with its votes.
    Show {
        /// Its id.
        approval: String,
    },
    /// Vote on a request. A denial ends it.
    Vote {
        /// Its id.
        approval: String,
        /// In favour, or against.
        #[arg(value_parser = one_of(Vote::ALL, Vote::as_str))]
        vote: Vote,
        /// Why.
        #[arg(long)]
        comment: String,
        /// The person in whose stead, by id: one who has delegated to you.
        #[arg(long, value_name = "PERSON")]
        in_stead_of: Option<PrincipalId>,
        #[command(flatten)]
        code: Code,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Request { version, environment, reason } => {
            let command = RequestApproval { version, environment, reason };
            screen.object(&client.post(&path(&["approvals"]), &command)?)
        }
        Verb::List { version, paging } => {
            let answer = client.list(&path(&["approvals"]), &[("version", version)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("VERSION", "/version"),
                    ("ENVIRONMENT", "/environment"),
                    ("STATE", "/state"),
                    ("REQUESTED", "/requested_at"),
                    ("EXPIRES", "/expires_at"),
                ],
            )
        }
        Verb::Show { approval } => screen.object(&client.get(&path(&["approvals", &approval]), &[])?),
        Verb::Vote { approval, vote, comment, in_stead_of, code } => {
            let command =
                CastVote { in_stead_of, second_factor: code.factor(), ..CastVote::new(vote, comment) };
            screen.object(&client.post(&path(&["approvals", &approval, "votes"]), &command)?)
        }
    }
}
