//! What a document is about, found by name.

use crate::{AppError, datasets, models, systems};
use comptroller_compliance::document::SubjectKind;
use comptroller_core::Timestamp;
use comptroller_core::ids::SystemId;
use comptroller_core::vocab::SystemStatus;
use comptroller_ledger::Entry;
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::areas;
use comptroller_store::areas::datasets::{DatasetRow, DatasetVersionRow};
use comptroller_store::areas::deployments;
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::areas::systems::SystemRow;
use comptroller_store::journal::{self, EntryFilter};

/// Models of a system that are looked at, and versions of each, at most.
const MOST: i64 = 200;

/// How the organisation is called where a subject is named.
const ORGANISATION: &str = "organisation";

/// What changes the organisation, as a changed system or a new version changes a system.
const CHANGES: [(&str, &str); 9] = [
    ("system.registered", "a system was registered"),
    ("system.updated", "a system was changed"),
    ("system.classified", "a system was classified"),
    ("version.registered", "a version was registered"),
    ("dataset_version.registered", "a version of a dataset was registered"),
    ("vendor.registered", "a vendor was registered"),
    ("control.adopted", "a control was put in operation"),
    ("control.changed", "a control was changed"),
    ("control.retired", "a control was taken out of operation"),
];

/// What a document is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// An AI system.
    System(SystemRow),
    /// A version of a model.
    Version(SystemRow, ModelRow, VersionRow),
    /// A version of a dataset.
    Dataset(DatasetRow, DatasetVersionRow),
    /// The organisation.
    Organisation,
}

impl Subject {
    /// Finds it: a system by name, a version as MODEL@LABEL, a dataset version as DATASET@LABEL, or `organisation`.
    pub(super) async fn find(conn: &mut Conn, kind: SubjectKind, name: &str) -> Result<Self, AppError> {
        match kind {
            SubjectKind::System => Ok(Self::System(systems::find(conn, name).await?)),
            SubjectKind::Version => {
                let (model, version) = models::find_version(conn, name).await?;
                let system = systems::find(conn, &model.system.0.to_string()).await?;
                Ok(Self::Version(system, model, version))
            }
            SubjectKind::Dataset => {
                let version = datasets::find_version(conn, name).await?;
                let dataset = datasets::find(conn, &version.dataset.0.to_string()).await?;
                Ok(Self::Dataset(dataset, version))
            }
            SubjectKind::Organisation if name == ORGANISATION => Ok(Self::Organisation),
            SubjectKind::Organisation => {
                Err(AppError::invalid("subject", "this document is about the `organisation`"))
            }
        }
    }

    /// As events name it.
    pub(super) fn id(&self) -> String {
        match self {
            Self::System(system) => format!("system/{}", system.id.0),
            Self::Version(_, _, version) => format!("version/{}", version.id.0),
            Self::Dataset(_, version) => format!("dataset-version/{}", version.id.0),
            Self::Organisation => "org".to_owned(),
        }
    }

    /// As people call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::System(system) => system.slug.0.to_string(),
            Self::Version(_, model, version) => format!("{}@{}", model.slug.0, version.label.0),
            Self::Dataset(dataset, version) => format!("{}@{}", dataset.slug.0, version.label.0),
            Self::Organisation => "the organisation".to_owned(),
        }
    }

    /// The system whose stream its events belong to.
    pub(super) fn system(&self) -> Option<SystemId> {
        match self {
            Self::System(system) | Self::Version(system, ..) => Some(system.id.0),
            Self::Dataset(..) | Self::Organisation => None,
        }
    }

    /// Who may read it, and who may answer about it.
    pub(super) const fn acts(&self) -> (Action, Action) {
        match self {
            Self::System(_) => (Action::SystemRead, Action::SystemUpdate),
            Self::Version(..) => (Action::VersionRead, Action::VersionAnnotate),
            Self::Dataset(..) => (Action::DatasetRead, Action::DatasetRegister),
            Self::Organisation => (Action::AuditRead, Action::ControlManage),
        }
    }

    /// Finds it as events name it.
    pub(super) async fn of_id(conn: &mut Conn, id: &str) -> Result<Self, AppError> {
        let (kind, name) = match id.split_once('/') {
            Some(("system", id)) => (SubjectKind::System, id),
            Some(("version", id)) => (SubjectKind::Version, id),
            Some(("dataset-version", id)) => (SubjectKind::Dataset, id),
            _ => (SubjectKind::Organisation, ORGANISATION),
        };
        Self::find(conn, kind, name).await
    }

    /// As it is typed.
    pub(super) fn typed(&self) -> String {
        match self {
            Self::Organisation => ORGANISATION.to_owned(),
            other => other.name(),
        }
    }

    /// Whether it belongs to a system that is not used any more.
    pub(super) fn is_retired(&self) -> bool {
        match self {
            Self::System(system) | Self::Version(system, ..) => system.status.0 == SystemStatus::Retired,
            Self::Dataset(..) | Self::Organisation => false,
        }
    }

    /// When it last changed in a way that answers may not know of, and what that was. What is registered once and for all,
    /// a version, does not change.
    pub(super) async fn changed(&self, conn: &mut Conn) -> Result<Option<(Timestamp, String)>, AppError> {
        let system = match self {
            Self::System(system) => system,
            Self::Organisation => return organisation_changed(conn).await,
            Self::Version(..) | Self::Dataset(..) => return Ok(None),
        };
        let mut last = (system.updated_at.0, "the system was changed".to_owned());
        for (model, version) in versions(conn, &system.id.0.to_string()).await? {
            if version.registered_at.0 > last.0 {
                let what = format!("{}@{} was registered", model.slug.0, version.label.0);
                last = (version.registered_at.0, what);
            }
        }
        Ok(Some(last))
    }
}

/// The newest of what changes a system, of any system, and of what the organisation is beside them.
async fn organisation_changed(conn: &mut Conn) -> Result<Option<(Timestamp, String)>, AppError> {
    let mut last: Option<(i64, Timestamp, &str)> = None;
    for (kind, what) in CHANGES {
        let filter = EntryFilter { kind: kind.to_owned(), ..EntryFilter::default() };
        let Some(row) = journal::search(conn, &filter, i64::MAX, 1).await?.pop() else { continue };
        if last.is_none_or(|(index, ..)| row.idx > index) {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            last = Some((row.idx, Timestamp::from_micros(entry.recorded_at), what));
        }
    }
    Ok(last.map(|(index, at, what)| (at, format!("{what} (entry {index})"))))
}

/// The versions of a system's models (of all systems when empty), oldest first.
pub(crate) async fn versions(conn: &mut Conn, system: &str) -> Result<Vec<(ModelRow, VersionRow)>, AppError> {
    let mut all = Vec::new();
    for model in areas::models::models(conn, system, "", MOST).await? {
        for version in areas::models::versions(conn, model.id.0, "", MOST).await? {
            all.push((model.clone(), version));
        }
    }
    all.sort_by_key(|(_, version)| version.registered_at.0);
    Ok(all)
}

/// The version that a document about a system shows: what serves in production now, else the newest.
pub(super) async fn live(
    conn: &mut Conn,
    system: &SystemRow,
    now: Timestamp,
) -> Result<Option<(ModelRow, VersionRow)>, AppError> {
    let production = comptroller_core::Environment::Production;
    let serving = deployments::serving(conn, system.id.0, production, now).await?;
    let all = versions(conn, &system.id.0.to_string()).await?;
    let served =
        serving.first().and_then(|row| all.iter().find(|(_, version)| version.id.0 == row.version.0));
    Ok(served.or(all.last()).cloned())
}
