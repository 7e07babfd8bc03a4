//! `comptroller gate`: may this version go to this environment? The exit code is the answer.

use super::Context;
use crate::client::path;
use crate::exit::Exit;
use crate::failure::{Rule, rules};
use crate::input::one_of;
use crate::output::{Style, cell};
use anyhow::Context as _;
use clap::Args;
use comptroller_app::gate::CheckGate;
use comptroller_core::Environment;
use comptroller_core::vocab::Outcome;
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The version: its id, MODEL@LABEL, or SYSTEM/MODEL@LABEL.
    version: String,
    /// Where it should go.
    #[arg(value_parser = one_of(Environment::ALL, Environment::as_str))]
    environment: Environment,
}

pub(crate) fn run(context: &Context, arguments: &GateArgs) -> anyhow::Result<Exit> {
    let command = CheckGate { version: arguments.version.clone(), environment: arguments.environment };
    let answer = context.client.post(&path(&["gate"]), &command)?;
    let outcome: Outcome =
        answer.field("/outcome")?.parse().context("the server's answer has an unknown outcome")?;
    context.screen.print(&answer, |value| text(value, outcome, context.screen.style))?;
    Ok(Exit::of_outcome(outcome))
}

fn text(value: &Value, outcome: Outcome, style: Style) -> String {
    let word = match outcome {
        Outcome::Allow => style.good("allow"),
        Outcome::NeedsReview => style.caution("needs review"),
        Outcome::Deny => style.bad("deny"),
        Outcome::Unknown => style.bad("unknown (counts as deny)"),
    };
    let mut text = format!("{word}: {} to {}\n", cell(&value["version"]), cell(&value["environment"]));
    let fired: Vec<Rule> = serde_json::from_value(value["rules"].clone()).unwrap_or_default();
    text.push_str(&rules(&fired, style));
    for (what, field) in [("worse than what serves now", "regressions"), ("error", "errors")] {
        for item in value[field].as_array().into_iter().flatten() {
            let _ = writeln!(text, "  {what}: {}", cell(item));
        }
    }
    let recorded =
        format!("decision {} is entry {} of the log", cell(&value["decision"]), cell(&value["ledger_index"]));
    let _ = writeln!(text, "{}", style.dim(&recorded));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_names_rules_remedies_and_the_record() {
        let value = json!({
            "version": "v", "environment": "production", "decision": "d", "ledger_index": 7,
            "rules": [{"id": "two-approvals", "set": "review", "reason": "0 of 2", "remedy": "ask"}],
            "regressions": ["auc 0.86 -> 0.84"], "errors": [],
        });
        assert_eq!(
            text(&value, Outcome::NeedsReview, Style::plain()),
            "needs review: v to production\n  two-approvals (review): 0 of 2\n    do: ask\n  \
             worse than what serves now: auc 0.86 -> 0.84\ndecision d is entry 7 of the log\n"
        );
    }
}
