//! Numbers, rankings and classes: gaps on the terminal and as JSON.

use super::{FairnessArgs, Kind, exit_of, settings, text};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Screen, Style, one_line, print};
use comptroller_app::fairness::{
    GapBound, GapFamily, GapMeasure, Join, Request, Task, TaskReport, TaskRequest, Value, audit_each_class,
    audit_task,
};
use std::fmt::Write as _;

/// What stands under the groups of a family.
const GAP: &str = "largest gap";

/// Audits a regression or a ranking.
pub(super) fn run(screen: Screen, arguments: &FairnessArgs, join: Option<Join>) -> anyhow::Result<Exit> {
    refuse(arguments)?;
    let mut bounds = Vec::new();
    for (name, bound) in &arguments.threshold {
        let wanted = name.replace('-', "_");
        let Some(measure) = GapMeasure::ALL.into_iter().find(|measure| measure.gap_name() == wanted) else {
            let known: Vec<String> = GapMeasure::ALL.iter().map(|measure| measure.gap_name()).collect();
            return Err(Failure::usage(
                format!("--threshold {name}: there is no such gap"),
                format!("name one of {}", known.join(", ")),
            ));
        };
        bounds.push(GapBound { measure, bound: *bound });
    }
    let request = TaskRequest {
        data: arguments.data.clone(),
        join,
        task: task(arguments)?,
        label: arguments.label.clone(),
        weight: arguments.weight.clone(),
        by: arguments.by.clone(),
        settings: settings(arguments)?,
        bounds,
    };
    let found = audit_task(&request).map_err(|error| Failure::usage(error.to_string(), error.remedy()))?;
    let shown = match arguments.format {
        Format::Json => format!("{}\n", serde_json::to_string(&found)?),
        _ => render(&found, screen.style),
    };
    print(&shown)?;
    Ok(exit_of(found.verdicts.iter().map(|verdict| verdict.state), arguments))
}

/// Audits every class against all others.
pub(super) fn classes(screen: Screen, arguments: &FairnessArgs, request: &Request) -> anyhow::Result<Exit> {
    refuse(arguments)?;
    if arguments.positive.is_some() || arguments.score.is_some() {
        return Err(Failure::usage(
            "--positive and --score are about decisions: of classes each is the favourable one in turn",
            "leave them out",
        ));
    }
    let found =
        audit_each_class(request).map_err(|error| Failure::usage(error.to_string(), error.remedy()))?;
    let shown = match arguments.format {
        Format::Json => format!("{}\n", serde_json::to_string(&found)?),
        _ => {
            let one = |one: &comptroller_app::fairness::OfClass| {
                let head = screen.style.strong(&format!("class {}", one_line(&one.class)));
                format!("{head}: {}", text::render(&one.examined, screen.style))
            };
            found.iter().map(one).collect::<Vec<String>>().join("\n")
        }
    };
    print(&shown)?;
    let states = found.iter().flat_map(|one| &one.examined.report.verdicts).map(|verdict| verdict.state);
    Ok(exit_of(states, arguments))
}

/// What is made of decisions alone.
fn refuse(arguments: &FairnessArgs) -> anyhow::Result<()> {
    let is_plain = matches!(arguments.format, Format::Text | Format::Json);
    if is_plain && arguments.html.is_none() {
        return Ok(());
    }
    Err(Failure::usage(
        "pages, JUnit and Markdown are made of decisions alone",
        "use --format text or json with this --task",
    ))
}

fn task(arguments: &FairnessArgs) -> anyhow::Result<Task> {
    let FairnessArgs { task, prediction, score, query, weight, within, .. } = arguments;
    if !within.is_empty() {
        return Err(Failure::usage("--within is about decisions and classes", "leave it out"));
    }
    match (task, prediction, score, query) {
        (Kind::Ranking, None, Some(score), Some(query)) if weight.is_none() => {
            Ok(Task::Ranking { score: score.clone(), query: query.clone() })
        }
        (Kind::Ranking, ..) => Err(Failure::usage(
            "a ranking is made of --score and --query, beside a --label for relevance, and nothing else",
            "name the column of the score and the one that says which rows were ranked together",
        )),
        (_, Some(prediction), None, None) => Ok(Task::Regression { prediction: prediction.clone() }),
        _ => Err(Failure::usage(
            "a regression is made of --prediction and --label, and nothing else",
            "name the column of the predicted number and that of the true one",
        )),
    }
}

fn render(found: &TaskReport, style: Style) -> String {
    let mut text = String::new();
    let joined = found.joined.as_ref().map(|file| format!(" with {}", one_line(file))).unwrap_or_default();
    let head = format!("{}{joined}", one_line(&found.name));
    let _ = writeln!(text, "{} ({}, {} rows)", style.strong(&head), found.task, found.rows);
    for verdict in &found.verdicts {
        let state = text::state(verdict.state, style);
        let _ = writeln!(
            text,
            "  {state}  {} <= {} by {}: {}",
            verdict.demanded.measure.gap_name(),
            verdict.demanded.bound,
            one_line(&verdict.attributes.join(", ")),
            one_line(&verdict.because)
        );
    }
    for family in &found.families {
        groups(&mut text, family, style);
    }
    let mut notes = Vec::new();
    if found.unmatched > 0 {
        notes
            .push(format!("{} rows have no partner in the joined file and are not audited", found.unmatched));
    }
    if found.task == "ranking" {
        notes.push("rows of a group are queries that rank one of it; intervals are over queries".to_owned());
    }
    notes.push("intervals hold together over groups; a verdict is no legal conclusion".to_owned());
    let _ = writeln!(text);
    for note in notes {
        let _ = writeln!(text, "{}", style.dim(&format!("note: {note}")));
    }
    text
}

fn groups(text: &mut String, family: &GapFamily, style: Style) {
    let title = format!("by {}", one_line(&family.attributes.join(", ")));
    let _ = writeln!(text, "\n{}", style.strong(&title));
    let (names, width) = text::names(family.groups.iter().map(|group| &group.name), GAP.len());
    let measures: Vec<String> = family.gaps.iter().map(|gap| gap.measure.name().to_uppercase()).collect();
    let columns: Vec<usize> = measures.iter().map(|name| name.len().max(24)).collect();
    let mut head = format!("  {:<width$}  {:>9}", "GROUP", "ROWS");
    for (name, column) in measures.iter().zip(&columns) {
        let _ = write!(head, "  {name:>column$}");
    }
    let _ = writeln!(text, "{}", style.dim(&head));
    for (name, group) in names.iter().zip(&family.groups) {
        let _ = write!(text, "  {name:<width$}  {:>9}", group.rows);
        for (value, column) in group.values.iter().zip(&columns) {
            let _ = write!(text, "  {:>column$}", short(value));
        }
        text.push('\n');
    }
    if family.groups.len() > names.len() {
        let more = format!("  and {} more groups", family.groups.len() - names.len());
        let _ = writeln!(text, "{}", style.dim(&more));
    }
    let _ = write!(text, "  {GAP:<width$}  {:>9}", "");
    for (gap, column) in family.gaps.iter().zip(&columns) {
        let _ = write!(text, "  {:>column$}", short(&gap.largest.value));
    }
    text.push('\n');
}

/// A value with its interval, or why there is none, in a few words.
fn short(value: &Value) -> String {
    match value {
        Value::Estimate { value, interval: Some(interval), .. } => {
            format!("{value:.3} [{:.3}, {:.3}]", interval.lower, interval.upper)
        }
        Value::Estimate { value, .. } => format!("{value:.3}"),
        Value::InsufficientEvidence { .. } => "few".to_owned(),
        Value::NotEvaluable { .. } => "none".to_owned(),
    }
}
