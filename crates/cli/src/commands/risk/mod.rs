//! `comptroller risk`: the AI Act tier of a system by rules, from stated facts. Needs no server and opens no data folder.

mod text;

use super::framework::{act, refused, today};
use crate::client::Answer;
use crate::exit::Exit;
use crate::input::read_text;
use crate::output::{Screen, print};
use clap::{Args, Subcommand};
use comptroller_compliance::classify::{Facts, MAX_FACTS, classify, questions, template};
use comptroller_compliance::framework::Day;
use comptroller_core::vocab::RiskTier;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say which tier of the EU AI Act a system has, in which roles you stand and which duties follow, from a file of
    /// facts. What is unknown stays unknown.
    ///
    /// Ends with 2 if the system is prohibited and with 4 while an open question could change the tier.
    Classify(ClassifyArgs),
    /// Print the questions as a file to fill in.
    Questions {
        /// The day on which the questions were known; today without.
        #[arg(long, value_name = "DATE")]
        known: Option<Day>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// File of facts: TOML, or JSON of any other name. `comptroller risk questions` prints one.
    facts: PathBuf,
    /// The day for which it is said what applies; today without.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
    /// The day on which the law must have been known; the day of --as-of without.
    #[arg(long, value_name = "DATE")]
    known: Option<Day>,
}

pub(crate) fn run(screen: Screen, verb: &Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Classify(arguments) => alone(screen, arguments),
        Verb::Questions { known } => {
            let act = act()?;
            let known = known.unwrap_or_else(today);
            let answer = serde_json::json!({ "known": known, "items": questions(&act, known) });
            match screen.format {
                crate::output::Format::Json => screen.print(&Answer::of_value(answer), |_| String::new())?,
                _ => print(&template(&act, known))?,
            }
            Ok(Exit::OK)
        }
    }
}

fn alone(screen: Screen, arguments: &ClassifyArgs) -> anyhow::Result<Exit> {
    let act = act()?;
    let name = arguments.facts.display().to_string();
    let facts = read_text(&arguments.facts, MAX_FACTS as u64)?;
    let facts = Facts::parse(&name, &facts, &act).map_err(|error| refused(&error))?;
    let as_of = arguments.as_of.unwrap_or_else(today);
    let known = arguments.known.unwrap_or(as_of);
    let found = classify(&act, &facts, as_of, known).map_err(|error| refused(&error))?;
    screen.print(&Answer::of_value(serde_json::to_value(&found)?), |_| {
        text::classification(&found, screen.style)
    })?;
    Ok(match found.tier {
        Some(RiskTier::Prohibited) => Exit::DENY,
        Some(_) => Exit::OK,
        None => Exit::UNKNOWN,
    })
}
