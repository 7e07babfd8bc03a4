//! What is stale, below what people look at: each with its cause and the command that mends it.

use crate::client::{Client, path};
use crate::output::{Style, clean};
use comptroller_app::stale::{Stale, StaleAssessment, StaleDocument};
use std::fmt::Write as _;

/// Asks for what is stale of a system, or of everything.
pub(super) fn ask(client: &Client, system: Option<String>) -> anyhow::Result<Stale> {
    Ok(serde_json::from_value(client.get(&path(&["stale"]), &[("system", system)])?.value)?)
}

/// Assessments as text; nothing if none is stale.
pub(super) fn assessments(stale: &[StaleAssessment], style: Style) -> String {
    let mut out = String::new();
    for one in stale {
        let about = format!("the risk assessment of {}, entry {}", one.slug, one.ledger_index);
        add(&mut out, style, &about, &one.causes, &one.command);
    }
    out
}

/// Documents as text; nothing if none is stale.
pub(super) fn documents(stale: &[StaleDocument], style: Style) -> String {
    let mut out = String::new();
    for one in stale {
        let about = format!("{} of {}, entry {}", one.kind, clean(&one.subject), one.ledger_index);
        add(&mut out, style, &about, &one.causes, &one.command);
    }
    out
}

/// One thing that is stale.
pub(super) fn add(out: &mut String, style: Style, about: &str, causes: &[String], command: &str) {
    let causes: Vec<String> = causes.iter().map(|cause| clean(cause)).collect();
    let _ = writeln!(out, "{} {about}: {}\n  {}", style.caution("stale"), causes.join("; "), clean(command));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_cause_and_what_to_type() {
        let mut out = String::new();
        let causes = ["the scale changed".to_owned(), "a \u{1b}[2J cause".to_owned()];
        add(
            &mut out,
            Style::plain(),
            "annex-iv of credit",
            &causes,
            "comptroller docs issue annex-iv credit",
        );
        assert!(out.starts_with("stale annex-iv of credit: the scale changed; a "), "{out}");
        assert!(out.ends_with("\n  comptroller docs issue annex-iv credit\n"), "{out}");
        assert!(!out.contains('\u{1b}'), "a cause steers the terminal");
    }
}
