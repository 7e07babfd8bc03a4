//! Prints how long it takes to decide about 10,000 running systems by 100 rules: the first time, when every decision
//! is recorded, and again after a change that nothing comes of. Asserts nothing: numbers of one machine are no test.

mod fill;

use comptroller_app::App;
use comptroller_app::operate::Watch;
use comptroller_core::time::SystemClock;
use comptroller_store::Store;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

const SYSTEMS: usize = 10_000;
const RULES: usize = 100;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; a few systems show that it works.
    let testing = std::env::args().all(|argument| argument != "--bench");
    let systems = if testing { 20 } else { SYSTEMS };
    let folder = tempfile::tempdir()?;
    let store = Store::open(&fill::config(folder.path())?, Arc::new(SystemClock)).await?;
    fill::fill(&store, systems, RULES).await?;
    let app = App::new(store.clone())?;
    let mut out = std::io::stdout().lock();
    let mut watch = Watch::default();
    let start = Instant::now();
    let changed = app.watch_operations(&mut watch).await?;
    writeln!(
        out,
        "{systems} systems, {RULES} rules: first decisions, {changed} recorded  {:>7.2?}",
        start.elapsed()
    )?;
    fill::activate(&store, RULES, 1).await?;
    let start = Instant::now();
    let changed = app.watch_operations(&mut watch).await?;
    writeln!(
        out,
        "{systems} systems, {RULES} rules: decided again, {changed} changed     {:>7.2?}",
        start.elapsed()
    )?;
    Ok(())
}
