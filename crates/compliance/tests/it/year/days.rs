//! INVARIANT (a-day-is-its-window): over a whole year, with faults and retests.

use super::{Faults, Planted, plant};
use crate::days::{compare, worst_of_controls};
use crate::made::{Made, journal, made, time};
use comptroller_compliance::control::Control;
use comptroller_compliance::framework::Catalogue;
use comptroller_compliance::window::result::DayState;
use comptroller_compliance::window::{Question, evaluate, timeline};
use serde_json::json;

/// Years of one run, and days that are compared in each.
const SEEDS: u64 = 4;
const COMPARED: i64 = 25;

/// The year with a retest of every second exception, some days after it began.
fn with_retests(planted: &Planted) -> Vec<Made> {
    let mut events = planted.events.clone();
    let adopted: Vec<&Control> = planted.adopted.iter().collect();
    let (journal, history, ledger) = journal(&events, &adopted);
    let question =
        Question { from: time("2026-01-01"), to: time("2027-01-01"), framework: None, control: None, ledger };
    let result = evaluate(&journal, &history, &planted.library, &question).unwrap();
    let found = result.controls.iter().flat_map(|control| &control.exceptions);
    let mut notes = Vec::new();
    for (number, exception) in found.enumerate().filter(|(number, _)| number % 2 == 0) {
        let passed = exception.since.plus_seconds(86_400 * (1 + number as i64 * 9));
        let mut note = |at, who: &str, step: &str| {
            let fields = [
                ("exception", json!(exception.id.as_str())),
                ("control", json!(exception.control)),
                ("step", json!(step)),
            ];
            notes.push(made(at, who, "exception.noted", &fields));
        };
        // A few pass with nothing done about them, which closes nothing, and a few fail again later.
        if number % 3 != 0 {
            note(passed.plus_seconds(-60), "ann", "remediation");
        }
        note(passed, "ben", "retest-passed");
        if number % 4 == 0 {
            note(passed.plus_seconds(86_400 * 17), "ben", "retest-failed");
        }
    }
    notes.sort_by_key(|note| note.at);
    events.extend(notes.into_iter().filter(|note| note.at < time("2027-01-20")));
    events
}

#[test]
fn every_day_of_a_year_is_what_a_window_that_ends_with_it_says() {
    for seed in 0..SEEDS {
        let planted = plant(seed, |_| Faults::all(true));
        // Occurrences are named by their entries: notes stand at the end of the day, and shift nothing before them.
        let events = with_retests(&planted);
        let adopted: Vec<&Control> = planted.adopted.iter().collect();
        for from in ["2026-01-01", "2026-04-14T11:30"] {
            let days = (0..COMPARED).map(|number| (number * 15 + seed as i64 * 4) % 365);
            let days: Vec<i64> = days.chain([30, 89, 90, 91, 180, 364]).collect();
            compare(&events, &adopted, &planted.library, (time(from), time("2027-01-01")), &days);
        }
    }
}

#[test]
fn a_criterion_is_no_better_than_the_worst_control_that_serves_it() {
    let planted = plant(3, |_| Faults::all(true));
    let adopted: Vec<&Control> =
        planted.adopted.iter().filter(|control| control.id != "CTL-EMERGENCY-02").collect();
    let events: Vec<Made> = planted
        .events
        .iter()
        .filter(|event| event.kind != "control.adopted" || event.data["control"] != "CTL-EMERGENCY-02")
        .cloned()
        .collect();
    let (journal, history, ledger) = journal(&events, &adopted);
    let (from, to) = (time("2026-01-01"), time("2027-01-01"));
    let question = Question { from, to, framework: Some("soc2"), control: None, ledger };
    let result = evaluate(&journal, &history, &planted.library, &question).unwrap();
    worst_of_controls(&result);
    assert!(result.not_in_operation.contains(&"CTL-EMERGENCY-02".to_owned()));
    let reviewed = result.criteria.iter().find(|one| one.criterion == "soc2:CC7.5").unwrap();
    assert_eq!(reviewed.not_in_operation, ["CTL-EMERGENCY-02"]);
    assert!(reviewed.timeline.iter().all(|run| run.state >= DayState::NotInOperation), "{reviewed:?}");

    // Every criterion of the framework has a row, also those that nothing serves, in the order of the framework.
    let catalogue = Catalogue::builtin().unwrap();
    let framework = catalogue.framework("soc2").unwrap();
    let rows = timeline(&result, &planted.library, Some(framework));
    assert_eq!(rows.criteria.len(), 61);
    assert_eq!((rows.from.as_str(), rows.through.as_str()), ("2026-01-01", "2026-12-31"));
    for row in &rows.criteria {
        let found = result.criteria.iter().find(|one| one.criterion == row.id);
        assert_eq!(row.controls.is_empty(), found.is_none(), "{}", row.id);
        assert_eq!(
            (row.runs[0].from.as_str(), row.runs.last().unwrap().through.as_str()),
            ("2026-01-01", "2026-12-31")
        );
        if row.controls.is_empty() {
            let worse = if row.not_in_operation.is_empty() {
                DayState::NotEvidenced
            } else {
                DayState::NotInOperation
            };
            assert_eq!(row.last(), Some((worse, "2026-01-01")), "{row:?}");
        }
    }
    assert!(rows.criteria.iter().any(|row| row.controls.is_empty()), "some criterion that no control serves");
    // The next lapse is the earliest of the rows, and after the window.
    let first = rows.controls.iter().filter_map(|row| row.lapse.as_ref()).min();
    assert_eq!(rows.lapse.as_ref(), first);
    assert!(first.is_some_and(|lapse| lapse.at > to && lapse.day.as_str() >= "2027-01-01"), "{first:?}");
    // Of one control nothing is said of criteria.
    let one =
        comptroller_compliance::window::WindowResult { control: Some("CTL-CHANGE-02".into()), ..result };
    assert!(timeline(&one, &planted.library, Some(framework)).criteria.is_empty());
}
