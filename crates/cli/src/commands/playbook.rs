//! `comptroller playbook`: what to do about an alarm. Needs no server.

use crate::client::Answer;
use crate::exit::Exit;
use crate::output::Screen;
use anyhow::bail;
use clap::Subcommand;
use comptroller_app::monitors::{PLAYBOOKS, Playbook};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them, by cause.
    List,
    /// Show one.
    Show {
        /// Its name, as alarms name it.
        name: String,
    },
}

pub(crate) fn run(screen: Screen, verb: &Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::List => {
            let items: Vec<_> = PLAYBOOKS
                .iter()
                .map(|one| json!({ "name": one.name, "title": one.title(), "about": one.about() }))
                .collect();
            let answer = Answer::of_value(json!({ "items": items }));
            screen.table(&answer, &[("NAME", "/name"), ("ABOUT", "/about")])?;
        }
        Verb::Show { name } => {
            let Some(playbook) = Playbook::named(name) else {
                let known: Vec<&str> = PLAYBOOKS.iter().map(|playbook| playbook.name).collect();
                bail!("there is no playbook {name:?}; there are: {}", known.join(", "));
            };
            let answer = Answer::of_value(json!({ "name": playbook.name, "text": playbook.text }));
            screen.print(&answer, |_| playbook.text.to_owned())?;
        }
    }
    Ok(Exit::OK)
}
