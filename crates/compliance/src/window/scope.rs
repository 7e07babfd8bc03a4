//! What names stand for while an occurrence is asked about, and whether conditions hold.
//!
//! What is not there compares with nothing, so that a missing fact never passes a test.

use super::journal::{Journal, Row};
use super::value::Scalar;
use crate::control::{Condition, FieldRef, Operator, Term};
use std::cmp::Ordering;

/// An occurrence that is asked about.
#[derive(Clone, Debug)]
pub(crate) enum Anchor<'j> {
    /// An event.
    Event { kind: &'j str, row: &'j Row },
    /// A period of a subject: from, to, and the fields that tell subjects apart.
    Period { from: i64, to: i64, key: Vec<(String, Scalar)> },
}

/// What names stand for while an occurrence is asked about.
pub(super) struct Scope<'a, 'j> {
    pub(super) journal: &'j Journal,
    pub(super) anchor: &'a Anchor<'j>,
    /// Evidence counts before this time.
    pub(super) horizon: i64,
    pub(super) joined: Vec<(&'a str, &'a str, Option<&'j Row>)>,
    pub(super) each: Option<Scalar>,
}

/// An event at hand: its type and row; and the one found before it, in `unless`.
#[derive(Clone, Copy)]
pub(super) struct Hand<'j> {
    pub(super) own: Option<(&'j str, &'j Row)>,
    pub(super) found: Option<(&'j str, &'j Row)>,
}

impl Anchor<'_> {
    /// When it happened; of a period, its end.
    pub(crate) fn at(&self) -> i64 {
        match self {
            Self::Event { row, .. } => row.at,
            Self::Period { to, .. } => *to,
        }
    }

    /// The first end of a window that has it in it: events at the end of a window are not, periods that end there are.
    pub(crate) fn known(&self) -> i64 {
        match self {
            Self::Event { row, .. } => row.at.saturating_add(1),
            Self::Period { to, .. } => *to,
        }
    }

    /// The index of the event; of a period, that of the last event before its end.
    pub(super) fn is_after(&self, row: &Row) -> bool {
        match self {
            Self::Event { row: own, .. } => row.index < own.index,
            Self::Period { to, .. } => row.at < *to,
        }
    }
}

impl Hand<'_> {
    pub(super) const NOTHING: Self = Self { own: None, found: None };
}

impl<'j> Scope<'_, 'j> {
    pub(super) fn all(&self, hand: Hand<'j>, conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| self.holds(hand, condition))
    }

    pub(super) fn holds(&self, hand: Hand<'j>, condition: &Condition) -> bool {
        let left = self.value(hand, &condition.left);
        match (&condition.right, condition.operator) {
            (Term::Null, Operator::NotEqual) => return !left.is_absent(),
            (Term::Null, _) => return left.is_absent(),
            (Term::Empty, Operator::NotEqual) => return !left.is_empty(),
            (Term::Empty, _) => return left.is_empty(),
            _ => {}
        }
        let right = self.term(hand, &condition.right);
        if left.is_absent() || right.is_absent() {
            return false;
        }
        let among = |list: &Scalar, one: &Scalar| match list {
            Scalar::List(items) => items.contains(one),
            single => single == one,
        };
        let order = || left.order(&right);
        match condition.operator {
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::In => among(&right, &left),
            Operator::NotIn => !among(&right, &left),
            Operator::Has => among(&left, &right),
            Operator::AtMost => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Operator::AtLeast => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Below => order() == Some(Ordering::Less),
            Operator::Above => order() == Some(Ordering::Greater),
        }
    }

    pub(super) fn term(&self, hand: Hand<'j>, term: &Term) -> Scalar {
        match term {
            Term::Null | Term::Empty => Scalar::Absent,
            Term::Is(literal) => Scalar::from(literal),
            Term::OneOf(literals) => Scalar::List(literals.iter().map(Scalar::from).collect()),
            Term::Field { prefix, field, plus } => {
                let value = self.value(hand, field);
                match (plus, value) {
                    (Some(span), value) => value
                        .as_time()
                        .map_or(Scalar::Absent, |at| Scalar::Time(at.saturating_add(span.micros()))),
                    (None, Scalar::Text(text)) if !prefix.is_empty() => {
                        Scalar::text(&format!("{prefix}{text}"))
                    }
                    (None, _) if !prefix.is_empty() => Scalar::Absent,
                    (None, value) => value,
                }
            }
        }
    }

    pub(super) fn value(&self, hand: Hand<'j>, field: &FieldRef) -> Scalar {
        let of = |(kind, row): (&str, &Row)| self.journal.value(kind, row, &field.path).clone();
        match field.of.as_deref() {
            None => match hand.own {
                Some(own) => of(own),
                None => self.of_anchor(&field.path),
            },
            Some("it") => self.of_anchor(&field.path),
            Some("found") => hand.found.map_or(Scalar::Absent, of),
            Some("each") => self.each.clone().unwrap_or(Scalar::Absent),
            Some(name) => {
                let join = self.joined.iter().find(|(known, _, _)| *known == name);
                match join {
                    Some((_, kind, Some(row))) => of((kind, row)),
                    _ => Scalar::Absent,
                }
            }
        }
    }

    fn of_anchor(&self, path: &str) -> Scalar {
        match self.anchor {
            Anchor::Event { kind, row } => self.journal.value(kind, row, path).clone(),
            Anchor::Period { from, to, key } => match path {
                "@from" => Scalar::Time(*from),
                "@to" | "@at" => Scalar::Time(*to),
                path => key
                    .iter()
                    .find(|(name, _)| name == path)
                    .map_or(Scalar::Absent, |(_, value)| value.clone()),
            },
        }
    }
}
