//! What the registry and the monitors say about a system, as far as the scale of the risk asks for it.

use crate::AppError;
use crate::documents::versions;
use crate::models::{artifacts_digest, facts as facts_of};
use crate::monitors::date;
use comptroller_compliance::framework::Day;
use comptroller_compliance::risk::{OnRecord, Place, Tested, VersionOnRecord};
use comptroller_core::vocab::{EvidenceKind, FairnessState, PiiCategory, RemediationCause};
use comptroller_core::{Environment, Timestamp};
use comptroller_ledger::Entry;
use comptroller_store::areas::evidence::EvidenceRow;
use comptroller_store::areas::models::{ModelRow, VersionRow};
use comptroller_store::areas::systems::SystemRow;
use comptroller_store::areas::{datasets, deployments, evidence, fairness, models, remediations};
use comptroller_store::journal::EntryFilter;
use comptroller_store::{Conn, journal};

/// Most pieces of evidence, and most remediations, that are looked at.
const MOST: i64 = 1_000;

/// Reads it.
pub(super) async fn on_record(
    conn: &mut Conn,
    now: Timestamp,
    system: &SystemRow,
) -> Result<OnRecord, AppError> {
    let tier = match (&system.risk_tier, system.classified_in) {
        (Some(tier), Some(entry)) => {
            let on = day_of(conn, entry).await?.unwrap_or(Day::of(system.updated_at.0));
            Some((tier.0, Place { reference: format!("classification, entry {entry}"), on }))
        }
        _ => None,
    };
    let mut on_record = OnRecord { tier, versions: Vec::new() };
    for (model, version) in counting(conn, now, system).await? {
        on_record.versions.push(version_on_record(conn, now, system, &model, &version).await?);
    }
    Ok(on_record)
}

/// The versions that speak for the system: what serves in production now, else the newest one.
async fn counting(
    conn: &mut Conn,
    now: Timestamp,
    system: &SystemRow,
) -> Result<Vec<(ModelRow, VersionRow)>, AppError> {
    let mut found = Vec::new();
    for row in deployments::serving(conn, system.id.0, Environment::Production, now).await? {
        let model = models::model(conn, row.model.0).await?;
        let version = models::version(conn, row.version.0).await?;
        found.extend(model.zip(version));
    }
    if found.is_empty() {
        found.extend(versions(conn, &system.id.0.to_string()).await?.pop());
    }
    Ok(found)
}

async fn version_on_record(
    conn: &mut Conn,
    now: Timestamp,
    system: &SystemRow,
    model: &ModelRow,
    version: &VersionRow,
) -> Result<VersionOnRecord, AppError> {
    let named = format!("{}@{}", model.slug.0, version.label.0);
    let on = Day::of(version.registered_at.0);
    let place = Place { reference: with_entry(&named, version.private_at), on };
    let mut made_from = Vec::new();
    for used in facts_of(version)?.datasets {
        let Some(row) = datasets::version(conn, used.dataset_version).await? else { continue };
        let Some(dataset) = datasets::dataset(conn, &row.dataset.0.to_string()).await? else { continue };
        let categories: Vec<PiiCategory> = serde_json::from_str(&row.personal_data)?;
        let named = format!("dataset {}@{} of {named}", dataset.slug.0, row.label.0);
        let on = Day::of(row.registered_at.0);
        made_from.push((categories, Place { reference: with_entry(&named, row.private_at), on }));
    }
    let test = bias_test(conn, now, system, version, &named).await?;
    let finding = finding(conn, version, &named).await?;
    Ok(VersionOnRecord { place, datasets: made_from, test, finding })
}

fn with_entry(named: &str, entry: Option<i64>) -> String {
    entry.map_or_else(|| named.to_owned(), |entry| format!("{named}, entry {entry}"))
}

/// The newest bias test of exactly these files that was neither withdrawn nor purged.
async fn bias_test(
    conn: &mut Conn,
    now: Timestamp,
    system: &SystemRow,
    version: &VersionRow,
    named: &str,
) -> Result<Option<(Tested, Place)>, AppError> {
    let artifacts = artifacts_digest(&facts_of(version)?.artifacts);
    let counts = |row: &EvidenceRow| {
        row.kind.0 == EvidenceKind::BiasTest
            && row.subject.as_ref().is_some_and(|subject| subject.0 == artifacts)
            && row.withdrawn_at.is_none()
            && row.purged_at.is_none()
            && row.observed_at.0 <= now
    };
    let rows = evidence::of_system(conn, system.id.0, &version.id.0.to_string(), MOST).await?;
    let Some(test) = rows.into_iter().find(counts) else { return Ok(None) };
    let tested = if test.passed {
        Tested::Passed
    } else if found_something(conn, version, &test).await? {
        Tested::Failed
    } else {
        Tested::Inconclusive
    };
    let kind = "evidence.recorded".to_owned();
    let filter = EntryFilter { kind, subject: format!("evidence/{}", test.id.0), ..EntryFilter::default() };
    let entry = journal::search(conn, &filter, i64::MAX, 1).await?.pop().map(|row| row.idx);
    let reference = with_entry(&format!("bias test of {named}"), entry);
    Ok(Some((tested, Place { reference, on: Day::of(test.observed_at.0) })))
}

/// Whether a test that did not pass is a finding, and not only inconclusive: a finding has a remediation. A later test of
/// a version whose finding is open gets none of its own.
async fn found_something(
    conn: &mut Conn,
    version: &VersionRow,
    test: &EvidenceRow,
) -> Result<bool, AppError> {
    let cause = RemediationCause::BiasTest;
    if remediations::open_with_cause(conn, version.id.0, cause).await?.is_some() {
        return Ok(true);
    }
    let Some(model) = models::model(conn, version.model.0).await? else { return Ok(false) };
    let all = remediations::remediations(conn, &model.system.0.to_string(), "", MOST).await?;
    Ok(all.iter().any(|row| row.evidence.as_ref().is_some_and(|of| of.0 == test.id.0)))
}

/// The last judgement of the watch over the decisions of a version in production, if it is a finding.
async fn finding(conn: &mut Conn, version: &VersionRow, named: &str) -> Result<Option<Place>, AppError> {
    let Some(monitor) = fairness::of_version(conn, version.id.0).await? else { return Ok(None) };
    let last = fairness::latest(conn, monitor.id.0, Environment::Production).await?;
    let Some(last) = last.filter(|row| row.state.0 == FairnessState::Finding) else { return Ok(None) };
    let day = date(last.day);
    let on: Day = day.parse().map_err(AppError::Internal)?;
    let reference = format!("fairness watch over {named}, day {day}, entry {}", last.idx);
    Ok(Some(Place { reference, on }))
}

/// The day on which an entry was recorded.
async fn day_of(conn: &mut Conn, entry: i64) -> Result<Option<Day>, AppError> {
    let rows = journal::entries(conn, entry, entry + 1).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let entry: Entry = serde_json::from_str(&row.entry)?;
    Ok(Some(Day::of(Timestamp::from_micros(entry.recorded_at))))
}
