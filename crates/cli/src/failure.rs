//! What went wrong, shown once: the chain of causes, the rules that fired, and what to do about it.
//!
//! The only place that prints errors.

use crate::exit::Exit;
use crate::output::{Format, Style, clean};
use comptroller_ledger::VerifyError;
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::Write as _;

/// A failure whose kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments or a file that they name are not usable.
    #[error("{message}")]
    Usage {
        /// What is wrong, and where.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// The server answered with an error.
    #[error("{}", .0.summary())]
    Api(Box<Problem>),
    /// There was no answer.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// Where the server was expected.
        url: String,
        /// Why there was no answer.
        source: ureq::Error,
    },
    /// A pack or a log does not verify.
    #[error("not verified: {0}")]
    Verify(VerifyError),
}

impl Failure {
    /// A usage error.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> anyhow::Error {
        Self::Usage { message: message.into(), remedy: remedy.into() }.into()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::USAGE,
            Self::Api(problem) => Exit::of_problem(&problem.code, problem.status),
            Self::Unreachable { .. } => Exit::UNREACHABLE,
            Self::Verify(error) => Exit::of_class(error.class),
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Api(problem) => &problem.code,
            Self::Unreachable { .. } => "unreachable",
            Self::Verify(error) => error.class.code(),
        }
    }

    fn remedy(&self) -> &str {
        match self {
            Self::Usage { remedy, .. } => remedy,
            // The server tells programs how to send a token; whoever runs a command hands it over otherwise.
            Self::Api(problem) if problem.status == 401 => {
                "hand a token that counts over, with --token-file or COMPTROLLER_TOKEN; an owner or administrator \
                 issues one: comptroller token issue"
            }
            Self::Api(problem) => problem.remedy.as_deref().unwrap_or_default(),
            Self::Unreachable { .. } => {
                "start it with `comptroller serve`, or say where it is with --url or COMPTROLLER_URL"
            }
            Self::Verify(_) => {
                "do not rely on it; compare with another copy, and tell whoever handed it over"
            }
        }
    }
}

/// An error answer of the API (RFC 9457), as far as it is shown.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) detail: Option<String>,
    #[serde(default)]
    pub(crate) remedy: Option<String>,
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// The whole body, if it was JSON.
    #[serde(skip)]
    pub(crate) body: Option<String>,
}

/// A rule that stood against the act.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) set: String,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) remedy: String,
}

impl Problem {
    /// Reads an error answer; a body that is no problem document is quoted, cut to a line.
    pub(crate) fn read(status: u16, body: &str) -> Self {
        match serde_json::from_str::<Self>(body) {
            Ok(problem) => Self { status, body: Some(body.to_owned()), ..problem },
            Err(_) => {
                let line: String = body.lines().next().unwrap_or_default().chars().take(200).collect();
                Self { status, detail: Some(line).filter(|line| !line.is_empty()), ..Self::default() }
            }
        }
    }

    fn summary(&self) -> String {
        match self.detail.as_ref().or(self.title.as_ref()) {
            Some(text) => text.clone(),
            None => format!("the server answered with status {}", self.status),
        }
    }
}

/// Prints an error once, to stderr: text, or one JSON object when the output is JSON. Answers the exit code.
pub(crate) fn report(error: &anyhow::Error, format: Format) -> Exit {
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    let text = match format {
        Format::Json => json(error, failure),
        _ => text(error, failure, Style::of_stderr()),
    };
    // Nothing can be done if even this cannot be written.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    failure.map_or(Exit::FAILURE, Failure::exit)
}

fn chain(error: &anyhow::Error) -> String {
    let mut shown = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // A transparent wrapper says the same again.
        if shown.ends_with(&cause) {
            continue;
        }
        if !shown.is_empty() {
            shown.push_str(": ");
        }
        shown.push_str(&cause);
    }
    shown
}

fn text(error: &anyhow::Error, failure: Option<&Failure>, style: Style) -> String {
    let mut text = format!("{} {}\n", style.bad("error:"), clean(&chain(error)));
    let Some(failure) = failure else { return text };
    let mut remedy = failure.remedy();
    if let Failure::Api(problem) = failure
        && !problem.rules.is_empty()
    {
        text.push_str(&rules(&problem.rules, style));
        // The rules have said it already, one by one.
        remedy = "";
    }
    if !remedy.is_empty() {
        let _ = writeln!(text, "  {} {}", style.dim("do:"), clean(remedy));
    }
    text
}

/// The rules that fired, each with its reason and remedy.
pub(crate) fn rules(rules: &[Rule], style: Style) -> String {
    let mut text = String::new();
    for rule in rules {
        let set = if rule.set.is_empty() { String::new() } else { format!(" ({})", rule.set) };
        let _ =
            writeln!(text, "  {}{}: {}", style.strong(&clean(&rule.id)), clean(&set), clean(&rule.reason));
        if !rule.remedy.is_empty() {
            let _ = writeln!(text, "    {} {}", style.dim("do:"), clean(&rule.remedy));
        }
    }
    text
}

fn json(error: &anyhow::Error, failure: Option<&Failure>) -> String {
    if let Some(Failure::Api(problem)) = failure
        && let Some(body) = &problem.body
    {
        return format!("{body}\n");
    }
    let mut object = serde_json::json!({
        "code": failure.map_or("failure", Failure::code),
        "detail": chain(error),
        "remedy": failure.map_or("", Failure::remedy),
    });
    if let Some(Failure::Verify(error)) = failure {
        object["place"] = error.place.clone().into();
        object["problem"] = error.problem.clone().into();
    }
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_chain_is_printed_once_with_its_remedy() {
        let inner = Failure::usage("models.json: line 3: expected a comma", "correct the file");
        let error = Err::<(), _>(inner).context("the version was not registered").unwrap_err();
        assert_eq!(
            text(&error, error.chain().find_map(|c| c.downcast_ref::<Failure>()), Style::plain()),
            "error: the version was not registered: models.json: line 3: expected a comma\n  do: correct the file\n"
        );
    }

    #[test]
    fn without_a_token_that_counts_it_is_said_how_a_command_takes_one() {
        let problem = Problem { status: 401, remedy: Some("as a header".to_owned()), ..Problem::default() };
        assert!(Failure::Api(Box::new(problem)).remedy().contains("COMPTROLLER_TOKEN"));
    }

    #[test]
    fn a_denial_names_every_rule_with_its_remedy_and_nothing_twice() {
        let body = r#"{"status":403,"code":"denied","detail":"version.deploy is not allowed","remedy":"ask",
            "rules":[{"id":"two-approvals","set":"review","reason":"0 of 2","remedy":"ask for approval"}]}"#;
        let error: anyhow::Error = Failure::Api(Box::new(Problem::read(403, body))).into();
        let shown = text(&error, error.downcast_ref(), Style::plain());
        assert_eq!(
            shown,
            "error: version.deploy is not allowed\n  two-approvals (review): 0 of 2\n    do: ask for approval\n"
        );
    }

    #[test]
    fn an_answer_that_is_not_a_problem_document_is_quoted_in_one_line() {
        let problem = Problem::read(502, "Bad Gateway\n<html>");
        assert_eq!(problem.summary(), "Bad Gateway");
        assert_eq!(Problem::read(502, "").summary(), "the server answered with status 502");
    }
}
