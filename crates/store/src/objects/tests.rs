//! The contract of the object store, on every back end, and its conduct when a store fails or misbehaves.

use super::testing::{FakeS3, Misdeed, local, stores};
use super::{Fault, FaultPlan, MAX_OBJECT_BYTES, Objects, ObjectsConfig, ObjectsError, Put};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::error::Error;
use std::sync::Arc;

async fn names(objects: &Objects, folder: &str) -> Vec<String> {
    let found: Vec<_> = objects.list(folder).unwrap().try_collect().await.unwrap();
    let mut names: Vec<_> = found.into_iter().map(|info| info.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn create_only_objects_are_kept_and_read_back() {
    // INVARIANT (create-only)
    for store in stores() {
        let (objects, what) = (&store.objects, store.what);
        let bytes = Bytes::from_static(b"0123456789");
        assert_eq!(objects.put_new("a/b/one", bytes.clone()).await.unwrap(), Put::Created, "{what}");
        assert_eq!(objects.put_new("a/b/one", bytes.clone()).await.unwrap(), Put::SameBytes, "{what}");
        for other in [&b"0123456780"[..], b"012345678", b"", b"01234567890"] {
            let error = objects.put_new("a/b/one", Bytes::copy_from_slice(other)).await.unwrap_err();
            assert!(matches!(error, ObjectsError::Conflict { .. }), "{what}: {error}");
            assert!(error.to_string().contains("a/b/one"), "{error}");
        }
        assert_eq!(objects.get("a/b/one").await.unwrap(), bytes, "{what}");
        assert_eq!(objects.head("a/b/one").await.unwrap().bytes, 10, "{what}");
        for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (9..10, "9"), (10..10, ""), (0..0, "")]
        {
            assert_eq!(objects.get_range("a/b/one", range).await.unwrap(), expected, "{what}");
        }
        #[expect(clippy::reversed_empty_ranges, reason = "a wrong range is the point")]
        for range in [5..3, 0..11, 11..11, 0..u64::MAX] {
            assert!(objects.get_range("a/b/one", range).await.is_err(), "{what}");
        }
        for missing in ["a/b", "a/b/two", "nowhere"] {
            assert!(matches!(objects.get(missing).await, Err(ObjectsError::NotFound { .. })), "{what}");
            assert!(matches!(objects.head(missing).await, Err(ObjectsError::NotFound { .. })), "{what}");
        }
        assert!(
            matches!(objects.get_at_most("a/b/one", 9).await, Err(ObjectsError::TooLarge { .. })),
            "{what}"
        );
        let mut reader = objects.read("a/b/one", 10).await.unwrap();
        assert_eq!(reader.bytes(), 10, "{what}");
        for expected in ["0123", "", "4567", "89", ""] {
            let want = if expected.is_empty() { 0 } else { 4 };
            assert_eq!(reader.next(want).await.unwrap(), expected, "{what}");
        }
        assert_eq!(reader.next(4).await.unwrap(), "", "{what}");
        assert!(matches!(objects.read("a/b/one", 9).await, Err(ObjectsError::TooLarge { .. })), "{what}");
        assert_eq!(objects.put_new("empty", Bytes::new()).await.unwrap(), Put::Created, "{what}");
        assert_eq!(objects.get("empty").await.unwrap(), "", "{what}");
    }
}

#[tokio::test]
async fn listing_shows_every_object_of_a_folder_and_nothing_else() {
    for store in stores() {
        let (objects, what) = (&store.objects, store.what);
        for name in ["a/1", "a/b/2", "ab/3", "c"] {
            objects.put_new(name, Bytes::from_static(b"x")).await.unwrap();
        }
        if let Some(folder) = &store.folder {
            std::fs::write(folder.path().join("objects/.staging/left"), b"x").unwrap();
        }
        assert_eq!(names(objects, "").await, ["a/1", "a/b/2", "ab/3", "c"], "{what}");
        assert_eq!(names(objects, "a").await, ["a/1", "a/b/2"], "{what}");
        assert_eq!(names(objects, "nowhere").await, [""; 0], "{what}");
        assert!(objects.delete("a/1").await.unwrap(), "{what}");
        objects.delete("a/1").await.unwrap();
        assert_eq!(names(objects, "a").await, ["a/b/2"], "{what}");
    }
}

#[tokio::test]
async fn names_that_could_escape_are_refused_by_every_operation() {
    let store = local();
    let objects = &store.objects;
    for bad in ["../x", "/etc/hostname", "a//b", ".staging/x", ""] {
        let refused = |error: &ObjectsError| matches!(error, ObjectsError::Name { .. });
        assert!(refused(&objects.put_new(bad, Bytes::new()).await.unwrap_err()));
        assert!(refused(&objects.get(bad).await.unwrap_err()));
        assert!(refused(&objects.get_range(bad, 0..1).await.unwrap_err()));
        assert!(refused(&objects.head(bad).await.unwrap_err()));
        assert!(refused(&objects.delete(bad).await.unwrap_err()));
        assert!(bad.is_empty() || refused(&objects.list(bad).err().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn create_only_of_16_writers_of_different_bytes_exactly_one_wins() {
    // INVARIANT (create-only)
    for store in stores() {
        for round in 0..8 {
            let name = format!("race/{round}");
            let writers: Vec<_> = (0..16_u8)
                .map(|n| {
                    let (objects, name) = (store.objects.clone(), name.clone());
                    tokio::spawn(async move { (n, objects.put_new(&name, Bytes::from(vec![n; 4096])).await) })
                })
                .collect();
            let mut winner = None;
            for writer in writers {
                match writer.await.unwrap() {
                    (n, Ok(Put::Created)) => assert_eq!(winner.replace(n), None, "{}", store.what),
                    (_, Err(ObjectsError::Conflict { .. })) => {}
                    (n, other) => panic!("{}: writer {n}: {other:?}", store.what),
                }
            }
            assert_eq!(store.objects.get(&name).await.unwrap(), vec![winner.unwrap(); 4096]);
        }
    }
}

#[tokio::test]
async fn the_probe_accepts_a_store_that_keeps_the_first_write_again_and_again() {
    for store in stores() {
        for _ in 0..3 {
            store.objects.probe().await.unwrap();
        }
        assert_eq!(names(&store.objects, "").await, ["probe/conditional-write"], "{}", store.what);
    }
}

#[tokio::test]
async fn create_only_the_probe_refuses_a_store_that_ignores_conditions() {
    // INVARIANT (create-only)
    let objects = FakeS3::start(true, &[]).await;
    let error = objects.probe().await.unwrap_err();
    assert!(matches!(error, ObjectsError::NotConditional { .. }), "{error}");
    assert!(error.to_string().contains(objects.place()), "{error}");
    FakeS3::start(false, &[]).await.probe().await.unwrap();
}

#[tokio::test]
async fn the_probe_says_why_a_store_cannot_be_written() {
    let objects = FakeS3::start(false, &[Misdeed::Answer(403)]).await;
    let error = objects.probe().await.unwrap_err();
    assert!(matches!(error, ObjectsError::Refused { .. }), "{error}");
    assert!(error.source().unwrap().to_string().contains("403"));
}

#[tokio::test]
async fn passing_failures_and_lost_answers_end_in_the_object_being_stored() {
    for (misdeeds, expected) in [
        // A concurrent write of the same name that came to nothing.
        (vec![Misdeed::Answer(409), Misdeed::Answer(409)], Put::Created),
        (vec![Misdeed::Answer(503); 5], Put::Created),
        (vec![Misdeed::StoreAndAnswer(500)], Put::SameBytes),
        (vec![Misdeed::StoreAndAnswer(409)], Put::SameBytes),
        (vec![Misdeed::StoreAndHangUp], Put::SameBytes),
        (vec![Misdeed::Answer(409), Misdeed::StoreAndHangUp], Put::SameBytes),
    ] {
        let objects = FakeS3::start(false, &misdeeds).await;
        assert_eq!(objects.put_new("n", Bytes::from_static(b"x")).await.unwrap(), expected, "{misdeeds:?}");
        assert_eq!(objects.get("n").await.unwrap(), "x");
    }
}

#[tokio::test]
async fn a_permanent_conflict_answer_ends_as_unavailable() {
    let objects = FakeS3::start(false, &[Misdeed::Answer(409); 6]).await;
    let error = objects.put_new("n", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(error, ObjectsError::Unavailable { attempts: 6, .. }), "{error}");
}

#[tokio::test]
async fn planned_failures_strike_the_planned_attempts() {
    let store = local();
    let plan = FaultPlan::new()
        .fail_put(0, Fault::BeforeStoring)
        .fail_put(2, Fault::AfterStoring)
        .fail_puts_from(5, Fault::BeforeStoring);
    let plan = Arc::new(plan);
    let objects = store.objects.clone().with_faults(Arc::clone(&plan));
    let bytes = Bytes::from_static(b"x");
    assert_eq!(objects.put_new("one", bytes.clone()).await.unwrap(), Put::Created);
    assert_eq!(plan.attempts(), 2);
    assert_eq!(objects.put_new("two", bytes.clone()).await.unwrap(), Put::SameBytes);
    assert_eq!(plan.attempts(), 4);
    assert_eq!(objects.put_new("three", bytes.clone()).await.unwrap(), Put::Created);
    let error = objects.put_new("four", bytes.clone()).await.unwrap_err();
    assert!(matches!(error, ObjectsError::Unavailable { .. }), "{error}");
    assert!(matches!(store.objects.get("four").await, Err(ObjectsError::NotFound { .. })));
    assert_eq!(names(&store.objects, "").await, ["one", "three", "two"]);
}

#[tokio::test]
async fn too_large_an_object_is_refused_before_anything_is_sent() {
    let store = local();
    let bytes = Bytes::from(vec![0; MAX_OBJECT_BYTES as usize + 1]);
    let error = store.objects.put_new("big", bytes).await.unwrap_err();
    assert!(matches!(error, ObjectsError::TooLarge { .. }), "{error}");
    assert_eq!(names(&store.objects, "").await, [""; 0]);
}

#[tokio::test]
async fn a_place_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"x").unwrap();
    let error = Objects::open(&ObjectsConfig::Local { path: path.clone() }).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
