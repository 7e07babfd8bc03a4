//! `comptroller dataset`: datasets, their immutable versions, and what was made from what.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::failure::Failure;
use crate::input::{one_of, read_command};
use crate::output::{Column, cell, table};
use clap::{Args, Subcommand};
use comptroller_app::datasets::{RegisterDataset, RegisterDatasetVersion};
use comptroller_core::event::DatasetFile;
use comptroller_core::private::{DatasetText, DatasetVersionText};
use comptroller_core::vocab::{CollectionMethod, LegalBasis, PiiCategory};
use comptroller_core::{Label, Slug, TagText};
use serde_json::Value;
use std::path::PathBuf;

const COLUMNS: &[Column] =
    &[("NAME", "/slug"), ("TITLE", "/text/title"), ("ID", "/id"), ("REGISTERED", "/registered_at")];
const VERSION_COLUMNS: &[Column] = &[
    ("LABEL", "/label"),
    ("ROWS", "/rows"),
    ("LICENCE", "/licence"),
    ("LEGAL BASIS", "/legal_basis"),
    ("PERSONAL DATA", "/personal_data"),
    ("ID", "/id"),
    ("REGISTERED", "/registered_at"),
];

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register a dataset.
    Register {
        /// Its short name.
        name: Slug,
        /// The owning team, by name or id.
        #[arg(long)]
        team: String,
        /// Title for people.
        #[arg(long)]
        title: String,
        /// What it holds.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List datasets.
    List(Paging),
    /// Show a dataset.
    Show {
        /// Its name or id.
        dataset: String,
    },
    /// Register an immutable version, by options or from a file.
    RegisterVersion(Box<RegisterVersion>),
    /// List the versions of a dataset.
    Versions {
        /// The dataset's name or id.
        dataset: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show everything that a version was made from.
    Lineage {
        /// The version, as DATASET@LABEL or id.
        version: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RegisterVersion {
    /// The dataset's name or id.
    dataset: String,
    /// The whole command as JSON, or as TOML if the name ends so. `-` is JSON on stdin.
    #[arg(long, conflicts_with_all = ["label", "data_file", "rows", "licence", "collection", "legal_basis", "personal_data", "retention_days", "derived_from", "origin", "consent", "transformation"])]
    file: Option<PathBuf>,
    /// Its label, unique in the dataset.
    #[arg(long, required_unless_present = "file")]
    label: Option<Label>,
    /// A file of it, as NAME:SHA256:BYTES. May be given several times.
    #[arg(long, value_parser = dataset_file, required_unless_present = "file")]
    data_file: Vec<DatasetFile>,
    /// Rows in all.
    #[arg(long, required_unless_present = "file")]
    rows: Option<u64>,
    /// Licence, as an SPDX expression or a short name.
    #[arg(long, required_unless_present = "file")]
    licence: Option<TagText>,
    /// How it was collected.
    #[arg(long, required_unless_present = "file", value_parser = one_of(CollectionMethod::ALL, CollectionMethod::as_str))]
    collection: Option<CollectionMethod>,
    /// Legal basis of its use.
    #[arg(long, default_value = "unstated", value_parser = one_of(LegalBasis::ALL, LegalBasis::as_str))]
    legal_basis: LegalBasis,
    /// A category of personal data in it. May be given several times.
    #[arg(long, value_parser = one_of(PiiCategory::ALL, PiiCategory::as_str))]
    personal_data: Vec<PiiCategory>,
    /// Longest keeping, in days.
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<u32>,
    /// What it was made from, as DATASET@LABEL or a version's id. May be given several times.
    #[arg(long, value_name = "VERSION")]
    derived_from: Vec<String>,
    /// Source, with address and date.
    #[arg(long, required_unless_present = "file")]
    origin: Option<String>,
    /// Consent or legal basis, in words.
    #[arg(long, default_value = "")]
    consent: String,
    /// A step of what was done to the sources. May be given several times, in order.
    #[arg(long)]
    transformation: Vec<String>,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Register { name, team, title, description } => {
            let text = DatasetText { title, description };
            let command = RegisterDataset { slug: name, owner_team: team, text };
            screen.object(&client.post(&path(&["datasets"]), &command)?)
        }
        Verb::List(paging) => screen.table(&client.list(&path(&["datasets"]), &[], &paging)?, COLUMNS),
        Verb::Show { dataset } => screen.object(&client.get(&path(&["datasets", &dataset]), &[])?),
        Verb::RegisterVersion(arguments) => {
            let path = path(&["datasets", &arguments.dataset, "versions"]);
            screen.object(&client.post(&path, &registration(*arguments)?)?)
        }
        Verb::Versions { dataset, paging } => {
            let path = path(&["datasets", &dataset, "versions"]);
            screen.table(&client.list(&path, &[], &paging)?, VERSION_COLUMNS)
        }
        Verb::Lineage { version } => {
            let answer = client.get(&path(&["dataset-versions", &version, "lineage"]), &[])?;
            screen.print(&answer, |value| lineage(value, context))
        }
    }
}

fn registration(arguments: RegisterVersion) -> anyhow::Result<RegisterDatasetVersion> {
    if let Some(file) = &arguments.file {
        return read_command(file);
    }
    let missing = || Failure::usage("an option of the version is missing", "see --help, or give --file FILE");
    Ok(RegisterDatasetVersion {
        label: arguments.label.ok_or_else(missing)?,
        files: arguments.data_file,
        rows: arguments.rows.ok_or_else(missing)?,
        licence: arguments.licence.ok_or_else(missing)?,
        collection: arguments.collection.ok_or_else(missing)?,
        legal_basis: arguments.legal_basis,
        personal_data: arguments.personal_data,
        retention_days: arguments.retention_days,
        derived_from: arguments.derived_from,
        text: DatasetVersionText {
            origin: arguments.origin.ok_or_else(missing)?,
            consent: arguments.consent,
            transformations: arguments.transformation,
        },
    })
}

fn dataset_file(text: &str) -> Result<DatasetFile, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [name, digest, bytes] = parts.as_slice() else { return Err("expected NAME:SHA256:BYTES".into()) };
    Ok(DatasetFile {
        name: name.parse().map_err(|error| format!("{error}"))?,
        digest: digest.parse().map_err(|error| format!("{error}"))?,
        bytes: bytes.parse().map_err(|_| format!("{bytes:?} is not a number of bytes"))?,
    })
}

fn lineage(value: &Value, context: &Context) -> String {
    let ancestors = value["ancestors"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = table(ancestors, VERSION_COLUMNS, context.screen.style);
    for edge in value["edges"].as_array().into_iter().flatten() {
        text.push_str(&format!("{} was made from {}\n", cell(&edge[0]), cell(&edge[1])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_argument_says_which_part_is_wrong() {
        let digest = "a".repeat(64);
        let file = dataset_file(&format!("acs-2014.parquet:{digest}:17")).unwrap();
        assert_eq!((file.name.as_str(), file.bytes), ("acs-2014.parquet", 17));
        assert!(dataset_file("a:b").unwrap_err().contains("NAME:SHA256:BYTES"));
        assert!(dataset_file("a:b:1").unwrap_err().contains("hexadecimal"));
        assert!(dataset_file(&format!("a:{digest}:many")).unwrap_err().contains("many"));
    }
}
