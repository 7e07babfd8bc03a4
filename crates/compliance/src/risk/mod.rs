//! The risk of a system in five dimensions: stated facts in, a score with the contribution of each part out.
//!
//! The scale is data (`frameworks/risk/scale.toml`). An unknown answer makes a score a range and never a zero
//! (unknown-stays-unknown). The points order systems among each other; they measure no probability.

mod record;
mod register;
mod scale;
mod score;

pub use record::{
    FROM_RECORD, HOLDS_DAYS, OnRecord, Place, Recorded, Tested, VersionOnRecord, combine, outdated, renewed,
};
pub use register::{RegisterScale, STEPS};
pub use scale::{Band, Dimension, Question, Scale};
pub use score::{Assessment, Facts, Part, Points, Scored, assess, template};
