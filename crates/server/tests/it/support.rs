//! A running server with a store of its own, and a client that takes every status as an answer.

use comptroller_app::App;
use comptroller_app::monitors::Watched;
use comptroller_app::monitors::fairness::FairnessWatched;
use comptroller_app::predictions::IngestSettings;
use comptroller_core::time::SystemClock;
use comptroller_core::{Clock, Timestamp};
use comptroller_server::{Limits, ServerConfig, serve};
use comptroller_store::areas::access::put_identity;
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{DbConfig, Store, StoreConfig};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The clock of the machine, shifted at will.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A server that stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    /// The one-time token of the first start.
    pub(crate) bootstrap: String,
    clock: Arc<TestClock>,
    agent: ureq::Agent,
    runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// A request under construction.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// Whatever the server said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&Limits::default())
    }

    pub(crate) fn start_with(limits: &Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let config = StoreConfig {
            db: DbConfig::Sqlite(at("db/comptroller.db")),
            objects: ObjectsConfig::Local { path: at("objects") },
            keys: at("keys"),
            guard: at("guard"),
            host: "test.example.org".into(),
            organisation: "test".parse().unwrap(),
        };
        std::fs::create_dir_all(at("db")).unwrap();
        let clock = Arc::new(TestClock::default());
        let runtime = Runtime::new().unwrap();
        let limits = limits.clone();
        let wal = at("wal");
        let (stop, stopped) = oneshot::channel();
        let shared: Arc<dyn Clock> = clock.clone();
        let (app, bootstrap, address, task) = runtime.block_on(async move {
            let store = Store::open(&config, shared).await.unwrap();
            let seal_after = Duration::from_secs(60);
            let settings = IngestSettings { wal, seal_after, memory: 64 << 20, filters: 64 << 20 };
            let app = App::new(store).unwrap().with_ingest(settings).await.unwrap();
            let bootstrap = app.bootstrap().await.unwrap().expect("a new store has no owner yet");
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let served = app.clone();
            let task = tokio::spawn(async move {
                let config = ServerConfig { public_url: None, limits };
                serve(served, config, listener, async {
                    let _ = stopped.await;
                })
                .await;
            });
            (app, bootstrap, address, task)
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        let (stop, task) = (Some(stop), Some(task));
        Self { address, app, bootstrap, clock, agent, runtime, stop, task, _folder: folder }
    }

    /// Links an account of an identity provider, as a sign-in would.
    pub(crate) fn link(&self, person: &str) {
        let person = person.parse().unwrap();
        let linked = self.app.store().write(move |tx| {
            Box::pin(async move {
                let issuer = Some("https://id.example.org");
                put_identity(tx, &"ab".repeat(32), person, issuer).await
            })
        });
        self.runtime.block_on(linked).unwrap();
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&self, call: &Call) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(call.method.as_str())
            .uri(format!("http://{}{}", self.address, call.path));
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let answer = match &call.body {
            Some(body) => self.agent.run(request.body(body.as_slice()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{} {}: {error}", call.method, call.path));
        let body = answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }

    /// Entries in the ledger.
    pub(crate) fn size(&self) -> u64 {
        self.send(&get("/api/v1/ledger")).ok()["size"].as_u64().unwrap()
    }

    /// Entries in the ledger, without asking the server.
    pub(crate) fn direct_size(&self) -> u64 {
        self.runtime.block_on(self.app.log()).unwrap().size
    }

    /// Moves the server's clock.
    pub(crate) fn pass_days(&self, days: i64) {
        self.clock.0.fetch_add(days * 86_400, Ordering::SeqCst);
    }

    /// Signs the head of the log, as the follower does every second.
    pub(crate) fn publish(&self) {
        self.runtime.block_on(self.app.store().publish()).unwrap().expect("the log is not empty");
    }

    /// Seals the records that wait, and signs the head.
    pub(crate) fn seal(&self) {
        self.runtime.block_on(self.app.seal_predictions(true)).unwrap();
        self.runtime.block_on(self.app.judge_windows(&mut Watched::default())).unwrap();
        self.runtime.block_on(self.app.judge_fairness(&mut FairnessWatched::default())).unwrap();
        self.publish();
    }

    /// Stops, and waits until the server has.
    pub(crate) fn stop(&mut self) {
        if let (Some(stop), Some(task)) = (self.stop.take(), self.task.take()) {
            let _ = stop.send(());
            self.runtime.block_on(task).unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

pub(crate) fn get(path: &str) -> Call {
    request("GET", path)
}

pub(crate) fn post(path: &str, body: &Value) -> Call {
    request("POST", path).json(body)
}

pub(crate) fn request(method: &str, path: &str) -> Call {
    Call { method: method.into(), path: path.into(), headers: Vec::new(), body: None }
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn bytes(mut self, media_type: &str, body: Vec<u8>) -> Self {
        if !media_type.is_empty() {
            self = self.header("Content-Type", media_type);
        }
        self.body = Some(body);
        self
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The answer, which must be 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem, which must have this status and the shape of all problems.
    pub(crate) fn problem(&self, status: u16) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        let problem = self.json();
        assert_eq!(problem["status"], json!(status));
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], json!(format!("urn:comptroller:problem:{code}")));
        for field in ["title", "detail", "remedy"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{field}: {problem}");
        }
        problem
    }
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    comptroller_ledger::digest(bytes).to_string()
}
