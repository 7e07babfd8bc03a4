//! Single facts that documents show, each with where it is from and since when it is so.

use super::subject::{Subject, live};
use crate::assessments::{newest, standing_of};
use crate::models::facts;
use crate::{App, AppError};
use comptroller_core::Timestamp;
use comptroller_core::event::{AssessedRisk, PointRange};
use comptroller_core::private::{DatasetText, DatasetVersionText, Port, SystemText, TierText, VersionText};
use comptroller_ledger::Entry;
use comptroller_report::document::Fact;
use comptroller_store::areas::datasets::{DatasetRow, DatasetVersionRow};
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::areas::people;
use comptroller_store::areas::systems::SystemRow;
use comptroller_store::{Conn, journal};

/// Inputs, outputs, settings and files that are listed, at most.
const LISTED: usize = 60;

/// The name and the value of a fact; an empty value is none.
struct Found {
    name: &'static str,
    text: String,
    at: Timestamp,
    entry: Option<i64>,
}

impl Found {
    fn into_fact(self) -> Option<Fact> {
        let source =
            self.entry.map_or_else(|| "registry".to_owned(), |entry| format!("registry, entry {entry}"));
        let is_there = !self.text.trim().is_empty();
        is_there.then(|| Fact {
            name: self.name.to_owned(),
            value: self.text,
            source,
            at: self.at.to_string(),
        })
    }
}

impl App {
    /// A fact about a subject; none if it is not on record.
    pub(super) async fn fact(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        key: &str,
    ) -> Result<Option<Fact>, AppError> {
        let (area, name) = key.split_once('.').unwrap_or_default();
        let value = match (area, subject) {
            ("system", Subject::System(system) | Subject::Version(system, ..)) => {
                self.of_system(conn, system, name).await?
            }
            ("live", Subject::System(system)) => match live(conn, system, self.store.clock().now()).await? {
                Some((model, version)) => self.of_version(conn, &model, &version, name).await?,
                None => None,
            },
            ("version", Subject::Version(_, model, version)) => {
                self.of_version(conn, model, version, name).await?
            }
            ("dataset", Subject::Dataset(dataset, version)) => {
                self.of_dataset(conn, dataset, version, name).await?
            }
            _ => return Err(AppError::Internal(format!("a template asks for {key}, which is no fact"))),
        };
        Ok(value.and_then(Found::into_fact))
    }

    async fn of_system(
        &self,
        conn: &mut Conn,
        row: &SystemRow,
        name: &str,
    ) -> Result<Option<Found>, AppError> {
        let text: Option<SystemText> = journal::private(conn, self.store.key(), row.private_at).await?;
        let at = recorded_at(conn, row.private_at).await?.unwrap_or(row.updated_at.0);
        let said = |name, value: fn(&SystemText) -> String| {
            text.as_ref().map(|text| Found { name, text: value(text), at, entry: row.private_at })
        };
        Ok(match name {
            "title" => said("Title", |text| text.title.clone()),
            "purpose" => said("Purpose", |text| text.purpose.clone()),
            "intended-use" => said("Intended use", |text| text.intended_use.clone()),
            "populations" => said("People affected", |text| text.populations.join("\n")),
            "data-sources" => said("Sources of data", |text| text.data_sources.join("\n")),
            "kind" => {
                let text = format!("{}, {}", row.kind.0, row.status.0);
                Some(Found { name: "Kind and state", text, at: row.updated_at.0, entry: None })
            }
            "owner" => {
                let team = people::team(conn, &row.owner_team.0.to_string()).await?;
                let text = team.map_or_else(String::new, |team| format!("team {}", team.slug.0));
                Some(Found { name: "Owner", text, at: row.updated_at.0, entry: None })
            }
            "assessment" => self.assessment(conn, row).await?,
            _ => self.tier(conn, row).await?,
        })
    }

    async fn tier(&self, conn: &mut Conn, row: &SystemRow) -> Result<Option<Found>, AppError> {
        let Some(tier) = &row.risk_tier else { return Ok(None) };
        let text: Option<TierText> = journal::private(conn, self.store.key(), row.classified_in).await?;
        let how = if row.basis.is_some() { "by the rules of the AI Act" } else { "by hand" };
        let reason = text.map(|text| text.text).filter(|text| !text.is_empty());
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let text = format!("{} ({how}){reason}", tier.0);
        let at = recorded_at(conn, row.classified_in).await?.unwrap_or(row.updated_at.0);
        Ok(Some(Found { name: "Risk tier", text, at, entry: row.classified_in }))
    }

    /// The newest assessment in one line, and whether it is stale.
    async fn assessment(&self, conn: &mut Conn, row: &SystemRow) -> Result<Option<Found>, AppError> {
        let Some(last) = newest(conn, row.id.0).await? else { return Ok(None) };
        let now = self.store.clock().now();
        let stale = standing_of(conn, self.store.key(), now, row, &last).await?.stale;
        let range = |points: &PointRange| {
            let PointRange { least, most } = points;
            if least == most { most.to_string() } else { format!("{least} to {most}") }
        };
        let AssessedRisk { lowest, highest, total, dimensions, .. } = &last.assessed;
        let band = if lowest == highest { lowest.to_string() } else { format!("{lowest} to {highest}") };
        let mut text = format!("{band}, {} of 100", range(total));
        for (name, points) in dimensions {
            text += &format!("\n{name}: {} of 100", range(points));
        }
        for reason in stale {
            text += &format!("\nstale: {reason}");
        }
        Ok(Some(Found { name: "Risk assessment", text, at: last.at, entry: Some(last.index) }))
    }

    async fn of_version(
        &self,
        conn: &mut Conn,
        model: &ModelRow,
        row: &VersionRow,
        name: &str,
    ) -> Result<Option<Found>, AppError> {
        let facts = facts(row)?;
        let text: Option<VersionText> = journal::private(conn, self.store.key(), row.private_at).await?;
        let (at, entry) = (row.registered_at.0, row.private_at);
        let of = |name, text: String| Some(Found { name, text, at, entry });
        let called = format!("{}@{}", model.slug.0, row.label.0);
        Ok(match name {
            "name" => of("Version", called),
            "training" => of(
                "Training",
                format!(
                    "{called}: {} to {}, code {}{}",
                    facts.training_started,
                    facts.training_ended,
                    facts.code_commit,
                    facts.seed.map_or_else(String::new, |seed| format!(", seed {seed}"))
                ),
            ),
            "artifacts" => of(
                "Files",
                lines(
                    facts
                        .artifacts
                        .iter()
                        .map(|file| format!("{}, {} bytes, SHA-256 {}", file.name, file.bytes, file.digest)),
                ),
            ),
            "metrics" => {
                of("Metrics", lines(facts.metrics.iter().map(|(name, value)| format!("{name}: {value}"))))
            }
            "hyperparameters" => of(
                "Settings",
                text.map_or_else(String::new, |text| {
                    lines(text.hyperparameters.iter().map(|(name, value)| format!("{name}: {value}")))
                }),
            ),
            "inputs" => of("Inputs", text.map_or_else(String::new, |text| ports(&text.inputs))),
            _ => of("Outputs", text.map_or_else(String::new, |text| ports(&text.outputs))),
        })
    }

    async fn of_dataset(
        &self,
        conn: &mut Conn,
        dataset: &DatasetRow,
        row: &DatasetVersionRow,
        name: &str,
    ) -> Result<Option<Found>, AppError> {
        let key = self.store.key();
        let about: Option<DatasetText> = journal::private(conn, key, dataset.private_at).await?;
        let text: Option<DatasetVersionText> = journal::private(conn, key, row.private_at).await?;
        let text = text.unwrap_or_default();
        let of =
            |name, text: String| Some(Found { name, text, at: row.registered_at.0, entry: row.private_at });
        Ok(match name {
            "description" => of("Content", about.map_or_else(String::new, |about| about.description)),
            "owner" => {
                let team = people::team(conn, &dataset.owner_team.0.to_string()).await?;
                of("Owner", team.map_or_else(String::new, |team| format!("team {}", team.slug.0)))
            }
            "rows" => of("Rows", row.row_count.to_string()),
            "personal-data" => {
                let found: Vec<String> = serde_json::from_str(&row.personal_data)?;
                of(
                    "Personal data",
                    if found.is_empty() { "none stated".to_owned() } else { found.join(", ") },
                )
            }
            "origin" => of("Origin", text.origin),
            "collection" => of("Collection", row.collection.0.to_string()),
            "legal-basis" => of("Legal basis", row.legal_basis.0.to_string()),
            "consent" => of("Consent or legal basis, in words", text.consent),
            "transformations" => of("Transformations", text.transformations.join("\n")),
            "licence" => of("Licence", row.licence.0.to_string()),
            _ => of("Kept for", row.retention_days.map_or_else(String::new, |days| format!("{days} days"))),
        })
    }
}

fn lines(items: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = items.collect();
    let more = all.len().saturating_sub(LISTED);
    let mut text = all.into_iter().take(LISTED).collect::<Vec<_>>().join("\n");
    if more > 0 {
        text += &format!("\nand {more} more");
    }
    text
}

fn ports(ports: &[Port]) -> String {
    lines(
        ports.iter().map(|port| {
            format!("{}: {}{}", port.name, port.kind, if port.required { ", required" } else { "" })
        }),
    )
}

/// When an entry was recorded.
async fn recorded_at(conn: &mut Conn, entry: Option<i64>) -> Result<Option<Timestamp>, AppError> {
    let Some(entry) = entry else { return Ok(None) };
    let rows = journal::entries(conn, entry, entry + 1).await?;
    let entry = rows.first().map(|row| serde_json::from_str::<Entry>(&row.entry)).transpose()?;
    Ok(entry.map(|entry| Timestamp::from_micros(entry.recorded_at)))
}
