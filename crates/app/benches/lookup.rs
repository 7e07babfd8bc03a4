//! How long it takes to find one prediction among a hundred million, with everything that the act does: the decision
//! whether the caller may, the search, the record, the version and deployment behind it, and the event that somebody
//! looked.
//!
//! `cargo bench -p comptroller-app --bench lookup -- [BLOCKS]` (default 1,526 full blocks, 100,007,936 predictions; takes
//! some minutes and 1.2 GB of disk to set up). Every block has its real filter and index of ids. A few have their real
//! files of 20 columns, and what is looked for is in those; the others are opened by nobody, because an index says that
//! the filter was wrong. Prints numbers, asserts none.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/it/world.rs"]
mod world;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use comptroller_app::deploy::Deploy;
use comptroller_app::predictions::{Format, IngestSettings, SendRecords};
use comptroller_app::{App, Call, Caller};
use comptroller_core::ids::{BlockId, SystemId, UploadId, VersionId};
use comptroller_core::vocab::RecordKind;
use comptroller_core::{Environment, Event, Role, Timestamp};
use comptroller_lake::block::{MAX_BLOCK_ROWS, seal};
use comptroller_lake::filter::IdFilter;
use comptroller_lake::index;
use comptroller_lake::records::Records;
use comptroller_store::artifacts::{encrypt_part, store_part};
use comptroller_store::{Draft, Store, keys};
use world::World;

const BLOCKS: usize = 1_526;
/// Blocks with their files.
const REAL: usize = 24;
const LOOKUPS: usize = 1_000;
const FIRST_DAY: usize = 20_000;
/// Blocks of a day.
const BLOCKS_A_DAY: usize = 17;

fn id(number: usize) -> String {
    format!("order-{number:09}")
}

fn lines(block: usize) -> String {
    let mut text = String::new();
    for row in 0..MAX_BLOCK_ROWS {
        let number = block * MAX_BLOCK_ROWS + row;
        write!(
            text,
            "{{\"id\":\"{}\",\"prediction\":\"good\",\"score\":0.{number},\"inputs\":{{",
            id(number)
        )
        .unwrap();
        for column in 0..20 {
            let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(column * 7 + 1) >> 12;
            let comma = if column == 0 { "" } else { "," };
            write!(text, "{comma}\"x{column}\":{mixed}.5").unwrap();
        }
        text.push_str("}}\n");
    }
    text
}

async fn add_block(store: &Store, (system, version): (SystemId, VersionId), block: usize, is_real: bool) {
    let environment = Environment::Dev;
    let day = FIRST_DAY + block / BLOCKS_A_DAY;
    let at = Timestamp::from_micros(day as i64 * 86_400_000_000);
    let made = tokio::task::spawn_blocking(move || {
        let ids: Vec<String> = (0..MAX_BLOCK_ROWS).map(|row| id(block * MAX_BLOCK_ROWS + row)).collect();
        if !is_real {
            let all = || ids.iter().map(String::as_str);
            return (
                Bytes::from_static(b"file"),
                IdFilter::of(all(), ids.len()).to_bytes(),
                index::of(all()),
            );
        }
        let text = lines(block);
        let parts: Vec<Records> = text
            .as_bytes()
            .chunk_by(|letter, _| *letter != b'\n')
            .collect::<Vec<_>>()
            .chunks(16_384)
            .map(|lines| {
                Records::read(RecordKind::Prediction, Format::Ndjson, &lines.concat(), at.micros()).unwrap()
            })
            .collect();
        let sealed = seal(&Records::concat(&parts).unwrap(), &[7; 32]).unwrap();
        (sealed.parquet, sealed.filter.to_vec(), sealed.index.to_vec())
    });
    let (file, filter, index) = made.await.unwrap();
    let name = format!("predictions/{version}/{environment}/{day}");
    let key = store.write(move |tx| Box::pin(async move { tx.data_key(&name).await })).await.unwrap();
    let block = BlockId::new(at, keys::random().unwrap());
    let place: UploadId = block.to_string().parse().unwrap();
    let digest = comptroller_ledger::digest(&file).to_string().parse().unwrap();
    let (bytes, filter_bytes) = (file.len() as u64, filter.len() as u64);
    for (number, part) in (1..).zip([file, filter.into(), index.into()]) {
        let sealed = encrypt_part(&key, place, number, part).await.unwrap();
        store_part(store.objects(), &key, place, sealed).await.unwrap();
    }
    let event = Event::PredictionsSealed {
        block,
        records: RecordKind::Prediction,
        system,
        version,
        environment,
        day: day as u32,
        rows: MAX_BLOCK_ROWS as u32,
        root: "00".repeat(32).parse().unwrap(),
        digest,
        bytes,
        filter_bytes,
        first_at: at,
        last_at: at,
    };
    store.record(Draft::new("system", event)).await.unwrap();
}

/// `scorer@1` runs in dev and has one record; answers who looks, and whose it is.
async fn serving(world: &World) -> (Caller, (SystemId, VersionId)) {
    let developer = world.person("dev", &[Role::Developer], None).await;
    let deployer = world.person("deployer", &[Role::Deployer], None).await;
    let risk = world.person("risk", &[Role::RiskOfficer], None).await;
    world.system(&developer).await;
    world.version(&developer, "1", 0.9).await;
    let deploy =
        Deploy { version: "scorer@1".into(), environment: Environment::Dev, reason: "a bench".into() };
    world.app.deploy(&Call::new(deployer), deploy).await.unwrap();
    let runtime = world.runtime().await;
    let send = SendRecords {
        records: RecordKind::Prediction,
        version: "scorer@1".into(),
        environment: Environment::Dev,
        batch: "first".into(),
        format: Format::Ndjson,
    };
    world.app.record_predictions(&runtime, send, Bytes::from_static(b"{\"id\":\"first\"}\n")).await.unwrap();
    let view = world.app.prediction(&risk, "scoring", "first").await.unwrap();
    (risk, (view.system, view.version))
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{what:46} p50 {:>7.2} ms  p99 {:>7.2} ms  max {:>7.2} ms", at(50), at(99), at(100));
}

async fn timed(app: &App, caller: &Caller, ids: impl Iterator<Item = (String, bool)>) -> Vec<Duration> {
    let mut times = Vec::new();
    for (id, is_there) in ids {
        let begun = Instant::now();
        let found = app.prediction(caller, "scoring", &id).await;
        times.push(begun.elapsed());
        assert_eq!(found.is_ok(), is_there, "{id}: {found:?}");
    }
    times
}

#[tokio::main]
async fn main() {
    let blocks = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(BLOCKS);
    let world = World::new().await;
    let (risk, whose) = serving(&world).await;
    let store = world.app.store();
    let begun = Instant::now();
    let step = blocks.div_ceil(REAL);
    for block in 0..blocks {
        add_block(store, whose, block, block % step == 0).await;
    }
    println!("{} predictions in {blocks} blocks, made in {:.0?}", blocks * MAX_BLOCK_ROWS, begun.elapsed());

    let wal = world.folder.path().join("second");
    let settings =
        IngestSettings { wal, seal_after: Duration::from_secs(3_600), memory: 16 << 20, filters: 512 << 20 };
    let app = App::new(store.clone()).unwrap().with_ingest(settings).await.unwrap();
    let known = |seed: usize, count: usize| {
        (0..count).map(move |n| {
            let place = (n + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let block = place % blocks.div_ceil(step) * step;
            (id(block * MAX_BLOCK_ROWS + place / 64 % MAX_BLOCK_ROWS), true)
        })
    };
    print("the first after a start (reads every filter)", timed(&app, &risk, known(1, 1)).await);
    print("one that is there", timed(&app, &risk, known(2, LOOKUPS)).await);
    let unknown = (0..LOOKUPS).map(|n| (format!("nobody-{n}"), false));
    print("one that is not", timed(&app, &risk, unknown).await);
}
