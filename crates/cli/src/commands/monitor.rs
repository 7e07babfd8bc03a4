//! `comptroller monitor`: what versions are watched against, and what each day of their records came to.

use super::artifact::save;
use super::{Context, upload};
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::monitors::{SetBands, SetBaseline};
use comptroller_core::Environment;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say what a version is watched against: a profile of the data that it was trained or validated on.
    Baseline {
        /// The version: its id, or MODEL@LABEL.
        version: String,
        /// The profile, as `comptroller profile DATA --out FILE` writes it, which is uploaded; or the SHA-256 of one that
        /// is stored already.
        #[arg(long, value_name = "FILE|SHA256")]
        profile: String,
        /// Where the bands begin: watch, investigate, roll back.
        #[arg(long, value_name = "W,I,R", default_value = "0.1,0.3,0.5", value_parser = bands_of)]
        bands: SetBands,
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
            let digest = match profile.parse() {
                Ok(digest) => digest,
                Err(_) => {
                    let stored = upload::run(client, Path::new(&profile), "application/json".parse()?)?;
                    // A fresh upload answers with a receipt, whose id is the digest; an earlier one with what is there.
                    stored.field("/digest").or_else(|_| stored.field("/id"))?.parse()?
                }
            };
            let command = SetBaseline { version, profile: digest, bands: Some(bands) };
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

/// Three numbers with commas between them.
fn bands_of(text: &str) -> Result<SetBands, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([watch, investigate, rollback]) => {
            Ok(SetBands { watch: *watch, investigate: *investigate, rollback: *rollback })
        }
        _ => Err("expected three numbers, such as 0.1,0.3,0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_three_numbers() {
        let bands = bands_of("0.05, 0.1,0.3").unwrap();
        assert!((bands.watch - 0.05).abs() < 1e-12 && (bands.rollback - 0.3).abs() < 1e-12);
        for wrong in ["", "0.1", "0.1,0.2", "0.1,0.2,x", "0.1,0.2,0.3,0.4"] {
            assert!(bands_of(wrong).unwrap_err().contains("three numbers"), "{wrong}");
        }
    }
}
