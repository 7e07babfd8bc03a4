//! Prediction records: taken once, durable, sealed, found, proved.

use crate::world::{World, ingest};
use bytes::Bytes;
use comptroller_app::audit::EntryQuery;
use comptroller_app::deploy::Deploy;
use comptroller_app::predictions::proof::verify;
use comptroller_app::predictions::{
    Cell, Format, LeftAlone, PredictionProof, PredictionView, SendRecords, TakenRecords, Waits,
};
use comptroller_app::view::Slice;
use comptroller_app::{App, AppError, Call, Caller};
use comptroller_core::event::PurgedDay;
use comptroller_core::vocab::{RecordKind, RetentionClass};
use comptroller_core::{Environment, Event, Role};
use comptroller_ledger::FailureClass;
use comptroller_store::Draft;
use serde_json::json;

/// `scorer@1` runs in staging; its runtime sends, and a risk officer looks.
pub(crate) struct Bed {
    pub(crate) world: World,
    pub(crate) runtime: Caller,
    pub(crate) risk: Caller,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let developer = world.person("dev", &[Role::Developer], None).await;
        let deployer = world.person("deployer", &[Role::Deployer], None).await;
        let risk = world.person("risk", &[Role::RiskOfficer], None).await;
        world.system(&developer).await;
        world.version(&developer, "1", 0.9).await;
        let deploy =
            Deploy { version: "scorer@1".into(), environment: Environment::Staging, reason: "test".into() };
        world.app.deploy(&Call::new(deployer), deploy).await.unwrap();
        let runtime = world.runtime().await;
        Self { world, runtime, risk }
    }

    pub(crate) async fn send(&self, batch: &str, body: &serde_json::Value) -> Result<TakenRecords, AppError> {
        self.send_to(&self.world.app, batch, body).await
    }

    async fn send_to(
        &self,
        app: &App,
        batch: &str,
        body: &serde_json::Value,
    ) -> Result<TakenRecords, AppError> {
        app.record_predictions(&self.runtime, command(RecordKind::Prediction, batch), bytes(body)).await
    }

    async fn sealed_rows(&self) -> u64 {
        let query = EntryQuery { kind: Some("predictions.sealed".into()), ..EntryQuery::default() };
        let page = self.world.app.entries(&self.risk, query, Slice::default()).await.unwrap();
        page.items.iter().map(|entry| entry.entry["data"]["rows"].as_u64().unwrap()).sum()
    }
}

pub(crate) fn command(records: RecordKind, batch: &str) -> SendRecords {
    SendRecords {
        records,
        version: "scorer@1".into(),
        environment: Environment::Staging,
        batch: batch.into(),
        format: Format::Json,
    }
}

pub(crate) fn bytes(body: &serde_json::Value) -> Bytes {
    Bytes::from(body.to_string())
}

fn record(id: &str, amount: f64) -> serde_json::Value {
    json!({
        "id": id, "time": "2026-03-01T10:00:00Z", "prediction": "good", "score": 0.75, "latency_us": 1200,
        "inputs": {"amount": amount, "purpose": "car", "owner": true}, "attributions": {"amount": 0.2}
    })
}

#[tokio::test]
async fn a_prediction_is_found_with_its_origin_and_proved_offline() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let records: Vec<_> = (0..5).map(|n| record(&format!("p{n}"), f64::from(n) + 0.5)).collect();
    let taken = bed.send("b1", &json!({ "records": records })).await.unwrap();
    assert_eq!((taken.records, taken.repeated), (5, false));
    let early = app.prediction(&bed.risk, "scoring", "p3").await.unwrap();
    assert!(early.block.is_none(), "what is durable is found before it is sealed");
    let error = app.prediction_proof(&bed.risk, "scoring", "p3").await.unwrap_err();
    assert!(matches!(error, AppError::Conflict(_)), "{error}");

    assert_eq!(app.seal_predictions(true).await.unwrap(), 1);
    app.store().publish().await.unwrap();
    let labels = json!({"records": [{"id": "p3", "label": "bad"}]});
    app.record_predictions(&bed.runtime, command(RecordKind::Label, "l1"), bytes(&labels)).await.unwrap();
    let view = app.prediction(&bed.risk, "scoring", "p3").await.unwrap();
    assert_eq!(view.label.as_str(), "1");
    assert_eq!(view.outcome.as_deref(), Some("bad"));
    assert_eq!(view.artifacts.len(), 1);
    assert_eq!(view.datasets.len(), 1);
    assert!(view.served.is_none(), "in March nothing of it was deployed yet");
    let block = view.block.unwrap();
    assert_eq!((block.rows, block.index), (5, 3));
    let amount = view.record.iter().find(|field| field.name == "input.amount").unwrap();
    assert_eq!(amount.value, Cell::Number(3.5));

    let proof = app.prediction_proof(&bed.risk, "scoring", "p3").await.unwrap();
    let keys: Vec<_> = app.store().signer().vkeys().iter().map(|key| key.parse().unwrap()).collect();
    let text = serde_json::to_string(&proof).unwrap();
    assert!(text.len() < 4_096, "{} bytes", text.len());
    let verified = verify(text.as_bytes(), &keys, "proof").unwrap();
    assert_eq!(verified.ledger_index, block.ledger_index);
    assert_eq!(verified.record, view.record);

    let class = |proof: &PredictionProof| {
        verify(serde_json::to_string(proof).unwrap().as_bytes(), &keys, "proof").unwrap_err().class
    };
    let altered = |change: fn(&mut PredictionProof)| {
        let mut other = proof.clone();
        change(&mut other);
        class(&other)
    };
    let other_value = altered(|proof| proof.record[1].value = Cell::Number(4.5));
    assert!(matches!(other_value, FailureClass::Opening | FailureClass::Malformed), "{other_value:?}");
    assert_eq!(
        altered(|proof| proof.record.last_mut().unwrap().value = Cell::Whole(1)),
        FailureClass::Opening
    );
    assert_eq!(altered(|proof| proof.index = 2), FailureClass::Opening);
    assert_eq!(altered(|proof| proof.index = 9), FailureClass::Proof);
    assert_eq!(altered(|proof| proof.salt = "00".repeat(16)), FailureClass::Opening);
    assert_eq!(altered(|proof| proof.entry = proof.entry.replace("staging", "prodxct")), FailureClass::Proof);
    assert_eq!(altered(|proof| proof.entry = proof.entry.replace(':', " :")), FailureClass::Entry);
    assert!(verify(text.as_bytes(), &[], "proof").is_err_and(|error| error.class == FailureClass::Key));
}

#[tokio::test]
async fn once_only_a_batch_counts_once_whatever_is_repeated_or_killed() {
    // INVARIANT (once-only)
    let bed = Bed::new().await;
    let body = json!({"records": [record("a", 1.0), record("b", 2.0)]});
    assert!(!bed.send("b1", &body).await.unwrap().repeated);
    assert!(bed.send("b1", &body).await.unwrap().repeated);
    let other = json!({"records": [record("a", 1.5)]});
    let error = bed.send("b1", &other).await.unwrap_err();
    assert!(matches!(error, AppError::Conflict(_)) && error.to_string().contains("another batch"), "{error}");

    // Another server on the same database is sent the same batch, and seals it first.
    let folder = tempfile::tempdir().unwrap();
    let twin =
        App::new(bed.world.app.store().clone()).unwrap().with_ingest(ingest(folder.path())).await.unwrap();
    assert!(!bed.send_to(&twin, "b1", &body).await.unwrap().repeated, "it does not know yet");
    assert_eq!(twin.seal_predictions(true).await.unwrap(), 1);
    assert_eq!(bed.world.app.seal_predictions(true).await.unwrap(), 0, "it is sealed already");
    assert_eq!(bed.sealed_rows().await, 2);
    assert!(bed.send("b1", &body).await.unwrap().repeated);
    let error = bed.send("b1", &other).await.unwrap_err();
    assert!(matches!(error, AppError::Conflict(_)), "{error}");

    // A crash: what was acknowledged waits again, and is sealed once.
    assert!(!bed.send_to(&twin, "b2", &other).await.unwrap().repeated);
    drop(twin);
    let twin =
        App::new(bed.world.app.store().clone()).unwrap().with_ingest(ingest(folder.path())).await.unwrap();
    assert!(twin.waiting_records().unwrap().records >= 1, "b2 waits, and b1 if its file is still there");
    assert!(bed.send_to(&twin, "b2", &other).await.unwrap().repeated);
    assert_eq!(twin.seal_predictions(true).await.unwrap(), 1);
    assert_eq!(bed.sealed_rows().await, 3);
    assert_eq!(twin.waiting_records(), Some(Waits::default()));
}

#[tokio::test]
async fn a_batch_whose_writing_failed_does_not_take_the_place_of_one_that_was_acknowledged() {
    // INVARIANT (acknowledged-is-durable)
    let bed = Bed::new().await;
    let folder = tempfile::tempdir().unwrap();
    let wal = folder.path().join("wal");
    let store = bed.world.app.store().clone();
    let start = async || App::new(store.clone()).unwrap().with_ingest(ingest(folder.path())).await.unwrap();
    let (first, second) = (json!({"records": [record("a", 1.0)]}), json!({"records": [record("a", 2.0)]}));
    // A write that failed leaves its bytes on the disk when the file could not be cut back. Here they are taken away
    // while the batch is sent again with other records, and put back before the server starts anew.
    let server = start().await;
    bed.send_to(&server, "b", &first).await.unwrap();
    drop(server);
    let (segment, kept) = (wal.join("0000000000000001.wal"), folder.path().join("kept"));
    std::fs::rename(&segment, &kept).unwrap();
    std::fs::write(&segment, b"").unwrap();
    let server = start().await;
    assert!(!bed.send_to(&server, "b", &second).await.unwrap().repeated);
    drop(server);
    std::fs::rename(&kept, &segment).unwrap();

    let server = start().await;
    assert_eq!(server.waiting_records().unwrap().records, 1, "the refused one counts no more");
    assert!(!segment.exists(), "nor is its file kept");
    assert!(bed.send_to(&server, "b", &second).await.unwrap().repeated);
    assert_eq!(server.seal_predictions(true).await.unwrap(), 1);
    let view = server.prediction(&bed.risk, "scoring", "a").await.unwrap();
    let amount = view.record.iter().find(|field| field.name == "input.amount").unwrap();
    assert_eq!(amount.value, Cell::Number(2.0), "what was acknowledged");
    assert_eq!(std::fs::read_dir(&wal).unwrap().count(), 1, "the lock is left");
}

#[tokio::test]
async fn a_batch_id_that_two_servers_took_for_different_records_is_not_lost_in_silence() {
    let bed = Bed::new().await;
    let folder = tempfile::tempdir().unwrap();
    let twin =
        App::new(bed.world.app.store().clone()).unwrap().with_ingest(ingest(folder.path())).await.unwrap();
    bed.send("b", &json!({"records": [record("a", 1.0)]})).await.unwrap();
    bed.send_to(&twin, "b", &json!({"records": [record("a", 2.0)]})).await.unwrap();
    assert_eq!(bed.world.app.seal_predictions(true).await.unwrap(), 1);
    assert_eq!(twin.seal_predictions(true).await.unwrap(), 0);
    assert_eq!(bed.sealed_rows().await, 1, "a batch counts once");
    let files = std::fs::read_dir(folder.path().join("wal")).unwrap();
    let kept = files.filter(|file| file.as_ref().unwrap().path().extension().is_some()).count();
    assert_eq!(kept, 1, "the file with the other one is kept");
}

#[tokio::test]
async fn blocks_stay_what_they_are_when_their_bytes_move_into_one_file() {
    // INVARIANT (blocks-stay)
    let bed = Bed::new().await;
    let app = &bed.world.app;
    for n in 0..5 {
        let records = json!([record(&format!("p{n}a"), 1.0), record(&format!("p{n}b"), f64::from(n))]);
        bed.send(&format!("b{n}"), &json!({ "records": records })).await.unwrap();
        app.seal_predictions(true).await.unwrap();
    }
    let other = json!([{"id": "q", "time": "2026-03-01T10:00:00Z", "inputs": {"amount": "a text here"}}]);
    bed.send("other", &json!({ "records": other })).await.unwrap();
    app.seal_predictions(true).await.unwrap();
    app.store().publish().await.unwrap();
    let view = async |id: &str| app.prediction(&bed.risk, "scoring", id).await.unwrap();
    let proof = async |id: &str| app.prediction_proof(&bed.risk, "scoring", id).await.unwrap();
    let (seen, proved) = (view("p2b").await, proof("p2b").await);

    let mut alone = LeftAlone::default();
    assert_eq!(app.compact_predictions(&mut alone).await.unwrap(), 0, "a day rests before it is touched");
    bed.world.clock.pass(4_000);
    assert_eq!(app.compact_predictions(&mut alone).await.unwrap(), 1, "five of six have the same columns");
    assert_eq!(app.compact_predictions(&mut LeftAlone::default()).await.unwrap(), 0);
    app.store().publish().await.unwrap();
    let check = async || {
        let (again, proved_again) = (view("p2b").await, proof("p2b").await);
        let place = |view: &PredictionView| {
            let block = view.block.clone().unwrap();
            (block.id, block.index, block.rows, block.root, block.ledger_index)
        };
        assert_eq!((place(&again), &again.record), (place(&seen), &seen.record));
        assert_eq!((&proved_again.hashes, &proved_again.salt), (&proved.hashes, &proved.salt));
        assert_eq!(proved_again.entry, proved.entry);
        let keys: Vec<_> = app.store().signer().vkeys().iter().map(|key| key.parse().unwrap()).collect();
        for proof in [&proved, &proved_again] {
            verify(&proof.to_compact().unwrap(), &keys, "proof").unwrap();
        }
        assert_eq!(view("q").await.block.unwrap().rows, 1);
    };
    check().await;
    assert_eq!(app.store().sweep().await.unwrap(), 0, "who reads an old file has time to end");
    bed.world.clock.pass(4_000);
    assert_eq!(app.store().sweep().await.unwrap(), 5);
    check().await;
    for findings in [app.store().doctor(true).await.unwrap(), app.store().rebuild_check().await.unwrap()] {
        assert!(findings.is_clean(), "{:?}", findings.found);
    }

    // The day is purged: the key goes, and then the file of five, the one beside it, and what was counted of the six.
    let day = PurgedDay { version: seen.version, environment: Environment::Staging, day: 20_513, blocks: 6 };
    let event = Event::DataPurged {
        class: RetentionClass::Records,
        artifact: None,
        entries: Vec::new(),
        day: Some(day),
        age_days: 1,
        rules: Vec::new(),
    };
    let draft = Draft::new("system", event);
    app.store().write(move |tx| Box::pin(async move { tx.purge(draft).await })).await.unwrap();
    assert_eq!(app.store().sweep().await.unwrap(), 2 + 6);
    let error = app.prediction(&bed.risk, "scoring", "p2b").await.unwrap_err();
    assert!(matches!(error, AppError::NotFound { .. }), "{error}");
}

/// A process that dies goes no further than it got: here after each step in turn, until one run comes to its end.
#[tokio::test]
async fn compaction_that_is_cut_off_at_any_step_loses_and_doubles_nothing() {
    // INVARIANT (blocks-stay)
    let bed = Bed::new().await;
    let app = &bed.world.app;
    for n in 0..3 {
        let records = json!([record(&format!("p{n}a"), 1.0), record(&format!("p{n}b"), f64::from(n))]);
        bed.send(&format!("b{n}"), &json!({ "records": records })).await.unwrap();
        app.seal_predictions(true).await.unwrap();
    }
    app.store().publish().await.unwrap();
    bed.world.clock.pass(4_000);
    let uploads = || {
        let folder = bed.world.folder.path().join("objects/artifacts");
        let holds_files = |entry: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_dir(entry.unwrap().path()).unwrap().next().is_some()
        };
        std::fs::read_dir(folder).unwrap().filter_map(|entry| holds_files(entry).then_some(())).count()
    };
    let before = uploads();
    let all_there = async || {
        for n in 0..3 {
            for id in [format!("p{n}a"), format!("p{n}b")] {
                let proof = app.prediction_proof(&bed.risk, "scoring", &id).await.unwrap();
                let keys: Vec<_> =
                    app.store().signer().vkeys().iter().map(|key| key.parse().unwrap()).collect();
                verify(&proof.to_compact().unwrap(), &keys, "proof").unwrap();
            }
        }
        assert_eq!(bed.sealed_rows().await, 6);
    };
    let mut cuts = 0;
    loop {
        let mut alone = LeftAlone::default();
        let mut run = Box::pin(app.compact_predictions(&mut alone));
        let mut ended = None;
        for _ in 0..=cuts {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(run.as_mut().poll(cx))).await;
            if let std::task::Poll::Ready(made) = polled {
                ended = Some(made.unwrap());
                break;
            }
            // What it waits for, a thread or the writer, goes on by itself.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        drop(run);
        app.store().publish().await.unwrap();
        all_there().await;
        match ended {
            None => cuts += 1,
            Some(0) if cuts == 0 => panic!("there was nothing to do"),
            Some(_) => break,
        }
        assert!(cuts < 10_000, "it never ends");
    }
    assert!(cuts > 5, "it was cut off {cuts} times");
    let compacted = EntryQuery { kind: Some("predictions.compacted".into()), ..EntryQuery::default() };
    let events = app.entries(&bed.risk, compacted, Slice::default()).await.unwrap().items.len();
    assert_eq!(events, 1, "what was moved is moved once");
    // What runs that were cut off left behind goes in time, and so do the old files.
    bed.world.clock.pass(100_000);
    app.store().sweep().await.unwrap();
    all_there().await;
    assert_eq!(uploads(), before - 3 + 1, "three files became one, and nothing else is there");
    for findings in [app.store().doctor(true).await.unwrap(), app.store().rebuild_check().await.unwrap()] {
        assert!(findings.is_clean(), "{:?}", findings.found);
    }
}

#[tokio::test]
async fn who_may_not_and_what_does_not_fit_is_refused() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let body = json!({"records": [record("a", 1.0)]});
    let denied = app.record_predictions(&bed.risk, command(RecordKind::Prediction, "b"), bytes(&body)).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "people record no predictions");
    assert!(matches!(app.prediction(&bed.runtime, "scoring", "a").await, Err(AppError::Denied { .. })));
    let mut elsewhere = command(RecordKind::Prediction, "b");
    elsewhere.environment = Environment::Production;
    let error = app.record_predictions(&bed.runtime, elsewhere, bytes(&body)).await.unwrap_err();
    assert!(error.to_string().contains("never deployed to production"), "{error}");
    let error = app.prediction(&bed.risk, "scoring", "nobody").await.unwrap_err();
    assert!(matches!(error, AppError::NotFound { .. }), "{error}");

    let mut late = record("late", 1.0);
    late["time"] = json!("2199-01-01T00:00:00Z");
    let mut listed = record("list", 1.0);
    listed["inputs"]["amount"] = json!(["a"]);
    let mut spelled = record("x", 1.0);
    spelled["predicton"] = json!("good");
    let mut mixed = record("y", 1.0);
    mixed["inputs"]["amount"] = json!("many");
    for (records, expected) in [
        (json!([late]), "in the future"),
        (json!([listed]), "a list of something else than numbers"),
        (json!([spelled]), "predicton"),
        (json!([record("m", 1.0), mixed]), "a column has one type"),
        (json!([record("twice", 1.0), record("twice", 2.0)]), "stands twice"),
        (json!([]), "no record"),
        (json!([{"id": ""}]), "empty"),
    ] {
        let error = bed.send("bad", &json!({ "records": records })).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(app.waiting_records().unwrap().records, 0, "nothing of a refused batch was taken");

    // 16 MiB may wait; what does not fit is asked to come again, and comes when there is room.
    let long = "x".repeat(8_000);
    let many: Vec<_> = (0..1_200).map(|n| json!({"id": format!("r{n}"), "inputs": {"text": long}})).collect();
    bed.send("big-1", &json!({ "records": many })).await.unwrap();
    let again: Vec<_> =
        (0..1_200).map(|n| json!({"id": format!("s{n}"), "inputs": {"text": long}})).collect();
    let again = json!({ "records": again });
    let error = bed.send("big-2", &again).await.unwrap_err();
    assert!(matches!(error, AppError::Busy { .. }), "{error}");
    app.seal_predictions(true).await.unwrap();
    assert!(!bed.send("big-2", &again).await.unwrap().repeated);
}

#[tokio::test]
async fn no_record_is_hidden_by_a_later_one_of_the_same_id() {
    let bed = Bed::new().await;
    let app = &bed.world.app;
    let amount = |view: &comptroller_app::predictions::PredictionView| {
        view.record.iter().find(|field| field.name == "input.amount").map(|field| field.value.clone())
    };
    bed.send("b1", &json!({ "records": [record("p", 1.5)] })).await.unwrap();
    app.seal_predictions(true).await.unwrap();
    bed.send("b2", &json!({ "records": [record("q", 9.0), record("p", 2.5)] })).await.unwrap();
    for sealed in [false, true] {
        if sealed {
            app.seal_predictions(true).await.unwrap();
            app.store().publish().await.unwrap();
        }
        let newest = app.prediction(&bed.risk, "scoring", "p").await.unwrap();
        assert_eq!((amount(&newest), newest.same_id, newest.earlier), (Some(Cell::Number(2.5)), 2, 0));
        let first = app.earlier_prediction(&bed.risk, "scoring", "p", 1).await.unwrap();
        assert_eq!((amount(&first), first.same_id, first.earlier), (Some(Cell::Number(1.5)), 2, 1));
    }
    let proof = app.earlier_prediction_proof(&bed.risk, "scoring", "p", 1).await.unwrap();
    let keys: Vec<_> = app.store().signer().vkeys().iter().map(|key| key.parse().unwrap()).collect();
    let text = serde_json::to_string(&proof).unwrap();
    let proved = verify(text.as_bytes(), &keys, "proof").unwrap();
    assert!(proved.record.iter().any(|field| field.value == Cell::Number(1.5)), "{:?}", proved.record);
    let none = app.earlier_prediction(&bed.risk, "scoring", "p", 2).await.unwrap_err();
    assert!(none.to_string().contains("2 records have the id"), "{none}");
    assert_eq!(app.prediction(&bed.risk, "scoring", "q").await.unwrap().same_id, 1);
}
