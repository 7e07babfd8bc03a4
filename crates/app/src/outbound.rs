//! Requests to parties outside: HTTPS only, one answer, bounded in time and size.
//!
//! Plain HTTP is for loopback only. Redirects are not followed: who is asked is who is named. Must not retry; the
//! caller knows when it is worth it. Errors never repeat the address, which may be shown to people who may not see it.

use std::net::IpAddr;
use std::time::Duration;
use ureq::http::{self, Request, Uri};

/// Longest time of one request, from the look-up of the name to the last byte.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Longest pause after failures, unless the interval itself is longer.
const MAX_BACK_OFF: Duration = Duration::from_mins(10);

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Its body, at most as long as the caller allowed.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address is none, or is one that is not asked.
    #[error("the address is not https://, nor http:// on this machine (127.0.0.1, [::1] or localhost)")]
    Address,
    /// No whole answer within the time.
    #[error("no whole answer within {} s", REQUEST_LIMIT.as_secs())]
    Timeout,
    /// More bytes than the caller allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(u64),
    /// The connection failed: name, network, TLS or a broken answer.
    #[error("the connection failed: {0}")]
    Connection(String),
}

/// Whether an address may be asked; checked again by each request.
pub fn check_url(url: &str) -> Result<(), OutboundError> {
    let uri: Uri = url.parse().map_err(|_| OutboundError::Address)?;
    check(&uri).map(|_| ())
}

/// Sends a POST.
pub async fn post(
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    max_bytes: u64,
) -> Result<Response, OutboundError> {
    let mut request = Request::builder().method("POST").uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body).map_err(|_| OutboundError::Address)?;
    let answer = send(request, max_bytes).await?;
    Ok(Response { status: answer.status().as_u16(), body: answer.into_body() })
}

/// Sends a request; answers with the headers, whatever the status.
pub async fn send(
    request: Request<Vec<u8>>,
    max_bytes: u64,
) -> Result<http::Response<Vec<u8>>, OutboundError> {
    let loopback = check(request.uri())?;
    let work = tokio::task::spawn_blocking(move || exchange(request, loopback, max_bytes));
    work.await.unwrap_or_else(|error| Err(OutboundError::Connection(error.to_string())))
}

/// The pause after so many failures in a row: the interval, doubled each time, at most [`MAX_BACK_OFF`].
pub(crate) fn back_off(every: Duration, failures: u32) -> Duration {
    let doubled = every.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    doubled.min(MAX_BACK_OFF.max(every))
}

fn exchange(
    request: Request<Vec<u8>>,
    loopback: bool,
    max_bytes: u64,
) -> Result<http::Response<Vec<u8>>, OutboundError> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(REQUEST_LIMIT))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("comptroller/", env!("CARGO_PKG_VERSION")));
    if loopback {
        // A proxy of the environment is another machine.
        config = config.proxy(None);
    }
    let agent = ureq::Agent::new_with_config(config.build());
    let map = |error| failed(error, max_bytes);
    let mut answer = agent.run(request).map_err(map)?;
    // One more byte is read to tell a full answer from one that goes on.
    let body = answer.body_mut().with_config().limit(max_bytes + 1).read_to_vec().map_err(map)?;
    if body.len() as u64 > max_bytes {
        return Err(OutboundError::TooLarge(max_bytes));
    }
    Ok(answer.map(|_| body))
}

fn failed(error: ureq::Error, max_bytes: u64) -> OutboundError {
    match error {
        ureq::Error::Timeout(_) => OutboundError::Timeout,
        ureq::Error::BodyExceedsLimit(_) => OutboundError::TooLarge(max_bytes),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => OutboundError::Timeout,
        ureq::Error::Io(error) => OutboundError::Connection(error.kind().to_string()),
        ureq::Error::HostNotFound => OutboundError::Connection("the name is not known".into()),
        ureq::Error::Rustls(error) => OutboundError::Connection(format!("TLS: {error}")),
        _ => OutboundError::Connection("the answer is not HTTP, or broke off".into()),
    }
}

/// Whether the address is on this machine.
fn check(uri: &Uri) -> Result<bool, OutboundError> {
    let host = uri.host().ok_or(OutboundError::Address)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    // A password in an address would end up in logs.
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match uri.scheme_str() {
        Some("https") if plain => Ok(loopback),
        Some("http") if plain && loopback => Ok(true),
        _ => Err(OutboundError::Address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end_at_ten_minutes() {
        let minute = Duration::from_mins(1);
        assert_eq!(back_off(minute, 1), Duration::from_mins(2));
        assert_eq!(back_off(minute, 2), Duration::from_mins(4));
        assert_eq!(back_off(minute, u32::MAX), MAX_BACK_OFF);
        assert_eq!(back_off(Duration::from_hours(1), 3), Duration::from_hours(1));
    }

    #[test]
    fn only_https_and_loopback_are_asked() {
        for good in ["https://w.example/x", "http://127.0.0.1:1/", "http://[::1]:1", "http://localhost:9/a"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://w.example/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user:password@w.example/",
            "w.example",
            "",
        ] {
            assert_eq!(check_url(bad), Err(OutboundError::Address), "{bad}");
        }
    }
}
