//! The verbs of `comptroller policy` that talk to a server: what is in force, and how it changes.

use super::{folder, shadow};
use crate::args::Paging;
use crate::client::{Answer, path};
use crate::commands::{Context, gate};
use crate::exit::Exit;
use crate::input::{one_of, pair};
use crate::output::{Style, cell};
use anyhow::Context as _;
use clap::Subcommand;
use comptroller_app::policies::VoteOnPolicies;
use comptroller_app::policies::change::ProposePolicies;
use comptroller_app::what_if::WhatIf;
use comptroller_core::ids::ProposalId;
use comptroller_core::vocab::Vote;
use comptroller_core::{Digest, Environment};
use comptroller_policy::Package;
use comptroller_policy::prove::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show which policies are in force, and since when.
    Show,
    /// Write the policies in force into a new folder, to go on from.
    Pull {
        /// The folder; it must not exist yet.
        folder: PathBuf,
    },
    /// Propose the policies of a folder. Their tests are run at once.
    Propose {
        /// Folder with the policies.
        folder: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Propose to go back to a bundle that is known already; the one before the present one if none is named.
    Rollback {
        /// Its digest.
        #[arg(long, value_name = "SHA256")]
        to: Option<Digest>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List proposals.
    Proposals {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a proposal with its report.
    Proposal {
        /// Its id.
        proposal: String,
    },
    /// Compare a proposal with what is in force, by proof. Ends with 0 if nothing new is let in, 2 if something is or an
    /// invariant is broken, and 4 if that is unproven.
    Analyse {
        /// Its id.
        proposal: String,
    },
    /// Vote on a proposal. A denial ends it.
    Vote {
        /// Its id.
        proposal: String,
        /// In favour, or against.
        #[arg(value_parser = one_of(Vote::ALL, Vote::as_str))]
        vote: Vote,
        /// Why.
        #[arg(long)]
        comment: String,
    },
    /// Put a proposal in force.
    Activate {
        /// Its id.
        proposal: String,
    },
    /// Ask what the gate would say under other facts, or under the policies of a proposal. Nothing is recorded.
    WhatIf {
        /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
        version: String,
        /// Where it should go.
        #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
        environment: Environment,
        /// A fact that is supposed to be otherwise, as in `impact_ratio_ppm=810000`, `served_in_staging=true` or
        /// `waived=["baseline-model-card"]`. Once per fact.
        #[arg(long = "fact", value_name = "FACT=VALUE", value_parser = pair::<Value>)]
        facts: Vec<(String, Value)>,
        /// The proposal whose policies are supposed to be in force.
        #[arg(long)]
        proposal: Option<ProposalId>,
    },
    /// Let a proposal answer every live question too, without any effect.
    #[command(subcommand)]
    Shadow(shadow::Verb),
    /// Decide a recorded decision again by the policies that made it. Ends with 2 if it comes out otherwise.
    Replay {
        /// Its id.
        decision: String,
    },
    /// Decide the last recorded decisions again by a proposal: what would have come out otherwise?
    History {
        /// The proposal.
        proposal: String,
        /// The last so many decisions.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        last: u16,
    },
}

pub(crate) fn run(context: &Context, verb: &Verb) -> anyhow::Result<Exit> {
    let Context { client, screen } = context;
    let proposals = |rest: &[&str]| path(&[&["policy", "proposals"], rest].concat());
    match verb {
        Verb::Show => {
            let answer = client.get(&path(&["policy"]), &[])?;
            screen.print(&answer, |value| in_force(value, screen.style))?;
        }
        Verb::Pull { folder } => {
            let answer = client.get(&path(&["policy"]), &[])?;
            let files: BTreeMap<String, String> =
                serde_json::from_value(answer.value["files"].clone()).context("the answer has no files")?;
            let package = Package::new(files)?;
            folder::write(&package, folder)?;
            let summary =
                json!({ "folder": folder, "bundle": package.digest(), "files": package.files().len() });
            screen.object(&Answer::of_value(summary))?;
        }
        Verb::Propose { folder, reason } => {
            let files = folder::read(Some(folder))?.files().clone();
            let command = ProposePolicies { files, bundle: None, reason: reason.clone() };
            screen.object(&client.post(&proposals(&[]), &command)?)?;
        }
        Verb::Rollback { to, reason } => {
            let bundle = match to {
                Some(digest) => digest.clone(),
                None => {
                    let present = client.get(&path(&["policy"]), &[])?;
                    let previous = present.field("/previous").context("nothing else was in force before")?;
                    previous.parse()?
                }
            };
            let command =
                ProposePolicies { files: BTreeMap::new(), bundle: Some(bundle), reason: reason.clone() };
            screen.object(&client.post(&proposals(&[]), &command)?)?;
        }
        Verb::Proposals { paging } => {
            let answer = client.list(&proposals(&[]), &[], paging)?;
            let columns = [
                ("ID", "/id"),
                ("STATE", "/state"),
                ("VERDICT", "/verdict"),
                ("TESTS", "/tests_passed"),
                ("PROPOSED", "/proposed_at"),
                ("BUNDLE", "/bundle"),
            ];
            screen.table(&answer, &columns)?;
        }
        Verb::Proposal { proposal } => {
            let answer = client.get(&proposals(&[proposal]), &[])?;
            screen.print(&answer, |value| analysed(value, screen.style))?;
        }
        Verb::Analyse { proposal } => {
            let answer = client.post_long(&proposals(&[proposal, "analysis"]), &Value::Null)?;
            screen.print(&answer, |value| analysed(value, screen.style))?;
            return Ok(exit(&answer.value));
        }
        Verb::Vote { proposal, vote, comment } => {
            let command = VoteOnPolicies { vote: *vote, comment: comment.clone() };
            screen.object(&client.post(&proposals(&[proposal, "votes"]), &command)?)?;
        }
        Verb::Activate { proposal } => {
            screen.object(&client.post(&proposals(&[proposal, "activation"]), &Value::Null)?)?;
        }
        Verb::WhatIf { version, environment, facts, proposal } => {
            let command = WhatIf {
                version: version.clone(),
                environment: *environment,
                facts: facts.iter().cloned().collect(),
                proposal: *proposal,
            };
            let answer = client.post(&path(&["gate", "what-if"]), &command)?;
            // Before it is printed, so that an answer that cannot be read is an error and no half of a text.
            let text = gate::supposed(version, *environment, &answer.value, screen.style)?;
            screen.print(&answer, |_| text)?;
            return Ok(Exit::of_outcome(answer.field("/outcome")?.parse()?));
        }
        Verb::Shadow(verb) => shadow::run(context, verb)?,
        Verb::Replay { decision } => {
            let answer = client.get(&path(&["decisions", decision, "replay"]), &[])?;
            screen.object(&answer)?;
            let same = answer.value["same"] == Value::Bool(true);
            return Ok(if same { Exit::OK } else { Exit::DENY });
        }
        Verb::History { proposal, last } => {
            let query = [("last", Some(last.to_string()))];
            screen.object(&client.get(&proposals(&[proposal, "history"]), &query)?)?;
        }
    }
    Ok(Exit::OK)
}

fn in_force(value: &Value, style: Style) -> String {
    let mut text = format!("bundle  {}\n", cell(&value["bundle"]));
    if value["since"].is_null() {
        text.push_str("since   always: the base policies of this program\n");
    } else {
        let _ = writeln!(text, "since   {}", cell(&value["since"]));
        let _ = writeln!(text, "before  {}", cell(&value["previous"]));
        let solver = if value["solver"].is_null() { "no solver".to_owned() } else { cell(&value["solver"]) };
        let verdict = cell(&value["verdict"]);
        let shown = match verdict.as_str() {
            "equivalent" | "stricter" => style.good(&verdict),
            "looser" => style.bad(&verdict),
            _ => style.caution(&verdict),
        };
        let _ = writeln!(text, "came in {shown}, by {solver}");
        let mut lines = |field: &str, label: &str| {
            for one in value[field].as_array().map(Vec::as_slice).unwrap_or_default() {
                let _ = writeln!(text, "  {label} {}", cell(one));
            }
        };
        lines("refuted", &style.bad("found:"));
        lines("unproven", &style.caution("unproven:"));
    }
    let files = value["files"].as_object().map(|files| files.keys().cloned().collect::<Vec<_>>().join(", "));
    let _ = writeln!(text, "files   {}", files.unwrap_or_default());
    text
}

fn analysed(value: &Value, style: Style) -> String {
    let mut text = String::new();
    for (label, field) in [
        ("proposal", "id"),
        ("bundle", "bundle"),
        ("state", "state"),
        ("tests passed", "tests_passed"),
        ("compared with", "against"),
        ("still in force", "analysis_is_current"),
    ] {
        let _ = writeln!(text, "{label:15} {}", cell(&value[field]));
    }
    match serde_json::from_value::<Report>(value["report"].clone()) {
        Ok(report) => {
            text.push_str(&super::prove::text(&report, style));
            if let Some(comparison) = &report.comparison {
                text.push_str(&super::diff::text(comparison, style));
            }
        }
        Err(_) => text.push_str("not compared yet: comptroller policy analyse\n"),
    }
    text
}

/// As for `policy diff` and `policy prove` together.
fn exit(value: &Value) -> Exit {
    let count = |field: &str| value[field].as_i64().unwrap_or(1);
    let verdict = value["verdict"].as_str().unwrap_or("unproven");
    if verdict == "looser" || count("invariants_violated") + count("rules_may_err") > 0 {
        Exit::DENY
    } else if verdict == "unproven" || count("invariants_unproven") + count("rules_unproven") > 0 {
        Exit::UNKNOWN
    } else {
        Exit::OK
    }
}
