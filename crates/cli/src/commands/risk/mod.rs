//! `comptroller risk`: the AI Act tier of a system by rules, and its risk in five dimensions, from stated facts.
//! Needs no server, but to record one of them, and for the register of risks.

mod assess;
mod register;
mod text;

use super::Context;
use super::framework::{act, refused, today};
use crate::args::Noun;
use crate::client::{Answer, path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::read_text;
use crate::output::{Format, Screen, print};
use clap::{Args, Subcommand};
use comptroller_app::tiers::ClassifyByRules;
use comptroller_compliance::classify::{Facts, MAX_FACTS, classify, questions, template};
use comptroller_compliance::framework::{Day, Framework};
use comptroller_compliance::risk::{self, Scale};
use comptroller_core::vocab::RiskTier;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say which tier of the EU AI Act a system has, in which roles you stand and which duties follow, from a file of
    /// facts. What is unknown stays unknown.
    ///
    /// Ends with 2 if the system is prohibited and with 4 while an open question could change the tier.
    ///
    /// With --facts, a risk officer records it for a system of a server, which refuses a tier that is open.
    Classify(ClassifyArgs),
    /// Show how a system of a server is classified, whether that still stands, and what the same answers come to today.
    Show {
        /// The AI system, by id or name.
        system: String,
    },
    /// Show the risk of a system of a server in five dimensions, with the source and the contribution of each answer, and
    /// why it should be assessed anew.
    ///
    /// With --facts, an assessment is recorded: what the record answers by itself is read from it, the rest comes from the
    /// file. A file instead of a system is scored without a server. Ends with 4 while an open question could change the
    /// band, or nobody has assessed the system.
    Assess(assess::AssessArgs),
    /// Put a risk of a system of a server into its register.
    Add(register::AddArgs),
    /// Review a risk: it is rated anew.
    Review(register::ReviewArgs),
    /// Close a risk: it is none any more.
    Close {
        /// Its id.
        risk: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the register, what is rated highest with its treatment first.
    List {
        /// Only the risks of this system, by id or name.
        #[arg(long)]
        system: Option<String>,
        /// Only those whose review is overdue.
        #[arg(long)]
        overdue: bool,
    },
    /// Print the questions as a file to fill in.
    Questions {
        /// Those of `risk assess`, and not those of `risk classify`.
        #[arg(long, conflicts_with = "known")]
        assess: bool,
        /// The day on which the questions were known; today without.
        #[arg(long, value_name = "DATE")]
        known: Option<Day>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// File of facts: TOML, or JSON of any other name; `comptroller risk questions` prints one. With --facts: the AI
    /// system, by id or name.
    #[arg(value_name = "FACTS|SYSTEM")]
    target: String,
    /// File of facts; the classification is recorded for the system.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// What else a reader of the record should know.
    #[arg(long, requires = "facts", default_value = "")]
    reason: String,
    /// The day for which it is said what applies; today without.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
    /// The day on which the law must have been known; the day of --as-of without.
    #[arg(long, value_name = "DATE")]
    known: Option<Day>,
}

pub(crate) fn run(screen: Screen, noun: Noun<Verb>) -> anyhow::Result<Exit> {
    match noun.verb {
        Verb::Classify(ClassifyArgs { facts: Some(facts), target, as_of, known, reason }) => {
            let context = Context::new(&noun.api, screen)?;
            let act = act()?;
            let command = ClassifyByRules {
                facts: serde_json::to_value(read(&facts, &act)?)?,
                as_of: as_of.map(|day| day.to_string()),
                known: known.map(|day| day.to_string()),
                reason,
            };
            let address = path(&["systems", &target, "classification", "rules"]);
            context.screen.object(&context.client.post(&address, &command)?)?;
            Ok(Exit::OK)
        }
        Verb::Classify(arguments) => alone(screen, &arguments),
        Verb::Show { system } => {
            let context = Context::new(&noun.api, screen)?;
            let answer = context.client.get(&path(&["systems", &system, "classification"]), &[])?;
            screen.print(&answer, |value| text::recorded(value, screen.style))?;
            Ok(Exit::OK)
        }
        Verb::Assess(arguments) => match arguments.file() {
            Some(file) => assess::alone(screen, file),
            None => assess::of_system(&Context::new(&noun.api, screen)?, arguments),
        },
        verb @ (Verb::Add(_) | Verb::Review(_) | Verb::Close { .. } | Verb::List { .. }) => {
            register::run(&Context::new(&noun.api, screen)?, verb).map(|()| Exit::OK)
        }
        Verb::Questions { assess: true, .. } => {
            let scale = Scale::builtin().map_err(|error| refused(&error))?;
            let value = serde_json::to_value(&scale)?;
            match screen.format {
                Format::Json => screen.print(&Answer::of_value(value), |_| String::new())?,
                _ => print(&risk::template(&scale))?,
            }
            Ok(Exit::OK)
        }
        Verb::Questions { known, .. } => {
            let act = act()?;
            let known = known.unwrap_or_else(today);
            let answer = serde_json::json!({ "known": known, "items": questions(&act, known) });
            match screen.format {
                Format::Json => screen.print(&Answer::of_value(answer), |_| String::new())?,
                _ => print(&template(&act, known))?,
            }
            Ok(Exit::OK)
        }
    }
}

fn alone(screen: Screen, arguments: &ClassifyArgs) -> anyhow::Result<Exit> {
    let act = act()?;
    let facts = read(Path::new(&arguments.target), &act)?;
    if let Some(problem) = facts.contradiction() {
        return Err(Failure::usage(problem, "the questions stand in `comptroller risk questions`"));
    }
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

fn read(file: &Path, act: &Framework) -> anyhow::Result<Facts> {
    let text = read_text(file, MAX_FACTS as u64)?;
    Facts::parse(&file.display().to_string(), &text, act).map_err(|error| refused(&error))
}
