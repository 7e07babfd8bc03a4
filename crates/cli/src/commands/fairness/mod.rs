//! `comptroller fairness`: decisions by group in, verdicts out. Needs no server and opens no data folder.

mod gaps;
pub(super) mod text;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Screen, Style, is_page, print, write_over_own};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use comptroller_app::fairness::{
    Bootstrap, Criterion, Examined, GroupValue, Join, Measure, REPLICATES, Reference, Request,
    SMALL_CATEGORY, Settings, State, audit, html, junit, markdown,
};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct FairnessArgs {
    /// The decisions: a file, a folder or a pattern in quotes. Parquet, Arrow IPC, CSV, or one JSON object on each line.
    data: String,
    /// A second file with further columns of the same rows, found by --on.
    #[arg(long, value_name = "FILE", requires = "on")]
    join: Option<String>,
    /// The column that both files have; it names each row of the second one once.
    #[arg(long, value_name = "COLUMN", requires = "join")]
    on: Option<String>,
    /// The sensitive attributes. Each is looked at alone and in every combination.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', required = true)]
    by: Vec<String>,
    /// What the model gives: a decision, one of several classes, a number, or an order of the rows of each query. Classes
    /// are each audited against all others; of numbers and orders the gaps between groups are shown.
    #[arg(long, value_enum, default_value_t = Kind::Decision, value_name = "TASK")]
    task: Kind,
    /// The column that names the query, of a ranking.
    #[arg(long, value_name = "COLUMN")]
    query: Option<String>,
    /// The column with the decision, the class or the number. Without it the score decides.
    #[arg(long, value_name = "COLUMN", required_unless_present = "score")]
    prediction: Option<String>,
    /// The column with what came true; of a ranking how relevant a row is, from 0.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The column with the score, the higher the more favourable.
    #[arg(long, value_name = "COLUMN")]
    score: Option<String>,
    /// From which score on the decision is positive, if no column says it.
    #[arg(long, value_name = "SCORE", default_value_t = 0.5)]
    decide_at: f64,
    /// The favourable value of label and decision; 1 or true without.
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// The column with how much a row counts.
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// Control features: groups are compared again within each of their combinations.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    within: Vec<String>,
    /// What each group is compared with: best, highest, largest, overall, or a group as COLUMN=VALUE,COLUMN=VALUE.
    #[arg(long, value_name = "RULE", default_value = "best")]
    reference: String,
    /// What is demanded: the largest allowed difference or the smallest allowed ratio, such as
    /// equalized_odds_difference=0.1. May be given several times; impact_ratio=0.8 without, and nothing of numbers and
    /// orders, where it is the largest allowed gap: mean_error_difference, mean_absolute_error_difference,
    /// root_mean_squared_error_difference, exposure_difference or ndcg_difference.
    #[arg(long, value_name = "MEASURE=BOUND", value_parser = crate::input::pair::<f64>)]
    threshold: Vec<(String, f64)>,
    /// Rows that a rate needs below the line to be compared.
    #[arg(long, value_name = "ROWS", default_value_t = comptroller_app::fairness::MIN_ROWS)]
    min_rows: u64,
    /// Confidence that all intervals of a comparison hold together.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    confidence: f64,
    /// Leave groups below 2 % of the rows out of impact ratio and scoring ratio, as 6 RCNY 5-301(d) allows.
    #[arg(long)]
    leave_out_small: bool,
    /// Show the rows where a value is missing, but do not compare them.
    #[arg(long)]
    ignore_missing: bool,
    /// The seed of the bootstrap; equal seeds give equal results.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    // The same name and type as the option of all commands, which clap then leaves to this one.
    /// What stdout gets.
    #[arg(long, value_parser = formats(), default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Also write the report to a file as one HTML page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// End with 2 if a criterion fails (or is inconclusive), and with 4 if one has no evidence.
    #[arg(long, value_parser = ["fail", "inconclusive"], value_name = "STATE")]
    fail_on: Option<String>,
}

/// What a model gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Yes or no
    Decision,
    /// One of several classes
    Classes,
    /// A number
    Regression,
    /// An order of the rows of each query
    Ranking,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let words = [
        (Format::Text, "Verdicts and rates for people"),
        (Format::Json, "Everything, for programs; errors are one JSON object on stderr"),
        (Format::Junit, "A JUnit report: a test case for each criterion on each family of groups"),
        (Format::Markdown, "Markdown for a comment or a job summary"),
    ];
    let values = words.map(|(format, help)| PossibleValue::new(format.word()).help(help));
    PossibleValuesParser::new(values).try_map(|word| <Format as clap::ValueEnum>::from_str(&word, false))
}

pub(crate) fn run(screen: Screen, arguments: &FairnessArgs) -> anyhow::Result<Exit> {
    let join = arguments.join.clone().zip(arguments.on.clone()).map(|(file, on)| Join { file, on });
    match arguments.task {
        Kind::Regression | Kind::Ranking => return gaps::run(screen, arguments, join),
        Kind::Decision | Kind::Classes if arguments.query.is_some() => {
            return Err(Failure::usage("--query is about rankings", "leave it out, or say --task ranking"));
        }
        Kind::Decision | Kind::Classes => {}
    }
    let request = Request {
        data: arguments.data.clone(),
        join,
        label: arguments.label.clone(),
        prediction: arguments.prediction.clone(),
        score: arguments.score.clone(),
        threshold: arguments.decide_at,
        positive: arguments.positive.clone(),
        weight: arguments.weight.clone(),
        by: arguments.by.clone(),
        within: arguments.within.clone(),
        settings: settings(arguments)?,
    };
    if arguments.task == Kind::Classes {
        return gaps::classes(screen, arguments, &request);
    }
    let found = audit(&request).map_err(|error| Failure::usage(error.to_string(), error.remedy()))?;
    if let Some(file) = &arguments.html {
        let page = html(&found.name, &found.notes(), &found.report);
        write_over_own("--html", file, page.as_bytes(), is_page)?;
    }
    print(&render(&found, arguments, screen.style)?)?;
    Ok(exit(&found, arguments))
}

fn render(found: &Examined, arguments: &FairnessArgs, style: Style) -> anyhow::Result<String> {
    let name = &found.name;
    Ok(match arguments.format {
        Format::Json => format!("{}\n", serde_json::to_string(found)?),
        Format::Junit => junit(name, &found.report, |state| fails(state, arguments)),
        Format::Markdown => markdown(name, &found.notes(), &found.report),
        _ => text::render(found, style),
    })
}

/// Whether a state fails; without `--fail-on` only a failure is one.
fn fails(state: State, arguments: &FairnessArgs) -> bool {
    let inconclusive = arguments.fail_on.as_deref() == Some("inconclusive");
    state == State::Fail || (inconclusive && state == State::Inconclusive)
}

fn exit(found: &Examined, arguments: &FairnessArgs) -> Exit {
    exit_of(found.report.verdicts.iter().map(|verdict| verdict.state), arguments)
}

fn exit_of(states: impl Iterator<Item = State>, arguments: &FairnessArgs) -> Exit {
    let states: Vec<State> = states.collect();
    let without = |state: State| matches!(state, State::InsufficientEvidence | State::NotEvaluable);
    if arguments.fail_on.is_none() {
        return Exit::OK;
    }
    if states.iter().any(|state| fails(*state, arguments)) {
        return Exit::DENY;
    }
    if states.iter().any(|state| without(*state)) { Exit::UNKNOWN } else { Exit::OK }
}

fn settings(arguments: &FairnessArgs) -> anyhow::Result<Settings> {
    let mut criteria = Vec::new();
    let is_of_decisions = matches!(arguments.task, Kind::Decision | Kind::Classes);
    for (name, bound) in arguments.threshold.iter().filter(|_| is_of_decisions) {
        criteria.push(criterion(name, *bound)?);
    }
    if is_of_decisions && criteria.is_empty() {
        criteria.extend(Criterion::sourced(Measure::ImpactRatio));
    }
    Ok(Settings {
        confidence: arguments.confidence,
        min_rows: arguments.min_rows,
        reference: reference(&arguments.reference)?,
        compare_missing: !arguments.ignore_missing,
        leave_out_below: arguments.leave_out_small.then_some(SMALL_CATEGORY),
        bootstrap: Some(Bootstrap { replicates: REPLICATES, seed: arguments.seed }),
        criteria,
    })
}

fn criterion(name: &str, bound: f64) -> anyhow::Result<Criterion> {
    let wanted = name.replace('-', "_");
    let Some(measure) = Measure::ALL.into_iter().find(|measure| measure.name() == wanted) else {
        let known: Vec<&str> = Measure::ALL.iter().map(|measure| measure.name()).collect();
        return Err(Failure::usage(
            format!("--threshold {name}: there is no such measure"),
            format!("name one of {}", known.join(", ")),
        ));
    };
    let source = match measure.sourced_bound() {
        Some((sourced, source)) if sourced.to_bits() == bound.to_bits() => source.to_owned(),
        _ => "stated by the caller".to_owned(),
    };
    Ok(Criterion { measure, bound, source })
}

fn reference(rule: &str) -> anyhow::Result<Reference> {
    match rule {
        "best" => return Ok(Reference::Best),
        "highest" => return Ok(Reference::HighestRate),
        "largest" => return Ok(Reference::Largest),
        "overall" => return Ok(Reference::Overall),
        _ => {}
    }
    let mut values = Vec::new();
    for part in rule.split(',') {
        let Some((attribute, value)) = part.split_once('=') else {
            return Err(Failure::usage(
                format!("--reference {rule}: {part:?} is no rule and no COLUMN=VALUE"),
                "write best, highest, largest, overall, or a group such as sex=1,race=1",
            ));
        };
        let value = (value != "(missing)").then(|| value.to_owned());
        values.push(GroupValue { attribute: attribute.to_owned(), value });
    }
    Ok(Reference::Named(values))
}
