//! Which part of a rule makes it fire: the comparisons inside its condition, with what they require.
//!
//! For explanations only. What is decided is Cedar's alone; here the condition is read once, from Cedar's own JSON form
//! of the policy, and its comparisons are looked up in the facts of a decision that Cedar has made.

use crate::request::{Fact, Facts};
use cedar_policy::Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of a rule that stands against the act: what a fact is, and what it would have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Clause {
    /// The fact.
    pub fact: String,
    /// What it would have to be, for example `>= 800000`, `true`, or `contains "baseline-evaluated"`.
    pub required: String,
    /// What it is; nothing if nobody knows it.
    #[schema(value_type = Object)]
    pub actual: Option<Value>,
    /// The value nearest to the present one with which this part no longer stands against the act.
    #[serde(skip)]
    pub(crate) repair: Option<Fact>,
}

/// A condition, as far as it is about facts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The fact is there.
    Has(String),
    /// The fact is true.
    True(String),
    /// The fact compares so with a number.
    Compare(String, Order, i64),
    /// The set has the word.
    Contains(String, String),
    /// Something else: who acts, where, or a comparison of two facts.
    Other,
}

/// An order of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Order {
    fn opposite(self) -> Option<Self> {
        match self {
            Self::Less => Some(Self::GreaterOrEqual),
            Self::LessOrEqual => Some(Self::Greater),
            Self::Greater => Some(Self::LessOrEqual),
            Self::GreaterOrEqual => Some(Self::Less),
            Self::Equal => None,
        }
    }

    fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal => Self::Equal,
        }
    }

    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
        }
    }

    /// The number nearest to the bound that satisfies the order.
    fn boundary(self, bound: i64) -> i64 {
        match self {
            Self::Less => bound.saturating_sub(1),
            Self::Greater => bound.saturating_add(1),
            Self::LessOrEqual | Self::GreaterOrEqual | Self::Equal => bound,
        }
    }
}

impl Condition {
    /// Reads the condition under which a policy matches. Parts that are not about facts are [`Condition::Other`].
    pub(crate) fn of(policy: &Policy) -> Self {
        let Ok(json) = policy.to_json() else { return Self::Other };
        let conditions = json.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        let parts = conditions.iter().map(|condition| {
            let body = condition.get("body").map_or(Self::Other, read);
            match condition.get("kind").and_then(Value::as_str) {
                Some("unless") => Self::Not(Box::new(body)),
                _ => body,
            }
        });
        Self::All(parts.collect())
    }

    /// Every number that a fact is compared with.
    pub(crate) fn bounds(&self, wanted: &str, bounds: &mut Vec<i64>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.bounds(wanted, bounds)),
            Self::Not(part) => part.bounds(wanted, bounds),
            Self::Compare(fact, _, bound) if fact == wanted => bounds.push(*bound),
            _ => {}
        }
    }

    /// Whether it holds; nothing if that depends on more than facts.
    fn holds(&self, facts: &Facts) -> Option<bool> {
        match self {
            Self::All(parts) => all(parts.iter().map(|part| part.holds(facts))),
            Self::Any(parts) => all(parts.iter().map(|part| part.holds(facts).map(|b| !b))).map(|b| !b),
            Self::Not(part) => part.holds(facts).map(|b| !b),
            Self::Has(fact) => Some(facts.get(fact).is_some()),
            Self::True(fact) => match facts.get(fact) {
                Some(Fact::Bool(value)) => Some(*value),
                _ => None,
            },
            Self::Compare(fact, order, bound) => match facts.get(fact) {
                Some(Fact::Long(value)) => Some(order.holds(*value, *bound)),
                _ => None,
            },
            Self::Contains(fact, word) => match facts.get(fact) {
                Some(Fact::Set(words)) => Some(words.contains(word)),
                _ => None,
            },
            Self::Other => None,
        }
    }

    /// The parts that keep the condition from being what is `wanted`.
    pub(crate) fn blame(&self, wanted: bool, facts: &Facts, clauses: &mut Vec<Clause>) {
        if self.holds(facts) == Some(wanted) {
            return;
        }
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.blame(wanted, facts, clauses);
                }
            }
            Self::Not(part) => part.blame(!wanted, facts, clauses),
            Self::Has(fact) if wanted => {
                push(clauses, clause(fact, "present".to_owned(), facts, None));
            }
            Self::True(fact) => {
                push(clauses, clause(fact, wanted.to_string(), facts, Some(Fact::Bool(wanted))));
            }
            Self::Compare(fact, order, bound) => {
                let order = if wanted { Some(*order) } else { order.opposite() };
                if let Some(order) = order {
                    let required = format!("{} {bound}", order.sign());
                    push(clauses, clause(fact, required, facts, Some(Fact::Long(order.boundary(*bound)))));
                }
            }
            Self::Contains(fact, word) if wanted => {
                let mut words = match facts.get(fact) {
                    Some(Fact::Set(words)) => words.clone(),
                    _ => Vec::new(),
                };
                words.push(word.clone());
                push(clauses, clause(fact, format!("contains {word:?}"), facts, Some(Fact::Set(words))));
            }
            Self::Has(_) | Self::Contains(..) | Self::Other => {}
        }
    }
}

/// A later clause about a fact says more than an earlier one that only wants it present.
fn push(clauses: &mut Vec<Clause>, clause: Clause) {
    clauses.retain(|known| !(known.fact == clause.fact && known.required == "present"));
    if !clauses.iter().any(|known| known.fact == clause.fact && known.required == clause.required) {
        clauses.push(clause);
    }
}

fn clause(fact: &str, required: String, facts: &Facts, repair: Option<Fact>) -> Clause {
    Clause { fact: fact.to_owned(), required, actual: facts.get(fact).map(Fact::to_json), repair }
}

/// Whether all hold; one that does not decides, one that nobody knows leaves it open.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}

fn read(body: &Value) -> Condition {
    let Some((operator, operands)) = body.as_object().and_then(|o| o.iter().next()) else {
        return Condition::Other;
    };
    let side = |name: &str| operands.get(name);
    let pair = || Some((read(side("left")?), read(side("right")?)));
    let order = match operator.as_str() {
        "&&" => return pair().map_or(Condition::Other, |(left, right)| Condition::All(vec![left, right])),
        "||" => return pair().map_or(Condition::Other, |(left, right)| Condition::Any(vec![left, right])),
        "!" => return side("arg").map_or(Condition::Other, |arg| Condition::Not(Box::new(read(arg)))),
        "." => return fact(body).map_or(Condition::Other, Condition::True),
        "has" => {
            let attribute = operands.get("attr").and_then(Value::as_str);
            return match (side("left").is_some_and(is_context), attribute) {
                (true, Some(attribute)) => Condition::Has(attribute.to_owned()),
                _ => Condition::Other,
            };
        }
        "contains" => {
            let word = side("right").and_then(|right| right.get("Value")?.as_str().map(str::to_owned));
            return match (side("left").and_then(fact), word) {
                (Some(fact), Some(word)) => Condition::Contains(fact, word),
                _ => Condition::Other,
            };
        }
        "<" => Order::Less,
        "<=" => Order::LessOrEqual,
        ">" => Order::Greater,
        ">=" => Order::GreaterOrEqual,
        "==" => Order::Equal,
        _ => return Condition::Other,
    };
    let number = |value: &Value| value.get("Value").and_then(Value::as_i64);
    match (side("left"), side("right")) {
        (Some(left), Some(right)) => match (fact(left), number(right), number(left), fact(right)) {
            (Some(fact), Some(bound), _, _) => Condition::Compare(fact, order, bound),
            (_, _, Some(bound), Some(fact)) => Condition::Compare(fact, order.mirrored(), bound),
            _ => Condition::Other,
        },
        _ => Condition::Other,
    }
}

fn is_context(value: &Value) -> bool {
    value.get("Var").and_then(Value::as_str) == Some("context")
}

/// The name of a fact that stands alone.
fn fact(value: &Value) -> Option<String> {
    let access = value.get(".")?;
    if !is_context(access.get("left")?) {
        return None;
    }
    access.get("attr")?.as_str().map(str::to_owned)
}
