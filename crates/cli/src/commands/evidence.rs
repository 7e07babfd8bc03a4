//! `comptroller evidence`: evidence about versions and systems, and packs for auditors.

use super::artifact::save;
use super::control::moment;
use super::{Context, upload};
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::failure::Failure;
use crate::input::{one_of, pair};
use crate::output::note;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comptroller_app::assess::{Because, RecordEvidence};
use comptroller_app::bias_tests::RecordBiasTest;
use comptroller_app::controls::TestControls;
use comptroller_app::evidence::ExportPack;
use comptroller_core::name::MediaType;
use comptroller_core::time::SystemClock;
use comptroller_core::vocab::{EvidenceKind, Measure};
use comptroller_core::{Clock as _, Digest, Timestamp};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Record evidence about a version or a system: a test report, an assessment, a plan.
    Record(Box<Record>),
    /// List evidence of a system, or what counts for a version.
    List {
        /// Everything about this system: its name or id.
        #[arg(long, required_unless_present = "version")]
        system: Option<String>,
        /// What is about this version, and about its whole system: its id, or MODEL@LABEL.
        #[arg(long, conflicts_with = "system")]
        version: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Withdraw evidence: it stays on record and no longer counts.
    Withdraw {
        /// Its id.
        evidence: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Write the whole log up to now, with proofs and shown payloads, into one file that verifies offline.
    Pack {
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Show payloads under a person's or data subject's key too. Needs the right to read personal data.
        #[arg(long)]
        include_personal_data: bool,
        /// Test the controls that serve this framework over --from and --to, and put the tests into the pack.
        #[arg(long, requires = "from")]
        framework: Option<String>,
        /// Test controls from this day or moment on: 2026-01-01 or RFC 3339, UTC.
        #[arg(long, requires = "to", value_parser = moment)]
        from: Option<Timestamp>,
        /// To before this one.
        #[arg(long, requires = "from", value_parser = moment)]
        to: Option<Timestamp>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The version (its id, or MODEL@LABEL), or the system (its name or id): the kind says which it is about.
    about: String,
    /// What it is. The first five are about a version, the others about the whole system.
    #[arg(
        long, value_parser = one_of(EvidenceKind::ALL, EvidenceKind::as_str), required_unless_present = "from_report"
    )]
    kind: Option<EvidenceKind>,
    /// A report of `comptroller fairness --format json`: the bias test of the version. Whether it passed and what it
    /// measures are read from it, and it is stored as the document.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["failed", "measures", "file"])]
    from_report: Option<PathBuf>,
    /// When it was observed or written (RFC 3339); now if not given.
    #[arg(long, value_name = "TIME")]
    observed_at: Option<Timestamp>,
    /// It did not come out well.
    #[arg(long)]
    failed: bool,
    /// What it measures, for example `impact-ratio=0.83`. Once per measure.
    #[arg(long = "measure", value_name = "MEASURE=NUMBER", value_parser = pair::<String>)]
    measures: Vec<(String, String)>,
    /// The report or document, a file; it is uploaded.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Media type of the file.
    #[arg(long, default_value = "application/octet-stream")]
    media_type: MediaType,
    /// Digest over the artifacts that were tested; refused if it is not that of the version.
    #[arg(long, value_name = "SHA256")]
    subject: Option<Digest>,
    /// What a reader should know.
    #[arg(long, default_value = "")]
    note: String,
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Record(record) => screen.object(&self::record(context, *record)?),
        Verb::List { system, version, paging } => {
            let query = [("system", system), ("version", version)];
            let answer = client.list(&path(&["evidence"]), &query, &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("KIND", "/kind"),
                    ("PASSED", "/passed"),
                    ("OBSERVED", "/observed_at"),
                    ("MEASURES (MILLIONTHS)", "/measures"),
                    ("WITHDRAWN", "/withdrawn_at"),
                    ("PURGED", "/purged_at"),
                ],
            )
        }
        Verb::Withdraw { evidence, reason } => {
            screen.object(&client.post(&path(&["evidence", &evidence, "withdrawal"]), &Because { reason })?)
        }
        Verb::Pack { out, include_personal_data, framework, from, to } => {
            let window = from.zip(to);
            if let Some((_, to)) = window
                && to > SystemClock.now()
            {
                note(&format!(
                    "the window lasts until {to}: what is due until then is pending, and no samples are drawn"
                ));
            }
            let controls = window.map(|(from, to)| TestControls { from, to, framework, control: None });
            let command = ExportPack { include_personal_data, controls };
            let (digest, bytes) =
                save(&out, None, |_| client.post_for_file(&path(&["evidence", "pack"]), &command))?;
            let summary = serde_json::json!({ "file": out, "bytes": bytes, "sha256": digest });
            screen.object(&Answer::of_value(summary))
        }
    }
}

/// Uploads a file; answers its digest.
fn stored(context: &Context, file: &Path, media_type: MediaType) -> anyhow::Result<Digest> {
    let stored = upload::run(&context.client, file, media_type)?;
    // A fresh upload answers with a receipt, whose id is the digest; an earlier one with what is stored.
    Ok(stored.field("/digest").or_else(|_| stored.field("/id"))?.parse()?)
}

fn record(context: &Context, record: Record) -> anyhow::Result<Answer> {
    if let Some(file) = &record.from_report {
        if record.kind.is_some_and(|kind| kind != EvidenceKind::BiasTest) {
            return Err(Failure::usage(
                "--from-report takes a report of `comptroller fairness`, which is a bias test",
                "leave --kind out, or give --file for another document",
            ));
        }
        let report = stored(context, file, "application/json".parse()?)?;
        let Record { about: version, observed_at, subject, note, .. } = record;
        let command = RecordBiasTest { version, report, observed_at, subject, note };
        return context.client.post(&path(&["bias-tests"]), &command);
    }
    let kind = record.kind.context("--kind is needed without --from-report")?;
    let mut measures = std::collections::BTreeMap::new();
    for (name, number) in record.measures {
        let measure = name.parse::<Measure>().map_err(|error| {
            Failure::usage(format!("--measure {name}: {error}"), "the help of --measure names them")
        })?;
        if measures.insert(measure, number).is_some() {
            return Err(Failure::usage(format!("--measure {name} is given twice"), "give each measure once"));
        }
    }
    let document = match &record.file {
        Some(file) => Some(stored(context, file, record.media_type)?),
        None => None,
    };
    if !kind.of_version() && record.about.contains('@') {
        return Err(Failure::usage(
            format!("evidence of kind {kind} is about a system, and {} is a version", record.about),
            "name the AI system",
        ));
    }
    let about = Some(record.about);
    let (version, system) = if kind.of_version() { (about, None) } else { (None, about) };
    let command = RecordEvidence {
        kind,
        version,
        system,
        observed_at: match record.observed_at {
            Some(at) => at,
            None => SystemClock.now(),
        },
        passed: !record.failed,
        measures,
        document,
        subject: record.subject,
        note: record.note,
    };
    context.client.post(&path(&["evidence"]), &command)
}
