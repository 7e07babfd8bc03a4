//! The shipped texts and cases.

use comptroller_core::Timestamp;
use comptroller_core::ids::PrincipalId;
use comptroller_policy::cases::Cases;

pub(crate) const SCHEMA: &str = include_str!("../../../../policies/base/schema.cedarschema");
pub(crate) const HARD: &str = include_str!("../../../../policies/base/hard.cedar");
pub(crate) const REVIEW: &str = include_str!("../../../../policies/base/review.cedar");
pub(crate) const CASES: &str = include_str!("../../../../policies/base/tests.toml");

pub(crate) fn shipped_cases() -> Cases {
    Cases::builtin().unwrap()
}

/// Somebody; always the same.
pub(crate) fn somebody() -> PrincipalId {
    PrincipalId::new(Timestamp::from_micros(1_700_000_000_000_000), [7; 10])
}
