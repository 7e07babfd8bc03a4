//! An identity provider on loopback for tests: honest, or wrong in a chosen way.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use comptroller_app::sign_in::SignInSettings;
use comptroller_core::Clock as _;
use comptroller_core::time::SystemClock;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the provider does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wrong {
    #[default]
    Nothing,
    /// The ID token was made for another sign-in.
    Nonce,
    /// ... for another client.
    Audience,
    /// ... for two clients.
    Audiences,
    /// ... by another issuer.
    Issuer,
    /// ... too long ago.
    Expired,
    /// It has no signature.
    AlgorithmNone,
    /// It is signed with the client's secret.
    SharedSecret,
    /// It is signed with another key than the published one.
    Key,
    /// One letter of the claims was changed after signing.
    Changed,
    /// There is none.
    Missing,
    /// The token endpoint fails.
    Status,
    /// More than a client should read.
    Huge,
    /// The access token is not the one that the ID token names.
    AccessToken,
    /// The user info is about somebody else.
    OtherUser,
}

/// Who signs in, and how the provider tells.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) subject: &'static str,
    pub(crate) email: Option<&'static str>,
    pub(crate) verified: Option<bool>,
    /// Whether the ID token has the address, or only the user info.
    pub(crate) in_token: bool,
}

#[derive(Debug)]
struct Inner {
    wrong: Wrong,
    user: User,
    nonce: String,
    seed: u8,
    requests: Vec<String>,
}

/// A running provider; its thread ends with the process.
#[derive(Clone, Debug)]
pub(crate) struct TestProvider {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl TestProvider {
    pub(crate) fn start(user: User) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner =
            Inner { wrong: Wrong::Nothing, user, nonce: String::new(), seed: 1, requests: Vec::new() };
        let provider = Self { url, inner: Arc::new(Mutex::new(inner)) };
        let served = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                // A client that hangs up is no failure of the test.
                std::thread::spawn(move || drop(served.answer(&stream)));
            }
        });
        provider
    }

    pub(crate) fn settings(&self) -> SignInSettings {
        SignInSettings {
            issuer: self.url.clone(),
            client_id: "comptroller".into(),
            client_secret: Some("a secret of 32 bytes, for signing".into()),
            assume_verified_email: false,
            public_url: "http://127.0.0.1:8440".into(),
            step_up: false,
        }
    }

    pub(crate) fn set(&self, wrong: Wrong, nonce: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.wrong = wrong;
        nonce.clone_into(&mut inner.nonce);
    }

    pub(crate) fn set_user(&self, user: User) {
        self.inner.lock().unwrap().user = user;
    }

    /// Signs with another key from now on, and publishes only that.
    pub(crate) fn rotate_key(&self) {
        self.inner.lock().unwrap().seed += 1;
    }

    /// The bodies of the requests to the token endpoint.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap().requests.clone()
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let (path, body) = read_request(stream)?;
        let mut status = 200;
        let body = match path.as_str() {
            "/.well-known/openid-configuration" => self.configuration().to_string(),
            "/jwks" => {
                json!({ "keys": [key(self.inner.lock().unwrap().seed).as_verification_key()] }).to_string()
            }
            "/token" => {
                let mut inner = self.inner.lock().unwrap();
                inner.requests.push(body);
                if inner.wrong == Wrong::Status {
                    status = 500;
                }
                self.token(&inner)
            }
            "/me" => self.user_info().to_string(),
            _ => panic!("{path}"),
        };
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn configuration(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({
            "issuer": self.url, "authorization_endpoint": at("/authorise"), "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"), "userinfo_endpoint": at("/me"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["EdDSA"],
        })
    }

    fn token(&self, inner: &Inner) -> String {
        if inner.wrong == Wrong::Huge {
            return "x".repeat(1 << 20);
        }
        let mut answer = json!({"access_token": "an access token", "token_type": "Bearer", "expires_in": 60});
        if inner.wrong != Wrong::Missing {
            answer["id_token"] = json!(self.id_token(inner));
        }
        answer.to_string()
    }

    fn id_token(&self, inner: &Inner) -> String {
        let wrong = inner.wrong;
        let now = SystemClock.now().micros() / 1_000_000;
        let mut claims = json!({
            "iss": self.url, "sub": inner.user.subject, "aud": "comptroller", "nonce": inner.nonce,
            "iat": now, "exp": now + 60,
        });
        if inner.user.in_token {
            claims["email"] = json!(inner.user.email);
            claims["email_verified"] = json!(inner.user.verified);
        }
        match wrong {
            Wrong::Nonce => claims["nonce"] = json!("another"),
            Wrong::Audience => claims["aud"] = json!("another"),
            Wrong::Audiences => claims["aud"] = json!(["comptroller", "another"]),
            Wrong::Issuer => claims["iss"] = json!("https://id.example.org"),
            Wrong::Expired => claims["exp"] = json!(now - 1),
            Wrong::AccessToken => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
            _ => {}
        }
        let algorithm = match wrong {
            Wrong::AlgorithmNone => "none",
            Wrong::SharedSecret => "HS256",
            _ => "EdDSA",
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut signed = format!("{}.{}", part(&json!({"alg": algorithm, "kid": "k"})), part(&claims));
        let signature = match wrong {
            Wrong::AlgorithmNone => Vec::new(),
            Wrong::SharedSecret => hmac(self.settings().client_secret.unwrap().as_bytes(), signed.as_bytes()),
            _ => {
                let seed = if wrong == Wrong::Key { inner.seed + 100 } else { inner.seed };
                key(seed).sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes()).unwrap()
            }
        };
        if wrong == Wrong::Changed {
            claims["sub"] = json!("somebody-else");
            signed = format!("{}.{}", part(&json!({"alg": algorithm, "kid": "k"})), part(&claims));
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token with these claims, signed as the published key does.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(claims));
        let seed = self.inner.lock().unwrap().seed;
        let signature = key(seed).sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn user_info(&self) -> Value {
        let inner = self.inner.lock().unwrap();
        let subject = if inner.wrong == Wrong::OtherUser { "somebody-else" } else { inner.user.subject };
        json!({"sub": subject, "email": inner.user.email, "email_verified": inner.user.verified})
    }
}

/// A key from a seed, in the PKCS#8 form of RFC 8410.
fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
    der.extend([seed; 32]);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new("k".into()))).unwrap()
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let signer = openidconnect::core::CoreHmacKey::new(key.to_vec());
    signer.sign(&CoreJwsSigningAlgorithm::HmacSha256, text).unwrap()
}

fn read_request(stream: &TcpStream) -> std::io::Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
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
            return Ok((path, String::from_utf8(body).unwrap()));
        }
    }
}
