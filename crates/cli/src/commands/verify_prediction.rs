//! `comptroller verify-prediction`: the proof of a prediction, offline.
//!
//! INVARIANT (keys-from-the-auditor): keys come from the arguments only, never from what is verified. Must not open
//! a network connection or a data folder.

use crate::client::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::read_bytes;
use crate::output::{Screen, cell};
use clap::Args;
use comptroller_app::predictions::proof::{MAX_BYTES, verify};
use comptroller_core::Timestamp;
use comptroller_ledger::VerifierKey;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct VerifyPredictionArgs {
    /// The proof, as `prediction prove` wrote it (`-` for stdin).
    path: PathBuf,
    /// Verification key of the log that you trust, NAME+HASH+KEY. Get it from the operator by another way than the
    /// proof. May be given several times.
    #[arg(long, value_name = "VKEY", required = true)]
    key: Vec<VerifierKey>,
}

pub(crate) fn run(screen: Screen, arguments: &VerifyPredictionArgs) -> anyhow::Result<Exit> {
    let place = arguments.path.display().to_string();
    let bytes = read_bytes(&arguments.path, MAX_BYTES as u64)?;
    let verified = verify(&bytes, &arguments.key, &place).map_err(Failure::Verify)?;
    let value = serde_json::to_value(&verified)?;
    screen.print(&Answer::of_value(value), |answer| {
        let mut text = format!("{} this record was sealed and logged\n", screen.style.good("verified:"));
        let recorded = Timestamp::from_micros(verified.recorded_at).to_string();
        for (label, shown) in [
            ("system", cell(&answer["block"]["system"])),
            ("version", cell(&answer["block"]["version"])),
            ("environment", cell(&answer["block"]["environment"])),
            ("entry", verified.ledger_index.to_string()),
            ("sealed", recorded),
        ] {
            let _ = writeln!(text, "  {}  {shown}", screen.style.strong(&format!("{label:<14}")));
        }
        for field in answer["record"].as_array().into_iter().flatten() {
            let label = screen.style.strong(&format!("{:<14}", cell(&field["name"])));
            let _ = writeln!(text, "  {label}  {}", cell(&field["value"]));
        }
        for key in &verified.signed_by {
            let label = screen.style.strong(&format!("{:<14}", "signed by"));
            let _ = writeln!(text, "  {label}  {}", crate::output::clean(key));
        }
        text
    })?;
    Ok(Exit::OK)
}
