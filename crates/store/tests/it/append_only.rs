//! INVARIANT (append-only): the log never signs two inconsistent heads, whoever restores, edits or crashes.

use crate::support::{Bed, Kind, add_account, on_both};
use comptroller_store::objects::{Fault, FaultPlan};
use comptroller_store::{Store, StoreError, journal};
use std::sync::Arc;
use std::time::Duration;

on_both!(
    append_only_a_restored_backup_never_signs,
    append_only_an_edited_entry_is_never_signed,
    append_only_an_old_edit_never_reaches_a_tile,
    append_only_two_stores_on_one_database,
    every_publishing_step_may_fail,
    signing_survives_a_failing_database_and_guard,
);

async fn clean(store: &Store) -> anyhow::Result<()> {
    let findings = store.doctor(false).await?;
    anyhow::ensure!(findings.is_clean(), "{findings:#?}");
    let findings = store.rebuild_check().await?;
    anyhow::ensure!(findings.is_clean(), "{findings:#?}");
    Ok(())
}

async fn append_only_a_restored_backup_never_signs(mut bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "old").await?;
    store.publish().await?;
    store.close().await;
    drop(store);
    let backup = bed.back_up().await?;
    let store = bed.open().await?;
    for n in 0..20 {
        add_account(&store, &format!("new-{n}")).await?;
    }
    let newest = store.publish().await?.expect("a head").size;
    store.close().await;
    drop(store);

    let newer = std::mem::replace(&mut bed.config.db, backup);
    for guard in [true, false] {
        if !guard {
            // Without the guard file the published head still tells.
            std::fs::remove_dir_all(bed.dir.path().join("guard"))?;
        }
        let store = bed.open().await?;
        assert!(store.is_read_only());
        let refused = add_account(&store, "fork").await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        assert_eq!(store.publish().await?.expect("the old head").size, 2, "nothing new is signed");
        assert!(newest > 2);
        assert_eq!(journal::head(&mut store.read().await?).await?.expect("a head").size, 2);
        assert!(store.doctor(false).await?.is_damaged(), "the doctor says why");
        store.close().await;
    }
    bed.config.db = newer;
    let store = bed.open().await?;
    assert!(!store.is_read_only());
    add_account(&store, "on").await?;
    store.publish().await?;
    clean(&store).await
}

async fn append_only_an_edited_entry_is_never_signed(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    for n in 0..5 {
        add_account(&store, &format!("robot-{n}")).await?;
    }
    bed.sql("UPDATE journal SET entry = REPLACE(entry, 'robot-3', 'robot-9') WHERE idx = 4").await?;
    let refused = store.publish().await;
    assert!(matches!(&refused, Err(StoreError::Damaged(what)) if what.contains("entry 4")), "{refused:?}");
    assert_eq!(bed.number("SELECT CAST(COUNT(*) AS BIGINT) FROM checkpoint").await?, 0);
    assert!(store.is_read_only(), "damage stops everything");
    let findings = store.doctor(false).await?;
    assert!(findings.found.iter().any(|f| f.place.contains("table journal, idx 4")), "{findings:#?}");
    Ok(())
}

async fn append_only_an_old_edit_never_reaches_a_tile(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    for n in 0..100 {
        add_account(&store, &format!("robot-{n}")).await?;
    }
    store.publish().await?;
    // Signed already, but its tile is not full yet.
    bed.sql("UPDATE journal SET entry = REPLACE(entry, 'robot-3', 'robot-x') WHERE idx = 4").await?;
    for n in 100..300 {
        add_account(&store, &format!("robot-{n}")).await?;
    }
    let refused = store.publish().await;
    assert!(matches!(&refused, Err(StoreError::Damaged(what)) if what.contains("hash")), "{refused:?}");
    assert!(!bed.dir.path().join("objects/log/tile/entries/000").exists());
    assert_eq!(bed.number("SELECT MAX(size) FROM checkpoint").await?, 101);
    Ok(())
}

async fn append_only_two_stores_on_one_database(bed: Bed) -> anyhow::Result<()> {
    let one = bed.open().await?;
    let second = bed.open().await;
    if bed.kind == Kind::Sqlite {
        let refused = second.expect_err("SQLite serves one process").to_string();
        assert!(refused.contains("PostgreSQL"), "{refused}");
        return Ok(());
    }
    let two = second?;
    let tasks: Vec<_> = (0..400)
        .map(|n| {
            let store = if n % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move { add_account(&store, &format!("robot-{n}")).await })
        })
        .collect();
    let publishing: Vec<_> = [one.clone(), two.clone()]
        .into_iter()
        .map(|store| {
            tokio::spawn(async move {
                for _ in 0..20 {
                    store.publish().await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ok::<(), StoreError>(())
            })
        })
        .collect();
    let mut indexes = Vec::new();
    for task in tasks {
        indexes.push(task.await??);
    }
    for task in publishing {
        task.await??;
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (1..=400).collect::<Vec<_>>(), "dense over both");
    let (a, b) = (one.publish().await?.expect("a head"), two.publish().await?.expect("a head"));
    assert_eq!((a.size, &a.root), (401, &b.root), "one log, one head");
    assert!(!one.is_read_only() && !two.is_read_only());
    clean(&two).await
}

/// Each object of a publication x failed and not stored, or stored and reported as failed x once, or an outage.
async fn every_publishing_step_may_fail(bed: Bed) -> anyhow::Result<()> {
    // The start-up probe writes twice; then come tile, bundle and checkpoint.
    const PROBES: u64 = 2;
    let mut next = 0;
    for step in 0..3 {
        for fault in [Fault::BeforeStoring, Fault::AfterStoring] {
            for outage in [false, true] {
                let nth = PROBES + step;
                let plan = FaultPlan::new();
                let plan = if outage { plan.fail_puts_from(nth, fault) } else { plan.fail_put(nth, fault) };
                let store = Store::open_with_faults(&bed.config, bed.clock.clone(), Arc::new(plan)).await?;
                let goal = (next / 256 + 1) * 256 + 10;
                while next < goal {
                    next = add_account(&store, &format!("robot-{next}")).await? + 1;
                }
                let signed = bed.number("SELECT COALESCE(MAX(size), 0) FROM checkpoint").await?;
                let case = format!("step {step}, {fault:?}, outage {outage}");
                match store.publish().await {
                    Ok(Some(head)) => assert!(!outage && head.size as u64 == next, "{case}"),
                    Ok(None) => anyhow::bail!("{case}: no head"),
                    Err(error) => {
                        assert!(outage && matches!(error, StoreError::Objects(_)), "{case}: {error}");
                    }
                }
                if outage && step < 2 {
                    let now = bed.number("SELECT COALESCE(MAX(size), 0) FROM checkpoint").await?;
                    assert_eq!(now, signed, "{case}: nothing is signed before its tiles are stored");
                }
                assert!(!store.is_read_only(), "{case}: an outage is no damage");
                store.close().await;
                drop(store);

                let store = bed.open().await?;
                assert_eq!(store.publish().await?.expect("a head").size as u64, next, "{case}");
                clean(&store).await.map_err(|error| error.context(case))?;
                store.close().await;
            }
        }
    }
    Ok(())
}

async fn signing_survives_a_failing_database_and_guard(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    add_account(&store, "one").await?;
    store.publish().await?;
    add_account(&store, "two").await?;
    // The row of the new head cannot be stored.
    bed.sql("ALTER TABLE checkpoint RENAME COLUMN note TO note_gone").await?;
    assert!(store.publish().await.is_err());
    bed.sql("ALTER TABLE checkpoint RENAME COLUMN note_gone TO note").await?;
    assert_eq!(store.publish().await?.expect("a head").size, 3);

    // Stored, but reported as failed: the guard's mark cannot be raised after the row is there.
    add_account(&store, "three").await?;
    let guard = bed.dir.path().join("guard");
    let aside = bed.dir.path().join("guard-aside");
    std::fs::rename(&guard, &aside)?;
    assert!(store.publish().await.is_err());
    assert_eq!(bed.number("SELECT MAX(size) FROM checkpoint").await?, 4);
    std::fs::rename(&aside, &guard)?;
    assert_eq!(store.publish().await?.expect("the same head").size, 4, "repaired without a new entry");
    clean(&store).await
}
