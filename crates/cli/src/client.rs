//! The HTTP client: one connection pool, the caller's token, idempotency keys, retries, and problem documents.
//!
//! INVARIANT (one-act-per-command): a write carries one idempotency key for all its attempts, so that a lost
//! connection can never make the server act twice.
//! Must not print, and must not put the token into an error or a URL.

use crate::args::{ApiArgs, Paging};
use crate::failure::{Failure, Problem};
use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

/// Largest JSON answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// Largest token or certificate file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Pauses before the second and later attempts.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];
/// How long a server may take to answer, unless the act reads whole artifacts.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How long a server may take for acts that read whole artifacts or logs.
const LONG_LIMIT: Duration = Duration::from_secs(3_600);

/// An answer: the text as it came, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) value: Value,
}

impl Answer {
    /// An answer that was put together here.
    pub(crate) fn of_value(value: Value) -> Self {
        Self { text: value.to_string(), value }
    }

    /// A text field of the answer; a missing one is the server's fault.
    pub(crate) fn field(&self, pointer: &str) -> anyhow::Result<&str> {
        let found = self.value.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("the server's answer lacks the text {pointer}"))
    }
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
    key: Option<String>,
}

impl Client {
    /// Reads token and certificates; opens no connection yet.
    pub(crate) fn new(api: &ApiArgs) -> anyhow::Result<Self> {
        let base = api.url.trim_end_matches('/').to_owned();
        let host = host_of(&base)?;
        let token = token(api)?;
        if token.is_some() && base.starts_with("http://") && !is_loopback(host) {
            return Err(Failure::usage(
                format!("a token would travel unencrypted to {base}"),
                "use https, with --ca-file if the certificate is of your own authority",
            ));
        }
        let mut tls = TlsConfig::builder();
        if let Some(path) = &api.ca_file {
            tls = tls.root_certs(RootCerts::from(certificates(path)?));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the token to an address that nobody asked for.
            .max_redirects(0)
            .timeout_resolve(Some(Duration::from_secs(10)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_send_body(Some(LONG_LIMIT))
            .timeout_recv_body(Some(LONG_LIMIT))
            .max_idle_connections_per_host(2)
            .user_agent(concat!("comptroller/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build());
        if is_loopback(host) {
            // A proxy of the environment cannot reach this machine's loopback.
            config = config.proxy(None);
        }
        let agent = config.build().into();
        let authorization = token.map(|token| format!("Bearer {token}"));
        Ok(Self { agent, base, authorization, key: api.idempotency_key.clone() })
    }

    /// Reads one thing.
    pub(crate) fn get(&self, path: &str, query: &[(&str, Option<String>)]) -> anyhow::Result<Answer> {
        let response = self.send(&Method::GET, &with_query(path, query), &Sending::nothing())?;
        self.answer(response)
    }

    /// Reads a text outside the API, such as the checkpoint.
    pub(crate) fn text(&self, path: &str) -> anyhow::Result<String> {
        let mut response = self.send(&Method::GET, path, &Sending::nothing())?;
        let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
        Ok(read.map_err(|source| Failure::Unreachable { url: self.base.clone(), source })?)
    }

    /// Reads one page, or with `--all` every page as one.
    pub(crate) fn list(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        paging: &Paging,
    ) -> anyhow::Result<Answer> {
        let mut after = paging.after.clone();
        let mut items = Vec::new();
        loop {
            let mut query = query.to_vec();
            query.push(("after", after.clone()));
            query.push(("limit", paging.limit.map(|limit| limit.to_string())));
            let answer = self.get(path, &query)?;
            if !paging.all {
                return Ok(answer);
            }
            let page = answer.value.pointer("/items").and_then(Value::as_array);
            items.extend(page.context("the server's answer lacks the list /items")?.iter().cloned());
            let next = answer.value.pointer("/next").and_then(Value::as_str).map(str::to_owned);
            if next.is_none() || next == after {
                return Ok(Answer::of_value(serde_json::json!({ "items": items, "next": null })));
            }
            after = next;
        }
    }

    /// Does an act.
    pub(crate) fn post(&self, path: &str, command: &impl Serialize) -> anyhow::Result<Answer> {
        self.act(&Method::POST, path, command, self.key()?, ANSWER_LIMIT)
    }

    /// Does an act under a key of its own, whatever the caller's key is.
    pub(crate) fn post_afresh(&self, path: &str, command: &impl Serialize) -> anyhow::Result<Answer> {
        self.act(&Method::POST, path, command, random_key()?, ANSWER_LIMIT)
    }

    /// Does an act for which the server reads whole artifacts.
    pub(crate) fn post_long(&self, path: &str, command: &impl Serialize) -> anyhow::Result<Answer> {
        self.act(&Method::POST, path, command, self.key()?, LONG_LIMIT)
    }

    /// Changes a thing.
    pub(crate) fn patch(&self, path: &str, command: &impl Serialize) -> anyhow::Result<Answer> {
        self.act(&Method::PATCH, path, command, self.key()?, ANSWER_LIMIT)
    }

    fn act(
        &self,
        method: &Method,
        path: &str,
        command: &impl Serialize,
        key: String,
        limit: Duration,
    ) -> anyhow::Result<Answer> {
        let body = serde_json::to_vec(command)?;
        let sending = Sending { key: Some(key), kind: Some("application/json"), body: &body, limit };
        let response = self.send(method, path, &sending)?;
        self.answer(response)
    }

    /// Sends a part of an upload. Sending it again is harmless, so it needs no key.
    pub(crate) fn put_part(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let kind = Some("application/octet-stream");
        let sending = Sending { key: None, kind, body: bytes, limit: LONG_LIMIT };
        self.send(&Method::PUT, path, &sending).map(|_| ())
    }

    /// Sends a batch of records under an id of its own, which makes it safe to repeat. While the server has no room, the
    /// same batch is sent again.
    pub(crate) fn post_records(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        kind: &'static str,
        bytes: &[u8],
    ) -> anyhow::Result<Answer> {
        const PATIENCE: u32 = 120;
        let path = with_query(path, query);
        let sending = Sending { key: None, kind: Some(kind), body: bytes, limit: ANSWER_LIMIT };
        let mut left = PATIENCE;
        loop {
            match self.send(&Method::POST, &path, &sending) {
                Err(error) if left > 0 && is_busy(&error) => {
                    left -= 1;
                    std::thread::sleep(Duration::from_secs(1));
                }
                other => return self.answer(other?),
            }
        }
    }

    /// Begins a download at byte `from`; the body is to be read as it comes.
    pub(crate) fn download(&self, path: &str, from: u64) -> anyhow::Result<Response<Body>> {
        let sending = Sending { limit: LONG_LIMIT, ..Sending::nothing() };
        let range = format!("bytes={from}-");
        self.send_with(&Method::GET, path, &sending, Some(&range).filter(|_| from > 0).map(String::as_str))
    }

    /// Does an act whose answer is a file.
    pub(crate) fn post_for_file(
        &self,
        path: &str,
        command: &impl Serialize,
    ) -> anyhow::Result<Response<Body>> {
        let body = serde_json::to_vec(command)?;
        let kind = Some("application/json");
        self.send(
            &Method::POST,
            path,
            &Sending { key: Some(self.key()?), kind, body: &body, limit: LONG_LIMIT },
        )
    }

    fn key(&self) -> anyhow::Result<String> {
        match &self.key {
            Some(key) => Ok(key.clone()),
            None => random_key(),
        }
    }

    fn send(&self, method: &Method, path: &str, sending: &Sending<'_>) -> anyhow::Result<Response<Body>> {
        self.send_with(method, path, sending, None)
    }

    /// Sends; after a lost connection again, under the same key. An error status is an error.
    fn send_with(
        &self,
        method: &Method,
        path: &str,
        sending: &Sending<'_>,
        range: Option<&str>,
    ) -> anyhow::Result<Response<Body>> {
        let url = format!("{}{path}", self.base);
        let mut pauses = PAUSES.iter();
        loop {
            let error = match self.attempt(method, &url, sending, range) {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(mut response) => {
                    let status = response.status().as_u16();
                    let body = response.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true);
                    let problem = Problem::read(status, &body.read_to_string().unwrap_or_default());
                    return Err(Failure::Api(Box::new(problem)).into());
                }
                Err(error) => error,
            };
            match pauses.next() {
                // INVARIANT (one-act-per-command): the next attempt carries the same key.
                Some(pause) if is_lost(&error) => std::thread::sleep(*pause),
                _ => return Err(Failure::Unreachable { url: self.base.clone(), source: error }.into()),
            }
        }
    }

    fn attempt(
        &self,
        method: &Method,
        url: &str,
        sending: &Sending<'_>,
        range: Option<&str>,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(url);
        let headers = [
            ("authorization", self.authorization.as_deref()),
            ("idempotency-key", sending.key.as_deref()),
            ("content-type", sending.kind),
            ("range", range),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if method == Method::GET {
            let request = request.body(()).map_err(ureq::Error::Http)?;
            let request = self.agent.configure_request(request).timeout_recv_response(Some(sending.limit));
            return self.agent.run(request.build());
        }
        let request = request.body(sending.body).map_err(ureq::Error::Http)?;
        let request = self.agent.configure_request(request).timeout_recv_response(Some(sending.limit));
        self.agent.run(request.build())
    }

    fn answer(&self, mut response: Response<Body>) -> anyhow::Result<Answer> {
        let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
        let text = read.map_err(|source| Failure::Unreachable { url: self.base.clone(), source })?;
        let value = serde_json::from_str(&text).with_context(|| {
            format!("{} did not answer with JSON; is it a Comptroller server?", self.base)
        })?;
        Ok(Answer { text, value })
    }
}

fn random_key() -> anyhow::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the operating system gave no random bytes")?;
    Ok(hex::encode(random))
}

/// What goes with a request.
struct Sending<'b> {
    key: Option<String>,
    kind: Option<&'static str>,
    body: &'b [u8],
    limit: Duration,
}

impl Sending<'_> {
    fn nothing() -> Self {
        Self { key: None, kind: None, body: &[], limit: ANSWER_LIMIT }
    }
}

/// Whether the server asks to be asked later.
fn is_busy(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Failure::Api(problem)) if problem.status == 429)
}

/// Whether the connection failed or broke, so that a later attempt may do better.
fn is_lost(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Timeout(_)
            | ureq::Error::BodyStalled
            | ureq::Error::Protocol(_)
    )
}

/// A path of the API: `/api/v1` and the segments, each encoded so that it stays one segment.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut path = String::from("/api/v1");
    for segment in segments {
        path.push('/');
        path.push_str(&encode(segment));
    }
    path
}

fn with_query(path: &str, query: &[(&str, Option<String>)]) -> String {
    let mut text = path.to_owned();
    let mut separator = '?';
    for (name, value) in query {
        if let Some(value) = value {
            text.push(separator);
            text.push_str(&format!("{name}={}", encode(value)));
            separator = '&';
        }
    }
    text
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 and `@`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    // A segment of dots alone would be resolved away by whoever normalises the path.
    if matches!(encoded.as_str(), "." | "..") { encoded.replace('.', "%2E") } else { encoded }
}

fn host_of(base: &str) -> anyhow::Result<&str> {
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let bad = || {
        Failure::usage(
            format!("the server address {base:?} is not usable"),
            "give it as http://HOST:PORT or https://HOST[:PORT], without user name",
        )
    };
    let authority = authority.filter(|text| !text.is_empty() && !text.contains('@')).ok_or_else(bad)?;
    if let Some(v6) = authority.strip_prefix('[') {
        return v6.split(']').next().ok_or_else(bad);
    }
    Ok(authority.split(':').next().unwrap_or_default())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn token(api: &ApiArgs) -> anyhow::Result<Option<String>> {
    let from_environment = std::env::var("COMPTROLLER_TOKEN").ok().filter(|token| !token.trim().is_empty());
    let token = match (&api.token_file, from_environment) {
        (Some(path), _) => crate::input::read_text(path, MAX_FILE)?,
        (None, Some(token)) => token,
        (None, None) => return Ok(None),
    };
    let token = token.trim().to_owned();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(
            "the token is empty or has characters that no token has",
            "put the token alone on one line, as it was issued",
        ));
    }
    Ok(Some(token))
}

fn certificates(path: &std::path::Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = crate::input::read_text(path, MAX_FILE)?;
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) =
            item.with_context(|| format!("{} is not PEM", path.display()))?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        let message = format!("{} holds no certificate", path.display());
        return Err(Failure::usage(message, "give the authority's certificate as PEM"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(path(&["versions", "credit/score@1.0"]), "/api/v1/versions/credit%2Fscore@1.0");
        assert_eq!(path(&["systems", ".."]), "/api/v1/systems/%2E%2E");
        assert_eq!(path(&["systems", "a?b#c d"]), "/api/v1/systems/a%3Fb%23c%20d");
        assert_eq!(with_query("/x", &[("q", Some("a&b".into())), ("r", None)]), "/x?q=a%26b");
    }

    #[test]
    fn the_host_is_found_in_every_form_of_address() {
        assert_eq!(host_of("http://127.0.0.1:8440").unwrap(), "127.0.0.1");
        assert_eq!(host_of("https://[::1]:8440/base").unwrap(), "::1");
        assert!(host_of("ftp://x").is_err());
        assert!(host_of("http://user@host").is_err());
        assert!(is_loopback("::1") && is_loopback("localhost") && !is_loopback("localhost.example.org"));
    }

    #[test]
    fn a_token_never_travels_unencrypted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "cmp_x\n").unwrap();
        let api = |url: &str| ApiArgs {
            url: url.into(),
            token_file: Some(file.clone()),
            ca_file: None,
            idempotency_key: None,
        };
        let error = Client::new(&api("http://governance.example.org")).unwrap_err();
        assert!(error.to_string().contains("unencrypted"), "{error}");
        assert!(Client::new(&api("https://governance.example.org")).is_ok());
        assert!(Client::new(&api("http://127.0.0.1:1")).is_ok());
    }
}
