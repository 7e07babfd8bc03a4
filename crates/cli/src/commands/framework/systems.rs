//! What a change of the law does to the systems of a server.

use super::super::Context;
use crate::client::path;
use crate::output::{Style, clean};
use comptroller_compliance::classify::Difference;
use comptroller_compliance::framework::{Day, Status};
use comptroller_core::vocab::RiskTier;
use serde_json::Value;
use std::fmt::Write as _;

/// Asks the server and shows each system for which something differs.
pub(super) fn run(context: &Context, before: Day, after: Day) -> anyhow::Result<()> {
    let query = [("before", Some(before.to_string())), ("after", Some(after.to_string()))];
    let answer = context.client.get(&path(&["frameworks", "changes"]), &query)?;
    context.screen.print(&answer, |value| text(value, context.screen.style))
}

fn text(value: &Value, style: Style) -> String {
    let word = |pointer: &str| clean(value.pointer(pointer).and_then(Value::as_str).unwrap_or("-"));
    let mut text =
        format!("{}: known on {} and on {}\n", word("/framework"), word("/before"), word("/after"));
    let none = Vec::new();
    let label = |duty: &str| clean(value["duties"][duty].as_str().unwrap_or_default());
    for system in value["changed"].as_array().unwrap_or(&none) {
        let slug = clean(system["slug"].as_str().unwrap_or("-"));
        let _ = writeln!(text, "{}", style.strong(&slug));
        match serde_json::from_value::<Difference>(system["difference"].clone()) {
            Ok(difference) => one(&mut text, &difference, &label),
            Err(error) => {
                let _ = writeln!(text, "  this program cannot read the answer: {error}");
            }
        }
    }
    for (heading, pointer) in
        [("nothing changes for", "/same"), ("without recorded answers", "/without_answers")]
    {
        let names: Vec<&str> = value
            .pointer(pointer)
            .and_then(Value::as_array)
            .unwrap_or(&none)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if !names.is_empty() {
            let _ = writeln!(text, "{heading}: {}", clean(&names.join(" ")));
        }
    }
    short(&mut text, value, style);
    text
}

/// The duties named above whose evidence is short today.
fn short(text: &mut String, value: &Value, style: Style) {
    let Some(duties) = value["short"].as_array() else {
        text.push_str("what evidence is short is for those to see who may read the log\n");
        return;
    };
    if !duties.is_empty() {
        let _ = writeln!(text, "{}", style.strong("evidence is short today, over all systems"));
    }
    let words = |value: &Value| clean(value.as_str().unwrap_or_default());
    for duty in duties {
        let standing = match duty["standing"].as_str() {
            Some("does-not") => "does not hold".to_owned(),
            _ => words(&duty["standing"]).replace('-', " "),
        };
        let _ = writeln!(text, "  {:<6} {}: {standing}", words(&duty["duty"]), words(&duty["label"]));
        for why in duty["because"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "         {}", words(why));
        }
        for next in duty["next"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "         {} {}", style.dim("do:"), words(next));
        }
    }
}

fn one(text: &mut String, difference: &Difference, label: &dyn Fn(&str) -> String) {
    let tier = |tier: Option<RiskTier>| tier.map_or("open", RiskTier::as_str);
    if difference.tier_before != difference.tier_after {
        let _ = writeln!(text, "  tier {} -> {}", tier(difference.tier_before), tier(difference.tier_after));
    }
    for (word, duties) in [("gains", &difference.gained), ("loses", &difference.lost)] {
        for duty in duties {
            let _ = writeln!(text, "  {word} {duty:<6} {}", label(duty));
        }
    }
    for moved in &difference.deadlines {
        let shown = |day: Day, status: Status| match status {
            Status::Firm => day.to_string(),
            other => format!("{day} {other}"),
        };
        let _ = writeln!(
            text,
            "  due   {:<6} {}: {} -> {}",
            moved.duty,
            label(&moved.duty),
            shown(moved.before, moved.status_before),
            shown(moved.after, moved.status_after)
        );
    }
}
