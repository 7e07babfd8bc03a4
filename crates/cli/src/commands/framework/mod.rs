//! `comptroller framework`: what the shipped and your own frameworks ask, from when, and since when that is known. Needs
//! no server and opens no data folder, but for what a change of the law does to the systems of one.

mod load;
mod systems;
mod text;

pub(crate) use load::{DataArgs, act, refused, today};

use super::Context;
use crate::args::Noun;
use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Screen;
use clap::{Args, Subcommand};
use comptroller_compliance::framework::{
    Catalogue, DateRow, Day, Framework, Kind, Mapping, Row, Status, diff,
};
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the frameworks with their sizes and the digests of their data.
    List(#[command(flatten)] DataArgs),
    /// List what frameworks ask for: criteria, controls, clauses, use cases, prohibited practices and the rest, but
    /// for duties and questions.
    Criteria(Select),
    /// List duties: whose, of which systems, from when, and how sure that is.
    Duties(Select),
    /// What changed between what was known on two days: dates that moved, and rows that came, went or were reworded.
    Diff {
        /// The first day, for example 2026-07-26.
        #[arg(value_name = "DATE1")]
        before: Day,
        /// The second day.
        #[arg(value_name = "DATE2")]
        after: Day,
        /// Only this framework.
        #[arg(long, value_name = "ID")]
        framework: Option<String>,
        /// Ask the server which of its systems change tier, duties or deadlines, by their recorded answers.
        #[arg(long, conflicts_with_all = ["framework", "folders"])]
        systems: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Which rows, for which day.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Only this framework.
    #[arg(long, value_name = "ID")]
    framework: Option<String>,
    /// The day for which it is said what applies; today without.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
    /// The day on which it must have been known; the day of --as-of without.
    #[arg(long, value_name = "DATE")]
    known: Option<Day>,
    #[command(flatten)]
    data: DataArgs,
}

/// A framework in a list.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    reference: &'a str,
    uri: &'a str,
    licence: &'a str,
    note: &'a str,
    rows: std::collections::BTreeMap<Kind, usize>,
    licensed_texts: Option<&'a str>,
    digest: comptroller_core::Digest,
}

/// A row with what is known about it besides.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    framework: &'a str,
    #[serde(flatten)]
    row: &'a Row,
    /// Its dates as known on the day.
    applies: Vec<&'a DateRow>,
    /// Whether one of them has come by the day asked for.
    in_force: bool,
    licensed_text: Option<&'a str>,
    related: Vec<&'a Mapping>,
}

pub(crate) fn run(screen: Screen, noun: &Noun<Verb>) -> anyhow::Result<Exit> {
    match &noun.verb {
        Verb::List(data) => list(screen, &load::catalogue(data)?)?,
        Verb::Criteria(select) => {
            rows(screen, select, |kind| !matches!(kind, Kind::Duty | Kind::Question))?;
        }
        Verb::Duties(select) => rows(screen, select, |kind| kind == Kind::Duty)?,
        Verb::Diff { before, after, systems: true, .. } => {
            systems::run(&Context::new(&noun.api, screen)?, *before, *after)?;
        }
        Verb::Diff { before, after, framework, data, .. } => {
            let catalogue = load::catalogue(data)?;
            let diffs: Vec<_> = chosen(&catalogue, framework.as_deref())?
                .into_iter()
                .map(|framework| (framework.name.as_str(), diff(framework, *before, *after)))
                .collect();
            let found: Vec<_> = diffs.iter().map(|(_, diff)| diff).collect();
            let answer = serde_json::json!({ "before": before, "after": after, "frameworks": found });
            screen.print(&Answer::of_value(answer), |_| text::diffs(&diffs, screen.style))?;
        }
    }
    Ok(Exit::OK)
}

fn list(screen: Screen, catalogue: &Catalogue) -> anyhow::Result<()> {
    let listed: Vec<Listed<'_>> = catalogue
        .frameworks()
        .iter()
        .map(|framework| {
            let mut rows = std::collections::BTreeMap::new();
            for row in framework.rows.iter().filter(|row| row.known_to.is_none()) {
                *rows.entry(row.kind).or_insert(0) += 1;
            }
            Listed {
                id: &framework.id,
                name: &framework.name,
                reference: &framework.reference,
                uri: &framework.uri,
                licence: &framework.licence,
                note: &framework.note,
                rows,
                licensed_texts: catalogue.licence_of_texts(&framework.id),
                digest: framework.digest(),
            }
        })
        .collect();
    let answer = serde_json::json!({
        "digest": catalogue.digest(),
        "items": listed,
        "relations": catalogue.mappings().len(),
    });
    screen.print(&Answer::of_value(answer), |_| text::list(&listed, catalogue, screen.style))
}

fn rows(screen: Screen, select: &Select, wanted: fn(Kind) -> bool) -> anyhow::Result<()> {
    let catalogue = load::catalogue(&select.data)?;
    let as_of = select.as_of.unwrap_or_else(today);
    let known = select.known.unwrap_or(as_of);
    let mut shown = Vec::new();
    for framework in chosen(&catalogue, select.framework.as_deref())? {
        for row in framework.rows_known(known).filter(|row| wanted(row.kind)) {
            let applies = framework.dates_of(row, known);
            let in_force = row.status != Status::Proposed && applies.iter().any(|date| date.applies(as_of));
            shown.push(Shown {
                framework: &framework.id,
                row,
                applies,
                in_force,
                licensed_text: catalogue.text(&framework.id, &row.id),
                related: catalogue.mappings_of(&framework.id, &row.id),
            });
        }
    }
    let answer = serde_json::json!({
        "as_of": as_of,
        "known": known,
        "digest": catalogue.digest(),
        "items": shown,
    });
    screen.print(&Answer::of_value(answer), |_| text::rows(&shown, as_of, known, screen.style))
}

/// The framework of that name, or all.
fn chosen<'a>(catalogue: &'a Catalogue, name: Option<&str>) -> anyhow::Result<Vec<&'a Framework>> {
    let Some(name) = name else { return Ok(catalogue.frameworks().iter().collect()) };
    match catalogue.framework(name) {
        Some(framework) => Ok(vec![framework]),
        None => {
            let names: Vec<&str> = catalogue.frameworks().iter().map(|known| known.id.as_str()).collect();
            let remedy = format!("use {}; --with FOLDER adds one of your own", names.join(", "));
            Err(Failure::usage(format!("there is no framework {name:?}"), remedy))
        }
    }
}
