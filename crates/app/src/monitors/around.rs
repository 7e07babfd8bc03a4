//! A judged day among the days before it: what is unusual about its running, where its coefficient comes from, and what
//! to expect of chance.

use super::history::words;
use super::onset::{MAX_DAYS, trend};
use super::running::Running;
use super::unusual::{self, Finding};
use super::watch::Effective;
use super::window::{Judged, Window, in_words};
use crate::{App, AppError};
use comptroller_core::Slug;
use comptroller_core::vocab::{AlarmTopic, DriftBand};
use comptroller_store::areas::monitors::{self, BaselineRow, WindowRow};
use comptroller_store::journal;
use std::collections::BTreeMap;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Days whose direction is told, at most.
const TREND_DAYS: usize = 14;

/// What the days before say about a day.
pub(super) struct Around {
    /// What is unusual about its running.
    pub(super) findings: Vec<Finding>,
    /// Days that it was compared with: operation, access.
    pub(super) days: (usize, usize),
    /// What a reader has to know, in sentences.
    pub(super) notes: Vec<String>,
}

impl Around {
    /// What to do about the running, by topic.
    pub(super) fn playbooks(&self) -> Result<BTreeMap<AlarmTopic, Slug>, AppError> {
        let worst = self.findings.iter().filter(|finding| finding.topic == AlarmTopic::Operation);
        let worst = worst.max_by_key(|finding| finding.band);
        let operation =
            if worst.is_some_and(|finding| finding.code == "duplicates") { "quality" } else { "latency" };
        Ok([(AlarmTopic::Operation, operation.parse()?), (AlarmTopic::Access, "access".parse()?)].into())
    }
}

impl App {
    /// Looks at the days before a day.
    pub(super) async fn around(
        &self,
        window: Window,
        baseline: &BaselineRow,
        effective: &Effective,
        judged: &Judged,
        coefficient: Option<f64>,
    ) -> Result<Around, AppError> {
        let Window { version, environment, day } = window;
        let mut conn = self.store.read().await?;
        let rows = monitors::windows_until(&mut conn, version, environment, day - 1, MAX_DAYS as i64).await?;
        let (mut operation, mut access) = (Vec::new(), Vec::new());
        for row in &rows {
            let is_sound = |band: &Option<comptroller_store::Text<DriftBand>>| {
                band.as_ref().is_none_or(|band| band.0 < DriftBand::Investigate)
            };
            let wants = (
                operation.len() < unusual::MAX_DAYS && is_sound(&row.operation),
                access.len() < unusual::MAX_DAYS && is_sound(&row.access),
            );
            if wants == (false, false) {
                continue;
            }
            let shown: Option<serde_json::Value> =
                journal::private(&mut conn, self.store.key(), row.private_at).await?;
            let Some(running) = shown.and_then(|shown| serde_json::from_value(shown["running"].clone()).ok())
            else {
                continue;
            };
            let running: Running = running;
            if wants.0 {
                operation.push(running.clone());
            }
            if wants.1 && running.called() > 0 {
                access.push(running);
            }
        }
        drop(conn);
        let is_over = (day + 1).saturating_mul(DAY) <= self.store.clock().now().micros();
        let mut findings = unusual::operation(&judged.running, &operation, is_over);
        findings.extend(unusual::access(&judged.running, &access));
        // Records that name nobody say nothing about callers.
        let called = if judged.running.called() > 0 { access.len() } else { 0 };
        let mut notes = vec![judged.running.words()];
        notes.extend(findings.iter().map(|finding| format!("{}: {}", finding.band, finding.text)));
        notes.extend(of_coefficient(&rows, baseline, coefficient));
        if let Some(season) = &judged.season {
            notes.push(format!("compared with the part of the baseline that is of a {season}"));
        }
        if let Some(hours) = &judged.hours {
            notes.push(format!(
                "compared with the hours of the baseline that the day has: {}",
                in_words(hours)
            ));
        }
        notes.push(format!(
            "{} With nothing wrong, days like this one raise at most {} alarms a month by their columns.",
            words(&effective.rule),
            rounded(judged.false_alarms)
        ));
        Ok(Around { findings, days: (operation.len(), called), notes })
    }
}

/// Up, so that it is never less than it is.
fn rounded(expected: f64) -> String {
    format!("{:.3}", (expected * 1e3).ceil() / 1e3)
}

/// Whether the coefficient rises or falls.
fn of_coefficient(rows: &[WindowRow], baseline: &BaselineRow, now: Option<f64>) -> Option<String> {
    let before = rows
        .iter()
        .filter(|row| row.baseline.0 == baseline.id.0)
        .filter_map(|row| u32::try_from(row.coefficient_ppm?).ok())
        .map(|ppm| f64::from(ppm) / 1e6);
    let mut values: Vec<f64> = now.into_iter().chain(before).take(TREND_DAYS).collect();
    values.reverse();
    now.and(trend(&values))
        .map(|direction| format!("the coefficient is {direction} over the last {} judged days", values.len()))
}
