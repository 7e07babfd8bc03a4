//! The scale: dimensions, questions, points, bands.

use crate::framework::{DataError, digest_of, shown};
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the file format.
const SCHEMA: u32 = 1;
/// Largest file, in bytes.
const MAX_FILE: usize = 1 << 18;
/// The points of a dimension when every answer is the worst.
pub(crate) const FULL: u32 = 100;

/// From which total on a risk is called what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// From 0 on.
    Low,
    /// Above low.
    Medium,
    /// Above medium.
    High,
    /// Above high.
    Critical,
}

impl Band {
    /// The word as it stands in files and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    schema: u32,
    /// Its name.
    pub id: String,
    /// What a reader must know besides.
    pub note: String,
    /// From which total on each band begins.
    pub bands: BTreeMap<Band, u32>,
    /// The dimensions; their weights sum to 100.
    #[serde(rename = "dimension")]
    pub dimensions: Vec<Dimension>,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub label: String,
    /// Its share in the total, in percent.
    pub weight: u32,
    /// Its questions; the worst answers to all of them give 100 points.
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name.
    pub id: String,
    /// Its words.
    pub text: String,
    /// The answers there are, with their points.
    pub options: BTreeMap<String, u32>,
}

impl Question {
    /// The least points that an answer can have.
    pub(crate) fn least(&self) -> u32 {
        self.options.values().copied().min().unwrap_or(0)
    }

    /// The most points that an answer can have.
    pub(crate) fn most(&self) -> u32 {
        self.options.values().copied().max().unwrap_or(0)
    }
}

impl Scale {
    /// The scale that ships with the product.
    ///
    /// # Errors
    /// [`DataError`] if the shipped file were broken; a test reads it.
    pub fn builtin() -> Result<Self, DataError> {
        Self::parse("frameworks/risk/scale.toml", include_str!("../../../../frameworks/risk/scale.toml"))
    }

    /// Reads a scale; `file` is how errors call it.
    ///
    /// # Errors
    /// [`DataError`] for anything that is not in order.
    pub fn parse(file: &str, text: &str) -> Result<Self, DataError> {
        if text.len() > MAX_FILE {
            let problem = format!("{} bytes are more than the {MAX_FILE} that are allowed", text.len());
            return Err(DataError::new(file, "", problem, "shorten the file"));
        }
        let scale: Self = toml::from_str(text).map_err(|error| {
            DataError::new(file, "", error.to_string().trim_end(), "docs/RISK.md has the form of a scale")
        })?;
        scale.check(file)?;
        Ok(scale)
    }

    fn check(&self, file: &str) -> Result<(), DataError> {
        let refuse = |place: &str, problem: String, remedy: &str| {
            Err(DataError::new(file, shown(place), problem, remedy))
        };
        if self.schema != SCHEMA {
            return refuse("schema", format!("schema {} is not known", self.schema), "write schema = 1");
        }
        let starts: Vec<u32> = self.bands.values().copied().collect();
        let rising = starts.first() == Some(&0) && starts.windows(2).all(|pair| pair[0] < pair[1]);
        if starts.len() != 4 || !rising || starts.iter().any(|start| *start > FULL) {
            let remedy = "give low = 0, medium, high and critical, each above the one before, at most 100";
            return refuse("bands", "the bands do not rise from 0".to_owned(), remedy);
        }
        let weights: u32 = self.dimensions.iter().map(|each| each.weight.min(FULL)).sum();
        if weights != FULL {
            return refuse("weight", format!("the weights sum to {weights}"), "make them sum to 100");
        }
        let mut seen = BTreeSet::new();
        for dimension in &self.dimensions {
            let most: u32 = dimension.questions.iter().map(|each| each.most().min(FULL)).sum();
            if most != FULL {
                let problem = format!("the worst answers sum to {most} points");
                return refuse(&dimension.id, problem, "make the highest points of its questions sum to 100");
            }
            for question in &dimension.questions {
                if !seen.insert(question.id.as_str()) || question.options.len() < 2 || question.least() != 0 {
                    let problem =
                        "its id is taken, it has one option only, or none without points".to_owned();
                    return refuse(
                        &question.id,
                        problem,
                        "give each question its own id, and options from 0 on",
                    );
                }
            }
        }
        Ok(())
    }

    /// The band of a total.
    pub fn band(&self, total: u32) -> Band {
        self.bands.iter().rev().find(|(_, start)| total >= **start).map_or(Band::Low, |(band, _)| *band)
    }

    /// Its questions, in their order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.dimensions.iter().flat_map(|dimension| &dimension.questions)
    }

    /// A question by its name.
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions().find(|question| question.id == id)
    }

    /// SHA-256 over its canonical JSON.
    pub fn digest(&self) -> Digest {
        digest_of(self)
    }
}
