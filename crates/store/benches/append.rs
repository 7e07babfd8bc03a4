//! Durable events per second through the writer, with the disk's own fsync rate beside it. SQLite, FULL sync.
//!
//! Three ways: `record` is the whole path of a use case (entry, projection, hashes, commit), one event a request;
//! `prepared` appends entries made beforehand, one a request; `bulk` puts as many prepared entries as the column says
//! into one request. Prints a table and asserts nothing: a number depends on the disk.
//!
//! `cargo bench -p comptroller-store --bench append`; seconds per cell in `COMPTROLLER_BENCH_SECONDS`, 3 by default.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use anyhow::Context;
use comptroller_core::Event;
use comptroller_core::ids::PrincipalId;
use comptroller_core::time::SystemClock;
use comptroller_ledger::{Entry, Hash, leaf_hash};
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{DbConfig, Draft, Store, StoreConfig, StoreError, keys};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Concurrent submitters, or entries of one request.
const SIZES: [usize; 4] = [1, 16, 256, 4_096];

fn main() -> anyhow::Result<()> {
    // `cargo test` runs benches too; there it only has to build.
    if std::env::args().any(|arg| arg == "--test") || !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let seconds = std::env::var("COMPTROLLER_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir()?;
    println!("disk: {:.0} fdatasync/s (4 KiB appended each)", fsync_rate(folder.path())?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("{:>9} {:>6} {:>12} {:>10} {:>10}", "way", "size", "events/s", "p50 ms", "p99 ms");
    for way in ["record", "prepared", "bulk"] {
        for size in SIZES {
            let place = folder.path().join(format!("{way}-{size}"));
            let line = runtime.block_on(measure(&place, way, size, time))?;
            println!("{way:>9} {size:>6} {:>12.0} {:>10.2} {:>10.2}", line.0, line.1, line.2);
        }
    }
    Ok(())
}

fn fsync_rate(folder: &Path) -> anyhow::Result<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("fsync"))?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Events per second, and p50 and p99 of the time to the acknowledgement in milliseconds.
async fn measure(
    place: &Path,
    way: &'static str,
    size: usize,
    time: Duration,
) -> anyhow::Result<(f64, f64, f64)> {
    let config = StoreConfig {
        db: DbConfig::Sqlite(place.join("bench.db")),
        objects: ObjectsConfig::Local { path: place.join("objects") },
        keys: place.join("keys"),
        guard: place.join("guard"),
        host: "bench.example.org".to_owned(),
        organisation: "bench".parse()?,
    };
    let store = Store::open(&config, Arc::new(SystemClock)).await?;
    let sequence = Arc::new(AtomicU64::new(0));
    let submitters = if way == "bulk" { 2 } else { size };
    let began = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|_| {
            let (store, sequence) = (store.clone(), Arc::clone(&sequence));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while began.elapsed() < time {
                    let sent = Instant::now();
                    match way {
                        "record" => record(&store).await?,
                        "prepared" => prepared(&store, &sequence, 1).await?,
                        _ => prepared(&store, &sequence, size).await?,
                    }
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: usize| {
        latencies.get(latencies.len() * share / 100).map_or(0.0, |l| l.as_secs_f64() * 1_000.0)
    };
    let events = u32::try_from(latencies.len() * if way == "bulk" { size } else { 1 })?;
    store.close().await;
    Ok((f64::from(events) / elapsed, at(50), at(99)))
}

async fn record(store: &Store) -> anyhow::Result<()> {
    let principal = PrincipalId::new(store.clock().now(), keys::random()?);
    let slug = format!("r-{}", hex::encode(keys::random::<8>()?)).parse()?;
    let draft =
        Draft::new("system", Event::ServiceAccountAdded { principal, slug }).about("principal", &principal);
    store.write(move |tx| Box::pin(async move { tx.record(draft).await })).await.context("record")?;
    Ok(())
}

async fn prepared(store: &Store, sequence: &AtomicU64, count: usize) -> anyhow::Result<()> {
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(entry(store, sequence.fetch_add(1, Ordering::Relaxed))?);
    }
    store
        .write(move |tx| {
            Box::pin(async move {
                for (entry, bytes, leaf) in entries {
                    tx.append_prepared(entry, bytes, leaf);
                }
                Ok::<(), StoreError>(())
            })
        })
        .await
        .context("prepared")
}

/// About 300 bytes, as a typical event has.
fn entry(store: &Store, seq: u64) -> anyhow::Result<(Entry, String, Hash)> {
    let now = store.clock().now();
    let principal = PrincipalId::new(now, keys::random()?);
    let entry = Entry {
        v: 1,
        org: store.org().to_string(),
        stream: "bench".to_owned(),
        stream_seq: seq,
        kind: "principal.disabled".to_owned(),
        occurred_at: now.micros(),
        recorded_at: now.micros(),
        actor: "system".to_owned(),
        subjects: vec![format!("principal/{principal}")],
        idempotency_key: None,
        data: serde_json::json!({ "principal": principal }),
        commitments: Vec::new(),
    };
    let bytes = entry.to_bytes()?;
    let leaf = leaf_hash(&bytes);
    Ok((entry, String::from_utf8(bytes)?, leaf))
}
