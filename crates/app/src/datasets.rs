//! Datasets, their immutable versions, and the lineage between them.

use crate::act::{Act, Call};
use crate::models::record_digest;
use crate::people::find_team;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::{DatasetId, DatasetVersionId, TeamId};
use comptroller_core::lineage::ancestors;
use comptroller_core::private::{DatasetText, DatasetVersionText, check_text};
use comptroller_core::vocab::{CollectionMethod, LegalBasis, PiiCategory};
use comptroller_core::{Digest, Event, Label, Slug, TagText, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::datasets::{self, DatasetRow, DatasetVersionRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Registers a dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDataset {
    /// Its short name.
    pub slug: Slug,
    /// The owning team, by id or name.
    pub owner_team: String,
    /// What it is.
    pub text: DatasetText,
}

/// Registers a version of a dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDatasetVersion {
    /// Its label, unique in the dataset.
    pub label: Label,
    /// Its files, with digests.
    pub files: Vec<DatasetFile>,
    /// Rows in all.
    pub rows: u64,
    /// Licence, as an SPDX expression or a short name.
    pub licence: TagText,
    /// How it was collected.
    pub collection: CollectionMethod,
    /// Legal basis of its use.
    pub legal_basis: LegalBasis,
    /// Categories of personal data in it.
    #[serde(default)]
    pub personal_data: Vec<PiiCategory>,
    /// Longest keeping, in days.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// What it was made from: `dataset@label` or version ids.
    #[serde(default)]
    pub derived_from: Vec<String>,
    /// Origin, consent and transformations, in words.
    pub text: DatasetVersionText,
}

/// A dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetView {
    /// Its id.
    pub id: DatasetId,
    /// Its short name.
    pub slug: Slug,
    /// The owning team.
    pub owner_team: TeamId,
    /// What it is.
    pub text: Option<DatasetText>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// One immutable version of a dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetVersionView {
    /// Its id.
    pub id: DatasetVersionId,
    /// The dataset.
    pub dataset: DatasetId,
    /// Its label.
    pub label: Label,
    /// Its files.
    pub files: Vec<DatasetFile>,
    /// Rows in all.
    pub rows: u64,
    /// Licence.
    pub licence: TagText,
    /// How it was collected.
    pub collection: CollectionMethod,
    /// Legal basis of its use.
    pub legal_basis: LegalBasis,
    /// Categories of personal data.
    pub personal_data: Vec<PiiCategory>,
    /// Longest keeping, in days.
    pub retention_days: Option<i64>,
    /// SHA-256 of the canonical JSON of `text`, as it stands in the ledger.
    pub record_digest: Digest,
    /// Origin, consent and transformations.
    pub text: Option<DatasetVersionText>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// The lineage of a dataset version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineageView {
    /// The version asked about.
    pub version: DatasetVersionId,
    /// Each edge: child, parent.
    pub edges: Vec<(DatasetVersionId, DatasetVersionId)>,
    /// Everything it was made from, directly or not.
    pub ancestors: Vec<DatasetVersionView>,
}

/// Finds a dataset by id or name.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<DatasetRow, AppError> {
    datasets::dataset(conn, name).await?.ok_or_else(|| AppError::not_found("dataset", name))
}

/// Finds a dataset version by id or as `dataset@label`.
pub(crate) async fn find_version(conn: &mut Conn, name: &str) -> Result<DatasetVersionRow, AppError> {
    let found = match name.split_once('@') {
        Some((dataset, label)) => {
            let dataset = find(conn, dataset).await?.id.0;
            datasets::version_by_label(conn, dataset, label).await?
        }
        None => match name.parse() {
            Ok(id) => datasets::version(conn, id).await?,
            Err(_) => return Err(AppError::invalid("dataset version", "use its id or dataset@label")),
        },
    };
    found.ok_or_else(|| AppError::not_found("dataset version", name))
}

fn check_version(command: &RegisterDatasetVersion) -> Result<(), AppError> {
    if command.files.is_empty() || command.files.len() > 10_000 {
        return Err(AppError::invalid("files", "name 1 to 10,000 files"));
    }
    let mut names: Vec<_> = command.files.iter().map(|file| &file.name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(AppError::invalid("files", "two files have the same name"));
    }
    if command.rows > (1 << 53) - 1 || command.files.iter().any(|file| file.bytes > (1 << 53) - 1) {
        return Err(AppError::invalid("rows", "counts go up to 2^53-1"));
    }
    if command.derived_from.len() > 100 || command.text.transformations.len() > 100 {
        return Err(AppError::invalid("derived_from", "at most 100 sources and 100 transformations"));
    }
    check_text("origin", &command.text.origin, false)?;
    check_text("consent", &command.text.consent, true)?;
    for step in &command.text.transformations {
        check_text("transformations", step, false)?;
    }
    Ok(())
}

impl App {
    /// Registers a dataset.
    pub async fn register_dataset(&self, call: &Call, command: RegisterDataset) -> Result<Receipt, AppError> {
        self.act(call, "dataset.register", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::DatasetRegister, ORG, None).await?;
                check_text("title", &command.text.title, false)?;
                check_text("description", &command.text.description, true)?;
                let owner_team = find_team(act.conn(), &command.owner_team).await?.id.0;
                let dataset = act.new_id(DatasetId::new)?;
                let draft = act
                    .draft(Event::DatasetRegistered { dataset, slug: command.slug, owner_team })
                    .about("dataset", &dataset)
                    .private("text", &command.text)?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(dataset, index))
            })
        })
        .await
    }

    /// Registers an immutable version of a dataset. A lineage with a cycle is refused.
    pub async fn register_dataset_version(
        &self,
        call: &Call,
        dataset: String,
        command: RegisterDatasetVersion,
    ) -> Result<Receipt, AppError> {
        self.act(call, "dataset_version.register", (dataset, command), |act, (dataset, command)| {
            Box::pin(register_version(act, dataset, command))
        })
        .await
    }

    /// One dataset.
    pub async fn dataset(&self, caller: &Caller, name: &str) -> Result<DatasetView, AppError> {
        self.may_read(caller, Action::DatasetRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, name).await?;
        self.dataset_view(&mut conn, row).await
    }

    /// Datasets by name.
    pub async fn datasets(&self, caller: &Caller, slice: Slice) -> Result<Page<DatasetView>, AppError> {
        self.may_read(caller, Action::DatasetRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in datasets::datasets(&mut conn, slice.after(), limit + 1).await? {
            views.push(self.dataset_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.slug.to_string()))
    }

    /// Versions of a dataset, oldest first.
    pub async fn dataset_versions(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Vec<DatasetVersionView>, AppError> {
        self.may_read(caller, Action::DatasetRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let dataset = find(&mut conn, name).await?.id.0;
        let mut views = Vec::new();
        for row in datasets::versions(&mut conn, dataset).await? {
            views.push(self.dataset_version_view(&mut conn, row).await?);
        }
        Ok(views)
    }

    /// What a dataset version was made from, directly or not.
    pub async fn lineage(&self, caller: &Caller, name: &str) -> Result<LineageView, AppError> {
        self.may_read(caller, Action::DatasetRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let version = find_version(&mut conn, name).await?.id.0;
        let graph = datasets::parents(&mut conn).await?;
        let sources =
            ancestors(version, &graph).map_err(|error| AppError::Internal(format!("lineage: {error}")))?;
        let mut edges = Vec::new();
        for child in std::iter::once(&version).chain(&sources) {
            edges.extend(graph.get(child).into_iter().flatten().map(|parent| (*child, *parent)));
        }
        let mut views = Vec::new();
        for id in sources {
            if let Some(row) = datasets::version(&mut conn, id).await? {
                views.push(self.dataset_version_view(&mut conn, row).await?);
            }
        }
        Ok(LineageView { version, edges, ancestors: views })
    }

    async fn dataset_view(&self, conn: &mut Conn, row: DatasetRow) -> Result<DatasetView, AppError> {
        let text = journal::private(conn, self.store.key(), row.private_at).await?;
        Ok(DatasetView {
            id: row.id.0,
            slug: row.slug.0,
            owner_team: row.owner_team.0,
            text,
            registered_at: row.registered_at.0,
        })
    }

    async fn dataset_version_view(
        &self,
        conn: &mut Conn,
        row: DatasetVersionRow,
    ) -> Result<DatasetVersionView, AppError> {
        let text = journal::private(conn, self.store.key(), row.private_at).await?;
        Ok(DatasetVersionView {
            id: row.id.0,
            dataset: row.dataset.0,
            label: row.label.0,
            files: serde_json::from_str(&row.files)?,
            rows: row.row_count.unsigned_abs(),
            licence: row.licence.0,
            collection: row.collection.0,
            legal_basis: row.legal_basis.0,
            personal_data: serde_json::from_str(&row.personal_data)?,
            retention_days: row.retention_days,
            record_digest: row.record_digest.0,
            text,
            registered_at: row.registered_at.0,
        })
    }
}

async fn register_version(
    mut act: Act<'_>,
    dataset: String,
    command: RegisterDatasetVersion,
) -> Result<Receipt, AppError> {
    act.may(Action::DatasetRegister, ORG, None).await?;
    check_version(&command)?;
    let dataset = find(act.conn(), &dataset).await?.id.0;
    if datasets::version_by_label(act.conn(), dataset, command.label.as_str()).await?.is_some() {
        return Err(AppError::Conflict(format!(
            "the dataset has a version {} already; versions never change, choose a new label",
            command.label
        )));
    }
    let mut derived_from = Vec::new();
    for source in &command.derived_from {
        let id = find_version(act.conn(), source).await?.id.0;
        if !derived_from.contains(&id) {
            derived_from.push(id);
        }
    }
    let dataset_version = act.new_id(DatasetVersionId::new)?;
    let mut graph = datasets::parents(act.conn()).await?;
    graph.insert(dataset_version, derived_from.clone());
    ancestors(dataset_version, &graph)
        .map_err(|error| AppError::invalid("derived_from", error.to_string()))?;
    let event = Event::DatasetVersionRegistered {
        dataset_version,
        dataset,
        label: command.label,
        files: command.files,
        rows: command.rows,
        licence: command.licence,
        collection: command.collection,
        legal_basis: command.legal_basis,
        personal_data: command.personal_data,
        retention_days: command.retention_days,
        derived_from,
        record_digest: record_digest(&command.text)?,
    };
    let draft = act
        .draft(event)
        .about("dataset", &dataset)
        .about("dataset_version", &dataset_version)
        .private("text", &command.text)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(dataset_version, index))
}
