//! What a column is to the model, and how its values are understood: guessed from names and values of the reference,
//! always shown with the reason, and overruled by whoever knows better.

use comptroller_stats::cells::Block;
use comptroller_stats::grid::Kind;
use comptroller_stats::profile::Role;

use crate::source::{ColumnInfo, Declared};

/// Whole numbers with at most so many different values are codes.
const MAX_CODES: usize = 20;
/// Rows from which "every value is different" says that it is an identifier.
const ID_ROWS: usize = 100;
/// Words from which a text is one that somebody wrote and no identifier.
const SENTENCE: usize = 3;
/// Part of the texts that must be different for an identifier.
const ID_SHARE: f64 = 0.95;

/// Beginnings of the names of scores that a model of several classes gives, one for each.
const SCORE_PREFIXES: [&str; 5] =
    ["y_pred_proba_", "pred_proba_", "y_score_", "proba_", "predicted_probability_"];

/// What somebody has said about columns.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// Roles by name.
    pub roles: Vec<(String, Role)>,
    /// Kinds by name.
    pub kinds: Vec<(String, Kind)>,
}

/// What a column is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// To the model.
    pub role: Role,
    /// How its values are understood.
    pub kind: Kind,
    /// Why.
    pub why: String,
}

impl Stated {
    fn role(&self, name: &str) -> Option<Role> {
        self.roles.iter().find(|(column, _)| column == name).map(|(_, role)| *role)
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        self.kinds.iter().find(|(column, _)| column == name).map(|(_, kind)| *kind)
    }

    fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|(_, stated)| *stated == role)
    }

    /// What was said of a column that its values cannot be, and what to do; nothing if they can.
    pub fn contradiction(&self, column: &ColumnInfo, values: &Block) -> Option<(String, &'static str)> {
        let facts = Facts::of(values);
        let texts = facts.texts as u64 + facts.others;
        let name = &column.name;
        if self.kind(name) == Some(Kind::Numeric) && texts > facts.numbers as u64 {
            let said =
                format!("column {name:?} was stated to hold numbers, and most of its values are texts");
            return Some((said, "leave it out of --numeric, or write its values as numbers"));
        }
        let is_vector = column.declared == Declared::Vector || facts.vectors;
        match self.role(name) {
            Some(Role::Text) if facts.numbers > 0 && texts == 0 => Some((
                format!("column {name:?} was stated to hold free text, and all its values are numbers"),
                "leave it out of --text",
            )),
            Some(Role::Embedding) if !is_vector && facts.numbers as u64 + texts > 0 => Some((
                format!("column {name:?} was stated to hold vectors, and its values are none"),
                "leave it out of --embedding, or write lists of numbers as [0.1, 0.2]",
            )),
            _ => None,
        }
    }

    /// What a column is taken for, from its name and gathered values.
    pub fn take(&self, column: &ColumnInfo, values: &Block) -> Taken {
        let facts = Facts::of(values);
        let (kind, kind_why) = match self.kind(&column.name) {
            Some(kind) => (kind, "as stated".to_owned()),
            None => facts.kind(),
        };
        if let Some(role) = self.role(&column.name) {
            let kind =
                self.kind(&column.name).unwrap_or(if role == Role::Score { Kind::Numeric } else { kind });
            return Taken { role, kind, why: "as stated".to_owned() };
        }
        let known = |role, why: String| Taken { role, kind, why };
        if column.declared == Declared::Vector || facts.vectors {
            return known(Role::Embedding, "it holds vectors of numbers".to_owned());
        }
        if column.declared == Declared::Nested {
            return known(Role::Ignored, "lists, records and bytes are not compared".to_owned());
        }
        if column.declared == Declared::Time {
            return known(Role::Time, "it holds points in time".to_owned());
        }
        if let Some((role, why)) = by_name(&column.name, &facts)
            && !(self.has(role) && matches!(role, Role::Prediction | Role::Score | Role::Label))
        {
            let kind = if role == Role::Score { Kind::Numeric } else { kind };
            return Taken { role, kind, why };
        }
        // Whoever states a kind wants the column compared.
        if self.kind(&column.name).is_none()
            && let Some(why) = facts.identifies()
        {
            if facts.sentences {
                return known(Role::Text, format!("{why}, and most have several words"));
            }
            return known(Role::Id, why);
        }
        known(Role::Feature, kind_why)
    }
}

/// What the values of a column look like.
struct Facts {
    rows: usize,
    numbers: usize,
    texts: usize,
    others: u64,
    /// Different numbers; if they are not whole, no more than [`MAX_CODES`] and one are told apart.
    distinct: usize,
    /// Different texts.
    words: usize,
    /// Whether all numbers are whole.
    whole: bool,
    /// Smallest and largest number.
    range: (f64, f64),
    /// Whether the numbers grow from row to row.
    grows: bool,
    /// Whether they do so by the same step.
    even: bool,
    /// Whether most texts have several words.
    sentences: bool,
    /// Whether every text is a list in square brackets.
    vectors: bool,
}

impl Facts {
    fn of(values: &Block) -> Self {
        let tally = values.tally();
        let finite: Vec<f64> = tally.numbers.iter().copied().filter(|number| number.is_finite()).collect();
        let grows = finite.len() > 1 && finite.windows(2).all(|pair| pair[0] < pair[1]);
        let step = if finite.len() > 1 { finite[1] - finite[0] } else { 0.0 };
        let even = grows && finite.windows(2).all(|pair| ((pair[1] - pair[0]) / step - 1.0).abs() < 1e-6);
        let range = (
            finite.iter().copied().reduce(f64::min).unwrap_or(0.0),
            finite.iter().copied().reduce(f64::max).unwrap_or(0.0),
        );
        let whole = finite.iter().all(|number| number.fract().abs() < f64::EPSILON);
        Self {
            rows: values.len(),
            numbers: tally.numbers.len(),
            texts: tally.texts.iter().sum::<u64>() as usize,
            others: tally.others,
            distinct: distinct(finite, whole),
            words: tally.texts.iter().filter(|rows| **rows > 0).count(),
            whole,
            range,
            grows,
            even,
            sentences: most(tally.words, |word| word.split_whitespace().nth(SENTENCE - 1).is_some()),
            vectors: tally.numbers.is_empty()
                && !tally.words.is_empty()
                && tally.words.iter().all(|word| is_list(word)),
        }
    }

    fn kind(&self) -> (Kind, String) {
        if self.texts + self.others as usize > self.numbers {
            return (Kind::Categorical, "it holds texts".to_owned());
        }
        if self.numbers > 0 && self.whole && self.distinct <= MAX_CODES && self.distinct < self.numbers {
            return (
                Kind::Categorical,
                format!("whole numbers of {} different values are codes", self.distinct),
            );
        }
        (Kind::Numeric, "it holds numbers".to_owned())
    }

    /// Why it tells rows apart instead of describing them.
    fn identifies(&self) -> Option<String> {
        if self.others > 0 {
            return Some("too many different texts to be categories".to_owned());
        }
        if self.texts >= ID_ROWS && self.texts > self.numbers {
            let share = to_real(self.words) / to_real(self.texts);
            return (share > ID_SHARE).then(|| "nearly every text is different".to_owned());
        }
        if self.numbers < ID_ROWS || self.texts > 0 {
            return None;
        }
        if self.even {
            return Some("it grows by the same step from row to row".to_owned());
        }
        let dense = self.range.1 - self.range.0 < 2.0 * to_real(self.numbers);
        if self.whole && self.distinct == self.numbers && (dense || self.grows) {
            return Some("every row has a whole number of its own".to_owned());
        }
        None
    }
}

/// Whether more than half of the words are so.
fn most(words: &[String], is: impl Fn(&str) -> bool) -> bool {
    words.iter().filter(|word| is(word)).count() * 2 > words.len()
}

/// Whether a text begins as a list of numbers; long ones are known by their beginning alone.
fn is_list(text: &str) -> bool {
    let inner = text.strip_prefix('[').map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.'))
}

/// How many different numbers there are. Only of whole ones does it matter how many exactly, and only they are sorted:
/// sorting is most of the time of everything.
fn distinct(mut finite: Vec<f64>, whole: bool) -> usize {
    if whole {
        comptroller_stats::sort::ascending(&mut finite);
        return finite.chunk_by(|a, b| a.total_cmp(b).is_eq()).count();
    }
    let mut seen: Vec<u64> = Vec::new();
    for number in finite {
        if !seen.contains(&number.to_bits()) {
            seen.push(number.to_bits());
            if seen.len() > MAX_CODES {
                break;
            }
        }
    }
    seen.len()
}

/// Names that say what a column is. The value has to fit too.
fn by_name(name: &str, facts: &Facts) -> Option<(Role, String)> {
    let plain: String =
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    let is = |words: &[&str]| words.contains(&plain);
    let why = |what: &str| format!("its name says {what}");
    let chance = facts.numbers > 0 && facts.texts == 0 && facts.range.0 >= 0.0 && facts.range.1 <= 1.0;
    if is(&[
        "y_pred_proba",
        "y_score",
        "pred_proba",
        "prob",
        "proba",
        "probability",
        "predicted_probability",
        "p_hat",
    ]) || (is(&["score", "model_score", "prediction_score", "confidence"]) && chance)
    {
        return chance.then(|| (Role::Score, why("score")));
    }
    // Of several classes, one for each: y_pred_proba_refused.
    if SCORE_PREFIXES.iter().any(|prefix| plain.strip_prefix(prefix).is_some_and(|class| !class.is_empty())) {
        return chance.then(|| (Role::Score, why("score of a class")));
    }
    if is(&[
        "prediction",
        "pred",
        "predicted",
        "y_pred",
        "y_hat",
        "yhat",
        "predicted_label",
        "predicted_class",
        "decision",
    ]) {
        // A prediction of many values between 0 and 1 is a score.
        let role = if chance && facts.distinct > MAX_CODES { Role::Score } else { Role::Prediction };
        return Some((role, why(role.as_str())));
    }
    if is(&["label", "target", "y", "y_true", "actual", "ground_truth", "outcome", "true_label"]) {
        return Some((Role::Label, why("label")));
    }
    let whole = facts.whole && facts.numbers > 0;
    let year = whole && facts.range.0 >= 1800.0 && facts.range.1 <= 2200.0;
    if is(&[
        "timestamp",
        "time",
        "date",
        "datetime",
        "ts",
        "created_at",
        "updated_at",
        "event_time",
        "predicted_at",
    ]) || (is(&["year"]) && year)
    {
        return Some((Role::Time, why("time")));
    }
    let row =
        is(&["id", "uuid", "guid", "index", "row", "row_id", "rowid", "row_number", "unnamed__0", "level_0"]);
    let unlike = facts.distinct + facts.words > MAX_CODES || facts.rows <= MAX_CODES;
    if row || (plain.ends_with("_id") && unlike) {
        return Some((Role::Id, why("id")));
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "rows of a gathered column stay far below 2^53")]
fn to_real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_stats::cells::BlockBuilder;

    fn plain(name: &str) -> ColumnInfo {
        ColumnInfo { name: name.to_owned(), declared: Declared::Plain }
    }

    fn numbers(of: impl Fn(u32) -> f64) -> Block {
        Block::of_numbers((0..500).map(of).collect())
    }

    fn taken(name: &str, values: &Block) -> (Role, Kind) {
        let taken = Stated::default().take(&plain(name), values);
        (taken.role, taken.kind)
    }

    #[test]
    fn counters_and_identifiers_are_no_features() {
        assert_eq!(taken("n", &numbers(f64::from)).0, Role::Id);
        assert_eq!(taken("n", &numbers(|i| 0.1 + f64::from(i) / 7.0)).0, Role::Id, "an even step");
        assert_eq!(taken("n", &numbers(|i| f64::from(i * 7919 % 500))).0, Role::Id, "shuffled row numbers");
        assert_eq!(taken("customer_id", &numbers(|i| f64::from(i % 100))).0, Role::Id);
        let mut words = BlockBuilder::default();
        (0..500).for_each(|i| words.text(&format!("user {i}")));
        assert_eq!(taken("who", &words.finish()).0, Role::Id);
        assert_eq!(taken("year", &numbers(|_| 2015.0)).0, Role::Time);
    }

    #[test]
    fn ordinary_columns_are_features_of_the_kind_that_their_values_have() {
        assert_eq!(taken("age", &numbers(|i| f64::from(i % 80))), (Role::Feature, Kind::Numeric));
        assert_eq!(taken("code", &numbers(|i| f64::from(i % 5))), (Role::Feature, Kind::Categorical));
        let uneven = |i: u32| f64::from(i) + f64::from(i % 3) / 10.0;
        assert_eq!(taken("sorted", &numbers(uneven)), (Role::Feature, Kind::Numeric));
        let mut words = BlockBuilder::default();
        (0..500).for_each(|i| words.text(["a", "b"][i % 2]));
        assert_eq!(taken("x", &words.finish()), (Role::Feature, Kind::Categorical));
    }

    #[test]
    fn names_of_the_model_s_own_columns_are_known_if_their_values_fit() {
        assert_eq!(taken("y_score", &numbers(|i| f64::from(i * 37 % 500) / 500.0)).0, Role::Score);
        assert_eq!(
            taken("score", &numbers(|i| f64::from(i % 300) + 300.0)).0,
            Role::Feature,
            "a credit score"
        );
        assert_eq!(taken("Decision", &numbers(|i| f64::from(i % 2))).0, Role::Prediction);
        assert_eq!(taken("y_true", &numbers(|i| f64::from(i % 2))).0, Role::Label);
    }

    #[test]
    fn sentences_and_vectors_are_no_identifiers() {
        let of = |text: fn(usize) -> String| {
            let mut words = BlockBuilder::default();
            (0..500).for_each(|i| words.text(&text(i)));
            words.finish()
        };
        assert_eq!(taken("note", &of(|i| format!("the customer called {i} times"))).0, Role::Text);
        assert_eq!(taken("who", &of(|i| format!("user {i}"))).0, Role::Id);
        assert_eq!(taken("e", &of(|i| format!("[0.{i}, -1.5, 2]"))).0, Role::Embedding);
        assert_eq!(taken("tags", &of(|i| format!("[a, b{i}]"))).0, Role::Id);
        let vector = ColumnInfo { name: "e".to_owned(), declared: Declared::Vector };
        assert_eq!(Stated::default().take(&vector, &Block::of_nulls(9)).role, Role::Embedding);
    }

    #[test]
    fn what_is_stated_overrules_every_guess() {
        let stated = Stated {
            roles: vec![("good".to_owned(), Role::Label)],
            kinds: vec![("n".to_owned(), Kind::Numeric)],
        };
        assert_eq!(stated.take(&plain("good"), &numbers(|i| f64::from(i % 2))).role, Role::Label);
        assert_eq!(stated.take(&plain("label"), &numbers(|i| f64::from(i % 2))).role, Role::Feature);
        let counter = stated.take(&plain("n"), &numbers(f64::from));
        assert_eq!((counter.role, counter.kind), (Role::Feature, Kind::Numeric));
    }
}
