//! Resumable uploads: hash, ask what is missing, send it in parts, complete.
//!
//! Bounded memory: at most two parts are in memory, whatever the size of the file.

use crate::client::{Answer, Client, path};
use crate::failure::Failure;
use crate::output::{bytes as human_bytes, note};
use anyhow::Context as _;
use comptroller_app::artifacts::{BeginUpload, PART_BYTES, UploadView};
use comptroller_core::name::MediaType;
use comptroller_ledger::hash::Digester;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Parts in flight.
const WORKERS: usize = 2;
/// Bytes hashed at a time.
const CHUNK: usize = 1 << 20;
/// Largest part that is sent; the server states the size of its parts.
const MAX_PART: u64 = 8 * PART_BYTES;
/// How often the progress bar moves.
const REDRAW: Duration = Duration::from_millis(100);

/// Uploads a file; answers the receipt, or where the upload stands if the content was there before.
pub(super) fn run(client: &Client, file: &Path, media_type: MediaType) -> anyhow::Result<Answer> {
    let shown = file.display();
    let opened = File::open(file)
        .map_err(|error| Failure::usage(format!("{shown}: {error}"), "name a file that can be read"))?;
    let metadata = opened.metadata().with_context(|| format!("{shown} cannot be read"))?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Err(Failure::usage(
            format!("{shown} is empty or not a file"),
            "an artifact has at least one byte",
        ));
    }
    let total = metadata.len();
    let digest = hash(&opened, total).with_context(|| format!("{shown} cannot be read"))?;
    let command = BeginUpload { digest: digest.parse()?, bytes: total, media_type };
    // Not under the caller's key: a remembered answer would not know which parts have come since.
    let begun = client.post_afresh(&path(&["uploads"]), &command)?;
    let view: UploadView =
        serde_json::from_value(begun.value.clone()).context("the server's answer is not an upload")?;
    if view.completed {
        note(&format!("{digest} is stored already; nothing was sent"));
        return Ok(begun);
    }
    if view.part_bytes == 0
        || view.part_bytes > MAX_PART
        || u64::from(view.parts) != total.div_ceil(view.part_bytes)
    {
        anyhow::bail!(
            "the server wants {} parts of {} bytes, which does not fit",
            view.parts,
            view.part_bytes
        );
    }
    let missing: Vec<u32> = (1..=view.parts).filter(|number| !view.stored.contains(number)).collect();
    if !view.stored.is_empty() {
        note(&format!("going on: {} of {} parts are stored already", view.stored.len(), view.parts));
    }
    send_parts(client, &opened, &view, missing)
        .context("the upload stopped; run the command again to go on where it stopped")?;
    client.post_long(&path(&["uploads", &view.id.to_string(), "complete"]), &serde_json::json!({}))
}

fn hash(file: &File, total: u64) -> std::io::Result<String> {
    let progress = Progress::new("hashing", total, 0);
    let mut hasher = Digester::new();
    let mut buffer = vec![0; CHUNK];
    let mut file = file;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hasher.finish().to_string());
        }
        hasher.update(&buffer[..length]);
        progress.add(length as u64);
    }
}

/// Sends the missing parts with two workers; the first error stops both.
fn send_parts(client: &Client, file: &File, view: &UploadView, missing: Vec<u32>) -> anyhow::Result<()> {
    let part_length = |number: u32| {
        let before = u64::from(number - 1) * view.part_bytes;
        (view.bytes - before).min(view.part_bytes)
    };
    let stored = view.bytes - missing.iter().map(|number| part_length(*number)).sum::<u64>();
    let progress = Progress::new("sending", view.bytes, stored);
    let queue = Mutex::new(missing.into_iter());
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let work = || {
        // Bounded memory: one buffer per worker, used again for every part.
        let mut buffer = Vec::new();
        loop {
            if lock(&failed).is_some() {
                return;
            }
            let Some(number) = lock(&queue).next() else { return };
            buffer.resize(part_length(number) as usize, 0);
            let offset = u64::from(number - 1) * view.part_bytes;
            let sent = file
                .read_exact_at(&mut buffer, offset)
                .with_context(|| format!("part {number} cannot be read from the file"))
                .and_then(|()| client.put_part(&part_path(view, number), &buffer));
            match sent {
                Ok(()) => progress.add(buffer.len() as u64),
                Err(error) => {
                    lock(&failed).get_or_insert(error);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    drop(progress);
    match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn part_path(view: &UploadView, number: u32) -> String {
    path(&["uploads", &view.id.to_string(), "parts", &number.to_string()])
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A bar on stderr, if that is a terminal.
struct Progress {
    what: &'static str,
    total: u64,
    state: Option<Mutex<(u64, Instant)>>,
}

impl Progress {
    fn new(what: &'static str, total: u64, done: u64) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { what, total, state: shown.then(|| Mutex::new((done, Instant::now()))) }
    }

    fn add(&self, bytes: u64) {
        let Some(state) = &self.state else { return };
        let mut state = lock(state);
        state.0 += bytes;
        if state.1.elapsed() >= REDRAW || state.0 >= self.total {
            state.1 = Instant::now();
            draw(&bar(self.what, state.0, self.total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.state.is_some() {
            draw(&" ".repeat(78));
            draw("");
        }
    }
}

fn draw(line: &str) {
    let mut stderr = std::io::stderr().lock();
    // A bar that cannot be drawn must not stop the upload.
    let _ = write!(stderr, "\r{line}").and_then(|()| stderr.flush());
}

fn bar(what: &str, done: u64, total: u64) -> String {
    const WIDTH: u64 = 30;
    let filled = (u128::from(done) * u128::from(WIDTH) / u128::from(total.max(1))).min(WIDTH.into()) as usize;
    let rest = WIDTH as usize - filled;
    format!(
        "{what:<8} [{}{}] {} of {}",
        "#".repeat(filled),
        ".".repeat(rest),
        human_bytes(done),
        human_bytes(total)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fits_a_line_at_both_ends() {
        assert!(bar("sending", 0, 1 << 40).contains("[.............................."));
        let full = bar("sending", 1 << 40, 1 << 40);
        assert!(full.contains("##############################]") && full.chars().count() <= 78, "{full}");
        // More than expected, because the file grew: still a bar.
        assert!(bar("hashing", 10, 5).contains('#'));
    }
}
