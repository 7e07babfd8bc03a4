//! A message as e-mail: plain text, through one mail server (SMTP, RFC 5321), to a fixed list of people.
//!
//! A retry is the same message, byte for byte: its id comes from the entry's place in the log, its date from the entry.
//! So whoever got it before recognises it. Nothing from the log can add a header or a recipient.

use super::words::Words;
use crate::AppError;
use crate::outbound::REQUEST_LIMIT;
use comptroller_core::Timestamp;
use comptroller_ledger::Entry;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Most people of one list; more belong behind one address.
const MAX_RECIPIENTS: usize = 16;
/// Longest subject, in characters.
const MAX_SUBJECT: usize = 200;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS begins with STARTTLS, and nothing is sent before; the port is 587 unless it is named.
    StartTls,
    /// TLS from the first byte; the port is 465 unless it is named.
    Tls,
    /// None, to a server on this machine; the port is 25 unless it is named.
    None,
}

impl FromStr for EmailSecurity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "starttls" => Ok(Self::StartTls),
            "tls" => Ok(Self::Tls),
            "none" => Ok(Self::None),
            _ => Err(format!("{text:?} is none of starttls, tls and none")),
        }
    }
}

/// A mail server, and who gets mail through it.
#[derive(Clone)]
pub struct EmailSettings {
    /// Name or address of the server.
    pub host: String,
    /// Its port, if it is another one than usual.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: EmailSecurity,
    /// Name and password, if the server wants them.
    pub login: Option<(String, Zeroizing<String>)>,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// The recipients, separated by commas.
    pub to: String,
    /// The certificates that vouch for the server, in PEM, instead of the public ones.
    pub ca: Option<Vec<u8>>,
}

/// A way to people's mailboxes.
#[derive(Clone)]
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who gets mail is nobody else's business, and the transport holds the password.
        write!(f, "Email(to {} people)", self.to.len())
    }
}

impl Email {
    /// Reads the settings; asks nobody.
    ///
    /// # Errors
    /// An address that is none, too many or no recipients, or an unprotected connection to another machine.
    pub(super) fn new(settings: EmailSettings) -> Result<Self, AppError> {
        let EmailSettings { host, port, security, login, from, to, ca } = settings;
        let from = mailbox("email_from", &from)?;
        let to: Vec<Mailbox> = to.split(',').map(|one| mailbox("email_to", one)).collect::<Result<_, _>>()?;
        if to.len() > MAX_RECIPIENTS {
            let message =
                format!("{} people are more than {MAX_RECIPIENTS}: give the address of a list", to.len());
            return Err(AppError::invalid("email_to", message));
        }
        let (usual, tls) = match security {
            EmailSecurity::None if is_loopback(&host) => (25, Tls::None),
            EmailSecurity::None => {
                let message = "`none` is for a server on this machine; use starttls or tls";
                return Err(AppError::invalid("email_security", message));
            }
            EmailSecurity::StartTls => (587, Tls::Required(parameters(&host, ca.as_deref())?)),
            EmailSecurity::Tls => (465, Tls::Wrapper(parameters(&host, ca.as_deref())?)),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(REQUEST_LIMIT))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some((user, password)) = login {
            transport = transport.credentials(Credentials::new(user, password.to_string()));
        }
        Ok(Self { transport: transport.build(), from, to })
    }

    /// Sends one message; the inner error says why it was not taken, without an address.
    pub(super) async fn send(
        &self,
        origin: &str,
        index: u64,
        entry: &Entry,
        words: &Words,
    ) -> Result<Result<(), String>, AppError> {
        let message = self.message(origin, index, entry, words)?;
        // The limit of the transport is one of each step; this one is of all of them.
        match tokio::time::timeout(REQUEST_LIMIT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(Ok(())),
            Ok(Err(error)) => Ok(Err(problem(&error))),
            Err(_) => Ok(Err(timed_out())),
        }
    }

    fn message(&self, origin: &str, index: u64, entry: &Entry, words: &Words) -> Result<Message, AppError> {
        let broken = |error: &dyn fmt::Display| AppError::Internal(format!("message about {index}: {error}"));
        let recorded = Timestamp::from_micros(entry.recorded_at);
        let mut builder = Message::builder()
            .from(self.from.clone())
            .message_id(Some(message_id(origin, index)))
            .date(moment(recorded))
            .subject(one_line(&words.title))
            // RFC 3834: nobody's absence note answers it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let mut text = format!("{}\n", words.text);
        if !words.roles.is_empty() {
            let roles: Vec<&str> = words.roles.iter().map(|role| role.as_str()).collect();
            text.push_str(&format!("\nIt is for: {}.\n", roles.join(", ")));
        }
        text.push_str(&format!(
            "\n{} is entry {index} of the log {origin}, recorded {recorded}.\n",
            entry.kind
        ));
        builder.body(text).map_err(|error| broken(&error))
    }
}

fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, AppError> {
    let wrong = || AppError::invalid(field, "it is not an e-mail address, or `Name <address>`");
    // A line end would be a second header; the parser knows none of the other controls either.
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let mailbox: Mailbox = text.trim().parse().map_err(|_| wrong())?;
    let address: &Address = &mailbox.email;
    if address.domain().is_empty() { Err(wrong()) } else { Ok(mailbox) }
}

fn parameters(host: &str, ca: Option<&[u8]>) -> Result<TlsParameters, AppError> {
    let wrong = |error: &dyn fmt::Display| AppError::invalid("email_ca", error.to_string());
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = ca {
        let certificate = Certificate::from_pem(pem).map_err(|error| wrong(&error))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| wrong(&error))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The id of the message about an entry: the same at every attempt. An origin is `host/organisation/epoch`.
fn message_id(origin: &str, index: u64) -> String {
    let (host, rest) = origin.split_once('/').unwrap_or((origin, "log"));
    format!("<{index}.{}@{host}>", rest.replace('/', "."))
}

fn moment(at: Timestamp) -> SystemTime {
    let seconds = at.micros().div_euclid(1_000_000);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.max(0).unsigned_abs())
}

/// A title as one line. The library folds and encodes what is left.
fn one_line(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SUBJECT).collect()
}

fn timed_out() -> String {
    format!("the mail server did not take it within {} s", REQUEST_LIMIT.as_secs())
}

/// What went wrong, without what the server said: it may repeat an address.
fn problem(error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server answered with status {code}");
    }
    if error.is_timeout() {
        timed_out()
    } else if error.is_tls() {
        "TLS with the mail server failed".to_owned()
    } else if error.is_client() {
        // For example: it offers no STARTTLS, or no way to log in.
        format!("the mail server cannot do what is set: {error}")
    } else {
        "the connection to the mail server failed".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Role;

    fn settings() -> EmailSettings {
        EmailSettings {
            host: "127.0.0.1".into(),
            port: None,
            security: EmailSecurity::None,
            login: None,
            from: "Comptroller <comptroller@example.org>".into(),
            to: "risk@example.org, Ada Lovelace <ada@example.org>".into(),
            ca: None,
        }
    }

    fn entry() -> Entry {
        Entry {
            v: 1,
            org: "o".into(),
            stream: "org".into(),
            stream_seq: 0,
            kind: "waiver.requested".into(),
            occurred_at: 0,
            recorded_at: 1_700_000_000_000_000,
            actor: "system".into(),
            subjects: Vec::new(),
            idempotency_key: None,
            data: serde_json::Value::Null,
            commitments: Vec::new(),
        }
    }

    #[test]
    fn nothing_in_a_message_becomes_a_header_or_a_recipient() {
        let email = Email::new(settings()).unwrap();
        let words = Words {
            title: "a\r\nBcc: evil@example.com\r\n\r\nbody".into(),
            text: ".\r\nQUIT\n.\n".into(),
            roles: vec![Role::RiskOfficer],
        };
        let message = email.message("log.example.org/0190/1", 7, &entry(), &words).unwrap();
        assert_eq!(message.envelope().to().len(), 2);
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("Message-ID: <7.0190.1@log.example.org>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(head.contains("Date: Tue, 14 Nov 2023 22:13:20 +0000"), "{head}");
        // The same at every attempt.
        let again = email.message("log.example.org/0190/1", 7, &entry(), &words).unwrap();
        assert_eq!(again.formatted(), message.formatted());
    }

    #[test]
    fn settings_that_would_not_work_or_not_protect_are_refused() {
        for (field, wrong) in [
            ("email_security", EmailSettings { host: "mail.example.org".into(), ..settings() }),
            ("email_from", EmailSettings { from: "nobody".into(), ..settings() }),
            (
                "email_from",
                EmailSettings { from: "a@example.org\r\nBcc: b@example.org".into(), ..settings() },
            ),
            ("email_to", EmailSettings { to: String::new(), ..settings() }),
            ("email_to", EmailSettings { to: "a@example.org,,b@example.org".into(), ..settings() }),
            ("email_to", EmailSettings { to: ["a@example.org"; 17].join(","), ..settings() }),
            (
                "email_ca",
                EmailSettings {
                    security: EmailSecurity::Tls,
                    ca: Some(b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n".to_vec()),
                    ..settings()
                },
            ),
        ] {
            let error = Email::new(wrong).unwrap_err().to_string();
            assert!(error.starts_with(field), "{field}: {error}");
        }
        for security in [EmailSecurity::StartTls, EmailSecurity::Tls] {
            Email::new(EmailSettings { host: "mail.example.org".into(), security, ..settings() }).unwrap();
        }
        assert!("ssl".parse::<EmailSecurity>().unwrap_err().contains("none of starttls, tls and none"));
        let login = Some(("user".to_owned(), Zeroizing::new("hunter2".to_owned())));
        let email = Email::new(EmailSettings { login, ..settings() }).unwrap();
        assert!(!format!("{email:?}").contains("hunter2"));
    }
}
