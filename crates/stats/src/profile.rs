//! The profile of a data set: frozen bins and counters of every column, a few KiB each, in bytes that are the same on
//! every machine (RFC 8785). It stands for the data ever after.
//!
//! INVARIANT (one-form): equal profiles have equal bytes, and what is read is written back as it was.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::counts::Counts;
use crate::dependence::Pairs;
use crate::embedding::Moments;
use crate::error::StatsError;
use crate::grid::Grid;
use crate::outcomes::Outcomes;

/// Rows that a profile can count: beyond 2^53 not every JSON reader sees the same number.
pub const MAX_ROWS: u64 = 1 << 53;
/// The version of the form that is written and read.
pub const VERSION: u64 = 1;
/// Columns of a profile, at most.
pub const MAX_COLUMNS: usize = 100_000;
/// Bytes of a profile, at most.
pub const MAX_BYTES: usize = 1 << 30;

/// What a column is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An input.
    Feature,
    /// A decision or class that the model gave.
    Prediction,
    /// A number that the model gave, such as a probability.
    Score,
    /// What came true.
    Label,
    /// When.
    Time,
    /// Which row, person or case.
    Id,
    /// A vector that a model made of something, such as an embedding.
    Embedding,
    /// Free text, compared by what describes it.
    Text,
    /// Nothing that is compared.
    Ignored,
}

impl Role {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Prediction => "prediction",
            Self::Score => "score",
            Self::Label => "label",
            Self::Time => "time",
            Self::Id => "id",
            Self::Embedding => "embedding",
            Self::Text => "text",
            Self::Ignored => "ignored",
        }
    }

    /// Whether the column's distribution is compared.
    pub fn is_compared(self) -> bool {
        matches!(self, Self::Feature | Self::Prediction | Self::Score | Self::Label)
    }
}

/// One column of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is to the model.
    pub role: Role,
    /// Why it is taken for that.
    pub why: String,
    /// Its bins and counters; none if it is not compared.
    pub bins: Option<Binned>,
}

/// Bins and counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binned {
    /// The frozen bins.
    pub grid: Grid,
    /// The rows in them.
    pub counts: Counts,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Always `comptroller-profile`.
    pub format: String,
    /// Always [`VERSION`].
    pub version: u64,
    /// Rows of the data set.
    pub rows: u64,
    /// Its columns, in the order of the file.
    pub columns: Vec<Column>,
    /// How number columns move together.
    pub pairs: Pairs,
    /// Scores and decisions beside labels, if there are any.
    pub outcomes: Option<Outcomes>,
    /// Sums of the columns of vectors, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vectors: BTreeMap<String, Moments>,
}

/// The word by which a profile is known.
pub const FORMAT: &str = "comptroller-profile";

impl Profile {
    /// Reads a profile and checks that it is consistent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatsError> {
        if bytes.len() > MAX_BYTES {
            return Err(StatsError::Malformed(format!("it has more than {MAX_BYTES} bytes")));
        }
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u64,
        }
        let head: Head =
            serde_json::from_slice(bytes).map_err(|error| StatsError::Malformed(error.to_string()))?;
        if head.format != FORMAT {
            return Err(StatsError::Malformed(format!("its format is {:?}", head.format)));
        }
        if head.version != VERSION {
            return Err(StatsError::Version { found: head.version, known: VERSION });
        }
        let profile: Self =
            serde_json::from_slice(bytes).map_err(|error| StatsError::Malformed(error.to_string()))?;
        profile.check()?;
        Ok(profile)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatsError> {
        serde_json_canonicalizer::to_vec(self).map_err(|error| StatsError::Malformed(error.to_string()))
    }

    /// Adds the rows of another part, counted on the same grid.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        let names =
            |profile: &Self| -> Vec<String> { profile.columns.iter().map(|c| c.name.clone()).collect() };
        if names(self) != names(other) {
            return Err(StatsError::OtherGrid("they have other columns".to_owned()));
        }
        self.rows = self
            .rows
            .checked_add(other.rows)
            .filter(|rows| *rows <= MAX_ROWS)
            .ok_or(StatsError::TooManyRows)?;
        for (ours, theirs) in self.columns.iter_mut().zip(&other.columns) {
            match (&mut ours.bins, &theirs.bins) {
                (Some(ours), Some(theirs)) if ours.grid == theirs.grid => {
                    ours.counts.merge(&theirs.counts)?;
                }
                (None, None) => {}
                _ => return Err(StatsError::OtherGrid(format!("column {:?} has other bins", ours.name))),
            }
        }
        self.pairs.merge(&other.pairs)?;
        match (&mut self.outcomes, &other.outcomes) {
            (Some(ours), Some(theirs)) => ours.merge(theirs)?,
            (None, None) => {}
            _ => return Err(StatsError::OtherGrid("only one of them has labels".to_owned())),
        }
        if self.vectors.keys().ne(other.vectors.keys()) {
            return Err(StatsError::OtherGrid("their columns of vectors are others".to_owned()));
        }
        for (ours, theirs) in self.vectors.values_mut().zip(other.vectors.values()) {
            ours.merge(theirs)?;
        }
        self.check()
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn check(&self) -> Result<(), StatsError> {
        let refuse = |place: &str, problem: &str| {
            Err(StatsError::Inconsistent { place: place.to_owned(), problem: problem.to_owned() })
        };
        if self.columns.len() > MAX_COLUMNS {
            return refuse("columns", "more than are ever made");
        }
        if self.rows > MAX_ROWS {
            return Err(StatsError::TooManyRows);
        }
        let mut names = BTreeSet::new();
        for column in &self.columns {
            if !names.insert(&column.name) {
                return refuse(&column.name, "two columns have this name");
            }
            let Some(bins) = &column.bins else { continue };
            bins.grid.check(&column.name)?;
            if bins.counts.check(&bins.grid, &column.name)? != self.rows {
                return refuse(&column.name, "its counters do not add to the rows of the profile");
            }
        }
        for (name, vectors) in &self.vectors {
            vectors.check(self.rows, name)?;
        }
        self.pairs.check()?;
        self.outcomes.as_ref().map_or(Ok(()), Outcomes::check)
    }
}
