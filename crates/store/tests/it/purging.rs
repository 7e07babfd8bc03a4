//! Purging: keys and record in one transaction, bytes afterwards, whatever breaks off in between.

use crate::support::{Bed, on_both};
use anyhow::Context as _;
use bytes::Bytes;
use comptroller_core::event::PurgedArtifact;
use comptroller_core::ids::{UploadId, WaiverId};
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Clock as _, Digest, Event};
use comptroller_store::artifacts::{encrypt_part, store_part};
use comptroller_store::journal::{self, Opened};
use comptroller_store::{Draft, Store, StoreError, keys};
use futures_util::TryStreamExt as _;

on_both!(
    a_purge_that_was_broken_off_is_finished_by_the_next_one,
    a_purge_that_fails_destroys_nothing,
    what_was_purged_can_be_stored_again,
    a_blank_that_no_purge_explains_is_found,
);

const CONTENT: &[u8] = b"a data set about people";

/// A stored file and a note, each under its own key.
struct Kept {
    artifact: PurgedArtifact,
    note: u64,
}

async fn keep(bed: &Bed, store: &Store) -> anyhow::Result<Kept> {
    let upload = upload(bed, store).await?;
    let digest: Digest = comptroller_ledger::digest(CONTENT).to_string().parse()?;
    let artifact = PurgedArtifact { digest, upload, bytes: CONTENT.len() as u64 };
    store.record(stored(&artifact)?).await?;
    let event = Event::WaiverEnded { waiver: WaiverId::new(bed.clock.now(), keys::random()?) };
    let note = Draft::new("system", event).private("reason", &serde_json::json!({ "text": "why" }))?;
    Ok(Kept { artifact, note: store.record(note).await? })
}

async fn upload(bed: &Bed, store: &Store) -> anyhow::Result<UploadId> {
    let upload = UploadId::new(bed.clock.now(), keys::random()?);
    let subject = format!("artifact/{upload}");
    let key = store.write(move |tx| Box::pin(async move { tx.data_key(&subject).await })).await?;
    let sealed = encrypt_part(&key, upload, 1, Bytes::from_static(CONTENT)).await?;
    store_part(store.objects(), &key, upload, sealed).await?;
    Ok(upload)
}

fn stored(artifact: &PurgedArtifact) -> anyhow::Result<Draft> {
    let event = Event::ArtifactStored {
        upload: artifact.upload,
        digest: artifact.digest.clone(),
        bytes: artifact.bytes,
        media_type: "text/csv".parse()?,
        parts: 1,
    };
    Ok(Draft::new("system", event))
}

fn purged(kept: &Kept) -> Draft {
    let event = Event::DataPurged {
        class: RetentionClass::DatasetFile,
        artifact: Some(kept.artifact.clone()),
        entries: vec![kept.note],
        day: None,
        age_days: 31,
        rules: Vec::new(),
    };
    Draft::new("system", event)
}

async fn purge(store: &Store, draft: Draft) -> Result<u64, StoreError> {
    store.write(move |tx| Box::pin(async move { tx.purge(draft).await })).await
}

async fn objects(store: &Store) -> anyhow::Result<usize> {
    let found: Vec<_> = store.objects().list("artifacts")?.try_collect().await?;
    Ok(found.len())
}

async fn is_readable(store: &Store, note: u64) -> anyhow::Result<bool> {
    let opened = journal::payload(&mut store.read().await?, store.key(), i64::try_from(note)?).await?;
    Ok(matches!(opened, Opened::Readable { .. }))
}

/// INVARIANT (purge-is-recorded): a process that ends between the record and the bytes leaves noise and a list.
async fn a_purge_that_was_broken_off_is_finished_by_the_next_one(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let kept = keep(&bed, &store).await?;
    assert!(is_readable(&store, kept.note).await?);
    let index = purge(&store, purged(&kept)).await?;
    // Here it dies.
    store.close().await;
    drop(store);

    let store = bed.open().await?;
    assert_eq!(objects(&store).await?, 1);
    assert!(!is_readable(&store, kept.note).await?);
    assert!(store.data_key(&format!("artifact/{}", kept.artifact.upload)).await?.is_none());
    store.publish().await?.context("a head")?;
    let findings = store.doctor(true).await?;
    assert!(!findings.is_damaged(), "{findings:#?}");
    assert_eq!(findings.found.len(), 1, "the bytes that are left: {findings:#?}");
    assert!(findings.found[0].what.contains("objects of upload"), "{findings:#?}");

    assert_eq!(store.sweep().await?, 1);
    assert_eq!(objects(&store).await?, 0);
    assert_eq!(store.sweep().await?, 0, "nothing is left to do");
    assert!(store.doctor(true).await?.is_clean());
    assert!(store.rebuild_check().await?.is_clean());
    assert_eq!(journal::head(&mut store.read().await?).await?.context("a head")?.size, index as i64 + 1);
    Ok(())
}

/// INVARIANT (purge-is-recorded): what fails after the keys leaves the keys; and nothing is purged twice.
async fn a_purge_that_fails_destroys_nothing(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let kept = keep(&bed, &store).await?;
    let draft = purged(&kept);
    let failed = store
        .write(move |tx| {
            Box::pin(async move {
                tx.purge(draft).await?;
                Err::<(), StoreError>(StoreError::Config("the act fails in the end".into()))
            })
        })
        .await;
    assert!(failed.is_err());
    assert!(is_readable(&store, kept.note).await?);
    assert!(store.data_key(&format!("artifact/{}", kept.artifact.upload)).await?.is_some());
    assert_eq!(store.sweep().await?, 0);
    assert_eq!(objects(&store).await?, 1);

    // Another event is none, and a note without a key of its own is none either.
    let other = Draft::new("system", Event::WaiverEnded { waiver: WaiverId::new(bed.clock.now(), [1; 10]) });
    assert!(purge(&store, other).await.is_err());
    let wrong = Kept { artifact: kept.artifact.clone(), note: 0 };
    assert!(purge(&store, purged(&wrong)).await.is_err());
    assert!(store.data_key(&format!("artifact/{}", kept.artifact.upload)).await?.is_some(), "both or none");
    purge(&store, purged(&kept)).await?;
    assert!(purge(&store, purged(&kept)).await.is_err(), "twice");
    store.sweep().await?;
    store.publish().await?;
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    Ok(())
}

async fn what_was_purged_can_be_stored_again(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let kept = keep(&bed, &store).await?;
    purge(&store, purged(&kept)).await?;
    let again = PurgedArtifact { upload: upload(&bed, &store).await?, ..kept.artifact };
    store.record(stored(&again)?).await?;
    store.sweep().await?;
    assert_eq!(objects(&store).await?, 1, "only the old bytes went");
    store.publish().await?;
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    assert!(store.rebuild_check().await?.is_clean());
    Ok(())
}

async fn a_blank_that_no_purge_explains_is_found(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let kept = keep(&bed, &store).await?;
    store.publish().await?;
    bed.sql(&format!("UPDATE payload SET ciphertext = '', key_id = 'purged' WHERE idx = {}", kept.note))
        .await?;
    let findings = store.doctor(false).await?;
    assert!(findings.found.iter().any(|f| f.what.contains("no event purged it")), "{findings:#?}");
    Ok(())
}
