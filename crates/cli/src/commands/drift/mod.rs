//! `comptroller drift`: two data sets in, a verdict out. Needs no server and opens no data folder.

mod roles;
mod text;

pub(super) use roles::RoleArgs;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Screen, Style, is_page, print, write_over_own};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use comptroller_app::drift::{
    Band, Bands, DriftError, Report, Request, Settings, compare, html, junit, markdown,
};
use std::path::PathBuf;

/// Columns that the text lists without `--all`.
const LISTED: usize = 15;

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// What the current rows are compared with, usually the training data: a file, a folder, a pattern in quotes, or a
    /// profile that `comptroller profile` made.
    reference: String,
    /// The current rows: the same. Parquet, Arrow IPC, CSV, or one JSON object on each line.
    current: String,
    // The same name and type as the option of all commands, which clap then leaves to this one.
    /// What stdout gets.
    #[arg(long, value_parser = formats(), default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Also write the report to a file as one HTML page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// End with 2 from this band on, and with 4 if the rows do not suffice for a verdict.
    #[arg(long, value_parser = bands(), value_name = "BAND")]
    fail_on: Option<Band>,
    /// List every column, not only those that carry most.
    #[arg(long)]
    all: bool,
    /// Weight of a feature in the coefficient, such as its importance to the model; the others weigh 1. May be given
    /// several times.
    #[arg(long, value_name = "COLUMN=WEIGHT", value_parser = crate::input::pair::<f64>)]
    weight: Vec<(String, f64)>,
    /// Chance of a false alarm of the whole comparison, at most.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    alpha: f64,
    /// Coefficients from which the bands watch, investigate and rollback begin.
    #[arg(long, value_name = "W,I,R", default_value = "0.1,0.3,0.5", value_delimiter = ',')]
    bands: Vec<f64>,
    // Last, so that the heading of its options does not stand over others.
    #[command(flatten)]
    roles: RoleArgs,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let words = [
        (Format::Text, "The verdict for people"),
        (Format::Json, "Everything, for programs; errors are one JSON object on stderr"),
        (Format::Junit, "A JUnit report: a test case for the verdict, for each pillar and for each column"),
        (Format::Markdown, "Markdown for a comment or a job summary"),
    ];
    let values = words.map(|(format, help)| PossibleValue::new(format.word()).help(help));
    PossibleValuesParser::new(values).try_map(|word| <Format as clap::ValueEnum>::from_str(&word, false))
}

fn bands() -> impl TypedValueParser<Value = Band> {
    let known = [Band::Watch, Band::Investigate, Band::Rollback];
    PossibleValuesParser::new(known.map(|band| PossibleValue::new(band.as_str()))).try_map(move |word| {
        known.into_iter().find(|band| band.as_str() == word).ok_or_else(|| format!("{word:?} is no band"))
    })
}

pub(crate) fn run(screen: Screen, arguments: &DriftArgs) -> anyhow::Result<Exit> {
    let request = Request {
        reference: arguments.reference.clone(),
        current: arguments.current.clone(),
        stated: arguments.roles.stated(),
        positive: arguments.roles.positive.clone(),
        settings: settings(arguments)?,
    };
    let report = compare(&request).map_err(|error| refused(&error))?;
    if let Some(file) = &arguments.html {
        write_over_own("--html", file, html(&report).as_bytes(), is_page)?;
    }
    print(&render(&report, arguments, screen.style)?)?;
    Ok(exit(&report, arguments.fail_on))
}

fn render(report: &Report, arguments: &DriftArgs, style: Style) -> anyhow::Result<String> {
    Ok(match arguments.format {
        Format::Json => format!("{}\n", serde_json::to_string(report)?),
        Format::Junit => junit(report, arguments.fail_on.unwrap_or(Band::Investigate)),
        Format::Markdown => markdown(report),
        _ => text::render(report, if arguments.all { usize::MAX } else { LISTED }, style),
    })
}

fn exit(report: &Report, fail_on: Option<Band>) -> Exit {
    match (fail_on, report.headline.band) {
        (Some(least), Some(band)) if band >= least => Exit::DENY,
        (Some(_), None) => Exit::UNKNOWN,
        _ => Exit::OK,
    }
}

fn settings(arguments: &DriftArgs) -> anyhow::Result<Settings> {
    let &[watch, investigate, rollback] = arguments.bands.as_slice() else {
        return Err(Failure::usage("--bands: expected three numbers", "write them as 0.1,0.3,0.5"));
    };
    let ascend = 0.0 < watch && watch < investigate && investigate < rollback && rollback <= 1.0;
    if !ascend {
        return Err(Failure::usage(
            "--bands: they must grow, above 0 and up to 1",
            "write them as 0.1,0.3,0.5",
        ));
    }
    if !(arguments.alpha > 0.0 && arguments.alpha < 1.0) {
        let message = format!("--alpha {}: a chance lies between 0 and 1", arguments.alpha);
        return Err(Failure::usage(message, "leave it out for 0.05"));
    }
    if let Some((name, weight)) =
        arguments.weight.iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0))
    {
        let message = format!("--weight {name}={weight}: a weight is 0 or more");
        return Err(Failure::usage(message, "give what the model makes of the feature, in any unit"));
    }
    Ok(Settings {
        alpha: arguments.alpha,
        bands: Bands { watch, investigate, rollback },
        weights: arguments.weight.iter().cloned().collect(),
    })
}

/// An error of a comparison as one of the command line.
pub(super) fn refused(error: &DriftError) -> anyhow::Error {
    Failure::usage(error.to_string(), error.remedy())
}
