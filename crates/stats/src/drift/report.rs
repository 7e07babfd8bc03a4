//! What a comparison says, as data: for JSON, the terminal, and every other form of report.

use serde::Serialize;

use crate::coefficient::{Band, Bands};
use crate::embedding::Embedding;
use crate::grid::{Histogram, Kind};
use crate::measures::{Measures, Rate};
use crate::outcomes::Performance;
use crate::profile::Role;
use crate::stream::Onset;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Always `comptroller-drift`.
    pub format: &'static str,
    /// The version of this form.
    pub version: u32,
    /// The verdict.
    pub headline: Headline,
    /// Each way in which a model can drift, with its own coefficient.
    pub pillars: Vec<Pillar>,
    /// What is wrong, the likeliest first.
    pub findings: Vec<Finding>,
    /// Every compared column, those that carry most first.
    pub columns: Vec<Column>,
    /// Columns of vectors.
    pub embeddings: Vec<Embedding>,
    /// Since when, where the current rows have a time and a column of single values drifts.
    pub onset: Option<Onset>,
    /// What labels say, if there are any on the reference side.
    pub performance: Option<Performance>,
    /// The reference.
    pub reference: Side,
    /// The current rows.
    pub current: Side,
    /// What every column was taken for.
    pub roles: Vec<RoleView>,
    /// What the reader has to know about this comparison.
    pub notes: Vec<String>,
    /// By which rules.
    pub method: Method,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headline {
    /// The drift coefficient D, 0..=1: the largest of the pillars.
    pub coefficient: f64,
    /// Which pillar that is; none if all are 0.
    pub pillar: Option<PillarName>,
    /// What it asks for; none if the rows do not suffice for a verdict.
    pub band: Option<Band>,
    /// Whether the band is lower than the coefficient's because nothing but inputs or predictions drifted.
    pub is_capped: bool,
    /// Whether the band is higher than the coefficient's because of a fault of the pipeline, or because columns move
    /// together otherwise: what concerns few columns of many, or no column alone.
    pub is_raised: bool,
    /// Whether the rows suffice for the verdict.
    pub has_evidence: bool,
    /// The verdict in words.
    pub text: String,
}

/// Ways in which a model can drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PillarName {
    /// Distributions of inputs.
    Data,
    /// Distributions of scores and decisions.
    Prediction,
    /// Missing, malformed, unseen and out-of-range values.
    Quality,
    /// Skill lost.
    Performance,
    /// The relation of score and label.
    Concept,
}

impl PillarName {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Prediction => "prediction",
            Self::Quality => "quality",
            Self::Performance => "performance",
            Self::Concept => "concept",
        }
    }
}

/// One pillar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pillar {
    /// Which.
    pub name: PillarName,
    /// Its coefficient, 0..=1; none if it could not be measured.
    pub value: Option<f64>,
    /// Its band.
    pub band: Option<Band>,
    /// What it is about: the worst column, the measure, or why there is no value.
    pub note: String,
}

/// What is wrong with what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Whose fault it is.
    pub kind: FindingKind,
    /// The stable name of what is wrong.
    pub code: Code,
    /// The columns it is about.
    pub columns: Vec<String>,
    /// What is wrong, in one sentence.
    pub text: String,
    /// What shows it.
    pub evidence: Vec<String>,
}

/// Whose fault a drift is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The way of the data is broken: repair it, do not retrain.
    PipelineFault,
    /// What the inputs mean for the outcome changed: retrain.
    ConceptDrift,
    /// The inputs changed: look whether it harms.
    DataDrift,
}

impl FindingKind {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PipelineFault => "pipeline fault",
            Self::ConceptDrift => "concept drift",
            Self::DataDrift => "data drift",
        }
    }
}

/// What is wrong, by a stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A column of the reference is not there.
    MissingColumn,
    /// Values are missing.
    MissingValues,
    /// Values are NaN or infinite.
    NotFinite,
    /// Texts stand where numbers stood.
    WrongType,
    /// All values are one.
    Constant,
    /// Values are in another unit or on another scale.
    UnitChange,
    /// Two columns have taken each other's place.
    SwappedColumns,
    /// Rows of one column are in another order than those of the rest.
    DetachedColumn,
    /// Categories are written otherwise.
    Spelling,
    /// Categories that the reference lacks.
    NewCategories,
    /// Values outside of the reference's range.
    OutOfRange,
    /// Values moved.
    Shift,
    /// Columns move together otherwise.
    Dependence,
    /// The label means something else at the same score.
    Concept,
}

impl Code {
    /// Whether it is the fault of the way of the data rather than of the world.
    pub fn is_fault(self) -> bool {
        !matches!(
            self,
            Self::NewCategories | Self::OutOfRange | Self::Shift | Self::Dependence | Self::Concept
        )
    }
}

/// Why a column drifts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// By a stable name.
    pub code: Code,
    /// In words.
    pub text: String,
    /// V of this cause alone, 0..=1.
    pub strength: f64,
}

/// Whether the rows of a column suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The difference is more than chance.
    Differs,
    /// A drift of the size of the first band would have been seen.
    Stable,
    /// Neither can be said.
    NotEnough,
}

/// One compared column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is to the model.
    pub role: Role,
    /// How its values are understood.
    pub kind: Kind,
    /// V as it is, 0..=1.
    pub v: f64,
    /// Vc: V without what noise alone would make, 0..=1.
    pub corrected: f64,
    /// What counts: Vc if the difference is more than chance, else 0.
    pub coefficient: f64,
    /// Its band; none if its rows do not suffice for one.
    pub band: Option<Band>,
    /// Whether the rows suffice.
    pub evidence: Evidence,
    /// Chance of this V under no drift, for this column alone.
    pub p: f64,
    /// The p-value below which it counts as more than chance.
    pub gate: f64,
    /// Bins that either side fills.
    pub bins: usize,
    /// Its weight among the features.
    pub weight: f64,
    /// Its part of the data coefficient, 0..=1; adds to 1 over all features.
    pub contribution: f64,
    /// The same in percent with one decimal; adds to exactly 100.0 over all features.
    pub percent: f64,
    /// Why it drifts, the strongest first.
    pub causes: Vec<Cause>,
    /// V of {valid, missing, not finite, wrong type, below, above, unseen}, 0 if within chance.
    pub quality: f64,
    /// Rates of what is no sound value.
    pub rates: Rates,
    /// Other distances.
    pub measures: Measures,
    /// Both distributions, for drawing.
    pub histogram: Histogram,
}

/// Rates of what is no sound value, with Wilson's interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// No value.
    pub missing: Rate,
    /// NaN or infinite.
    pub not_finite: Rate,
    /// A text instead of a number.
    pub wrong_type: Rate,
    /// Below or above what the reference held.
    pub out_of_range: Rate,
    /// Of a category that the reference lacks.
    pub unseen: Rate,
}

/// One side of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// How it was named.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Whether it is a stored profile.
    pub is_profile: bool,
}

/// What a column was taken for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoleView {
    /// Its name.
    pub column: String,
    /// What it is to the model.
    pub role: Role,
    /// How its values are understood; none if it is not compared.
    pub kind: Option<Kind>,
    /// Why.
    pub why: String,
}

/// By which rules the comparison was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method {
    /// Chance that a comparison without any drift reports one, at most.
    pub alpha: f64,
    /// Where the bands begin.
    pub bands: Bands,
    /// Definitions of every number, in words.
    pub definitions: Vec<&'static str>,
}
