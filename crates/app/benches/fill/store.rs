//! A store in a folder, and events written past the use cases: of any, and of a system with its model.

use comptroller_core::Event;
use comptroller_core::ids::{ModelId, SystemId, TeamId};
use comptroller_core::vocab::{RiskTier, SystemKind, SystemStatus};
use comptroller_store::objects::ObjectsConfig;
use comptroller_store::{DbConfig, Draft, Store, StoreConfig, StoreError};
use std::path::Path;

pub(crate) fn config(folder: &Path) -> anyhow::Result<StoreConfig> {
    Ok(StoreConfig {
        db: DbConfig::Sqlite(folder.join("db/comptroller.db")),
        objects: ObjectsConfig::Local { path: folder.join("objects") },
        keys: folder.join("keys"),
        guard: folder.join("guard"),
        host: "log.example.org".into(),
        organisation: "example".parse()?,
    })
}

pub(crate) async fn write(store: &Store, drafts: Vec<Draft>) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                for draft in drafts {
                    tx.record(draft).await?;
                }
                Ok(())
            })
        })
        .await
}

/// A system of tier high, and its model.
pub(crate) fn registered(
    system: SystemId,
    model: ModelId,
    number: usize,
    team: TeamId,
) -> anyhow::Result<Vec<Event>> {
    Ok(vec![
        Event::SystemRegistered {
            system,
            slug: format!("system-{number}").parse()?,
            kind: SystemKind::Own,
            status: SystemStatus::Development,
            owner_team: team,
            vendor: None,
        },
        Event::SystemClassified { system, tier: RiskTier::High, previous: None, basis: None },
        Event::ModelRegistered { model, system, slug: format!("model-{number}").parse()? },
    ])
}
