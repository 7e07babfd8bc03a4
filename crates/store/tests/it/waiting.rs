//! What waits for people, and who sends for a channel.

use crate::support::{Bed, on_both};
use crate::world;
use comptroller_core::ids::{DecisionId, EmergencyId, SystemId, VersionId};
use comptroller_core::vocab::ReminderKind;
use comptroller_core::{Clock as _, Environment, Event, Timestamp};
use comptroller_store::areas::{deliveries, reminders, standing};
use comptroller_store::{Conn, Draft, Store, StoreError, keys};

on_both!(a_review_waits_until_people_were_reminded_or_made_it, a_channel_has_one_holder_at_a_time);

/// Whether a review of an emergency of the system is overdue.
async fn overdue(conn: &mut Conn, system: SystemId, now: Timestamp) -> Result<i64, StoreError> {
    let version = VersionId::new(now, [9; 10]);
    Ok(standing::of(conn, version, system, Environment::Production, now).await?.reviews_overdue)
}

async fn a_review_waits_until_people_were_reminded_or_made_it(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let world = world::build(&bed, &store, 100).await?;
    let now = bed.clock.now();
    let (emergency, system) = (EmergencyId::new(now, keys::random()?), SystemId::new(now, keys::random()?));
    let decision = DecisionId::new(now, keys::random()?);
    let due = now.plus_seconds(60);
    let record = async |event| store.record(Draft::new("system", event)).await;
    record(Event::EmergencyOpened {
        emergency,
        system,
        version: VersionId::new(now, keys::random()?),
        environment: Environment::Production,
        ticket: "INC-1".parse()?,
        decision,
        expires_at: due,
    })
    .await?;
    let confirmed_by = world.person;
    record(Event::EmergencyConfirmed { emergency, confirmed_by, decision, review_due_at: due }).await?;

    let (kind, later) = (ReminderKind::ReviewDue, now.plus_seconds(120));
    let mut conn = store.read().await?;
    let waiting = reminders::unreviewed_emergencies(&mut conn, kind, now, later, 10).await?;
    assert_eq!(waiting.iter().map(|(id, of)| (id.0, of.0)).collect::<Vec<_>>(), [(emergency, system)]);
    assert_eq!(overdue(&mut conn, system, now).await?, 0);
    assert_eq!(overdue(&mut conn, system, later).await?, 1);
    // Everything else in this world is decided, used or over; the questions are understood all the same.
    let approvals =
        reminders::waiting_approvals(&mut conn, ReminderKind::ApprovalWaiting, later, now, 10).await?;
    assert!(approvals.is_empty());
    let waivers =
        reminders::ending_waivers(&mut conn, ReminderKind::WaiverThreeDays, now, later, 1, 10).await?;
    assert!(waivers.is_empty());
    drop(conn);

    let subject = format!("emergency/{emergency}");
    record(Event::ReminderRaised { kind, subject: subject.clone(), system: Some(system) }).await?;
    let mut conn = store.read().await?;
    assert!(reminders::raised(&mut conn, &subject, kind).await?);
    assert!(!reminders::raised(&mut conn, &subject, ReminderKind::ReviewOverdue).await?);
    assert!(reminders::unreviewed_emergencies(&mut conn, kind, now, later, 10).await?.is_empty());
    drop(conn);
    record(Event::EmergencyReviewed { emergency, reviewer: world.person, justified: true, decision }).await?;
    let mut conn = store.read().await?;
    assert_eq!(overdue(&mut conn, system, later).await?, 0);
    Ok(())
}

async fn a_channel_has_one_holder_at_a_time(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let now = bed.clock.now();
    let until = now.plus_seconds(60);
    let held = move |store: Store, holder: &'static str, at| async move {
        store
            .write::<bool, StoreError, _>(move |tx| {
                Box::pin(async move {
                    deliveries::hold(tx.conn(), "hook", holder, at, until.plus_seconds(60)).await
                })
            })
            .await
    };
    let next = |store: Store, holder: &'static str, next, failing| async move {
        store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move { deliveries::advance(tx.conn(), "hook", holder, next, failing).await })
            })
            .await
    };
    assert!(!held(store.clone(), "one", now).await?, "a channel that has not begun has no holder");
    for begin in [5, 9] {
        store
            .write::<(), StoreError, _>(move |tx| {
                Box::pin(async move { deliveries::begin(tx.conn(), "hook", begin).await })
            })
            .await?;
    }
    assert!(held(store.clone(), "one", now).await?);
    assert!(held(store.clone(), "one", now).await?, "its own hold is no obstacle");
    assert!(!held(store.clone(), "two", until).await?);
    next(store.clone(), "two", 99, None).await?;
    let row = deliveries::delivery(&mut store.read().await?, "hook").await?.expect("it began");
    assert_eq!(row.next_idx, 5, "only the holder moves it, and it begins once");
    assert!(held(store.clone(), "two", until.plus_seconds(60)).await?, "a hold ends by itself");
    next(store.clone(), "one", 6, None).await?;
    next(store.clone(), "two", 7, Some(3)).await?;
    let row = deliveries::delivery(&mut store.read().await?, "hook").await?.expect("it began");
    assert_eq!((row.next_idx, row.failing_since), (7, Some(3)));
    Ok(())
}
