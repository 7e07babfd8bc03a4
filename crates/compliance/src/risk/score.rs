//! Answers by the scale, and what they come to.

use super::scale::{Band, FULL, Scale};
use crate::framework::DataError;
use crate::statements::{Stated, Statements, UNKNOWN};
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Answers to the questions of a scale, each with its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Facts(pub(super) Statements);

/// The least and the most that something can come to; equal if no answer is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// With the most harmless answers to what is unknown.
    pub least: u32,
    /// With the worst ones.
    pub most: u32,
}

/// What one answer contributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The question.
    pub question: String,
    /// Its words.
    pub text: String,
    /// The answer; `unknown` if there is none.
    pub answer: String,
    /// What the answer rests on.
    pub stated: Option<Stated>,
    /// Its points in the dimension.
    pub points: Points,
    /// Its share in the total, in hundredths of a point.
    pub in_total: Points,
}

/// A dimension with its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// The dimension.
    pub dimension: String,
    /// What it is about.
    pub label: String,
    /// Its share in the total, in percent.
    pub weight: u32,
    /// Points, 0 to 100.
    pub points: Points,
    /// What each answer contributes.
    pub parts: Vec<Part>,
}

/// The assessment of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// Digest of the scale.
    pub scale: Digest,
    /// Digest of the answers with their sources.
    pub facts: Digest,
    /// The total, 0 to 100, rounded up: in doubt a risk is not shown smaller than it is.
    pub total: Points,
    /// The band; none while an open question could change it.
    pub band: Option<Band>,
    /// The lowest band it can have.
    pub lowest: Band,
    /// The highest band it can have.
    pub highest: Band,
    /// The dimensions.
    pub dimensions: Vec<Scored>,
    /// Questions without an answer.
    pub open: Vec<String>,
}

impl Facts {
    /// Reads a file of facts; a name that ends in `.toml` is TOML and any other JSON.
    ///
    /// # Errors
    /// [`DataError`] for a question that the scale does not ask, an answer that it does not have, and one without a source.
    pub fn parse(file: &str, text: &str, scale: &Scale) -> Result<Self, DataError> {
        Statements::parse(file, text, |question| options(scale, question)).map(Self)
    }

    /// Reads facts from JSON, as [`Self::parse`] does from a file.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_value(file: &str, value: &Value, scale: &Scale) -> Result<Self, DataError> {
        Statements::of_value(file, value, |question| options(scale, question)).map(Self)
    }

    /// The answer to a question; empty if there is none.
    pub fn word(&self, question: &str) -> &str {
        self.0.word(question)
    }

    /// What an answer rests on; none if it is unknown.
    pub fn stated(&self, question: &str) -> Option<&Stated> {
        self.0.stated(question)
    }

    /// SHA-256 over the canonical JSON of all answers with their sources.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }
}

fn options(scale: &Scale, question: &str) -> Option<Vec<String>> {
    scale.question(question).map(|question| question.options.keys().cloned().collect())
}

/// Assesses by a scale.
pub fn assess(scale: &Scale, facts: &Facts) -> Assessment {
    let mut dimensions = Vec::new();
    let mut open = Vec::new();
    let mut total = Points::default();
    for dimension in &scale.dimensions {
        let mut points = Points::default();
        let mut parts = Vec::new();
        for question in &dimension.questions {
            let word = facts.0.word(&question.id);
            let own = match question.options.get(word) {
                Some(points) => Points { least: *points, most: *points },
                None => Points { least: question.least(), most: question.most() },
            };
            if !question.options.contains_key(word) {
                open.push(question.id.clone());
            }
            points = Points { least: points.least + own.least, most: points.most + own.most };
            parts.push(Part {
                question: question.id.clone(),
                text: question.text.clone(),
                answer: if word.is_empty() { UNKNOWN.to_owned() } else { word.to_owned() },
                stated: facts.0.stated(&question.id).cloned(),
                points: own,
                in_total: Points { least: own.least * dimension.weight, most: own.most * dimension.weight },
            });
        }
        total.least += points.least * dimension.weight;
        total.most += points.most * dimension.weight;
        dimensions.push(Scored {
            dimension: dimension.id.clone(),
            label: dimension.label.clone(),
            weight: dimension.weight,
            points,
            parts,
        });
    }
    let total = Points { least: total.least.div_ceil(FULL), most: total.most.div_ceil(FULL) };
    let (lowest, highest) = (scale.band(total.least), scale.band(total.most));
    Assessment {
        scale: scale.digest(),
        facts: facts.digest(),
        total,
        band: (lowest == highest).then_some(lowest),
        lowest,
        highest,
        dimensions,
        open,
    }
}

/// A file of facts in TOML in which everything is unknown.
pub fn template(scale: &Scale) -> String {
    let mut text = String::from(
        "# Facts for `comptroller risk assess`. What is unknown stays unknown: it makes the score a range.\n\
         # Every answer needs its source: [stated] for all that name none, or its own, for example\n\
         #   \"data.kind\" = { answer = \"personal\", source = \"registry\", reference = \"dataset/x\", on = \"2026-11-27\" }\n\
         # [stated]\n# source = \"human\"\n# by = \"\"\n# on = \"2026-11-27\"\n\n[answers]\n",
    );
    for dimension in &scale.dimensions {
        text.push_str(&format!("\n# ---- {} ({} %)\n", dimension.label, dimension.weight));
        for question in &dimension.questions {
            let mut options: Vec<(&String, &u32)> = question.options.iter().collect();
            options.sort_by_key(|(_, points)| **points);
            let words: Vec<&str> = options.into_iter().map(|(word, _)| word.as_str()).collect();
            text.push_str(&format!("# {} {}\n", question.text, words.join(", ")));
            text.push_str(&format!("\"{}\" = \"{UNKNOWN}\"\n", question.id));
        }
    }
    text
}
