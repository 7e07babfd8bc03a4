//! A large file goes through the command line and the server in little memory, though each of them dies on the way.
//!
//! `COMPTROLLER_TEST_ARTIFACT_MIB` sets its size, 600 by default: three times what either process may use.

use crate::api::set_up;
use crate::servers::say;
use crate::support::{Ended, Server};
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// Most memory that a process may have had at any time.
const BOUND_MIB: u64 = 200;

#[test]
fn an_artifact_three_times_the_memory_bound_is_carried_though_both_sides_die() {
    let size = std::env::var("COMPTROLLER_TEST_ARTIFACT_MIB").map_or(600, |text| text.parse().unwrap());
    assert!(size >= 3 * BOUND_MIB, "a file of {size} MiB says nothing about a bound of {BOUND_MIB} MiB");
    let server = Server::start();
    let token = set_up(&server).builder;
    write_content(&server.path("model.bin"), size);
    let objects = server.path("comptroller-data");
    let upload = ["artifact", "upload", "model.bin"];

    let begun = Instant::now();
    let mut client = start(&server, &token, &upload);
    wait_for(&mut client, || stored(&objects) > size * MIB / 4);
    let first_client = peak(client.id()).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    say(&format!("client killed at {} MiB stored", stored(&objects) / MIB));

    let mut client = start(&server, &token, &upload);
    wait_for(&mut client, || stored(&objects) > size * MIB / 2);
    let first_server = peak(server.child.as_ref().unwrap().id()).unwrap();
    let server = kill_and_start_again(server);
    // The client tries for a while and then says that the upload stopped.
    client.kill().unwrap();
    client.wait().unwrap();
    say(&format!("server killed at {} MiB stored", stored(&objects) / MIB));

    let (again, second_client) = run(&server, &token, &upload);
    let receipt = again.json();
    assert!(again.stderr.starts_with("going on: "), "{again:?}");
    let uploaded = begun.elapsed();
    let digest = receipt["id"].as_str().unwrap();

    let begun = Instant::now();
    let (back, third_client) = run(&server, &token, &["artifact", "download", digest, "--out", "back.bin"]);
    assert_eq!(back.json()["digest"], *digest);
    let downloaded = begun.elapsed();
    assert_same(&server.path("model.bin"), &server.path("back.bin"));

    let second_server = peak(server.child.as_ref().unwrap().id()).unwrap();
    let client_peak = first_client.max(second_client).max(third_client);
    let server_peak = first_server.max(second_server);
    say(&format!(
        "{size} MiB: up in {:.1} s with both killed once, down in {:.1} s; peak memory client {client_peak} MiB, server {server_peak} MiB",
        uploaded.as_secs_f64(),
        downloaded.as_secs_f64()
    ));
    assert!(client_peak < BOUND_MIB, "the client used {client_peak} MiB");
    assert!(server_peak < BOUND_MIB, "the server used {server_peak} MiB");
}

/// Bytes that do not repeat in parts.
fn write_content(path: &Path, mib: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    for number in 0..mib * MIB / 8 {
        file.write_all(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn assert_same(one: &Path, other: &Path) {
    let (mut one, mut other) = (File::open(one).unwrap(), File::open(other).unwrap());
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    assert_eq!(one.metadata().unwrap().len(), other.metadata().unwrap().len());
    loop {
        let length = one.read(&mut left).unwrap();
        other.read_exact(&mut right[..length]).unwrap();
        assert!(left[..length] == right[..length], "other bytes came back");
        if length == 0 {
            return;
        }
    }
}

fn start(server: &Server, token: &str, words: &[&str]) -> Child {
    let mut command = server.command(token, words);
    command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs a command to its end; answers its peak memory in MiB as well.
fn run(server: &Server, token: &str, words: &[&str]) -> (Ended, u64) {
    let mut child = start(server, token, words);
    let mut highest = 0;
    while child.try_wait().unwrap().is_none() {
        highest = highest.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert!(highest > 0, "the memory of {words:?} was not seen");
    (Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }, highest)
}

/// Kills the server as a power cut would, and starts it on what is left.
fn kill_and_start_again(mut server: Server) -> Server {
    let mut child = server.child.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    Server::start_in(folder)
}

fn wait_for(child: &mut Child, reached: impl Fn() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(child.try_wait().unwrap().is_none(), "the command ended before it was cut");
        assert!(begun.elapsed() < Duration::from_secs(600), "the upload does not move");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes of all files below a folder.
fn stored(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => stored(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0, // Renamed or removed since it was listed.
        })
        .sum()
}

/// Highest resident memory of a process so far, in MiB; none once it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap().div_ceil(1_024))
}
