//! Days of records against a baseline: judged, alarmed about once, explained by the report, and better with labels.

use crate::predictions::{Bed, bytes, command};
use crate::world::World;
use comptroller_app::AppError;
use comptroller_app::audit::EntryQuery;
use comptroller_app::drift::report::PillarName;
use comptroller_app::drift::{ProfileRequest, profile};
use comptroller_app::monitors::{SetBands, SetBaseline, SnoozeAlarm, Watched, WindowView};
use comptroller_app::view::Slice;
use comptroller_app::{App, Call, Caller};
use comptroller_core::vocab::{DriftBand, DriftPillar, IncidentCause, RecordKind};
use comptroller_core::{Digest, Environment, Role};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Numbers that look random and are the same in every run (a linear congruential generator).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.0 >> 33) as u32) / f64::from(1_u32 << 31)
    }
}

/// A row: amount, score, decision, label.
fn row(dice: &mut Dice, shift: f64, honest: bool) -> (f64, f64, &'static str, &'static str) {
    let amount = dice.next() * 100.0 + shift;
    let score = dice.next();
    let said = if score > 0.5 { "yes" } else { "no" };
    let truth = dice.next() < if honest { score } else { 0.5 };
    (amount, score, said, if truth { "yes" } else { "no" })
}

pub(crate) async fn baseline(world: &World, developer: &Caller) -> Digest {
    let mut dice = Dice(1);
    let mut text = String::from("amount,score,prediction,label\n");
    for _ in 0..3_000 {
        let (amount, score, said, truth) = row(&mut dice, 0.0, true);
        writeln!(text, "{amount},{score},{said},{truth}").unwrap();
    }
    stored(world, developer, &text).await
}

/// The profile of a table.
async fn stored(world: &World, developer: &Caller, text: &str) -> Digest {
    let file = world.folder.path().join("training.csv");
    std::fs::write(&file, text).unwrap();
    let request = ProfileRequest { data: file.display().to_string(), ..ProfileRequest::default() };
    let profile = profile(&request, None).unwrap();
    world.artifact(developer, &profile.to_bytes().unwrap()).await
}

/// Sends a day of records; answers its labels.
async fn day(bed: &Bed, date: &str, rows: usize, shift: f64, honest: bool) -> Value {
    let (records, labels) = records(date, rows, shift, honest);
    bed.send(date, &records).await.unwrap();
    labels
}

/// A day of records, and its labels.
pub(crate) fn records(date: &str, rows: usize, shift: f64, honest: bool) -> (Value, Value) {
    let mut dice = Dice(7 + rows as u64);
    let (mut records, mut labels) = (Vec::new(), Vec::new());
    for n in 0..rows {
        let (amount, score, said, truth) = row(&mut dice, shift, honest);
        let id = format!("{date}-{n}");
        records.push(json!({
            "id": id, "time": format!("{date}T12:00:00Z"), "score": score, "prediction": said,
            "inputs": {"amount": amount}
        }));
        labels.push(json!({"id": id, "label": truth}));
    }
    (json!({ "records": records }), json!({ "records": labels }))
}

/// Sets a stored profile.
pub(crate) fn stated(version: &str, profile: &Digest) -> SetBaseline {
    let profile = Some(profile.clone());
    SetBaseline { version: version.into(), profile, from_training: false, first: None, bands: None }
}

pub(crate) async fn look(app: &App, watched: &mut Watched) -> usize {
    app.seal_predictions(true).await.unwrap();
    app.judge_windows(watched).await.unwrap()
}

async fn windows(bed: &Bed) -> Vec<WindowView> {
    bed.world.app.windows(&bed.risk, "scoring", Slice::default()).await.unwrap().items
}

/// How often an alarm was told.
async fn alarms(bed: &Bed) -> usize {
    let query = EntryQuery { kind: Some("alarm.raised".into()), ..EntryQuery::default() };
    bed.world.app.entries(&bed.risk, query, Slice::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn a_day_that_drifts_alarms_once_opens_an_incident_and_is_explained() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let digest = baseline(&bed.world, &developer).await;
    let mut watched = Watched::default();
    let set = stated("scorer@1", &digest);

    day(&bed, "2026-03-01", 2_000, 0.0, true).await;
    assert_eq!(look(app, &mut watched).await, 0, "nothing is judged without a baseline");
    app.set_baseline(&Call::new(developer.clone()), set.clone()).await.unwrap();
    assert_eq!(look(app, &mut watched).await, 1, "the day of before is judged when there is one");
    assert_eq!(look(app, &mut watched).await, 0, "and not again while nothing is new");
    day(&bed, "2026-03-02", 2_000, 80.0, true).await;
    day(&bed, "2026-03-03", 20, 80.0, true).await;
    assert_eq!(look(app, &mut watched).await, 2);

    let [few, shifted, stable] = &windows(&bed).await[..] else { panic!("three days") };
    assert_eq!((stable.band, stable.rows, stable.labelled), (Some(DriftBand::Normal), 2_000, 0));
    assert_eq!(shifted.pillar, Some(DriftPillar::Data), "the amounts moved");
    assert_eq!(shifted.band, Some(DriftBand::Rollback), "and most are beyond what the baseline held");
    assert!(shifted.coefficient_ppm.unwrap() > 500_000);
    assert_eq!((few.rows, few.band), (20, None), "twenty rows are no window");
    assert_eq!(alarms(&bed).await, 1, "the day after has too few rows to tell");
    let incidents = app.incidents(&bed.risk, Some("scoring"), Slice::default()).await.unwrap().items;
    assert_eq!(incidents.len(), 1);
    assert!(incidents[0].cause == IncidentCause::Drift && incidents[0].closed_at.is_none());

    let report = app.window_page(&bed.risk, "scorer@1", Environment::Staging, "2026-03-02").await.unwrap();
    assert_eq!((report.headline.coefficient * 1e6).ceil() as u32, shifted.coefficient_ppm.unwrap());
    assert_eq!(report.headline.pillar, Some(PillarName::Data));
    let amount = report.columns.iter().find(|column| column.name == "amount").unwrap();
    assert!((amount.contribution - 1.0).abs() < 1e-9, "it is the only feature");
    let page = app.window_html(&bed.risk, "scorer@1", Environment::Staging, "2026-03-02").await.unwrap();
    assert!(page.contains("<svg") && page.contains("amount"));

    // Better again: the incident ends; and the same trouble alarms anew.
    day(&bed, "2026-03-04", 2_000, 0.0, true).await;
    look(app, &mut watched).await;
    let incidents = app.incidents(&bed.risk, Some("scoring"), Slice::default()).await.unwrap().items;
    assert!(incidents.iter().all(|incident| incident.closed_at.is_some()));
    day(&bed, "2026-03-05", 2_001, 80.0, true).await;
    look(app, &mut watched).await;
    assert_eq!(alarms(&bed).await, 2);

    // Other thresholds: every day is judged again, and the same numbers ask for less.
    let bands = Some(SetBands { watch: 0.9, investigate: 0.95, rollback: 0.99 });
    let lenient = SetBaseline { bands, ..set.clone() };
    app.set_baseline(&Call::new(developer.clone()), lenient).await.unwrap();
    assert_eq!(look(app, &mut watched).await, 5);
    assert_eq!(windows(&bed).await[3].band, Some(DriftBand::Normal));
    let other = stored(&bed.world, &developer, &format!("height\n{}", "1\n2\n3\n4\n5\n".repeat(40))).await;
    let error =
        app.set_baseline(&Call::new(developer.clone()), stated("scorer@1", &other)).await.unwrap_err();
    assert!(error.to_string().contains("it counts height, they have amount"), "{error}");
    let falling = Some(SetBands { watch: 0.5, investigate: 0.3, rollback: 0.1 });
    let error =
        app.set_baseline(&Call::new(developer), SetBaseline { bands: falling, ..set }).await.unwrap_err();
    assert!(error.to_string().contains("each larger"), "{error}");
}

#[tokio::test]
async fn labels_that_come_later_show_a_model_that_lost_its_skill() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    let set = stated("scorer@1", &profile);
    app.set_baseline(&Call::new(developer), set).await.unwrap();
    let mut watched = Watched::default();
    let labels = day(&bed, "2026-03-01", 3_000, 0.0, false).await;
    look(app, &mut watched).await;
    let before = windows(&bed).await.remove(0);
    assert_eq!((before.band, before.labelled), (Some(DriftBand::Normal), 0), "inputs and scores are as ever");

    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l"), bytes(&labels)).await.unwrap();
    assert_eq!(look(app, &mut watched).await, 1, "labels of today speak of a day in March");
    let after = windows(&bed).await.remove(0);
    assert_eq!(after.labelled, 3_000);
    assert!(after.band.unwrap() >= DriftBand::Investigate, "{after:?}");
    assert!(matches!(after.pillar, Some(DriftPillar::Performance | DriftPillar::Concept)), "{after:?}");
    assert!(after.advice.contains("labelled data"), "{}", after.advice);
    assert_eq!(look(app, &mut watched).await, 0);
    // A restarted server remembers what it has looked at.
    assert_eq!(look(app, &mut Watched::default()).await, 0);
}

#[tokio::test]
async fn labels_that_the_baseline_knows_nothing_of_are_said_to_be_not_counted() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let mut dice = Dice(1);
    let mut text = String::from("amount,score,prediction\n");
    for _ in 0..3_000 {
        let (amount, score, said, _) = row(&mut dice, 0.0, true);
        writeln!(text, "{amount},{score},{said}").unwrap();
    }
    let profile = stored(&bed.world, &developer, &text).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let mut watched = Watched::default();
    let labels = day(&bed, "2026-03-01", 3_000, 0.0, true).await;
    look(app, &mut watched).await;
    let notes = async || {
        let page = app.window_page(&bed.risk, "scorer@1", Environment::Staging, "2026-03-01").await.unwrap();
        page.notes.join("\n")
    };
    assert!(!notes().await.contains("labels have come"));
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l"), bytes(&labels)).await.unwrap();
    look(app, &mut watched).await;
    assert!(notes().await.contains("labels have come for this day"), "{}", notes().await);
}

#[tokio::test]
async fn labels_of_a_day_that_cannot_be_judged_are_not_forgotten_by_a_restart() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let labels = day(&bed, "2026-03-01", 500, 0.0, true).await;
    look(app, &mut Watched::default()).await;
    // The disk loses the day for a while; another day is judged meanwhile, with all labels that there are.
    let (objects, away) = (bed.world.folder.path().join("objects"), bed.world.folder.path().join("away"));
    let first = app.prediction(&bed.risk, "scoring", "2026-03-01-0").await.unwrap().block.unwrap().id;
    let hidden = find(&objects, &first.to_string());
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l"), bytes(&labels)).await.unwrap();
    day(&bed, "2026-03-02", 500, 0.0, true).await;
    app.seal_predictions(true).await.unwrap();
    std::fs::rename(&hidden, &away).unwrap();
    assert_eq!(app.judge_windows(&mut Watched::default()).await.unwrap(), 1, "the other day");
    std::fs::rename(&away, &hidden).unwrap();
    // A restarted server finds the work that is left.
    assert_eq!(app.judge_windows(&mut Watched::default()).await.unwrap(), 1);
    assert_eq!(windows(&bed).await.last().unwrap().labelled, 500);
    assert_eq!(app.judge_windows(&mut Watched::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn the_summaries_of_a_judged_day_are_what_its_records_count() {
    // INVARIANT (summaries-are-counts)
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let labels = day(&bed, "2026-03-01", 900, 10.0, true).await;
    look(app, &mut Watched::default()).await;
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l"), bytes(&labels)).await.unwrap();
    look(app, &mut Watched::default()).await;
    let report = async || {
        let page = app.window_page(&bed.risk, "scorer@1", Environment::Staging, "2026-03-01").await;
        page.map(|report| serde_json::to_value(report).unwrap())
    };
    let judged = report().await.unwrap();
    assert_eq!(windows(&bed).await[0].labelled, 900);
    // The summaries stand beside the block, made after it, each in one part.
    let block = app.prediction(&bed.risk, "scoring", "2026-03-01-0").await.unwrap().block.unwrap().id;
    let mut hidden = 0;
    for folder in std::fs::read_dir(bed.world.folder.path().join("objects/artifacts")).unwrap() {
        let path = folder.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if std::fs::read_dir(&path).unwrap().count() == 1 && name > block.to_string() {
            std::fs::rename(&path, bed.world.folder.path().join(name)).unwrap();
            hidden += 1;
        }
    }
    assert!(hidden > 0, "there is a summary");
    // Without them the records are counted again, to the same numbers.
    assert_eq!(report().await.unwrap(), judged);
}

/// The folder of this name, at any depth.
pub(crate) fn find(folder: &Path, name: &str) -> PathBuf {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.ends_with(name) {
                return path;
            }
            open.extend(path.is_dir().then_some(path));
        }
    }
    panic!("no folder {name}")
}

#[tokio::test]
async fn a_baseline_that_is_none_or_fits_nothing_is_named() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let wrong = bed.world.artifact(&developer, b"{\"format\": \"something\"}").await;
    let set = |profile: &Digest| stated("scorer@1", profile);
    let error = app.set_baseline(&Call::new(developer.clone()), set(&wrong)).await.unwrap_err();
    assert!(error.to_string().contains("comptroller profile"), "{error}");
    let digest = baseline(&bed.world, &developer).await;
    let denied = app.set_baseline(&Call::new(bed.runtime.clone()), set(&digest)).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })));
    app.set_baseline(&Call::new(developer), set(&digest)).await.unwrap();
    bed.send("b", &json!({"records": [{"id": "x", "time": "2026-03-01T00:00:00Z", "inputs": {"other": 1}}]}))
        .await
        .unwrap();
    assert_eq!(look(app, &mut Watched::default()).await, 1);
    let window = windows(&bed).await.remove(0);
    assert_eq!((window.band, window.coefficient_ppm), (None, None), "one row proves nothing");
    assert!(window.advice.contains("no verdict"), "{}", window.advice);
}

#[tokio::test]
async fn one_bad_day_is_no_alarm_two_are_and_people_answer_it() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    let set = stated("scorer@1", &profile);
    app.set_baseline(&Call::new(developer.clone()), set).await.unwrap();
    let mut watched = Watched::default();
    // Moved by a third of its range: investigate, and not bad enough to tell at once.
    for (date, shift) in [("2026-03-01", 0.0), ("2026-03-02", 18.0), ("2026-03-03", 0.0)] {
        day(&bed, date, 2_000, shift, true).await;
        look(app, &mut watched).await;
    }
    assert_eq!(windows(&bed).await[1].band, Some(DriftBand::Investigate), "{:?}", windows(&bed).await);
    assert_eq!(alarms(&bed).await, 0, "one bad day");
    for date in ["2026-03-04", "2026-03-05"] {
        day(&bed, date, 2_000, 18.0, true).await;
        look(app, &mut watched).await;
    }
    let open = app.alarms(&bed.risk, Some("scoring"), true, Slice::default()).await.unwrap().items;
    let [alarm] = &open[..] else { panic!("one alarm: {open:?}") };
    assert_eq!((alarm.state.as_str(), alarm.playbook.as_str()), ("open", "data-drift"));
    assert_eq!((alarm.day.as_str(), alarm.since.as_str()), ("2026-03-04", "2026-03-02"), "{alarm:?}");
    assert!(!alarm.rollback_proposed, "inputs alone never ask for that");

    let denied = app.acknowledge_alarm(&Call::new(developer), alarm.id).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "builders are not on call");
    app.acknowledge_alarm(&Call::new(bed.risk.clone()), alarm.id).await.unwrap();
    let twice = app.acknowledge_alarm(&Call::new(bed.risk.clone()), alarm.id).await.unwrap_err();
    assert!(twice.to_string().contains("taken this alarm on already"), "{twice}");
    let long = SnoozeAlarm { days: 91, reason: "known".into() };
    assert!(app.snooze_alarm(&Call::new(bed.risk.clone()), alarm.id, long).await.is_err());
    let quiet = SnoozeAlarm { days: 2, reason: "the source moved, a new version is on its way".into() };
    app.snooze_alarm(&Call::new(bed.risk.clone()), alarm.id, quiet).await.unwrap();
    let open = app.alarms(&bed.risk, None, true, Slice::default()).await.unwrap().items;
    assert_eq!(open[0].state, "snoozed");
    assert!(open[0].reason.as_deref().unwrap().contains("new version"));
    day(&bed, "2026-03-06", 2_000, 18.0, true).await;
    look(app, &mut watched).await;
    assert_eq!(alarms(&bed).await, 1, "silent, and no worse");
    bed.world.clock.pass(2 * 86_400);
    look(app, &mut watched).await;
    let open = app.alarms(&bed.risk, None, true, Slice::default()).await.unwrap().items;
    assert_eq!(
        (alarms(&bed).await, open[0].state.as_str()),
        (2, "open"),
        "told again when the silence is over"
    );
    look(app, &mut watched).await;
    assert_eq!(alarms(&bed).await, 2);
    // Worse than what is known is told at once.
    day(&bed, "2026-03-07", 2_000, 80.0, true).await;
    look(app, &mut watched).await;
    let open = app.alarms(&bed.risk, None, true, Slice::default()).await.unwrap().items;
    assert_eq!((alarms(&bed).await, open[0].band, open[0].id), (3, DriftBand::Rollback, alarm.id));
    day(&bed, "2026-03-08", 2_000, 0.0, true).await;
    look(app, &mut watched).await;
    let all = app.alarms(&bed.risk, None, false, Slice::default()).await.unwrap().items;
    assert_eq!((all.len(), all[0].state.as_str()), (1, "cleared"));
    let ended = app.acknowledge_alarm(&Call::new(bed.risk.clone()), alarm.id).await.unwrap_err();
    assert!(ended.to_string().contains("ended"), "{ended}");
}

#[tokio::test]
async fn a_stream_that_falls_silent_alarms_until_records_come() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let mut watched = Watched::default();
    let today = || app.store().clock().now().to_string()[..10].to_owned();
    let tomorrow = || bed.world.clock.pass(86_400);
    // In the afternoon, whenever the test runs. Of the day on which the version went live nothing is claimed.
    let seconds = app.store().clock().now().micros() / 1_000_000;
    bed.world.clock.pass(13 * 3_600 - seconds.rem_euclid(86_400));
    bed.world.clock.pass(86_400);
    for _ in 0..4 {
        tomorrow();
        day(&bed, &today(), 300, 0.0, true).await;
        look(app, &mut watched).await;
    }
    tomorrow();
    look(app, &mut watched).await;
    assert_eq!(windows(&bed).await.len(), 4, "the day is not over");
    let silent = today();
    tomorrow();
    bed.world.clock.pass(3 * 3_600);
    look(app, &mut watched).await;
    let newest = windows(&bed).await.remove(0);
    assert_eq!((newest.day.as_str(), newest.rows, newest.band), (silent.as_str(), 0, None));
    assert_eq!(alarms(&bed).await, 0, "one silent day");
    tomorrow();
    look(app, &mut watched).await;
    let open = app.alarms(&bed.risk, Some("scoring"), true, Slice::default()).await.unwrap().items;
    let [alarm] = &open[..] else { panic!("one alarm: {open:?}") };
    assert_eq!((alarm.playbook.as_str(), alarm.since.as_str()), ("latency", silent.as_str()));
    // A restart finds nothing new, and what comes late is judged as what it is.
    assert_eq!(look(app, &mut Watched::default()).await, 0);
    day(&bed, &silent, 300, 0.0, true).await;
    look(app, &mut watched).await;
    let late = windows(&bed).await.into_iter().find(|window| window.day == silent).unwrap();
    assert_eq!(late.rows, 300);
    day(&bed, &today(), 300, 0.0, true).await;
    look(app, &mut watched).await;
    assert!(app.alarms(&bed.risk, None, true, Slice::default()).await.unwrap().items.is_empty());
}

async fn world_developer(bed: &Bed) -> Caller {
    bed.world.person("builder", &[Role::Developer], None).await
}

#[tokio::test]
async fn what_gets_worse_for_another_reason_is_as_old_as_that_reason() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = world_developer(&bed).await;
    let profile = baseline(&bed.world, &developer).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let mut watched = Watched::default();
    let only = async || {
        let mut open = app.alarms(&bed.risk, Some("scoring"), true, Slice::default()).await.unwrap().items;
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    };
    for date in ["2026-03-01", "2026-03-02"] {
        day(&bed, date, 2_000, 18.0, true).await;
        look(app, &mut watched).await;
    }
    let first = only().await;
    assert_eq!((first.since.as_str(), first.playbook.as_str()), ("2026-03-01", "data-drift"));
    // Now the amounts stay away altogether.
    let (mut records, _) = records("2026-03-03", 2_000, 0.0, true);
    for record in records["records"].as_array_mut().unwrap() {
        record["inputs"] = json!({"amount": null});
    }
    bed.send("2026-03-03", &records).await.unwrap();
    look(app, &mut watched).await;
    let worse = only().await;
    assert_eq!((worse.id, worse.since.as_str()), (first.id, "2026-03-03"), "{worse:?}");
}
