//! Reports of `comptroller fairness` as evidence: what was found is read from the report, never typed.
//!
//! A test passes only if every criterion passed on every family of groups. Too few rows, no value or an interval that
//! holds the bound is not passed; only a criterion that failed is a finding. A number is stated only if it speaks of
//! every group of every family.

use crate::act::Call;
use crate::assess::{RecordEvidence, record};
use crate::fairness::{Aggregate, Examined, Measure as FairnessMeasure, Report, State, Value};
use crate::{App, AppError, Receipt};
use comptroller_core::vocab::{EvidenceKind, Measure};
use comptroller_core::{Digest, Timestamp};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Bytes of a report, at most.
const MAX_REPORT: u64 = 16 << 20;

/// Records a report of `comptroller fairness` as the bias test of a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordBiasTest {
    /// The version whose decisions were tested: its id, or `model@label`.
    pub version: String,
    /// The report, an artifact that is stored already: what `comptroller fairness --format json` writes.
    pub report: Digest,
    /// When it was made; now if not given.
    #[serde(default)]
    pub observed_at: Option<Timestamp>,
    /// Digest over the artifacts that were tested; refused if it is not that of the version.
    #[serde(default)]
    pub subject: Option<Digest>,
    /// What a reader should know.
    #[serde(default)]
    pub note: String,
}

/// What a report says of a version.
#[derive(Debug, PartialEq)]
struct Found {
    passed: bool,
    failed: bool,
    measures: BTreeMap<Measure, String>,
}

impl App {
    /// Records a report of `comptroller fairness` as evidence. A criterion that failed opens a remediation.
    pub async fn record_bias_test(&self, call: &Call, command: RecordBiasTest) -> Result<Receipt, AppError> {
        let found = self.read_report(&command.report).await?;
        self.act(call, "evidence.record_bias_test", command, move |act, command| {
            Box::pin(async move {
                let RecordBiasTest { version, report, observed_at, subject, note } = command;
                let evidence = RecordEvidence {
                    kind: EvidenceKind::BiasTest,
                    version: Some(version),
                    system: None,
                    observed_at: observed_at.unwrap_or_else(|| act.now()),
                    passed: found.passed,
                    measures: found.measures,
                    document: Some(report),
                    subject,
                    note,
                };
                record(act, evidence, found.failed).await
            })
        })
        .await
    }

    async fn read_report(&self, digest: &Digest) -> Result<Found, AppError> {
        let download = self.open_artifact(digest, 0).await?;
        if download.artifact.bytes > MAX_REPORT {
            return Err(AppError::invalid("report", format!("it has more than {MAX_REPORT} bytes")));
        }
        let mut stream = std::pin::pin!(download.stream);
        let mut bytes = Vec::new();
        while let Some(piece) = stream.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        let examined: Examined = serde_json::from_slice(&bytes).map_err(|error| {
            AppError::invalid(
                "report",
                format!("it is no report of `comptroller fairness --format json`: {error}"),
            )
        })?;
        read(&examined.report)
    }
}

/// What a report says, if it is whole.
fn read(report: &Report) -> Result<Found, AppError> {
    let demanded = report.settings.criteria.len() * report.families.len();
    if demanded == 0 {
        return Err(AppError::invalid("report", "it demands nothing: give criteria with --threshold"));
    }
    if !report.is_consistent() {
        return Err(AppError::invalid(
            "report",
            "its verdicts are not those of its numbers, or it has another form: make it again with this version",
        ));
    }
    let mut measures = BTreeMap::new();
    for (measure, wanted) in [
        (Measure::ImpactRatio, FairnessMeasure::ImpactRatio),
        (Measure::EqualOpportunityGap, FairnessMeasure::EqualOpportunityDifference),
    ] {
        if let Some(value) = worst(report, wanted) {
            measures.insert(measure, value.to_string());
        }
    }
    Ok(Found {
        passed: report.verdicts.iter().all(|verdict| verdict.state == State::Pass),
        failed: report.verdicts.iter().any(|verdict| verdict.state == State::Fail),
        measures,
    })
}

/// The worst value over all families; none if some group of some family has none.
fn worst(report: &Report, wanted: FairnessMeasure) -> Option<f64> {
    let mut worst: Option<f64> = None;
    for family in &report.families {
        let Aggregate { value: Value::Estimate { value, .. }, not_covered, .. } = wanted.of(family)? else {
            return None;
        };
        if !not_covered.is_empty() {
            return None;
        }
        worst = Some(match worst {
            Some(known) if wanted.is_ratio() => known.min(*value),
            Some(known) => known.max(*value),
            None => *value,
        });
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::{Request, Settings, audit};
    use std::fmt::Write as _;

    /// A report on two groups of `rows` people each, of whom `selected` are selected.
    fn report(rows: usize, selected: [usize; 2], bound: f64) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.csv");
        let mut text = "sex,decision,label\n".to_owned();
        for (sex, hits) in selected.iter().enumerate() {
            for row in 0..rows {
                writeln!(text, "{sex},{},1", u8::from(row < *hits)).unwrap();
            }
        }
        std::fs::write(&file, text).unwrap();
        let criterion = crate::fairness::Criterion {
            measure: FairnessMeasure::ImpactRatio,
            bound,
            source: "stated by the caller".into(),
        };
        let request = Request {
            data: file.display().to_string(),
            join: None,
            label: Some("label".into()),
            prediction: Some("decision".into()),
            score: None,
            threshold: 0.5,
            positive: None,
            weight: None,
            by: vec!["sex".into()],
            within: Vec::new(),
            settings: Settings { criteria: vec![criterion], ..Settings::default() },
        };
        let examined = audit(&request).unwrap();
        // As the server gets it.
        let text = serde_json::to_string(&examined).unwrap();
        serde_json::from_str::<Examined>(&text).unwrap().report
    }

    #[test]
    fn what_passed_and_what_it_measures_are_read_from_the_report() {
        let found = read(&report(2_000, [1_000, 990], 0.8)).unwrap();
        assert!(found.passed && !found.failed);
        assert_eq!(found.measures[&Measure::ImpactRatio], "0.99");
        let gap: f64 = found.measures[&Measure::EqualOpportunityGap].parse().unwrap();
        assert!((gap - 0.005).abs() < 1e-12, "{gap}");
        let found = read(&report(2_000, [1_000, 500], 0.8)).unwrap();
        assert!(!found.passed && found.failed);
    }

    #[test]
    fn too_few_rows_never_pass_and_are_no_finding() {
        let found = read(&report(20, [10, 10], 0.8)).unwrap();
        assert_eq!(found, Found { passed: false, failed: false, measures: BTreeMap::new() });
        let found = read(&report(40, [20, 18], 0.8)).unwrap();
        assert!(!found.passed && !found.failed, "the interval holds the bound: {found:?}");
    }

    #[test]
    fn a_report_whose_verdicts_were_changed_or_left_out_is_refused() {
        let good = report(2_000, [1_000, 500], 0.8);
        let mut changed = good.clone();
        changed.verdicts[0].state = State::Pass;
        let mut without = good.clone();
        without.verdicts.clear();
        let mut nothing = good.clone();
        nothing.settings.criteria.clear();
        let mut other = good;
        other.format += 1;
        for bad in [changed, without, nothing, other] {
            assert!(read(&bad).is_err(), "{bad:?}");
        }
    }
}
