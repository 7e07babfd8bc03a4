//! The newest judgement of every version, for whoever scrapes numbers.

use crate::App;
use crate::AppError;
use comptroller_core::Timestamp;
use comptroller_core::vocab::DriftBand;
use comptroller_store::areas::monitors;
use comptroller_store::areas::{alarms, models, systems};

/// Versions in their environments that have gauges, at most: those that were judged last.
const MOST: i64 = 200;
/// Open alarms that are counted, at most.
const MAX_ALARMS: i64 = 1_000;

/// The newest judgement of a version in an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftGauge {
    /// The AI system, by name.
    pub system: String,
    /// The version, as `model@label`.
    pub version: String,
    /// Where it runs.
    pub environment: String,
    /// The drift coefficient, 0..=1; none without enough evidence.
    pub coefficient: Option<f64>,
    /// 0 normal, 1 watch, 2 investigate, 3 rollback; none without enough evidence.
    pub band: Option<u8>,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// The begin of the day that was judged.
    pub day: Timestamp,
    /// Records of the day.
    pub rows: u64,
    /// Those with a label.
    pub labelled: u64,
    /// Alarms that have not ended.
    pub alarms: u64,
}

impl App {
    /// The newest judgement of every version, the last judged first; at most 200.
    pub async fn drift_gauges(&self) -> Result<Vec<DriftGauge>, AppError> {
        let mut conn = self.store.read().await?;
        let open = alarms::of_system(&mut conn, "", true, i64::MAX, MAX_ALARMS).await?;
        let mut gauges = Vec::new();
        for row in monitors::newest_windows(&mut conn, MOST).await? {
            let Some(version) = models::version(&mut conn, row.version.0).await? else { continue };
            let Some(model) = models::model(&mut conn, version.model.0).await? else { continue };
            let Some(system) = systems::system(&mut conn, &row.system.0.to_string()).await? else { continue };
            let of_this = open
                .iter()
                .filter(|alarm| alarm.version.0 == row.version.0 && alarm.environment.0 == row.environment.0);
            gauges.push(DriftGauge {
                system: system.slug.0.to_string(),
                version: format!("{}@{}", model.slug.0, version.label.0),
                environment: row.environment.0.to_string(),
                coefficient: row
                    .coefficient_ppm
                    .and_then(|ppm| u32::try_from(ppm).ok())
                    .map(|ppm| f64::from(ppm) / 1e6),
                band: row.band.map(|band| match band.0 {
                    DriftBand::Normal => 0,
                    DriftBand::Watch => 1,
                    DriftBand::Investigate => 2,
                    DriftBand::Rollback => 3,
                }),
                judged_at: row.judged_at.0,
                day: Timestamp::from_micros(row.day.saturating_mul(86_400_000_000)),
                rows: row.row_count.unsigned_abs(),
                labelled: row.labelled.unsigned_abs(),
                alarms: of_this.count() as u64,
            });
        }
        Ok(gauges)
    }
}
