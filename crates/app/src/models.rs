//! Models and their immutable versions.

use crate::act::{Act, Call};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG, datasets, systems};
use comptroller_core::event::{ArtifactUse, DatasetUsed, VersionFacts};
use comptroller_core::ids::{ModelId, PrincipalId, SystemId, VersionId};
use comptroller_core::name::Commit;
use comptroller_core::private::{Note, Port, VersionText, check_text};
use comptroller_core::vocab::{DatasetUse, ReadKind};
use comptroller_core::{Digest, Event, Label, Slug, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::models::{self, ModelRow, VersionRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Registers a model in a system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterModel {
    /// The AI system, by id or name.
    pub system: String,
    /// Its short name, unique in the system.
    pub slug: Slug,
}

/// An artifact of a version: it must be stored already.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameArtifact {
    /// Its name inside the version.
    pub name: Slug,
    /// SHA-256 of the content.
    pub digest: Digest,
}

/// A dataset version used by a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameDataset {
    /// `dataset@label` or a dataset version's id.
    pub version: String,
    /// What for.
    pub purpose: DatasetUse,
}

/// Registers an immutable version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterVersion {
    /// The label, unique in the model.
    pub label: Label,
    /// Who built it, by id; the caller is always among them.
    #[serde(default)]
    pub builders: Vec<PrincipalId>,
    /// Its files.
    pub artifacts: Vec<NameArtifact>,
    /// When training began.
    pub training_started: Timestamp,
    /// When training ended.
    pub training_ended: Timestamp,
    /// The commit of the training code, or a digest over its files.
    #[schema(value_type = String)]
    pub code_commit: Commit,
    /// The data.
    pub datasets: Vec<NameDataset>,
    /// Held-out metrics; finite numbers.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// Seed of the training run.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Hyperparameters, signature, how to repeat the run, notes.
    pub text: VersionText,
}

/// Adds a note to a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotate {
    /// The words.
    pub text: String,
}

/// A model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelView {
    /// Its id.
    pub id: ModelId,
    /// The AI system.
    pub system: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// An immutable version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its id.
    pub id: VersionId,
    /// The model.
    pub model: ModelId,
    /// Its label.
    pub label: Label,
    /// Who built it.
    pub builders: Vec<PrincipalId>,
    /// Its files.
    pub artifacts: Vec<ArtifactUse>,
    /// When training began.
    pub training_started: Timestamp,
    /// When training ended.
    pub training_ended: Timestamp,
    /// The commit of the training code.
    pub code_commit: String,
    /// The data.
    pub datasets: Vec<DatasetUsed>,
    /// Held-out metrics.
    pub metrics: BTreeMap<String, f64>,
    /// Seed of the training run.
    pub seed: Option<i64>,
    /// SHA-256 of the canonical JSON of `text`, as it stands in the ledger.
    pub record_digest: Digest,
    /// Hyperparameters, signature, how to repeat the run, notes.
    pub text: Option<VersionText>,
    /// Notes added later, oldest first.
    pub annotations: Vec<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// SHA-256 of the canonical JSON (RFC 8785) of a private record.
pub(crate) fn record_digest(record: &impl Serialize) -> Result<Digest, AppError> {
    Ok(Digest::from_bytes(*comptroller_ledger::digest(&serde_json_canonicalizer::to_vec(record)?).as_bytes()))
}

/// One digest over the names and digests of a version's artifacts: what an approval and a deployment bind.
pub fn artifacts_digest(artifacts: &[ArtifactUse]) -> Digest {
    let mut lines: Vec<String> = artifacts.iter().map(|a| format!("{}  {}\n", a.digest, a.name)).collect();
    lines.sort_unstable();
    Digest::from_bytes(*comptroller_ledger::digest(lines.concat().as_bytes()).as_bytes())
}

/// Finds a model by id, as `system/model`, or by its name if only one model has it.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<ModelRow, AppError> {
    if let Ok(id) = name.parse::<ModelId>() {
        return models::model(conn, id).await?.ok_or_else(|| AppError::not_found("model", name));
    }
    let (system, slug) = match name.split_once('/') {
        Some((system, slug)) => (Some(systems::find(conn, system).await?.id.0), slug),
        None => (None, name),
    };
    let mut found = models::models_named(conn, slug).await?;
    found.retain(|row| system.is_none_or(|system| row.system.0 == system));
    match (found.pop(), found.pop()) {
        (Some(row), None) => Ok(row),
        (None, _) => Err(AppError::not_found("model", name)),
        _ => {
            Err(AppError::invalid("model", format!("several systems have a model {slug}; use system/model")))
        }
    }
}

/// Finds a version by id, or as `model@label` or `system/model@label`.
pub(crate) async fn find_version(conn: &mut Conn, name: &str) -> Result<(ModelRow, VersionRow), AppError> {
    let version = match name.rsplit_once('@') {
        Some((model, label)) => {
            let model = find(conn, model).await?;
            models::version_by_label(conn, model.id.0, label).await?
        }
        None => match name.parse() {
            Ok(id) => models::version(conn, id).await?,
            Err(_) => return Err(AppError::invalid("version", "use its id or model@label")),
        },
    };
    let version = version.ok_or_else(|| AppError::not_found("version", name))?;
    let model = models::model(conn, version.model.0).await?;
    Ok((model.ok_or_else(|| AppError::Internal("version without model".into()))?, version))
}

/// The immutable facts of a version.
pub(crate) fn facts(row: &VersionRow) -> Result<VersionFacts, AppError> {
    Ok(serde_json::from_str(&row.facts)?)
}

/// The facts of a version, among whose builders is also whoever registered its artifacts, alone or with more, as another
/// version of its model, before or since.
// INVARIANT (separation-of-duties): an approver who joins the builders is none any more.
pub(crate) async fn with_all_builders(conn: &mut Conn, row: &VersionRow) -> Result<VersionFacts, AppError> {
    let mut version = facts(row)?;
    if version.artifacts.is_empty() {
        return Ok(version);
    }
    for other in models::siblings(conn, row).await? {
        version.builders.extend(facts(&other)?.builders);
    }
    version.builders.sort_unstable();
    version.builders.dedup();
    Ok(version)
}

impl App {
    /// Registers a model.
    pub async fn register_model(&self, call: &Call, command: RegisterModel) -> Result<Receipt, AppError> {
        self.act(call, "model.register", command, |mut act, command| {
            Box::pin(async move {
                let system = systems::find(act.conn(), &command.system).await?.id.0;
                act.may(Action::ModelRegister, &format!("system/{system}"), Some(system)).await?;
                let model = act.new_id(ModelId::new)?;
                let event = Event::ModelRegistered { model, system, slug: command.slug };
                let draft = act.draft(event).about("system", &system).about("model", &model);
                let index = act.record(draft).await?;
                Ok(Receipt::new(model, index))
            })
        })
        .await
    }

    /// Registers an immutable version; its artifacts must be stored and its datasets registered.
    pub async fn register_version(
        &self,
        call: &Call,
        model: String,
        command: RegisterVersion,
    ) -> Result<Receipt, AppError> {
        self.act(call, "version.register", (model, command), |act, (model, command)| {
            Box::pin(register_version(act, model, command))
        })
        .await
    }

    /// Adds a note to a version. The version itself never changes.
    pub async fn annotate(
        &self,
        call: &Call,
        version: String,
        command: Annotate,
    ) -> Result<Receipt, AppError> {
        self.act(call, "version.annotate", (version, command), |mut act, (version, command)| {
            Box::pin(async move {
                check_text("text", &command.text, false)?;
                let (model, row) = find_version(act.conn(), &version).await?;
                let (system, version) = (model.system.0, row.id.0);
                act.may(Action::VersionAnnotate, &format!("version/{version}"), Some(system)).await?;
                let draft = act
                    .draft(Event::VersionAnnotated { version })
                    .of_system(system)
                    .about("version", &version)
                    .private("note", &Note { text: command.text })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(version, index))
            })
        })
        .await
    }

    /// One model.
    pub async fn model(&self, caller: &Caller, name: &str) -> Result<ModelView, AppError> {
        self.may_read(caller, Action::ModelRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        Ok(model_view(find(&mut conn, name).await?))
    }

    /// Models; of one system, or of all.
    pub async fn models(
        &self,
        caller: &Caller,
        system: Option<&str>,
        slice: Slice,
    ) -> Result<Page<ModelView>, AppError> {
        self.may_read(caller, Action::ModelRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let system = match system {
            Some(name) => systems::find(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let rows = models::models(&mut conn, &system, slice.after(), limit + 1).await?;
        Ok(page(rows.into_iter().map(model_view).collect(), limit, |view: &ModelView| view.id.to_string()))
    }

    /// One version. Reading a version's record is an event, so that who queried what is answerable.
    pub async fn version(&self, caller: &Caller, name: &str) -> Result<VersionView, AppError> {
        let mut conn = self.store.read().await?;
        let (model, row) = find_version(&mut conn, name).await?;
        let view = self.version_view(&mut conn, row).await?;
        drop(conn);
        let resource = format!("version/{}", view.id);
        self.may_read(caller, Action::VersionRead, &resource, Some(model.system.0), None).await?;
        self.note_read(caller, ReadKind::ModelRecords, &format!("model/{}", model.id.0), 1).await?;
        Ok(view)
    }

    /// Versions of a model, oldest first. An event, as for one version.
    pub async fn versions(
        &self,
        caller: &Caller,
        model: &str,
        slice: Slice,
    ) -> Result<Page<VersionView>, AppError> {
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, model).await?;
        let mut views = Vec::new();
        for version in models::versions(&mut conn, row.id.0, slice.after(), limit + 1).await? {
            views.push(self.version_view(&mut conn, version).await?);
        }
        drop(conn);
        let resource = format!("model/{}", row.id.0);
        self.may_read(caller, Action::VersionRead, &resource, Some(row.system.0), None).await?;
        let page = page(views, limit, |view| view.id.to_string());
        self.note_read(caller, ReadKind::ModelRecords, &resource, page.items.len()).await?;
        Ok(page)
    }

    async fn version_view(&self, conn: &mut Conn, row: VersionRow) -> Result<VersionView, AppError> {
        let facts = facts(&row)?;
        let key = self.store.key();
        let mut annotations = Vec::new();
        for at in models::notes(conn, row.id.0).await? {
            if let Some(note) = journal::private::<Note>(conn, key, Some(at)).await? {
                annotations.push(note.text);
            }
        }
        Ok(VersionView {
            id: row.id.0,
            model: facts.model,
            label: facts.label,
            builders: facts.builders,
            artifacts: facts.artifacts,
            training_started: facts.training_started,
            training_ended: facts.training_ended,
            code_commit: facts.code_commit.to_string(),
            datasets: facts.datasets,
            metrics: facts.metrics.into_iter().map(|(k, v)| (k.to_string(), v)).collect(),
            seed: facts.seed,
            record_digest: facts.record_digest,
            text: journal::private(conn, key, row.private_at).await?,
            annotations,
            registered_at: row.registered_at.0,
        })
    }
}

fn model_view(row: ModelRow) -> ModelView {
    ModelView { id: row.id.0, system: row.system.0, slug: row.slug.0, registered_at: row.registered_at.0 }
}

fn check_text_of(text: &VersionText) -> Result<(), AppError> {
    check_text("reproduce", &text.reproduce, true)?;
    check_text("notes", &text.notes, true)?;
    if text.hyperparameters.len() > 500 || text.inputs.len() > 5_000 || text.outputs.len() > 500 {
        return Err(AppError::invalid("text", "at most 500 hyperparameters, 5,000 inputs and 500 outputs"));
    }
    let ports: Vec<&Port> = text.inputs.iter().chain(&text.outputs).collect();
    if ports.iter().any(|port| port.name.is_empty() || port.name.len() > 256 || port.kind.len() > 64) {
        return Err(AppError::invalid("inputs", "names have 1 to 256 bytes, types at most 64"));
    }
    Ok(())
}

async fn register_version(
    mut act: Act<'_>,
    model: String,
    command: RegisterVersion,
) -> Result<Receipt, AppError> {
    let row = find(act.conn(), &model).await?;
    let (model, system) = (row.id.0, row.system.0);
    act.may(Action::VersionRegister, &format!("model/{model}"), Some(system)).await?;
    check_text_of(&command.text)?;
    if models::version_by_label(act.conn(), model, command.label.as_str()).await?.is_some() {
        return Err(AppError::Conflict(format!(
            "the model has a version {} already; versions never change, choose a new label",
            command.label
        )));
    }
    if command.training_ended < command.training_started || command.training_ended > act.now() {
        return Err(AppError::invalid("training_ended", "training ends after it began and before now"));
    }
    let artifacts = artifacts(&mut act, &command.artifacts).await?;
    let mut used = Vec::new();
    for dataset in &command.datasets {
        let version = datasets::find_version(act.conn(), &dataset.version).await?.id.0;
        let entry = DatasetUsed { dataset_version: version, purpose: dataset.purpose };
        if !used.contains(&entry) {
            used.push(entry);
        }
    }
    let mut metrics = BTreeMap::new();
    for (name, value) in command.metrics {
        if !value.is_finite() {
            return Err(AppError::invalid("metrics", format!("{name} is not a finite number")));
        }
        metrics.insert(name.parse::<Slug>()?, value);
    }
    let mut builders = command.builders;
    builders.push(act.caller.principal);
    builders.sort_unstable();
    builders.dedup();
    for builder in &builders {
        crate::people::find(act.conn(), &builder.to_string()).await?;
    }
    let version = act.new_id(VersionId::new)?;
    let facts = VersionFacts {
        model,
        label: command.label,
        builders,
        artifacts,
        training_started: command.training_started,
        training_ended: command.training_ended,
        code_commit: command.code_commit,
        datasets: used,
        metrics,
        record_digest: record_digest(&command.text)?,
        seed: command.seed,
    };
    let draft = act
        .draft(Event::VersionRegistered { version, facts })
        .of_system(system)
        .about("model", &model)
        .about("version", &version)
        .private("record", &command.text)?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(version, index))
}

async fn artifacts(act: &mut Act<'_>, named: &[NameArtifact]) -> Result<Vec<ArtifactUse>, AppError> {
    if named.is_empty() || named.len() > 1_000 {
        return Err(AppError::invalid("artifacts", "name 1 to 1,000 artifacts"));
    }
    let mut artifacts: Vec<ArtifactUse> = Vec::new();
    for artifact in named {
        if artifacts.iter().any(|other| other.name == artifact.name) {
            return Err(AppError::invalid("artifacts", format!("{} is named twice", artifact.name)));
        }
        let stored = models::artifact(act.conn(), &artifact.digest).await?;
        let stored = stored.ok_or_else(|| AppError::not_found("artifact", &artifact.digest))?;
        artifacts.push(ArtifactUse {
            name: artifact.name.clone(),
            digest: artifact.digest.clone(),
            bytes: stored.bytes.unsigned_abs(),
        });
    }
    Ok(artifacts)
}
