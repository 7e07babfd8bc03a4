//! The rates of a group: what is counted, of what.

use super::cells::{Confusion, Share};
use super::value::{Reason, Value};
use crate::numeric::interval::wilson;
use serde::{Deserialize, Serialize};

// Cells by label and decision; see `Confusion`.
const TN: u16 = 1;
const FP: u16 = 1 << 1;
const FN: u16 = 1 << 3;
const TP: u16 = 1 << 4;
/// Labelled, but not decided.
const UNDECIDED: u16 = 1 << 2 | 1 << 5;
const UNLABELLED_NEGATIVE: u16 = 1 << 6;
const UNLABELLED_POSITIVE: u16 = 1 << 7;

/// A share of the rows of a group. Symbols as in the confusion matrix: TP, FP, TN, FN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Positive decisions of all decisions, with or without label.
    SelectionRate,
    /// Positive labels of all labels: no property of the model.
    BaseRate,
    /// TP / (TP + FN): sensitivity, recall.
    TruePositiveRate,
    /// FN / (TP + FN).
    FalseNegativeRate,
    /// FP / (FP + TN).
    FalsePositiveRate,
    /// TN / (FP + TN): specificity.
    TrueNegativeRate,
    /// TP / (TP + FP): precision.
    PositivePredictiveValue,
    /// FP / (TP + FP).
    FalseDiscoveryRate,
    /// TN / (TN + FN).
    NegativePredictiveValue,
    /// FN / (TN + FN).
    FalseOmissionRate,
    /// (TP + TN) of all labelled decisions.
    Accuracy,
    /// Scores above the median of all scores (6 RCNY 5-301).
    ScoringRate,
}

impl Metric {
    /// The rates of decisions and labels.
    pub const OF_DECISIONS: [Self; 11] = [
        Self::SelectionRate,
        Self::BaseRate,
        Self::TruePositiveRate,
        Self::FalseNegativeRate,
        Self::FalsePositiveRate,
        Self::TrueNegativeRate,
        Self::PositivePredictiveValue,
        Self::FalseDiscoveryRate,
        Self::NegativePredictiveValue,
        Self::FalseOmissionRate,
        Self::Accuracy,
    ];

    /// Its name in results, as it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectionRate => "selection_rate",
            Self::BaseRate => "base_rate",
            Self::TruePositiveRate => "true_positive_rate",
            Self::FalseNegativeRate => "false_negative_rate",
            Self::FalsePositiveRate => "false_positive_rate",
            Self::TrueNegativeRate => "true_negative_rate",
            Self::PositivePredictiveValue => "positive_predictive_value",
            Self::FalseDiscoveryRate => "false_discovery_rate",
            Self::NegativePredictiveValue => "negative_predictive_value",
            Self::FalseOmissionRate => "false_omission_rate",
            Self::Accuracy => "accuracy",
            Self::ScoringRate => "scoring_rate",
        }
    }

    /// Whether less of it is better: an error rate.
    pub fn lower_is_better(self) -> bool {
        matches!(
            self,
            Self::FalseNegativeRate
                | Self::FalsePositiveRate
                | Self::FalseDiscoveryRate
                | Self::FalseOmissionRate
        )
    }

    /// What is counted, and of what.
    fn masks(self) -> (u16, u16) {
        let decided = TN | FP | FN | TP;
        match self {
            // The cells of scores hold "above the median" in the place of the decision.
            Self::SelectionRate | Self::ScoringRate => {
                (TP | FP | UNLABELLED_POSITIVE, decided | UNLABELLED_POSITIVE | UNLABELLED_NEGATIVE)
            }
            Self::BaseRate => (TP | FN | 1 << 5, decided | UNDECIDED),
            Self::TruePositiveRate => (TP, TP | FN),
            Self::FalseNegativeRate => (FN, TP | FN),
            Self::FalsePositiveRate => (FP, FP | TN),
            Self::TrueNegativeRate => (TN, FP | TN),
            Self::PositivePredictiveValue => (TP, TP | FP),
            Self::FalseDiscoveryRate => (FP, TP | FP),
            Self::NegativePredictiveValue => (TN, TN | FN),
            Self::FalseOmissionRate => (FN, TN | FN),
            Self::Accuracy => (TP | TN, decided),
        }
    }

    /// Why a share of nothing does not exist.
    fn reason(self) -> Reason {
        match self {
            Self::SelectionRate => Reason::NoRows,
            Self::BaseRate | Self::Accuracy => Reason::NoLabels,
            Self::TruePositiveRate | Self::FalseNegativeRate => Reason::NoPositiveLabels,
            Self::FalsePositiveRate | Self::TrueNegativeRate => Reason::NoNegativeLabels,
            Self::PositivePredictiveValue | Self::FalseDiscoveryRate => Reason::NoPositiveDecisions,
            Self::NegativePredictiveValue | Self::FalseOmissionRate => Reason::NoNegativeDecisions,
            Self::ScoringRate => Reason::NoScores,
        }
    }

    /// The share of a group.
    pub fn share(self, group: &Confusion) -> Share {
        let (hits, of) = self.masks();
        Share { hits: group.sum(hits), of: group.sum(of) }
    }

    /// The same from the weights of the cells alone; nothing where there is nothing to count.
    pub(crate) fn rate(self, cells: &[f64; super::cells::CELLS]) -> Option<f64> {
        let (hits, of) = self.masks();
        let sum = |mask: u16| {
            cells
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask >> bit & 1 == 1)
                .map(|(_, weight)| weight)
                .sum::<f64>()
        };
        let total = sum(of);
        (total > 0.0).then(|| sum(hits) / total)
    }

    /// The share of a group as a result, with Wilson's interval at `z` standard deviations; insufficient below
    /// `needed` rows in the denominator.
    pub fn value(self, share: &Share, z: f64, needed: u64) -> Value {
        match share.proportion() {
            None => Value::undefined(self.reason(), share.hits.weight, share.of.weight),
            Some(rate) => Value::on(rate.rate, Some(wilson(rate, z)), share.of.rows, needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_its_definition() {
        let group = Confusion::of_counts(40, 10, 30, 20);
        let rate = |metric: Metric| metric.share(&group).proportion().expect("rows in every cell").rate;
        let expected = [
            (Metric::SelectionRate, 50.0 / 100.0),
            (Metric::BaseRate, 60.0 / 100.0),
            (Metric::TruePositiveRate, 40.0 / 60.0),
            (Metric::FalseNegativeRate, 20.0 / 60.0),
            (Metric::FalsePositiveRate, 10.0 / 40.0),
            (Metric::TrueNegativeRate, 30.0 / 40.0),
            (Metric::PositivePredictiveValue, 40.0 / 50.0),
            (Metric::FalseDiscoveryRate, 10.0 / 50.0),
            (Metric::NegativePredictiveValue, 30.0 / 50.0),
            (Metric::FalseOmissionRate, 20.0 / 50.0),
            (Metric::Accuracy, 70.0 / 100.0),
        ];
        assert_eq!(expected.map(|(metric, _)| metric), Metric::OF_DECISIONS);
        for (metric, value) in expected {
            assert!((rate(metric) - value).abs() < 1e-12, "{}", metric.name());
            let fast = metric.rate(&group.weights()).expect("rows in every cell");
            assert!((fast - value).abs() < 1e-12, "{}", metric.name());
        }
    }

    #[test]
    fn names_are_those_of_the_serialised_form() {
        for metric in Metric::OF_DECISIONS.into_iter().chain([Metric::ScoringRate]) {
            let json = serde_json::to_string(&metric).expect("a name");
            assert_eq!(json, format!("\"{}\"", metric.name()));
        }
    }

    #[test]
    fn a_share_of_nothing_says_of_what() {
        let group = Confusion::of_counts(0, 10, 30, 0);
        let share = Metric::TruePositiveRate.share(&group);
        let value = Metric::TruePositiveRate.value(&share, 1.96, 30);
        assert_eq!(value, Value::undefined(Reason::NoPositiveLabels, 0.0, 0.0));
    }
}
