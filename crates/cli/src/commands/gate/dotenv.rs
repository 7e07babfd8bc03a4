//! The decision as lines of `name=value`, which CI systems read as outputs of a job.
//!
//! Must hold nothing but ids, digests, numbers and closed vocabularies: what a value may hold is not escaped there.

use super::view::View;

pub(super) fn render(view: &View) -> String {
    let answer = &view.answer;
    format!(
        "outcome={}\nversion={}\nenvironment={}\ndecision={}\nledger_index={}\nbundle={}\n",
        answer.outcome,
        answer.version,
        answer.environment,
        answer.decision,
        answer.ledger_index,
        answer.bundle
    )
}
