//! Tables for tests.

use comptroller_stats::fairness::input::{Attribute, Columns};
use comptroller_stats::fairness::report::{Family, Report};
use comptroller_stats::fairness::settings::Settings;
use comptroller_stats::fairness::verdict::{Criterion, Measure, Verdict};
use comptroller_stats::fairness::{audit, metric::Metric, value::Value};

/// A table by rows of (group, label, prediction).
pub(crate) struct Table {
    pub(crate) labels: Vec<u8>,
    pub(crate) predictions: Vec<u8>,
    pub(crate) attributes: Vec<Attribute>,
}

impl Table {
    /// Of counted rows: (group, label, prediction, how many). Groups are named by their numbers.
    pub(crate) fn of(rows: &[(u32, u8, u8, usize)]) -> Self {
        let (mut codes, mut labels, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
        for (group, label, prediction, count) in rows {
            codes.extend(std::iter::repeat_n(*group, *count));
            labels.extend(std::iter::repeat_n(*label, *count));
            predictions.extend(std::iter::repeat_n(*prediction, *count));
        }
        let most = codes.iter().filter(|code| **code != u32::MAX).max().copied().unwrap_or(0);
        let levels = (0..=most).map(|level| level.to_string()).collect();
        Self { labels, predictions, attributes: vec![Attribute { name: "g".to_owned(), levels, codes }] }
    }

    pub(crate) fn audit(&self, settings: &Settings) -> Report {
        let columns = Columns {
            predictions: &self.predictions,
            labels: Some(&self.labels),
            scores: None,
            weights: None,
            attributes: &self.attributes,
            strata: &[],
        };
        audit(&columns, settings).expect("good columns")
    }

    /// The one verdict on one criterion.
    pub(crate) fn verdict(&self, measure: Measure, bound: f64) -> Verdict {
        let criterion = Criterion { measure, bound, source: "the test".to_owned() };
        let settings = Settings { criteria: vec![criterion], bootstrap: None, ..Settings::default() };
        self.audit(&settings).verdicts.remove(0)
    }
}

/// The value of a metric in a group.
pub(crate) fn of_group(family: &Family, metric: Metric, group: usize) -> Value {
    let found = family.metrics.iter().find(|one| one.metric == metric).expect("a metric of decisions");
    found.groups[group].value
}

/// What a measure is on a family.
pub(crate) fn measured(family: &Family, measure: Measure) -> Value {
    measure.of(family).expect("a measure of decisions").value
}

/// Checks that every number in a result is finite and no state was lost on the way through JSON.
pub(crate) fn assert_finite(report: &Report) {
    let json = serde_json::to_value(report).expect("a plain structure");
    let text = serde_json::to_string(&json).expect("a plain structure");
    let back: Report = serde_json::from_str(&text).expect("the same form");
    // A number that is not finite would have become null, and null where a number belongs does not read.
    assert!(back == *report, "the report is another one after JSON");
}
