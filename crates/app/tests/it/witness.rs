//! The log is witnessed: cosignatures are asked for, verified, kept and shown, and a witness that has seen another log
//! turns the store read-only.

use crate::witness_server::{Mode, TestWitness, policy};
use crate::world::{World, config};
use comptroller_app::evidence::ExportPack;
use comptroller_app::ledger::LogView;
use comptroller_app::people::CreateTeam;
use comptroller_app::witness::{Asked, WitnessSettings};
use comptroller_app::{App, AppError, Call};
use comptroller_core::time::SystemClock;
use comptroller_ledger::pack::verify_pack;
use comptroller_ledger::verify::{FailureClass, Trust};
use comptroller_ledger::witness::WitnessState;
use comptroller_ledger::{Policy, SignedCheckpoint, VerifierKey};
use comptroller_store::{CosignatureRow, DbConfig, Store};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const FOREVER: Duration = Duration::from_hours(1);

fn vkey(app: &App) -> VerifierKey {
    app.store().signer().vkey().parse().unwrap()
}

fn settings(policy: Policy, every: Duration, require_quorum: bool) -> WitnessSettings {
    WitnessSettings { policy, every, require_quorum }
}

/// A world with one entry more each time this is called.
async fn grow(world: &World, name: &str) {
    let team = CreateTeam { slug: name.parse().unwrap() };
    world.app.create_team(&world.owner(), team).await.unwrap();
    world.app.store().publish().await.unwrap();
}

/// A world whose log has one witness.
async fn witnessed(require_quorum: bool) -> (World, TestWitness) {
    let mut world = World::new().await;
    world.app.store().publish().await.unwrap();
    let witness = TestWitness::start("w.example/1", 1, vkey(&world.app));
    let policy = policy(&[witness.line("w0")], "all");
    world.app = world.app.with_witnesses(settings(policy, FOREVER, require_quorum)).unwrap();
    (world, witness)
}

async fn problem(app: &App) -> String {
    app.log().await.unwrap().witnesses[0].last_error.clone().unwrap_or_default()
}

fn served(text: Option<String>) -> SignedCheckpoint {
    SignedCheckpoint::parse(text.unwrap().as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_cosigned_shown_and_exported() {
    let mut world = World::new().await;
    world.app.store().publish().await.unwrap();
    let first = TestWitness::start("w.example/1", 1, vkey(&world.app));
    let second = TestWitness::start("w.example/2", 7, vkey(&world.app));
    let policy = policy(&[first.line("w0"), second.line("w1")], "all");
    world.app = world.app.with_witnesses(settings(policy.clone(), FOREVER, true)).unwrap();
    assert_eq!(world.app.checkpoint().await.unwrap(), None, "nothing is shown before the quorum");
    assert_eq!(world.app.ask_witnesses().await, Asked { witnesses: 2, answered: 2 });
    let shown = served(world.app.checkpoint().await.unwrap());
    assert_eq!(policy.check_quorum(&shown).unwrap().len(), 2);

    // A later head is not shown before it reached the quorum.
    grow(&world, "later").await;
    let log: LogView = world.app.log().await.unwrap();
    assert_eq!(log.witnessed_size, Some(shown.checkpoint().size));
    assert_eq!(log.witnesses[1].lag, log.signed_size - shown.checkpoint().size);
    assert_eq!(served(world.app.checkpoint().await.unwrap()), shown);
    second.set(Mode::Status(503));
    let refused = world.app.export_pack(&world.owner, ExportPack::default()).await.unwrap_err();
    assert!(matches!(refused, AppError::Conflict(_)), "{refused}");
    second.set(Mode::Honest);
    world.app.ask_witnesses().await;

    let trust = |policy| Trust { policy: Some(policy), ..Trust::of_keys([vkey(&world.app)]) };
    let pack = world.app.export_pack(&world.owner, ExportPack::default()).await.unwrap();
    let report = verify_pack(pack.file, &trust(policy.clone())).unwrap();
    assert_eq!(report.log.cosigned_by.len(), 2);
    assert_eq!(report.log.cosigned_by[0].time, 1_800_000_000);
    // The same pack does not pass a quorum that asks for somebody else.
    let stranger = TestWitness::start("w.example/3", 9, vkey(&world.app));
    let other = crate::witness_server::policy(&[stranger.line("w0")], "all");
    let pack = world.app.export_pack(&world.owner, ExportPack::default()).await.unwrap();
    assert_eq!(verify_pack(pack.file, &trust(other)).unwrap_err().class, FailureClass::Quorum);
    assert!(first.old_sizes().windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", first.old_sizes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_head_that_reached_the_quorum_stays_however_long_ago_that_was() {
    let (world, witness) = witnessed(true).await;
    world.app.ask_witnesses().await;
    let shown = world.app.checkpoint().await.unwrap();
    let size = served(shown.clone()).checkpoint().size as i64;
    for more in 1..=250 {
        // Another witness, which is not in the policy, has cosigned since.
        let other =
            CosignatureRow { size: size + more, witness: "x".into(), line: "x".into(), cosigned_at: 1 };
        world.app.store().add_cosignature(&other).await.unwrap();
    }
    assert_eq!(world.app.checkpoint().await.unwrap(), shown);
    // Also for a process that has not seen it happen.
    let policy = policy(&[witness.line("w0")], "all");
    let fresh = App::new(world.app.store().clone()).unwrap();
    let fresh = fresh.with_witnesses(settings(policy, FOREVER, true)).unwrap();
    assert_eq!(fresh.checkpoint().await.unwrap(), shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_required_quorum_the_newest_head_is_shown() {
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    let size = world.app.log().await.unwrap().signed_size;
    assert_eq!(served(world.app.checkpoint().await.unwrap()).note().signatures().len(), 2);
    grow(&world, "later").await;
    let shown = served(world.app.checkpoint().await.unwrap());
    assert!(shown.checkpoint().size > size);
    assert_eq!(shown.note().signatures().len(), 1);
    witness.set(Mode::Status(404));
    let pack = world.app.export_pack(&world.owner, ExportPack::default()).await.unwrap();
    verify_pack(pack.file, &Trust::of_keys([vkey(&world.app)])).unwrap();
    assert!(problem(&world.app).await.contains("add the origin"), "{}", problem(&world.app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_answered_once_with_the_size_that_the_witness_told() {
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    let before = witness.state();
    grow(&world, "later").await;
    world.app.ask_witnesses().await;
    // The witness went back to an older state, for example from its own back-up.
    witness.put_state(before);
    grow(&world, "latest").await;
    assert_eq!(world.app.ask_witnesses().await.answered, 1);
    assert_eq!(witness.state().size, world.app.log().await.unwrap().signed_size);
    let asked = witness.old_sizes();
    assert_eq!(asked[asked.len() - 1], before.size);
    assert!(!world.app.store().is_read_only());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_no_use_are_not_kept_and_named() {
    for (mode, expected) in [
        (Mode::WrongKey, "not a cosignature of this head by its key"),
        (Mode::Garbage, "not a cosignature of this head by its key"),
        (Mode::Huge, "longer than 65536 bytes"),
        (Mode::Status(403), "HTTP status 403: it does not accept the log's signature"),
        (Mode::Status(302), "HTTP status 302"),
        (Mode::Status(409), "not a size"),
        (Mode::Status(500), "HTTP status 500"),
    ] {
        let (world, witness) = witnessed(false).await;
        witness.set(mode);
        assert_eq!(world.app.ask_witnesses().await, Asked { witnesses: 1, answered: 0 });
        let log = world.app.log().await.unwrap();
        let error = problem(&world.app).await;
        assert!(error.contains(expected), "{mode:?}: {error}");
        assert!(!error.contains("127.0.0.1"), "{error}");
        assert_eq!((log.witnesses[0].cosigned_size, log.witnessed_size, log.read_only), (None, None, false));
        // It recovers.
        witness.set(Mode::Honest);
        world.app.ask_witnesses().await;
        assert_eq!(problem(&world.app).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_witness_holds_up_nobody() {
    let mut world = World::new().await;
    world.app.store().publish().await.unwrap();
    let silent = TestWitness::start("w.example/1", 1, vkey(&world.app));
    silent.set(Mode::Silent);
    let good = TestWitness::start("w.example/2", 7, vkey(&world.app));
    let policy = policy(&[silent.line("w0"), good.line("w1")], "any");
    let every = Duration::from_millis(50);
    world.app = world.app.with_witnesses(settings(policy, every, false)).unwrap();
    let (stop, stopped) = watch::channel(false);
    let followers = tokio::spawn(world.app.clone().run_followers(stopped));
    let began = Instant::now();
    wait_for(|| good.state().size > 0).await;
    grow(&world, "later").await;
    let signed = world.app.log().await.unwrap().signed_size;
    wait_for(|| good.state().size >= signed).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_secs(11).saturating_sub(began.elapsed())).await;
    assert!(problem(&world.app).await.contains("no whole answer within 10 s"));
    stop.send(true).unwrap();
    followers.await.unwrap();
}

async fn wait_for(mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < until, "it did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn append_only_a_witness_that_saw_more_turns_the_store_read_only() {
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    // Nothing is being written, so the copy is whole.
    let backup = world.folder.path().join("backup");
    copy_folder(world.folder.path(), &backup);
    grow(&world, "later").await;
    assert_eq!(world.app.ask_witnesses().await.answered, 1);
    let seen = witness.state().size;

    // Everything of ours is put back: database, guard file and published objects agree with each other.
    let store = Store::open(&config(&backup), Arc::new(SystemClock)).await.unwrap();
    assert!(!store.is_read_only(), "only the witness can know");
    let settings = settings(policy(&[witness.line("w0")], "all"), FOREVER, false);
    let restored = App::new(store).unwrap().with_witnesses(settings).unwrap();
    restored.ask_witnesses().await;
    assert!(restored.store().is_read_only());
    let owner = Call::new(world.owner.clone());
    let refused = restored.create_team(&owner, CreateTeam { slug: "other".parse().unwrap() }).await;
    assert!(matches!(refused, Err(AppError::ReadOnly(_))), "{refused:?}");
    assert!(problem(&restored).await.contains(&format!("has cosigned {seen} entries")));
    assert_eq!(witness.state().size, seen);
    assert!(restored.log().await.unwrap().read_only);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_only_a_witness_of_another_history_turns_the_store_read_only() {
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    // The same size, another root.
    let agreed = witness.state();
    witness.put_state(WitnessState { root: comptroller_ledger::digest(b"another"), ..agreed });
    world.app.ask_witnesses().await;
    assert!(world.app.store().is_read_only());

    // A smaller size, another root: the log grew on the wrong branch.
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    witness.put_state(WitnessState { root: comptroller_ledger::digest(b"another"), ..witness.state() });
    grow(&world, "later").await;
    world.app.ask_witnesses().await;
    assert!(problem(&world.app).await.contains("another history"), "{}", problem(&world.app).await);
    assert!(world.app.store().is_read_only());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_any_answer_goes_on_and_an_edited_line_is_not_shown() {
    let (world, witness) = witnessed(false).await;
    world.app.ask_witnesses().await;
    world.app.store().close().await;
    // A copy, because the world still holds the lock of its database.
    let folder = world.folder.path().join("copy");
    copy_folder(world.folder.path(), &folder);
    let DbConfig::Sqlite(path) = config(&folder).db else { unreachable!() };
    let bytes = std::fs::read(&path).unwrap();
    let line = b"w.example/1 ";
    let at = bytes.windows(line.len()).rposition(|window| window == line).unwrap();
    let mut edited = bytes.clone();
    // One character of the base64 signature.
    let place = at + line.len() + 40;
    edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
    std::fs::write(&path, edited).unwrap();
    let store = Store::open(&config(&folder), Arc::new(SystemClock)).await.unwrap();
    let policy = policy(&[witness.line("w0")], "all");
    let app = App::new(store).unwrap().with_witnesses(settings(policy, FOREVER, false)).unwrap();
    assert_eq!(served(app.checkpoint().await.unwrap()).note().signatures().len(), 1);
    witness.set(Mode::Status(503));
    assert_eq!(app.ask_witnesses().await, Asked { witnesses: 1, answered: 0 });
    assert!(!app.store().is_read_only());
}

#[tokio::test]
async fn a_witness_by_plain_http_elsewhere_is_refused() {
    let world = World::new().await;
    let line = TestWitness::start("w.example/1", 1, vkey(&world.app)).line("w0");
    let policy = policy(&[line.replace("127.0.0.1", "w.example")], "all");
    let refused = world.app.clone().with_witnesses(settings(policy, FOREVER, false)).unwrap_err();
    assert!(refused.to_string().contains("https"), "{refused}");
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path() == to {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
