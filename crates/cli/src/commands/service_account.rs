//! `comptroller service-account`: programs that act, such as pipelines.

use super::{Context, person};
use crate::args::Paging;
use crate::client::path;
use clap::Subcommand;
use comptroller_app::people::AddServiceAccount;
use comptroller_core::Slug;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a service account known.
    Add {
        /// Its name. It stands in the log in clear, so it must not name a person.
        name: Slug,
    },
    /// List people and service accounts.
    List(Paging),
    /// Show a service account.
    Show {
        /// Its name or id.
        account: String,
    },
    /// Take away all access. Nothing is deleted.
    Disable {
        /// Its name or id.
        account: String,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Add { name } => {
            let command = AddServiceAccount { slug: name };
            context.screen.object(&context.client.post(&path(&["service-accounts"]), &command)?)
        }
        Verb::List(paging) => person::list(context, &paging),
        Verb::Show { account } => person::show(context, &account),
        Verb::Disable { account } => person::disable(context, &account),
    }
}
