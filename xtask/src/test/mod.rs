//! `cargo xtask test` and `cargo xtask ci`: every check of the tree, from one table of steps.
//!
//! A step that fails does not hide the ones after it. What ran, how it ended and how long it took stands in the
//! table at the end; a step that was left out stands there with its reason.

mod api;
mod report;
mod steps;
mod tutorial;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::foreign;
use crate::process::interrupted;
use crate::servers::Servers;
use crate::workspace::Workspace;
use report::{Row, Verdict};
use steps::{Need, STEPS, Step};

/// What one run was asked to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Leave out what is slow to install.
    fast: bool,
    /// Only these steps; empty means all.
    only: Vec<String>,
    /// Print the steps and stop.
    list: bool,
    /// The settings of CI: what is missing is an error in the tests, and never a reason to skip.
    ci: bool,
}

/// What every step gets.
pub(crate) struct Context<'a> {
    workspace: &'a Workspace,
    /// Variables for the programs of a step: servers, verifiers, settings.
    environment: Vec<(String, String)>,
    fast: bool,
}

impl Context<'_> {
    /// A cargo command with the variables of this run.
    fn cargo(&self) -> Command {
        let mut command = self.workspace.cargo();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The value of a variable of this run.
    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// `cargo xtask test [--fast] [--only STEP]... [--list]`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    Ok(run_steps(workspace, &parse(arguments)?))
}

/// `cargo xtask ci`: all steps with the settings of CI.
pub(crate) fn run_ci(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("`ci` takes no arguments, found `{unknown}`; `test` has options");
    }
    Ok(run_steps(workspace, &Options { ci: true, ..Options::default() }))
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--fast" => options.fast = true,
            "--list" => options.list = true,
            "--only" => {
                let Some(name) = words.next() else {
                    bail!("`--only` needs the name of a step; `--list` prints them")
                };
                if !STEPS.iter().any(|step| step.name == name) {
                    bail!("there is no step `{name}`; `--list` prints them");
                }
                options.only.push(name.clone());
            }
            unknown => bail!("`test` does not know `{unknown}`; it takes --fast, --only STEP and --list"),
        }
    }
    Ok(options)
}

fn run_steps(workspace: &Workspace, options: &Options) -> bool {
    if options.list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.about);
        }
        return true;
    }
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| options.only.is_empty() || options.only.iter().any(|name| name == step.name))
        .collect();
    let mut context = Context { workspace, environment: settings(options.ci), fast: options.fast };
    let mut rows = Vec::new();
    let needs = |need| chosen.iter().any(|step| step.needs.contains(&need));

    let mut servers = None;
    if needs(Need::Servers) {
        rows.push(timed("servers", || {
            let started = Servers::start(workspace)?;
            context.environment.extend(started.environment());
            servers = Some(started);
            Ok(Verdict::passed())
        }));
    }
    if needs(Need::Foreign) && !options.fast && !interrupted() {
        rows.push(timed("verifiers", || {
            context.environment.extend(foreign::install(workspace)?);
            Ok(Verdict::passed())
        }));
    }
    for step in chosen {
        if interrupted() {
            rows.push(Row {
                name: step.name,
                verdict: Verdict::Failed("interrupted".to_owned()),
                seconds: 0.0,
            });
            break;
        }
        let row = timed(step.name, || (step.run)(&context));
        if matches!(row.verdict, Verdict::Failed(_) | Verdict::Tests { failed: 1.., .. })
            && step.needs.contains(&Need::Servers)
            && let Some(servers) = &servers
        {
            servers.print_logs();
        }
        rows.push(row);
    }
    // The servers stop before the summary, so that their last words do not follow it.
    drop(servers);
    println!("\n{}", report::table(&rows));
    let (passed, failed) = report::totals(&rows);
    println!("{passed} passed, {failed} failed");
    failed == 0
}

fn settings(ci: bool) -> Vec<(String, String)> {
    let mut settings = vec![("CARGO_TERM_COLOR".to_owned(), "never".to_owned())];
    if ci {
        settings.push(("CI".to_owned(), "true".to_owned()));
    }
    settings
}

/// Runs one step under a heading; an error becomes a failed row.
fn timed(name: &'static str, step: impl FnOnce() -> Result<Verdict>) -> Row {
    println!("\n==== {name} ====");
    let started = Instant::now();
    let verdict = step().unwrap_or_else(|error| {
        println!("error: {error:#}");
        Verdict::Failed(error.root_cause().to_string())
    });
    Row { name, verdict, seconds: started.elapsed().as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_read() {
        let options = parse(&words("--fast --only tidy --only fmt")).unwrap();
        assert!(options.fast && !options.ci);
        assert_eq!(options.only, ["tidy", "fmt"]);
    }

    #[test]
    fn mistakes_are_refused_with_what_to_do() {
        for (mistake, said) in
            [("--only", "needs the name"), ("--only nothing", "no step"), ("--quick", "--fast")]
        {
            let error = parse(&words(mistake)).unwrap_err().to_string();
            assert!(error.contains(said), "{mistake}: {error}");
        }
    }

    #[test]
    fn names_of_steps_are_unique() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..index].iter().all(|other| other.name != step.name), "{}", step.name);
        }
    }
}
