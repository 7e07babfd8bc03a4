//! `comptroller system`: the inventory of AI systems.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::failure::Failure;
use crate::input::{one_of, read_command};
use crate::output::Column;
use clap::{Args, Subcommand};
use comptroller_app::classify::ClassifySystem;
use comptroller_app::systems::{LinkSystem, RegisterSystem, SetTag, UpdateSystem};
use comptroller_core::private::SystemText;
use comptroller_core::vocab::{Relation, RiskTier, SystemKind, SystemStatus};
use comptroller_core::{Slug, TagText};
use std::path::PathBuf;

const COLUMNS: &[Column] = &[
    ("NAME", "/slug"),
    ("TITLE", "/text/title"),
    ("KIND", "/kind"),
    ("STATUS", "/status"),
    ("TIER", "/risk_tier"),
    ("ID", "/id"),
    ("UPDATED", "/updated_at"),
];

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register an AI system, by options or from a file.
    Register(Box<Register>),
    /// List systems.
    List(Box<List>),
    /// Show a system.
    Show {
        /// Its name or id.
        system: String,
    },
    /// Change facts of a system; what is not named stays.
    Update(Box<Update>),
    /// Say how a system hangs together with another one, or with a vendor.
    Link(Link),
    /// Say which risk tier a system has, and why.
    Classify {
        /// Its name or id.
        system: String,
        /// The tier.
        #[arg(value_parser = one_of(RiskTier::ALL, RiskTier::as_str))]
        tier: RiskTier,
        /// Why: the use, the article or rule it falls under, and who is affected.
        #[arg(long)]
        reason: String,
    },
    /// Set a free-form tag.
    Tag(Tag),
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Its short name.
    #[arg(required_unless_present = "file")]
    name: Option<Slug>,
    /// The whole command as JSON, or as TOML if the name ends so. `-` is JSON on stdin.
    #[arg(long, conflicts_with_all = ["name", "kind", "status", "team", "vendor", "title", "purpose", "intended_use", "population", "data_source"])]
    file: Option<PathBuf>,
    /// Where it comes from.
    #[arg(long, default_value = "own", value_parser = one_of(SystemKind::ALL, SystemKind::as_str))]
    kind: SystemKind,
    /// Where it stands in its life.
    #[arg(long, default_value = "development", value_parser = one_of(SystemStatus::ALL, SystemStatus::as_str))]
    status: SystemStatus,
    /// The owning team, by name or id.
    #[arg(long, required_unless_present = "file")]
    team: Option<String>,
    /// The vendor, by name or id; needed for a third-party API.
    #[arg(long)]
    vendor: Option<String>,
    /// Title for people.
    #[arg(long, required_unless_present = "file")]
    title: Option<String>,
    /// Why it exists.
    #[arg(long, required_unless_present = "file")]
    purpose: Option<String>,
    /// Where and how it is meant to be used, and where not.
    #[arg(long, default_value = "")]
    intended_use: String,
    /// Whom its output affects. May be given several times.
    #[arg(long)]
    population: Vec<String>,
    /// Where its data come from. May be given several times.
    #[arg(long)]
    data_source: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this kind.
    #[arg(long, value_parser = one_of(SystemKind::ALL, SystemKind::as_str))]
    kind: Option<SystemKind>,
    /// Only of this status.
    #[arg(long, value_parser = one_of(SystemStatus::ALL, SystemStatus::as_str))]
    status: Option<SystemStatus>,
    /// Only of this team, by name or id.
    #[arg(long)]
    team: Option<String>,
    /// Only with this text in the short name.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only with this tag, as KEY or KEY=VALUE.
    #[arg(long)]
    tag: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Its name or id.
    system: String,
    /// Where it stands in its life.
    #[arg(long, value_parser = one_of(SystemStatus::ALL, SystemStatus::as_str))]
    status: Option<SystemStatus>,
    /// The owning team, by name or id.
    #[arg(long)]
    team: Option<String>,
    /// Its description as a whole, from a JSON or TOML file: title, purpose, `intended_use`, populations,
    /// `data_sources`.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Link {
    /// The system, by name or id.
    system: String,
    /// The relation.
    #[arg(value_parser = one_of(Relation::ALL, Relation::as_str))]
    relation: Relation,
    /// The other system, by name or id.
    #[arg(long, value_name = "SYSTEM", required_unless_present = "to_vendor")]
    to_system: Option<String>,
    /// The vendor, by name or id.
    #[arg(long, value_name = "VENDOR", conflicts_with = "to_system")]
    to_vendor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// The system, by name or id.
    system: String,
    /// The key. Keys and values stand in the log in clear, so they must not name a person.
    key: TagText,
    /// The value.
    #[arg(required_unless_present = "remove")]
    value: Option<TagText>,
    /// Remove the tag.
    #[arg(long, conflicts_with = "value")]
    remove: bool,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Register(arguments) => {
            screen.object(&client.post(&path(&["systems"]), &registration(*arguments)?)?)
        }
        Verb::List(list) => {
            let query = [
                ("kind", list.kind.map(|kind| kind.to_string())),
                ("status", list.status.map(|status| status.to_string())),
                ("team", list.team),
                ("q", list.search),
                ("tag", list.tag),
            ];
            screen.table(&client.list(&path(&["systems"]), &query, &list.paging)?, COLUMNS)
        }
        Verb::Show { system } => screen.object(&client.get(&path(&["systems", &system]), &[])?),
        Verb::Update(update) => {
            let text: Option<SystemText> = update.text.as_deref().map(read_command).transpose()?;
            if update.status.is_none() && update.team.is_none() && text.is_none() {
                return Err(Failure::usage(
                    "nothing to change",
                    "name at least one of --status, --team, --text",
                ));
            }
            let command = UpdateSystem { status: update.status, owner_team: update.team, text };
            screen.object(&client.patch(&path(&["systems", &update.system]), &command)?)
        }
        Verb::Link(link) => {
            let Link { system, relation, to_system, to_vendor } = link;
            let command = LinkSystem { relation, to_system, to_vendor };
            screen.object(&client.post(&path(&["systems", &system, "links"]), &command)?)
        }
        Verb::Classify { system, tier, reason } => {
            let command = ClassifySystem { tier, reason };
            screen.object(&client.post(&path(&["systems", &system, "classification"]), &command)?)
        }
        Verb::Tag(tag) => {
            let command = SetTag { key: tag.key, value: tag.value };
            screen.object(&client.post(&path(&["systems", &tag.system, "tags"]), &command)?)
        }
    }
}

fn registration(arguments: Register) -> anyhow::Result<RegisterSystem> {
    if let Some(file) = &arguments.file {
        return read_command(file);
    }
    let missing = || Failure::usage("name, --team, --title and --purpose are needed", "give them, or --file");
    Ok(RegisterSystem {
        slug: arguments.name.ok_or_else(missing)?,
        kind: arguments.kind,
        status: arguments.status,
        owner_team: arguments.team.ok_or_else(missing)?,
        vendor: arguments.vendor,
        text: SystemText {
            title: arguments.title.ok_or_else(missing)?,
            purpose: arguments.purpose.ok_or_else(missing)?,
            intended_use: arguments.intended_use,
            populations: arguments.population,
            data_sources: arguments.data_source,
        },
    })
}
