//! Tests of the whole of drift: published values, edge cases, defects of others, false alarms, diagnosis.
#![expect(clippy::cast_precision_loss, reason = "numbers of rows in tests")]
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

mod descriptors;
mod edges;
mod embeddings;
mod estimated;
mod false_alarms;
mod onsets;
mod oracle;
mod profile;
mod scenarios;
mod streams;
mod support;
