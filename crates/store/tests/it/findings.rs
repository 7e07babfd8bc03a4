//! What is asked of findings and of watches over decisions, on both databases.

use crate::support::{Bed, on_both};
use comptroller_core::ids::{
    BlockId, DecisionId, FairnessMonitorId, PrincipalId, RemediationId, SystemId, VersionId,
};
use comptroller_core::vocab::{FairnessState, RecordKind, RemediationCause, RemediationEnd, ReminderKind};
use comptroller_core::{Clock as _, Digest, Environment, Event, Timestamp};
use comptroller_store::areas::{fairness, labels, predictions, remediations, standing};
use comptroller_store::{Conn, Draft, StoreError, keys};
use std::collections::BTreeMap;

on_both!(a_finding_is_open_stalls_and_ends, a_watch_goes_on_from_its_last_judgement);

/// Remediations of a system that are open, and those of them that stall.
async fn open_of(conn: &mut Conn, system: SystemId, now: Timestamp) -> Result<(i64, i64), StoreError> {
    let version = VersionId::new(now, [9; 10]);
    let found = standing::of(conn, version, system, Environment::Production, now).await?;
    Ok((found.open_remediations, found.stalled_remediations))
}

async fn a_finding_is_open_stalls_and_ends(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let now = bed.clock.now();
    let (id, system) = (RemediationId::new(now, keys::random()?), SystemId::new(now, keys::random()?));
    let (version, decision) = (VersionId::new(now, keys::random()?), DecisionId::new(now, keys::random()?));
    let record = async |event| store.record(Draft::new("system", event)).await;
    let cause = RemediationCause::ByHand;
    record(Event::RemediationOpened { remediation: id, system, version, cause, evidence: None }).await?;
    let later = now.plus_seconds(3_600);
    let mut conn = store.read().await?;
    assert_eq!(open_of(&mut conn, system, now).await?, (1, 1), "without a plan");
    let open = remediations::open_with_cause(&mut conn, version, cause).await?;
    assert_eq!(open.map(|id| id.0), Some(id));
    assert!(remediations::open_with_cause(&mut conn, version, RemediationCause::BiasTest).await?.is_none());
    assert_eq!(remediations::unplanned(&mut conn, later, 10).await?.len(), 1);
    assert!(remediations::overdue(&mut conn, later, 10).await?.is_empty());
    drop(conn);

    let owner = PrincipalId::new(now, keys::random()?);
    record(Event::RemediationPlanned { remediation: id, system, owner, due_at: later, decision }).await?;
    let mut conn = store.read().await?;
    assert_eq!(open_of(&mut conn, system, now).await?, (1, 0));
    assert_eq!(open_of(&mut conn, system, later).await?, (1, 1), "its time has passed");
    assert!(remediations::unplanned(&mut conn, later, 10).await?.is_empty());
    assert_eq!(remediations::overdue(&mut conn, later, 10).await?.len(), 1);
    drop(conn);
    let (kind, subject) = (ReminderKind::RemediationOverdue, format!("remediation/{id}"));
    record(Event::ReminderRaised { kind, subject, system: Some(system) }).await?;
    assert!(remediations::overdue(&mut store.read().await?, later, 10).await?.is_empty(), "once");

    let end = RemediationEnd::Accepted;
    record(Event::RemediationClosed { remediation: id, system, end, evidence: None, decision }).await?;
    let mut conn = store.read().await?;
    assert_eq!(open_of(&mut conn, system, later).await?, (0, 0));
    let all = remediations::remediations(&mut conn, &system.to_string(), "", 10).await?;
    assert_eq!((all.len(), all[0].owner.as_ref().map(|one| one.0)), (1, Some(owner)));
    Ok(())
}

async fn a_watch_goes_on_from_its_last_judgement(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let now = bed.clock.now();
    let (system, version) = (SystemId::new(now, keys::random()?), VersionId::new(now, keys::random()?));
    let decision = DecisionId::new(now, keys::random()?);
    let record = async |event| store.record(Draft::new("system", event)).await;
    let digest = Digest::from_bytes([7; 32]);
    let environment = Environment::Production;
    let sealed = |day, block| Event::PredictionsSealed {
        block,
        records: RecordKind::Prediction,
        system,
        version,
        environment,
        day,
        rows: 10,
        root: digest.clone(),
        digest: digest.clone(),
        bytes: 1,
        filter_bytes: 1,
        first_at: now,
        last_at: now,
    };
    let first = record(sealed(100, BlockId::new(now, keys::random()?))).await?;
    assert!(fairness::unjudged(&mut store.read().await?, 10).await?.is_empty(), "nothing is watched");
    let mut monitors = Vec::new();
    for _ in 0..2 {
        let monitor = FairnessMonitorId::new(now, keys::random()?);
        let criteria = BTreeMap::from([("impact_ratio".parse()?, 800_000)]);
        let event =
            Event::FairnessWatchSet { monitor, system, version, criteria, alpha_ppm: 50_000, decision };
        record(event).await?;
        monitors.push(monitor);
    }
    let monitor = monitors[1];
    let judged = |day, monitor, through| Event::FairnessJudged {
        system,
        version,
        environment,
        day,
        monitor,
        rows: 10,
        labelled: 0,
        state: FairnessState::NoFinding,
        p_ppm: 900_000,
        through,
        labels_through: 3,
        alarms: false,
    };
    let mut conn = store.read().await?;
    assert_eq!(fairness::of_version(&mut conn, version).await?.map(|row| row.id.0), Some(monitor));
    assert_eq!(fairness::unjudged(&mut conn, 10).await?.len(), 1);
    drop(conn);
    let second = record(sealed(101, BlockId::new(now, keys::random()?))).await?;
    record(judged(101, monitor, second)).await?;
    let last = record(judged(100, monitor, first)).await?;
    let mut conn = store.read().await?;
    assert!(fairness::unjudged(&mut conn, 10).await?.is_empty());
    let latest = fairness::latest(&mut conn, monitor, environment).await?;
    assert_eq!(
        latest.map(|row| (row.day, row.idx.unsigned_abs())),
        Some((100, last)),
        "by the log, not by the day"
    );
    let days = fairness::days(&mut conn, monitor, environment, 10).await?;
    assert_eq!(days.iter().map(|row| row.day).collect::<Vec<_>>(), [101, 100]);
    assert!(fairness::latest(&mut conn, monitors[0], environment).await?.is_none());
    assert!(fairness::window(&mut conn, version, Environment::Staging, 100).await?.is_none());
    // A block that stands behind what the judgements know speaks of one of the days, and of one that nobody judged.
    assert!(labels::days_of_decisions(&mut conn, 10).await?.is_empty());
    let block = predictions::newest(&mut conn, 1).await?.remove(0);
    drop(conn);
    store
        .write::<(), StoreError, _>(move |tx| {
            Box::pin(async move { labels::read(tx.conn(), &block, [100, 102]).await })
        })
        .await?;
    let mut conn = store.read().await?;
    let due = labels::days_of_decisions(&mut conn, 10).await?;
    assert_eq!(due.iter().map(|row| row.day).collect::<Vec<_>>(), [100]);
    assert!(labels::days(&mut conn, 10).await?.is_empty(), "no drift is watched here");
    Ok(())
}
