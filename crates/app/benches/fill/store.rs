//! A store in a folder, and events written past the use cases.

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
