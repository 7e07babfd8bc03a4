//! From when on a control counts, and by which definition.

use crate::made::{Made, adopted, journal, made, time};
use comptroller_compliance::control::{Control, shipped};
use comptroller_compliance::window::{
    Question, WindowError, WindowResult, evaluate, exception_id, reconcile,
};
use comptroller_core::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

const DAY: i64 = 86_400;

fn drills() -> Control {
    shipped().unwrap().get("CTL-CHANGE-04").unwrap().clone()
}

fn ask(events: &[Made], controls: &[&Control], from: &str, to: &str) -> WindowResult {
    let (journal, history, ledger) = journal(events, controls);
    let question = Question { from: time(from), to: time(to), framework: None, control: None, ledger };
    evaluate(&journal, &history, &shipped().unwrap(), &question).unwrap()
}

fn live() -> Made {
    made(time("2025-11-01"), "ops", "deployment.created", &[])
}

fn end() -> Made {
    made(time("2027-02-01"), "system", "ledger.timestamped", &[])
}

fn kinds(result: &WindowResult) -> Vec<&str> {
    result.controls[0].findings.iter().map(|finding| finding.kind.as_str()).collect()
}

#[test]
fn a_control_counts_from_the_first_whole_period_after_it_was_adopted() {
    let control = drills();
    let events = [live(), adopted(time("2026-02-10"), &control), end()];
    let result = ask(&events, &[&control], "2026-01-01", "2027-01-01");
    let one = &result.controls[0];
    assert_eq!((one.period.expected, one.period.exceptions), (3, 3));
    assert!(one.population[0].key.ends_with("/2026-04-01"), "{:?}", one.population);
    assert_eq!(kinds(&result), ["introduced-in-window"]);
    assert_eq!(one.excluded.len(), 1);
}

#[test]
fn what_was_never_adopted_is_named_and_not_tested() {
    let result = ask(&[live(), end()], &[], "2026-01-01", "2027-01-01");
    assert!(result.controls.is_empty() && result.receipts.is_empty());
    assert_eq!(result.not_in_operation.len(), shipped().unwrap().len());
}

#[test]
fn a_change_that_no_entry_records_does_not_count_and_is_found() {
    // Somebody narrows the population so that a deployment is not in it, in the file alone.
    let on_record = shipped().unwrap().get("CTL-RISK-01").unwrap().clone();
    let hiding = on_record.text.replace(
        "where = [\"environment = production\"]",
        "where = [\"environment = production\", \"kind != deploy\"]",
    );
    let mut library: Vec<(String, String)> = Vec::new();
    for control in shipped().unwrap().iter().filter(|control| control.id != on_record.id) {
        library.push((control.id.clone(), control.text.clone()));
    }
    library.push(("hiding.toml".to_owned(), hiding));
    let files = library.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let library = comptroller_compliance::control::Library::parse(files).unwrap();
    let events = [adopted(time("2025-01-01"), &on_record), live(), end()];
    let (journal, history, ledger) = journal(&events, &[&on_record]);
    let question =
        Question { from: time("2025-01-01"), to: time("2026-01-01"), framework: None, control: None, ledger };
    let result = evaluate(&journal, &history, &library, &question).unwrap();
    assert_eq!(result.controls[0].exceptions.len(), 1, "the deployment was never classified");
    assert_eq!(kinds(&result), ["other-definition-in-library"]);
    assert_ne!(library.digest(), shipped().unwrap().digest());
    // A list that somebody hands over without the row is short, and the row is named.
    let (missing, unknown) = reconcile(&result.controls[0], &BTreeSet::from(["event/99".to_owned()]));
    assert_eq!(
        (missing.as_slice(), unknown.as_slice()),
        (&["event/1".to_owned()][..], &["event/99".to_owned()][..])
    );
}

#[test]
fn the_definition_that_held_is_the_one_that_is_asked() {
    let before = drills();
    let text = before.text.replace("every = \"quarter\"", "every = \"month\"");
    let after = Control::parse("monthly.toml", &text).unwrap();
    let change = |at: &str| {
        let fields = [
            ("control", json!(before.id)),
            ("definition", json!(after.digest.as_str())),
            ("previous", json!(before.digest.as_str())),
        ];
        made(time(at), "owner", "control.changed", &fields)
    };
    let events = [live(), adopted(time("2025-12-01"), &before), change("2026-07-01"), end()];
    let result = ask(&events, &[&before, &after], "2026-01-01", "2027-01-01");
    // Two quarters, then six months.
    assert_eq!(result.controls[0].period.expected, 8);
    assert_eq!(kinds(&result), ["changed-in-window", "other-definition-in-library"]);
    // Without its text nothing can be asked, and that is said.
    let result = ask(&events, &[&before], "2026-01-01", "2027-01-01");
    assert_eq!(result.controls[0].period.expected, 2);
    assert!(kinds(&result).contains(&"definition-not-readable"));
}

#[test]
fn a_retired_control_expects_nothing_more() {
    let control = drills();
    let retired = made(
        time("2026-07-01"),
        "owner",
        "control.retired",
        &[("control", json!(control.id)), ("definition", json!(control.digest.as_str()))],
    );
    let events = [live(), adopted(time("2025-12-01"), &control), retired, end()];
    let result = ask(&events, &[&control], "2026-01-01", "2027-01-01");
    assert_eq!(result.controls[0].period.expected, 2);
    assert_eq!(result.controls[0].point.kept, None);
    // The second quarter is over, and missed, at the end of its last day; what is open stays so.
    let last = result.controls[0].timeline.last().unwrap();
    assert_eq!((last.from.as_str(), last.open), ("2026-06-30", 2));
}

#[test]
fn every_occurrence_belongs_to_exactly_one_of_two_windows_that_meet() {
    let control = shipped().unwrap().get("CTL-INCIDENT-02").unwrap().clone();
    let opened = |at: &str, id: &str| made(time(at), "system", "incident.opened", &[("incident", json!(id))]);
    let closed = |at: &str, id: &str| made(time(at), "ann", "incident.closed", &[("incident", json!(id))]);
    let events = [
        adopted(time("2025-01-01"), &control),
        // Due in the second window, closed in time there.
        opened("2026-06-20", "#i1"),
        closed("2026-07-02", "#i1"),
        // Due in the second window, never closed.
        opened("2026-06-25", "#i2"),
        // Closed within the first window already.
        opened("2026-06-26", "#i3"),
        closed("2026-06-27", "#i3"),
        end(),
    ];
    let first = ask(&events, &[&control], "2026-01-01", "2026-07-01");
    let second = ask(&events, &[&control], "2026-07-01", "2027-01-01");
    let counts = |result: &WindowResult| {
        let period = &result.controls[0].period;
        (period.met, period.exceptions, period.pending)
    };
    assert_eq!(counts(&first), (1, 0, 2));
    assert_eq!(counts(&second), (1, 1, 0));
    assert!(second.controls[0].population.iter().all(|occurrence| occurrence.brought_forward));
    // What happens after a window does not change what was said of it.
    let later = [&events[..], &[closed("2026-12-01", "#i2")]].concat();
    assert_eq!(ask(&later, &[&control], "2026-01-01", "2026-07-01").digest, first.digest);
}

#[test]
fn a_retest_closes_an_exception_and_a_late_review_does_too() {
    let control = shipped().unwrap().get("CTL-INCIDENT-02").unwrap().clone();
    let opened = |at: &str, id: &str| made(time(at), "system", "incident.opened", &[("incident", json!(id))]);
    let events = vec![
        adopted(time("2025-01-01"), &control),
        opened("2026-02-01", "#i1"),
        opened("2026-02-02", "#i2"),
        made(time("2026-04-01"), "ann", "incident.closed", &[("incident", json!("#i1"))]),
        end(),
    ];
    let result = ask(&events, &[&control], "2026-01-01", "2027-01-01");
    let exceptions = &result.controls[0].exceptions;
    assert_eq!(exceptions[0].closed, Some(time("2026-04-01")));
    assert_eq!(exceptions[1].closed, None);
    assert_eq!(exceptions[1].id, exception_id(&control.id, "event/2"));
    let note = |at: &str, who: &str, step: &str| {
        let fields = [
            ("exception", json!(exceptions[1].id.as_str())),
            ("control", json!(control.id)),
            ("step", json!(step)),
        ];
        made(time(at), who, "exception.noted", &fields)
    };
    let closed = |notes: &[Made]| {
        let result = ask(&[&events[..], notes].concat(), &[&control], "2026-01-01", "2027-01-01");
        result.controls[0].exceptions[1].closed
    };
    let (remedied, passed) =
        (note("2026-05-01", "ann", "remediation"), note("2026-06-01", "ben", "retest-passed"));
    assert_eq!(closed(std::slice::from_ref(&passed)), None, "nothing was done about it");
    assert_eq!(closed(&[remedied.clone(), note("2026-06-01", "ann", "retest-passed")]), None, "by herself");
    let failed = note("2026-07-01", "ben", "retest-failed");
    assert_eq!(closed(&[remedied.clone(), passed.clone(), failed]), None, "it failed since");
    let noted = [events.clone(), vec![remedied, passed]].concat();
    let result = ask(&noted, &[&control], "2026-01-01", "2027-01-01");
    assert_eq!(result.controls[0].exceptions[1].closed, Some(time("2026-06-01")));
    assert_eq!(result.notes.values().map(Vec::len).sum::<usize>(), 2);
    assert_eq!(result.controls[0].period.exceptions, 2, "a closed exception stays one");
}

#[test]
fn what_must_happen_next_is_known() {
    let control = drills();
    let drill = made(time("2026-04-20"), "ops", "rollback.drilled", &[]);
    let now = made(time("2026-05-01"), "system", "ledger.timestamped", &[]);
    let events = [live(), adopted(time("2025-12-01"), &control), now];
    let due = |events: &[Made]| {
        let result = ask(events, &[&control], "2026-01-01", "2026-05-01");
        result.criteria.iter().find(|one| one.criterion == "soc2:A1.3").unwrap().next_due.clone().unwrap().at
    };
    assert_eq!(due(&events), time("2026-07-01"));
    assert_eq!(due(&[&events[..], &[drill]].concat()), time("2026-10-01"));
}

#[test]
fn a_window_that_is_none_is_refused() {
    let (journal, history, ledger) = journal(&[live()], &[]);
    let library = shipped().unwrap();
    let ask = |from: Timestamp, to: Timestamp, size: u64| {
        let ledger = comptroller_compliance::window::LedgerPosition { size, ..ledger.clone() };
        evaluate(&journal, &history, &library, &Question { from, to, framework: None, control: None, ledger })
    };
    let start = time("2026-01-01");
    assert!(matches!(ask(start, start, 1), Err(WindowError::Window { .. })));
    assert!(matches!(ask(start, start.plus_seconds(12 * 366 * DAY), 1), Err(WindowError::Window { .. })));
    assert!(matches!(ask(start, start.plus_seconds(DAY), 2), Err(WindowError::Position { .. })));
    assert!(ask(start, start.plus_seconds(DAY), 1).is_ok());
}
