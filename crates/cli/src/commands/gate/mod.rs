//! `comptroller gate`: may this version go to this environment? The exit code is the answer.
//!
//! The gate is asked once; that one recorded decision is shown on stdout and written to every report that is wanted.

mod dotenv;
mod github;
mod junit;
mod markdown;
mod sarif;
#[cfg(test)]
mod tests;
mod text;
mod view;

use super::Context;
use crate::client::{Answer, path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::one_of;
use crate::output::{Format, Style, line, print, write_file};
use anyhow::Context as _;
use clap::{Args, ValueEnum as _};
use comptroller_app::gate::CheckGate;
use comptroller_app::what_if::WhatIfAnswer;
use comptroller_core::vocab::Outcome;
use comptroller_core::{Environment, Slug};
use serde_json::Value;
use std::path::PathBuf;
use view::View;

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
    #[arg(required_unless_present = "model")]
    version: Option<String>,
    /// Where it should go.
    #[arg(required_unless_present = "env", value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Option<Environment>,
    /// The version, by name instead of by position.
    #[arg(long, value_name = "VERSION", conflicts_with = "version")]
    model: Option<String>,
    /// The environment, by name instead of by position.
    #[arg(
        long,
        value_name = "ENVIRONMENT",
        conflicts_with = "environment",
        value_parser = one_of(Environment::ALL, Environment::as_str)
    )]
    env: Option<Environment>,
    /// Have the shortest path proven the shortest, which takes some seconds.
    #[arg(long)]
    certify: bool,
    // The same name and type as the option of all commands, which clap then leaves to this one.
    /// What stdout gets.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Also write the same decision to a file in another format. May be given several times.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report)]
    report: Vec<(Format, PathBuf)>,
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (word, file) = text.split_once('=').ok_or("expected FORMAT=FILE, for example junit=gate.xml")?;
    if file.is_empty() {
        return Err("the file name after `=` is empty".into());
    }
    let format = Format::from_str(word, false).map_err(|_| {
        let words: Vec<&str> = Format::value_variants().iter().map(|format| format.word()).collect();
        format!("{word:?} is no format; use one of {}", words.join(", "))
    })?;
    Ok((format, PathBuf::from(file)))
}

pub(crate) fn run(context: &Context, arguments: &GateArgs) -> anyhow::Result<Exit> {
    let (asked, environment) = question(arguments)?;
    let command = CheckGate { version: asked.clone(), environment, certify: arguments.certify };
    let gate = path(&["gate"]);
    let answer = if arguments.certify {
        context.client.post_long(&gate, &command)?
    } else {
        context.client.post(&gate, &command)?
    };
    let outcome: Outcome =
        answer.field("/outcome")?.parse().context("the server's answer has an unknown outcome")?;
    print(&render(&asked, &answer, arguments.format, context.screen.style)?)?;
    for (format, file) in &arguments.report {
        let report = render(&asked, &answer, *format, Style::plain())?;
        // A pipeline that relies on a report must not go on without it, so this ends with another code than 0.
        write_file(file, report.as_bytes()).with_context(|| {
            format!("the gate said {outcome}, but its report cannot be written to {}", file.display())
        })?;
    }
    Ok(Exit::of_outcome(outcome))
}

/// What the gate would say, in its own words.
pub(crate) fn supposed(
    asked: &str,
    environment: Environment,
    value: &Value,
    style: Style,
) -> anyhow::Result<String> {
    let mut answer: WhatIfAnswer = serde_json::from_value(value.clone())
        .context("the server's answer is not one of this program's version; update the older of the two")?;
    let system = answer.system.as_ref().map(Slug::as_str);
    view::fill(&mut answer.rules, &mut answer.paths, asked, system, environment);
    Ok(text::supposed(asked, environment, &answer, style))
}

fn question(arguments: &GateArgs) -> anyhow::Result<(String, Environment)> {
    let asked = arguments.version.as_ref().or(arguments.model.as_ref());
    match (asked, arguments.environment.or(arguments.env)) {
        (Some(asked), Some(environment)) => Ok((asked.clone(), environment)),
        _ => Err(Failure::usage(
            "version or environment is missing",
            "give VERSION ENVIRONMENT, or --model and --env",
        )),
    }
}

/// The answer in one of the formats.
fn render(asked: &str, answer: &Answer, format: Format, style: Style) -> anyhow::Result<String> {
    if format == Format::Json {
        return Ok(line(answer));
    }
    let view = View::read(asked, &answer.value)?;
    Ok(match format {
        Format::Text | Format::Json => text::render(&view, style),
        Format::Junit => junit::render(&view),
        Format::Sarif => sarif::render(&view),
        Format::Github => github::render(&view),
        Format::Markdown => markdown::render(&view),
        Format::Dotenv => dotenv::render(&view),
    })
}
