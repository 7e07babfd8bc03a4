//! A witness on loopback for tests: honest, or wrong in a chosen way.

use comptroller_ledger::witness::{AddCheckpointRequest, WitnessState, response};
use comptroller_ledger::{Policy, SigningKey, VerifierKey};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the witness answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Honest,
    /// Signs with another key than it is known by.
    WrongKey,
    /// Takes the request and does not answer.
    Silent,
    /// Not a signature line.
    Garbage,
    /// More than a client should read.
    Huge,
    /// This status, nothing else.
    Status(u16),
}

#[derive(Debug)]
struct Inner {
    mode: Mode,
    state: WitnessState,
    old_sizes: Vec<u64>,
}

/// A running witness; its thread ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct TestWitness {
    name: String,
    port: u16,
    seed: u8,
    inner: Arc<Mutex<Inner>>,
}

impl TestWitness {
    pub(crate) fn start(name: &str, seed: u8, log: VerifierKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inner = Inner { mode: Mode::Honest, state: WitnessState::default(), old_sizes: Vec::new() };
        let port = listener.local_addr().unwrap().port();
        let witness = Self { name: name.into(), port, seed, inner: Arc::new(Mutex::new(inner)) };
        let served = witness.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (served, log) = (served.clone(), log.clone());
                // A client that hangs up is no failure of the test.
                std::thread::spawn(move || drop(served.answer(&stream, &log)));
            }
        });
        witness
    }

    fn key(&self, seed: u8) -> SigningKey {
        SigningKey::new_cosignature(&self.name, &[seed; 32]).unwrap()
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.inner.lock().unwrap().mode = mode;
    }

    pub(crate) fn state(&self) -> WitnessState {
        self.inner.lock().unwrap().state
    }

    pub(crate) fn put_state(&self, state: WitnessState) {
        self.inner.lock().unwrap().state = state;
    }

    /// The old sizes of all requests so far.
    pub(crate) fn old_sizes(&self) -> Vec<u64> {
        self.inner.lock().unwrap().old_sizes.clone()
    }

    /// Its line in a policy.
    pub(crate) fn line(&self, alias: &str) -> String {
        let vkey = self.key(self.seed).verifier_key();
        format!("witness {alias} {vkey} http://127.0.0.1:{}/w/\n", self.port)
    }

    fn answer(&self, mut stream: &TcpStream, log: &VerifierKey) -> std::io::Result<()> {
        let body = read_request(stream)?;
        let mode = self.inner.lock().unwrap().mode;
        let (status, body) = match mode {
            Mode::Honest | Mode::WrongKey => self.decide(&body, log, mode),
            Mode::Silent => {
                std::thread::sleep(Duration::from_mins(1));
                return Ok(());
            }
            Mode::Garbage => (200, "\u{2014} w AAAA\nnonsense".into()),
            Mode::Huge => (200, "x".repeat(1 << 20)),
            Mode::Status(status) => (status, String::new()),
        };
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn decide(&self, body: &[u8], log: &VerifierKey, mode: Mode) -> (u16, String) {
        let mut inner = self.inner.lock().unwrap();
        let request = match AddCheckpointRequest::parse(body) {
            Ok(request) => request,
            Err(error) => return (error.status(), error.body()),
        };
        inner.old_sizes.push(request.old_size);
        match inner.state.add_checkpoint(std::slice::from_ref(log), &request) {
            Ok(state) => inner.state = state,
            Err(error) => return (error.status(), error.body()),
        }
        let key = self.key(if mode == Mode::WrongKey { self.seed + 1 } else { self.seed });
        (200, response(&request.checkpoint, &[&key], 1_800_000_000).unwrap())
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    assert!(line.starts_with("POST /w/add-checkpoint "), "{line}");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            return Ok(body);
        }
    }
}

/// A policy of these witnesses under the aliases w0, w1, ..., all of which make the quorum.
pub(crate) fn policy(lines: &[String], threshold: &str) -> Policy {
    let members: Vec<String> = (0..lines.len()).map(|at| format!("w{at}")).collect();
    let text = format!("{}group all {threshold} {}\nquorum all\n", lines.concat(), members.join(" "));
    Policy::parse(text.as_bytes()).unwrap()
}
