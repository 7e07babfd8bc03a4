//! The questions of a classification as known on a day, and the file of answers to fill in.

use super::facts::is_question;
use crate::framework::{Day, Framework, Kind};
use serde::Serialize;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Its id, by which it is answered.
    pub id: String,
    /// What kind of row asks it.
    pub kind: Kind,
    /// Its words.
    pub text: String,
    /// The provision.
    pub provision: String,
}

/// Every question, in the order of the framework.
pub fn questions(act: &Framework, known: Day) -> Vec<Question> {
    act.rows_known(known)
        .filter(|row| is_question(row.kind))
        .map(|row| Question {
            id: row.id.clone(),
            kind: row.kind,
            text: row.label.clone(),
            provision: row.source.clone(),
        })
        .collect()
}

/// A file of facts in TOML in which everything is unknown.
pub fn template(act: &Framework, known: Day) -> String {
    let mut text = format!(
        "# Facts for `comptroller risk classify`: {}, as known on {known}.\n\
         # Answer \"yes\", \"no\" or \"unknown\". What is unknown stays unknown: it is never taken for a no.\n\
         # A yes or a no needs its source. [stated] is that of all answers that name none; an answer may have its own:\n\
         #   \"profiling\" = {{ answer = \"yes\", source = \"registry\", reference = \"system/credit, purpose\", on = \"{known}\" }}\n\
         # source: human (by = who), registry or monitor (reference = which fact); on = the day on which it was so.\n\
         # [stated]\n# source = \"human\"\n# by = \"\"\n# on = \"{known}\"\n\n[answers]\n",
        act.name
    );
    let mut last = None;
    for question in questions(act, known) {
        if last != Some(question.kind) {
            text.push_str(heading(question.kind));
            last = Some(question.kind);
        }
        text.push_str(&format!("# {} ({})\n", question.text, question.provision));
        text.push_str(&format!("\"{}\" = \"unknown\"\n", question.id));
    }
    text
}

fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Prohibition => "\n# ---- Prohibited practices: does the system do this?\n",
        Kind::UseCase => "\n# ---- Use cases of Annex III: is this one of its intended purposes?\n",
        Kind::Exemption => "\n# ---- Exemptions of Art. 6(3): is this all it does?\n",
        _ => "\n# ---- Further questions\n",
    }
}
