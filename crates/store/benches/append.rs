//! Durable events per second through the writer, with the disk's own fsync rate beside it. SQLite with FULL sync, and
//! PostgreSQL when `COMPTROLLER_TEST_POSTGRES_URL` names a server; say `fsync = on` there, or its numbers mean nothing.
//!
//! Five ways. One event a request: `act` looks something up and records a whole event (entry, projection, hashes,
//! commit), `record` records it without looking, `prepared` appends an entry made beforehand. As many events in one
//! request as the column says: `many` records whole events, `bulk` appends prepared entries. Prints a table and asserts
//! nothing: a number depends on the disk.
//!
//! `cargo bench -p comptroller-store --bench append -- [sqlite|postgresql] [WAY] [SIZE]` narrows the table; seconds per
//! cell in `COMPTROLLER_BENCH_SECONDS`, 3 by default.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use anyhow::Context;
use comptroller_core::Event;
use comptroller_core::ids::PrincipalId;
use comptroller_core::time::SystemClock;
use comptroller_ledger::{Entry, Hash, leaf_hash};
use comptroller_store::areas::people;
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{DbConfig, Draft, Store, StoreConfig, StoreError, keys};
use sqlx::{Connection, Executor};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const DATABASES: [&str; 2] = ["sqlite", "postgresql"];
const WAYS: [&str; 5] = ["act", "record", "prepared", "many", "bulk"];
/// Concurrent submitters, or entries of one request.
const SIZES: [usize; 4] = [1, 16, 256, 4_096];

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches too; there it only has to build.
    if !words.iter().any(|word| word == "--bench") {
        return Ok(());
    }
    let asked: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let seconds = std::env::var("COMPTROLLER_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir()?;
    println!("disk: {:.0} fdatasync/s (4 KiB appended each)", fsync_rate(folder.path())?);
    println!(
        "{:>10} {:>9} {:>6} {:>12} {:>10} {:>10}",
        "database", "way", "size", "events/s", "p50 ms", "p99 ms"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let postgres = std::env::var("COMPTROLLER_TEST_POSTGRES_URL").ok();
    let databases = [("sqlite", true), ("postgresql", postgres.is_some())];
    for (database, _) in databases.iter().filter(|(name, there)| *there && wanted(&asked, &DATABASES, name)) {
        for way in WAYS.iter().filter(|way| wanted(&asked, &WAYS, way)) {
            for size in
                SIZES.iter().filter(|size| wanted(&asked, &SIZES.map(|s| s.to_string()), &size.to_string()))
            {
                let place = folder.path().join(format!("{database}-{way}-{size}"));
                let db = match &postgres {
                    Some(url) if *database == "postgresql" => runtime.block_on(fresh_postgres(url))?,
                    _ => DbConfig::Sqlite(place.join("bench.db")),
                };
                let line = runtime.block_on(measure(&place, db, way, *size, time))?;
                println!(
                    "{database:>10} {way:>9} {size:>6} {:>12.0} {:>10.2} {:>10.2}",
                    line.0, line.1, line.2
                );
            }
        }
    }
    Ok(())
}

/// Whether nothing of this kind was asked for, or this.
fn wanted(asked: &[&str], kind: &[impl AsRef<str>], name: &str) -> bool {
    let mut of_kind = asked.iter().filter(|word| kind.iter().any(|k| k.as_ref() == **word)).peekable();
    of_kind.peek().is_none() || of_kind.any(|word| *word == name)
}

/// A new database on the server, left behind when the bench ends.
async fn fresh_postgres(url: &str) -> anyhow::Result<DbConfig> {
    let name = format!("ct_bench_{}", hex::encode(keys::random::<8>()?));
    let mut conn = sqlx::PgConnection::connect(url).await.context("COMPTROLLER_TEST_POSTGRES_URL")?;
    conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    conn.close().await?;
    let (server, _) = url.rsplit_once('/').context("COMPTROLLER_TEST_POSTGRES_URL has no database name")?;
    Ok(DbConfig::Postgres(format!("{server}/{name}")))
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
    db: DbConfig,
    way: &'static str,
    size: usize,
    time: Duration,
) -> anyhow::Result<(f64, f64, f64)> {
    let config = StoreConfig {
        db,
        objects: ObjectsConfig::Local { path: place.join("objects") },
        keys: place.join("keys"),
        guard: place.join("guard"),
        host: "bench.example.org".to_owned(),
        organisation: "bench".parse()?,
    };
    let store = Store::open(&config, Arc::new(SystemClock)).await?;
    let sequence = Arc::new(AtomicU64::new(0));
    let is_bulk = matches!(way, "bulk" | "many");
    let submitters = if is_bulk { 2 } else { size };
    let began = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|_| {
            let (store, sequence) = (store.clone(), Arc::clone(&sequence));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while began.elapsed() < time {
                    let sent = Instant::now();
                    match way {
                        "act" => act(&store).await?,
                        "record" => record(&store).await?,
                        "many" => many(&store, size).await?,
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
    let events = u32::try_from(latencies.len() * if is_bulk { size } else { 1 })?;
    store.close().await;
    Ok((f64::from(events) / elapsed, at(50), at(99)))
}

/// One event alone.
async fn record(store: &Store) -> anyhow::Result<()> {
    store.record(draft(store)?).await.context("record")?;
    Ok(())
}

/// The smallest use case that decides something: looks whether the name is free, then records.
async fn act(store: &Store) -> anyhow::Result<()> {
    let draft = draft(store)?;
    let Event::ServiceAccountAdded { slug, .. } = &draft.event else { anyhow::bail!("another event") };
    let name = slug.to_string();
    store
        .write(move |tx| {
            Box::pin(async move {
                if people::principal(tx.conn(), &name).await?.is_some() {
                    return Err(StoreError::Conflict("the name"));
                }
                tx.record(draft).await
            })
        })
        .await
        .context("act")?;
    Ok(())
}

/// Many events of one use case.
async fn many(store: &Store, count: usize) -> anyhow::Result<()> {
    let drafts = (0..count).map(|_| draft(store)).collect::<anyhow::Result<Vec<_>>>()?;
    store
        .write(move |tx| {
            Box::pin(async move {
                for draft in drafts {
                    tx.record(draft).await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .await
        .context("many")
}

fn draft(store: &Store) -> anyhow::Result<Draft> {
    let principal = PrincipalId::new(store.clock().now(), keys::random()?);
    let slug = format!("r-{}", hex::encode(keys::random::<8>()?)).parse()?;
    let event = Event::ServiceAccountAdded { principal, slug };
    Ok(Draft::new("system", event).about("principal", &principal))
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
