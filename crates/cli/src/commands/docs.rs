//! `comptroller docs`: documents made of facts on record, and references generated from this program.

use super::document;
use crate::args::{Cli, Noun};
use crate::config::reference as config_reference;
use crate::exit::{self, Exit};
use crate::output::{Screen, print};
use clap::{Arg, Command, CommandFactory as _, Subcommand};
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the kinds of documents that can be made. Needs no server, but for what is stale.
    List(document::ListArgs),
    /// Write a document as it stands now: a page (.html), PDF (.pdf), Markdown (.md), or its data with `--format json`.
    Show(document::ShowArgs),
    /// Answer a question of a document, or change an answer.
    Answer(document::AnswerArgs),
    /// Say what is open in a document; ends with 2 if something is.
    Check(document::Which),
    /// Issue a document: its text is kept and its digest recorded. Refused while something is open.
    Issue(document::Which),
    /// Show what changed in a document since it was issued.
    Diff(document::DiffArgs),
    /// The HTTP interface as an OpenAPI document (JSON). Needs no server.
    Openapi,
    /// The command line (Markdown). Needs no server.
    Cli,
    /// The configuration (Markdown). Needs no server.
    Config,
}

pub(crate) fn run(screen: Screen, noun: Noun<Verb>) -> anyhow::Result<Exit> {
    let text = match noun.verb {
        Verb::Openapi => {
            let mut text = serde_json::to_string_pretty(&comptroller_server::openapi())?;
            text.push('\n');
            text
        }
        Verb::Cli => cli_reference(),
        Verb::Config => config_reference(),
        Verb::List(arguments) => return document::list(screen, &noun.api, arguments).map(|()| Exit::OK),
        verb => return document::run(&super::Context::new(&noun.api, screen)?, verb),
    };
    print(&text).map(|()| Exit::OK)
}

fn cli_reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from("# Command line\n\n");
    let _ = writeln!(text, "{}\n", about(&root));
    text.push_str(
        "Answers go to stdout. Errors and progress go to stderr: as text, or with `--format json` as one JSON object, \
         which for an error of the API is its problem document (RFC 9457). Colours appear on a terminal only, and not \
         if `NO_COLOR` is set.\n\n## Exit codes\n\n",
    );
    text.push_str(&exit::reference());
    text.push_str("\n## Options of every command\n\n");
    for argument in root.get_arguments().filter(|argument| argument.is_global_set()) {
        option(&mut text, argument);
    }
    text.push_str("\n## Options of every command that talks to a server\n\n");
    // `whoami` has these and nothing else.
    if let Some(whoami) = root.find_subcommand("whoami") {
        for argument in whoami.get_arguments().filter(|argument| is_server_option(argument)) {
            option(&mut text, argument);
        }
    }
    for command in root.get_subcommands() {
        section(&mut text, command, &format!("comptroller {}", command.get_name()), 2);
    }
    text
}

fn section(text: &mut String, command: &Command, path: &str, level: usize) {
    let _ = write!(text, "\n{} {path}\n\n{}\n", "#".repeat(level), about(command));
    if !command.has_subcommands() {
        let usage = command.clone().render_usage().to_string();
        let _ = write!(text, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
        let own = |argument: &&Arg| {
            !argument.is_global_set()
                && !is_server_option(argument)
                && !argument.is_hide_set()
                && !matches!(argument.get_id().as_str(), "help" | "version")
        };
        if command.get_arguments().any(|argument| own(&argument)) {
            text.push('\n');
        }
        for argument in command.get_arguments().filter(own) {
            option(text, argument);
        }
    }
    for inner in command.get_subcommands() {
        section(text, inner, &format!("{path} {}", inner.get_name()), level + 1);
    }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

fn is_server_option(argument: &Arg) -> bool {
    argument.get_help_heading() == Some("Server")
}

fn option(text: &mut String, argument: &Arg) {
    let mut name = match (argument.get_long(), argument.get_value_names()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(names)) => names.join(" "),
        (None, None) => argument.get_id().to_string().to_uppercase(),
    };
    let takes_value = argument.get_action().takes_values();
    if argument.get_long().is_some() && takes_value {
        let value = argument.get_value_names().map(|names| names.join(" "));
        name = format!("{name} {}", value.unwrap_or_else(|| "VALUE".to_owned()));
    }
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(|help| help.to_string().replace("\n\n", " ").replace('\n', " ")).unwrap_or_default();
    let _ = write!(text, "- `{name}`: {}", help.trim_end_matches('.'));
    let words: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes_value && !words.is_empty() {
        let _ = write!(text, "; one of {}", words.join(", "));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if takes_value && !defaults.is_empty() {
        let _ = write!(text, "; default {}", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, "; variable `{}`", variable.to_string_lossy());
    }
    text.push_str(".\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_command_and_every_exit_code() {
        let text = cli_reference();
        for command in Cli::command().get_subcommands() {
            assert!(
                text.contains(&format!("\n## comptroller {}\n", command.get_name())),
                "{}",
                command.get_name()
            );
        }
        for code in 0..=21 {
            assert!(text.contains(&format!("| {code} |")), "{code}");
        }
    }
}
