//! Reads a control from its TOML file: strictly, with the file and the key in every message.

use super::condition::{Condition, FieldRef, Term};
use super::raw::{RawControl, RawJoin, RawPattern, RawPopulation, RawSubject, RawTest};
use super::span::When;
use super::{Ask, Control, Join, Pattern, Population, Subject, Test};
use crate::digest;
use std::collections::BTreeSet;

/// Longest file of a control, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 10;
/// Most joins, tests, criteria or patterns in one place.
const MAX_ITEMS: usize = 32;
/// Longest text, in characters.
const MAX_TEXT: usize = 600;

/// Why a control cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The file is no TOML of a control.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong, with line and column where they are known.
        problem: String,
    },
    /// A value of the file is wrong.
    #[error("{file}: {key}: {problem}")]
    Key {
        /// The file.
        file: String,
        /// The key, with dots.
        key: String,
        /// What is wrong, and what to write instead.
        problem: String,
    },
}

/// What is being read: the file, and the names that references may use.
struct Reader<'a> {
    file: &'a str,
    names: BTreeSet<String>,
}

impl Control {
    /// Reads the file of a control; `file` is its name, for messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and key.
    pub fn parse(file: &str, text: &str) -> Result<Self, ControlError> {
        let broken = |problem: String| ControlError::File { file: file.to_owned(), problem };
        if text.len() > MAX_FILE_BYTES {
            return Err(broken(format!(
                "a control has at most {MAX_FILE_BYTES} bytes, this one has {}",
                text.len()
            )));
        }
        let raw: RawControl =
            toml::from_str(text).map_err(|error| broken(error.to_string().trim().to_owned()))?;
        let mut reader = Reader { file, names: BTreeSet::from(["it".to_owned()]) };
        reader.heading(&raw)?;
        let population = reader.population(raw.population)?;
        let joins = reader.joins(raw.join)?;
        let tests = reader.tests(raw.test, matches!(population, Population::Every { .. }))?;
        let period_ppm = reader.percent(&raw.pass.period)?;
        Ok(Self {
            id: raw.id,
            title: raw.title,
            area: raw.area,
            objective: raw.objective,
            owner: raw.owner,
            evidence: raw.evidence,
            prevents: raw.prevents,
            blind_spots: raw.blind_spots,
            serves: raw.serves,
            population,
            joins,
            tests,
            point: raw.pass.point,
            period_ppm,
            text: text.to_owned(),
            digest: digest::of_bytes(text.as_bytes()),
        })
    }
}

impl Reader<'_> {
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ControlError {
        ControlError::Key { file: self.file.to_owned(), key: key.to_owned(), problem: problem.into() }
    }

    fn heading(&self, raw: &RawControl) -> Result<(), ControlError> {
        if !is_id(&raw.id) {
            return Err(self.wrong("id", format!("{:?} is not of the form CTL-AREA-01", raw.id)));
        }
        for (key, text) in [("title", &raw.title), ("objective", &raw.objective), ("prevents", &raw.prevents)]
        {
            self.text(key, text)?;
        }
        for (key, texts) in [("evidence", &raw.evidence), ("blind_spots", &raw.blind_spots)] {
            self.some(key, texts.len())?;
            texts.iter().try_for_each(|text| self.text(key, text))?;
        }
        self.some("serves", raw.serves.len())?;
        let mut seen = BTreeSet::new();
        for serves in &raw.serves {
            let key = format!("serves {}", serves.criterion);
            self.text(&key, &serves.because)?;
            if !is_criterion(&serves.criterion) {
                return Err(self.wrong(&key, "a criterion is framework-id:criterion-id, such as soc2:CC8.1"));
            }
            if !seen.insert(&serves.criterion) {
                return Err(self.wrong(&key, "is there twice"));
            }
        }
        Ok(())
    }

    fn text(&self, key: &str, text: &str) -> Result<(), ControlError> {
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            return Err(self.wrong(key, format!("must be a line of 1 to {MAX_TEXT} characters")));
        }
        Ok(())
    }

    fn some(&self, key: &str, count: usize) -> Result<(), ControlError> {
        if (1..=MAX_ITEMS).contains(&count) {
            return Ok(());
        }
        Err(self.wrong(key, format!("must have 1 to {MAX_ITEMS} items, has {count}")))
    }

    /// `100%` and less, whole percents.
    fn percent(&self, text: &str) -> Result<u32, ControlError> {
        let percent = text.strip_suffix('%').and_then(|number| number.parse::<u32>().ok());
        match percent {
            Some(percent @ 1..=100) => Ok(percent * 10_000),
            _ => Err(self.wrong("pass.period", format!("{text:?} is not 1% to 100%"))),
        }
    }

    fn population(&self, raw: RawPopulation) -> Result<Population, ControlError> {
        match (raw.event, raw.every) {
            (Some(event), None) if raw.subject.is_none() => Ok(Population::Each {
                event: self.event("population.event", event)?,
                conditions: self.conditions("population.where", &raw.conditions, &BTreeSet::new())?,
                distinct: self.paths("population.distinct", raw.distinct)?,
            }),
            (None, Some(cadence)) if raw.conditions.is_empty() && raw.distinct.is_empty() => {
                let subject = raw.subject.map(|subject| self.subject(subject)).transpose()?;
                Ok(Population::Every { cadence, subject })
            }
            _ => Err(self.wrong(
                "population",
                "write event (with where and distinct) for one occurrence per event, or every (with subject) for one per period",
            )),
        }
    }

    fn subject(&self, raw: RawSubject) -> Result<Subject, ControlError> {
        let nobody = BTreeSet::new();
        self.some("population.subject.key", raw.key.len())?;
        let ends = raw.ends.map(|ends| self.pattern("population.subject.ends", ends, &nobody)).transpose()?;
        Ok(Subject {
            begins: self.pattern("population.subject.begins", raw.begins, &nobody)?,
            ends,
            key: self.paths("population.subject.key", raw.key)?,
        })
    }

    fn joins(&mut self, raw: Vec<RawJoin>) -> Result<Vec<Join>, ControlError> {
        let mut joins = Vec::new();
        if raw.len() > MAX_ITEMS {
            return Err(self.wrong("join", format!("at most {MAX_ITEMS}")));
        }
        for join in raw {
            let key = format!("join {}", join.name);
            let is_name =
                !join.name.is_empty() && join.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !is_name
                || ["it", "found", "each"].contains(&join.name.as_str())
                || self.names.contains(&join.name)
            {
                return Err(self
                    .wrong(&key, "a name is lower-case letters, not it, found or each, and not used twice"));
            }
            let pattern = RawPattern { event: join.event, conditions: join.conditions, unless: None };
            let pattern = self.pattern(&key, pattern, &self.names)?;
            self.names.insert(join.name.clone());
            joins.push(Join {
                name: join.name,
                pattern,
                anywhen: join.anywhen,
                first: join.first,
                optional: join.optional,
            });
        }
        Ok(joins)
    }

    fn tests(&self, raw: Vec<RawTest>, periodic: bool) -> Result<Vec<Test>, ControlError> {
        self.some("test", raw.len())?;
        let mut tests: Vec<Test> = Vec::new();
        for test in raw {
            let key = format!("test {}", test.id);
            if test.id.is_empty() || !test.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                return Err(self.wrong(&key, "an id is lower-case letters and hyphens"));
            }
            if tests.iter().any(|other| other.id == test.id) {
                return Err(self.wrong(&key, "is there twice"));
            }
            tests.push(self.test(&key, test, periodic)?);
        }
        Ok(tests)
    }

    fn test(&self, key: &str, raw: RawTest, periodic: bool) -> Result<Test, ControlError> {
        self.text(key, &raw.says)?;
        let mut names = self.names.clone();
        let for_each = match raw.for_each {
            Some(text) => {
                let field = FieldRef::parse(&text).map_err(|problem| self.wrong(key, problem))?;
                self.known(key, &field, &names)?;
                names.insert("each".to_owned());
                Some(field)
            }
            None => None,
        };
        let only_if = self.conditions(&format!("{key}.only_if"), &raw.only_if, &names)?;
        let counts = raw.at_least.is_some() || raw.distinct.is_some();
        let ask = match (raw.holds, raw.any, raw.none) {
            (Some(holds), None, None) if raw.when.is_none() && !counts => {
                self.some(key, holds.len())?;
                Ask::Holds(self.conditions(&format!("{key}.holds"), &holds, &names)?)
            }
            (None, Some(any), None) => {
                let when = self.when(key, raw.when.as_deref(), periodic, &names)?;
                if when == When::After {
                    return Err(
                        self.wrong(key, "what must happen needs an end: write within 72h or by $it.FIELD")
                    );
                }
                let patterns = self.patterns(key, any, &names)?;
                let distinct = self.paths(key, raw.distinct.into_iter().collect())?.pop();
                Ask::Any { patterns, when, at_least: raw.at_least.unwrap_or(1).clamp(1, 100), distinct }
            }
            (None, None, Some(none)) if !counts => Ask::None {
                when: self.when(key, raw.when.as_deref(), periodic, &names)?,
                patterns: self.patterns(key, none, &names)?,
            },
            _ => {
                return Err(self.wrong(
                    key,
                    "write one of holds, any (with when, at_least, distinct) and none (with when)",
                ));
            }
        };
        Ok(Test { id: raw.id, says: raw.says, only_if, for_each, ask })
    }

    fn when(
        &self,
        key: &str,
        text: Option<&str>,
        periodic: bool,
        names: &BTreeSet<String>,
    ) -> Result<When, ControlError> {
        let text = text.ok_or_else(|| self.wrong(key, "when is missing"))?;
        let when = When::parse(text).map_err(|problem| self.wrong(&format!("{key}.when"), problem))?;
        if let When::By(field) = &when {
            self.known(key, field, names)?;
        }
        if periodic != matches!(when, When::During) && !matches!(when, When::Before(_)) {
            return Err(self.wrong(key, "during is for periods; after, within and by are for events"));
        }
        Ok(when)
    }

    fn patterns(
        &self,
        key: &str,
        raw: Vec<RawPattern>,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Pattern>, ControlError> {
        self.some(key, raw.len())?;
        raw.into_iter().map(|pattern| self.pattern(key, pattern, names)).collect()
    }

    fn pattern(&self, key: &str, raw: RawPattern, names: &BTreeSet<String>) -> Result<Pattern, ControlError> {
        let unless = match raw.unless {
            Some(unless) if unless.unless.is_some() => {
                return Err(self.wrong(key, "an unless has no unless of its own"));
            }
            Some(unless) => {
                let mut names = names.clone();
                names.insert("found".to_owned());
                Some(Box::new(self.pattern(&format!("{key}.unless"), *unless, &names)?))
            }
            None => None,
        };
        Ok(Pattern {
            event: self.event(key, raw.event)?,
            conditions: self.conditions(&format!("{key}.where"), &raw.conditions, names)?,
            unless,
        })
    }

    fn event(&self, key: &str, event: String) -> Result<String, ControlError> {
        let known = |b: u8| b.is_ascii_lowercase() || matches!(b, b'.' | b'_');
        if event.contains('.') && event.bytes().all(known) {
            return Ok(event);
        }
        Err(self.wrong(key, format!("{event:?} is no type of event")))
    }

    fn paths(&self, key: &str, paths: Vec<String>) -> Result<Vec<String>, ControlError> {
        for path in &paths {
            match FieldRef::parse(path) {
                Ok(FieldRef { of: None, .. }) => {}
                _ => return Err(self.wrong(key, format!("{path:?} is no field of the event"))),
            }
        }
        Ok(paths)
    }

    fn conditions(
        &self,
        key: &str,
        texts: &[String],
        names: &BTreeSet<String>,
    ) -> Result<Vec<Condition>, ControlError> {
        let mut conditions = Vec::new();
        if texts.len() > MAX_ITEMS {
            return Err(self.wrong(key, format!("at most {MAX_ITEMS} conditions")));
        }
        for text in texts {
            let condition = Condition::parse(text).map_err(|problem| self.wrong(key, problem))?;
            self.known(key, &condition.left, names)?;
            if let Term::Field { field, .. } = &condition.right {
                self.known(key, field, names)?;
            }
            conditions.push(condition);
        }
        Ok(conditions)
    }

    fn known(&self, key: &str, field: &FieldRef, names: &BTreeSet<String>) -> Result<(), ControlError> {
        match &field.of {
            Some(name) if !names.contains(name) => {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                Err(self.wrong(key, format!("${name} is not known here; known: {}", known.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

/// `CTL-AREA-01`.
fn is_id(id: &str) -> bool {
    let Some((area, number)) = id.strip_prefix("CTL-").and_then(|rest| rest.rsplit_once('-')) else {
        return false;
    };
    let fits = (1..=24).contains(&area.len()) && (1..=3).contains(&number.len());
    fits && area.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// `framework-id:criterion-id`.
fn is_criterion(text: &str) -> bool {
    let Some((framework, criterion)) = text.split_once(':') else { return false };
    let id = |b: u8| b.is_ascii_alphanumeric() || b"-._() ".contains(&b);
    let short = framework.len() <= 32 && (1..=64).contains(&criterion.len());
    short
        && framework.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && criterion.bytes().all(id)
}
