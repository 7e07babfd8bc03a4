//! Bins frozen from the reference: the ground on which everything is counted and compared.

mod categories;
mod display;
mod numbers;

pub use categories::{CategoryGrid, MAX_CATEGORIES};
pub use display::{Histogram, histogram};
pub(crate) use display::{quantile_of, shown};
pub use numbers::{NumberGrid, SCORED_BINS, STORED_QUANTILES, interpolated};

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// How the values of a column are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbers with an order and a scale.
    Numeric,
    /// Names without an order; numbers count by their shortest form.
    Categorical,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Categorical => "categorical",
        }
    }
}

/// The bins of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Grid {
    /// Of numbers.
    Numeric(NumberGrid),
    /// Of categories.
    Categorical(CategoryGrid),
}

impl Grid {
    /// How values are understood.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numeric(_) => Kind::Numeric,
            Self::Categorical(_) => Kind::Categorical,
        }
    }

    /// Stored bins of values, without those of what is no value.
    pub fn bins(&self) -> usize {
        match self {
            Self::Numeric(grid) => grid.bins(),
            Self::Categorical(grid) => grid.bins(),
        }
    }

    pub(crate) fn check(&self, place: &str) -> Result<(), StatsError> {
        match self {
            Self::Numeric(grid) => grid.check(place),
            Self::Categorical(grid) => grid.check(place),
        }
    }
}
