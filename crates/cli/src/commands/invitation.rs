//! `comptroller invitation`: how a person comes to the first token of their own.

use super::Context;
use super::token::{Secret, issue_secret};
use crate::args::NewToken;
use crate::client::path;
use clap::Subcommand;
use comptroller_app::invitations::InvitePerson;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Invite a person; the invitation is shown this once. An earlier one that is open ends.
    Issue {
        /// The person's id.
        person: String,
        /// Days until it ends, 1 to 7.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=7))]
        days: u32,
        #[command(flatten)]
        secret: Secret,
    },
    /// Make a token of your own: give the invitation in place of a token. It works once, and ends every earlier token
    /// and session of yours.
    Accept {
        #[command(flatten)]
        token: NewToken,
        #[command(flatten)]
        secret: Secret,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Issue { person, days, secret } => {
            issue_secret(context, &path(&["invitations"]), &InvitePerson { person, days }, &secret)
        }
        Verb::Accept { token, secret } => {
            issue_secret(context, &path(&["invitations", "accept"]), &token.own(), &secret)
        }
    }
}
