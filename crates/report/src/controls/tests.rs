//! What stands in the page and the tables, and what never does.

use super::*;
use comptroller_compliance::digest;
use comptroller_compliance::window::WindowResult;
use serde_json::json;

pub(super) fn result() -> WindowResult {
    let digest = digest::of_bytes(b"x").to_string();
    let (from, to) = ("2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z");
    let exception = json!({
        "id": digest, "control": "CTL-X-01", "occurrence": "event/7", "at": from, "since": from, "closed": null,
        "causes": [{ "test": "t", "says": "=cmd <b>wrong</b>, \"so\"", "late": null, "shown_by": [7] }],
        "effect": "harm",
    });
    let occurrence = json!({ "key": "event/7", "at": from, "brought_forward": false, "state": "exception",
        "due": null, "evidence": [7] });
    let control = json!({
        "id": "CTL-X-01", "title": "A <i>title</i>", "area": "change", "owner": "owner", "objective": "o",
        "rhythm": "on x.y",
        "serves": [{ "criterion": "soc2:CC8.1", "relation": "subset", "because": "b" }],
        "blind_spots": ["It sees nothing else."], "changes": [], "findings": [],
        "population": [occurrence], "excluded": [{ "why": "not a = b", "count": 2 }], "exceptions": [exception],
        "period": { "expected": 1, "met": 0, "exceptions": 1, "pending": 0, "met_ppm": 999_999, "rule_ppm": 1_000_000,
            "kept": false },
        "point": { "at": to, "rule": "none-open", "open": 1, "kept": false },
        "timeline": [{ "from": "2026-01-01", "through": "2026-12-31", "state": "open", "open": 1 }],
        "next_due": null,
    });
    let criterion = json!({ "criterion": "soc2:CC8.1", "controls": ["CTL-X-01"], "expected": 1, "exceptions": 1,
        "timeline": [], "next_due": null });
    let value = json!({
        "format": "f", "from": from, "to": to, "evidence_until": to, "framework": "soc2", "engine": digest,
        "controls": [control], "criteria": [criterion], "not_in_operation": ["CTL-Y-01"], "digest": digest,
        "ledger": { "size": 9, "root": digest }, "receipts": [], "notes": {},
    });
    serde_json::from_value(value).unwrap()
}

/// INVARIANT (no-conclusion): the column is there, and nothing is in it, in any form.
#[test]
fn the_conclusion_is_empty_everywhere() {
    let result = result();
    let csv = tests_csv(&result);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",conclusion") && lines[1].ends_with(','), "{csv}");
    let page = html(&result, &[]);
    assert_eq!(page.matches("<td class=\"empty\"></td>").count(), 1);
    for text in [csv, page] {
        for word in ["effective", "satisfied", "compliant", "qualified"] {
            assert!(!text.to_lowercase().contains(word), "{word}");
        }
    }
}

#[test]
fn no_text_becomes_markup_or_a_formula() {
    let result = result();
    let page = html(&result, &[]);
    assert!(!page.contains("<b>wrong") && !page.contains("<i>title") && !page.contains("<script"));
    let csv = exceptions_csv(&result);
    assert!(csv.contains("\"'=cmd <b>wrong</b>, \"\"so\"\"\""), "{csv}");
    assert_eq!(percent(Some(999_999)), "99.9 %");
}
