//! Statements: answers in words, each with who or what says so, and since when. What classifications and assessments rest on.
//!
//! A file of facts is TOML or JSON: `[answers]` holds a word, or a table with its own source, for each question;
//! `[stated]` is the source of the answers that name none.

use crate::framework::{DataError, Day, digest_of, shown};
use comptroller_core::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Largest file of facts, in bytes.
pub const MAX_FACTS: usize = 256 * 1024;
/// The answer of whoever does not know.
pub const UNKNOWN: &str = "unknown";
/// Longest text of an answer, in bytes.
const MAX_TEXT: usize = 2000;
/// What to do about most errors.
const REMEDY: &str = "`comptroller risk questions` prints a file to fill in";

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A fact of the registry, which `reference` names.
    Registry,
    /// What a monitor measured, which `reference` names.
    Monitor,
    /// A person, whom `by` names.
    Human,
}

impl Origin {
    /// The word as it stands in files and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Monitor => "monitor",
            Self::Human => "human",
        }
    }
}

/// Who or what says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// What it rests on.
    pub source: Origin,
    /// The person, if it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Where in the registry or which monitor.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// The day on which it was so.
    pub on: Day,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The answer.
    pub answer: String,
    /// What it rests on; none if it is unknown.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
    /// Why, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// All answers by question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statements {
    answers: BTreeMap<String, Statement>,
}

impl Statements {
    /// Reads a file of facts; `file` is how errors call it, a name that ends in `.toml` is TOML and any other JSON.
    /// `options` says which answers a question has besides `unknown`; none if nobody asks it.
    ///
    /// # Errors
    /// [`DataError`] for a question that is not asked, an answer that it has not, and one without a source and its day.
    pub fn parse(
        file: &str,
        text: &str,
        options: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Self, DataError> {
        if text.len() > MAX_FACTS {
            let problem = format!("{} bytes are more than the {MAX_FACTS} that are allowed", text.len());
            return Err(DataError::new(file, "", problem, REMEDY));
        }
        let toml = std::path::Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
        let parsed = if toml {
            toml::from_str::<Value>(text).map_err(|error| error.to_string())
        } else {
            serde_json::from_str::<Value>(text).map_err(|error| error.to_string())
        };
        let value = parsed.map_err(|problem| DataError::new(file, "", problem.trim_end(), REMEDY))?;
        Self::of_value(file, &value, options)
    }

    /// Reads facts from JSON, as [`Self::parse`] does from a file.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_value(
        file: &str,
        value: &Value,
        options: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Self, DataError> {
        let Some(top) = value.as_object() else {
            return Err(DataError::new(file, "", "it holds no answers", REMEDY));
        };
        if let Some(key) = top.keys().find(|key| !matches!(key.as_str(), "answers" | "stated")) {
            let problem = format!("the key {:?} is not known", shown(key));
            return Err(DataError::new(file, "", problem, "it holds [stated] and [answers]"));
        }
        let shared = match top.get("stated") {
            Some(Value::Object(table)) => Some(stated(file, "stated", table)?),
            None => None,
            Some(_) => return Err(DataError::new(file, "stated", "it is no table", REMEDY)),
        };
        let Some(Value::Object(table)) = top.get("answers") else {
            return Err(DataError::new(file, "answers", "there is no table of answers", REMEDY));
        };
        let mut answers = BTreeMap::new();
        for (question, given) in table {
            let Some(options) = options(question) else {
                let problem = format!("there is no question {:?}", shown(question));
                return Err(DataError::new(file, shown(question), problem, REMEDY));
            };
            answers.insert(question.clone(), statement(file, question, given, shared.as_ref(), &options)?);
        }
        Ok(Self { answers })
    }

    /// The answer to a question; empty if there is none.
    pub fn word(&self, question: &str) -> &str {
        self.answers.get(question).map_or("", |statement| &statement.answer)
    }

    /// What an answer rests on.
    pub fn stated(&self, question: &str) -> Option<&Stated> {
        self.answers.get(question)?.stated.as_ref()
    }

    /// All answers by question.
    pub fn answers(&self) -> &BTreeMap<String, Statement> {
        &self.answers
    }

    /// The same with one more answer, or another one.
    #[must_use]
    pub fn with(mut self, question: &str, answer: &str, stated: Option<Stated>) -> Self {
        let statement = Statement { answer: answer.to_owned(), stated, note: String::new() };
        self.answers.insert(question.to_owned(), statement);
        self
    }

    /// The same with one more answer as it was stated, its note included.
    #[must_use]
    pub fn and(mut self, question: &str, statement: Statement) -> Self {
        self.answers.insert(question.to_owned(), statement);
        self
    }

    /// SHA-256 over the canonical JSON of all answers with their sources.
    pub fn digest(&self) -> Digest {
        digest_of(self)
    }
}

fn statement(
    file: &str,
    question: &str,
    given: &Value,
    shared: Option<&Stated>,
    options: &[String],
) -> Result<Statement, DataError> {
    let refuse = |problem: String, remedy: String| Err(DataError::new(file, question, problem, remedy));
    let choices = || format!("answer {} or {UNKNOWN}", options.join(", "));
    let (word, own, note) = match given {
        Value::String(word) => (word.as_str(), None, String::new()),
        Value::Object(table) => {
            let word = table.get("answer").and_then(Value::as_str).unwrap_or_default();
            let note = text(file, question, table, "note")?;
            let mut source = table.clone();
            source.remove("answer");
            source.remove("note");
            let own = if source.is_empty() { None } else { Some(stated(file, question, &source)?) };
            (word, own, note)
        }
        _ => return refuse("it is neither a word nor a table".to_owned(), choices()),
    };
    let answer = word.to_owned();
    if word == UNKNOWN {
        return Ok(Statement { answer, stated: None, note });
    }
    if !options.contains(&answer) {
        return refuse(format!("{:?} is no answer", shown(word)), choices());
    }
    let Some(stated) = own.or_else(|| shared.cloned()) else {
        let problem = format!("nothing says who or what answers {answer}, and since when");
        let remedy = "give source, on, and by or reference, here or once under [stated]";
        return refuse(problem, remedy.to_owned());
    };
    Ok(Statement { answer, stated: Some(stated), note })
}

/// A text of a table; empty if it is absent. A date of TOML is the text it was written as.
fn text(file: &str, place: &str, table: &Map<String, Value>, key: &str) -> Result<String, DataError> {
    let text = match table.get(key) {
        None => "",
        Some(Value::String(text)) => text,
        Some(Value::Object(date)) if date.len() == 1 => date.values().find_map(Value::as_str).unwrap_or("?"),
        Some(_) => {
            return Err(DataError::new(file, place, format!("{key} is no text"), "put it into quotes"));
        }
    };
    if text.len() > MAX_TEXT || text.chars().any(|c| c.is_control() && c != '\n') {
        let problem = format!("{key} is too long or holds control characters");
        return Err(DataError::new(file, place, problem, format!("write at most {MAX_TEXT} bytes")));
    }
    Ok(text.to_owned())
}

fn stated(file: &str, place: &str, table: &Map<String, Value>) -> Result<Stated, DataError> {
    let refuse = |problem: String, remedy: &str| DataError::new(file, place, problem, remedy);
    let known = ["source", "by", "reference", "on"];
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        let problem = format!("the key {:?} is not known", shown(key));
        return Err(refuse(problem, "an answer holds answer, source, by, reference, on and note"));
    }
    let word = text(file, place, table, "source")?;
    let origins = [Origin::Registry, Origin::Monitor, Origin::Human];
    let Some(source) = origins.into_iter().find(|origin| origin.as_str() == word) else {
        let problem = format!("{:?} is no source", shown(&word));
        return Err(refuse(problem, "use source = \"registry\", \"monitor\" or \"human\""));
    };
    let on = text(file, place, table, "on")?;
    let on =
        on.parse().map_err(|problem: String| refuse(problem, "say on which day it was so: on = \"...\""))?;
    let (by, reference) = (text(file, place, table, "by")?, text(file, place, table, "reference")?);
    match source {
        Origin::Human if by.trim().is_empty() => {
            Err(refuse("it does not say which person".to_owned(), "name the person: by = \"...\""))
        }
        Origin::Registry | Origin::Monitor if reference.trim().is_empty() => {
            let problem = "it does not say which fact or monitor".to_owned();
            Err(refuse(problem, "name it: reference = \"...\""))
        }
        _ => Ok(Stated { source, by, reference, on }),
    }
}
