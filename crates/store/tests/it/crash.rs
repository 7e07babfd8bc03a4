//! SIGKILL at random moments: every acknowledged event is there afterwards, and the log is whole.

use crate::support::{Bed, Kind, account, config, on_both};
use anyhow::Context;
use comptroller_core::time::SystemClock;
use comptroller_store::{DbConfig, Store, journal, keys};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

on_both!(kill_nine_loses_no_acknowledged_event);

const FOLDER: &str = "COMPTROLLER_TEST_CHILD_FOLDER";
const DATABASE: &str = "COMPTROLLER_TEST_CHILD_DATABASE";
const ROUNDS: u32 = 6;

/// Not a test of its own: what the killed process runs. Without the variables it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child_appends_until_killed() -> anyhow::Result<()> {
    let (Ok(folder), Ok(database)) = (std::env::var(FOLDER), std::env::var(DATABASE)) else { return Ok(()) };
    let config = config(Path::new(&folder), database.parse::<DbConfig>()?);
    let store = Store::open(&config, Arc::new(SystemClock)).await?;
    for _ in 0..16 {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let slug = format!("r-{}", hex::encode(keys::random::<8>()?));
                let (principal, draft) = account(store.clock().now(), &slug)?;
                let idx = store.write(move |tx| Box::pin(async move { tx.record(draft).await })).await?;
                // Acknowledged: from here on the parent holds us to it.
                writeln!(std::io::stdout().lock(), "\nack {idx} {principal}")?;
            }
            #[expect(unreachable_code, reason = "gives the block its type")]
            anyhow::Ok(())
        });
    }
    loop {
        store.publish().await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn kill_nine_loses_no_acknowledged_event(bed: Bed) -> anyhow::Result<()> {
    let database = match &bed.config.db {
        DbConfig::Sqlite(path) => path.display().to_string(),
        DbConfig::Postgres(url) => url.clone(),
    };
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "crash::child_appends_until_killed", "--nocapture"])
            .env(FOLDER, bed.dir.path())
            .env(DATABASE, &database)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().context("a pipe")?;
        let (first, began) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // A line cut off by the kill has no second word, or a short one.
                let words: Vec<&str> = line.split(' ').collect();
                if let ["ack", idx, id] = words.as_slice()
                    && id.len() == 36
                    && let Ok(idx) = idx.parse::<i64>()
                {
                    let _ = first.send(());
                    acknowledged.push((idx, (*id).to_owned()));
                }
            }
            acknowledged
        });
        began.recv_timeout(Duration::from_mins(1)).context("the child acknowledged nothing")?;
        if bed.kind == Kind::Sqlite {
            assert!(bed.open().await.is_err(), "a second process on one SQLite file is refused");
        }
        let [millis] = keys::random::<1>()?;
        tokio::time::sleep(Duration::from_millis(u64::from(millis) * 2)).await;
        child.kill()?;
        child.wait()?;
        let acknowledged = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        anyhow::ensure!(!acknowledged.is_empty(), "round {round} acknowledged nothing");

        let store = bed.open().await?;
        assert!(!store.is_read_only());
        let mut conn = store.read().await?;
        for (idx, id) in &acknowledged {
            let rows = journal::entries(&mut conn, *idx, *idx + 1).await?;
            let row =
                rows.first().with_context(|| format!("round {round}: acknowledged event {idx} is lost"))?;
            anyhow::ensure!(row.entry.contains(id.as_str()), "round {round}: event {idx} is another one");
        }
        drop(conn);
        store.publish().await?;
        let findings = store.doctor(false).await?;
        anyhow::ensure!(findings.is_clean(), "round {round}: {findings:#?}");
        let findings = store.rebuild_check().await?;
        anyhow::ensure!(findings.is_clean(), "round {round}: {findings:#?}");
        store.close().await;
        total += acknowledged.len();
    }
    anyhow::ensure!(total > ROUNDS as usize, "only {total} events in all rounds");
    Ok(())
}
