//! People sign in with a real browser at two identity providers that we did not write.

use crate::servers::{provided, say};
use crate::support::Server;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A provider; it ends with the test.
struct Provider(Child);

impl Provider {
    /// Starts it and waits until it says that it is ready.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line == "ready");
        assert!(ready, "the provider did not start");
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser").join(name)
}

/// Two ports that were free a moment ago.
fn ports() -> [u16; 2] {
    let listeners = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Starts a server whose people sign in at a provider, walks through both with a browser, and looks at the record.
fn walk(start: impl FnOnce(&str, &str) -> Provider, assume_verified: bool) {
    let (Some(modules), Some(chromium)) =
        (provided("COMPTROLLER_TEST_NODE_MODULES"), provided("COMPTROLLER_TEST_CHROMIUM"))
    else {
        return;
    };
    let [ours, theirs] = ports();
    let address = format!("127.0.0.1:{ours}");
    // Browsers make passkeys for a name, and for none but this without TLS.
    let url = format!("http://localhost:{ours}");
    let issuer = format!("http://127.0.0.1:{theirs}");
    let _provider = start(&theirs.to_string(), &format!("{url}/auth/callback"));
    let assume = assume_verified.to_string();
    let server = Server::start_with(&[
        ("COMPTROLLER__SERVER__LISTEN", &address),
        ("COMPTROLLER__SERVER__PUBLIC_URL", &url),
        ("COMPTROLLER__SIGN_IN__ISSUER", &issuer),
        ("COMPTROLLER__SIGN_IN__CLIENT_ID", "comptroller"),
        ("COMPTROLLER__SIGN_IN__CLIENT_SECRET", "of-the-test"),
        ("COMPTROLLER__SIGN_IN__ASSUME_VERIFIED_EMAIL", &assume),
    ]);
    let owner = server.bootstrap();
    let words = ["person", "add", "--name", "Anna Approver", "--email", "anna@example.org"];
    let person = server.call(&owner, &words).json();
    for role in ["auditor", "approver"] {
        server.call(&owner, &["role", "grant", person["id"].as_str().unwrap(), role]).json();
    }
    let words = ["person", "add", "--name", "Dora Developer", "--email", "dora@example.org"];
    let colleague = server.call(&owner, &words).json();
    let colleague = colleague["id"].as_str().unwrap();
    server.call(&owner, &["role", "grant", colleague, "developer"]).json();

    let mut browser = Command::new("node");
    browser.arg(script("sign_in.mjs")).args([&modules, &chromium, &url, "anna", "correct horse"]);
    let output = browser.arg(server.folder()).arg(colleague).output().unwrap();
    if let Some(folder) = std::env::var_os("COMPTROLLER_TEST_PICTURES") {
        for name in ["signed-out.png", "signed-in.png", "narrow.png", "failed.png"] {
            let _ = std::fs::copy(server.path(name), Path::new(&folder).join(name));
        }
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    say(&format!("the browser saw {seen}"));
    assert_eq!(seen["offered"], "Sign in");
    assert_eq!((&seen["landed"], &seen["name"]), (&json!(format!("{url}/account")), &json!("Anna Approver")));
    assert_eq!((&seen["outside"], &seen["errors"]), (&json!([]), &json!([])));
    assert_eq!((&seen["tokens"], &seen["after"]), (&json!(1), &json!(401)));
    assert_eq!(seen["factors"], json!(["passkey"]));
    let cookie = json!([{
        "name": "__Host-comptroller-session", "httpOnly": true, "secure": true, "sameSite": "Lax", "path": "/"
    }]);
    assert_eq!(seen["cookies"], cookie, "the cookie of the sign-in under way is gone");

    // The token that the page showed works, and the record says where it comes from.
    let token = seen["token"].as_str().unwrap();
    let entries = server.call(token, &["ledger", "entries", "--all"]).json();
    let entries = entries["items"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|item| item["entry"]["type"].as_str().unwrap()).collect();
    let once =
        ["identity.linked", "session.opened", "session.closed", "factor.enrolled", "delegation.created"];
    for kind in once {
        assert_eq!(kinds.iter().filter(|found| **found == kind).count(), 1, "{kind}");
    }
    let issued = entries.iter().find(|item| item["entry"]["data"]["label"] == "browser").unwrap();
    assert_eq!(issued["entry"]["data"]["origin"], "sign-in");
    let used = entries.iter().find(|item| item["entry"]["type"] == "factor.used").unwrap();
    assert_eq!(used["entry"]["data"]["kind"], "passkey");
    assert!(!kinds.contains(&"access.denied"), "nothing was tried in vain: {kinds:?}");
    assert_eq!(
        kinds.iter().filter(|found| **found == "token.issued").count(),
        2,
        "the forged request made none"
    );
}

#[test]
fn a_browser_signs_in_at_node_oidc_provider() {
    let Some(modules) = provided("COMPTROLLER_TEST_NODE_MODULES") else { return };
    walk(
        |port, redirect| {
            let mut node = Command::new("node");
            Provider::start(node.arg(script("provider_node.mjs")).args([&modules, port, redirect]))
        },
        false,
    );
}

/// Canaille never says whether an address is verified.
#[test]
fn a_browser_signs_in_at_canaille() {
    let Some(python) = provided("COMPTROLLER_TEST_CANAILLE") else { return };
    walk(
        |port, redirect| {
            let mut canaille = Command::new(&python);
            canaille.arg("-B").arg(script("provider_canaille.py"));
            Provider::start(canaille.args([port, redirect, "anna", "correct horse"]))
        },
        true,
    );
}
