//! Values of fields: what a control can compare.

use crate::control::Literal;
use comptroller_core::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;
use std::sync::Arc;

/// Most values of a list that are kept.
const MAX_LIST: usize = 1_000;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Scalar {
    /// Not there.
    Absent,
    /// `true` or `false`.
    Truth(bool),
    /// A whole number.
    Number(i64),
    /// A time, microseconds.
    Time(i64),
    /// A text.
    Text(Arc<str>),
    /// Values of a list, in their order.
    List(Vec<Scalar>),
}

impl Scalar {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    pub(crate) fn is_absent(&self) -> bool {
        *self == Self::Absent
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            other => other.is_absent(),
        }
    }

    /// As a time: itself, or the RFC 3339 text that events hold.
    pub(crate) fn as_time(&self) -> Option<i64> {
        match self {
            Self::Time(micros) => Some(*micros),
            Self::Text(text) => text.parse::<Timestamp>().ok().map(Timestamp::micros),
            _ => None,
        }
    }

    /// The order of two values of one kind; a text beside a time is read as a time.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Time(_), _) | (_, Self::Time(_)) => Some(self.as_time()?.cmp(&other.as_time()?)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// How it is written where a person reads it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Absent => "-".to_owned(),
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Time(micros) => Timestamp::from_micros(*micros).to_string(),
            Self::Text(text) => text.to_string(),
            Self::List(items) => items.iter().map(Self::shown).collect::<Vec<_>>().join(" "),
        }
    }
}

impl From<&Literal> for Scalar {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Word(word) => Self::text(word),
            Literal::Number(number) => Self::Number(*number),
            Literal::Truth(truth) => Self::Truth(*truth),
        }
    }
}

/// The value at a path with dots; through a list it is the list of what stands in each item.
pub(crate) fn at_path(data: &Value, path: &str) -> Scalar {
    let mut here = data;
    let mut rest = path;
    while !rest.is_empty() {
        if let Value::Array(items) = here {
            return Scalar::List(items.iter().take(MAX_LIST).map(|item| at_path(item, rest)).collect());
        }
        let (name, after) = rest.split_once('.').unwrap_or((rest, ""));
        let Some(inner) = here.get(name) else { return Scalar::Absent };
        (here, rest) = (inner, after);
    }
    scalar(here)
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Absent,
        Value::Bool(truth) => Scalar::Truth(*truth),
        // A fraction compares with nothing; no control asks for one.
        Value::Number(number) => number.as_i64().map_or(Scalar::Absent, Scalar::Number),
        Value::String(text) => Scalar::text(text),
        Value::Array(items) => Scalar::List(items.iter().take(MAX_LIST).map(scalar).collect()),
        // Of an object only that it is there can be asked: its names.
        Value::Object(fields) => Scalar::List(fields.keys().map(|name| Scalar::text(name)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_into_objects_and_through_lists() {
        let data = serde_json::json!({ "facts": { "datasets": [{ "id": "a" }, { "id": "b" }], "n": 1.5 } });
        let both = Scalar::List(vec![Scalar::text("a"), Scalar::text("b")]);
        assert_eq!(at_path(&data, "facts.datasets.id"), both);
        assert_eq!(at_path(&data, "facts.missing.id"), Scalar::Absent);
        assert_eq!(at_path(&data, "facts.n"), Scalar::Absent);
    }

    #[test]
    fn a_text_beside_a_time_is_a_time() {
        let text = Scalar::text("2026-01-01T00:00:00.000000Z");
        assert_eq!(Scalar::Time(1_767_225_600_000_000).order(&text), Some(Ordering::Equal));
        assert_eq!(Scalar::Number(1).order(&Scalar::text("1")), None);
    }
}
