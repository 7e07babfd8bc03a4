//! Conditions: a field, an operator, and what it is compared with.
//!
//! `environment = production`, `voter != $request.@principal`, `kind in deploy|emergency`,
//! `voter not in $version.facts.builders`, `subject = emergency/$it.emergency`, `expires_at <= @at+90d`.
//! A bare field is that of the event at hand; `$name.field` is that of the occurrence (`$it`), of a join, of the event
//! found (`$found`, in `unless`), or the value of a `for_each` (`$each`). `@at`, `@index`, `@actor`, `@principal` and
//! `@system` come from the entry itself; a period has `@from`, `@to` and `@at`, which is its end.
//!
//! What is not there compares with nothing: every operator but `= null` and `= empty` is then false.

use super::span::Span;

/// Longest condition, in bytes.
const MAX_BYTES: usize = 300;
/// Most words of a list.
const MAX_WORDS: usize = 32;

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldRef {
    /// Whose: `it`, the name of a join, `found`, `each`; none = the event at hand.
    pub of: Option<String>,
    /// The field, with dots into objects and through lists; empty for `$each`.
    pub path: String,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// They are the same.
    Equal,
    /// Both are there and differ.
    NotEqual,
    /// The left is among the right.
    In,
    /// The left is there, and not among the right.
    NotIn,
    /// The left, a list, has the right.
    Has,
    /// Before or the same.
    AtMost,
    /// After or the same.
    AtLeast,
    /// Before.
    Below,
    /// After.
    Above,
}

/// A value as it stands in a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A word.
    Word(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Truth(bool),
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// `null`: that it is not there.
    Null,
    /// `empty`: that it is not there, or a list of nothing.
    Empty,
    /// One value.
    Is(Literal),
    /// `a|b|c`.
    OneOf(Vec<Literal>),
    /// A field, with a length of time behind it.
    Field {
        /// The text before the value of the field, such as `emergency/`; usually empty.
        prefix: String,
        /// The field.
        field: FieldRef,
        /// The length of time.
        plus: Option<Span>,
    },
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The left side.
    pub left: FieldRef,
    /// How.
    pub operator: Operator,
    /// The right side.
    pub right: Term,
    /// As it was written.
    pub text: String,
}

impl FieldRef {
    /// Reads `field`, `field.inner`, `@at`, `$name.field` or `$each`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is no field: write field, field.inner, @at or $name.field");
        let Some(rest) = text.strip_prefix('$') else {
            return if is_path(text) { Ok(Self { of: None, path: text.to_owned() }) } else { Err(problem()) };
        };
        if rest == "each" {
            return Ok(Self { of: Some("each".to_owned()), path: String::new() });
        }
        match rest.split_once('.') {
            Some((name, path)) if is_name(name) && name != "each" && is_path(path) => {
                Ok(Self { of: Some(name.to_owned()), path: path.to_owned() })
            }
            _ => Err(problem()),
        }
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a condition has at most {MAX_BYTES} bytes, this one has {}", text.len()));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let (left, operator, right) = match words.as_slice() {
            [left, "not", "in", right] => (left, Operator::NotIn, right),
            [left, operator, right] => (left, self::operator(operator)?, right),
            _ => return Err(format!("{text:?} is no condition: write FIELD = VALUE")),
        };
        let (left, right) = (FieldRef::parse(left)?, Term::parse(right)?);
        let is_absence = matches!(right, Term::Null | Term::Empty);
        if is_absence && !matches!(operator, Operator::Equal | Operator::NotEqual) {
            return Err(format!("{text:?}: null and empty compare with = and != only"));
        }
        if matches!(right, Term::OneOf(_)) && !matches!(operator, Operator::In | Operator::NotIn) {
            return Err(format!("{text:?}: a list compares with in and not in only"));
        }
        Ok(Self { left, operator, right, text: words.join(" ") })
    }
}

fn operator(text: &str) -> Result<Operator, String> {
    match text {
        "=" => Ok(Operator::Equal),
        "!=" => Ok(Operator::NotEqual),
        "in" => Ok(Operator::In),
        "has" => Ok(Operator::Has),
        "<=" => Ok(Operator::AtMost),
        ">=" => Ok(Operator::AtLeast),
        "<" => Ok(Operator::Below),
        ">" => Ok(Operator::Above),
        _ => Err(format!("{text:?} compares nothing: write one of = != in, not in, has <= >= < >")),
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "null" => return Ok(Self::Null),
            "empty" => return Ok(Self::Empty),
            _ => {}
        }
        if let Some(at) = text.find('$').or_else(|| text.starts_with('@').then_some(0)) {
            let (prefix, field) = text.split_at(at);
            if !prefix.is_empty() && !is_word(prefix) {
                return Err(format!("{prefix:?} cannot stand before a field"));
            }
            let (field, plus) = match field.split_once('+') {
                Some((field, span)) => (field, Some(Span::parse(span)?)),
                None => (field, None),
            };
            return Ok(Self::Field { prefix: prefix.to_owned(), field: FieldRef::parse(field)?, plus });
        }
        if !text.contains('|') {
            return literal(text).map(Self::Is);
        }
        let words = text.split('|').map(literal).collect::<Result<Vec<_>, _>>()?;
        if words.len() > MAX_WORDS {
            return Err(format!("a list has at most {MAX_WORDS} words, this one has {}", words.len()));
        }
        Ok(Self::OneOf(words))
    }
}

fn literal(text: &str) -> Result<Literal, String> {
    match text {
        "true" => return Ok(Literal::Truth(true)),
        "false" => return Ok(Literal::Truth(false)),
        _ => {}
    }
    if let Ok(number) = text.parse() {
        return Ok(Literal::Number(number));
    }
    if is_word(text) { Ok(Literal::Word(text.to_owned())) } else { Err(format!("{text:?} is no value")) }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:".contains(&b))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_path(text: &str) -> bool {
    match text.strip_prefix('@') {
        Some(name) => matches!(name, "at" | "index" | "actor" | "principal" | "system" | "from" | "to"),
        None => text.split('.').all(|part| is_name(&part.replace('-', "_"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_they_are_written() {
        let parsed = Condition::parse("voter not in $version.facts.builders").unwrap();
        assert_eq!(parsed.operator, Operator::NotIn);
        let field = FieldRef { of: Some("version".into()), path: "facts.builders".into() };
        assert_eq!(parsed.right, Term::Field { prefix: String::new(), field, plus: None });
        let parsed = Condition::parse("subject = emergency/$it.emergency").unwrap();
        assert!(matches!(parsed.right, Term::Field { prefix, .. } if prefix == "emergency/"));
        let parsed = Condition::parse("expires_at <= @at+90d").unwrap();
        assert!(matches!(parsed.right, Term::Field { plus: Some(_), .. }));
        assert_eq!(
            Condition::parse("kind in a|2|true").unwrap().right,
            Term::OneOf(vec![Literal::Word("a".into()), Literal::Number(2), Literal::Truth(true),])
        );
        assert_eq!(Condition::parse("$each != null").unwrap().left.of.as_deref(), Some("each"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (wrong, says) in [
            ("a", "is no condition"),
            ("a == b", "compares nothing"),
            ("a < null", "= and != only"),
            ("a = b|c", "in and not in only"),
            ("A = b", "is no field"),
            ("a = $b", "is no field"),
            ("a = $b.c+9", "no length of time"),
            ("a = é", "is no value"),
            ("@now = 1", "is no field"),
        ] {
            let error = Condition::parse(wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
        assert!(Condition::parse(&format!("a = {}", "b".repeat(400))).unwrap_err().contains("at most 300"));
    }
}
