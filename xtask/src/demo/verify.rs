//! Chapter: an evidence pack, taken home and verified offline, by us and by others; then a byte is flipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::client::Answer;
use super::controls;
use super::walk::{Walk, items, text};
use crate::foreign;
use crate::process::{last_lines, run as run_program, run_quiet};

const LIMIT: Duration = Duration::from_mins(2);
/// Exit codes of a failed verification.
const FAILED: std::ops::RangeInclusive<i32> = 10..=21;

pub(crate) fn run(walk: &mut Walk) -> Result<()> {
    let pack = export(walk)?;
    let vkey = walk.noted("vkey")?;
    let empty = tempfile::Builder::new().prefix("comptroller-auditor-").tempdir()?;
    let report = verify_here(walk, &pack, &vkey, empty.path())?;
    foreign_verifier(walk, &pack, &vkey, empty.path(), &report)?;
    made_again(walk, &pack, &vkey)?;
    controls::tested_again(walk, &pack.to_string_lossy(), &vkey)?;
    wrong_key(walk, &pack, &vkey, empty.path())?;
    flip(walk, &pack, &vkey, empty.path())
}

fn export(walk: &mut Walk) -> Result<PathBuf> {
    let pack = walk.folder.join("evidence.tar");
    let out = pack.to_string_lossy().into_owned();
    walk.refused("builder", &["evidence", "pack", "--out", &out], 6)?;
    let (from, to) = (walk.noted("controls since")?, walk.noted("window end")?);
    let words = ["evidence", "pack", "--framework", "soc2", "--from", &from, "--to", &to, "--out", &out];
    walk.ok("auditor", &words)?;
    let list = walk.ok("auditor", &["ledger", "entries", "--kind", "evidence.exported", "--limit", "1"])?;
    let exported = items(&list)?.first().context("the export is not in the log")?;
    let index = exported["index"].as_u64().context("an entry without index")?;
    let what = format!(
        "The builder may not export; the auditor exported {} KiB of evidence.",
        pack.metadata()?.len() / 1024
    );
    walk.step(
        &what,
        &[index],
        "One file: the whole log, proofs, shown payloads, populations, and the tests of controls for SOC 2.",
    );
    Ok(pack)
}

/// Verifies in an empty folder: no server, no data folder, no settings; only the pack and the key.
fn verify_here(walk: &mut Walk, pack: &Path, vkey: &str, empty: &Path) -> Result<Value> {
    let answer = verify(walk, pack, vkey, empty)?;
    ensure!(answer.code == 0, "the pack does not verify (exit code {}):\n{}", answer.code, answer.text);
    let log = &answer.json["log"];
    let size = log["size"].as_u64().with_context(|| format!("no size in the report: {}", answer.json))?;
    let what = format!(
        "comptroller verify, in an empty folder with the key from step 1: {size} entries, {} streams, {} payloads.",
        log["streams"], answer.json["openings"]
    );
    walk.step(
        &what,
        &[],
        "Every hash was recomputed. Nothing was changed, removed or reordered since entry 0.",
    );
    Ok(answer.json)
}

fn foreign_verifier(walk: &mut Walk, pack: &Path, vkey: &str, empty: &Path, report: &Value) -> Result<()> {
    let Some(program) = foreign::go_verifier_if_present(walk.workspace)? else {
        walk.step(
            "Go verifier: not on this machine; `cargo xtask test` installs it.",
            &[],
            "Left out, and said so.",
        );
        return Ok(());
    };
    run_quiet(Command::new("tar").arg("-xf").arg(pack).arg("-C").arg(empty), LIMIT)?;
    let mut command = Command::new(program);
    command.arg(empty.join("log")).arg(vkey).current_dir(empty);
    let said = run_quiet(&mut command, LIMIT)?;
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["OK", size, root] = words.as_slice() else { bail!("the Go verifier said: {said}") };
    ensure!(
        report["log"]["size"].as_u64() == size.parse().ok(),
        "the Go verifier counts {size} entries: {report}"
    );
    walk.step(
        "The same log verified with the Go project's own packages: same size, and its root matches the signature.",
        &[],
        "A program that shares no code with ours agrees.",
    );
    walk.screen.quote(&[format!("OK {size} {root}")]);
    Ok(())
}

/// Decides every recorded decision again from the pack alone, and makes the proof about the change of policies again.
fn made_again(walk: &mut Walk, pack: &Path, vkey: &str) -> Result<()> {
    let pack = pack.to_string_lossy().into_owned();
    let answer = walk.ok("nobody", &["policy", "recheck", &pack, "--key", vkey, "--proofs"])?;
    let found = &answer["rechecked"];
    let (decisions, same) = (found["decisions"].as_u64(), found["same"].as_u64());
    ensure!(decisions == same && decisions > Some(0), "a decision comes out otherwise: {found}");
    ensure!(found["proofs"] == 1 && found["same_proofs"] == 1, "a proof comes out otherwise: {found}");
    walk.step(
        &format!(
            "All {} decisions in the pack made again, offline, and the proof about the policies too.",
            same.unwrap_or(0)
        ),
        &[],
        "Same outcomes, rules and facts; the report of the proof is the same, byte for byte.",
    );
    Ok(())
}

fn wrong_key(walk: &mut Walk, pack: &Path, vkey: &str, empty: &Path) -> Result<()> {
    // The same name with another key: the last character before the padding decides other bits of it.
    let position = vkey.len() - 5;
    let other = if vkey.as_bytes()[position] == b'A' { 'B' } else { 'A' };
    let wrong = format!("{}{other}{}", &vkey[..position], &vkey[position + 1..]);
    let answer = verify(walk, pack, &wrong, empty)?;
    ensure!(answer.code != 0, "the pack verifies under a wrong key");
    let what = format!("With a key that differs in one character: refused (exit code {}).", answer.code);
    walk.step(&what, &[], "The pack brings no trust of its own; the auditor's key does.");
    Ok(())
}

/// Changes one byte of a vote in a copy, and expects the place to be named.
fn flip(walk: &mut Walk, pack: &Path, vkey: &str, empty: &Path) -> Result<()> {
    let votes = walk.ok("auditor", &["ledger", "entries", "--kind", "waiver.decided", "--limit", "1"])?;
    let index = items(&votes)?
        .first()
        .and_then(|item| item["index"].as_u64())
        .context("no decision about a waiver in the log")?;
    let mut bytes = std::fs::read(pack)?;
    let mark = b"\"vote\":\"approve\"";
    // The last one in the pack is the vote on the waiver: entries stand in their order.
    let at = bytes.windows(mark.len()).rposition(|part| part == mark).context("no vote in the pack")?;
    let place = at + mark.len() - 2;
    bytes[place] ^= 1;
    let changed = empty.join("changed.tar");
    std::fs::write(&changed, &bytes)?;
    let answer = verify(walk, &changed, vkey, empty)?;
    ensure!(FAILED.contains(&answer.code), "one changed byte went unnoticed (exit code {})", answer.code);
    let named = text(&answer.json, "place")?.to_owned();
    ensure!(
        named.contains(&index.to_string()) || named.contains("tile/entries"),
        "the message names another place than entry {index}: {}",
        answer.text
    );
    let what = format!(
        "Byte {place} of a copy flipped, inside the vote on a waiver, entry {index}: found (exit code {}).",
        answer.code
    );
    walk.step(&what, &[], "One bit in one vote, and the message names the place.");
    walk.screen.quote(&[text(&answer.json, "detail")?.to_owned()]);
    Ok(())
}

fn verify(walk: &Walk, pack: &Path, vkey: &str, folder: &Path) -> Result<Answer> {
    let mut command = Command::new(walk.client.binary());
    // Nothing of this machine but the program itself.
    command.env_clear().current_dir(folder);
    command.arg("verify").arg(pack).args(["--key", vkey, "--format", "json"]);
    let finished = run_program(&mut command, LIMIT, false)?;
    let text = format!("{}{}", finished.stdout, finished.stderr);
    let json = serde_json::from_str(text.trim()).unwrap_or(Value::Null);
    let code = finished.status.code().context("the verifier was killed")?;
    Ok(Answer { code, json, text: last_lines(&text, 20) })
}
