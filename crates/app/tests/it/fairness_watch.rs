//! Decisions of a running version, watched across groups: found, told of once, opened as a remediation, and rebuilt.

use crate::monitors::find;
use crate::predictions::{Bed, bytes, command};
use comptroller_app::audit::EntryQuery;
use comptroller_app::monitors::fairness::{
    FairnessView, FairnessWatched, WatchFairness, WatchedAttribute, WatchedCriterion,
};
use comptroller_app::view::Slice;
use comptroller_app::{AppError, Call, Caller};
use comptroller_core::vocab::{FairnessState, RecordKind, RemediationCause};
use comptroller_core::{Environment, Role};
use comptroller_stats::fairness::watching::Watching;
use serde_json::{Value, json};

/// A day of `rows` decisions of each of two groups, of whom `selected` are selected; with its labels: all positive.
async fn day(bed: &Bed, date: &str, rows: usize, selected: [usize; 2]) -> Value {
    let (mut records, mut labels) = (Vec::new(), Vec::new());
    for (sex, hits) in ["f", "m"].iter().zip(selected) {
        for row in 0..rows {
            let id = format!("{date}-{sex}-{row}");
            records.push(json!({
                "id": id, "time": format!("{date}T12:00:00Z"), "prediction": if row < hits { "yes" } else { "no" },
                "inputs": {"sex": sex, "age": 40}
            }));
            labels.push(json!({"id": id, "label": "yes"}));
        }
    }
    bed.send(date, &json!({ "records": records })).await.unwrap();
    json!({ "records": labels })
}

fn watch(criteria: &[(&str, f64)]) -> WatchFairness {
    let criterion =
        |(measure, bound): &(&str, f64)| WatchedCriterion { measure: (*measure).into(), bound: *bound };
    WatchFairness {
        version: "scorer@1".into(),
        attributes: vec![WatchedAttribute { name: "sex".into(), values: vec!["f".into(), "m".into()] }],
        criteria: criteria.iter().map(criterion).collect(),
        positive: Some("yes".into()),
        alpha: None,
    }
}

async fn look(bed: &Bed, watched: &mut FairnessWatched) -> usize {
    bed.world.app.seal_predictions(true).await.unwrap();
    bed.world.app.judge_fairness(watched).await.unwrap()
}

async fn view(bed: &Bed) -> FairnessView {
    bed.world.app.fairness_view(&bed.risk, "scorer@1", Environment::Staging).await.unwrap()
}

async fn builder(bed: &Bed) -> Caller {
    bed.world.person("builder", &[Role::Developer], None).await
}

async fn alarms(bed: &Bed) -> usize {
    let query = EntryQuery { kind: Some("fairness.judged".into()), ..EntryQuery::default() };
    let page = bed.world.app.entries(&bed.risk, query, Slice::default()).await.unwrap();
    page.items.iter().filter(|entry| entry.entry["data"]["alarms"] == true).count()
}

#[tokio::test]
async fn a_disparity_is_found_told_of_once_and_opens_a_remediation() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = builder(&bed).await;
    let mut watched = FairnessWatched::default();
    day(&bed, "2026-03-01", 20, [10, 10]).await;
    assert_eq!(look(&bed, &mut watched).await, 0, "nothing is watched before somebody says so");
    app.watch_fairness(&Call::new(developer.clone()), watch(&[("impact_ratio", 0.8)])).await.unwrap();
    assert_eq!(look(&bed, &mut watched).await, 1, "the days of before count too");
    assert_eq!(look(&bed, &mut watched).await, 0);
    let few = view(&bed).await;
    assert_eq!(few.state, FairnessState::InsufficientEvidence, "twenty rows of a group prove nothing");
    assert_eq!(few.games[0].too_few, ["sex=f", "sex=m"]);

    day(&bed, "2026-03-02", 200, [100, 95]).await;
    look(&bed, &mut watched).await;
    assert_eq!(view(&bed).await.state, FairnessState::NoFinding);
    for date in ["2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"] {
        day(&bed, date, 200, [120, 50]).await;
        look(&bed, &mut watched).await;
    }
    let found = view(&bed).await;
    assert_eq!((found.state, alarms(&bed).await), (FairnessState::Finding, 1), "{:?}", found.games);
    assert_eq!(found.games[0].between, ["sex=f", "sex=m"]);
    assert_eq!(found.days.len(), 6);
    assert_eq!(found.report.rows.total, 40 + 5 * 400);
    let open = app.remediations(&bed.risk, Some("scoring"), Slice::default()).await.unwrap().items;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].cause, open[0].opened_by.as_str()), (RemediationCause::FairnessMonitor, "system"));
    let finding = open[0].finding.as_deref().unwrap();
    assert!(finding.contains("impact ratio at least 0.8 does not hold between sex=f and sex=m"), "{finding}");
    let page = app.fairness_page(&bed.risk, "scorer@1", Environment::Staging).await.unwrap();
    assert!(page.contains("<svg") && page.contains("sex=f") && page.contains("finding"));

    // A better day does not undo it; a watch that is set anew begins anew, on the same days.
    day(&bed, "2026-03-07", 200, [100, 100]).await;
    look(&bed, &mut watched).await;
    assert_eq!((view(&bed).await.state, alarms(&bed).await), (FairnessState::Finding, 1));
    app.watch_fairness(&Call::new(developer), watch(&[("impact_ratio", 0.2)])).await.unwrap();
    assert_eq!(look(&bed, &mut watched).await, 7);
    assert_eq!(view(&bed).await.state, FairnessState::NoFinding);
}

#[tokio::test]
async fn labels_that_come_later_count_once_and_everything_is_rebuilt_from_the_log() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = builder(&bed).await;
    let criteria = [("impact_ratio", 0.5), ("equal_opportunity_difference", 0.2)];
    app.watch_fairness(&Call::new(developer), watch(&criteria)).await.unwrap();
    let mut watched = FairnessWatched::default();
    let first = day(&bed, "2026-03-01", 150, [90, 80]).await;
    look(&bed, &mut watched).await;
    let before = view(&bed).await;
    assert_eq!(before.games[1].too_few.len(), 2, "nothing is labelled");
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l1"), bytes(&first)).await.unwrap();
    assert_eq!(look(&bed, &mut watched).await, 1, "labels of today speak of a day in March");
    // A restarted server has looked at them already.
    assert_eq!(look(&bed, &mut FairnessWatched::default()).await, 0);
    day(&bed, "2026-03-02", 150, [90, 70]).await;
    look(&bed, &mut watched).await;
    let after = view(&bed).await;
    assert_eq!(after.state, FairnessState::NoFinding, "{:?}", after.games);
    assert_eq!((after.days[0].labelled, after.days[1].labelled), (300, 0));
    assert!((after.games[0].log_evidence - before.games[0].log_evidence).abs() > 1e-9);

    // From the log alone: the plan, then the counts of each judgement in their order.
    let parts = |kind: &'static str| {
        let query = EntryQuery { kind: Some(kind.into()), ..EntryQuery::default() };
        async {
            let page = app.entries(&bed.risk, query, Slice::default()).await.unwrap();
            let mut items = page.items;
            items.sort_by_key(|entry| entry.index);
            let mut parts = Vec::new();
            for entry in items {
                let shown = app.entry(&bed.risk, entry.index).await.unwrap();
                parts.push((entry.entry["data"].clone(), shown.opening.unwrap().payload));
            }
            parts
        }
    };
    let plan = parts("fairness.watch_set").await.remove(0).1["plan"].clone();
    let mut rebuilt = Watching::new(serde_json::from_value(plan).unwrap()).unwrap();
    let mut counted = std::collections::BTreeMap::new();
    for (data, part) in parts("fairness.judged").await {
        let cells: Vec<[u64; 9]> = serde_json::from_value(part["cells"].clone()).unwrap();
        let (through, labels) = (data["through"].as_u64().unwrap(), data["labels_through"].as_u64().unwrap());
        let day = data["day"].as_u64().unwrap();
        rebuilt.take(counted.get(&day).map(Vec::as_slice), &cells, (through << 32) ^ labels).unwrap();
        counted.insert(day, cells);
    }
    for (again, known) in rebuilt.shown().iter().zip(&after.games) {
        assert!((again.log_evidence - known.log_evidence).abs() < 1e-9, "{again:?} {known:?}");
        assert_eq!((again.standing, &again.too_few), (known.standing, &known.too_few));
    }
}

#[tokio::test]
async fn labels_of_a_day_that_cannot_be_counted_are_not_forgotten_by_a_restart() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = builder(&bed).await;
    app.watch_fairness(&Call::new(developer), watch(&[("equal_opportunity_difference", 0.2)])).await.unwrap();
    let labels = day(&bed, "2026-03-01", 150, [90, 80]).await;
    assert_eq!(look(&bed, &mut FairnessWatched::default()).await, 1);
    // The disk loses the day for a while; another day is counted meanwhile, with all labels that there are.
    let (objects, away) = (bed.world.folder.path().join("objects"), bed.world.folder.path().join("away"));
    let first = app.prediction(&bed.risk, "scoring", "2026-03-01-f-0").await.unwrap().block.unwrap().id;
    let hidden = find(&objects, &first.to_string());
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l1"), bytes(&labels)).await.unwrap();
    day(&bed, "2026-03-02", 150, [90, 80]).await;
    app.seal_predictions(true).await.unwrap();
    std::fs::rename(&hidden, &away).unwrap();
    assert_eq!(app.judge_fairness(&mut FairnessWatched::default()).await.unwrap(), 1, "the other day");
    std::fs::rename(&away, &hidden).unwrap();
    // A restarted server finds the work that is left.
    assert_eq!(app.judge_fairness(&mut FairnessWatched::default()).await.unwrap(), 1);
    let days = view(&bed).await.days;
    assert_eq!(days.iter().map(|day| day.labelled).sum::<u64>(), 300);
    assert_eq!(app.judge_fairness(&mut FairnessWatched::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_with_why() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let developer = builder(&bed).await;
    let call = Call::new(developer);
    for (wrong, why) in [
        (watch(&[("impact_ration", 0.8)]), "no measure"),
        (watch(&[("auc_difference", 0.1)]), "cannot be watched"),
        (watch(&[("impact_ratio", 0.8), ("impact-ratio", 0.9)]), "twice"),
        (WatchFairness { attributes: Vec::new(), ..watch(&[("impact_ratio", 0.8)]) }, "name 1 to 4"),
        (WatchFairness { alpha: Some(0.9), ..watch(&[("impact_ratio", 0.8)]) }, "at most 0.5"),
    ] {
        let error = app.watch_fairness(&call, wrong).await.unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
    let denied = app.watch_fairness(&Call::new(bed.runtime.clone()), watch(&[("impact_ratio", 0.8)])).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })));
    day(&bed, "2026-03-01", 40, [20, 20]).await;
    app.seal_predictions(true).await.unwrap();
    let nobody = WatchedAttribute { name: "gender".into(), values: vec!["f".into(), "m".into()] };
    let nobody = WatchFairness { attributes: vec![nobody], ..watch(&[("impact_ratio", 0.8)]) };
    let error = app.watch_fairness(&call, nobody).await.unwrap_err().to_string();
    assert!(error.contains("no input \"gender\"; they have age, sex"), "{error}");
    let missing = app.fairness_view(&bed.risk, "scorer@1", Environment::Staging).await;
    assert!(matches!(missing, Err(AppError::NotFound { .. })));
}
