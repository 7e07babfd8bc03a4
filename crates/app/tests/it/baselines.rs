//! Baselines that come from the record itself, days against days before them, and the page over all of them.

use crate::monitors::{baseline, look, records, stated};
use crate::predictions::Bed;
use crate::world::version;
use comptroller_app::audit::EntryQuery;
use comptroller_app::monitors::{FirstRows, SetBaseline, Watched};
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call};
use comptroller_core::vocab::{AlarmTopic, BaselineSource, DriftBand};
use comptroller_core::{Environment, Role};
use serde_json::Value;

/// Gives each record a vector in this direction.
fn pointing(mut body: Value, direction: f64) -> Value {
    for (n, record) in body["records"].as_array_mut().unwrap().iter_mut().enumerate() {
        let wiggle = f64::from(u32::try_from(n % 7).unwrap()) / 100.0;
        record["inputs"]["note-vector"] = vec![1.0 + wiggle, direction - wiggle].into();
    }
    body
}

fn first(rows: u64) -> SetBaseline {
    let first = Some(FirstRows { rows, environment: Environment::Staging });
    SetBaseline { version: "scorer@1".into(), profile: None, from_training: false, first, bands: None }
}

async fn entries(bed: &Bed, kind: &str) -> Vec<Value> {
    let query = EntryQuery { kind: Some(kind.into()), ..EntryQuery::default() };
    let page = bed.world.app.entries(&bed.risk, query, Slice::default()).await.unwrap();
    page.items.into_iter().map(|item| item.entry["data"].clone()).collect()
}

#[tokio::test]
async fn the_first_rows_become_a_baseline_that_names_its_blocks_and_knows_weekdays() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = bed.world.person("builder", &[Role::Developer], None).await;
    // Four weeks; on Sundays everything is otherwise, as ever.
    for n in 0..28 {
        let date = format!("2026-02-{:02}", n + 1);
        let sunday = if n % 7 == 0 { 40.0 } else { 0.0 };
        // Other numbers on every day: they depend on how many there are.
        let body = pointing(records(&date, 600 + n, sunday, true).0, if n % 7 == 0 { -1.0 } else { 1.0 });
        bed.send(&date, &body).await.unwrap();
    }
    app.seal_predictions(true).await.unwrap();
    let few = app.set_baseline(&Call::new(developer.clone()), first(18_000)).await.unwrap_err();
    assert!(few.to_string().contains("only 17178 rows"), "{few}");
    let denied = app.set_baseline(&Call::new(bed.runtime.clone()), first(8_000)).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })));
    app.set_baseline(&Call::new(developer.clone()), first(17_178)).await.unwrap();
    let set = entries(&bed, "baseline.set").await.remove(0);
    assert_eq!((&set["source"], &set["rows"]), (&"production".into(), &17_178.into()));
    assert_eq!(set["blocks"].as_array().unwrap().len(), 28);
    assert_eq!(set["seasons"].as_object().unwrap().len(), 14, "seven weekdays, and the hours of each");
    let view = app.baselines(&bed.risk, Some("scoring"), Slice::default()).await.unwrap().items.remove(0);
    assert_eq!((view.source, view.seasons.len()), (BaselineSource::Production, 7));
    // What was made is an artifact like any other.
    assert!(app.artifact(&developer, &view.profile).await.unwrap().bytes > 100);

    // A Sunday as ever, and a Monday that looks like a Sunday.
    for (date, shift) in [("2026-03-01", 40.0), ("2026-03-02", 40.0)] {
        bed.send(date, &pointing(records(date, 3_000, shift, true).0, -1.0)).await.unwrap();
    }
    look(app, &mut Watched::default()).await;
    let windows = app.windows(&bed.risk, "scoring", Slice::default()).await.unwrap().items;
    assert_eq!(
        (windows[1].day.as_str(), windows[1].band),
        ("2026-03-01", Some(DriftBand::Normal)),
        "{:?}",
        windows[1]
    );
    assert!(windows[0].band >= Some(DriftBand::Investigate), "{:?}", windows[0]);
    let report = app.window_page(&bed.risk, "scorer@1", Environment::Staging, "2026-03-01").await.unwrap();
    assert!(report.notes.iter().any(|note| note.contains("of a sunday")), "{:?}", report.notes);
    // Vectors of a Sunday, too, are compared with those of Sundays, of which a sample is kept.
    let embedding = &report.embeddings[0];
    assert!(embedding.cosine.unwrap() < 0.01 && embedding.sampled == [512, 512], "{embedding:?}");
    let judged = entries(&bed, "window.judged").await;
    assert!(judged.iter().any(|data| data["season"] == "monday"));

    let both = SetBaseline { from_training: true, ..first(8_000) };
    let error = app.set_baseline(&Call::new(developer), both).await.unwrap_err();
    assert!(error.to_string().contains("exactly one"), "{error}");
}

#[tokio::test]
async fn a_day_that_has_only_its_night_is_compared_with_nights() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = bed.world.person("builder", &[Role::Developer], None).await;
    // At night everything is otherwise, as ever.
    let part = |date: &str, hour: u8, rows: usize, shift: f64| {
        let mut body = pointing(records(date, rows, shift, true).0, 1.0);
        for record in body["records"].as_array_mut().unwrap() {
            record["id"] = format!("{hour}-{}", record["id"].as_str().unwrap()).into();
            record["time"] = format!("{date}T{hour:02}:30:00Z").into();
        }
        body
    };
    for n in 1..=3 {
        let date = format!("2026-02-{n:02}");
        bed.send(&format!("{date}-night"), &part(&date, 2, 400 + n, 40.0)).await.unwrap();
        bed.send(&format!("{date}-day"), &part(&date, 14, 400 + n, 0.0)).await.unwrap();
    }
    app.seal_predictions(true).await.unwrap();
    app.set_baseline(&Call::new(developer), first(2_400)).await.unwrap();
    let view = app.baselines(&bed.risk, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!((view.seasons.len(), view.hours), (0, true));
    // Nothing is known of three o'clock, so all hours are compared; a night as ever; a night like a day.
    for (date, hour, shift) in [("2026-03-01", 3, 40.0), ("2026-03-02", 2, 40.0), ("2026-03-03", 2, 0.0)] {
        bed.send(date, &part(date, hour, 3_000, shift)).await.unwrap();
    }
    look(app, &mut Watched::default()).await;
    let windows = app.windows(&bed.risk, "scoring", Slice::default()).await.unwrap().items;
    let band = |date: &str| windows.iter().find(|window| window.day == date).unwrap().band.unwrap();
    assert_eq!(band("2026-03-02"), DriftBand::Normal, "{windows:?}");
    assert!(band("2026-03-03") >= DriftBand::Investigate, "{windows:?}");
    assert!(band("2026-03-01") > DriftBand::Normal, "{windows:?}");
    let report =
        async |date: &str| app.window_page(&bed.risk, "scorer@1", Environment::Staging, date).await.unwrap();
    let says = |report: &comptroller_app::drift::Report| {
        report.notes.iter().any(|note| note.contains("02:00 to 02:59"))
    };
    let night = report("2026-03-02").await;
    assert!(night.embeddings[0].classifier.is_some(), "{:?}", night.embeddings[0]);
    assert!(says(&night) && !says(&report("2026-03-01").await));
}

#[tokio::test]
async fn embeddings_of_a_day_are_compared_with_those_of_the_baseline() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = bed.world.person("builder", &[Role::Developer], None).await;
    let day =
        |date: &str, direction: f64| (date.to_owned(), pointing(records(date, 600, 0.0, true).0, direction));
    let (date, body) = day("2026-02-01", 1.0);
    bed.send(&date, &body).await.unwrap();
    app.seal_predictions(true).await.unwrap();
    app.set_baseline(&Call::new(developer), first(600)).await.unwrap();
    for (date, body) in [day("2026-03-01", 1.0), day("2026-03-02", -1.0)] {
        bed.send(&date, &body).await.unwrap();
    }
    look(app, &mut Watched::default()).await;
    for (date, expected) in [("2026-03-01", 0.0), ("2026-03-02", 1.0)] {
        let report = app.window_page(&bed.risk, "scorer@1", Environment::Staging, date).await.unwrap();
        let embedding = &report.embeddings[0];
        assert_eq!((embedding.column.as_str(), embedding.dims), ("note-vector", 2));
        let cosine = embedding.cosine.unwrap();
        assert!((cosine - expected).abs() < 0.1, "{date}: {cosine}");
        assert!(embedding.classifier.is_some(), "a sample of the vectors is kept: {:?}", embedding.notes);
    }
    let windows = app.windows(&bed.risk, "scoring", Slice::default()).await.unwrap().items;
    assert!(windows[0].band >= Some(DriftBand::Investigate), "{windows:?}");
    assert_eq!(windows[1].band, Some(DriftBand::Normal), "{windows:?}");
}

#[tokio::test]
async fn the_profile_among_the_files_of_a_version_is_its_baseline_if_somebody_says_so() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = bed.world.person("builder", &[Role::Developer], None).await;
    let training = |label: &str| SetBaseline {
        version: format!("scorer@{label}"),
        profile: None,
        from_training: true,
        first: None,
        bands: None,
    };
    let none = app.set_baseline(&Call::new(developer.clone()), training("1")).await.unwrap_err();
    assert!(none.to_string().contains("comptroller profile"), "{none}");
    let digest = baseline(&bed.world, &developer).await;
    let mut command = version("2", &digest, 0.9);
    command.artifacts[0].name = "training-profile.json".parse().unwrap();
    app.register_version(&Call::new(developer.clone()), "scorer".into(), command).await.unwrap();
    app.set_baseline(&Call::new(developer), training("2")).await.unwrap();
    let view = app.baselines(&bed.risk, None, Slice::default()).await.unwrap().items.remove(0);
    assert_eq!((view.source, view.profile), (BaselineSource::Training, digest));
}

/// A day of records with a caller, a latency and sometimes an error.
fn run(date: &str, rows: usize, latency_us: u64, callers: &[(&str, usize)], errors: usize) -> Value {
    let (mut body, _) = records(date, rows, 0.0, true);
    let mut names = callers.iter().flat_map(|(name, count)| std::iter::repeat_n(*name, *count));
    for (n, record) in body["records"].as_array_mut().unwrap().iter_mut().enumerate() {
        record["latency_us"] = (latency_us + (n as u64 % 50) * 10).into();
        record["time"] = format!("{date}T{:02}:{:02}:00Z", n * 24 / rows, n * 1_440 / rows % 60).into();
        if let Some(name) = names.next() {
            record["caller"] = name.into();
        }
        if n < errors {
            record["error"] = "timeout".into();
        }
    }
    body
}

#[tokio::test]
async fn a_slow_day_and_a_stranger_are_alarms_of_their_own() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = bed.world.person("builder", &[Role::Developer], None).await;
    let profile = baseline(&bed.world, &developer).await;
    app.set_baseline(&Call::new(developer), stated("scorer@1", &profile)).await.unwrap();
    let mut watched = Watched::default();
    for n in 1..=5 {
        let date = format!("2026-03-{n:02}");
        bed.send(&date, &run(&date, 2_000, 2_000, &[("app", 1_400), ("batch", 600)], 4)).await.unwrap();
        look(app, &mut watched).await;
    }
    assert!(entries(&bed, "alarm.raised").await.is_empty());
    for n in 6..=7 {
        let date = format!("2026-03-{n:02}");
        let callers = [("app", 600), ("batch", 400), ("stranger", 1_000)];
        bed.send(&date, &run(&date, 2_000, 9_000, &callers, 160)).await.unwrap();
        look(app, &mut watched).await;
    }
    let alarms = app.alarms(&bed.risk, Some("scoring"), true, Slice::default()).await.unwrap().items;
    let of = |topic| alarms.iter().find(|alarm| alarm.topic == topic).unwrap_or_else(|| panic!("{alarms:?}"));
    let (slow, stranger) = (of(AlarmTopic::Operation), of(AlarmTopic::Access));
    assert_eq!((slow.playbook.as_str(), slow.band, slow.pillar), ("latency", DriftBand::Investigate, None));
    assert_eq!((stranger.playbook.as_str(), stranger.since.as_str()), ("access", "2026-03-06"));
    assert!(alarms.iter().all(|alarm| alarm.topic != AlarmTopic::Drift), "the model itself is as ever");
    let report = app.window_page(&bed.risk, "scorer@1", Environment::Staging, "2026-03-07").await.unwrap();
    let notes = report.notes.join("\n");
    for words in ["latency p95 is", "8.00 % of the records have an error", "stranger", "alarms a month"] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    // INVARIANT (no-personal-data-in-entries): who calls is in the private part alone.
    for data in entries(&bed, "window.judged").await {
        assert!(!data.to_string().contains("stranger"), "{data}");
    }

    let page = app.history_html(&bed.risk, "scorer@1", Environment::Staging).await.unwrap();
    assert_eq!(page.matches("<svg").count(), 1, "no column carries anything");
    assert!(page.contains("2026-03-07") && page.contains("access") && page.contains("2 of the last 3"));
    let gauges = app.drift_gauges().await.unwrap();
    assert_eq!((gauges.len(), gauges[0].alarms, gauges[0].band), (1, 2, Some(0)));
    assert_eq!((gauges[0].system.as_str(), gauges[0].version.as_str()), ("scoring", "scorer@1"));
}
