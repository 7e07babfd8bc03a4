//! The fairness engine against others, against its own promises, and where others give numbers that do not exist.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

mod coverage;
mod oracle;
mod support;
mod undefined;
mod verdicts;
