//! `comptroller version`: immutable versions of models.

use super::Context;
use crate::args::Paging;
use crate::client::path;
use crate::failure::Failure;
use crate::input::{pair, read_command};
use clap::{Args, Subcommand};
use comptroller_app::models::{Annotate, NameArtifact, NameDataset, RegisterVersion};
use comptroller_core::ids::PrincipalId;
use comptroller_core::name::Commit;
use comptroller_core::private::{Port, VersionText};
use comptroller_core::vocab::DatasetUse;
use comptroller_core::{Digest, Label, Timestamp};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register an immutable version, by options or from a file. Its artifacts must be uploaded before.
    Register(Box<Register>),
    /// List the versions of a model.
    List {
        /// The model's id, its name, or SYSTEM/MODEL.
        model: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a version.
    Show {
        /// Its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        version: String,
    },
    /// Add a note to a version. The version itself never changes.
    Annotate {
        /// Its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        version: String,
        /// The words.
        text: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The model's id, its name, or SYSTEM/MODEL.
    model: String,
    /// The whole command as JSON, or as TOML if the name ends so. `-` is JSON on stdin.
    #[arg(long, conflicts_with_all = ["label", "artifact", "training_started", "training_ended", "commit", "dataset", "metric", "seed", "builder", "hyperparameter", "input", "output", "reproduce", "notes"])]
    file: Option<PathBuf>,
    /// The label, unique in the model.
    #[arg(long, required_unless_present = "file")]
    label: Option<Label>,
    /// A file of it, as NAME=SHA256. May be given several times.
    #[arg(long, value_name = "NAME=SHA256", value_parser = artifact, required_unless_present = "file")]
    artifact: Vec<NameArtifact>,
    /// When training began, RFC 3339.
    #[arg(long, value_name = "TIME", required_unless_present = "file")]
    training_started: Option<Timestamp>,
    /// When training ended, RFC 3339.
    #[arg(long, value_name = "TIME", required_unless_present = "file")]
    training_ended: Option<Timestamp>,
    /// Commit of the training code, or a digest over its files: 7 to 64 hexadecimal digits.
    #[arg(long, required_unless_present = "file")]
    commit: Option<Commit>,
    /// A dataset version and what it was used for, as DATASET@LABEL=USE; USE is training, validation, test or
    /// fine-tuning. May be given several times.
    #[arg(long, value_name = "VERSION=USE", value_parser = dataset)]
    dataset: Vec<NameDataset>,
    /// A held-out metric, as NAME=NUMBER. May be given several times.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = pair::<f64>)]
    metric: Vec<(String, f64)>,
    /// Seed of the training run.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Id of somebody who built it. You are always among them. May be given several times.
    #[arg(long, value_name = "PERSON")]
    builder: Vec<PrincipalId>,
    /// A hyperparameter, as NAME=JSON. May be given several times.
    #[arg(long, value_name = "NAME=JSON", value_parser = pair::<Value>)]
    hyperparameter: Vec<(String, Value)>,
    /// An input of the model, as NAME=TYPE. May be given several times.
    #[arg(long, value_name = "NAME=TYPE", value_parser = pair::<String>)]
    input: Vec<(String, String)>,
    /// An output of the model, as NAME=TYPE. May be given several times.
    #[arg(long, value_name = "NAME=TYPE", value_parser = pair::<String>)]
    output: Vec<(String, String)>,
    /// How to repeat the training run.
    #[arg(long, default_value = "")]
    reproduce: String,
    /// Anything else that should be on record.
    #[arg(long, default_value = "")]
    notes: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Register(arguments) => {
            let path = path(&["models", &arguments.model, "versions"]);
            screen.object(&client.post(&path, &registration(*arguments)?)?)
        }
        Verb::List { model, paging } => {
            let answer = client.list(&path(&["models", &model, "versions"]), &[], &paging)?;
            screen.table(
                &answer,
                &[
                    ("LABEL", "/label"),
                    ("ID", "/id"),
                    ("COMMIT", "/code_commit"),
                    ("TRAINED", "/training_ended"),
                    ("REGISTERED", "/registered_at"),
                ],
            )
        }
        Verb::Show { version } => screen.object(&client.get(&path(&["versions", &version]), &[])?),
        Verb::Annotate { version, text } => {
            screen.object(&client.post(&path(&["versions", &version, "annotations"]), &Annotate { text })?)
        }
    }
}

fn registration(arguments: Register) -> anyhow::Result<RegisterVersion> {
    if let Some(file) = &arguments.file {
        return read_command(file);
    }
    let missing = || Failure::usage("an option of the version is missing", "see --help, or give --file FILE");
    Ok(RegisterVersion {
        label: arguments.label.ok_or_else(missing)?,
        builders: arguments.builder,
        artifacts: arguments.artifact,
        training_started: arguments.training_started.ok_or_else(missing)?,
        training_ended: arguments.training_ended.ok_or_else(missing)?,
        code_commit: arguments.commit.ok_or_else(missing)?,
        datasets: arguments.dataset,
        metrics: arguments.metric.into_iter().collect(),
        seed: arguments.seed,
        text: VersionText {
            hyperparameters: arguments.hyperparameter.into_iter().collect(),
            inputs: ports(arguments.input),
            outputs: ports(arguments.output),
            reproduce: arguments.reproduce,
            notes: arguments.notes,
        },
    })
}

/// Ports given as options must be there; optional ones can be stated in a file.
fn ports(given: Vec<(String, String)>) -> Vec<Port> {
    given.into_iter().map(|(name, kind)| Port { name, kind, required: true }).collect()
}

fn artifact(text: &str) -> Result<NameArtifact, String> {
    let (name, digest) = pair::<Digest>(text)?;
    Ok(NameArtifact { name: name.parse().map_err(|error| format!("{error}"))?, digest })
}

fn dataset(text: &str) -> Result<NameDataset, String> {
    let (version, purpose) = pair::<DatasetUse>(text)?;
    Ok(NameDataset { version, purpose })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_and_datasets_are_checked_before_anything_is_sent() {
        let digest = "b".repeat(64);
        assert_eq!(artifact(&format!("model.txt={digest}")).unwrap().name.as_str(), "model.txt");
        assert!(artifact(&format!("Model={digest}")).is_err());
        assert!(artifact("model.txt=12").unwrap_err().contains("hexadecimal"));
        assert_eq!(dataset("acs@2014=training").unwrap().purpose, DatasetUse::Training);
        assert!(dataset("acs@2014=fit").unwrap_err().contains("training"));
    }
}
