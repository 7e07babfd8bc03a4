//! A year of a made organisation with all its controls in operation, and exceptions of each kind: open, closed because
//! what was missing came late, and closed by a retest on record.

use crate::made::{adopted, journal, time};
use crate::making::{HOUR, Year};
use comptroller_compliance::control::{Control, Library, shipped};
use comptroller_compliance::framework::Catalogue;
use comptroller_compliance::sample::{Sample, SizeTable, draw};
use comptroller_compliance::window::{Question, WindowResult, evaluate, exception_id};
use comptroller_core::Digest;
use comptroller_report::controls::{OscalSource, oscal_documents};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The id of the organisation.
const ORG: &str = "0198c1f0-0000-7000-8000-000000000001";

/// A test of controls and all that its documents are made of.
pub(crate) struct Tested {
    pub(crate) result: WindowResult,
    samples: Vec<Sample>,
    definitions: BTreeMap<Digest, Control>,
    notes: BTreeMap<u64, String>,
}

impl Tested {
    /// The year of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let controls: Vec<Control> = shipped().unwrap().iter().cloned().collect();
        let mut year = plan(seed, &controls);
        // What is recorded about exceptions needs their names, which a first look gives.
        let first = evaluated(&year, &controls);
        let answered = first.controls.iter().flat_map(|control| &control.exceptions);
        let of = |control: &str| answered.clone().find(|one| one.control == control).unwrap();
        let (drill, approval) = (of("CTL-CHANGE-04"), of("CTL-CHANGE-02"));
        for (about, step, day) in [
            (drill, "cause", 300),
            (drill, "remediation", 301),
            (drill, "retest-failed", 302),
            (approval, "effect", 305),
            (approval, "response", 306),
            (approval, "remediation", 310),
            (approval, "retest-passed", 311),
        ] {
            let exception = exception_id(&about.control, &about.occurrence);
            let fields = [
                ("exception", json!(exception.as_str())),
                ("control", json!(about.control)),
                ("step", json!(step)),
            ];
            let due = (step == "remediation" && about.control == "CTL-CHANGE-04")
                .then(|| Year::day(day + 30).to_string());
            let fields = [&fields[..], &[("due_at", json!(due))]].concat();
            let who = if step.starts_with("retest") { "owner" } else { "officer" };
            year.put(Year::day(day).plus_seconds(HOUR), who, "exception.noted", &fields);
        }
        let result = evaluated(&year, &controls);
        let table = SizeTable::shipped().unwrap();
        let samples = result.controls.iter().map(|control| {
            let definition = controls.iter().find(|other| other.id == control.id).unwrap();
            draw(&table, definition, control, &result.ledger).unwrap()
        });
        // One of them may not be shown.
        let notes = result.notes.values().flatten().skip(1);
        let notes = notes.map(|note| (note.index, format!("{}:\n- <so> it *was*", note.step))).collect();
        let definitions = controls.iter().map(|control| (control.digest.clone(), control.clone())).collect();
        Self { samples: samples.collect(), definitions, notes, result }
    }

    /// The documents.
    pub(crate) fn documents(&self) -> BTreeMap<&'static str, Value> {
        oscal_documents(&OscalSource {
            org: ORG,
            result: &self.result,
            samples: &self.samples,
            definitions: &self.definitions,
            frameworks: &Catalogue::builtin().unwrap(),
            notes: &self.notes,
            made: time("2027-01-15"),
        })
    }
}

fn plan(seed: u64, controls: &[Control]) -> Year {
    let mut year = Year::new(seed);
    for control in controls {
        let event = adopted(Year::day(-400), control);
        year.events.push(event);
    }
    year.organisation();
    // A quarter without a rehearsed rollback, a review that comes late, and two that nobody approved.
    let system = year.system(Some(1), false);
    let way = year.prepare(&system, 60);
    year.approve(&way, 60);
    year.deploy(Year::day(60), &way, "production", "deploy", true);
    year.watched(&way, 65, 20, 1);
    year.emergency(&system, 100, 300);
    for day in [150, 190] {
        let way = year.prepare(&system, day);
        year.deploy(Year::day(day), &way, "production", "deploy", false);
    }
    year
}

fn evaluated(year: &Year, controls: &[Control]) -> WindowResult {
    let all: Vec<&Control> = controls.iter().collect();
    let (journal, history, ledger) = journal(&year.events, &all);
    let question =
        Question { from: time("2026-01-01"), to: time("2027-01-01"), framework: None, control: None, ledger };
    let library: Library = shipped().unwrap();
    evaluate(&journal, &history, &library, &question).unwrap()
}
