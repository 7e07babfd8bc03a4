//! `comptroller role`: what people and service accounts may do.

use super::Context;
use crate::client::path;
use crate::input::one_of;
use clap::{Args, Subcommand};
use comptroller_app::people::ChangeRole;
use comptroller_core::Role;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give a role.
    Grant(Which),
    /// Take a role away.
    Revoke(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// A person's id, or a service account's name or id.
    principal: String,
    /// The role.
    #[arg(value_parser = one_of(Role::ALL, Role::as_str))]
    role: Role,
    /// Only for this system, by name or id; without it for the whole organisation.
    #[arg(long)]
    system: Option<String>,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let (act, which) = match verb {
        Verb::Grant(which) => ("grant", which),
        Verb::Revoke(which) => ("revoke", which),
    };
    let Which { principal, role, system } = which;
    let answer = context.client.post(&path(&["roles", act]), &ChangeRole { principal, role, system })?;
    context.screen.object(&answer)
}
