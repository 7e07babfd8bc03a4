//! Erasing a subject: unreadable on disk, and every proof still holds.

use crate::support::{Bed, Kind, on_both};
use crate::world::{self, SECRET_NAME, SECRET_REFERENCE};
use crate::world_outside::SECRET_WORDS;
use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_core::Event;
use comptroller_core::vocab::ErasureBasis;
use comptroller_ledger::Hash;
use comptroller_ledger::proof::verify_inclusion;
use comptroller_store::areas::access;
use comptroller_store::journal::{self, Opened};
use comptroller_store::{Draft, Store, StoreError};
use std::path::{Path, PathBuf};

on_both!(
    erasure_leaves_no_byte_of_the_subject_on_disk,
    an_erasure_in_the_batch_of_the_record_itself_erases_it,
    a_failed_erasure_erases_nothing,
);

/// Records the erasure of `subject`, as a use case does.
async fn erase(store: &Store, subject: String) -> Result<u64, StoreError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                let payloads = tx.erase_subject(&subject).await?.payloads;
                tx.record(erased(subject, payloads)).await?;
                Ok(payloads)
            })
        })
        .await
}

fn erased(subject: String, payloads: u64) -> Draft {
    let event = Event::SubjectErased {
        subject,
        basis: ErasureBasis::SubjectRequest,
        payloads,
        versions: Vec::new(),
        key_backups_expire_at: None,
    };
    Draft::new("system", event)
}

async fn erasure_leaves_no_byte_of_the_subject_on_disk(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let world = world::build(&bed, &store, 300).await?;
    let subjects = [format!("person/{}", world.person), format!("subject/{}", world.subject)];
    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    let mut stored: Vec<(String, Vec<u8>)> = vec![("identity".into(), "ab".repeat(32).into_bytes())];
    for plain in [SECRET_NAME, SECRET_REFERENCE, SECRET_WORDS] {
        secrets.push((plain.to_owned(), plain.as_bytes().to_vec()));
    }
    for subject in &subjects {
        let key = store.data_key(subject).await?.expect("a key").bytes_for_tests();
        secrets.push((format!("raw key of {subject}"), key.to_vec()));
        secrets.push((format!("hex key of {subject}"), hex::encode(key).into_bytes()));
        secrets.push((format!("base64 key of {subject}"), STANDARD.encode(key).into_bytes()));
        for column in ["wrapped", "ciphertext"] {
            let text = bed
                .text(&format!(
                    "SELECT {column} FROM data_key k JOIN payload p ON p.key_id = k.key_id WHERE k.subject = '{subject}'"
                ))
                .await?;
            stored.push((format!("{column} of {subject}"), text.into_bytes()));
        }
    }
    bed.flush().await?;
    let places = places(&bed).await?;
    if !places.is_empty() {
        assert_eq!(
            found(&places, &secrets)?,
            Vec::<String>::new(),
            "plaintext and open keys are never on disk"
        );
        assert_eq!(found(&places, &stored)?.len(), stored.len(), "the search finds what is there");
    }
    let size_before = journal::head(&mut store.read().await?).await?.expect("a head").size;

    // Of the data subject the reference, and the words of a request with what was done about it.
    for (subject, payloads) in subjects.iter().zip([1, 5]) {
        assert_eq!(erase(&store, subject.clone()).await?, payloads);
    }
    assert!(!store.scrub().await?.is_empty(), "the caveat for the record");
    bed.flush().await?;
    let places = self::places(&bed).await?;
    secrets.extend(stored);
    assert_eq!(found(&places, &secrets)?, Vec::<String>::new(), "nothing is left");

    let mut conn = store.read().await?;
    assert_eq!(access::identity(&mut conn, store.key(), &"ab".repeat(32)).await?, None);
    assert!(matches!(journal::payload(&mut conn, store.key(), 1).await?, Opened::Erased));
    let head = store.publish().await?.expect("a head");
    let root: Hash = head.root.parse()?;
    for row in journal::entries(&mut conn, 0, size_before).await? {
        let proof = journal::inclusion(&mut conn, row.idx as u64, head.size as u64).await?;
        verify_inclusion(&row.leaf_hash.parse()?, row.idx as u64, head.size as u64, &proof, &root)?;
    }
    drop(conn);
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    assert!(store.rebuild_check().await?.is_clean());
    Ok(())
}

/// The files that may hold the subject's bytes; none where the server's folder cannot be reached.
async fn places(bed: &Bed) -> anyhow::Result<Vec<PathBuf>> {
    let mut places = vec![bed.dir.path().to_owned()];
    if bed.kind == Kind::Postgres {
        let Ok(data) = std::env::var("COMPTROLLER_TEST_POSTGRES_DATA") else { return Ok(Vec::new()) };
        let oid = bed
            .number("SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()")
            .await?;
        places.push(Path::new(&data).join("base").join(oid.to_string()));
    }
    Ok(places)
}

/// Which of the texts stand in any file below the places.
fn found(places: &[PathBuf], texts: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<String>> {
    let mut found = std::collections::BTreeSet::new();
    let mut folders = places.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                // The server removes files of its own while we look.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            for (name, text) in texts {
                if bytes.windows(text.len()).any(|window| window == text) {
                    found.insert(name.clone());
                }
            }
        }
    }
    Ok(found.into_iter().collect())
}

async fn an_erasure_in_the_batch_of_the_record_itself_erases_it(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let subject = format!("subject/{}", comptroller_core::ids::SubjectId::new(store.clock().now(), [1; 10]));
    let named = subject.clone();
    let text = serde_json::json!({ "reference": SECRET_REFERENCE });
    let draft = Draft::new(
        "system",
        Event::AccessDenied { action: "a".parse()?, resource: "b".into(), reason: "c".parse()? },
    )
    .private_of("text", Some(subject.clone()), &text)?;
    let payloads = store
        .write(move |tx| {
            Box::pin(async move {
                tx.record(draft).await?;
                let payloads = tx.erase_subject(&named).await?.payloads;
                tx.record(erased(named, payloads)).await?;
                Ok::<u64, StoreError>(payloads)
            })
        })
        .await?;
    assert_eq!(payloads, 1, "staged payloads count");
    assert!(matches!(journal::payload(&mut store.read().await?, store.key(), 1).await?, Opened::Erased));
    let findings = store.doctor(false).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    Ok(())
}

async fn a_failed_erasure_erases_nothing(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let world = world::build(&bed, &store, 60).await?;
    let subject = format!("person/{}", world.person);
    let named = subject.clone();
    let refused = store
        .write(move |tx| {
            Box::pin(async move {
                tx.erase_subject(&named).await?;
                Err::<(), StoreError>(StoreError::Conflict("a reason to stop"))
            })
        })
        .await;
    assert!(refused.is_err());
    assert!(store.data_key(&subject).await?.is_some());
    let not_a_subject = store
        .write(move |tx| {
            Box::pin(async move { tx.erase_subject(&format!("artifact/{}", world.upload)).await })
        })
        .await;
    assert!(matches!(not_a_subject, Err(StoreError::Config(_))), "{not_a_subject:?}");
    let findings = store.doctor(true).await?;
    assert!(findings.is_clean(), "{findings:#?}");
    Ok(())
}
