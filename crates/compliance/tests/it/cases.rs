//! Every control against the test data beside it: what is in order, and every way in which it is not.

use crate::made::{Made, adopted, journal, made, time};
use comptroller_compliance::control::{Control, shipped};
use comptroller_compliance::window::{ControlResult, Question, evaluate};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    met: u64,
    #[serde(default)]
    pending: u64,
    /// The tests that are not met, each once.
    #[serde(default)]
    exceptions: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    events: Vec<RawEvent>,
}

#[derive(Deserialize)]
struct RawEvent {
    at: String,
    by: String,
    event: String,
    #[serde(flatten)]
    fields: BTreeMap<String, serde_json::Value>,
}

fn cases_of(control: &Control) -> Vec<Case> {
    let file = format!("{}/../../controls/{}.cases.toml", env!("CARGO_MANIFEST_DIR"), control.id);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    toml::from_str::<Cases>(&text).unwrap_or_else(|error| panic!("{file}: {error}")).case
}

fn result_of(control: &Control, case: &Case) -> ControlResult {
    let one = |raw: &RawEvent| {
        let fields: Vec<(&str, serde_json::Value)> =
            raw.fields.iter().map(|(path, value)| (path.as_str(), value.clone())).collect();
        made(time(&raw.at), &raw.by, &raw.event, &fields)
    };
    let mut events: Vec<Made> = vec![adopted(time("2020-01-01"), control)];
    events.extend(case.events.iter().map(one));
    let (journal, history, ledger) = journal(&events, &[control]);
    let library = shipped().unwrap();
    let question = Question {
        from: time(case.from.as_deref().unwrap_or("2026-01-01")),
        to: time(case.to.as_deref().unwrap_or("2027-01-01")),
        framework: None,
        control: Some(&control.id),
        ledger,
    };
    let mut result = evaluate(&journal, &history, &library, &question).unwrap();
    assert_eq!(result.controls.len(), 1, "{}: {}", control.id, case.name);
    result.controls.remove(0)
}

#[test]
fn every_control_says_of_its_cases_what_they_say() {
    for control in shipped().unwrap().iter() {
        for case in cases_of(control) {
            let result = result_of(control, &case);
            let place = format!("{}: {}", control.id, case.name);
            let causes = result.exceptions.iter().flat_map(|exception| &exception.causes);
            let failed: BTreeSet<&str> = causes.map(|cause| cause.test.as_str()).collect();
            let wanted: BTreeSet<&str> = case.exceptions.iter().map(String::as_str).collect();
            assert_eq!(failed, wanted, "{place}: {:#?}", result.exceptions);
            assert_eq!(result.period.met, case.met, "{place}: {:#?}", result.population);
            assert_eq!(result.period.pending, case.pending, "{place}: {:#?}", result.population);
            assert_eq!(result.exceptions.is_empty(), case.exceptions.is_empty(), "{place}");
        }
    }
}

#[test]
fn every_control_has_a_case_that_meets_it_and_one_for_every_test_that_fails() {
    for control in shipped().unwrap().iter() {
        let cases = cases_of(control);
        assert!(cases.iter().any(|case| case.met > 0 && case.exceptions.is_empty()), "{}", control.id);
        for test in &control.tests {
            let fails = cases.iter().any(|case| case.exceptions.contains(&test.id));
            assert!(fails, "no case of {} fails its test {}", control.id, test.id);
        }
    }
}
