//! What stands in the page and the tables, and what never does.

use super::*;
use crate::pdf::reader::{Reader, dense};
use comptroller_compliance::digest;
use comptroller_compliance::sample::Sample;
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
    let criterion = json!({ "criterion": "soc2:CC8.1", "controls": ["CTL-X-01"], "not_in_operation": [], "expected": 1, "exceptions": 1,
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
    let printed = Reader::new(&pdf(&result, &[]).unwrap()).dense("Tests of controls: soc2");
    // Behind the result of its row comes the next section.
    assert!(printed.contains("0of1met(99.9%)CTL-X-01A<i>title</i>o"), "{printed}");
    for text in [csv, page, printed] {
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

#[test]
fn the_pdf_says_what_the_page_says() {
    let sample = sample();
    let bytes = pdf(&result(), std::slice::from_ref(&sample)).unwrap();
    assert_eq!(bytes, pdf(&result(), std::slice::from_ref(&sample)).unwrap());
    let reader = Reader::new(&bytes);
    let found = reader.dense("Tests of controls: soc2");
    let mut from = 0;
    for expected in [
        "2026-01-01 00:00Z to 2027-01-01 00:00Z (UTC)",
        "1 exceptions among 1 expected occurrences of 1 controls; 1 are open at the end.",
        "CTL-X-01 A <i>title</i>: 1 of 1",
        "therefore not tested: CTL-Y-01.",
        "Criterion Control Test Population Exceptions Result Conclusion",
        "Every occurrence, on x.y: all tests of the definition",
        "Owner: owner. Expected on x.y. Own rule: 100.0 % over the period.",
        "2026-01-01 to 2026-12-31: 1 open",
        "Exception",
        "event/7 on 2026-01-01 00:00Z; since 2026-01-01 00:00Z, open.",
        "Cause: =cmd <b>wrong</b>, \"so\". Entries 7.",
        "Effect to guard against: harm",
        "Population: 1. Not in it, with the reason: not a = b (2).",
        "event/7 2026-01-01 00:00Z exception 7",
        "Sample: 1 of 1.",
        "What it cannot see: It sees nothing else.",
        "How to make it again",
        "Receipts",
    ] {
        let at = found[from..].find(&dense(expected)).unwrap_or_else(|| panic!("{expected} in {found}"));
        from += at + dense(expected).len();
    }
    assert_eq!(reader.elements().get("Figure"), Some(&1));
    assert_eq!(reader.information("CreationDate").as_deref(), Some("D:20270101000000Z"));
    assert!(reader.outline().contains(&(1, "CTL-X-01 A <i>title</i>".to_owned())));
}

#[test]
fn of_many_exceptions_the_pdf_lists_some_and_says_so() {
    let mut result = result();
    let one = result.controls[0].exceptions[0].clone();
    result.controls[0].exceptions = vec![one; 300];
    let reader = Reader::new(&pdf(&result, &[]).unwrap());
    let found = reader.dense("Tests of controls: soc2");
    assert_eq!(found.matches("Effecttoguardagainst").count(), 200);
    assert!(found.contains("100moreexceptionsstandinexceptions.csv."), "{found}");
}

fn sample() -> Sample {
    Sample {
        control: "CTL-X-01".into(),
        population: 1,
        population_digest: digest::of_bytes(b"p"),
        seal: result().ledger,
        seed: digest::of_bytes(b"s"),
        table: digest::of_bytes(b"t"),
        drawn: vec!["event/7".into()],
    }
}
