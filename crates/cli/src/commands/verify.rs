//! `comptroller verify`: evidence packs and log folders, offline.
//!
//! INVARIANT (keys-from-the-auditor): keys come from the arguments only, never from what is verified. Must not open
//! a network connection or a data folder.

use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::read_text;
use crate::output::{Screen, Style, bytes as human_bytes, clean};
use clap::Args;
use comptroller_core::Timestamp;
use comptroller_ledger::dir::DirSource;
use comptroller_ledger::verify::TimestampReport;
use comptroller_ledger::{
    Anchors, Checkpoint, Policy, Report, SignedCheckpoint, Trust, VerifierKey, verify_log, verify_pack,
};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Largest policy, key or checkpoint file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Time-stamps that are shown in text.
const SHOWN_TIMESTAMPS: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// An evidence pack (a .tar file), or a folder that holds a log as tiles.
    path: PathBuf,
    /// Verification key of the log that you trust, NAME+HASH+KEY. Get it from the operator by another way than the
    /// pack. May be given several times.
    #[arg(long, value_name = "VKEY")]
    key: Vec<VerifierKey>,
    /// Policy file in the tlog-policy format: logs and witnesses that you trust, and the quorum.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A signed checkpoint that you kept from before: the log must still contain it. May be given several times.
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// PEM file with the certificates that you trust to vouch for a time-stamp authority. The log must then have a
    /// time-stamp, and each must lead to one of them. Without it time-stamps are checked but for their authority.
    #[arg(long, value_name = "FILE")]
    timestamp_ca: Option<PathBuf>,
}

impl VerifyArgs {
    /// Keys alone, of another command that verifies what it reads.
    pub(crate) fn of_keys(key: Vec<VerifierKey>) -> Self {
        Self { path: PathBuf::new(), key, policy: None, known: Vec::new(), timestamp_ca: None }
    }

    /// What is to be verified.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What the signature does not speak of, and who does.
const NOT_COVERED: &str = "what was computed from the entries is no part of the log: `comptroller control test PACK` compares \
                           controls/ with them, `comptroller policy recheck PACK` populations/\n";

pub(crate) fn run(screen: Screen, arguments: &VerifyArgs) -> anyhow::Result<Exit> {
    let trust = trust(arguments)?;
    let path = &arguments.path;
    let (value, text) = if path.is_dir() {
        let root = if path.join("checkpoint").exists() { path.clone() } else { path.join("log") };
        if !root.join("checkpoint").exists() {
            let message = format!("{} holds neither checkpoint nor log/checkpoint", path.display());
            return Err(Failure::usage(message, "name a pack, or the folder with the file checkpoint in it"));
        }
        let report = verify_log(&DirSource::new(root), &trust).map_err(Failure::Verify)?;
        let text = log_text(&report, screen.style)
            + &screen
                .style
                .dim("only the log was verified: payloads and proof files are verified in a pack\n");
        (serde_json::to_value(&report)?, text)
    } else {
        let file = File::open(path).map_err(|error| {
            Failure::usage(format!("{}: {error}", path.display()), "name a pack that can be read")
        })?;
        let report = verify_pack(file, &trust).map_err(Failure::Verify)?;
        let mut text = log_text(&report.log, screen.style);
        let lines = [
            ("payloads shown", format!("{}, each the one committed to", report.openings)),
            ("proof files", format!("{}, each true", report.proofs)),
            ("files", format!("{}, {}", report.files, human_bytes(report.bytes))),
            (
                "pack made",
                format!("{}, as it says itself; nothing proves this time", time(report.created_at)),
            ),
        ];
        push_lines(&mut text, &lines, screen.style);
        text.push_str(&screen.style.dim(NOT_COVERED));
        (serde_json::to_value(&report)?, text)
    };
    screen.print(&Answer::of_value(value), |_| text)?;
    Ok(Exit::OK)
}

/// What the auditor brings along.
pub(crate) fn trust(arguments: &VerifyArgs) -> anyhow::Result<Trust> {
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    if arguments.key.is_empty() && policy.as_ref().is_none_or(|policy| policy.logs().is_empty()) {
        return Err(Failure::usage(
            "no key to verify with",
            "give --key VKEY, or --policy FILE with a log line; a key inside the pack proves nothing",
        ));
    }
    let timestamps = arguments.timestamp_ca.as_deref().map(read_anchors).transpose()?;
    let mut trust = Trust { keys: arguments.key.clone(), policy, known_heads: Vec::new(), timestamps };
    for path in &arguments.known {
        trust.known_heads.push(read_head(path)?);
    }
    Ok(trust)
}

fn read_policy(path: &Path) -> anyhow::Result<Policy> {
    let text = read_text(path, MAX_FILE)?;
    Policy::parse(text.as_bytes()).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "correct the policy; its format is C2SP tlog-policy",
        )
    })
}

fn read_anchors(path: &Path) -> anyhow::Result<Anchors> {
    let text = read_text(path, MAX_FILE)?;
    Anchors::from_pem(text.as_bytes()).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "give the certificates of the authority's root in PEM, as the authority publishes them",
        )
    })
}

/// The head of a checkpoint that the auditor kept; its signature was the auditor's to check when it was kept.
fn read_head(path: &Path) -> anyhow::Result<Checkpoint> {
    let text = read_text(path, MAX_FILE)?;
    let signed = SignedCheckpoint::parse(text.as_bytes()).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display()), "give the file as `/log/checkpoint` served it")
    })?;
    Ok(signed.checkpoint().clone())
}

fn log_text(report: &Report, style: Style) -> String {
    let mut text = format!("{} {}\n", style.good("verified:"), clean(&report.origin));
    let moment = |micros: Option<i64>| micros.map_or_else(|| "-".to_owned(), time);
    let mut lines = vec![
        ("organisation", report.org.as_deref().map_or_else(|| "-".to_owned(), clean)),
        ("entries", format!("{}, every one checked", report.size)),
        ("root", report.root.to_string()),
        ("streams", format!("{}, without gaps", report.streams)),
        ("first entry", moment(report.first_recorded_at)),
        ("last entry", moment(report.last_recorded_at)),
        ("signed by", report.signed_by.iter().map(|key| clean(key)).collect::<Vec<_>>().join(", ")),
        ("earlier heads", format!("{}, all in this same history", report.earlier_checkpoints)),
    ];
    for rotation in &report.rotations {
        let text =
            format!("entry {}, signed by both keys: now {}", rotation.index, clean(&rotation.new_vkey));
        lines.push(("key changed", text));
    }
    for witness in &report.cosigned_by {
        let micros = i64::try_from(witness.time).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        lines.push(("witnessed by", format!("{} at {}", clean(&witness.vkey), time(micros))));
    }
    for stamp in shown(&report.timestamps) {
        let trusted = if stamp.is_trusted { "" } else { " (authority not checked, see --timestamp-ca)" };
        let text = format!(
            "{} entries existed at {}, says {}{trusted}",
            stamp.size,
            time(stamp.time),
            clean(&stamp.authority)
        );
        lines.push(("time-stamped", text));
    }
    if report.timestamps.len() > SHOWN_TIMESTAMPS {
        let text = format!("{} in all; `--format json` lists them", report.timestamps.len());
        lines.push(("time-stamps", text));
    }
    if report.known_heads > 0 {
        lines.push(("your heads", format!("{}, all in this same history", report.known_heads)));
    }
    push_lines(&mut text, &lines, style);
    text
}

/// The first and the newest time-stamps, as many as are shown in text.
fn shown(timestamps: &[TimestampReport]) -> impl Iterator<Item = &TimestampReport> {
    let newest = timestamps.len().saturating_sub(SHOWN_TIMESTAMPS - 1).max(1);
    timestamps.iter().enumerate().filter(move |(at, _)| *at == 0 || *at >= newest).map(|(_, stamp)| stamp)
}

fn push_lines(text: &mut String, lines: &[(&str, String)], style: Style) {
    for (label, value) in lines {
        let _ = writeln!(text, "  {}  {value}", style.strong(&format!("{label:<14}")));
    }
}

fn time(micros: i64) -> String {
    crate::output::cell(&serde_json::Value::String(Timestamp::from_micros(micros).to_string()))
}
