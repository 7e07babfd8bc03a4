//! A year with planted faults: the engine finds each of them and nothing else, whatever the seed.

mod chance;
mod days;
mod making;

use crate::made::{Made, adopted, id, journal, time};
use comptroller_compliance::control::{Control, Library, shipped};
use comptroller_compliance::window::{Question, WindowResult, evaluate, reconcile};
use making::{Way, YEAR, Year};
use std::collections::BTreeSet;

/// Seeds of one run.
const SEEDS: u64 = 25;

/// What must be found: control and occurrence of each exception, and control and kind of each finding.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    exceptions: BTreeSet<(String, String)>,
    findings: BTreeSet<(String, String)>,
}

/// A year, what must be found in it, and the library that lies about.
struct Planted {
    events: Vec<Made>,
    found: Found,
    library: Library,
    adopted: Vec<Control>,
    hidden: Option<Made>,
}

/// Which faults are put in.
#[derive(Clone, Copy, Debug)]
struct Faults {
    late_review: bool,
    unapproved: bool,
    added_midway: bool,
    outside_window: bool,
    hiding_query: bool,
    missed_quarter: bool,
    unanswered_alarm: bool,
}

impl Faults {
    const NONE: Self = Self::all(false);

    const fn all(all: bool) -> Self {
        Self {
            late_review: all,
            unapproved: all,
            added_midway: all,
            outside_window: all,
            hiding_query: all,
            missed_quarter: all,
            unanswered_alarm: all,
        }
    }

    fn by_chance(year: &mut Year) -> Self {
        let mut toss = || year.chance.toss();
        Self {
            late_review: toss(),
            unapproved: toss(),
            added_midway: toss(),
            outside_window: toss(),
            hiding_query: toss(),
            missed_quarter: toss(),
            unanswered_alarm: toss(),
        }
    }
}

fn plant(seed: u64, faults: impl Fn(&mut Year) -> Faults) -> Planted {
    let mut year = Year::new(seed);
    let faults = faults(&mut year);
    let mut late = Vec::new();
    let mut found = Found::default();
    year.organisation();
    let mut systems = Vec::new();
    for number in 0..2 + year.chance.below(3) {
        let missed = (number == 0 && faults.missed_quarter).then(|| year.chance.below(4));
        let outside = number == 1 && faults.outside_window;
        let system = year.system(missed, outside);
        let subject = id(system.trim_start_matches('#'));
        if let Some(quarter) = missed {
            let start = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"][quarter as usize];
            found.exceptions.insert(("CTL-CHANGE-04".into(), format!("system={subject}/{start}")));
        }
        if outside {
            found.exceptions.insert(("CTL-FAIRNESS-02".into(), format!("system={subject}/2026-07-01")));
        }
        let first = go_live(&mut year, &system, -20);
        year.watched(&first, 5 + number, 20, 1);
        // Each version brings a bias test: a system that is to lack one in the second half has no version then.
        let versions = if outside { 1 } else { 1 + year.chance.below(3) };
        for number in 0..versions {
            let way = go_live(&mut year, &system, 60 + 90 * number);
            let calm_after = 1 + year.chance.below(2);
            year.watched(&way, 65 + 90 * number, 15, calm_after);
        }
        year.incident(&system, 40, 10);
        let reviewed_after = 1 + year.chance.below(46);
        let day = 20 + year.chance.below(if outside { 100 } else { 170 });
        year.emergency(&system, day, reviewed_after);
        systems.push(system);
    }
    if faults.late_review {
        let reviewed_after = 49 + year.chance.below(400);
        let day = 20 + year.chance.below(170);
        late.push(("CTL-EMERGENCY-02", year.emergency(&systems[0], day, reviewed_after)));
    }
    let mut hidden = None;
    if faults.unapproved {
        let day = 20 + year.chance.below(170);
        let way = year.prepare(&systems[0], day);
        let deployed = year.deploy(Year::day(day), &way, "production", "deploy", false);
        hidden = Some(deployed.clone());
        late.push(("CTL-CHANGE-02", deployed));
    }
    if faults.unanswered_alarm {
        let way = go_live(&mut year, &systems[0], 200);
        let calm_after = 6 + year.chance.below(5);
        late.push(("CTL-INCIDENT-01", year.watched(&way, 210, 15, calm_after)));
    }
    year.waiver(40, "officer");
    let midway = Year::day(100 + year.chance.below(100));
    if faults.added_midway {
        // Before the control is in operation it does not count; afterwards it does.
        year.waiver(50, "own");
        late.push(("CTL-EXCEPTION-01", year.waiver(250, "own")));
        found.findings.insert(("CTL-EXCEPTION-01".into(), "introduced-in-window".into()));
    }
    let adopted_controls: Vec<Control> = shipped().unwrap().iter().cloned().collect();
    for control in &adopted_controls {
        let is_late = control.id == "CTL-EXCEPTION-01" && faults.added_midway;
        let at = if is_late { midway } else { Year::day(-400) };
        year.events.push(adopted(at, control));
    }
    year.put(Year::day(YEAR + 40), "system", "ledger.timestamped", &[]);
    let library = library(faults.hiding_query.then_some(()).and(hidden.as_ref()));
    if library.digest() == shipped().unwrap().digest() {
        hidden = None;
    } else {
        found.findings.insert(("CTL-CHANGE-02".into(), "other-definition-in-library".into()));
    }
    let mut sorted = year.events.clone();
    sorted.sort_by_key(|event| event.at);
    for (control, event) in late {
        let place = sorted
            .iter()
            .position(|other| other.at == event.at && other.kind == event.kind && other.data == event.data);
        found.exceptions.insert((control.to_owned(), format!("event/{}", place.unwrap())));
    }
    Planted { events: sorted, found, library, adopted: adopted_controls, hidden }
}

fn go_live(year: &mut Year, system: &str, day: i64) -> Way {
    let way = year.prepare(system, day);
    year.approve(&way, day);
    year.deploy(Year::day(day), &way, "production", "deploy", true);
    way
}

/// The shipped library; with a deployment to hide, one whose population leaves out what its version does.
fn library(hidden: Option<&Made>) -> Library {
    let shipped = shipped().unwrap();
    let Some(hidden) = hidden else { return shipped };
    let version = hidden.data["version"].as_str().unwrap();
    let files: Vec<(String, String)> = shipped
        .iter()
        .map(|control| {
            let text = match control.id.as_str() {
                "CTL-CHANGE-02" => control.text.replacen(
                    "\"kind = deploy\"]",
                    &format!("\"kind = deploy\", \"version != {version}\"]"),
                    1,
                ),
                _ => control.text.clone(),
            };
            (control.id.clone(), text)
        })
        .collect();
    Library::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap()
}

fn ask(planted: &Planted) -> WindowResult {
    let adopted: Vec<&Control> = planted.adopted.iter().collect();
    let (journal, history, ledger) = journal(&planted.events, &adopted);
    let question =
        Question { from: time("2026-01-01"), to: time("2027-01-01"), framework: None, control: None, ledger };
    evaluate(&journal, &history, &planted.library, &question).unwrap()
}

fn found(result: &WindowResult) -> Found {
    let mut found = Found::default();
    for control in &result.controls {
        let exceptions = control.exceptions.iter().map(|one| (control.id.clone(), one.occurrence.clone()));
        found.exceptions.extend(exceptions);
        // That nothing was expected is no fault: the year has no incident of every kind.
        let findings = control.findings.iter().filter(|finding| finding.kind != "no-occurrence");
        found.findings.extend(findings.map(|finding| (control.id.clone(), finding.kind.clone())));
    }
    found
}

#[test]
fn a_year_without_faults_has_no_exception() {
    for seed in 0..SEEDS {
        let planted = plant(seed, |_| Faults::NONE);
        let result = ask(&planted);
        assert_eq!(found(&result), Found::default(), "seed {seed}");
        let tested: u64 = result.controls.iter().map(|control| control.period.met).sum();
        assert!(tested > 900, "seed {seed}: {tested} occurrences");
        let empty = result.controls.iter().filter(|control| control.population.is_empty());
        assert!(empty.count() < 12, "seed {seed}");
    }
}

#[test]
fn every_planted_fault_is_found_and_nothing_else() {
    for seed in 0..SEEDS {
        for faults in [|_: &mut Year| Faults::all(true), Faults::by_chance] {
            let planted = plant(seed, faults);
            let result = ask(&planted);
            assert_eq!(found(&result), planted.found, "seed {seed}");
            if let Some(hidden) = &planted.hidden {
                shows_the_hidden_row(&planted, &result, hidden);
            }
        }
    }
}

/// The list that a hiding query gives lacks exactly the row that it hides.
fn shows_the_hidden_row(planted: &Planted, result: &WindowResult, hidden: &Made) {
    let index =
        planted.events.iter().position(|event| event.data == hidden.data && event.kind == hidden.kind);
    let key = format!("event/{}", index.unwrap());
    let control = result.controls.iter().find(|control| control.id == "CTL-CHANGE-02").unwrap();
    let listed: BTreeSet<String> = control
        .population
        .iter()
        .map(|occurrence| occurrence.key.clone())
        .filter(|other| *other != key)
        .collect();
    assert_eq!(reconcile(control, &listed), (vec![key], Vec::new()));
}

#[test]
fn the_same_year_gives_the_same_bytes_and_receipts_that_add_up() {
    let planted = plant(7, |_| Faults::all(true));
    let (one, two) = (ask(&planted), ask(&planted));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
    assert_ne!(one.digest, ask(&plant(8, |_| Faults::all(true))).digest);
    for control in &one.controls {
        let receipt =
            one.receipts.iter().find(|r| r.control == control.id && r.list == "population").unwrap();
        assert_eq!(receipt.rows, control.population.len() as u64);
        let digest = comptroller_compliance::digest::of_json(&control.population).unwrap();
        assert_eq!(receipt.digest, digest);
    }
    // A late review closes its exception, and the days between are open.
    let late = one.controls.iter().find(|control| control.id == "CTL-EMERGENCY-02").unwrap();
    let exception = &late.exceptions[0];
    assert!(exception.closed.unwrap() > exception.since);
    assert!(!late.timeline.is_empty());
}
