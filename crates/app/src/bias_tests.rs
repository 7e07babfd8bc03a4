//! Reports of `comptroller fairness` as evidence: what was found is read from the report, never typed.
//!
//! A test passes only if every criterion passed on every family of groups. Too few rows, no value or an interval that
//! holds the bound is not passed; only a criterion that failed is a finding. A number is stated only if it speaks of
//! every group of every family.

use crate::act::Call;
use crate::assess::{RecordEvidence, record};
use crate::fairness::{Aggregate, Examined, Measure as FairnessMeasure, Report, State, Value};
use crate::models::find_version;
use crate::{App, AppError, Receipt};
use comptroller_core::vocab::{EvidenceKind, Measure};
use comptroller_core::{Digest, Timestamp};
use comptroller_store::areas::evidence::{self, EvidenceRow};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Bytes of a report, at most.
const MAX_REPORT: u64 = 16 << 20;
/// Earlier pieces of evidence of a system that are looked at, newest first.
const MAX_TESTS: i64 = 1_000;

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
        let report = self.read_report(&command.report).await?;
        let found = read(&report)?;
        let left =
            if found.passed { self.demanded_before(&command.version, Some(&report)).await? } else { None };
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
                record(act, evidence, found.failed, left).await
            })
        })
        .await
    }

    /// What a test that passed leaves out of the demands of reports that did not pass, in words: what failed is cleared by a
    /// report on the same groups and criteria. A test without a report clears none, unless one has passed since. Reports
    /// that are no longer stored demand nothing.
    pub(crate) async fn demanded_before(
        &self,
        version: &str,
        report: Option<&Report>,
    ) -> Result<Option<String>, AppError> {
        let mut conn = self.store.read().await?;
        let (model, version) = find_version(&mut conn, version).await?;
        let rows =
            evidence::of_system(&mut conn, model.system.0, &version.id.0.to_string(), MAX_TESTS).await?;
        drop(conn);
        let counts = |row: &&EvidenceRow| row.kind.0 == EvidenceKind::BiasTest && row.withdrawn_at.is_none();
        for row in rows.iter().filter(counts) {
            let Some(document) = &row.document else { continue };
            let Ok(before) = self.read_report(&document.0).await else { continue };
            let left = match (report, row.passed) {
                (None, true) => return Ok(None),
                (Some(_), true) => None,
                (None, false) => Some("it is no report that could be compared".to_owned()),
                (Some(report), false) => demands_less(report, &before),
            };
            if let Some(left) = left {
                let at = row.observed_at.0;
                return Ok(Some(format!(
                    "the report of {at} did not pass, and this test demands less: {left}; record the report of a retest with \
                     --from-report"
                )));
            }
        }
        Ok(None)
    }

    async fn read_report(&self, digest: &Digest) -> Result<Report, AppError> {
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
        Ok(examined.report)
    }
}

/// What a report does not demand that an earlier one demanded and did not get.
fn demands_less(report: &Report, before: &Report) -> Option<String> {
    for verdict in before.verdicts.iter().filter(|verdict| verdict.state != State::Pass) {
        let wanted: BTreeSet<&String> = verdict.attributes.iter().collect();
        let mut families = report.families.iter();
        if !families.any(|family| family.attributes.iter().collect::<BTreeSet<_>>() == wanted) {
            let names: Vec<&str> = verdict.attributes.iter().map(String::as_str).collect();
            return Some(format!("no groups by {}", names.join(" and ")));
        }
        let (measure, bound) = (verdict.criterion.measure, verdict.criterion.bound);
        let as_strict = |bound_now: f64| {
            if measure.is_ratio() { bound_now >= bound } else { bound_now <= bound }
        };
        let mut demanded = report.settings.criteria.iter().filter(|criterion| criterion.measure == measure);
        if !demanded.any(|criterion| as_strict(criterion.bound)) {
            let sign = if measure.is_ratio() { ">=" } else { "<=" };
            return Some(format!("not {} {sign} {bound}", measure.name()));
        }
    }
    None
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
    fn what_failed_is_cleared_by_a_test_that_demands_as_much() {
        let failed = report(2_000, [1_000, 500], 0.8);
        assert_eq!(demands_less(&report(2_000, [1_000, 990], 0.9), &failed), None);
        let weaker = demands_less(&report(2_000, [1_000, 500], 0.01), &failed);
        assert_eq!(weaker.as_deref(), Some("not impact_ratio >= 0.8"));
        let mut other = report(2_000, [1_000, 990], 0.8);
        other.families[0].attributes = vec!["age".into()];
        assert_eq!(demands_less(&other, &failed).as_deref(), Some("no groups by sex"));
        assert_eq!(
            demands_less(&other, &report(2_000, [1_000, 990], 0.8)),
            None,
            "what passed demands nothing"
        );
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
