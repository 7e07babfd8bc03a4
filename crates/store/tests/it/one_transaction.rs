//! INVARIANT (one-transaction): no event without its change, no change without its event, whatever fails where; and
//! one failing request harms no other request of its batch.

use crate::support::{Bed, Kind, account, add_account, execute, on_both, team};
use comptroller_core::Clock;
use comptroller_core::ids::PrincipalId;
use comptroller_store::areas::{people, uploads};
use comptroller_store::{Store, StoreError, Tx, journal, keys};
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;

on_both!(
    one_transaction_holds_when_a_use_case_fails,
    one_transaction_holds_when_events_are_recorded_together,
    one_transaction_holds_when_the_commit_fails,
    a_thousand_writers_get_dense_indexes,
    an_idempotency_key_is_taken_once,
    a_clock_that_went_back_is_refused,
);

/// What one request does in the shared batch.
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<u64, StoreError>> + Send>;

fn good(slug: &'static str) -> Work {
    Box::new(move |tx| {
        Box::pin(async move {
            let (_, draft) = account(tx.now(), slug).expect("a valid name");
            tx.record(draft).await
        })
    })
}

/// Runs all of `works` in one batch.
async fn in_one_batch(store: &Store, works: Vec<Work>) -> Vec<Result<u64, StoreError>> {
    let queued = works.into_iter().map(|work| {
        let store = store.clone();
        async move { store.write(work).await }
    });
    at_once(store, queued.collect()).await
}

/// Lets all of `requests` get into one batch: they queue while an earlier request holds the writer.
async fn at_once<R>(store: &Store, requests: Vec<R>) -> Vec<Result<u64, StoreError>>
where
    R: Future<Output = Result<u64, StoreError>> + Send + 'static,
{
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let holder = store.clone();
    let holding = tokio::spawn(async move {
        holder
            .write(move |_| {
                Box::pin(async move {
                    let _ = released.await;
                    Ok::<(), StoreError>(())
                })
            })
            .await
    });
    // The holder must be in its batch before the others queue.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let waiting: Vec<_> = requests.into_iter().map(tokio::spawn).collect();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    release.send(()).expect("the holder waits");
    holding.await.expect("no panic").expect("an empty request");
    let mut outcomes = Vec::new();
    for outcome in waiting {
        outcomes.push(outcome.await.expect("the caller does not panic"));
    }
    outcomes
}

async fn size(store: &Store) -> anyhow::Result<i64> {
    Ok(journal::head(&mut store.read().await?).await?.map_or(0, |head| head.size))
}

async fn clean(store: &Store) -> anyhow::Result<()> {
    let findings = store.doctor(false).await?;
    anyhow::ensure!(!findings.is_damaged(), "{findings:#?}");
    let findings = store.rebuild_check().await?;
    anyhow::ensure!(findings.is_clean(), "{findings:#?}");
    Ok(())
}

async fn one_transaction_holds_when_a_use_case_fails(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "taken").await?;
    let before = size(&store).await?;
    let failing_late: Work = Box::new(|tx| {
        Box::pin(async move {
            let (_, draft) = account(tx.now(), "late").expect("a valid name");
            tx.record(draft).await?;
            Err(StoreError::Conflict("the use case changed its mind; this"))
        })
    });
    let failing_projection: Work = Box::new(|tx| {
        Box::pin(async move {
            tx.record(team(tx.now(), "orphan-1").expect("a valid name")).await?;
            let (_, draft) = account(tx.now(), "taken").expect("a valid name");
            tx.record(draft).await
        })
    });
    let swallowing: Work = Box::new(|tx| {
        Box::pin(async move {
            tx.record(team(tx.now(), "orphan-2").expect("a valid name")).await?;
            let (_, draft) = account(tx.now(), "taken").expect("a valid name");
            tx.record(draft).await?;
            let read = people::principal(tx.conn(), "taken").await;
            assert!(read.is_err(), "a read first sends what was recorded before it: {read:?}");
            Ok(99)
        })
    });
    let panicking: Work = Box::new(|tx| {
        Box::pin(async move {
            tx.record(team(tx.now(), "orphan-3").expect("a valid name")).await?;
            panic!("a use case panics, as planned by this test")
        })
    });
    let too_large: Work = Box::new(|tx| {
        Box::pin(async move {
            let mut draft = team(tx.now(), "orphan-4").expect("a valid name");
            draft.subjects = vec!["x".repeat(600)];
            tx.record(draft).await
        })
    });
    let swallowing_a_record: Work = Box::new(|tx| {
        Box::pin(async move {
            let mut draft = team(tx.now(), "orphan-5").expect("a valid name");
            draft.subjects = vec!["x".repeat(600)];
            assert!(tx.record(draft).await.is_err());
            Ok(99)
        })
    });
    let seeing_itself: Work = Box::new(|tx| {
        Box::pin(async move {
            let (principal, draft) = account(tx.now(), "seen").expect("a valid name");
            let index = tx.record(draft).await?;
            let row = people::principal(tx.conn(), "seen").await?.expect("a request sees what it recorded");
            assert_eq!(row.id.0, principal);
            Ok(index)
        })
    });
    let works = vec![
        good("one"),
        failing_late,
        good("two"),
        failing_projection,
        good("three"),
        swallowing,
        good("four"),
        panicking,
        good("five"),
        too_large,
        good("six"),
        swallowing_a_record,
        seeing_itself,
    ];
    let outcomes = in_one_batch(&store, works).await;
    let mut indexes: Vec<i64> =
        outcomes.iter().step_by(2).map(|o| *o.as_ref().expect("a good request") as i64).collect();
    indexes.sort_unstable(); // The requests queue in any order.
    assert_eq!(indexes, (before..before + 7).collect::<Vec<_>>(), "dense, without the failed ones");
    assert!(matches!(outcomes[1], Err(StoreError::Conflict(_))), "{:?}", outcomes[1]);
    assert!(outcomes[3].as_ref().is_err_and(StoreError::is_unique_violation), "{:?}", outcomes[3]);
    assert!(matches!(outcomes[5], Err(StoreError::Entry(_))), "{:?}", outcomes[5]);
    assert!(matches!(outcomes[7], Err(StoreError::Stopped)), "{:?}", outcomes[7]);
    assert!(matches!(outcomes[9], Err(StoreError::Entry(_))), "{:?}", outcomes[9]);
    assert!(matches!(outcomes[11], Err(StoreError::Entry(_))), "{:?}", outcomes[11]);
    assert_eq!(size(&store).await?, before + 7);
    assert_eq!(
        bed.number("SELECT CAST(COUNT(*) AS BIGINT) FROM team").await?,
        0,
        "no change without its event"
    );
    clean(&store).await
}

async fn one_transaction_holds_when_events_are_recorded_together(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "taken").await?;
    let before = size(&store).await?;
    let now = store.clock().now();
    let mut too_large = team(now, "orphan")?;
    too_large.subjects = vec!["x".repeat(600)];
    let mut drafts = vec![account(now, "taken")?.1, too_large];
    for number in 0..40 {
        drafts.push(account(now, &format!("account-{number}"))?.1);
    }
    let requests = drafts.into_iter().map(|draft| {
        let store = store.clone();
        async move { store.record(draft).await }
    });
    let outcomes = at_once(&store, requests.collect()).await;
    assert!(outcomes[0].as_ref().is_err_and(StoreError::is_unique_violation), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[1], Err(StoreError::Entry(_))), "{:?}", outcomes[1]);
    let mut indexes: Vec<i64> =
        outcomes[2..].iter().map(|o| *o.as_ref().expect("a good event") as i64).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (before..before + 40).collect::<Vec<_>>(), "dense, without the failed ones");

    // Without one at fault they stay together, and each caller gets the index of its own event.
    let mut requests = Vec::new();
    let mut principals = Vec::new();
    for number in 40..80 {
        let (principal, draft) = account(now, &format!("account-{number}"))?;
        principals.push(principal);
        let store = store.clone();
        requests.push(async move { store.record(draft).await });
    }
    for (principal, index) in principals.iter().zip(at_once(&store, requests).await) {
        let index = index? as i64;
        let entries = journal::entries(&mut store.read().await?, index, index + 1).await?;
        assert!(entries[0].entry.contains(&principal.to_string()), "{}", entries[0].entry);
    }
    clean(&store).await
}

async fn one_transaction_holds_when_the_commit_fails(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "before").await?;
    let before = size(&store).await?;
    // A constraint that is checked at COMMIT lets exactly that step fail, on both databases.
    bed.sql("CREATE TABLE test_parent (id BIGINT PRIMARY KEY)").await?;
    bed.sql(
        "CREATE TABLE test_child (id BIGINT PRIMARY KEY, parent BIGINT NOT NULL \
         REFERENCES test_parent (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .await?;
    let poison: Work = Box::new(|tx| {
        Box::pin(async move {
            tx.record(team(tx.now(), "poisoned").expect("a valid name")).await?;
            execute(tx.conn(), "INSERT INTO test_child (id, parent) VALUES (1, 1)").await?;
            Ok(0)
        })
    });
    let outcomes = in_one_batch(&store, vec![good("one"), poison, good("two")]).await;
    assert!(outcomes.iter().all(Result::is_err), "nobody is told that it was written: {outcomes:?}");
    assert_eq!(size(&store).await?, before);
    assert_eq!(bed.number("SELECT CAST(COUNT(*) AS BIGINT) FROM team").await?, 0);
    // The next batch works: a failed COMMIT leaves no open transaction behind.
    assert_eq!(add_account(&store, "after").await? as i64, before);
    clean(&store).await
}

async fn a_thousand_writers_get_dense_indexes(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let writers: Vec<_> = (0..1_000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { add_account(&store, &format!("robot-{n}")).await })
        })
        .collect();
    let mut indexes = BTreeSet::new();
    for writer in writers {
        indexes.insert(writer.await??);
    }
    assert_eq!(indexes, (1..=1_000).collect(), "no index lost or doubled");
    assert_eq!(size(&store).await?, 1_001);
    clean(&store).await
}

async fn an_idempotency_key_is_taken_once(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let who = PrincipalId::new(bed.clock.now(), keys::random()?);
    let act = |slug: &'static str| -> Work {
        Box::new(move |tx| {
            Box::pin(async move {
                let (_, draft) = account(tx.now(), slug).expect("a valid name");
                let idx = tx.record(draft).await?;
                let now = tx.now();
                uploads::remember(tx.conn(), who, "key", &"0".repeat(64), &idx.to_string(), now).await?;
                Ok(idx)
            })
        })
    };
    // Two requests with one key in one batch: the second is undone whole.
    let outcomes = in_one_batch(&store, vec![act("first"), act("second")]).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!(matches!(lost.as_slice(), [Err(error)] if error.is_unique_violation()), "{lost:?}");
    let Some(Ok(idx)) = won.first() else { anyhow::bail!("nobody won") };
    let mut conn = store.read().await?;
    let answer = uploads::remembered(&mut conn, who, "key").await?;
    assert_eq!(answer, Some(("0".repeat(64), idx.to_string())));
    assert!(people::org(&mut conn).await?.is_some());
    assert_eq!(size(&store).await?, 2);
    drop(conn);
    clean(&store).await
}

async fn a_clock_that_went_back_is_refused(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "before").await?;
    store.publish().await?;
    add_account(&store, "unsigned").await?;
    let before = size(&store).await?;
    bed.clock.shift_seconds(-60);
    let refused = add_account(&store, "back").await;
    assert!(matches!(refused, Err(StoreError::ClockWentBack { seconds: 59..=60 })), "{refused:?}");
    let refused = store.publish().await;
    assert!(matches!(refused, Err(StoreError::ClockWentBack { .. })), "{refused:?}");
    assert_eq!(size(&store).await?, before, "nothing was written");
    assert_eq!(bed.number("SELECT CAST(COUNT(*) AS BIGINT) FROM checkpoint").await?, 1, "nothing was signed");
    bed.clock.shift_seconds(60);
    assert_eq!(add_account(&store, "again").await? as i64, before);
    assert!(!store.is_read_only());
    // A step within the slack of a disciplined clock is smoothed out, not refused.
    bed.clock.shift_seconds(-2);
    add_account(&store, "smoothed").await?;
    assert_eq!(bed.kind == Kind::Postgres, store.database_kind() == "postgresql");
    clean(&store).await
}
