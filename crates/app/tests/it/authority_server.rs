//! A time-stamp authority on loopback for tests: OpenSSL behind HTTP, honest or wrong in a chosen way.

use crate::authority::{Authority, about_other_bytes, flipped, with_another_nonce};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the authority answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Honest,
    /// To another question than was asked.
    OtherNonce,
    /// About other bytes than were asked for.
    OtherImprint,
    /// With one bit changed, so many bytes before the end.
    Flipped(usize),
    /// These bytes with status 200.
    Bytes(Vec<u8>),
    /// This status, nothing else.
    Status(u16),
    /// Takes the question and does not answer.
    Silent,
}

#[derive(Debug)]
struct Inner {
    mode: Mode,
    questions: usize,
}

/// A running authority; its thread ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityServer {
    pub(crate) authority: Arc<Authority>,
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl AuthorityServer {
    pub(crate) fn start(authority: Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner { mode: Mode::Honest, questions: 0 }));
        let server = Self { authority: Arc::new(authority), url, inner };
        let served = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                // A client that hangs up is no failure of the test.
                std::thread::spawn(move || drop(served.answer(&stream)));
            }
        });
        server
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.inner.lock().unwrap().mode = mode;
    }

    /// Questions so far.
    pub(crate) fn questions(&self) -> usize {
        self.inner.lock().unwrap().questions
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let query = read_request(stream)?;
        let mode = {
            let mut inner = self.inner.lock().unwrap();
            inner.questions += 1;
            inner.mode.clone()
        };
        let sign = |query: &[u8]| {
            // OpenSSL works in one folder, with one file of serial numbers.
            let _one = self.inner.lock().unwrap();
            self.authority.answer(query)
        };
        let (status, body) = match mode {
            Mode::Honest => (200, sign(&query)),
            Mode::OtherNonce => (200, sign(&with_another_nonce(&query))),
            Mode::OtherImprint => (200, sign(&about_other_bytes(&query))),
            Mode::Flipped(from_end) => {
                let answer = sign(&query);
                (200, flipped(&answer, answer.len() - from_end))
            }
            Mode::Bytes(bytes) => (200, bytes),
            Mode::Status(status) => (status, Vec::new()),
            Mode::Silent => {
                std::thread::sleep(Duration::from_mins(1));
                return Ok(());
            }
        };
        let kind = "application/timestamp-reply";
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        stream.write_all(&body)
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut kind) = (0, String::new());
    let mut line = String::new();
    reader.read_line(&mut line)?;
    assert!(line.starts_with("POST /tsa "), "{line}");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "content-type" => value.trim().clone_into(&mut kind),
                _ => {}
            }
        }
        if line.trim().is_empty() {
            assert_eq!(kind, "application/timestamp-query");
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            return Ok(body);
        }
    }
}
