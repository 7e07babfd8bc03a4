//! Time-stamps in a log: each token at `timestamps/<size>.tst` must be about the signed head of that size.
//!
//! Runs after the walk, so that every head it looks at is known to be one of this history.

use serde::Serialize;

use super::error::{FailureClass, VerifyError};
use super::events::Events;
use super::source::{LogSource, read, read_checkpoint};
use super::{Trust, read_entry};
use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::hash::digest;
use crate::timestamp::{self, MAX_TOKEN_BYTES};

/// Most tokens of one log that are checked.
const MAX_TIMESTAMPS: usize = 100_000;

/// How far a recorded time may lie after the time that an authority states for a head above it, in microseconds.
///
/// Both clocks may be a little off; a record that claims to be younger than its own time-stamp by more is not true.
pub const CLOCK_SLACK_MICROS: i64 = 300 * 1_000_000;

/// A time-stamp of a head, and what it says about the entries under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimestampReport {
    /// Entries under the head: all of them existed before `time`.
    pub size: u64,
    /// The time that the authority states, in microseconds since 1970 UTC.
    pub time: i64,
    /// How far the time may be off, in microseconds; absent if the authority does not say.
    pub accuracy: Option<u64>,
    /// Recorded time of the last of these entries.
    pub last_recorded_at: Option<i64>,
    /// Name of the authority in its certificate.
    pub authority: String,
    /// Serial number of the token, hexadecimal.
    pub serial: String,
    /// Whether the authority's certificate leads to one that the auditor trusts. If not, anybody may have made it.
    pub is_trusted: bool,
}

/// Why a token cannot be one of a head whose last entry was recorded at that time; `None` if it can.
///
/// Whoever asks for a token checks this before it is kept, so that a kept one never fails later.
pub fn clock_problem(time: i64, accuracy: Option<u64>, last_recorded_at: Option<i64>) -> Option<String> {
    let off = i64::try_from(accuracy.unwrap_or(0)).unwrap_or(i64::MAX);
    let latest = time.saturating_add(off).saturating_add(CLOCK_SLACK_MICROS);
    let ahead = last_recorded_at?.checked_sub(latest).filter(|ahead| *ahead > 0)?;
    let seconds = ahead.saturating_add(CLOCK_SLACK_MICROS) / 1_000_000;
    Some(format!(
        "the last entry claims to be recorded {seconds} s after the authority stamped it: one of the clocks is wrong"
    ))
}

/// Checks every token of the log, rising by size.
pub(super) fn check(
    source: &dyn LogSource,
    head: &Checkpoint,
    earlier: &[u64],
    events: &Events,
    trust: &Trust,
) -> Result<Vec<TimestampReport>, VerifyError> {
    const PLACE: &str = "timestamps";
    let sizes = source.timestamp_sizes();
    let sizes = sizes.map_err(|e| VerifyError::new(FailureClass::Unreadable, PLACE, e))?;
    if sizes.len() > MAX_TIMESTAMPS {
        let problem = format!("{} time-stamps, the limit is {MAX_TIMESTAMPS}", sizes.len());
        return Err(VerifyError::new(FailureClass::Malformed, PLACE, problem));
    }
    // Who asks for an authority must not be satisfied by tokens that were left out.
    if sizes.is_empty() && trust.timestamps.is_some() {
        let problem = "the log has no time-stamp, and a trusted authority was asked for";
        return Err(VerifyError::new(FailureClass::Timestamp, PLACE, problem));
    }
    sizes.into_iter().map(|size| check_one(source, head, earlier, events, trust, size)).collect()
}

fn check_one(
    source: &dyn LogSource,
    head: &Checkpoint,
    earlier: &[u64],
    events: &Events,
    trust: &Trust,
    size: u64,
) -> Result<TimestampReport, VerifyError> {
    let path = format!("timestamps/{size}.tst");
    let refused = |problem: &dyn std::fmt::Display| VerifyError::new(FailureClass::Timestamp, &path, problem);
    let note = match size {
        size if size == head.size => "checkpoint".to_owned(),
        size if earlier.binary_search(&size).is_ok() => format!("checkpoints/{size}"),
        _ => return Err(refused(&format_args!("there is no checkpoint of {size} entries beside it"))),
    };
    let note = read_checkpoint(source, &note)?;
    let token = read(source, &path, MAX_TOKEN_BYTES)?.ok_or_else(|| refused(&"it cannot be read"))?;
    let stamp = timestamp::verify(&token, note.note().text().as_bytes(), trust.timestamps.as_ref())
        .map_err(|error| refused(&error))?;
    if events.timestamps.get(&size).is_some_and(|recorded| !recorded.contains(&digest(&token))) {
        return Err(refused(&"it is not the token that the log recorded for this head"));
    }
    let last_recorded_at = match size.checked_sub(1) {
        Some(last) => {
            let entry = Entry::from_bytes(&read_entry(source, last, head.size)?);
            Some(entry.map_err(|e| VerifyError::entry(FailureClass::Entry, last, e))?.recorded_at)
        }
        None => None,
    };
    if let Some(problem) = clock_problem(stamp.time, stamp.accuracy, last_recorded_at) {
        return Err(refused(&problem));
    }
    Ok(TimestampReport {
        size,
        time: stamp.time,
        accuracy: stamp.accuracy,
        last_recorded_at,
        authority: stamp.authority,
        serial: stamp.serial,
        is_trusted: stamp.is_trusted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_may_not_claim_to_be_younger_than_its_time_stamp() {
        let minute = 60_000_000;
        assert_eq!(clock_problem(0, None, None), None);
        assert_eq!(clock_problem(0, None, Some(5 * minute)), None);
        let problem = clock_problem(0, None, Some(6 * minute)).unwrap();
        assert!(problem.contains("360 s after"), "{problem}");
        assert_eq!(clock_problem(0, Some(60_000_000), Some(6 * minute)), None);
        assert_eq!(clock_problem(i64::MAX, Some(u64::MAX), Some(i64::MAX)), None);
        assert_eq!(clock_problem(i64::MIN, None, Some(i64::MIN)), None);
    }
}
