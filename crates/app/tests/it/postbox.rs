//! A mail server on loopback that speaks enough SMTP (RFC 5321): takes mail, refuses it, or says nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes everything.
    Takes,
    /// Refuses every recipient with this status.
    Refuses(u16),
    /// Accepts the connection and says nothing.
    IsSilent,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

impl Mail {
    /// A header, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let found = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    }
}

#[derive(Debug)]
struct Inner {
    manner: Manner,
    mails: Vec<Mail>,
    /// Every line that a client said, but for the mails.
    said: Vec<String>,
}

/// A running server; its threads end with the process.
#[derive(Clone, Debug)]
pub(crate) struct Postbox {
    pub(crate) port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl Postbox {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Inner { manner: Manner::Takes, mails: Vec::new(), said: Vec::new() };
        let postbox = Self { port, inner: Arc::new(Mutex::new(inner)) };
        let served = postbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                // A client that hangs up is no failure of the test.
                std::thread::spawn(move || drop(served.talk(&stream)));
            }
        });
        postbox
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.inner.lock().unwrap().manner = manner;
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.inner.lock().unwrap().mails.clone()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.inner.lock().unwrap().said.clone()
    }

    fn talk(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let manner = self.inner.lock().unwrap().manner;
        if manner == Manner::IsSilent {
            self.inner.lock().unwrap().said.push("CONNECT".into());
            std::thread::sleep(Duration::from_mins(1));
            return Ok(());
        }
        write!(stream, "220 postbox ESMTP\r\n")?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            self.inner.lock().unwrap().said.push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => write!(stream, "250-postbox\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n")?,
                "AUTH" => write!(stream, "235 in\r\n")?,
                "MAIL" => {
                    from = address(&line);
                    write!(stream, "250 ok\r\n")?;
                }
                "RCPT" => match manner {
                    Manner::Refuses(status) => write!(stream, "{status} no {line}\r\n")?,
                    _ => {
                        to.push(address(&line));
                        write!(stream, "250 ok\r\n")?;
                    }
                },
                "DATA" => {
                    write!(stream, "354 go on\r\n")?;
                    let data = content(&mut reader)?;
                    let mail = Mail { from: from.clone(), to: std::mem::take(&mut to), data };
                    self.inner.lock().unwrap().mails.push(mail);
                    write!(stream, "250 taken\r\n")?;
                }
                "QUIT" => return write!(stream, "221 bye\r\n"),
                _ => write!(stream, "250 ok\r\n")?,
            }
        }
    }
}

/// What stands between angle brackets.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split('>').next().unwrap().to_owned()
}

/// A mail up to the line that is one dot; doubled dots are undone.
fn content(reader: &mut BufReader<&TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line == ".\r\n" || line.is_empty() {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').filter(|_| line.starts_with("..")).unwrap_or(&line));
    }
}
