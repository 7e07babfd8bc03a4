//! `comptroller monitor watch-fairness` and `monitor fairness`: decisions of a running version, watched by group.

use super::Context;
use super::artifact::save;
use super::fairness::text::groups;
use crate::client::{Answer, path};
use crate::input::{one_of, pair};
use crate::output::{Format, Style, one_line, print};
use clap::Args;
use comptroller_app::monitors::fairness::{
    FairnessView, Standing, WatchFairness, WatchedAttribute, WatchedCriterion,
};
use comptroller_core::Environment;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The version: its id, or MODEL@LABEL.
    version: String,
    /// A sensitive attribute, an input of the records, with its values that are compared: sex=1,2. Once per attribute;
    /// each is looked at alone and in every combination.
    #[arg(long, value_name = "INPUT=VALUE,VALUE", value_parser = pair::<String>, required = true)]
    by: Vec<(String, String)>,
    /// What must hold: the smallest ratio or the largest difference, such as equalized_odds_difference=0.1. May be given
    /// several times; impact_ratio=0.8 without.
    #[arg(long, value_name = "MEASURE=BOUND", value_parser = pair::<f64>)]
    threshold: Vec<(String, f64)>,
    /// The favourable value of decision and label; 1 or true without.
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// The chance of a false alarm over everything that is watched and all time.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    alpha: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The version: its id, or MODEL@LABEL.
    version: String,
    /// Where it runs.
    #[arg(long, value_parser = one_of(Environment::ALL, Environment::as_str), default_value = "production")]
    env: Environment,
    /// Write one HTML page to this file; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Lays down what is watched.
pub(crate) fn watch(context: &Context, watch: Watch) -> anyhow::Result<()> {
    let values = |text: &str| text.split(',').map(|value| value.trim().to_owned()).collect();
    let attribute =
        |(name, list): &(String, String)| WatchedAttribute { name: name.clone(), values: values(list) };
    let mut criteria: Vec<WatchedCriterion> =
        watch.threshold.into_iter().map(|(measure, bound)| WatchedCriterion { measure, bound }).collect();
    if criteria.is_empty() {
        criteria.push(WatchedCriterion { measure: "impact_ratio".to_owned(), bound: 0.8 });
    }
    let command = WatchFairness {
        version: watch.version,
        attributes: watch.by.iter().map(attribute).collect(),
        criteria,
        positive: watch.positive,
        alpha: Some(watch.alpha),
    };
    context.screen.object(&context.client.post(&path(&["fairness-watches"]), &command)?)
}

/// Shows how it stands.
pub(crate) fn show(context: &Context, show: Show) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    let Show { version, env, html } = show;
    let place = ["versions", &version, "fairness", env.as_str()];
    if let Some(out) = html {
        let page = path(&[&place[..], &["page"]].concat());
        let (digest, bytes) = save(&out, None, |_| client.download(&page, 0))?;
        let saved = serde_json::json!({ "file": out, "bytes": bytes, "sha256": digest });
        return screen.object(&Answer::of_value(saved));
    }
    let answer = client.get(&path(&place), &[])?;
    if screen.format == Format::Json {
        return screen.object(&answer);
    }
    let view: FairnessView = serde_json::from_value(answer.value.clone())?;
    print(&render(&version, &view, screen.style))
}

/// The watch on the terminal: criteria, days, then each family of groups.
fn render(version: &str, view: &FairnessView, style: Style) -> String {
    let mut text = String::new();
    let title = format!("{} in {}: {}", one_line(version), view.environment, view.state);
    let _ = writeln!(text, "{} ({} rows)", style.strong(&title), view.report.rows.total);
    for game in &view.games {
        let (state, shade): (_, fn(Style, &str) -> String) = match game.standing {
            Standing::Finding => ("finding", Style::bad),
            Standing::InsufficientEvidence => ("insufficient evidence", Style::caution),
            Standing::NoFinding => ("no finding so far", Style::good),
        };
        let state = shade(style, &format!("{state:<21}"));
        let sign = if game.criterion.measure.is_ratio() { ">=" } else { "<=" };
        let demand = format!(
            "{} {sign} {} by {}",
            game.criterion.measure.name(),
            game.criterion.bound,
            one_line(&game.attributes.join(", "))
        );
        let few = match game.too_few.len() {
            0 => String::new(),
            count => format!("; too few rows in {count} groups"),
        };
        let between = one_line(&game.between.join(" and "));
        let _ = writeln!(
            text,
            "  {state}  {demand}: p {:.2e} at any time (finding from {:.1e} on), most between {between}{few}",
            game.p_value, game.alpha
        );
    }
    let _ = writeln!(
        text,
        "\n{}",
        style.dim("  DAY         ROWS      LABELLED  STATE                  P (MILLIONTHS)")
    );
    for day in &view.days {
        let _ = writeln!(
            text,
            "  {:<10}  {:>8}  {:>8}  {:<21}  {:>14}",
            day.day,
            day.rows,
            day.labelled,
            day.state.as_str(),
            day.p_ppm
        );
    }
    for family in &view.report.families {
        groups(&mut text, family, style);
    }
    let _ = writeln!(text);
    let note = "note: the evidence may be looked at every day; that nothing was found is no pass, and nothing here is a legal conclusion";
    let _ = writeln!(text, "{}", style.dim(note));
    text
}
