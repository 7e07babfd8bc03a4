//! The start-up test of an object store: it must keep the first of two writes under one name.
//!
//! Uses one fixed name, so that it leaves one small object however often it runs and needs no right to delete.

use super::{Attempt, Objects, ObjectsError};
use crate::keys;
use bytes::Bytes;

const PROBE: &str = "probe/conditional-write";

impl Objects {
    /// Refuses a store that lets a second write replace the first, or that cannot be written or read.
    ///
    /// Run once at start-up, before anything relies on the store.
    pub async fn probe(&self) -> Result<(), ObjectsError> {
        // Whether an earlier start wrote the object or this one does: it exists afterwards.
        self.probe_write().await?;
        let first = self.get(PROBE).await?;
        // INVARIANT (create-only): only a store that itself refuses the second write can keep it.
        let second = self.probe_write().await?;
        if second || self.get(PROBE).await? != first {
            return Err(ObjectsError::NotConditional { place: self.place_owned() });
        }
        Ok(())
    }

    /// Tries once to create the probe object with fresh bytes; true if the store says that it did.
    async fn probe_write(&self) -> Result<bool, ObjectsError> {
        let random = keys::random::<16>().map_err(|error| self.refused("store", PROBE, error.into()))?;
        let bytes = Bytes::from(format!("conditional write probe {}\n", hex::encode(random)));
        match self.create(PROBE, &bytes).await? {
            Attempt::Created => Ok(true),
            Attempt::Exists => Ok(false),
            Attempt::Failed(source) => Err(ObjectsError::Unavailable {
                operation: "store",
                name: PROBE.to_owned(),
                place: self.place_owned(),
                attempts: 1,
                source,
            }),
        }
    }
}
