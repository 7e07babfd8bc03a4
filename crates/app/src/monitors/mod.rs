//! Watching what runs: a version has a baseline, and every day of its records is compared with it.
//!
//! The baseline is a profile: the data of training or validation in frozen bins. A follower judges each day whose blocks
//! are new and records what came out. An alarm begins when enough of the last days are bad, names a playbook, and ends well
//! below where it began; one that asks for a rollback opens an incident. The numbers are those of `comptroller drift`; see
//! `docs/DRIFT.md` and `docs/MONITORING.md`.

mod answer;
mod around;
mod at_seal;
mod chance;
pub mod fairness;
mod first;
mod gauges;
mod history;
mod hours;
mod hysteresis;
mod judge;
mod labels;
mod onset;
mod part;
mod playbook;
mod record;
pub(crate) mod rollback;
mod running;
mod season;
mod silence;
mod source;
mod unusual;
pub(crate) mod watch;
mod window;

pub(crate) use window::date;

pub use answer::{AlarmView, SnoozeAlarm};
pub use first::FirstRows;
pub use gauges::DriftGauge;
pub use judge::{Watched, WindowView};
pub use playbook::{PLAYBOOKS, Playbook, advice};

use crate::act::{Act, Call};
use crate::artifacts::record_made;
use crate::drift::{Bands, Profile};
use crate::models::find_version;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::ids::{BaselineId, SystemId, VersionId};
use comptroller_core::vocab::BaselineSource;
use comptroller_core::{Digest, Environment, Event, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_stats::profile::Role;
use comptroller_store::areas::deployments;
use comptroller_store::areas::monitors::{self, BaselineRow};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use source::Found;
use utoipa::ToSchema;

/// Bytes of a profile that is watched against, at most.
const MAX_PROFILE: u64 = 64 << 20;
/// One, in millionths.
const MILLION: f64 = 1e6;

/// Says what a version is watched against.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBaseline {
    /// The version: its id, or `model@label`.
    pub version: String,
    /// The artifact that is the profile, as `comptroller profile` writes it. One of this, `from_training` and `first`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Digest>,
    /// The profile among the files of the version, or of the data that it was validated or trained on.
    #[serde(default)]
    pub from_training: bool,
    /// A profile of the first rows that were recorded, which the server makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstRows>,
    /// Where the bands begin; 0.1, 0.3 and 0.5 if not given.
    #[serde(default)]
    pub bands: Option<SetBands>,
}

/// Where the bands of the drift coefficient begin, each above 0 and at most 1, and rising.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBands {
    /// From here on: watch.
    #[schema(minimum = 0, maximum = 1)]
    pub watch: f64,
    /// From here on: investigate.
    #[schema(minimum = 0, maximum = 1)]
    pub investigate: f64,
    /// From here on: roll back.
    #[schema(minimum = 0, maximum = 1)]
    pub rollback: f64,
}

/// What a version is watched against.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BaselineView {
    /// Its id.
    pub id: BaselineId,
    /// The AI system.
    pub system: SystemId,
    /// The version.
    pub version: VersionId,
    /// The artifact that is the profile.
    pub profile: Digest,
    /// Rows of the data it was made from.
    pub rows: u64,
    /// Where it comes from.
    pub source: BaselineSource,
    /// The months or weekdays that it tells apart.
    pub seasons: Vec<String>,
    /// Whether a part of a day is compared with the same hours.
    pub hours: bool,
    /// Where the bands begin.
    pub bands: SetBands,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// Its entry in the log.
    pub ledger_index: u64,
}

impl App {
    /// Sets the baseline of a version; the last one counts, and every window is judged again by it.
    pub async fn set_baseline(&self, call: &Call, command: SetBaseline) -> Result<Receipt, AppError> {
        let ppm = bands_ppm(command.bands)?;
        if command.first.is_some() {
            // Before rows are read: whoever may not set a baseline learns nothing by trying.
            self.act(&Call::new(call.caller.clone()), "baseline.may", command.clone(), |mut act, command| {
                Box::pin(async move { may_set(&mut act, &command.version).await.map(|_| ()) })
            })
            .await?;
        }
        let Found { profile, digest, source, blocks, seasons, made } = self.find_baseline(&command).await?;
        let watched: usize = profile.columns.iter().filter(|column| column.bins.is_some()).count();
        if watched == 0 {
            return Err(AppError::invalid("profile", "it has no column that can be compared"));
        }
        let inputs = self.inputs_of(&command.version).await?;
        let features: Vec<String> = profile
            .columns
            .iter()
            .filter(|column| column.bins.is_some() && column.role == Role::Feature)
            .map(|column| column.name.clone())
            .collect();
        let (rows, columns) = (profile.rows, u32::try_from(watched).unwrap_or(u32::MAX));
        self.act(call, "baseline.set", command, move |mut act, command| {
            Box::pin(async move {
                let (system, version) = may_set(&mut act, &command.version).await?;
                if let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty() && !features.is_empty())
                    && features.iter().all(|feature| !inputs.contains(feature))
                {
                    let message = format!(
                        "it has none of the inputs of the newest records: it counts {}, they have {}",
                        features.join(", "),
                        inputs.join(", ")
                    );
                    return Err(AppError::invalid("profile", message));
                }
                if let Some(bands) = command.bands {
                    watch::none_weaker(act.conn(), version, bands).await?;
                }
                for file in made {
                    record_made(&mut act, file, "application/json").await?;
                }
                let baseline = act.new_id(BaselineId::new)?;
                let event = Event::BaselineSet {
                    baseline,
                    system,
                    version,
                    profile: digest,
                    rows,
                    columns,
                    watch_ppm: ppm[0],
                    investigate_ppm: ppm[1],
                    rollback_ppm: ppm[2],
                    source: Some(source),
                    blocks,
                    seasons,
                };
                let draft = act.draft(event).about("version", &version).about("baseline", &baseline);
                let index = act.record(draft).await?;
                Ok(Receipt::new(baseline, index))
            })
        })
        .await
    }

    /// Baselines, newest first; of one system, or all.
    pub async fn baselines(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<BaselineView>, AppError> {
        self.may_read(caller, Action::ServingRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let before = slice.before()?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => systems::find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let rows = monitors::of_system(&mut conn, &system, before, limit + 1).await?;
        let views = rows.into_iter().map(baseline_view).collect();
        Ok(page(views, limit, |view: &BaselineView| view.ledger_index.to_string()))
    }

    /// The profile that an artifact is.
    async fn read_profile(&self, digest: &Digest) -> Result<Profile, AppError> {
        let bytes = self.read_bounded(digest).await?;
        let read = tokio::task::spawn_blocking(move || Profile::from_bytes(&bytes));
        let profile = read.await.map_err(|error| AppError::Internal(error.to_string()))?;
        profile.map_err(|error| {
            AppError::invalid(
                "profile",
                format!("{error}; make it with `comptroller profile DATA --out FILE`"),
            )
        })
    }

    /// An artifact that is no larger than a profile may be.
    async fn read_bounded(&self, digest: &Digest) -> Result<Vec<u8>, AppError> {
        let download = self.open_artifact(digest, 0).await?;
        if download.artifact.bytes > MAX_PROFILE {
            return Err(AppError::invalid("profile", format!("it has more than {MAX_PROFILE} bytes")));
        }
        let mut stream = std::pin::pin!(download.stream);
        let mut bytes = Vec::new();
        while let Some(piece) = stream.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// Lets the act go on only if the caller may say what a version is watched against; answers its system and id.
async fn may_set(act: &mut Act<'_>, version: &str) -> Result<(SystemId, VersionId), AppError> {
    let (model, version) = find_version(act.conn(), version).await?;
    let (system, version) = (model.system.0, version.id.0);
    let live = deployments::live(act.conn(), model.id.0, Environment::Production).await?;
    let facts = Facts::new().bool("in_production", live.is_some_and(|live| live.version.0 == version));
    let resource = format!("version/{version}");
    act.authorise(Action::MonitorConfigure, &resource, Some(system), None, facts).await?;
    Ok((system, version))
}

/// Millionths of rising thresholds.
fn bands_ppm(bands: Option<SetBands>) -> Result<[u32; 3], AppError> {
    let given = bands.map_or_else(
        || {
            let Bands { watch, investigate, rollback } = Bands::default();
            [watch, investigate, rollback]
        },
        |SetBands { watch, investigate, rollback }| [watch, investigate, rollback],
    );
    let valid = given.iter().all(|band| *band > 0.0 && *band <= 1.0)
        && given.windows(2).all(|pair| pair[0] < pair[1]);
    if !valid {
        return Err(AppError::invalid(
            "bands",
            "give three numbers above 0 and at most 1, each larger than the one before",
        ));
    }
    Ok(given.map(|band| (band * MILLION).round() as u32))
}

fn bands(row: &BaselineRow) -> Bands {
    let part = |ppm: i64| f64::from(u32::try_from(ppm).unwrap_or(u32::MAX)) / MILLION;
    Bands {
        watch: part(row.watch_ppm),
        investigate: part(row.investigate_ppm),
        rollback: part(row.rollback_ppm),
    }
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of rows and days stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

fn baseline_view(row: BaselineRow) -> BaselineView {
    let Bands { watch, investigate, rollback } = bands(&row);
    BaselineView {
        id: row.id.0,
        system: row.system.0,
        version: row.version.0,
        profile: row.profile.0,
        rows: row.row_count.unsigned_abs(),
        source: row.source.0,
        seasons: serde_json::from_str::<std::collections::BTreeMap<String, Digest>>(&row.seasons)
            .unwrap_or_default()
            .into_keys()
            .filter(|season| !hours::is_name(season))
            .collect(),
        hours: row.seasons.contains("-hours"),
        bands: SetBands { watch, investigate, rollback },
        set_by: row.set_by,
        set_at: row.set_at.0,
        ledger_index: row.idx.unsigned_abs(),
    }
}
