//! Open, record, publish, verify with the ledger crate, reopen.

use crate::support::{Bed, add_account, on_both};
use comptroller_core::ids::PrincipalId;
use comptroller_core::{Clock, Event};
use comptroller_ledger::proof::verify_inclusion;
use comptroller_ledger::{Entry, Frontier, Hash, SignedCheckpoint, VerifierKey, leaf_hash};
use comptroller_store::journal::{self, Opened};
use comptroller_store::{Draft, keys};

on_both!(a_published_log_verifies_and_survives_a_restart, a_private_part_opens_to_its_commitment);

async fn a_published_log_verifies_and_survives_a_restart(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    for n in 0..300 {
        assert_eq!(
            add_account(&store, &format!("robot-{n}")).await?,
            n + 1,
            "entry 0 creates the organisation"
        );
    }
    let published = store.publish().await?.expect("301 entries to sign");
    assert_eq!(published.size, 301);

    let vkey: VerifierKey = store.signer().vkey().parse()?;
    let signed = SignedCheckpoint::parse(published.note.as_bytes())?;
    signed.verify(&[vkey])?;
    assert_eq!(
        signed.checkpoint().to_string(),
        format!("{}\n301\n{}\n", store.origin(), signed.checkpoint().root.to_base64())
    );

    let mut conn = store.read().await?;
    let rows = journal::entries(&mut conn, 0, 1_000).await?;
    let mut tree = Frontier::new();
    for row in &rows {
        Entry::from_bytes(row.entry.as_bytes())?;
        tree.append(leaf_hash(row.entry.as_bytes()));
    }
    assert_eq!(tree.root(), signed.checkpoint().root);
    let mut prover = journal::Prover::default();
    for index in [0, 1, 255, 256, 300, 2] {
        let proof = journal::inclusion(&mut conn, index, 301).await?;
        let leaf: Hash = rows[index as usize].leaf_hash.parse()?;
        verify_inclusion(&leaf, index, 301, &proof, &tree.root())?;
        assert_eq!(prover.inclusion(&mut conn, index, 301).await?, proof, "whatever was proven before");
    }
    assert!(journal::Prover::default().inclusion(&mut conn, 301, 301).await.is_err());
    // A block is the same entries, wherever it begins, and none where the log has none.
    let block = journal::block(&mut conn, 250, 1_000).await?;
    let read: Vec<_> =
        block.iter().map(|(idx, entry, hash)| (idx, entry.to_owned(), hash.to_owned())).collect();
    let expected = rows[250..].iter().map(|row| (row.idx, row.entry.clone(), row.leaf_hash.clone()));
    assert_eq!(read, expected.collect::<Vec<_>>());
    assert_eq!(journal::block(&mut conn, 301, 400).await?.iter().count(), 0);
    let kind = rows[1].kind.as_str();
    assert_eq!(journal::of_kind(&mut conn, kind, 301, 3).await?, [1, 2, 3]);
    assert_eq!(journal::of_kind(&mut conn, kind, 3, 9).await?, [1, 2]);
    drop(conn);
    assert_eq!(store.publish().await?.expect("the same").size, 301, "nothing new: no new signature");
    store.close().await;
    drop(store);

    let again = bed.open().await?;
    assert!(!again.is_read_only());
    assert_eq!(add_account(&again, "late").await?, 301);
    assert_eq!(again.publish().await?.expect("one more").size, 302);
    Ok(())
}

async fn a_private_part_opens_to_its_commitment(bed: Bed) -> anyhow::Result<()> {
    let store = bed.open().await?;
    let principal = PrincipalId::new(bed.clock.now(), keys::random()?);
    let draft = Draft::new("system", Event::PersonAdded { principal }).private_of_person(
        "text",
        principal,
        &serde_json::json!({ "name": "Ada Example" }),
    )?;
    let idx = store.write(move |tx| Box::pin(async move { tx.record(draft).await })).await?;

    let mut conn = store.read().await?;
    let rows = journal::entries(&mut conn, 0, 10).await?;
    let row = rows.iter().find(|row| row.idx as u64 == idx).expect("recorded");
    let entry = Entry::from_bytes(row.entry.as_bytes())?;
    assert!(!row.entry.contains("Ada"), "no personal data in entries");
    let Opened::Readable { name, salt, plain } = journal::payload(&mut conn, store.key(), row.idx).await?
    else {
        anyhow::bail!("not readable");
    };
    assert_eq!(name, "text");
    assert_eq!(plain.as_slice(), br#"{"name":"Ada Example"}"#);
    assert!(entry.commitments[0].opens_with(&salt, &plain));
    let key = store.data_key(&format!("person/{principal}")).await?;
    assert!(key.is_some());
    assert!(matches!(journal::payload(&mut conn, store.key(), 0).await?, Opened::Absent));
    Ok(())
}
