//! Speed and memory of artifacts on a local directory: encrypt and store, read and hash, stream.
//!
//! `cargo bench -p comptroller-store --bench artifacts -- [MIB] [FOLDER]`; 1,024 MiB in the system's temporary folder
//! by default. Peak memory is the high-water mark of the whole process, so it includes the part being made up here.

use anyhow::{Context, ensure};
use bytes::Bytes;
use comptroller_core::Timestamp;
use comptroller_core::ids::UploadId;
use comptroller_store::artifacts::{
    MAX_PART_BYTES, Part, PartEncryptor, abandon, hash_all, store_part, stream, total_bytes,
};
use comptroller_store::keys::{DataKey, random};
use comptroller_store::objects::{Objects, ObjectsConfig};
use futures_util::TryStreamExt;
use std::path::PathBuf;
use std::time::Instant;

/// Size of the pieces that a request body arrives in.
const PIECE: usize = 64 << 10;

fn main() -> anyhow::Result<()> {
    // Cargo passes options of its own.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let mib: u64 = arguments.next().map_or(Ok(1024), |text| text.parse()).context("MIB must be a number")?;
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let objects = Objects::open(&ObjectsConfig::Local { path: folder.path().to_path_buf() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&objects, mib << 20))
}

async fn measure(objects: &Objects, bytes: u64) -> anyhow::Result<()> {
    let upload = UploadId::new(Timestamp::from_micros(0), random()?);
    let key = DataKey::generate()?;
    let piece = Bytes::from(random::<PIECE>()?.to_vec());

    let started = Instant::now();
    let mut parts: Vec<Part> = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let number = parts.len() as u32 + 1;
        let part_bytes = left.min(MAX_PART_BYTES);
        let (key_of_part, piece) = (key.clone(), piece.clone());
        let sealed = tokio::task::spawn_blocking(move || {
            let mut encryptor = PartEncryptor::new(&key_of_part, upload, number)?;
            for start in (0..part_bytes).step_by(PIECE) {
                encryptor.push(&piece[..PIECE.min((part_bytes - start) as usize)])?;
            }
            encryptor.finish()
        });
        let sealed = sealed.await??;
        parts.push(sealed.part);
        store_part(objects, &key, upload, sealed).await?;
        left -= part_bytes;
    }
    report("encrypt, store, sync", bytes, started)?;

    let started = Instant::now();
    let (digest, hashed) = hash_all(objects, &key, upload, &parts).await?;
    ensure!(hashed == bytes, "hashed {hashed} bytes of {bytes}");
    report("read, decrypt, digest", bytes, started)?;

    let started = Instant::now();
    let mut pieces = std::pin::pin!(stream(objects, &key, upload, &parts, 0..total_bytes(upload, &parts)?)?);
    let mut streamed = 0;
    while let Some(piece) = pieces.try_next().await? {
        streamed += piece.len() as u64;
    }
    ensure!(streamed == bytes, "streamed {streamed} bytes of {bytes}");
    report("read, decrypt, stream", bytes, started)?;

    say(&format!("digest {} in {} objects", digest.as_str(), abandon(objects, upload).await?));
    Ok(())
}

fn report(what: &str, bytes: u64, started: Instant) -> anyhow::Result<()> {
    let elapsed = started.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").context("peak memory is read from /proc")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?.trim();
    // Bytes per microsecond are megabytes per second.
    let speed = u128::from(bytes) / elapsed.as_micros().max(1);
    say(&format!("{what:30} {speed:5} MB/s, {:6.2} s, peak memory {peak}", elapsed.as_secs_f64()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of a bench")]
fn say(line: &str) {
    println!("{line}");
}
