//! The days of a version one after the other, as a page: coefficient, bands, what carries it, alarms.

use super::hysteresis::Rule;
use super::watch::effective;
use super::window::date;
use crate::models::find_version;
use crate::{App, AppError, Caller};
use comptroller_core::ids::VersionId;
use comptroller_core::{Environment, Timestamp};
use comptroller_policy::Action;
use comptroller_report::history::{Alarm, Day, History, html};
use comptroller_store::areas::alarms;
use comptroller_store::areas::monitors::{self, WindowRow};
use comptroller_store::{Conn, journal};

/// Days of the page, at most: two years.
const MAX_DAYS: i64 = 731;
/// Alarms of the page, at most.
const MAX_ALARMS: i64 = 200;
/// Carriers of a day, at most.
const MAX_CARRIERS: usize = 8;
/// One, in millionths.
const MILLION: f64 = 1e6;

impl App {
    /// The page over all judged days of a version in an environment.
    pub async fn history_html(
        &self,
        caller: &Caller,
        version: &str,
        environment: Environment,
    ) -> Result<String, AppError> {
        let mut conn = self.store.read().await?;
        let (model, row) = find_version(&mut conn, version).await?;
        let (system, id) = (model.system.0, row.id.0);
        drop(conn);
        self.may_read(caller, Action::ServingRead, &format!("system/{system}"), Some(system), None).await?;
        let mut conn = self.store.read().await?;
        let baseline = monitors::of_version(&mut conn, id).await?;
        let baseline = baseline.ok_or_else(|| {
            AppError::Conflict(format!(
                "{version} has no baseline; set one with `comptroller monitor baseline`"
            ))
        })?;
        let monitor = monitors::monitor(&mut conn, id, environment).await?;
        let effective = effective(&baseline, monitor.as_ref());
        let rows = monitors::windows_until(&mut conn, id, environment, i64::MAX, MAX_DAYS).await?;
        let mut days = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            days.push(self.history_day(&mut conn, row).await?);
        }
        let bands = effective.bands;
        Ok(html(&History {
            version: format!("{}@{}", model.slug.0, row.label.0),
            environment: environment.to_string(),
            bands: [bands.watch, bands.investigate, bands.rollback],
            rule: words(&effective.rule),
            days,
            alarms: history_alarms(&mut conn, &system.to_string(), id, environment, self.store.clock().now())
                .await?,
        }))
    }

    async fn history_day(&self, conn: &mut Conn, row: &WindowRow) -> Result<Day, AppError> {
        let shown: Option<serde_json::Value> =
            journal::private(conn, self.store.key(), row.private_at).await?;
        let shown = shown.unwrap_or_default();
        let carriers = shown["columns"].as_array().into_iter().flatten().filter_map(|column| {
            Some((
                column["name"].as_str()?.to_owned(),
                column["contribution"].as_f64().filter(|part| *part > 0.0)?,
            ))
        });
        let notes = shown["day_notes"].as_array().into_iter().flatten();
        let ppm = row.coefficient_ppm.and_then(|ppm| u32::try_from(ppm).ok());
        Ok(Day {
            date: date(row.day),
            number: row.day,
            coefficient: ppm.map(|ppm| f64::from(ppm) / MILLION),
            band: row.band.as_ref().map(|band| band.0.to_string()),
            pillar: row.pillar.as_ref().map(|pillar| pillar.0.to_string()),
            rows: row.row_count.unsigned_abs(),
            labelled: row.labelled.unsigned_abs(),
            carriers: carriers.take(MAX_CARRIERS).collect(),
            notes: notes.filter_map(|note| note.as_str().map(str::to_owned)).collect(),
        })
    }
}

async fn history_alarms(
    conn: &mut Conn,
    system: &str,
    version: VersionId,
    environment: Environment,
    now: Timestamp,
) -> Result<Vec<Alarm>, AppError> {
    let rows = alarms::of_system(conn, system, false, i64::MAX, MAX_ALARMS).await?;
    let own = rows.into_iter().filter(|row| row.version.0 == version && row.environment.0 == environment);
    Ok(own
        .map(|row| Alarm {
            topic: row.topic.0.to_string(),
            band: row.band.0.to_string(),
            since: date(row.since),
            day: date(row.day),
            number: row.day,
            state: super::answer::state(&row, now).to_owned(),
            playbook: row.playbook.0.to_string(),
        })
        .collect())
}

/// When alarms begin and end, in a sentence.
pub(super) fn words(rule: &Rule) -> String {
    format!(
        "{} of the last {} judged days make an alarm, or one of band rollback; it ends with a day below {:.2}.",
        rule.breaches,
        rule.windows,
        f64::from(rule.clear_ppm) / MILLION
    )
}
