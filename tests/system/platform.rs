//! A CI platform as far as its identities go: it signs who a run is, and publishes the key. Ed25519, by openssl.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a run has to show the platform in order to get its identity.
pub(crate) const REQUEST_TOKEN: &str = "of-this-run";

/// A running platform; its thread ends with the process.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) url: String,
    folder: Arc<tempfile::TempDir>,
    given: Arc<AtomicU64>,
}

impl Platform {
    /// None without openssl.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        let mut make = Command::new("openssl");
        make.args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&key);
        if !make.output().is_ok_and(|output| output.status.success()) {
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let platform = Self { url, folder: Arc::new(folder), given: Arc::default() };
        let served = platform.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up is no failure of the test.
                let _ = served.answer(&stream);
            }
        });
        Some(platform)
    }

    /// A signed identity for an audience; each is another one.
    pub(crate) fn identity(&self, audience: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let claims = json!({
            "iss": self.url, "aud": audience, "sub": "repo:example/scorer:ref:refs/heads/main", "iat": now, "nbf": now,
            "exp": now + 300, "jti": format!("run-{number}"), "repository_id": "4711", "ref": "refs/heads/main",
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(&claims));
        let file = self.path(&format!("signed-{number}"));
        std::fs::write(&file, &signed).unwrap();
        let mut sign = Command::new("openssl");
        sign.args(["pkeyutl", "-sign", "-rawin", "-inkey"]).arg(self.path("key.pem")).arg("-in").arg(file);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(output(&mut sign)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let mut authorization = String::new();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if line.to_ascii_lowercase().starts_with("authorization:") {
                authorization = line;
            }
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let at = |path: &str| format!("{}{path}", self.url);
        let body = match path.split('?').next().unwrap_or_default() {
            "/.well-known/openid-configuration" => json!({
                "issuer": self.url, "authorization_endpoint": at("/none"), "token_endpoint": at("/none"),
                "jwks_uri": at("/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA"],
            }),
            "/jwks" => json!({"keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "k", "x": URL_SAFE_NO_PAD.encode(self.public()),
            }]}),
            // As GitHub does it: the address has a query already, and the audience comes with it.
            "/identity" if authorization.ends_with(&format!("bearer {REQUEST_TOKEN}")) => {
                let audience = path.rsplit_once("&audience=").map_or("", |(_, audience)| audience);
                json!({"count": 1, "value": self.identity(audience)})
            }
            _ => return write!(stream, "HTTP/1.1 401 X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        };
        let body = body.to_string();
        write!(
            stream,
            "HTTP/1.1 200 X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The 32 bytes of the public key: the end of its DER form.
    fn public(&self) -> Vec<u8> {
        let mut show = Command::new("openssl");
        show.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(self.path("key.pem"));
        let der = output(&mut show);
        der[der.len() - 32..].to_vec()
    }
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}
