//! What stands in the page and the tables, and what never does.

use super::*;
use crate::pdf::reader::{Reader, dense};
use comptroller_compliance::control::Library;
use comptroller_compliance::digest;
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::result::{DayState, Run};
use comptroller_compliance::window::{Timeline, WindowResult};
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
        "timeline": [{ "from": "2026-01-01", "through": "2026-01-31", "state": "not-evidenced", "open": 0 },
            { "from": "2026-02-01", "through": "2026-12-31", "state": "open", "open": 1 }],
        "next_due": { "at": "2027-04-01T00:00:00.000000Z", "control": "CTL-X-01", "occurrence": "organisation/2027-01-01" } });
    let value = json!({
        "format": "f", "from": from, "to": to, "evidence_until": to, "framework": "soc2", "engine": digest,
        "controls": [control], "criteria": [criterion], "not_in_operation": ["CTL-Y-01"], "digest": digest,
        "ledger": { "size": 9, "root": digest }, "receipts": [], "notes": {},
    });
    serde_json::from_value(value).unwrap()
}

/// The timelines of a result.
fn rows(result: &WindowResult) -> Timeline {
    let library = Library::parse(std::iter::empty()).unwrap();
    comptroller_compliance::window::timeline(result, &library, None)
}

/// INVARIANT (no-conclusion): the column is there, and nothing is in it, in any form.
#[test]
fn the_conclusion_is_empty_everywhere() {
    let result = result();
    let csv = tests_csv(&result);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",conclusion") && lines[1].ends_with(','), "{csv}");
    let page = html(&result, &[], &rows(&result));
    assert_eq!(page.matches("<td class=\"empty\"></td>").count(), 1);
    let printed = Reader::new(&pdf(&result, &[], &rows(&result)).unwrap()).dense("Tests of controls: soc2");
    // Behind the result of its row comes the next section.
    assert!(printed.contains("0of1met(99.9%)Timelinesofcriteria"), "{printed}");
    for text in [csv, page, printed] {
        for word in ["effective", "satisfied", "compliant", "qualified"] {
            assert!(!text.to_lowercase().contains(word), "{word}");
        }
    }
}

#[test]
fn no_text_becomes_markup_or_a_formula() {
    let result = result();
    let page = html(&result, &[], &rows(&result));
    assert!(!page.contains("<b>wrong") && !page.contains("<i>title") && !page.contains("<script"));
    let csv = exceptions_csv(&result);
    assert!(csv.contains("\"'=cmd <b>wrong</b>, \"\"so\"\"\""), "{csv}");
    assert_eq!(percent(Some(999_999)), "99.9 %");
}

#[test]
fn the_pdf_says_what_the_page_says() {
    let sample = sample();
    let result = result();
    let print = || pdf(&result, std::slice::from_ref(&sample), &rows(&result)).unwrap();
    let bytes = print();
    assert_eq!(bytes, print());
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
        "Timelines of criteria",
        "no exception open (=): half as high, filled;",
        "soc2:CC8.1",
        "exceptions open since 2026-02-01; due next by 2027-03-31: organisation/2027-01-01 of CTL-X-01",
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
    assert_eq!(reader.elements().get("Figure"), Some(&2));
    assert_eq!(reader.information("CreationDate").as_deref(), Some("D:20270101000000Z"));
    assert!(reader.outline().contains(&(1, "CTL-X-01 A <i>title</i>".to_owned())));
}

#[test]
fn of_many_exceptions_the_pdf_lists_some_and_says_so() {
    let mut result = result();
    let one = result.controls[0].exceptions[0].clone();
    result.controls[0].exceptions = vec![one; 300];
    let reader = Reader::new(&pdf(&result, &[], &rows(&result)).unwrap());
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

#[test]
fn a_strip_says_each_day_by_colour_height_letter_and_words() {
    let run = |from: &str, through: &str, state, open| Run {
        from: from.to_owned(),
        through: through.to_owned(),
        state,
        open,
    };
    let runs = [
        run("2026-01-01", "2026-03-31", DayState::NotInOperation, 0),
        run("2026-04-01", "2026-05-31", DayState::NotEvidenced, 0),
        run("2026-06-01", "2026-11-29", DayState::Clear, 0),
        run("2026-11-30", "2026-11-30", DayState::Open, 3),
        run("2026-12-01", "2026-12-31", DayState::Open, 2),
    ];
    let drawn = strip::strip("s", "<b>CTL</b>", &runs, strip::WIDE);
    for expected in [
        "<title>2026-01-01 to 2026-03-31: not in operation</title>",
        "<title>2026-06-01 to 2026-11-29: no exception open</title>",
        "<title>2026-11-30: 3 open</title>",
        "class=\"s-none\"",
        ">?</text>",
        ">X</text>",
        ">-</text>",
        "&lt;b&gt;CTL",
    ] {
        assert!(drawn.contains(expected), "{expected} in {drawn}");
    }
    let heights: Vec<&str> = drawn
        .split("<rect")
        .skip(1)
        .filter_map(|rect| rect.split("height=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(heights, ["2.9", "13.2", "14.4", "24.0", "24.0"]);
    // A single day is seen, and has no room for a letter.
    assert_eq!(drawn.matches(">X</text>").count(), 1);
    // Eleven months begin inside the year, and one with it.
    assert_eq!(strip::head("h", &runs, strip::NARROW).matches("<line").count(), 12);
    assert_eq!(strip::said(&runs[2..3]), "no exception was open on any day");
}

/// INVARIANT (nothing-runs): the page of timelines loads nothing.
#[test]
fn the_page_of_timelines_has_a_legend_every_row_and_what_is_due() {
    let result = result();
    let page = timeline_html(&rows(&result));
    for expected in
        ["not evidenced (?)", "soc2:CC8.1", "CTL-X-01", "by 2027-03-31: organisation/2027-01-01", "CTL-Y-01"]
    {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(page.contains("A &lt;i&gt;title") && !page.contains("<i>title") && !page.contains("<script"));
    let whole = html(&result, &[], &rows(&result));
    let mut ids: Vec<&str> =
        whole.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice: {ids:?}");
}
