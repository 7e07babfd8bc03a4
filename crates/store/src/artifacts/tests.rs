//! Whole artifacts through the object store: written, read back, cut, damaged and abandoned.

use super::{
    ArtifactsError, Part, abandon, encrypt_part, hash_all, part_name, read_part, read_range, store_part,
    stream,
};
use crate::keys::DataKey;
use crate::objects::testing::{TestStore, local, stores};
use crate::objects::{Fault, FaultPlan, Objects, ObjectsError, Put};
use bytes::Bytes;
use comptroller_core::ids::UploadId;
use comptroller_core::{Digest, Timestamp};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::sync::Arc;

const MIB: usize = 1 << 20;

fn upload(n: u8) -> UploadId {
    UploadId::new(Timestamp::from_micros(1_700_000_000_000_000), [n; 10])
}

fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i % 253) as u8).collect()
}

async fn put(objects: &Objects, key: &DataKey, number: u32, bytes: &[u8]) -> Result<Put, ArtifactsError> {
    let sealed = encrypt_part(key, upload(1), number, Bytes::copy_from_slice(bytes)).await?;
    store_part(objects, key, upload(1), sealed).await
}

/// Stores `plaintext` in parts of these sizes, the last of which takes the rest.
async fn store(objects: &Objects, key: &DataKey, plaintext: &[u8], sizes: &[usize]) -> Vec<Part> {
    let (mut parts, mut rest) = (Vec::new(), plaintext);
    for (index, size) in sizes.iter().enumerate() {
        let size = if index + 1 == sizes.len() { rest.len() } else { rest.len().min(*size) };
        let (now, later) = rest.split_at(size);
        let number = index as u32 + 1;
        assert_eq!(put(objects, key, number, now).await.unwrap(), Put::Created);
        parts.push(Part { number, bytes: size as u64 });
        rest = later;
    }
    parts
}

async fn download(
    objects: &Objects,
    key: &DataKey,
    parts: &[Part],
    range: Range<u64>,
) -> Result<Vec<u8>, ArtifactsError> {
    let pieces: Vec<Bytes> = stream(objects, key, upload(1), parts, range)?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_range_of_a_part_is_read_from_its_frames_alone_and_what_is_altered_is_refused() {
    let TestStore { objects, folder, .. } = local();
    let key = DataKey::generate().unwrap();
    let plaintext = text(3 * MIB + 5);
    let [part] = store(&objects, &key, &plaintext, &[4 * MIB]).await[..] else { panic!("one part") };
    for range in
        [0..0, 0..1, 7..9, MIB - 1..MIB + 1, MIB..2 * MIB, 0..3 * MIB + 5, 3 * MIB..3 * MIB + 5, 5..5]
    {
        let asked = range.start as u64..range.end as u64;
        let read = read_range(&objects, &key, upload(1), part, asked).await.unwrap();
        assert_eq!(read, plaintext[range.clone()], "{range:?}");
    }
    let beyond = 3 * MIB as u64..3 * MIB as u64 + 6;
    let error = read_range(&objects, &key, upload(1), part, beyond).await.unwrap_err();
    assert!(matches!(error, ArtifactsError::Range { .. }), "{error}");
    // One byte of the second frame: the frames beside it are read, and it is not.
    let file = folder.as_ref().unwrap().path().join("objects").join(part_name(upload(1), 1));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[MIB + 500] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let read = |start: usize| {
        let range = start as u64..start as u64 + 9;
        read_range(&objects, &key, upload(1), part, range)
    };
    assert!(read(0).await.is_ok() && read(2 * MIB + 1).await.is_ok());
    assert!(matches!(read(MIB + 7).await, Err(ArtifactsError::PartSealed { frame: 1, .. })));
}

#[tokio::test]
async fn an_artifact_comes_back_whole_with_its_digest() {
    for TestStore { objects, what, folder: _folder } in stores() {
        let key = DataKey::generate().unwrap();
        let plaintext = text(2 * MIB + 77);
        let parts = store(&objects, &key, &plaintext, &[MIB + 1, 0, MIB, 1]).await;
        let (digest, bytes) = hash_all(&objects, &key, upload(1), &parts).await.unwrap();
        assert_eq!(digest, Digest::from_bytes(Sha256::digest(&plaintext).into()), "{what}");
        assert_eq!(bytes, plaintext.len() as u64, "{what}");
        assert_eq!(download(&objects, &key, &parts, 0..bytes).await.unwrap(), plaintext, "{what}");
        assert_eq!(abandon(&objects, upload(1)).await.unwrap(), 4, "{what}");
        assert_eq!(abandon(&objects, upload(1)).await.unwrap(), 0, "{what}");
        let gone: Result<Vec<Bytes>, _> = read_part(&objects, &key, upload(1), parts[0]).try_collect().await;
        assert!(gone.is_err(), "{what}");
    }
}

#[tokio::test]
async fn an_artifact_without_bytes_is_an_artifact() {
    let store = local();
    let key = DataKey::generate().unwrap();
    let empty = Digest::from_bytes(Sha256::digest(b"").into());
    assert_eq!(hash_all(&store.objects, &key, upload(1), &[]).await.unwrap(), (empty.clone(), 0));
    put(&store.objects, &key, 1, b"").await.unwrap();
    let parts = [Part { number: 1, bytes: 0 }];
    assert_eq!(hash_all(&store.objects, &key, upload(1), &parts).await.unwrap(), (empty, 0));
    assert_eq!(download(&store.objects, &key, &parts, 0..0).await.unwrap(), b"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn every_range_of_an_artifact_reads_as_that_slice(
        sizes in proptest::collection::vec(0..600_usize, 1..6),
        cuts in proptest::collection::vec((0..=1000_usize, 0..=1000_usize), 8),
    ) {
        let plaintext = text(sizes.iter().sum());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store_of_test = local();
            let (objects, key) = (&store_of_test.objects, DataKey::generate().unwrap());
            let parts = store(objects, &key, &plaintext, &sizes).await;
            for (a, b) in cuts {
                let at = |thousandths: usize| plaintext.len() * thousandths / 1000;
                let (from, to) = (at(a).min(at(b)), at(a).max(at(b)));
                let found = download(objects, &key, &parts, from as u64..to as u64).await.unwrap();
                assert_eq!(found, plaintext[from..to], "{from}..{to} of {sizes:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_range_across_frames_and_parts_reads_as_that_slice() {
    let store_of_test = local();
    let (objects, key) = (&store_of_test.objects, DataKey::generate().unwrap());
    let plaintext = text(4 * MIB + 9);
    let parts = store(objects, &key, &plaintext, &[2 * MIB + 5, 1]).await;
    for range in [MIB - 1..MIB + 1, MIB + 3..3 * MIB + 7, 2 * MIB + 4..2 * MIB + 6, 4 * MIB + 8..4 * MIB + 9]
    {
        let found = download(objects, &key, &parts, range.start as u64..range.end as u64).await.unwrap();
        assert!(found == plaintext[range.clone()], "{range:?}");
    }
    let bytes = plaintext.len() as u64;
    #[expect(clippy::reversed_empty_ranges, reason = "a wrong range is the point")]
    for range in [0..bytes + 1, bytes + 1..bytes + 1, 5..4] {
        assert!(matches!(download(objects, &key, &parts, range).await, Err(ArtifactsError::Range { .. })));
    }
}

#[tokio::test]
async fn a_list_of_parts_with_a_gap_or_a_wrong_order_is_refused() {
    let store_of_test = local();
    let (objects, key) = (&store_of_test.objects, DataKey::generate().unwrap());
    let parts = store(objects, &key, &text(30), &[10, 10, 10]).await;
    for wrong in [
        vec![parts[1], parts[0], parts[2]],
        vec![parts[0], parts[2]],
        vec![parts[0], parts[0]],
        vec![Part { number: 0, bytes: 10 }],
    ] {
        assert!(hash_all(objects, &key, upload(1), &wrong).await.is_err(), "{wrong:?}");
        assert!(stream(objects, &key, upload(1), &wrong, 0..1).is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn authenticated_at_rest_damage_on_the_disk_is_found_and_named() {
    // INVARIANT (authenticated-at-rest)
    let store_of_test = local();
    let (objects, key) = (&store_of_test.objects, DataKey::generate().unwrap());
    let parts = store(objects, &key, &text(60), &[20, 20, 20]).await;
    let file = |number| {
        store_of_test.folder.as_ref().unwrap().path().join("objects").join(part_name(upload(1), number))
    };
    let (one, two) = (std::fs::read(file(1)).unwrap(), std::fs::read(file(2)).unwrap());

    let damage: [(&str, Vec<u8>); 4] = [
        ("a flipped byte", two.iter().enumerate().map(|(i, b)| if i == 30 { b ^ 1 } else { *b }).collect()),
        ("another part", one),
        ("a shorter file", two[..two.len() - 1].to_vec()),
        ("a longer file", [two.as_slice(), b"x"].concat()),
    ];
    for (what, bytes) in damage {
        std::fs::write(file(2), bytes).unwrap();
        let error = hash_all(objects, &key, upload(1), &parts).await.unwrap_err().to_string();
        assert!(error.contains("part 2") && error.contains(&upload(1).to_string()), "{what}: {error}");
        assert!(download(objects, &key, &parts, 0..60).await.is_err(), "{what}");
        assert_eq!(
            download(objects, &key, &parts, 0..20).await.unwrap(),
            text(20),
            "{what}: part 1 is sound"
        );
    }
    std::fs::remove_file(file(2)).unwrap();
    let error = hash_all(objects, &key, upload(1), &parts).await.unwrap_err();
    assert!(
        matches!(error, ArtifactsError::Objects { source: ObjectsError::NotFound { .. }, .. }),
        "{error}"
    );
    std::fs::write(file(2), two).unwrap();
    assert!(hash_all(objects, &key, upload(1), &parts).await.is_ok());
    assert!(hash_all(objects, &DataKey::generate().unwrap(), upload(1), &parts).await.is_err());
}

#[tokio::test]
async fn a_part_can_be_sent_again_but_not_changed() {
    let store_of_test = local();
    let (objects, key) = (&store_of_test.objects, DataKey::generate().unwrap());
    assert_eq!(put(objects, &key, 1, b"0123").await.unwrap(), Put::Created);
    assert_eq!(put(objects, &key, 1, b"0123").await.unwrap(), Put::SameBytes);
    for other in [&b"0124"[..], b"012", b"01234", b""] {
        let error = put(objects, &key, 1, other).await.unwrap_err();
        assert!(matches!(error, ArtifactsError::PartDiffers { number: 1, .. }), "{error}");
    }
    assert_eq!(download(objects, &key, &[Part { number: 1, bytes: 4 }], 0..4).await.unwrap(), b"0123");
}

#[tokio::test]
async fn an_outage_during_an_upload_is_survived_by_sending_the_part_again() {
    for fault in [Fault::BeforeStoring, Fault::AfterStoring] {
        let store_of_test = local();
        let key = DataKey::generate().unwrap();
        let failing = FaultPlan::new().fail_puts_from(0, fault);
        let objects = store_of_test.objects.clone().with_faults(Arc::new(failing));
        let first = put(&objects, &key, 1, b"0123").await;
        // The process restarts with a store that works again; the client repeats the part.
        assert!(matches!(first, Err(ArtifactsError::Objects { .. })), "{fault:?}");
        let second = put(&store_of_test.objects, &key, 1, b"0123").await.unwrap();
        assert_eq!(second == Put::SameBytes, fault == Fault::AfterStoring);
        let parts = [Part { number: 1, bytes: 4 }];
        assert_eq!(download(&store_of_test.objects, &key, &parts, 0..4).await.unwrap(), b"0123");
    }
}
