//! Copying a store to the other database: the same rows, the same root, and it goes on from there.

use crate::support::{Bed, add_account, config, on_both};
use crate::world;
use comptroller_store::{Store, StoreError};

on_both!(a_copy_is_the_same_log_on_the_other_database, a_copy_is_refused_without_the_keys);

async fn a_copy_is_the_same_log_on_the_other_database(bed: Bed) -> anyhow::Result<()> {
    let Some(other) = bed.other().await? else { return Ok(()) };
    let store = bed.open().await?;
    let world = world::build(&bed, &store, 700).await?;
    let mut target = config(other.dir.path(), other.config.db.clone());
    target.keys.clone_from(&bed.config.keys);
    target.guard.clone_from(&bed.config.guard);
    let copied = store.copy_to(&target).await?;
    assert_eq!(copied.size, 700);
    assert!(copied.objects >= 6, "2 tiles, 2 bundles, a head and a part: {copied:?}");
    assert!(copied.tables.iter().all(|(name, rows)| *rows > 0 || is_unused(name)), "{copied:?}");

    let again = store.copy_to(&target).await;
    assert!(matches!(&again, Err(StoreError::Config(what)) if what.contains("not empty")), "{again:?}");
    store.close().await;
    drop(store);

    let moved = Store::open(&target, other.clock.clone()).await?;
    assert!(!moved.is_read_only());
    let findings = moved.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    assert!(moved.rebuild_check().await?.is_clean());
    assert!(moved.data_key(&format!("person/{}", world.person)).await?.is_some());
    assert_eq!(add_account(&moved, "after-the-move").await?, 700);
    assert_eq!(moved.publish().await?.expect("a head").size, 701);
    Ok(())
}

/// Tables that the test's store leaves empty.
fn is_unused(name: &str) -> bool {
    [
        "factor_attempt",
        "factor_begun",
        "session_seen",
        "workload_seen",
        "upload",
        "upload_part",
        "unswept",
        "labelled_day",
        "block_summary",
    ]
    .contains(&name)
}

async fn a_copy_is_refused_without_the_keys(bed: Bed) -> anyhow::Result<()> {
    let Some(other) = bed.other().await? else { return Ok(()) };
    let store = bed.open().await?;
    let target = config(other.dir.path(), other.config.db.clone());
    assert!(store.copy_to(&target).await.is_err(), "no keys there");
    std::fs::create_dir_all(&target.keys)?;
    std::fs::copy(bed.config.keys.join("org.key"), target.keys.join("org.key"))?;
    let refused = store.copy_to(&target).await;
    assert!(matches!(&refused, Err(StoreError::Key(what)) if what.contains("log.key")), "{refused:?}");
    assert!(!target.keys.join("log.key").exists(), "no key is made by the way");
    std::fs::copy(bed.config.keys.join("log.key"), target.keys.join("log.key"))?;
    assert_eq!(store.copy_to(&target).await?.size, 1);
    Ok(())
}
