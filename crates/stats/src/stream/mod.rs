//! Detectors that watch one number at a time and say when its mean has changed.
//!
//! Each has a bounded state (ADWIN logarithmic in the rows, the others constant) that can be stored and read back, and
//! sees each row once. They have no severity: they date a change, they do not measure it.
//!
//! Which to take: [`Adwin`] for any bounded number, with a stated chance of a false alarm; [`Ddm`] for errors of
//! decisions (0 right, 1 wrong), where only more errors matter; [`PageHinkley`] for numbers in standard deviations of
//! the reference, since its threshold is in the unit of its input.

mod adwin;
mod ddm;
mod onset;
mod page_hinkley;

pub use adwin::{Adwin, AdwinSettings};
pub use ddm::{Ddm, DdmSettings};
pub use onset::{Onset, onset, since};
pub use page_hinkley::{PageHinkley, PageHinkleySettings};

use serde::{Deserialize, Serialize};

/// What a detector says after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing.
    Stable,
    /// A change may have begun.
    Warning,
    /// The mean has changed.
    Change,
}
