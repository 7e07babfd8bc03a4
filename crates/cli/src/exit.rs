//! Exit codes: one table, used by every command and printed into the reference.
//!
//! Must not be renumbered: pipelines rely on the numbers.

use comptroller_core::vocab::Outcome;
use comptroller_ledger::FailureClass;
use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const FAILURE: Self = Self(1);
    pub(crate) const DENY: Self = Self(2);
    pub(crate) const NEEDS_REVIEW: Self = Self(3);
    pub(crate) const UNKNOWN: Self = Self(4);
    pub(crate) const USAGE: Self = Self(5);
    pub(crate) const NOT_ALLOWED: Self = Self(6);
    pub(crate) const NOT_FOUND: Self = Self(7);
    pub(crate) const CONFLICT: Self = Self(8);
    pub(crate) const UNREACHABLE: Self = Self(9);

    /// The code of a gate's outcome.
    pub(crate) fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::OK,
            Outcome::Deny => Self::DENY,
            Outcome::NeedsReview => Self::NEEDS_REVIEW,
            Outcome::Unknown => Self::UNKNOWN,
        }
    }

    /// The code of a failed verification, 10 to 21.
    pub(crate) fn of_class(class: FailureClass) -> Self {
        Self(class.exit_code())
    }

    /// The code of an API error, by its stable `code`, else by its HTTP status.
    pub(crate) fn of_problem(code: &str, status: u16) -> Self {
        match (code, status) {
            ("denied" | "unauthenticated", _) | (_, 401 | 403) => Self::NOT_ALLOWED,
            ("not-found", _) | (_, 404) => Self::NOT_FOUND,
            ("conflict", _) | (_, 409) => Self::CONFLICT,
            ("invalid-input", _) | (_, 400 | 405 | 413 | 414 | 415 | 422) => Self::USAGE,
            _ => Self::FAILURE,
        }
    }

    #[cfg(test)]
    pub(crate) fn number(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// Prints what clap has to say: help and version end with 0, everything else is bad usage.
///
/// clap itself would end with 2, which is the gate's "deny".
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done if even this cannot be written.
    let _ = error.print();
    if error.use_stderr() { Exit::USAGE.into() } else { Exit::OK.into() }
}

/// Every code with its meaning, for the reference.
pub(crate) const TABLE: &[(Exit, &str)] = &[
    (Exit::OK, "done; `gate`: allow"),
    (
        Exit::FAILURE,
        "failed for another reason than those below, the message says which; `policy`: the policies are not in order",
    ),
    (
        Exit::DENY,
        "`gate`: deny; `policy`: a case fails, an invariant is violated, a rule can error, or something new is let in; `drift --fail-on`: the band is reached; `fairness --fail-on`: a criterion fails; `verify-statement --passed`: it says FAILED; `risk classify`: a prohibited practice",
    ),
    (Exit::NEEDS_REVIEW, "`gate`: needs review"),
    (
        Exit::UNKNOWN,
        "`gate`: could not be decided, which counts as deny; `policy`: not proven; `drift --fail-on`: not enough rows for a verdict; `fairness --fail-on`: a criterion has no evidence; `risk classify`, `risk assess`: an open question could change the tier or band",
    ),
    (Exit::USAGE, "bad arguments, bad configuration or bad input"),
    (Exit::NOT_ALLOWED, "not signed in, or refused by policy"),
    (Exit::NOT_FOUND, "something that was named does not exist"),
    (Exit::CONFLICT, "contradicts what is there, for example a name that is taken"),
    (Exit::UNREACHABLE, "the server cannot be reached, or the connection was lost"),
];

/// The classes of a failed verification with their meaning, for the reference.
pub(crate) const CLASSES: &[(FailureClass, &str)] = &[
    (FailureClass::Malformed, "a file has not the form it must have"),
    (FailureClass::Key, "a signature is bad, or no trusted key signed"),
    (FailureClass::Entry, "an entry is not the one that was logged"),
    (FailureClass::Tile, "a tile is not what the signed root commits to"),
    (FailureClass::Truncated, "entries or tiles below the signed size are missing"),
    (FailureClass::Fork, "a signed head does not belong to the tree of these entries"),
    (FailureClass::Stream, "a stream has a gap or a repeat, or its stated head is not true"),
    (FailureClass::Opening, "a shown payload is not what an entry committed to"),
    (FailureClass::Proof, "a proof file does not hold"),
    (FailureClass::Quorum, "too few witnesses cosigned"),
    (FailureClass::Timestamp, "recorded times go back, or a time-stamp does not fit"),
    (FailureClass::Unreadable, "a file could not be read"),
];

/// Both tables as Markdown rows.
pub(crate) fn reference() -> String {
    let mut text = String::from("| code | meaning |\n|---:|---|\n");
    for (exit, meaning) in TABLE {
        text.push_str(&format!("| {} | {meaning} |\n", exit.0));
    }
    for (class, meaning) in CLASSES {
        text.push_str(&format!("| {} | `verify`: {class}: {meaning} |\n", class.exit_code()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_meanings_share_a_number() {
        let mut numbers: Vec<u8> = TABLE.iter().map(|(exit, _)| exit.number()).collect();
        numbers.extend(CLASSES.iter().map(|(class, _)| class.exit_code()));
        let distinct: BTreeSet<u8> = numbers.iter().copied().collect();
        assert_eq!(distinct.len(), numbers.len());
        assert_eq!(distinct, (0..=21).collect());
    }

    #[test]
    fn codes_of_problems_go_by_code_and_then_by_status() {
        assert_eq!(Exit::of_problem("denied", 403), Exit::NOT_ALLOWED);
        assert_eq!(Exit::of_problem("", 404), Exit::NOT_FOUND);
        assert_eq!(Exit::of_problem("read-only", 503), Exit::FAILURE);
        assert_eq!(Exit::of_problem("payload-too-large", 413), Exit::USAGE);
    }
}
