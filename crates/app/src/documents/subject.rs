//! What a document is about, found by name.

use crate::{AppError, datasets, models, systems};
use comptroller_compliance::document::SubjectKind;
use comptroller_core::Timestamp;
use comptroller_core::ids::SystemId;
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::areas;
use comptroller_store::areas::datasets::{DatasetRow, DatasetVersionRow};
use comptroller_store::areas::deployments;
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::areas::systems::SystemRow;

/// Models of a system that are looked at, and versions of each, at most.
const MOST: i64 = 200;

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
            SubjectKind::Organisation if name == "organisation" => Ok(Self::Organisation),
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

    /// When it last changed in a way that answers may not know of, and what that was.
    pub(super) async fn changed(&self, conn: &mut Conn) -> Result<Option<(Timestamp, String)>, AppError> {
        let Self::System(system) = self else { return Ok(None) };
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
