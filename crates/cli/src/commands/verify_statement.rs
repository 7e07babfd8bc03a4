//! `comptroller verify-statement`: a signed statement about a decision, offline.
//!
//! INVARIANT (keys-from-the-auditor): keys come from the arguments only, never from what is verified. Must not open
//! a network connection or a data folder.

use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::read_text;
use crate::output::{Screen, Style, cell};
use clap::Args;
use comptroller_app::statement::{DECISION, STATEMENT, VERIFICATION_SUMMARY};
use comptroller_ledger::dsse::{IN_TOTO, MAX_ENVELOPE_BYTES};
use comptroller_ledger::hash::Digester;
use comptroller_ledger::{Envelope, EnvelopeError, FailureClass, VerifierKey, VerifyError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(crate) struct VerifyStatementArgs {
    /// The statement: a DSSE envelope (`-` for stdin).
    path: PathBuf,
    /// Verification key of the log that you trust, NAME+HASH+KEY. Get it from the operator by another way than the
    /// statement. May be given several times.
    #[arg(long, value_name = "VKEY", required = true)]
    key: Vec<VerifierKey>,
    /// A file that has to be among the artifacts of the statement, by its SHA-256. May be given several times.
    #[arg(long, value_name = "FILE")]
    artifact: Vec<PathBuf>,
    /// What the statement has to be about, as `resourceUri` has it: version and environment.
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// End with 2 unless the result is PASSED.
    #[arg(long)]
    passed: bool,
}

pub(crate) fn run(screen: Screen, arguments: &VerifyStatementArgs) -> anyhow::Result<Exit> {
    let place = arguments.path.display().to_string();
    let refused = |class: FailureClass, problem: String| {
        Failure::Verify(VerifyError { class, place: place.clone(), problem })
    };
    let text = read_text(&arguments.path, MAX_ENVELOPE_BYTES as u64)?;
    let verified = Envelope::parse(text.as_bytes())
        .and_then(|envelope| envelope.verify(IN_TOTO, &arguments.key))
        .map_err(|error| refused(class(&error), error.to_string()))?;
    let statement: Value = serde_json::from_slice(&verified.payload)
        .map_err(|error| refused(FailureClass::Malformed, format!("the payload is not JSON: {error}")))?;
    check_form(&statement).map_err(|problem| refused(FailureClass::Malformed, problem))?;
    if let Some(wanted) = &arguments.resource
        && statement["predicate"]["resourceUri"] != wanted.as_str()
    {
        let found = cell(&statement["predicate"]["resourceUri"]);
        return Err(refused(FailureClass::Proof, format!("it is about {found}, not about {wanted}")).into());
    }
    for file in &arguments.artifact {
        let digest = digest(file)?;
        if !subjects(&statement).any(|subject| subject["digest"]["sha256"] == digest.as_str()) {
            let problem = format!("{} (SHA-256 {digest}) is not among its artifacts", file.display());
            return Err(refused(FailureClass::Proof, problem).into());
        }
    }
    let signed_by: Vec<String> = verified.signed_by.iter().map(ToString::to_string).collect();
    let passed = statement["predicate"]["verificationResult"] == "PASSED";
    let shown = shown(&statement, &signed_by, screen.style, passed);
    let value = json!({"signed_by": signed_by, "passed": passed, "statement": statement});
    screen.print(&Answer::of_value(value), |_| shown)?;
    Ok(if arguments.passed && !passed { Exit::DENY } else { Exit::OK })
}

fn class(error: &EnvelopeError) -> FailureClass {
    match error {
        EnvelopeError::BadSignature(_) | EnvelopeError::NoTrustedSignature(_) | EnvelopeError::KeyKind(_) => {
            FailureClass::Key
        }
        _ => FailureClass::Malformed,
    }
}

/// A statement of another type could mean anything by PASSED.
fn check_form(statement: &Value) -> Result<(), String> {
    for (field, expected) in [("_type", STATEMENT), ("predicateType", VERIFICATION_SUMMARY)] {
        if statement[field] != expected {
            return Err(format!("{field} is {}, expected {expected}", cell(&statement[field])));
        }
    }
    if subjects(statement).next().is_none() {
        return Err("it names no artifact".to_owned());
    }
    let result = statement["predicate"]["verificationResult"].as_str();
    if !matches!(result, Some("PASSED" | "FAILED")) {
        return Err("verificationResult is neither PASSED nor FAILED".to_owned());
    }
    Ok(())
}

fn subjects(statement: &Value) -> impl Iterator<Item = &Value> {
    statement["subject"].as_array().into_iter().flatten()
}

fn digest(path: &Path) -> anyhow::Result<String> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("{}: {error}", path.display()), "name an artifact that can be read")
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = Digester::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            return Ok(hasher.finish().to_string());
        }
        hasher.update(&buffer[..count]);
    }
}

fn shown(statement: &Value, signed_by: &[String], style: Style, passed: bool) -> String {
    let predicate = &statement["predicate"];
    let ours = &predicate[DECISION];
    let result = if passed { style.good("PASSED") } else { style.bad("FAILED") };
    let mut text = format!("{} a statement that is authentic; it says {result}\n", style.good("verified:"));
    for (label, value) in [
        ("about", &predicate["resourceUri"]),
        ("version", &ours["label"]),
        ("outcome", &ours["outcome"]),
        ("decided", &predicate["timeVerified"]),
        ("decision", &ours["decision"]),
        ("entry", &ours["ledgerIndex"]),
        ("policy bundle", &predicate["policy"]["digest"]["sha256"]),
    ] {
        let _ = writeln!(text, "  {}  {}", style.strong(&format!("{label:<14}")), cell(value));
    }
    for subject in subjects(statement) {
        let label = style.strong(&format!("{:<14}", "artifact"));
        let _ =
            writeln!(text, "  {label}  {} {}", cell(&subject["digest"]["sha256"]), cell(&subject["name"]));
    }
    for rule in ours["rules"].as_array().into_iter().flatten() {
        let label = style.strong(&format!("{:<14}", "stands against"));
        let _ = writeln!(text, "  {label}  {}: {}", cell(&rule["id"]), cell(&rule["reason"]));
    }
    for key in signed_by {
        let label = style.strong(&format!("{:<14}", "signed by"));
        let _ = writeln!(text, "  {label}  {}", crate::output::clean(key));
    }
    text
}
