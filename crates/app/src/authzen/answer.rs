//! Answers in the words of the standard: true or false, and why in `context`.

use crate::gate::RuleView;
use comptroller_core::Digest;
use comptroller_core::ids::DecisionId;
use comptroller_core::vocab::Outcome;
use comptroller_policy::Decision;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to one question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationAnswer {
    /// True only if the outcome is allow.
    pub decision: bool,
    /// Why, and where it stands on record.
    pub context: EvaluationContext,
}

/// What stands behind an answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct EvaluationContext {
    /// Allow, needs-review, deny or unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Id of the recorded decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<DecisionId>,
    /// Index of the decision in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_index: Option<u64>,
    /// Digest of the policy bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Digest>,
    /// Every rule that stands against the act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<RuleView>,
    /// What went wrong while deciding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Why the question could not be answered. Nothing was decided or recorded then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<EvaluationProblem>,
}

/// Why one question of several could not be answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationProblem {
    /// The HTTP status that the question alone would have got.
    pub status: u16,
    /// What is wrong, and where.
    pub message: String,
}

/// The answer to several questions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum EvaluationsAnswer {
    /// One answer for each question, in their order, up to where the options say to stop.
    Many {
        /// The answers.
        evaluations: Vec<EvaluationAnswer>,
    },
    /// The answer to a request without a list of questions.
    One(Box<EvaluationAnswer>),
}

impl EvaluationAnswer {
    pub(super) fn of(id: DecisionId, index: u64, decision: Decision, reasons: Vec<RuleView>) -> Self {
        let context = EvaluationContext {
            outcome: Some(decision.outcome),
            decision_id: Some(id),
            ledger_index: Some(index),
            bundle: Some(decision.bundle),
            reasons,
            errors: decision.errors,
            error: None,
        };
        Self { decision: decision.outcome == Outcome::Allow, context }
    }

    pub(super) fn problem(status: u16, message: String) -> Self {
        let error = Some(EvaluationProblem { status, message });
        Self { decision: false, context: EvaluationContext { error, ..EvaluationContext::default() } }
    }
}
