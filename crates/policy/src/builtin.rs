//! The texts of the bundle that ships with the product, for whoever shows or copies them.

/// The schema.
pub const SCHEMA: &str = include_str!("../../../policies/base/schema.cedarschema");
/// The hard set.
pub const HARD: &str = include_str!("../../../policies/base/hard.cedar");
/// The review set.
pub const REVIEW: &str = include_str!("../../../policies/base/review.cedar");
/// The standing invariants.
pub const INVARIANTS: &str = crate::prove::BUILTIN_INVARIANTS;
/// The cases.
pub const TESTS: &str = crate::cases::Cases::BUILTIN;
