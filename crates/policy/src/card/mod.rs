//! Rule cards: policy for people who do not write Cedar.
//!
//! A file `cards/NAME.toml` holds typed rules: where a rule applies, what must hold there, what it serves and what it
//! does not prove. [`compile`] writes each as one Cedar policy, which goes through the same checks as any other.

mod check;
mod compile;
mod monitor;
mod mutate;
mod place;
mod read;
mod requirement;
mod retention;
mod test;

pub(crate) use check::{every as every_fact, needed as needed_facts};
pub(crate) use compile::compile;
pub use compile::rank;
pub use monitor::{MAX_WINDOWS, MonitorCard, Monitors, Watch};
pub use mutate::survivors;
pub(crate) use place::{at, line_of};
pub use read::{Card, CardFile, CardTest};
pub use requirement::{Group, Requirement, Threshold, age_fact, measure_fact, passed_fact};
pub use retention::{Keep, Retention, RetentionCard};
pub use test::run;
