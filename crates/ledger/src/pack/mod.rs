//! Evidence packs: one deterministic tar that holds a log, openings, proofs and populations, and can be verified
//! with no server and no network.
//!
//! Layout: `README.txt`, `keys/history`, `log/checkpoint`, `log/checkpoints/<size>`, `log/tile/...`,
//! `log/timestamps/<size>.tst` (RFC 3161 tokens of these checkpoints), `openings/<index>.json`,
//! `proofs/<index>.tlog-proof`, any further files such as `populations/*.csv`, and last `pack.json`, which lists all
//! others with length and digest.
//! INVARIANT (same-bytes): equal contents give equal bytes: plain ustar, names rising, no times, no owners.

mod index;
mod manifest;
mod read;
mod verify;
mod writer;

pub use manifest::{MANIFEST_PATH, Manifest, PACK_FORMAT, PackFile, PackHeader, Period};
pub use read::PackReader;
pub use verify::{Opening, PackReport, verify_pack};
pub use writer::{PackError, PackWriter, log_paths, opening_file};

/// Name of the key history in a pack.
pub const KEY_HISTORY_PATH: &str = "keys/history";

/// Name of the instructions in a pack.
pub const README_PATH: &str = "README.txt";

/// Longest name in a pack, in bytes: what fits the name field of ustar.
pub const MAX_PATH_BYTES: usize = 100;

/// Most files of a pack.
pub const MAX_FILES: usize = 4_000_000;

/// Largest file that ustar can hold: 8 GiB less one byte.
pub const MAX_FILE_BYTES: u64 = 0o77_777_777_777;

/// Length of a tar block.
const BLOCK: usize = 512;

/// Why a name cannot stand in a pack, or `None` if it can.
///
/// Names are 1 to 100 bytes of ASCII letters, digits, `.`, `_`, `-` and `/`, relative, with no empty, `.` or `..`
/// part: the same file on every system, and nothing outside the folder of the pack.
fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Some("a name has 1 to 100 bytes");
    }
    if !path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/')) {
        return Some("a name has only ASCII letters, digits, '.', '_', '-' and '/'");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("a name is relative and has no empty, '.' or '..' part");
    }
    None
}
