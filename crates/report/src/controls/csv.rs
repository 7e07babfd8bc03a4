//! The tables as CSV, for the auditor's own tools.

use super::{minute, percent};
use crate::escape::csv_row as row;
use comptroller_compliance::sample::Sample;
use comptroller_compliance::window::{ControlResult, WindowResult};

/// One row for each criterion and control: what was tested and what was found. The last column is the auditor's.
pub fn tests(result: &WindowResult) -> String {
    let mut out = String::new();
    row(
        &mut out,
        &[
            "criterion",
            "relation",
            "control",
            "title",
            "owner",
            "expected_on",
            "population",
            "met",
            "exceptions",
            "pending",
            "met_share",
            "own_rule",
            "open_at_end",
            "result_digest",
            "conclusion",
        ],
    );
    for criterion in &result.criteria {
        for control in result.controls.iter().filter(|control| criterion.controls.contains(&control.id)) {
            let relation = control.serves.iter().find(|serves| serves.criterion == criterion.criterion);
            let relation = relation.and_then(|serves| serde_json::to_value(serves.relation).ok());
            let period = &control.period;
            row(
                &mut out,
                &[
                    &criterion.criterion,
                    relation.as_ref().and_then(|word| word.as_str()).unwrap_or(""),
                    &control.id,
                    &control.title,
                    control.owner.as_str(),
                    &control.rhythm,
                    &period.expected.to_string(),
                    &period.met.to_string(),
                    &period.exceptions.to_string(),
                    &period.pending.to_string(),
                    &percent(period.met_ppm),
                    &percent(Some(period.rule_ppm)),
                    &control.point.open.to_string(),
                    result.digest.as_str(),
                    // INVARIANT (no-conclusion)
                    "",
                ],
            );
        }
    }
    out
}

/// The population of a control, one row for each occurrence.
pub fn population(control: &ControlResult) -> String {
    let mut out = String::new();
    row(&mut out, &["occurrence", "at", "state", "brought_forward", "due", "evidence_entries"]);
    for one in &control.population {
        let evidence: Vec<String> = one.evidence.iter().map(u64::to_string).collect();
        let due = one.due.map(|due| due.to_string()).unwrap_or_default();
        row(
            &mut out,
            &[
                &one.key,
                &one.at.to_string(),
                one.state.as_str(),
                if one.brought_forward { "yes" } else { "no" },
                &due,
                &evidence.join(" "),
            ],
        );
    }
    out
}

/// Every exception, one row for each test that is not met.
pub fn exceptions(result: &WindowResult) -> String {
    let mut out = String::new();
    row(
        &mut out,
        &[
            "exception",
            "control",
            "occurrence",
            "at",
            "since",
            "closed",
            "test",
            "cause",
            "shown_by_entries",
            "effect",
            "notes",
        ],
    );
    for exception in result.controls.iter().flat_map(|control| &control.exceptions) {
        let notes = result.notes.get(&exception.id).map_or(&[][..], Vec::as_slice);
        let notes: Vec<String> = notes
            .iter()
            .map(|note| format!("{} at {} (entry {})", note.step, minute(note.at), note.index))
            .collect();
        for cause in &exception.causes {
            let entries: Vec<String> = cause.shown_by.iter().map(u64::to_string).collect();
            let closed = exception.closed.map(|at| at.to_string()).unwrap_or_default();
            row(
                &mut out,
                &[
                    exception.id.as_str(),
                    &exception.control,
                    &exception.occurrence,
                    &exception.at.to_string(),
                    &exception.since.to_string(),
                    &closed,
                    &cause.test,
                    &cause.says,
                    &entries.join(" "),
                    &exception.effect,
                    &notes.join("; "),
                ],
            );
        }
    }
    out
}

/// The samples, one row for each occurrence drawn, in the order of the draw.
pub fn samples(samples: &[Sample]) -> String {
    let mut out = String::new();
    row(
        &mut out,
        &[
            "control",
            "place",
            "occurrence",
            "population",
            "population_digest",
            "seed",
            "seal_size",
            "seal_root",
        ],
    );
    for sample in samples {
        for (place, key) in sample.drawn.iter().enumerate() {
            row(
                &mut out,
                &[
                    &sample.control,
                    &(place + 1).to_string(),
                    key,
                    &sample.population.to_string(),
                    sample.population_digest.as_str(),
                    sample.seed.as_str(),
                    &sample.seal.size.to_string(),
                    sample.seal.root.as_str(),
                ],
            );
        }
    }
    out
}
