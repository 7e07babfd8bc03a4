//! A receiver of messages on loopback: takes them, or does not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A message as it came: headers in lower case, and the body.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A running receiver; its thread ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    pub(crate) url: String,
    inner: Arc<Mutex<(u16, Vec<Received>)>>,
}

impl Inbox {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inbox = Self { url, inner: Arc::new(Mutex::new((204, Vec::new()))) };
        let served = inbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                // A client that hangs up is no failure of the test.
                std::thread::spawn(move || drop(served.answer(&stream)));
            }
        });
        inbox
    }

    /// Answers with this status from now on; with 0 not at all.
    pub(crate) fn answer_with(&self, status: u16) {
        self.inner.lock().unwrap().0 = status;
    }

    /// Every message that came, whether or not it was taken.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.lock().unwrap().1.clone()
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut headers, mut line) = (Vec::new(), String::new());
        reader.read_line(&mut line)?;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let received = Received { headers, body: Vec::new() };
        let mut body = vec![0; received.header("content-length").parse().unwrap()];
        reader.read_exact(&mut body)?;
        let status = {
            let mut inner = self.inner.lock().unwrap();
            inner.1.push(Received { body, ..received });
            inner.0
        };
        if status == 0 {
            std::thread::sleep(Duration::from_mins(1));
        }
        write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    }
}
