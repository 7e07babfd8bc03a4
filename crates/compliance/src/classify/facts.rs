//! The answers of a classification: yes, no or unknown, each with its source.

use super::tri::Tri;
use crate::framework::{DataError, Framework, Kind};
use crate::statements::{Stated, Statement, Statements};
use comptroller_core::Digest;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// All answers by question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Facts(Statements);

/// What a use case of Annex III implies by its own words: recognising emotions and sorting by biometrics (points 1(b) and
/// 1(c), Art. 50(3)), and profiling (point 6(e), Art. 6(3) last subparagraph).
const IMPLIED: [(&str, &str); 3] = [
    ("III.1.b", "transparency.recognises"),
    ("III.1.c", "transparency.recognises"),
    ("III.6.e", "profiling"),
];

/// Whether a row of this kind is a question of a classification.
pub(crate) fn is_question(kind: Kind) -> bool {
    matches!(kind, Kind::Prohibition | Kind::UseCase | Kind::Exemption | Kind::Question)
}

/// The answers to a question of a framework besides unknown.
fn options(framework: &Framework, question: &str) -> Option<Vec<String>> {
    let asked = framework.rows.iter().any(|row| row.id == question && is_question(row.kind));
    asked.then(|| vec![Tri::Yes.as_str().to_owned(), Tri::No.as_str().to_owned()])
}

impl Facts {
    /// Reads a file of facts; `file` is how errors call it, a name that ends in `.toml` is TOML and any other JSON.
    ///
    /// # Errors
    /// [`DataError`] for a question that the framework does not ask, an answer that is none, and a yes or no without a
    /// source and its day.
    pub fn parse(file: &str, text: &str, framework: &Framework) -> Result<Self, DataError> {
        Statements::parse(file, text, |question| options(framework, question)).map(Self)
    }

    /// Reads facts from JSON, as [`Self::parse`] does from a file.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_value(file: &str, value: &Value, framework: &Framework) -> Result<Self, DataError> {
        Statements::of_value(file, value, |question| options(framework, question)).map(Self)
    }

    /// The answer to a question; unknown if there is none.
    pub fn answer(&self, question: &str) -> Tri {
        Tri::parse(self.0.word(question)).unwrap_or(Tri::Unknown)
    }

    /// A use case that is answered with yes beside a question that says no to what the use case is, in words. Whoever takes
    /// answers from people refuses such; the rules themselves take each answer for what it says.
    pub fn contradiction(&self) -> Option<String> {
        let cannot = |(yes, no): &&(&str, &str)| self.answer(yes) == Tri::Yes && self.answer(no) == Tri::No;
        let (yes, no) = IMPLIED.iter().find(cannot)?;
        Some(format!(
            "{yes} is answered with yes and {no} with no, which cannot both be so: correct one of them"
        ))
    }

    /// What an answer rests on.
    pub fn stated(&self, question: &str) -> Option<&Stated> {
        self.0.stated(question)
    }

    /// All answers by question.
    pub fn answers(&self) -> &BTreeMap<String, Statement> {
        self.0.answers()
    }

    /// The same with one more answer, or another one.
    #[must_use]
    pub fn with(self, question: &str, answer: Tri, stated: Option<Stated>) -> Self {
        Self(self.0.with(question, answer.as_str(), stated))
    }

    /// SHA-256 over the canonical JSON of all answers with their sources.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }
}
