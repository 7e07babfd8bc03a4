//! Stores for the tests of this crate: a temporary directory, a real S3 server if one is named, and a small S3
//! server of our own that fails as told.

use super::{Objects, ObjectsConfig};
use crate::keys;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A store that lasts as long as this value.
pub(crate) struct TestStore {
    pub(crate) objects: Objects,
    pub(crate) what: &'static str,
    /// Present for a local store.
    pub(crate) folder: Option<TempDir>,
}

/// A local store, and one on the S3 server of `COMPTROLLER_TEST_S3_ENDPOINT` under a fresh prefix.
pub(crate) fn stores() -> Vec<TestStore> {
    let mut stores = vec![local()];
    let Ok(endpoint) = std::env::var("COMPTROLLER_TEST_S3_ENDPOINT") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "COMPTROLLER_TEST_S3_ENDPOINT is not set: CI must start an S3 server"
        );
        println!("skipped on S3: COMPTROLLER_TEST_S3_ENDPOINT is not set");
        return stores;
    };
    let setting = |name: &str| {
        let name = format!("COMPTROLLER_TEST_S3_{name}");
        std::env::var(&name).unwrap_or_else(|_| panic!("{name} must be set beside the endpoint"))
    };
    let config = ObjectsConfig::S3 {
        endpoint: Some(endpoint),
        bucket: setting("BUCKET"),
        region: "us-east-1".to_owned(),
        access_key: setting("ACCESS_KEY"),
        secret_key: setting("SECRET_KEY").into(),
        prefix: format!("test-{}", hex::encode(keys::random::<8>().unwrap())),
        allow_http: true,
    };
    stores.push(TestStore { objects: Objects::open(&config).unwrap(), what: "s3", folder: None });
    stores
}

/// A local store in a temporary directory.
pub(crate) fn local() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objects");
    let objects = Objects::open(&ObjectsConfig::Local { path }).unwrap();
    TestStore { objects, what: "local", folder: Some(folder) }
}

/// What the server does with one PUT instead of obeying it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misdeed {
    /// Answers with this status and stores nothing.
    Answer(u16),
    /// Stores the object, then answers with this status.
    StoreAndAnswer(u16),
    /// Stores the object, then closes the connection without an answer.
    StoreAndHangUp,
}

/// An S3 server for the requests that a conditional write needs.
#[derive(Default)]
pub(crate) struct FakeS3 {
    objects: Mutex<HashMap<String, Vec<u8>>>,
    misdeeds: Mutex<VecDeque<Misdeed>>,
    /// Overwrites although `If-None-Match` forbids it.
    careless: bool,
}

impl FakeS3 {
    /// Starts the server on a free port of loopback; it ends with the runtime of the test.
    pub(crate) async fn start(careless: bool, misdeeds: &[Misdeed]) -> Objects {
        let misdeeds = Mutex::new(misdeeds.iter().copied().collect());
        let server = Arc::new(Self { misdeeds, careless, ..Self::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&server).serve(stream));
            }
        });
        Objects::open(&ObjectsConfig::S3 {
            endpoint: Some(endpoint),
            bucket: "bucket".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: "id".to_owned(),
            secret_key: "secret".to_owned().into(),
            prefix: String::new(),
            allow_http: true,
        })
        .unwrap()
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut start, mut bytes, mut conditional) = (String::new(), 0, false);
            if stream.read_line(&mut start).await.unwrap_or(0) == 0 {
                return;
            }
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                match line.split_once(": ") {
                    Some(("content-length", value)) => bytes = value.parse().unwrap(),
                    Some(("if-none-match", "*")) => conditional = true,
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; bytes];
            stream.read_exact(&mut body).await.unwrap();
            let mut words = start.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap().to_owned());
            let Some((status, body)) = self.answer(method, path, conditional, body) else { return };
            let head = format!(
                "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nETag: \"e\"\r\n\
                 Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            if method != "HEAD" {
                stream.write_all(&body).await.unwrap();
            }
        }
    }

    /// Status and body of the answer; `None` to hang up.
    fn answer(&self, method: &str, path: String, conditional: bool, body: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        let mut objects = self.objects.lock().unwrap();
        if method != "PUT" {
            return Some(objects.get(&path).map_or((404, Vec::new()), |body| (200, body.clone())));
        }
        let misdeed = self.misdeeds.lock().unwrap().pop_front();
        if let Some(Misdeed::Answer(status)) = misdeed {
            return Some((status, Vec::new()));
        }
        if conditional && !self.careless && objects.contains_key(&path) {
            return Some((412, Vec::new()));
        }
        objects.insert(path, body);
        match misdeed {
            Some(Misdeed::StoreAndHangUp) => None,
            Some(Misdeed::StoreAndAnswer(status)) => Some((status, Vec::new())),
            _ => Some((200, Vec::new())),
        }
    }
}
