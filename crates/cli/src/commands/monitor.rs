//! `comptroller monitor`: what versions are watched against, and what each day of their records came to.

use super::artifact::save;
use super::{Context, upload};
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::monitors::{SetBands, SetBaseline};
use comptroller_core::Environment;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say what a version is watched against: a profile of the data that it was trained or validated on.
    Baseline {
        /// The version: its id, or MODEL@LABEL.
        version: String,
        /// The profile, as `comptroller profile DATA --out FILE` writes it; it is uploaded.
        #[arg(long, value_name = "FILE")]
        profile: PathBuf,
        /// Where the bands begin: watch, investigate, roll back.
        #[arg(
            long,
            value_name = "W,I,R",
            value_delimiter = ',',
            num_args = 3,
            default_value = "0.1,0.3,0.5"
        )]
        bands: Vec<f64>,
    },
    /// List what versions are watched against.
    Baselines {
        /// Only of this AI system, by id or name.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// List the days of a system's records with what each came to.
    Windows {
        /// The AI system, by id or name.
        system: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the report on a day, or save it as a page.
    Report {
        /// The version: its id, or MODEL@LABEL.
        version: String,
        /// Where it ran.
        #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
        /// The day, YYYY-MM-DD.
        day: String,
        /// Write one HTML page to this file; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Baseline { version, profile, bands } => {
            let stored = upload::run(client, &profile, "application/json".parse()?)?;
            // A fresh upload answers with a receipt, whose id is the digest; an earlier one with what is stored.
            let digest = stored.field("/digest").or_else(|_| stored.field("/id"))?.parse()?;
            let bands = match bands[..] {
                [watch, investigate, rollback] => Some(SetBands { watch, investigate, rollback }),
                _ => None,
            };
            let command = SetBaseline { version, profile: digest, bands };
            screen.object(&client.post(&path(&["baselines"]), &command)?)
        }
        Verb::Baselines { system, paging } => {
            let answer = client.list(&path(&["baselines"]), &[("system", system)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("VERSION", "/version"),
                    ("ROWS", "/rows"),
                    ("WATCH", "/bands/watch"),
                    ("INVESTIGATE", "/bands/investigate"),
                    ("ROLL BACK", "/bands/rollback"),
                    ("SET BY", "/set_by"),
                    ("SET", "/set_at"),
                ],
            )
        }
        Verb::Windows { system, paging } => {
            let answer = client.list(&path(&["systems", &system, "windows"]), &[], &paging)?;
            screen.table(
                &answer,
                &[
                    ("DAY", "/day"),
                    ("ENVIRONMENT", "/environment"),
                    ("VERSION", "/version"),
                    ("ROWS", "/rows"),
                    ("LABELLED", "/labelled"),
                    ("DRIFT (MILLIONTHS)", "/coefficient_ppm"),
                    ("BAND", "/band"),
                    ("BY", "/pillar"),
                    ("TO DO", "/advice"),
                ],
            )
        }
        Verb::Report { version, environment, day, html } => {
            let place = ["versions", &version, "windows", environment.as_str(), &day];
            let Some(out) = html else { return screen.object(&client.get(&path(&place), &[])?) };
            let page = path(&[&place[..], &["page"]].concat());
            let (digest, bytes) = save(&out, None, |_| client.download(&page, 0))?;
            screen.object(&Answer::of_value(
                serde_json::json!({ "file": out, "bytes": bytes, "sha256": digest }),
            ))
        }
    }
}
