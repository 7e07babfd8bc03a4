//! The log is time-stamped: tokens are asked for, verified, kept with their event, shown and exported; an authority
//! that is wrong or gone changes nothing else.

use crate::authority::{Authority, GOOD, Setup, openssl};
use crate::authority_server::{AuthorityServer, Mode};
use crate::witness::copy_folder;
use crate::witness_server::{TestWitness, policy};
use crate::world::{World, config};
use comptroller_app::evidence::ExportPack;
use comptroller_app::people::CreateTeam;
use comptroller_app::timestamp::{TimestampSettings, TimestampView};
use comptroller_app::witness::WitnessSettings;
use comptroller_app::{App, Call};
use comptroller_core::time::SystemClock;
use comptroller_ledger::pack::{PackReport, verify_pack};
use comptroller_ledger::verify::{FailureClass, Trust, VerifyError};
use comptroller_ledger::{Anchors, SignedCheckpoint, VerifierKey};
use comptroller_store::{Conn, Store, StoreError, TimestampRow, journal, timestamps};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const HOUR: Duration = Duration::from_hours(1);

fn settings(server: &AuthorityServer, every: Duration) -> TimestampSettings {
    let anchors = Anchors::from_pem(&server.authority.ca()).unwrap();
    TimestampSettings { url: server.url.clone(), every, anchors }
}

/// A world whose log is stamped by an authority that is set up so; none without OpenSSL.
async fn stamped(setup: Setup, every: Duration) -> Option<(World, AuthorityServer)> {
    let server = AuthorityServer::start(Authority::new(openssl()?, setup));
    let mut world = World::new().await;
    world.app.store().publish().await.unwrap();
    world.app = world.app.with_timestamps(settings(&server, every)).unwrap();
    Some((world, server))
}

async fn grow(app: &App, owner: Call, name: &str) {
    app.create_team(&owner, CreateTeam { slug: name.parse().unwrap() }).await.unwrap();
    app.store().publish().await.unwrap();
}

async fn view(app: &App) -> TimestampView {
    app.log().await.unwrap().time_stamp.unwrap()
}

async fn conn(app: &App) -> Conn {
    app.store().read().await.unwrap()
}

/// Exports a pack and verifies it with the authority's certificates.
async fn export(world: &World, trusted: Option<&AuthorityServer>) -> Result<PackReport, VerifyError> {
    let vkey: VerifierKey = world.app.store().signer().vkey().parse().unwrap();
    let timestamps = trusted.map(|server| Anchors::from_pem(&server.authority.ca()).unwrap());
    let trust = Trust { timestamps, ..Trust::of_keys([vkey]) };
    let pack = world.app.export_pack(&world.owner, ExportPack::default()).await.unwrap();
    verify_pack(pack.file, &trust)
}

/// Runs the followers until `done` says so.
async fn follow(app: &App, mut done: impl AsyncFnMut() -> bool) {
    let (stop, stopped) = watch::channel(false);
    let followers = tokio::spawn(app.clone().run_followers(stopped));
    let until = Instant::now() + Duration::from_secs(20);
    while !done().await {
        assert!(Instant::now() < until, "it did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(true).unwrap();
    followers.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_transaction_a_head_is_stamped_recorded_and_shown() {
    let Some((world, server)) = stamped(GOOD, Duration::from_millis(50)).await else { return };
    let signed = world.app.log().await.unwrap().signed_size;
    follow(&world.app, async || view(&world.app).await.stamped_size.is_some()).await;
    let shown = view(&world.app).await;
    assert_eq!((shown.stamped_size, shown.authority.as_deref()), (Some(signed), Some("Test Authority")));
    assert_eq!(shown.last_error, None);
    // The event stands in the log, with the digest of the token that is kept.
    let mut conn = conn(&world.app).await;
    let row = timestamps::newest(&mut conn).await.unwrap().unwrap();
    let entries = journal::entries(&mut conn, 0, i64::MAX).await.unwrap();
    let events: Vec<_> = entries.iter().filter(|row| row.kind == "ledger.timestamped").collect();
    assert_eq!(events.len(), 1);
    let token = comptroller_ledger::digest(&row.bytes().unwrap()).to_string();
    assert!(events[0].entry.contains(&token) && events[0].entry.contains("Test Authority"));
    assert_eq!(events[0].entry.matches("127.0.0.1").count(), 0);
    drop(conn);
    // Others agree: OpenSSL takes the stored token as one about the text of the stored head.
    let mut conn = world.app.store().read().await.unwrap();
    let head = journal::checkpoints(&mut conn, row.size, row.size, 1).await.unwrap().pop().unwrap();
    let text = SignedCheckpoint::parse(head.note.as_bytes()).unwrap().note().text().as_bytes().to_vec();
    assert!(server.authority.openssl_accepts(&row.bytes().unwrap(), &text));
    drop(conn);
    assert!(world.app.store().doctor(true).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_while_nothing_happens_or_too_soon() {
    let Some((world, server)) = stamped(GOOD, Duration::from_millis(300)).await else { return };
    follow(&world.app, async || view(&world.app).await.stamped_size.is_some()).await;
    // Its own event and the stream heads are no news.
    world.app.record_stream_heads().await.unwrap();
    let begun = Instant::now();
    follow(&world.app, async || begun.elapsed() > Duration::from_millis(1_500)).await;
    assert_eq!(server.questions(), 1);
    grow(&world.app, world.owner(), "later").await;
    let signed = world.app.log().await.unwrap().signed_size;
    follow(&world.app, async || view(&world.app).await.stamped_size >= Some(signed)).await;
    assert_eq!(server.questions(), 2);
    // After a restart the interval still counts from the last time-stamp.
    grow(&world.app, world.owner(), "latest").await;
    let restarted = App::new(world.app.store().clone()).unwrap();
    let restarted = restarted.with_timestamps(settings(&server, HOUR)).unwrap();
    let begun = Instant::now();
    follow(&restarted, async || begun.elapsed() > Duration::from_millis(500)).await;
    assert_eq!(server.questions(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_has_a_time_stamp_of_its_own_head_and_of_earlier_ones() {
    let Some((world, server)) = stamped(GOOD, HOUR).await else { return };
    let first = export(&world, Some(&server)).await.unwrap().log;
    assert_eq!(first.timestamps.iter().map(|stamp| stamp.size).collect::<Vec<_>>(), [first.size]);
    grow(&world.app, world.owner(), "later").await;
    let second = export(&world, Some(&server)).await.unwrap().log;
    let sizes: Vec<u64> = second.timestamps.iter().map(|stamp| stamp.size).collect();
    assert_eq!(sizes, [first.size, second.size]);
    assert!(second.timestamps.iter().all(|stamp| stamp.is_trusted));
    // The authority is gone: the pack is made all the same, with what there is.
    server.set(Mode::Status(503));
    grow(&world.app, world.owner(), "latest").await;
    let third = export(&world, Some(&server)).await.unwrap().log;
    assert_eq!(third.timestamps.iter().map(|stamp| stamp.size).collect::<Vec<_>>(), sizes);
    assert_eq!(view(&world.app).await.last_error.as_deref(), Some("it answered with HTTP status 503"));
    // Another authority is not the one that the auditor trusts.
    let stranger = AuthorityServer::start(Authority::new(openssl().unwrap(), GOOD));
    assert_eq!(export(&world, Some(&stranger)).await.unwrap_err().class, FailureClass::Timestamp);
    // Who does not ask for an authority learns that nobody vouches.
    let unasked = export(&world, None).await.unwrap().log;
    assert!(unasked.timestamps.iter().all(|stamp| !stamp.is_trusted));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_no_use_are_not_kept_and_named() {
    let Some((mut world, server)) = stamped(GOOD, HOUR).await else { return };
    for (mode, expected) in [
        (Mode::OtherNonce, "its nonce differs"),
        (Mode::OtherImprint, "other bytes"),
        (Mode::Flipped(1), "the signature is wrong"),
        (Mode::Bytes(vec![0x30; 200_000]), "longer than 69632 bytes"),
        (Mode::Bytes(b"<html>".to_vec()), "answer: "),
        (Mode::Bytes(vec![0x30, 5, 0x30, 3, 2, 1, 2]), "the authority refused: status 2"),
        (Mode::Status(302), "HTTP status 302"),
        (Mode::Status(500), "HTTP status 500"),
    ] {
        // A fresh memory, which does not rest after the failure before.
        world.app = world.app.with_timestamps(settings(&server, HOUR)).unwrap();
        server.set(mode.clone());
        export(&world, None).await.unwrap();
        let shown = view(&world.app).await;
        let error = shown.last_error.unwrap_or_default();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("127.0.0.1"), "{error}");
        assert_eq!((shown.stamped_size, shown.stamped_at), (None, None));
        // While it rests it is not asked again.
        let asked = server.questions();
        export(&world, None).await.unwrap();
        assert_eq!(server.questions(), asked, "{mode:?}");
    }
    assert_eq!(export(&world, Some(&server)).await.unwrap_err().class, FailureClass::Timestamp);
    world.app = world.app.with_timestamps(settings(&server, HOUR)).unwrap();
    server.set(Mode::Honest);
    export(&world, Some(&server)).await.unwrap();
    assert_eq!(view(&world.app).await.last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_vouches_for_is_refused() {
    let Some(openssl) = openssl() else { return };
    let known = AuthorityServer::start(Authority::new(openssl.clone(), GOOD));
    for setup in [GOOD, Setup { expired: true, ..GOOD }] {
        let server = AuthorityServer::start(Authority::new(openssl.clone(), setup));
        let trusted = if setup.expired { &server } else { &known };
        let mut world = World::new().await;
        let anchors = Anchors::from_pem(&trusted.authority.ca()).unwrap();
        let settings = TimestampSettings { url: server.url.clone(), every: HOUR, anchors };
        world.app = world.app.with_timestamps(settings).unwrap();
        export(&world, None).await.unwrap();
        let shown = view(&world.app).await;
        let error = shown.last_error.unwrap_or_default();
        assert!(error.contains("does not lead to a trusted authority"), "{setup:?}: {error}");
        assert_eq!(shown.stamped_size, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_authority_holds_up_nobody() {
    let Some((world, server)) = stamped(GOOD, Duration::from_millis(50)).await else { return };
    server.set(Mode::Silent);
    let (stop, stopped) = watch::channel(false);
    let followers = tokio::spawn(world.app.clone().run_followers(stopped));
    let began = Instant::now();
    while server.questions() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for name in ["a", "b", "c"] {
        grow(&world.app, world.owner(), name).await;
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    while view(&world.app).await.last_error.is_none() {
        assert!(began.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(view(&world.app).await.last_error.as_deref(), Some("no whole answer within 10 s"));
    stop.send(true).unwrap();
    followers.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_required_quorum_only_a_witnessed_head_is_stamped() {
    let Some((mut world, server)) = stamped(GOOD, Duration::from_millis(50)).await else { return };
    let witness = TestWitness::start("w.example/1", 1, world.app.store().signer().vkey().parse().unwrap());
    let policy = policy(&[witness.line("w0")], "all");
    let settings = WitnessSettings { policy, every: HOUR, require_quorum: true };
    world.app = world.app.with_witnesses(settings).unwrap();
    let begun = Instant::now();
    follow(&world.app, async || begun.elapsed() > Duration::from_millis(500)).await;
    assert_eq!(server.questions(), 0, "no head is shown yet");
    world.app.ask_witnesses().await;
    let witnessed = world.app.log().await.unwrap().witnessed_size;
    grow(&world.app, world.owner(), "later").await;
    follow(&world.app, async || view(&world.app).await.stamped_size.is_some()).await;
    assert_eq!(view(&world.app).await.stamped_size, witnessed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_store_asks_nobody_and_an_edited_token_is_not_packed() {
    let Some((world, server)) = stamped(GOOD, HOUR).await else { return };
    export(&world, Some(&server)).await.unwrap();
    let asked = server.questions();
    // A token that no longer verifies, as somebody with SQL would leave it.
    let mut conn = conn(&world.app).await;
    let row = timestamps::newest(&mut conn).await.unwrap().unwrap();
    drop(conn);
    world.app.store().close().await;
    let folder = world.folder.path().join("copy");
    copy_folder(world.folder.path(), &folder);
    let database = folder.join("db/comptroller.db");
    let bytes = std::fs::read(&database).unwrap();
    let part = &row.token.as_bytes()[200..260];
    let at = bytes.windows(part.len()).position(|window| window == part).unwrap();
    let mut edited = bytes.clone();
    edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&database, edited).unwrap();
    let store = Store::open(&config(&folder), Arc::new(SystemClock)).await.unwrap();
    let findings = store.doctor(false).await.unwrap();
    assert!(findings.found.iter().any(|found| found.place.contains("table timestamp_token, size")));
    let copy = World {
        clock: world.clock.clone(),
        app: App::new(store).unwrap(),
        owner: world.owner.clone(),
        folder: tempfile::tempdir().unwrap(),
    };
    assert_eq!(export(&copy, None).await.unwrap().log.timestamps, []);
    let app = copy.app.with_timestamps(settings(&server, Duration::from_millis(20))).unwrap();
    app.store().freeze();
    let begun = Instant::now();
    follow(&app, async || begun.elapsed() > Duration::from_millis(300)).await;
    assert_eq!(server.questions(), asked);
}

#[tokio::test]
async fn one_token_per_head_and_an_authority_by_plain_http_elsewhere_is_refused() {
    let Some((world, server)) = stamped(GOOD, HOUR).await else { return };
    // Two servers of one database stamped the same head: the first token stays, and there is one event.
    let row = TimestampRow::new(1, "Test Authority", b"token", 1);
    for expected in [true, false] {
        let row = row.clone();
        let recorded = world
            .app
            .store()
            .write::<_, StoreError, _>(move |tx| Box::pin(async move { timestamps::record(tx, &row).await }))
            .await
            .unwrap();
        assert_eq!(recorded.is_some(), expected);
    }
    let elsewhere = TimestampSettings { url: "http://tsa.example/".into(), ..settings(&server, HOUR) };
    let refused = world.app.with_timestamps(elsewhere).unwrap_err();
    assert!(refused.to_string().contains("https"), "{refused}");
}
