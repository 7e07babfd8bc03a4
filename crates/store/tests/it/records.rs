//! Blocks of records, batches, baselines and judged days: found, counted once, and gone with their key.

use crate::support::{Bed, on_both};
use comptroller_core::event::PurgedDay;
use comptroller_core::ids::{AlarmId, BaselineId, BlockId, SystemId, UploadId, VersionId};
use comptroller_core::vocab::{AlarmTopic, DriftBand, DriftPillar, RecordKind, RetentionClass};
use comptroller_core::{Clock as _, Digest, Environment, Event};
use comptroller_store::Text;
use comptroller_store::areas::predictions::BatchRow;
use comptroller_store::areas::summaries::{self, SummaryRow};
use comptroller_store::areas::{alarms, labels, monitors, predictions};
use comptroller_store::artifacts::{encrypt_part, store_part};
use comptroller_store::{Draft, Store, StoreError, keys};

on_both!(
    a_day_is_due_until_it_is_judged_and_again_when_something_is_new,
    an_alarm_is_open_until_it_is_cleared_and_sleeps_until_its_time,
    a_batch_counts_once_and_a_purged_day_leaves_nothing,
    labels_are_work_until_they_were_read_and_their_days_until_they_were_judged,
    a_summary_takes_the_place_of_the_one_before_and_goes_with_its_day,
);

const PLACE: Environment = Environment::Production;

struct Ids {
    system: SystemId,
    version: VersionId,
    baseline: BaselineId,
}

fn ids(bed: &Bed) -> anyhow::Result<Ids> {
    let now = bed.clock.now();
    Ok(Ids {
        system: SystemId::new(now, keys::random()?),
        version: VersionId::new(now, keys::random()?),
        baseline: BaselineId::new(now, keys::random()?),
    })
}

fn digest(text: &str) -> Digest {
    comptroller_ledger::digest(text.as_bytes()).to_string().parse().expect("a digest")
}

/// Stores and records a block of one part and its filter; answers its index.
async fn block(bed: &Bed, store: &Store, ids: &Ids, records: RecordKind, day: u32) -> anyhow::Result<u64> {
    let block = BlockId::new(bed.clock.now(), keys::random()?);
    let subject = format!("predictions/{}/{PLACE}/{day}", ids.version);
    let key = store.write(move |tx| Box::pin(async move { tx.data_key(&subject).await })).await?;
    let place: UploadId = block.to_string().parse()?;
    for (number, bytes) in [(1, 4), (2, 4), (3, 8 + 8 * 100)] {
        let bytes = b"rows".iter().copied().cycle().take(bytes).collect::<Vec<u8>>();
        let sealed = encrypt_part(&key, place, number, bytes.into()).await?;
        store_part(store.objects(), &key, place, sealed).await?;
    }
    let now = bed.clock.now();
    let event = Event::PredictionsSealed {
        block,
        records,
        system: ids.system,
        version: ids.version,
        environment: PLACE,
        day,
        rows: 100,
        root: digest("root"),
        digest: digest("rows"),
        bytes: 4,
        filter_bytes: 4,
        first_at: now,
        last_at: now,
    };
    Ok(store.record(Draft::new("system", event)).await?)
}

async fn judge(
    store: &Store,
    ids: &Ids,
    day: u32,
    through: u64,
    band: Option<DriftBand>,
) -> anyhow::Result<u64> {
    let event = Event::WindowJudged {
        system: ids.system,
        version: ids.version,
        environment: PLACE,
        day,
        baseline: ids.baseline,
        rows: 100,
        labelled: 0,
        coefficient_ppm: band.map(|_| 420_000),
        band,
        pillar: band.map(|_| DriftPillar::Data),
        through,
        labels_through: through,
        operation: None,
        access: Some(DriftBand::Watch),
        season: None,
    };
    Ok(store.record(Draft::new("system", event)).await?)
}

async fn set_baseline(store: &Store, ids: &Ids) -> anyhow::Result<u64> {
    let event = Event::BaselineSet {
        baseline: ids.baseline,
        system: ids.system,
        version: ids.version,
        profile: digest("profile"),
        rows: 1_000,
        columns: 2,
        watch_ppm: 100_000,
        investigate_ppm: 300_000,
        rollback_ppm: 500_000,
        source: None,
        blocks: Vec::new(),
        seasons: std::collections::BTreeMap::new(),
    };
    Ok(store.record(Draft::new("system", event)).await?)
}

/// Days that are to be judged: day, records, last block.
async fn due(store: &Store) -> anyhow::Result<Vec<(i64, i64, i64)>> {
    let mut conn = store.read().await?;
    let rows = monitors::unjudged(&mut conn, 10).await?;
    Ok(rows.into_iter().map(|row| (row.day, row.row_count, row.through)).collect())
}

async fn a_day_is_due_until_it_is_judged_and_again_when_something_is_new(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let mut ids = ids(&bed)?;
    let first = block(&bed, &store, &ids, RecordKind::Prediction, 20_000).await?;
    assert!(due(&store).await?.is_empty(), "there is no baseline");
    set_baseline(&store, &ids).await?;
    assert_eq!(due(&store).await?, [(20_000, 100, first as i64)]);
    judge(&store, &ids, 20_000, first, None).await?;
    assert!(due(&store).await?.is_empty());
    let second = block(&bed, &store, &ids, RecordKind::Prediction, 20_000).await?;
    let label = block(&bed, &store, &ids, RecordKind::Label, 20_001).await?;
    assert_eq!(due(&store).await?, [(20_000, 200, second as i64)], "labels are no day to be judged");
    let judged = judge(&store, &ids, 20_000, second, Some(DriftBand::Investigate)).await?;
    ids.baseline = BaselineId::new(bed.clock.now(), keys::random()?);
    set_baseline(&store, &ids).await?;
    assert_eq!(due(&store).await?.len(), 1, "another baseline judges every day again");

    let mut conn = store.read().await?;
    let window = monitors::window(&mut conn, ids.version, PLACE, 20_000).await?.expect("it was judged");
    assert_eq!((window.idx as u64, window.coefficient_ppm), (judged, Some(420_000)));
    assert_eq!(window.band.map(|band| band.0), Some(DriftBand::Investigate));
    let until = monitors::windows_until(&mut conn, ids.version, PLACE, 20_001, 5).await?;
    assert_eq!(until.iter().map(|row| row.day).collect::<Vec<_>>(), [20_000]);
    assert!(monitors::windows_until(&mut conn, ids.version, PLACE, 19_999, 5).await?.is_empty());
    assert_eq!(until[0].access.as_ref().map(|band| band.0), Some(DriftBand::Watch));
    assert_eq!(monitors::newest_windows(&mut conn, 5).await?.len(), 1);
    assert!(monitors::monitor(&mut conn, ids.version, PLACE).await?.is_none());
    assert_eq!(monitors::windows_of_system(&mut conn, ids.system, i64::MAX, 5).await?.len(), 1);
    let now = monitors::of_version(&mut conn, ids.version).await?.expect("it has one");
    assert_eq!(now.id.0, ids.baseline, "the last one counts");
    assert!(monitors::baseline(&mut conn, window.baseline.0).await?.is_some());
    assert_eq!(monitors::of_system(&mut conn, &ids.system.to_string(), i64::MAX, 5).await?.len(), 2);
    assert_eq!(predictions::last(&mut conn, ids.version, RecordKind::Label).await? as u64, label);
    let days = (20_000, 20_001);
    let blocks = predictions::of_days(&mut conn, ids.version, PLACE, RecordKind::Prediction, days).await?;
    assert_eq!(blocks.len(), 2);
    let later = predictions::of_system(&mut conn, ids.system, RecordKind::Prediction, first as i64).await?;
    assert_eq!(later.iter().map(|(idx, _)| *idx as u64).collect::<Vec<_>>(), [second]);
    let newest = predictions::newest(&mut conn, 1).await?.remove(0);
    assert_eq!(newest.idx as u64, label);
    assert_eq!(predictions::block(&mut conn, newest.id.0).await?.map(|row| row.idx), Some(newest.idx));
    Ok(())
}

async fn an_alarm_is_open_until_it_is_cleared_and_sleeps_until_its_time(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let ids = ids(&bed)?;
    let now = bed.clock.now();
    let (alarm, topic) = (AlarmId::new(now, keys::random()?), AlarmTopic::Drift);
    let (system, version) = (ids.system, ids.version);
    let raised = |again: bool| -> anyhow::Result<Draft> {
        let event = Event::AlarmRaised {
            alarm,
            system,
            version,
            environment: PLACE,
            topic,
            day: 20_000,
            since: 19_998,
            band: DriftBand::Rollback,
            pillar: Some(DriftPillar::Concept),
            coefficient_ppm: Some(600_000),
            playbook: "concept-drift".parse()?,
            breaches: 2,
            windows: 3,
            again,
        };
        Ok(Draft::new("system", event))
    };
    let first = store.record(raised(false)?).await?;
    let until = now.plus_seconds(60);
    store.record(Draft::new("principal/x", Event::AlarmAcknowledged { alarm, system })).await?;
    let snoozed = Event::AlarmSnoozed { alarm, system, until };
    store
        .record(Draft::new("principal/y", snoozed).private("reason", &serde_json::json!({"text": "known"}))?)
        .await?;
    let mut conn = store.read().await?;
    let row = alarms::open(&mut conn, version, PLACE, topic).await?.expect("it is open");
    assert_eq!(row.acknowledged_by.as_deref(), Some("principal/x"));
    assert_eq!((row.snoozed_until.map(|at| at.0), row.reason_at.is_some()), (Some(until), true));
    assert!(alarms::open(&mut conn, version, PLACE, AlarmTopic::Access).await?.is_none());
    assert!(alarms::awakened(&mut conn, until.micros() - 1, 5).await?.is_empty());
    assert_eq!(alarms::awakened(&mut conn, until.micros(), 5).await?.len(), 1);
    drop(conn);
    store.record(raised(true)?).await?;
    let mut conn = store.read().await?;
    let row = alarms::alarm(&mut conn, alarm).await?.expect("the same alarm");
    assert_eq!((row.idx as u64, row.snoozed_until, row.acknowledged_by), (first, None, None), "told again");
    drop(conn);
    store.record(Draft::new("system", Event::AlarmCleared { alarm, system, day: 20_001 })).await?;
    let mut conn = store.read().await?;
    assert!(alarms::open(&mut conn, version, PLACE, topic).await?.is_none());
    let all = system.to_string();
    assert_eq!(alarms::of_system(&mut conn, &all, false, i64::MAX, 5).await?.len(), 1);
    assert!(alarms::of_system(&mut conn, &all, true, i64::MAX, 5).await?.is_empty());
    Ok(())
}

async fn a_batch_counts_once_and_a_purged_day_leaves_nothing(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let ids = ids(&bed)?;
    let version = ids.version;
    let put = || {
        store.write::<(), StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let (environment, records) = (PLACE, RecordKind::Prediction);
                let row = BatchRow { version, environment, records, batch: "b", digest: "d", rows: 100 };
                predictions::put_batch(tx.conn(), &row, now).await
            })
        })
    };
    put().await?;
    assert!(put().await.is_err_and(|error| error.is_unique_violation()), "a batch counts once");
    let mut conn = store.read().await?;
    let known = predictions::batch(&mut conn, version, PLACE, RecordKind::Prediction, "b").await?;
    assert_eq!(known, Some(("d".to_owned(), 100)));
    drop(conn);

    block(&bed, &store, &ids, RecordKind::Prediction, 20_000).await?;
    block(&bed, &store, &ids, RecordKind::Label, 20_000).await?;
    block(&bed, &store, &ids, RecordKind::Prediction, 20_001).await?;
    let mut conn = store.read().await?;
    let days = predictions::stored_days(&mut conn, bed.clock.now(), 10).await?;
    assert_eq!(
        days.iter().map(|row| (row.day, row.blocks, row.row_count)).collect::<Vec<_>>(),
        [(20_000, 2, 200), (20_001, 1, 100)]
    );
    assert!(predictions::stored_days(&mut conn, bed.clock.now().plus_seconds(-86_400), 10).await?.is_empty());
    drop(conn);
    let purged = PurgedDay { version, environment: PLACE, day: 20_000, blocks: 2 };
    let event = Event::DataPurged {
        class: RetentionClass::Records,
        artifact: None,
        entries: Vec::new(),
        day: Some(purged),
        age_days: 1,
        rules: Vec::new(),
    };
    let draft = Draft::new("system", event);
    let again = draft.clone();
    store.write(move |tx| Box::pin(async move { tx.purge(draft).await })).await?;
    let refused = store.write(move |tx| Box::pin(async move { tx.purge(again).await })).await;
    assert!(refused.is_err(), "there is no key to destroy any more");
    assert_eq!(store.sweep().await?, 2);
    let mut conn = store.read().await?;
    assert!(predictions::stored_day(&mut conn, version, PLACE, 20_000).await?.is_none());
    assert!(predictions::stored_day(&mut conn, version, PLACE, 20_001).await?.is_some());
    drop(conn);
    store.publish().await?;
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{:?}", findings.found);
    let findings = store.rebuild_check().await?;
    assert!(findings.is_clean(), "{:?}", findings.found);
    Ok(())
}

async fn labels_are_work_until_they_were_read_and_their_days_until_they_were_judged(
    bed: Bed,
) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let ids = ids(&bed)?;
    let first = block(&bed, &store, &ids, RecordKind::Prediction, 20_000).await?;
    set_baseline(&store, &ids).await?;
    judge(&store, &ids, 20_000, first, None).await?;
    let label = block(&bed, &store, &ids, RecordKind::Label, 20_001).await?;
    let days = (20_001, 20_001);
    let mut conn = store.read().await?;
    let blocks = predictions::of_days(&mut conn, ids.version, PLACE, RecordKind::Label, days).await?;
    drop(conn);
    let sealed = blocks[0].clone();
    let id = sealed.id.0;
    store
        .write::<(), StoreError, _>(move |tx| {
            Box::pin(async move { labels::put_unread(tx.conn(), id).await })
        })
        .await?;
    let mut conn = store.read().await?;
    let unread = labels::unread(&mut conn, 10).await?;
    assert_eq!(unread.iter().map(|row| row.idx as u64).collect::<Vec<_>>(), [label]);
    assert!(labels::days(&mut conn, 10).await?.is_empty());
    drop(conn);
    store
        .write::<(), StoreError, _>(move |tx| {
            Box::pin(async move { labels::read(tx.conn(), &sealed, [20_000, 20_005]).await })
        })
        .await?;
    let mut conn = store.read().await?;
    assert!(labels::unread(&mut conn, 10).await?.is_empty());
    let due = labels::days(&mut conn, 10).await?;
    assert_eq!(due.iter().map(|row| row.day).collect::<Vec<_>>(), [20_000], "the other was never judged");
    drop(conn);
    assert_eq!(labels::of_day(&mut store.read().await?, ids.version, PLACE, 20_000).await? as u64, label);
    judge(&store, &ids, 20_000, label - 1, None).await?;
    assert_eq!(labels::days(&mut store.read().await?, 10).await?.len(), 1, "it did not know the label");
    judge(&store, &ids, 20_000, label, None).await?;
    let mut conn = store.read().await?;
    assert!(labels::days(&mut conn, 10).await?.is_empty());
    assert_eq!(labels::through(&mut conn, ids.version).await? as u64, label);
    drop(conn);
    let later = block(&bed, &store, &ids, RecordKind::Label, 20_001).await?;
    let mut conn = store.read().await?;
    let id = predictions::newest(&mut conn, 1).await?.remove(0).id.0;
    drop(conn);
    store
        .write::<(), StoreError, _>(move |tx| {
            Box::pin(async move { labels::put_unread(tx.conn(), id).await })
        })
        .await?;
    let through = labels::through(&mut store.read().await?, ids.version).await?;
    assert_eq!(through as u64, later - 1, "what was not read does not count yet");
    Ok(())
}

async fn a_summary_takes_the_place_of_the_one_before_and_goes_with_its_day(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let ids = ids(&bed)?;
    block(&bed, &store, &ids, RecordKind::Prediction, 20_000).await?;
    let id = predictions::newest(&mut store.read().await?, 1).await?.remove(0).id.0;
    let summary = |labels: i64| -> anyhow::Result<SummaryRow> {
        Ok(SummaryRow { labels, upload: Text(UploadId::new(bed.clock.now(), keys::random()?)), bytes: 4 })
    };
    let (first, second) = (summary(-1)?, summary(7)?);
    for row in [first.clone(), second.clone()] {
        store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move { summaries::put(tx, id, "baseline/x", &row).await })
            })
            .await?;
    }
    let found = summaries::find(&mut store.read().await?, id, "baseline/x").await?;
    assert_eq!(found, Some(second));
    assert_eq!(store.sweep().await?, 1, "the bytes of the first");
    let purged = PurgedDay { version: ids.version, environment: PLACE, day: 20_000, blocks: 1 };
    let event = Event::DataPurged {
        class: RetentionClass::Records,
        artifact: None,
        entries: Vec::new(),
        day: Some(purged),
        age_days: 1,
        rules: Vec::new(),
    };
    let draft = Draft::new("system", event);
    store.write(move |tx| Box::pin(async move { tx.purge(draft).await })).await?;
    assert_eq!(summaries::find(&mut store.read().await?, id, "baseline/x").await?, None);
    assert_eq!(store.sweep().await?, 2, "the block and its summary");
    Ok(())
}
