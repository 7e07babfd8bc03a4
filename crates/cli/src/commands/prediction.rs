//! `comptroller prediction`: send records and labels, find one again, and prove it.

use super::Context;
use crate::client::{Answer, path};
use crate::failure::Failure;
use crate::input::{one_of, pair};
use crate::output::{line, note, print, write_file};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comptroller_app::predictions::proof::verify;
use comptroller_app::predictions::{Batch, FileOptions, PredictionProof, batches};
use comptroller_core::{Environment, Timestamp};
use comptroller_ledger::VerifierKey;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Send predictions from a file: lines of JSON, Parquet, or an Arrow IPC file. Sending the same file again does
    /// nothing: its batches are known.
    Send(SendArgs),
    /// Send labels from such a file: what came true, by the id of the prediction. They may come before it, and the last
    /// one of a prediction counts.
    Label(LabelArgs),
    /// Show a prediction: the record, the version, who deployed it on whose approval, and what came true.
    Show {
        /// The AI system, by id or name.
        system: String,
        /// The prediction's id.
        id: String,
        /// So many records of the id before the newest, where a sender gave one id to several predictions.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        earlier: u32,
        /// Get its proof too, and verify here that the record was sealed and logged; ends as `verify-prediction` does.
        #[arg(long, requires = "key")]
        prove: bool,
        /// Verification key of the log that you trust, NAME+HASH+KEY, from another source than this server. May be
        /// given several times.
        #[arg(long, value_name = "VKEY", requires = "prove")]
        key: Vec<VerifierKey>,
    },
    /// Get the proof of a prediction; `verify-prediction` checks it offline. A file gets the compact form, some 2 KB
    /// that mean the same.
    Prove {
        /// The AI system, by id or name.
        system: String,
        /// The prediction's id.
        id: String,
        /// So many records of the id before the newest.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        earlier: u32,
        /// Write the proof to this file instead of stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Write the readable form, which is JSON, to the file.
        #[arg(long, requires = "out")]
        readable: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The file. In JSON each line is a record with `id`, `time`, `prediction`, `score`, `inputs` and so on; in the
    /// others these are columns, and every other column is an input.
    file: PathBuf,
    #[command(flatten)]
    batches: BatchArgs,
    /// A file with further columns of the same records, such as the inputs.
    #[arg(long, value_name = "FILE", requires = "on")]
    join: Option<PathBuf>,
    /// The column by which the rows of both files are found.
    #[arg(long, value_name = "COLUMN", requires = "join")]
    on: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// The file. In JSON each line has `id` and `label`, and `time` if it says when that came true; in the others these
    /// are columns, and no other column is looked at.
    file: PathBuf,
    #[command(flatten)]
    batches: BatchArgs,
}

/// Whose records or labels they are, and how they are sent.
#[derive(Debug, Args)]
struct BatchArgs {
    /// The version that made the predictions: its id, or `model@label`.
    #[arg(long, value_name = "VERSION")]
    model: String,
    /// Where it runs.
    #[arg(long, value_name = "ENVIRONMENT", value_parser = one_of(Environment::ALL, Environment::as_str))]
    env: Environment,
    /// A column that has another name than it has to have, such as `prediction=decision`. May be given several times.
    #[arg(long, value_name = "NAME=COLUMN", value_parser = pair::<String>)]
    column: Vec<(String, String)>,
    /// When they were made, if they do not say; else it is now.
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
    /// Rows of one batch.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_rows: u32,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Send(SendArgs { file, batches, join, on }) => {
            send(context, "predictions", &file, &batches, join.zip(on))
        }
        Verb::Label(LabelArgs { file, batches }) => send(context, "labels", &file, &batches, None),
        Verb::Show { system, id, earlier, key, .. } => {
            let query = [("earlier", before(earlier))];
            let mut answer = client.get(&path(&["systems", &system, "predictions", &id]), &query)?;
            if let Some(same) = answer.value["same_id"].as_u64().filter(|same| *same > 1) {
                note(&format!(
                    "{same} records have this id, and {earlier} of them are newer than this one: --earlier names another"
                ));
            }
            if !key.is_empty() {
                let record = &answer.value["record"];
                answer.value["proof"] = proven(context, &system, &id, earlier, record, &key)?;
                answer = Answer::of_value(answer.value);
            }
            screen.object(&answer)
        }
        Verb::Prove { system, id, earlier, out, readable } => {
            let query = [("earlier", before(earlier))];
            let answer = client.get(&path(&["systems", &system, "predictions", &id, "proof"]), &query)?;
            // The proof is the answer in every format: it is made for other programs.
            let Some(out) = out else { return print(&line(&answer)) };
            let bytes = if readable { line(&answer).into_bytes() } else { compact(&answer)? };
            write_file(&out, &bytes)
                .with_context(|| format!("the proof cannot be written to {}", out.display()))?;
            note(&format!("the proof is in {}, {} bytes", out.display(), bytes.len()));
            Ok(())
        }
    }
}

/// The query for a record before the newest.
fn before(earlier: u32) -> Option<String> {
    (earlier > 0).then(|| earlier.to_string())
}

/// What the proof of a prediction shows under keys that the caller trusts; it has to be about the very record.
fn proven(
    context: &Context,
    system: &str,
    id: &str,
    earlier: u32,
    record: &Value,
    keys: &[VerifierKey],
) -> anyhow::Result<Value> {
    let query = [("earlier", before(earlier))];
    let answer = context.client.get(&path(&["systems", system, "predictions", id, "proof"]), &query)?;
    let bytes = line(&answer).into_bytes();
    let verified = serde_json::to_value(verify(&bytes, keys, "the proof").map_err(Failure::Verify)?)?;
    if verified["record"] != *record {
        anyhow::bail!("the server shows another record than it proves: trust neither, and keep both answers");
    }
    Ok(json!({
        "verified": true,
        "ledger_index": verified["ledger_index"],
        "recorded_at": Timestamp::from_micros(verified["recorded_at"].as_i64().unwrap_or_default()),
        "signed_by": verified["signed_by"],
    }))
}

fn compact(answer: &Answer) -> anyhow::Result<Vec<u8>> {
    let proof: PredictionProof = serde_json::from_value(answer.value.clone())?;
    proof.to_compact().context("the server's proof is not well formed")
}

fn send(
    context: &Context,
    kind: &str,
    file: &Path,
    arguments: &BatchArgs,
    join: Option<(PathBuf, String)>,
) -> anyhow::Result<()> {
    let shown = file.display();
    let refused = |problem: String| Failure::usage(format!("{shown}: {problem}"), "give a file of records");
    let mut sent = 0_u64;
    let mut known = 0_u64;
    let options = FileOptions {
        rows: arguments.batch_rows as usize,
        rename: arguments.column.iter().map(|(name, column)| (column.clone(), name.clone())).collect(),
        join,
        time: arguments.time.map(|time| time.to_string()),
    };
    for batch in batches(file, options).map_err(|error| refused(error.to_string()))? {
        let Batch { id, media_type, bytes } = batch.map_err(|error| refused(error.to_string()))?;
        let query = [
            ("version", Some(arguments.model.clone())),
            ("environment", Some(arguments.env.to_string())),
            ("batch", Some(id)),
        ];
        let answer =
            context.client.post_records(&path(&[kind]), &query, media_type, &bytes).with_context(|| {
                format!("{shown}: stopped after {sent} records; run the command again to go on")
            })?;
        let records = answer.value["records"].as_u64().unwrap_or(0);
        sent += records;
        known += if answer.value["repeated"] == true { records } else { 0 };
    }
    let summary = serde_json::json!({ "file": file, "records": sent, "known_before": known });
    context.screen.object(&Answer::of_value(summary))
}
