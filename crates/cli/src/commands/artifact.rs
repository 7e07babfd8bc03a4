//! `comptroller artifact`: files of models and datasets, by digest; and how answers that are files are saved.

use super::{Context, upload};
use crate::client::{Answer, path};
use crate::failure::Failure;
use crate::output::{bytes as human_bytes, note};
use anyhow::Context as _;
use clap::Subcommand;
use comptroller_core::Digest;
use comptroller_core::name::MediaType;
use comptroller_ledger::hash::Digester;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use ureq::Body;
use ureq::http::{Response, StatusCode};

/// Bytes copied at a time.
const COPY: usize = 256 << 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Upload a file of any size. An interrupted upload goes on where it stopped when the command is run again.
    Upload {
        /// The file.
        file: PathBuf,
        /// Media type.
        #[arg(long, default_value = "application/octet-stream")]
        media_type: MediaType,
    },
    /// Show an artifact.
    Show {
        /// SHA-256 of its content.
        digest: Digest,
    },
    /// Download an artifact and check its digest. An interrupted download goes on where it stopped.
    Download {
        /// SHA-256 of its content.
        digest: Digest,
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Upload { file, media_type } => screen.object(&upload::run(client, &file, media_type)?),
        Verb::Show { digest } => screen.object(&client.get(&path(&["artifacts", digest.as_str()]), &[])?),
        Verb::Download { digest, out } => download(context, &digest, &out),
    }
}

fn download(context: &Context, digest: &Digest, out: &Path) -> anyhow::Result<()> {
    let content = path(&["artifacts", digest.as_str(), "content"]);
    let view = context.client.get(&path(&["artifacts", digest.as_str()]), &[])?;
    let size = view.value["bytes"].as_u64().context("the server's answer lacks the number /bytes")?;
    let (found, bytes) = save(out, Some(size), |from| context.client.download(&content, from))?;
    if found != digest.as_str() {
        std::fs::remove_file(out).with_context(|| format!("cannot remove {}", out.display()))?;
        anyhow::bail!(
            "what was downloaded has the digest {found}, not {digest}; it was removed, download it again"
        );
    }
    let summary = serde_json::json!({ "digest": found, "bytes": bytes, "file": out });
    context.screen.object(&Answer::of_value(summary))
}

/// Saves an answer that is a file, whole or not at all; answers its SHA-256 (hex) and length.
///
/// The bytes go to `OUT.part` first. With a known `size`, what is there from an interrupted run is kept and `begin`
/// is asked to go on behind it; without, everything is fetched anew.
pub(super) fn save(
    out: &Path,
    size: Option<u64>,
    begin: impl Fn(u64) -> anyhow::Result<Response<Body>>,
) -> anyhow::Result<(String, u64)> {
    if out.exists() {
        let message = format!("{} exists already", out.display());
        return Err(Failure::usage(message, "name a file that does not exist; nothing is overwritten"));
    }
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let cannot = || format!("cannot write {}", part.display());
    // The content may be confidential: nobody else reads it while it arrives.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600).truncate(size.is_none());
    let mut file = options.open(&part).with_context(cannot)?;
    let mut hasher = Digester::new();
    let mut done = hash_rest(&mut file, &mut hasher).with_context(cannot)?;
    if size.is_some_and(|size| done > size) {
        file.set_len(0).with_context(cannot)?;
        (hasher, done) = (Digester::new(), 0);
    }
    if size.is_none_or(|size| done < size) {
        let response = begin(done)?;
        if done > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            file.set_len(0).with_context(cannot)?;
            (hasher, done) = (Digester::new(), 0);
        }
        if done > 0 {
            note(&format!("going on behind the {} that are here already", human_bytes(done)));
        }
        let mut writer = OpenOptions::new().append(true).open(&part).with_context(cannot)?;
        done += copy(response.into_body().into_reader(), &mut writer, &mut hasher)
            .with_context(|| format!("the download stopped; {} keeps what came", part.display()))?;
    }
    if let Some(size) = size.filter(|size| *size != done) {
        anyhow::bail!("the download ended after {done} of {size} bytes; run the command again to go on");
    }
    file.sync_all().with_context(cannot)?;
    std::fs::rename(&part, out)
        .with_context(|| format!("cannot rename {} to {}", part.display(), out.display()))?;
    Ok((hasher.finish().to_string(), done))
}

fn hash_rest(file: &mut File, hasher: &mut Digester) -> std::io::Result<u64> {
    let mut reader = BufReader::with_capacity(COPY, file);
    copy(&mut reader, &mut std::io::sink(), hasher)
}

fn copy(mut from: impl Read, to: &mut impl Write, hasher: &mut Digester) -> std::io::Result<u64> {
    let mut buffer = vec![0; COPY];
    let mut done = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(done),
            Ok(length) => {
                to.write_all(&buffer[..length])?;
                hasher.update(&buffer[..length]);
                done += length as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
