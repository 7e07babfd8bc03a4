//! What somebody knows about columns, as arguments of `drift` and `profile`.

use clap::Args;
use comptroller_app::drift::{Kind, Role, Stated};

/// Roles and kinds of columns.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct RoleArgs {
    /// The column with the decision or class that the model gave. Columns of such names are found by themselves; what
    /// was taken for what stands in the report.
    #[arg(long, value_name = "COLUMN")]
    prediction: Option<String>,
    /// The column with the number that the model gave, such as a probability. Of a model of several classes, one for
    /// each, each named by its class or with the class at its end, such as p_refused.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    score: Vec<String>,
    /// The column with what came true.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The label that counts as "it came true", where there are two.
    #[arg(long, value_name = "LABEL")]
    pub(crate) positive: Option<String>,
    /// The column with the time of a row.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// Columns that tell rows apart. May be given several times.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    id: Vec<String>,
    /// Columns of free text, compared by what describes it: length, words, signs, unknown words, script.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    text: Vec<String>,
    /// Columns of vectors, such as embeddings: lists of numbers.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    embedding: Vec<String>,
    /// Columns that are not compared. May be given several times.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Columns whose values are names, also if they look like numbers. May be given several times.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    categorical: Vec<String>,
    /// Columns whose values are numbers, also if there are few. May be given several times.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    numeric: Vec<String>,
}

impl RoleArgs {
    /// As the comparison takes it.
    pub(crate) fn stated(&self) -> Stated {
        let mut roles = Vec::new();
        let single =
            [(&self.prediction, Role::Prediction), (&self.label, Role::Label), (&self.time, Role::Time)];
        for (name, role) in single {
            roles.extend(name.iter().map(|name| (name.clone(), role)));
        }
        let several = [
            (&self.score, Role::Score),
            (&self.id, Role::Id),
            (&self.text, Role::Text),
            (&self.embedding, Role::Embedding),
            (&self.ignore, Role::Ignored),
        ];
        for (names, role) in several {
            roles.extend(names.iter().map(|name| (name.clone(), role)));
        }
        let mut kinds = Vec::new();
        for (names, kind) in [(&self.categorical, Kind::Categorical), (&self.numeric, Kind::Numeric)] {
            kinds.extend(names.iter().map(|name| (name.clone(), kind)));
        }
        Stated { roles, kinds }
    }
}
