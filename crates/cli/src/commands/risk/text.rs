//! A classification as text for people.

use crate::output::{Style, clean, fields};
use comptroller_compliance::classify::{Classification, Duty, Origin, Standing, Stated, Step, Tri};
use comptroller_compliance::framework::{Route, Status};
use comptroller_core::vocab::RiskTier;
use serde_json::Value;
use std::fmt::Write as _;

/// How much of a digest is shown.
const SHORT: usize = 12;
/// Most open questions that are written out; the others are named.
const MAX_OPEN: usize = 20;

/// A recorded classification, and what the same answers come to today.
pub(super) fn recorded(value: &Value, style: Style) -> String {
    let mut head = value.clone();
    let now = head.as_object_mut().and_then(|fields| fields.remove("now")).unwrap_or(Value::Null);
    let mut text = fields(&head, style);
    match serde_json::from_value::<Option<Classification>>(now) {
        Ok(Some(now)) => {
            let _ = write!(
                text,
                "\n{}\n{}",
                style.strong("By the same answers today"),
                classification(&now, style)
            );
        }
        Ok(None) => {}
        Err(error) => {
            let _ = writeln!(text, "this program cannot read what the answers come to today: {error}");
        }
    }
    text
}

/// The whole of it.
pub(super) fn classification(found: &Classification, style: Style) -> String {
    let mut text = String::new();
    let tier = match found.tier {
        Some(RiskTier::Prohibited) => style.bad("prohibited"),
        Some(tier) => style.strong(tier.as_str()),
        None => style.caution(&format!("open: between {} and {}", found.lowest, found.highest)),
    };
    let _ = writeln!(text, "tier     {tier}");
    let _ = writeln!(text, "as of    {}, by the law as known on {}", found.as_of, found.known);
    let _ = writeln!(text, "roles    {}", roles(found));
    let ways: Vec<String> = found
        .ways
        .iter()
        .map(|way| {
            let way_name = match (&way.use_case, way.route) {
                (Some(case), _) => case.clone(),
                (None, Route::AnnexI) => "Annex I".to_owned(),
                (None, Route::AnnexIii) => "Annex III".to_owned(),
            };
            if way.holds == Tri::Yes { way_name } else { format!("{way_name}?") }
        })
        .collect();
    if !ways.is_empty() {
        let _ = writeln!(text, "by       {}", ways.join(", "));
    }
    if found.exempt != Tri::No {
        let _ = writeln!(text, "exempt   {} (Art. 6(3))", found.exempt);
    }
    if found.general_purpose == Tri::Yes {
        let _ = writeln!(text, "model    general-purpose (Chapter V)");
    }
    let digest = |digest: &str| digest.chars().take(SHORT).collect::<String>();
    let _ = writeln!(
        text,
        "data     {} {}, facts {}",
        found.framework,
        digest(found.framework_digest.as_str()),
        digest(found.facts_digest.as_str())
    );
    findings(&mut text, found, style);
    answers(&mut text, found, style);
    open(&mut text, found, style);
    upcoming(&mut text, found, style);
    duties(&mut text, &found.duties, style);
    text.push('\n');
    for note in &found.notes {
        let _ = writeln!(text, "{}", style.dim(note));
    }
    text
}

fn roles(found: &Classification) -> String {
    let held: Vec<String> = found
        .roles
        .iter()
        .filter(|role| role.holds != Tri::No)
        .map(|role| {
            let mark = if role.holds == Tri::Yes { "" } else { "?" };
            let by = if role.by_article_25 { " (Art. 25(1))" } else { "" };
            format!("{}{mark}{by}", role.role)
        })
        .collect();
    if held.is_empty() { "none".to_owned() } else { held.join(", ") }
}

fn findings(text: &mut String, found: &Classification, style: Style) {
    let _ = writeln!(text, "\n{}", style.strong("Findings"));
    for finding in &found.findings {
        let _ = writeln!(text, "  {:<8} {}: {}", finding.holds, finding.provision, finding.says);
    }
}

fn answers(text: &mut String, found: &Classification, style: Style) {
    let _ = writeln!(text, "\n{}", style.strong("Answers"));
    for step in found.path.iter().filter(|step| step.answer == Tri::Yes) {
        let _ = writeln!(text, "  yes      {}", asked(step));
        if let Some(stated) = &step.stated {
            let _ = writeln!(text, "{}", style.dim(&format!("           {}", rests_on(stated))));
        }
    }
    let no: Vec<&str> =
        found.path.iter().filter(|step| step.answer == Tri::No).map(|step| step.question.as_str()).collect();
    if !no.is_empty() {
        let _ = writeln!(text, "  no       {}", no.join(" "));
    }
}

fn asked(step: &Step) -> String {
    format!("{}  {} ({})", step.question, step.text, step.provision)
}

pub(super) fn rests_on(stated: &Stated) -> String {
    let what = match stated.source {
        Origin::Human => &stated.by,
        Origin::Registry | Origin::Monitor => &stated.reference,
    };
    format!("{}: {}, {}", stated.source.as_str(), clean(what), stated.on)
}

fn open(text: &mut String, found: &Classification, style: Style) {
    if found.open.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style.strong("Open questions"));
    for id in found.open.iter().take(MAX_OPEN) {
        if let Some(step) = found.path.iter().find(|step| step.question == *id) {
            let _ = writeln!(text, "  {}", asked(step));
        }
    }
    if found.open.len() > MAX_OPEN {
        let rest: Vec<&str> = found.open.iter().skip(MAX_OPEN).map(String::as_str).collect();
        let _ = writeln!(text, "  and {} more: {}", rest.len(), rest.join(" "));
    }
}

fn upcoming(text: &mut String, found: &Classification, style: Style) {
    for each in &found.upcoming {
        let line = format!("prohibited from {}: {} {}", each.from, each.practice, each.text);
        let _ = writeln!(text, "\n{} (the answer is {})", style.caution(&line), each.holds);
    }
}

fn duties(text: &mut String, duties: &[Duty], style: Style) {
    for (heading, wanted) in [("Duties", Tri::Yes), ("Duties that open questions decide", Tri::Unknown)] {
        let shown: Vec<&Duty> = duties.iter().filter(|duty| duty.binds == wanted).collect();
        if shown.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", style.strong(heading));
        for duty in shown {
            one_duty(text, duty, style);
        }
    }
}

fn one_duty(text: &mut String, duty: &Duty, style: Style) {
    let roles: Vec<&str> = duty.roles.iter().map(|role| role.as_str()).collect();
    let from: Vec<String> = duty
        .deadlines
        .iter()
        .map(|deadline| {
            let mark = match deadline.standing {
                Standing::Applies => " applies",
                Standing::Upcoming => "",
                Standing::Disputed => " disputed",
            };
            format!("{}{mark}", deadline.from)
        })
        .collect();
    let limit = duty
        .limit
        .as_ref()
        .map(|limit| format!(": {} {}s after {}", limit.amount, limit.unit, limit.after))
        .unwrap_or_default();
    let _ = writeln!(text, "  {:<12} {:<20} {}{limit}", duty.id, from.join(", "), duty.text);
    let mut under = format!("{} ({})", duty.provision, roles.join(", "));
    if !duty.open.is_empty() {
        let _ = write!(under, "; hangs on {}", duty.open.join(" "));
    }
    let _ = writeln!(text, "{}", style.dim(&format!("{:15}{under}", "")));
    for deadline in duty.deadlines.iter().filter(|deadline| deadline.status == Status::Contested) {
        for reading in &deadline.readings {
            let from = reading.valid_from.map_or_else(|| "no date".to_owned(), |day| day.to_string());
            let _ = writeln!(text, "{:15}{from} by {}", "", reading.by);
        }
    }
}
