//! Uploads and downloads that are cut, and go on.

use crate::support::{Server, signal};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// Forwards to the server until `budget` bytes went that way, then lets the line go dead.
fn dying_line(server: &Server, budget: u64) -> (String, Arc<AtomicU64>) {
    let target = server.url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(&target).unwrap();
            let (mut back_from, mut back_to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back_from, &mut back_to);
                let _ = back_to.shutdown(Shutdown::Both);
            });
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || forward(client, upstream, &counter, budget));
        }
    });
    (url, sent)
}

fn forward(mut from: TcpStream, mut to: TcpStream, sent: &AtomicU64, budget: u64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 {
            break;
        }
        if sent.fetch_add(length as u64, Ordering::SeqCst) > budget {
            // Dead, not closed: the client waits.
            std::thread::sleep(Duration::from_secs(120));
            break;
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Bytes that do not repeat in parts.
fn content(bytes: u64) -> Vec<u8> {
    (0..bytes / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

#[test]
fn an_upload_that_was_interrupted_goes_on_and_the_bytes_come_back() {
    let server = Server::start();
    let owner = server.bootstrap();
    server.call(&owner, &["service-account", "add", "builder"]).json();
    server.call(&owner, &["role", "grant", "builder", "developer"]).json();
    server.call(&owner, &["token", "issue", "builder", "--label", "t", "--out", "builder"]).json();
    let builder = std::fs::read_to_string(server.path("builder")).unwrap().trim().to_owned();

    // Five parts. At most two are in flight, so behind 26 MiB at least one is stored.
    let bytes = content(36 * MIB);
    std::fs::write(server.path("model.bin"), &bytes).unwrap();
    let (url, sent) = dying_line(&server, 26 * MIB);
    let mut command = server.command(&builder, &["artifact", "upload", "model.bin"]);
    let mut child =
        command.env("COMPTROLLER_URL", &url).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while sent.load(Ordering::SeqCst) <= 26 * MIB {
        assert!(begun.elapsed() < Duration::from_secs(100), "the upload does not move");
        assert!(child.try_wait().unwrap().is_none(), "the upload ended too early");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    // Ctrl-C.
    signal("INT", child.id());
    assert!(!child.wait().unwrap().success());

    let again = server.call(&builder, &["artifact", "upload", "model.bin"]);
    let receipt = again.json();
    let stored: u32 = again.stderr.split_whitespace().nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
    assert!(again.stderr.starts_with("going on: ") && (1..5).contains(&stored), "{again:?}");

    let digest = receipt["id"].as_str().unwrap();
    assert_eq!(server.call(&builder, &["artifact", "show", digest]).json()["bytes"], 36 * MIB);
    // A third time there is nothing to send.
    let third = server.call(&builder, &["artifact", "upload", "model.bin"]);
    assert_eq!(third.json()["completed"], true);
    assert!(third.stderr.contains("stored already"), "{third:?}");

    // A download that was cut keeps what came, and goes on behind it.
    std::fs::write(server.path("back.bin.part"), &bytes[..(10 * MIB + 17) as usize]).unwrap();
    let back = server.call(&builder, &["artifact", "download", digest, "--out", "back.bin"]);
    assert_eq!(back.json()["digest"], *digest);
    assert!(back.stderr.contains("going on behind the 10.0 MiB"), "{back:?}");
    assert!(std::fs::read(server.path("back.bin")).unwrap() == bytes, "other bytes came back");
    assert!(!server.path("back.bin.part").exists());

    // Nothing is overwritten, and bytes of another file are found out.
    assert_eq!(server.call(&builder, &["artifact", "download", digest, "--out", "back.bin"]).code, Some(5));
    std::fs::write(server.path("bad.bin.part"), b"something else").unwrap();
    let bad = server.call(&builder, &["artifact", "download", digest, "--out", "bad.bin"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(!server.path("bad.bin").exists());
}
