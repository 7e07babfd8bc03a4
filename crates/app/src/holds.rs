//! Legal holds: what one covers is not purged, until somebody else releases it.
//!
//! A hold covers a version, a system, or everything: files of the versions, the data sets that they were made from,
//! documents of the evidence, and the notes in the system's stream. In doubt it covers more.

use crate::act::{Act, Call};
use crate::assess::Because;
use crate::gate::decision_event;
use crate::models::find_version;
use crate::people::find as find_principal;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, systems};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::{DatasetVersionId, HoldId, PrincipalId, SystemId, VersionId};
use comptroller_core::lineage::ancestors;
use comptroller_core::private::{Note, check_text};
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::datasets;
use comptroller_store::areas::retention::{self, HoldRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Most holds that hold at once.
const MAX_HOLDS: i64 = 1_000;

/// Places a hold; on everything, if neither a system nor a version is named.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHold {
    /// The system: its id or name.
    #[serde(default)]
    pub system: Option<String>,
    /// The version: its id, or `model@label`.
    #[serde(default)]
    pub version: Option<String>,
    /// The person who answers for it, by id.
    pub owner: String,
    /// Why.
    pub reason: String,
}

/// A hold.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Its id.
    pub id: HoldId,
    /// The system that it covers; everything if there is none.
    pub system: Option<SystemId>,
    /// The one version that it covers.
    pub version: Option<VersionId>,
    /// Who answers for it.
    pub owner: PrincipalId,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: Timestamp,
    /// Who released it.
    pub released_by: Option<String>,
    /// When.
    pub released_at: Option<Timestamp>,
    /// Why it was placed.
    pub reason: Option<String>,
}

/// What the present holds cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    everything: Option<HoldId>,
    files: BTreeMap<Digest, HoldId>,
    streams: BTreeMap<String, HoldId>,
}

impl Held {
    /// Reads what is held. Ask inside the transaction that destroys something.
    pub(crate) async fn read(conn: &mut Conn) -> Result<Self, AppError> {
        let mut held = Self::default();
        let rows = retention::holds(conn, false, "", MAX_HOLDS).await?;
        let lineage = if rows.is_empty() { BTreeMap::new() } else { datasets::parents(conn).await? };
        for row in rows {
            let id = row.id.0;
            let Some(system) = row.system.as_ref().map(|system| system.0) else {
                held.everything = Some(id);
                continue;
            };
            let version = row.version.map_or_else(String::new, |version| version.0.to_string());
            held.streams.insert(format!("system/{system}"), id);
            let mut files: BTreeSet<Digest> = BTreeSet::new();
            files.extend(retention::files_of_versions(conn, system, &version).await?);
            files.extend(retention::documents_of(conn, system, &version).await?);
            for dataset in data_of(conn, &lineage, system, &version).await? {
                let of_dataset = retention::files_of_dataset(conn, dataset).await?;
                files.extend(of_dataset.into_iter().map(|DatasetFile { digest, .. }| digest));
            }
            held.files.extend(files.into_iter().map(|digest| (digest, id)));
        }
        Ok(held)
    }

    /// The hold that covers a file.
    pub(crate) fn file(&self, digest: &Digest) -> Option<HoldId> {
        self.everything.or_else(|| self.files.get(digest).copied())
    }

    /// The hold that covers the notes of a stream.
    pub(crate) fn stream(&self, stream: &str) -> Option<HoldId> {
        self.everything.or_else(|| self.streams.get(stream).copied())
    }
}

/// The dataset versions that the versions of a system were made from, directly or not.
async fn data_of(
    conn: &mut Conn,
    lineage: &BTreeMap<DatasetVersionId, Vec<DatasetVersionId>>,
    system: SystemId,
    version: &str,
) -> Result<BTreeSet<DatasetVersionId>, AppError> {
    let mut data = BTreeSet::new();
    for used in retention::datasets_of_versions(conn, system, version).await? {
        data.insert(used);
        let sources =
            ancestors(used, lineage).map_err(|error| AppError::Internal(format!("lineage: {error}")))?;
        data.extend(sources);
    }
    Ok(data)
}

impl App {
    /// Places a hold.
    pub async fn place_hold(&self, call: &Call, command: PlaceHold) -> Result<Receipt, AppError> {
        self.act(call, "hold.place", command, |act, command| Box::pin(place(act, command))).await
    }

    /// Releases a hold.
    pub async fn release_hold(&self, call: &Call, id: HoldId, command: Because) -> Result<Receipt, AppError> {
        self.act(call, "hold.release", (id, command), |act, (id, command)| {
            Box::pin(release(act, id, command))
        })
        .await
    }

    /// Holds in order; those that hold, or all.
    pub async fn holds(&self, caller: &Caller, all: bool, slice: Slice) -> Result<Page<HoldView>, AppError> {
        self.may_read(caller, Action::RetentionRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in retention::holds(&mut conn, all, slice.after(), limit + 1).await? {
            let reason = journal::private::<Note>(&mut conn, self.store.key(), row.private_at).await?;
            views.push(view(row, reason.map(|note| note.text)));
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }
}

fn view(row: HoldRow, reason: Option<String>) -> HoldView {
    HoldView {
        id: row.id.0,
        system: row.system.map(|id| id.0),
        version: row.version.map(|id| id.0),
        owner: row.owner.0,
        placed_by: row.placed_by,
        placed_at: row.placed_at.0,
        released_by: row.released_by,
        released_at: row.released_at.map(|at| at.0),
        reason,
    }
}

async fn place(mut act: Act<'_>, command: PlaceHold) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let (system, version) = match (&command.system, &command.version) {
        (None, None) => (None, None),
        (Some(name), None) => (Some(systems::find(act.conn(), name).await?.id.0), None),
        (None, Some(name)) => {
            let (model, version) = find_version(act.conn(), name).await?;
            (Some(model.system.0), Some(version.id.0))
        }
        (Some(_), Some(_)) => {
            return Err(AppError::invalid("system", "name a system or a version, not both"));
        }
    };
    let resource = match (system, version) {
        (_, Some(version)) => format!("version/{version}"),
        (Some(system), None) => format!("system/{system}"),
        (None, None) => ORG.to_owned(),
    };
    act.may(Action::HoldPlace, &resource, system).await?;
    if retention::holds(act.conn(), false, "", MAX_HOLDS).await?.len() as i64 == MAX_HOLDS {
        return Err(AppError::Conflict(format!("{MAX_HOLDS} holds hold already: release what is over")));
    }
    let owner = find_principal(act.conn(), &command.owner).await?;
    if owner.status != "active" || !crate::act::is_person(owner.kind.0) {
        return Err(AppError::invalid("owner", "the owner is a person who acts here"));
    }
    let hold = act.new_id(HoldId::new)?;
    let mut draft =
        act.draft(Event::HoldPlaced { hold, system, version, owner: owner.id.0 }).about("hold", &hold);
    if let Some(version) = version {
        draft = draft.about("version", &version);
    }
    let draft = draft.private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(hold, index))
}

async fn release(mut act: Act<'_>, id: HoldId, command: Because) -> Result<Receipt, AppError> {
    check_text("reason", &command.reason, false)?;
    let row = retention::hold(act.conn(), id).await?;
    let row = row.ok_or_else(|| AppError::not_found("hold", id))?;
    let system = row.system.map(|system| system.0);
    let resource = format!("hold/{id}");
    // INVARIANT (separation-of-duties): not whoever placed it, and nobody who may purge.
    let facts = Facts::new().bool("releaser_placed_it", row.placed_by == act.caller.actor());
    let decision = act.authorise(Action::HoldRelease, &resource, system, None, facts).await?;
    if row.released_at.is_some() {
        return Err(AppError::Conflict("this hold was released already".into()));
    }
    let (_, event) = decision_event(&act, Action::HoldRelease, resource, None, &decision, BTreeMap::new())?;
    let mut draft = act.draft(event).about("hold", &id);
    if let Some(system) = system {
        draft = draft.of_system(system);
    }
    act.record(draft).await?;
    let draft = act
        .draft(Event::HoldReleased { hold: id, system })
        .about("hold", &id)
        .private("reason", &Note { text: command.reason })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}
