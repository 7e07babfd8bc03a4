//! `comptroller risk assess`: the risk in five dimensions, from a file alone or of a system of a server.

use super::text::rests_on;
use crate::client::{Answer, path};
use crate::commands::Context;
use crate::commands::framework::refused;
use crate::exit::Exit;
use crate::input::read_text;
use crate::output::{Screen, Style, fields};
use clap::Args;
use comptroller_app::assessments::{AssessRisk, AssessmentView};
use comptroller_compliance::classify::MAX_FACTS;
use comptroller_compliance::risk::{Assessment, Facts, Points, Scale, assess};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How much of a digest is shown.
const SHORT: usize = 12;
/// Endings of a file of facts.
const FILES: [&str; 2] = ["toml", "json"];

#[derive(Debug, Args)]
pub(crate) struct AssessArgs {
    /// The AI system, by id or name. What ends in `.toml` or `.json` is a file of facts instead, which is scored without
    /// a server; `comptroller risk questions --assess` prints one.
    #[arg(value_name = "SYSTEM|FILE")]
    target: String,
    /// File of facts: the answers of people to what is not on record; the assessment is recorded for the system.
    #[arg(long, value_name = "FILE", requires = "reason")]
    facts: Option<PathBuf>,
    /// Why the system is assessed now, and what else a reader should know.
    #[arg(long, requires = "facts")]
    reason: Option<String>,
}

impl AssessArgs {
    /// The file that is to be scored alone; none: it is about a system.
    pub(super) fn file(&self) -> Option<&Path> {
        let file = Path::new(&self.target);
        let end = file.extension().and_then(|end| end.to_str())?;
        let is_file = FILES.iter().any(|known| end.eq_ignore_ascii_case(known));
        (is_file && self.facts.is_none()).then_some(file)
    }
}

/// Scores a file.
pub(super) fn alone(screen: Screen, file: &Path) -> anyhow::Result<Exit> {
    let scale = Scale::builtin().map_err(|error| refused(&error))?;
    let found = assess(&scale, &read(file, &scale)?);
    screen.print(&Answer::of_value(serde_json::to_value(&found)?), |_| assessment(&found, screen.style))?;
    Ok(if found.band.is_some() { Exit::OK } else { Exit::UNKNOWN })
}

fn read(file: &Path, scale: &Scale) -> anyhow::Result<Facts> {
    let text = read_text(file, MAX_FACTS as u64)?;
    Facts::parse(&file.display().to_string(), &text, scale).map_err(|error| refused(&error))
}

/// Shows the newest assessment of a system, or records one.
pub(super) fn of_system(context: &Context, arguments: AssessArgs) -> anyhow::Result<Exit> {
    let Context { client, screen } = context;
    let address = path(&["systems", &arguments.target, "assessment"]);
    if let Some(file) = &arguments.facts {
        let scale = Scale::builtin().map_err(|error| refused(&error))?;
        let facts = serde_json::to_value(read(file, &scale)?)?;
        let command = AssessRisk { facts, reason: arguments.reason.unwrap_or_default() };
        screen.object(&client.post(&address, &command)?)?;
        return Ok(Exit::OK);
    }
    let answer = client.get(&address, &[])?;
    let view: AssessmentView = serde_json::from_value(answer.value.clone())?;
    screen.print(&answer, |_| recorded(&view, screen.style))?;
    let known = view.recorded.is_some_and(|recorded| recorded.lowest == recorded.highest);
    Ok(if known { Exit::OK } else { Exit::UNKNOWN })
}

/// A recorded assessment, why it is stale, and what it would come to today.
fn recorded(view: &AssessmentView, style: Style) -> String {
    let Some(recorded) = &view.recorded else {
        return format!(
            "{} was not assessed yet: `comptroller risk questions --assess` prints the questions, \
             `risk assess {} --facts FILE --reason TEXT` records the answers\n",
            view.slug, view.slug
        );
    };
    let head = json!({
        "system": view.slug, "recorded": view.assessed_at, "by": view.assessed_by, "entry": view.ledger_index,
        "reason": view.reason, "reproduced": view.reproduced,
        "state": if view.stale.is_empty() { "stands" } else { "stale" },
    });
    let mut text = fields(&head, style);
    for reason in &view.stale {
        let _ = writeln!(text, "  {}", style.caution(&crate::output::clean(reason)));
    }
    text.push('\n');
    match whole(view.assessment.as_ref()) {
        Some(found) => text.push_str(&assessment(&found, style)),
        // Nothing but the event is left of it.
        None => text.push_str(&fields(&json!(recorded), style)),
    }
    if let Some(now) = whole(view.now.as_ref()) {
        let _ = writeln!(
            text,
            "\n{}\nrisk     {}\ntotal    {} of 100",
            style.strong("With what is on record today"),
            band(&now, style),
            points(now.total)
        );
    }
    text
}

fn whole(value: Option<&Value>) -> Option<Assessment> {
    serde_json::from_value(value?.clone()).ok()
}

/// The whole of it.
fn assessment(found: &Assessment, style: Style) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "risk     {}", band(found, style));
    let _ = writeln!(text, "total    {} of 100", points(found.total));
    let digest = |digest: &str| digest.chars().take(SHORT).collect::<String>();
    let _ = writeln!(
        text,
        "data     scale {}, facts {}",
        digest(found.scale.as_str()),
        digest(found.facts.as_str())
    );
    for dimension in &found.dimensions {
        let heading =
            format!("{} ({} %): {} of 100", dimension.label, dimension.weight, points(dimension.points));
        let _ = writeln!(text, "\n{}", style.strong(&heading));
        for part in &dimension.parts {
            let in_total = format!("{} points, {} in total", points(part.points), hundredths(part.in_total));
            let _ = writeln!(text, "  {:<26} {}: {}", in_total, part.text, part.answer);
            if let Some(stated) = &part.stated {
                let _ = writeln!(text, "{}", style.dim(&format!("{:29}{}", "", rests_on(stated))));
            }
        }
    }
    if !found.open.is_empty() {
        let _ = writeln!(text, "\n{} {}", style.strong("Open questions"), found.open.join(" "));
    }
    let note = "An engineering aid: the points order systems among each other and measure no probability.";
    let _ = writeln!(text, "\n{}", style.dim(note));
    text
}

fn band(found: &Assessment, style: Style) -> String {
    match found.band {
        Some(band) => style.strong(band.as_str()),
        None => {
            style.caution(&format!("open: between {} and {}", found.lowest.as_str(), found.highest.as_str()))
        }
    }
}

fn points(points: Points) -> String {
    if points.least == points.most {
        return points.most.to_string();
    }
    format!("{} to {}", points.least, points.most)
}

/// Hundredths of a point as points.
fn hundredths(share: Points) -> String {
    let one = |hundredths: u32| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    if share.least == share.most {
        return one(share.most);
    }
    format!("{} to {}", one(share.least), one(share.most))
}
