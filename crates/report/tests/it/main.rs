//! Documents of a whole year before judges that we did not write.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves")]

// The year that the engine itself is tested with: events that are real, each read back as what it says it is.
#[path = "../../../compliance/tests/it/year/chance.rs"]
#[expect(dead_code, reason = "made for more tests than these")]
mod chance;
#[path = "../../../compliance/tests/it/made.rs"]
mod made;
#[path = "../../../compliance/tests/it/year/making.rs"]
#[expect(dead_code, reason = "made for more tests than these")]
mod making;

mod oscal;
mod year;
