//! Tables that documents show: what is on record of a kind, oldest first, bounded.

use super::subject::{Subject, versions};
use crate::models::facts;
use crate::{App, AppError};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::SystemId;
use comptroller_core::private::{SystemText, VendorText};
use comptroller_core::vocab::RetentionClass;
use comptroller_core::{Slug, Timestamp};
use comptroller_store::areas::evidence::EvidenceRow;
use comptroller_store::areas::systems::SystemFilter;
use comptroller_store::areas::{
    alarms, datasets, deployments, emergencies, evidence, models, monitors, people, remediations, systems,
};
use comptroller_store::{Conn, journal};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one table, at most: the newest.
const MOST: i64 = 200;

/// Names of columns, and rows.
pub(super) type Table = (&'static [&'static str], Vec<Vec<String>>);

/// A moment to the minute, UTC.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

/// Millionths as a decimal number; the sign stands there also below one.
fn millionths(ppm: i64) -> String {
    let sign = if ppm < 0 { "-" } else { "" };
    let ppm = ppm.unsigned_abs();
    format!("{sign}{}.{:06}", ppm / 1_000_000, ppm % 1_000_000)
}

fn ended(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), minute)
}

impl App {
    /// A table about a subject.
    pub(super) async fn table(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        name: &str,
    ) -> Result<Table, AppError> {
        let system = subject.system().map_or_else(String::new, |id| id.to_string());
        match (name, subject) {
            ("versions", _) => of_versions(conn, &system).await,
            ("datasets", _) => of_datasets(conn, &system).await,
            ("version-datasets", Subject::Version(_, model, version)) => {
                let called = format!("{}@{}", model.slug.0, version.label.0);
                Ok((DATASETS, used(conn, &called, version).await?))
            }
            ("evidence", Subject::System(row)) => self.of_evidence(conn, row.id.0, None).await,
            ("version-evidence", Subject::Version(row, _, version)) => {
                self.of_evidence(conn, row.id.0, Some(version.id.0)).await
            }
            ("deployments", _) => of_deployments(conn, &system).await,
            ("monitors", _) => of_monitors(conn, &system).await,
            ("windows", Subject::System(row)) => of_windows(conn, row.id.0).await,
            ("alarms", _) => of_alarms(conn, &system).await,
            ("incidents", _) => of_incidents(conn, &system).await,
            ("remediations", _) => of_remediations(conn, &system).await,
            ("risks", Subject::System(row)) => self.of_risks(conn, row.id.0).await,
            ("retention", _) => self.of_retention(conn).await,
            ("controls", _) => self.of_controls().await,
            ("vendors", _) => self.of_vendors(conn).await,
            ("systems", _) => self.of_systems(conn).await,
            ("people", _) => of_people(conn).await,
            ("processing", _) => of_processing(conn).await,
            ("dataset-files", Subject::Dataset(_, version)) => {
                let files: Vec<DatasetFile> = serde_json::from_str(&version.files)?;
                let row = |file: DatasetFile| {
                    vec![file.name.to_string(), file.bytes.to_string(), file.digest.to_string()]
                };
                Ok((&["file", "bytes", "SHA-256"], files.into_iter().map(row).collect()))
            }
            ("dataset-parents", Subject::Dataset(_, version)) => {
                let mut rows = Vec::new();
                let parents = datasets::parents(conn).await?.remove(&version.id.0).unwrap_or_default();
                for parent in parents {
                    rows.push(vec![dataset_name(conn, parent).await?]);
                }
                Ok((&["made from"], rows))
            }
            ("dataset-uses", Subject::Dataset(_, version)) => {
                let mut rows = Vec::new();
                for id in models::versions_using(conn, version.id.0).await? {
                    let Some(row) = models::version(conn, id).await? else { continue };
                    let Some(model) = models::model(conn, row.model.0).await? else { continue };
                    rows.push(vec![format!("{}@{}", model.slug.0, row.label.0), minute(row.registered_at.0)]);
                }
                Ok((&["used by", "registered"], rows))
            }
            _ => Err(AppError::Internal(format!("a template asks for table.{name}, which is no table"))),
        }
    }

    /// Evidence of a system, or of one of its versions.
    async fn of_evidence(
        &self,
        conn: &mut Conn,
        system: SystemId,
        version: Option<comptroller_core::ids::VersionId>,
    ) -> Result<Table, AppError> {
        let mut rows = Vec::new();
        let about = version.map_or_else(String::new, |version| version.to_string());
        for row in evidence::of_system(conn, system, &about, MOST).await? {
            if version.is_none_or(|wanted| row.version.as_ref().is_some_and(|of| of.0 == wanted)) {
                rows.push(self.evidence_row(conn, &row).await?);
            }
        }
        Ok((&["kind", "version", "observed", "passed", "measures", "state"], rows))
    }

    async fn evidence_row(&self, conn: &mut Conn, row: &EvidenceRow) -> Result<Vec<String>, AppError> {
        let version = match &row.version {
            Some(version) => version_name(conn, version.0).await?,
            None => "the system".to_owned(),
        };
        let measures: BTreeMap<String, i64> = serde_json::from_str(&row.measures)?;
        let measures: Vec<String> =
            measures.iter().map(|(name, ppm)| format!("{name} {}", millionths(*ppm))).collect();
        Ok(vec![
            row.kind.0.to_string(),
            version,
            minute(row.observed_at.0),
            if row.passed { "yes" } else { "no" }.to_owned(),
            measures.join(", "),
            if row.withdrawn_at.is_some() { "withdrawn" } else { "stands" }.to_owned(),
        ])
    }

    async fn of_risks(&self, conn: &mut Conn, system: SystemId) -> Result<Table, AppError> {
        let row = |risk: crate::risks::RiskView| {
            vec![
                risk.description.unwrap_or_else(|| "erased".to_owned()),
                risk.band.as_str().to_owned(),
                risk.rating.treatment.to_string(),
                risk.residual_band.as_str().to_owned(),
                risk.rating.controls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                minute(risk.rating.review_at),
                risk.state,
            ]
        };
        let risks = self.register(conn, Some(system)).await?;
        let head = &["risk", "before", "treatment", "with it", "controls", "review by", "state"];
        Ok((head, risks.into_iter().map(row).collect()))
    }

    async fn of_retention(&self, conn: &mut Conn) -> Result<Table, AppError> {
        let bundle = self.policies.in_force(conn, self.store.key()).await?;
        let rules = bundle.retention();
        let days = |days: Option<u32>, none: &str| {
            days.map_or_else(|| none.to_owned(), |days| format!("{days} days"))
        };
        let mut rows = Vec::new();
        for class in RetentionClass::ALL {
            let keep = rules.keep(*class);
            if keep.min_days.is_some() || keep.max_days.is_some() {
                rows.push(vec![class.to_string(), days(keep.min_days, "-"), days(keep.max_days, "for ever")]);
            }
        }
        Ok((&["what", "at least", "at most"], rows))
    }

    async fn of_controls(&self) -> Result<Table, AppError> {
        let running = self.controls_in_operation().await?;
        let row = |control: crate::controls::ControlView| {
            vec![control.id.to_string(), control.title, control.rhythm, ended(control.since)]
        };
        Ok((&["control", "what", "when", "in operation since"], running.into_iter().map(row).collect()))
    }

    async fn of_vendors(&self, conn: &mut Conn) -> Result<Table, AppError> {
        let mut rows = Vec::new();
        for row in systems::vendors(conn, "", MOST).await? {
            let text: Option<VendorText> = journal::private(conn, self.store.key(), row.private_at).await?;
            let text = text.unwrap_or_default();
            rows.push(vec![row.slug.0.to_string(), text.name, minute(row.registered_at.0)]);
        }
        Ok((&["vendor", "name", "registered"], rows))
    }

    async fn of_systems(&self, conn: &mut Conn) -> Result<Table, AppError> {
        let mut rows = Vec::new();
        for row in systems::systems(conn, &SystemFilter::default(), "", MOST).await? {
            let text: Option<SystemText> = journal::private(conn, self.store.key(), row.private_at).await?;
            rows.push(vec![
                row.slug.0.to_string(),
                row.kind.0.to_string(),
                row.status.0.to_string(),
                row.risk_tier.map_or_else(|| "not classified".to_owned(), |tier| tier.0.to_string()),
                text.unwrap_or_default().purpose,
                minute(row.updated_at.0),
            ]);
        }
        Ok((&["system", "kind", "state", "tier", "purpose", "as of"], rows))
    }
}

async fn version_name(conn: &mut Conn, id: comptroller_core::ids::VersionId) -> Result<String, AppError> {
    let Some(row) = models::version(conn, id).await? else { return Ok(id.to_string()) };
    let model = models::model(conn, row.model.0).await?;
    Ok(model.map_or_else(|| id.to_string(), |model| format!("{}@{}", model.slug.0, row.label.0)))
}

async fn dataset_name(
    conn: &mut Conn,
    id: comptroller_core::ids::DatasetVersionId,
) -> Result<String, AppError> {
    let Some(row) = datasets::version(conn, id).await? else { return Ok(id.to_string()) };
    let dataset = datasets::dataset(conn, &row.dataset.0.to_string()).await?;
    Ok(dataset.map_or_else(|| id.to_string(), |dataset| format!("{}@{}", dataset.slug.0, row.label.0)))
}

async fn of_versions(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for (model, version) in versions(conn, system).await? {
        let facts = facts(&version)?;
        rows.push(vec![
            format!("{}@{}", model.slug.0, version.label.0),
            minute(version.registered_at.0),
            minute(facts.training_ended),
            facts.code_commit.to_string().chars().take(12).collect(),
        ]);
    }
    Ok((&["version", "registered", "trained", "code"], rows))
}

const DATASETS: &[&str] =
    &["dataset", "used for", "by", "rows", "licence", "collection", "legal basis", "personal data"];

async fn of_datasets(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for (model, version) in versions(conn, system).await? {
        rows.extend(used(conn, &format!("{}@{}", model.slug.0, version.label.0), &version).await?);
    }
    Ok((DATASETS, rows))
}

/// The datasets of a version.
async fn used(
    conn: &mut Conn,
    called: &str,
    version: &comptroller_store::areas::models::VersionRow,
) -> Result<Vec<Vec<String>>, AppError> {
    let mut rows = Vec::new();
    for used in facts(version)?.datasets {
        let Some(row) = datasets::version(conn, used.dataset_version).await? else { continue };
        let personal: Vec<String> = serde_json::from_str(&row.personal_data)?;
        rows.push(vec![
            dataset_name(conn, used.dataset_version).await?,
            used.purpose.to_string(),
            called.to_owned(),
            row.row_count.to_string(),
            row.licence.0.to_string(),
            row.collection.0.to_string(),
            row.legal_basis.0.to_string(),
            if personal.is_empty() { "none stated".to_owned() } else { personal.join(", ") },
        ]);
    }
    Ok(rows)
}

async fn of_deployments(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in deployments::history(conn, system, i64::MAX, MOST).await?.into_iter().rev() {
        rows.push(vec![
            version_name(conn, row.version.0).await?,
            row.environment.0.to_string(),
            row.kind.0.to_string(),
            minute(row.live_from.0),
            ended(row.live_until.map(|at| at.0)),
            row.idx.to_string(),
        ]);
    }
    Ok((&["version", "environment", "how", "from", "until", "entry"], rows))
}

async fn of_monitors(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in monitors::of_system(conn, system, i64::MAX, MOST).await?.into_iter().rev() {
        let share = |ppm: i64| format!("{}.{:02}", ppm / 1_000_000, ppm % 1_000_000 / 10_000);
        rows.push(vec![
            version_name(conn, row.version.0).await?,
            format!("{} rows, {}", row.row_count, row.source.0),
            share(row.watch_ppm),
            share(row.investigate_ppm),
            share(row.rollback_ppm),
            minute(row.set_at.0),
        ]);
    }
    Ok((&["version", "baseline", "watch from", "investigate from", "rollback from", "set"], rows))
}

async fn of_windows(conn: &mut Conn, system: SystemId) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in monitors::windows_of_system(conn, system, i64::MAX, MOST).await? {
        let coefficient = row.coefficient_ppm.map_or_else(
            || "not enough evidence".to_owned(),
            |ppm| format!("{}.{:03}", ppm / 1_000_000, ppm % 1_000_000 / 1_000),
        );
        rows.push(vec![
            crate::monitors::date(row.day),
            version_name(conn, row.version.0).await?,
            row.row_count.to_string(),
            row.labelled.to_string(),
            coefficient,
            row.band.map_or_else(|| "-".to_owned(), |band| band.0.to_string()),
        ]);
    }
    Ok((&["day", "version", "records", "with a label", "drift", "band"], rows))
}

async fn of_alarms(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in alarms::of_system(conn, system, false, i64::MAX, MOST).await?.into_iter().rev() {
        rows.push(vec![
            row.topic.0.to_string(),
            row.band.0.to_string(),
            crate::monitors::date(row.since),
            ended(row.cleared_at.map(|at| at.0)),
            row.playbook.0.to_string(),
        ]);
    }
    Ok((&["about", "band", "since", "ended", "playbook"], rows))
}

async fn of_incidents(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in emergencies::incidents(conn, system, "", MOST).await? {
        rows.push(vec![
            row.cause.0.to_string(),
            minute(row.opened_at.0),
            ended(row.closed_at.map(|at| at.0)),
        ]);
    }
    Ok((&["cause", "opened", "closed"], rows))
}

async fn of_remediations(conn: &mut Conn, system: &str) -> Result<Table, AppError> {
    let mut rows = Vec::new();
    for row in remediations::remediations(conn, system, "", MOST).await? {
        rows.push(vec![
            row.cause.0.to_string(),
            version_name(conn, row.version.0).await?,
            minute(row.opened_at.0),
            ended(row.due_at.map(|at| at.0)),
            ended(row.closed_at.map(|at| at.0)),
        ]);
    }
    Ok((&["cause", "version", "opened", "due", "closed"], rows))
}

/// Roles and how many people have each; no names, as the document may be shown around.
async fn of_people(conn: &mut Conn) -> Result<Table, AppError> {
    let (mut roles, mut last): (BTreeMap<String, BTreeSet<String>>, String) =
        (BTreeMap::new(), String::new());
    loop {
        let page = people::principals(conn, &last, MOST).await?;
        let Some(end) = page.last() else { break };
        last = end.id.0.to_string();
        for principal in page {
            for grant in people::grants(conn, principal.id.0).await? {
                roles.entry(grant.role.0.to_string()).or_default().insert(principal.id.0.to_string());
            }
        }
    }
    let rows = roles.into_iter().map(|(role, who)| vec![role, who.len().to_string()]).collect();
    Ok((&["role", "people and accounts"], rows))
}

/// Versions of datasets with personal data.
async fn of_processing(conn: &mut Conn) -> Result<Table, AppError> {
    let (mut rows, mut last) = (Vec::new(), String::new());
    loop {
        let page = datasets::datasets(conn, &last, MOST).await?;
        let Some(end) = page.last() else { break };
        last = end.slug.0.to_string();
        for dataset in page {
            for version in datasets::versions(conn, dataset.id.0).await? {
                let personal: Vec<Slug> = serde_json::from_str(&version.personal_data)?;
                if personal.is_empty() {
                    continue;
                }
                let personal: Vec<&str> = personal.iter().map(Slug::as_str).collect();
                rows.push(vec![
                    format!("{}@{}", dataset.slug.0, version.label.0),
                    personal.join(", "),
                    version.legal_basis.0.to_string(),
                    version
                        .retention_days
                        .map_or_else(|| "not stated".to_owned(), |days| format!("{days} days")),
                ]);
            }
        }
    }
    Ok((&["dataset", "categories", "legal basis", "kept for"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_keeps_its_sign_and_every_digit() {
        let shown = [850_000, -50_000, -1_250_000, 0, 2].map(millionths);
        assert_eq!(shown, ["0.850000", "-0.050000", "-1.250000", "0.000000", "0.000002"]);
    }
}
