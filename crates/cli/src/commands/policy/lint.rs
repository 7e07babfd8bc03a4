//! `comptroller policy lint`.

use super::folder;
use crate::client::Answer;
use crate::exit::Exit;
use crate::output::{Screen, clean};
use anyhow::Result;
use comptroller_policy::{Finding, lint, unknown_controls};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn run(screen: Screen, folder: Option<&Path>) -> Result<Exit> {
    let package = folder::read(folder)?;
    let mut findings = lint(&package);
    let known = comptroller_compliance::control::references().map_err(anyhow::Error::msg)?;
    findings.extend(unknown_controls(&package, &known));
    let answer = Answer::of_value(serde_json::json!({ "findings": findings }));
    screen.print(&answer, |_| {
        let mut text = String::new();
        for Finding { file, line, what } in &findings {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = folder.unwrap_or(Path::new("")).join(file);
            let _ = writeln!(text, "{}{line}: {}", place.display(), clean(what));
        }
        let verdict = match findings.len() {
            0 => screen.style.good("in order"),
            1 => screen.style.bad("1 finding"),
            n => screen.style.bad(&format!("{n} findings")),
        };
        let _ = writeln!(text, "{verdict}");
        text
    })?;
    Ok(if findings.is_empty() { Exit::OK } else { Exit::FAILURE })
}
