//! `comptroller monitor`: what versions are watched against, and what each day of their records came to.

use super::artifact::save;
use super::{Context, monitor_fairness, monitor_report, upload};
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::monitors::{FirstRows, SetBands, SetBaseline, SnoozeAlarm};
use comptroller_core::{Digest, Environment};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say what a version is watched against: a profile of data that it was trained or validated on, or of the first rows
    /// that were recorded.
    #[command(group = clap::ArgGroup::new("origin").required(true))]
    Baseline {
        /// The version: its id, or MODEL@LABEL.
        version: String,
        /// The profile, as `comptroller profile DATA --out FILE` writes it, which is uploaded; or the SHA-256 of one that
        /// is stored already.
        #[arg(long, value_name = "FILE|SHA256", group = "origin")]
        profile: Option<String>,
        /// The profile among the files of the version, or of the data that it was validated or trained on.
        #[arg(long, group = "origin")]
        from_training: bool,
        /// The first rows that were recorded, at least so many; the server makes the profile from their blocks.
        #[arg(long, value_name = "ROWS", group = "origin")]
        first: Option<u64>,
        /// Where those rows were recorded.
        #[arg(long = "env", value_name = "ENVIRONMENT", default_value = "production", value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
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
    /// List alarms: what they are about, since when it shows, who looks after them.
    Alarms {
        /// Only of this AI system, by id or name.
        #[arg(long)]
        system: Option<String>,
        /// Only those that have not ended.
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Take an alarm on: it is on record that you look after it.
    Acknowledge {
        /// Its id.
        alarm: String,
    },
    /// Silence an alarm for a time. It is told again then if it still holds, or at once if it gets worse.
    Snooze {
        /// Its id.
        alarm: String,
        /// For how many days, 1 to 90.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: u32,
        /// Why that is right.
        #[arg(long)]
        reason: String,
    },
    /// Say what the decisions of a version are watched for across groups, before it serves.
    WatchFairness(monitor_fairness::Watch),
    /// Show how the watch over the decisions of a version stands: evidence, days, and rates by group with intervals.
    Fairness(monitor_fairness::Show),
    /// Show the report on a day, or save it as a page; without a day, save the page over all judged days.
    Report {
        /// The version: its id, or MODEL@LABEL.
        version: String,
        /// Where it ran.
        #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
        /// The day, YYYY-MM-DD; without it, the page over all judged days.
        #[arg(required_unless_present = "html")]
        day: Option<String>,
        /// Write one HTML page to this file; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Baseline { version, profile, from_training, first, environment, bands } => {
            let profile = profile.map(|profile| stored(context, &profile)).transpose()?;
            let first = first.map(|rows| FirstRows { rows, environment });
            let command = SetBaseline { version, profile, from_training, first, bands: Some(bands) };
            screen.object(&client.post(&path(&["baselines"]), &command)?)
        }
        Verb::Baselines { system, paging } => {
            let answer = client.list(&path(&["baselines"]), &[("system", system)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("VERSION", "/version"),
                    ("ROWS", "/rows"),
                    ("FROM", "/source"),
                    ("SEASONS", "/seasons"),
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
        Verb::Alarms { system, open, paging } => {
            let open = open.then(|| "true".to_owned());
            let answer = client.list(&path(&["alarms"]), &[("system", system), ("open", open)], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("TOPIC", "/topic"),
                    ("BAND", "/band"),
                    ("STATE", "/state"),
                    ("VERSION", "/version"),
                    ("ENVIRONMENT", "/environment"),
                    ("SINCE", "/since"),
                    ("DAY", "/day"),
                    ("PLAYBOOK", "/playbook"),
                    ("TAKEN ON BY", "/acknowledged_by"),
                    ("SILENT UNTIL", "/snoozed_until"),
                ],
            )
        }
        Verb::Acknowledge { alarm } => {
            screen.object(&client.post(&path(&["alarms", &alarm, "acknowledge"]), &serde_json::json!({}))?)
        }
        Verb::Snooze { alarm, days, reason } => {
            let command = SnoozeAlarm { days, reason };
            screen.object(&client.post(&path(&["alarms", &alarm, "snooze"]), &command)?)
        }
        Verb::WatchFairness(watch) => monitor_fairness::watch(context, watch),
        Verb::Fairness(show) => monitor_fairness::show(context, show),
        Verb::Report { version, environment, day, html } => {
            let place = match &day {
                Some(day) => vec!["versions", &version, "windows", environment.as_str(), day],
                None => vec!["versions", &version, "history", environment.as_str()],
            };
            let Some(out) = html else {
                let answer = client.get(&path(&place), &[])?;
                return screen.print(&answer, |report| monitor_report::text(report, screen.style));
            };
            let page = path(&[&place[..], &["page"]].concat());
            let (digest, bytes) = save(&out, None, |_| client.download(&page, 0))?;
            screen.object(&Answer::of_value(
                serde_json::json!({ "file": out, "bytes": bytes, "sha256": digest }),
            ))
        }
    }
}

/// The digest of a profile: itself, or that of a file, which is uploaded.
fn stored(context: &Context, profile: &str) -> anyhow::Result<Digest> {
    if let Ok(digest) = profile.parse() {
        return Ok(digest);
    }
    let stored = upload::run(&context.client, Path::new(profile), "application/json".parse()?)?;
    // A fresh upload answers with a receipt, whose id is the digest; an earlier one with what is there.
    Ok(stored.field("/digest").or_else(|_| stored.field("/id"))?.parse()?)
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
