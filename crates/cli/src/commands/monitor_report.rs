//! The report on a judged day as text: the verdict, what is wrong and what shows it, the pillars, and who carries it.
//!
//! Read from the answer as it came, so that a server of another version is shown as far as it says the same.

use crate::output::{Style, cell, clean};
use serde_json::Value;
use std::fmt::Write as _;

/// Columns that are listed, at most.
const LISTED: usize = 10;

pub(super) fn text(report: &Value, style: Style) -> String {
    let headline = &report["headline"];
    let word = |value: &Value| clean(value.as_str().unwrap_or_default());
    let pillar =
        headline["pillar"].as_str().map(|pillar| format!(" ({})", clean(pillar))).unwrap_or_default();
    let verdict = format!("D {}{pillar}: {}", number(&headline["coefficient"]), word(&headline["text"]));
    let verdict = match headline["band"].as_str() {
        Some("normal") => style.good(&verdict),
        Some("investigate" | "rollback") => style.bad(&verdict),
        _ => style.caution(&verdict),
    };
    let mut out = format!("{verdict}\n");
    for side in ["reference", "current"] {
        let _ = writeln!(
            out,
            "  {}  {} ({} rows)",
            style.strong(&format!("{side:<9}")),
            word(&report[side]["name"]),
            cell(&report[side]["rows"])
        );
    }
    for finding in list(&report["findings"]) {
        let kind = word(&finding["kind"]).replace('-', " ");
        let _ = writeln!(out, "\n  {}: {}", style.strong(&kind), word(&finding["text"]));
        for line in list(&finding["evidence"]) {
            let _ = writeln!(out, "    {}", word(line));
        }
    }
    out.push('\n');
    for pillar in list(&report["pillars"]) {
        let value = if pillar["value"].is_null() { "-".to_owned() } else { number(&pillar["value"]) };
        let _ = writeln!(out, "  {:<12} {value:>5}  {}", word(&pillar["name"]), word(&pillar["note"]));
    }
    let carries = |column: &&Value| column["percent"].as_f64().is_some_and(|percent| percent > 0.0);
    let carriers: Vec<&Value> = list(&report["columns"]).iter().filter(carries).collect();
    if !carriers.is_empty() {
        out.push_str("\n  carried by\n");
    }
    for column in carriers.iter().take(LISTED) {
        let cause = column["causes"][0]["text"].as_str().map(|cause| format!("  {}", clean(cause)));
        let _ = writeln!(
            out,
            "  {:>5} %  V {}  {}{}",
            cell(&column["percent"]),
            number(&column["v"]),
            word(&column["name"]),
            cause.unwrap_or_default()
        );
    }
    if carriers.len() > LISTED {
        let _ = writeln!(out, "  {} more; `--format json` lists them", carriers.len() - LISTED);
    }
    for note in list(&report["notes"]) {
        let _ = writeln!(out, "  {} {}", style.dim("note:"), word(note));
    }
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_day_is_shown_with_its_verdict_what_is_wrong_and_who_carries_it() {
        let report = json!({
            "headline": {"coefficient": 0.284, "pillar": "data", "band": "investigate", "text": "investigate: repair"},
            "reference": {"name": "baseline of 9 rows", "rows": 9}, "current": {"name": "production", "rows": 7},
            "findings": [{"kind": "pipeline-fault", "text": "constant: age no longer varies", "evidence": ["age: is 5"]}],
            "pillars": [
                {"name": "data", "value": 0.284, "note": "worst column age"},
                {"name": "concept", "value": null, "note": "there are no labels"}
            ],
            "columns": [
                {"name": "age\u{1b}[2J", "percent": 100.0, "v": 0.98, "causes": [{"text": "no longer varies"}]},
                {"name": "town", "percent": 0.0, "v": 0.01, "causes": []}
            ],
            "notes": []
        });
        insta::assert_snapshot!(text(&report, Style::plain()));
        // What another version says otherwise is left out, and is no reason to fail.
        assert!(text(&json!({}), Style::plain()).starts_with("D -: "));
    }
}
