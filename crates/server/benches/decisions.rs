//! Prints how long a decision takes over HTTP while 200 rules are in force: recorded before it is answered, asked by
//! one client and by eight at a time. Asserts nothing: numbers of one machine are no test.

#[path = "../../app/benches/fill/mod.rs"]
mod fill;

use anyhow::Context as _;
use comptroller_app::access::IssueToken;
use comptroller_app::people::{AddServiceAccount, ChangeRole};
use comptroller_app::{App, Call};
use comptroller_core::time::SystemClock;
use comptroller_core::{Environment, Role};
use comptroller_server::{ServerConfig, serve};
use comptroller_store::Store;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const RULES: usize = 200;
const QUESTIONS: usize = 2_000;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; a few questions show that it works.
    let testing = std::env::args().all(|argument| argument != "--bench");
    let questions = if testing { 16 } else { QUESTIONS };
    let folder = tempfile::tempdir()?;
    let store = Store::open(&fill::config(folder.path())?, Arc::new(SystemClock)).await?;
    fill::fill(&store, 1, RULES).await?;
    let app = App::new(store)?;
    let token = pipeline(&app).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/v1/gate", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(app, ServerConfig::default(), listener, async {
        let _ = stopped.await;
    }));
    let mut out = std::io::stdout().lock();
    for clients in [1, 8] {
        let asked = (0..clients).map(|_| {
            let (url, token) = (url.clone(), token.clone());
            tokio::task::spawn_blocking(move || ask(&url, &token, questions / clients))
        });
        let mut times = Vec::new();
        for client in asked.collect::<Vec<_>>() {
            times.extend(client.await??);
        }
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        let (p50, p99) = (at(50), at(99));
        writeln!(
            out,
            "{RULES} rules, {clients} at a time, {} decisions: p50 {p50:.2?}, p99 {p99:.2?}",
            times.len()
        )?;
    }
    let _ = stop.send(());
    served.await?;
    Ok(())
}

/// The token of a service account that may ask the gate.
async fn pipeline(app: &App) -> anyhow::Result<String> {
    let first = app.bootstrap().await?.context("a new store has no owner yet")?;
    let owner = app.authenticate(&first).await?;
    let call = || Call::new(owner.clone());
    let account = app.add_service_account(&call(), AddServiceAccount { slug: "pipeline".parse()? }).await?;
    let grant = ChangeRole { principal: account.id.clone(), role: Role::Ci, system: None };
    app.grant_role(&call(), grant).await?;
    let issue = IssueToken {
        principal: account.id,
        environment: Some(Environment::Production),
        label: "bench".parse()?,
        days: 1,
    };
    app.issue_token(&call(), issue).await?.secret.context("a new token has a secret")
}

fn ask(url: &str, token: &str, questions: usize) -> anyhow::Result<Vec<Duration>> {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut times = Vec::with_capacity(questions);
    for _ in 0..questions {
        let start = Instant::now();
        let mut answer = agent
            .post(url)
            .header("Authorization", format!("Bearer {token}"))
            .send_json(serde_json::json!({"version": "model-0@1", "environment": "production"}))?;
        // Read whole: this client parses from a reader byte by byte, which took a tenth of what was measured.
        let answer: serde_json::Value = serde_json::from_slice(&answer.body_mut().read_to_vec()?)?;
        anyhow::ensure!(answer["outcome"] != "unknown", "{answer}");
        times.push(start.elapsed());
    }
    Ok(times)
}
