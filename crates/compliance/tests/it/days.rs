//! INVARIANT (a-day-is-its-window): the status of a day in a timeline is what the engine says of the window that begins
//! with the timeline and ends with that day.

use crate::made::{Made, adopted, journal, made, time};
use comptroller_compliance::control::{Control, Library, shipped};
use comptroller_compliance::window::history::ChangeKind;
use comptroller_compliance::window::result::{DayState, Run};
use comptroller_compliance::window::{ControlResult, Question, WindowResult, evaluate};
use comptroller_core::Timestamp;
use proptest::prelude::*;
use serde_json::json;

const DAY: i64 = 86_400;

/// What a timeline says of a day.
fn on(runs: &[Run], day: Timestamp) -> (DayState, u64) {
    let text: String = day.to_string().chars().take(10).collect();
    let run = runs.iter().find(|run| run.from <= text && text <= run.through);
    run.map_or_else(|| panic!("no run has {text}: {runs:?}"), |run| (run.state, run.open))
}

/// What the numbers of a window that ends at `end` say, without its timeline.
fn at_the_end(result: Option<&ControlResult>, end: Timestamp) -> (DayState, u64) {
    let Some(result) = result else { return (DayState::NotInOperation, 0) };
    let last = result.changes.iter().rfind(|change| change.at < end).unwrap();
    let open = result.exceptions.iter().filter(|exception| exception.closed.is_none()).count() as u64;
    assert_eq!(open, result.point.open);
    let state = match (open, last.kind, result.period.met + result.period.exceptions) {
        (1.., ..) => DayState::Open,
        (_, ChangeKind::Retired, _) => DayState::NotInOperation,
        (_, _, 0) => DayState::NotEvidenced,
        _ => DayState::Clear,
    };
    (state, open)
}

/// Compares days, counted from midnight of the first, with the windows that end with them; a day before the window or
/// after it is left out.
pub(crate) fn compare(
    events: &[Made],
    controls: &[&Control],
    library: &Library,
    (from, to): (Timestamp, Timestamp),
    days: &[i64],
) {
    let (journal, history, ledger) = journal(events, controls);
    let ask = |to: Timestamp| {
        let question = Question { from, to, framework: None, control: None, ledger: ledger.clone() };
        evaluate(&journal, &history, library, &question).unwrap()
    };
    let whole = ask(to);
    let midnight: String = from.to_string().chars().take(10).collect();
    for day in days {
        let day = time(&midnight).plus_seconds(day * DAY);
        let end = day.plus_seconds(DAY).min(to);
        if day >= to || end <= from {
            continue;
        }
        let part = ask(end);
        for control in &whole.controls {
            let then = part.controls.iter().find(|other| other.id == control.id);
            assert_eq!(on(&control.timeline, day), at_the_end(then, end), "{} on {day}", control.id);
            // The last day of the shorter timeline too.
            if let Some(then) = then {
                assert_eq!(on(&then.timeline, day), at_the_end(Some(then), end), "{} at the end", control.id);
            }
        }
    }
}

/// Each day of a criterion is the worst of its controls, and no better than one that is not in operation.
pub(crate) fn worst_of_controls(result: &WindowResult) {
    assert!(!result.criteria.is_empty());
    for criterion in &result.criteria {
        let serving: Vec<&ControlResult> =
            result.controls.iter().filter(|control| criterion.controls.contains(&control.id)).collect();
        assert_eq!(serving.len(), criterion.controls.len());
        let mut day = result.from;
        while day < result.to {
            let states = serving.iter().map(|control| on(&control.timeline, day));
            let (worst, open) = states
                .fold((DayState::Clear, 0), |(worst, sum), (state, open)| (worst.max(state), sum + open));
            let resting = !criterion.not_in_operation.is_empty();
            let worst = if resting { worst.max(DayState::NotInOperation) } else { worst };
            assert_eq!(on(&criterion.timeline, day), (worst, open), "{} on {day}", criterion.criterion);
            day = day.plus_seconds(DAY);
        }
    }
}

/// A control that asks in every way in which an answer may change with time.
fn control(tests: &str) -> Control {
    let head =
        shipped().unwrap().get("CTL-EMERGENCY-02").unwrap().text.replace("CTL-EMERGENCY-02", "CTL-MADE-01");
    let (head, _) = head.split_once("[population]").unwrap();
    Control::parse("made", &format!("{head}{tests}\n[pass]\npoint = \"none-open\"\nperiod = \"100%\"\n"))
        .unwrap()
}

const CHANGING: &str = r#"
[population]
event = "approval.requested"

[[join]]
name = "live"
event = "deployment.created"
where = ["approval = $it.approval"]
anywhen = true
optional = true

[[test]]
id = "two"
says = "fewer than two voted in time"
any = [{ event = "approval.voted", where = ["approval = $it.approval"] }, { event = "factor.used", where = ["subject = approval/$it.approval"] }]
when = "within 72h"
at_least = 2

[[test]]
id = "by"
says = "not deployed by the end"
any = [{ event = "deployment.created", where = ["approval = $it.approval"] }]
when = "by $it.expires_at"

[[test]]
id = "kind"
says = "it went live as something else"
only_if = ["$live.kind != null"]
holds = ["$live.kind = deploy"]

[[test]]
id = "undone"
says = "an incident or a withdrawal came after it"
none = [{ event = "evidence.withdrawn" }, { event = "incident.opened", where = ["subject = version/$it.version"] }]
when = "within 240h"
"#;

const FIRST: &str = r#"
[population]
event = "approval.requested"
distinct = ["version", "day"]

[[join]]
name = "live"
event = "deployment.created"
where = ["approval = $it.approval"]
anywhen = true
first = true

[[test]]
id = "kind"
says = "it went live as something else"
holds = ["$live.kind = deploy"]

[[test]]
id = "voters"
says = "fewer than two people voted"
any = [{ event = "approval.voted", where = ["approval = $it.approval"] }]
when = "within 48h"
at_least = 2
distinct = "voter"
"#;

const EVERY_WEEK: &str = r#"
[population]
every = "week"

[[test]]
id = "vote"
says = "nobody voted"
any = [{ event = "approval.voted" }]
when = "during"

[[test]]
id = "calm"
says = "an incident was opened"
none = [{ event = "incident.opened" }]
when = "during"
"#;

/// An event of the third of a day: hours at which deadlines and midnights meet.
fn event((kind, third, who): (u8, i64, u8)) -> Made {
    let at = time("2026-03-01").plus_seconds(third * DAY / 3);
    let approval = json!(format!("#a{}", who % 3));
    let expires = json!(at.plus_seconds(2 * DAY).to_string());
    let (kind, fields) = match kind % 9 {
        0 | 1 => ("approval.requested", vec![("approval", approval), ("expires_at", expires)]),
        2..=4 => ("approval.voted", vec![("approval", approval), ("voter", json!(format!("#p{}", who % 2)))]),
        5 => ("factor.used", vec![("subject", json!(format!("approval/#a{}", who % 3)))]),
        6 => ("deployment.created", vec![("approval", approval), ("kind", json!("deploy"))]),
        7 => ("deployment.created", vec![("approval", approval), ("kind", json!("rollback"))]),
        _ if who % 3 == 0 => ("incident.opened", vec![]),
        _ => ("evidence.withdrawn", vec![]),
    };
    made(at, "ann", kind, &fields)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn a_day_is_its_window(
        picks in proptest::collection::vec((any::<u8>(), 0_i64..90, any::<u8>()), 0..40),
        retired in proptest::option::of(10_i64..30),
        start in 0_i64..30,
    ) {
        let library = shipped().unwrap();
        for text in [CHANGING, FIRST, EVERY_WEEK] {
            let control = control(text);
            let mut events: Vec<Made> = picks.iter().copied().map(event).collect();
            events.push(adopted(time("2026-02-27"), &control));
            if let Some(day) = retired {
                let fields = [("control", json!(control.id)), ("definition", json!(control.digest.as_str()))];
                events.push(made(time("2026-03-01").plus_seconds(day * DAY), "own", "control.retired", &fields));
            }
            events.push(made(time("2026-05-01"), "system", "ledger.timestamped", &[]));
            let from = time("2026-03-01").plus_seconds(start * DAY / 3);
            let days: Vec<i64> = (0..30).collect();
            compare(&events, &[&control], &library, (from, time("2026-03-31")), &days);
        }
    }
}
