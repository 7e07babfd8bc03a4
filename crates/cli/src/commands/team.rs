//! `comptroller team`: who owns systems and datasets.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use clap::{Args, Subcommand};
use comptroller_app::people::{ChangeMember, CreateTeam};
use comptroller_core::Slug;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a team.
    Create {
        /// Its name. It stands in the log in clear, so it must not name a person.
        name: Slug,
    },
    /// List teams.
    List(Paging),
    /// Add a member.
    AddMember(Member),
    /// Remove a member.
    RemoveMember(Member),
}

#[derive(Debug, Args)]
pub(crate) struct Member {
    /// The team's name or id.
    team: String,
    /// A person's id, or a service account's name or id.
    principal: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Create { name } => screen.object(&client.post(&path(&["teams"]), &CreateTeam { slug: name })?),
        Verb::List(paging) => {
            let answer = client.list(&path(&["teams"]), &[], &paging)?;
            screen.table(&answer, &[("NAME", "/slug"), ("ID", "/id"), ("MEMBERS", "/members")])
        }
        Verb::AddMember(member) => change(context, "add", member),
        Verb::RemoveMember(member) => change(context, "remove", member),
    }
}

fn change(context: &Context, act: &str, member: Member) -> anyhow::Result<()> {
    let command = ChangeMember { team: member.team, principal: member.principal };
    context.screen.object(&context.client.post(&path(&["teams", "members", act]), &command)?)
}
