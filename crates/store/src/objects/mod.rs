//! The object store: named, immutable byte strings in a local directory or an S3-compatible bucket.
//!
//! INVARIANT (create-only): an object is never replaced by other bytes. Writing is create-if-absent; a name that is
//! taken by the same bytes counts as success, by other bytes as a fatal error. The store must not hold anything that
//! changes: pointers live in the database. What `put_new` reports as stored survives a power cut.

mod config;
mod error;
#[cfg(any(test, feature = "test-support"))]
mod faults;
mod local;
mod name;
mod probe;
mod reader;
mod s3;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use config::{ObjectsConfig, Secret};
pub use error::{Cause, ObjectsError};
#[cfg(any(test, feature = "test-support"))]
pub use faults::{Fault, FaultPlan};
pub use name::MAX_NAME;
pub use reader::ObjectReader;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use local::LocalDir;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use s3::WriteFailure;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of one object: what is read into memory at once.
pub const MAX_OBJECT_BYTES: u64 = 64 << 20;

const PUT_ATTEMPTS: u32 = 6;
/// Wait before the second attempt; doubled before each later one, 1.55 s in all.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// How a successful write came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// It was there with the same bytes: a repeated write, or one whose acknowledgement was lost.
    SameBytes,
}

/// Name and size of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name, without the configured prefix.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// A handle on the object store; clones share it.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    local: Option<Arc<LocalDir>>,
    place: Arc<str>,
    #[cfg(any(test, feature = "test-support"))]
    faults: Option<Arc<FaultPlan>>,
}

/// Outcome of one attempt to create an object.
enum Attempt {
    Created,
    Exists,
    Failed(Cause),
}

impl Objects {
    /// Opens the store without a request to it; [`Objects::probe`] tests it.
    ///
    /// A local directory is created if needed.
    pub fn open(config: &ObjectsConfig) -> Result<Self, ObjectsError> {
        config.check()?;
        let (store, local, place) = match config {
            ObjectsConfig::Local { path } => {
                let place = path.display().to_string();
                let failed = |source: Cause| ObjectsError::Open { place: place.clone(), source };
                let local = LocalDir::open(path).map_err(|error| failed(error.into()))?;
                let store = object_store::local::LocalFileSystem::new_with_prefix(local.root())
                    .map_err(|error| failed(error.into()))?;
                (Arc::new(store) as Arc<dyn ObjectStore>, Some(Arc::new(local)), place)
            }
            ObjectsConfig::S3 { .. } => {
                let (store, place) = s3::open(config)?;
                (store, None, place)
            }
        };
        Ok(Self {
            store,
            local,
            place: place.into(),
            #[cfg(any(test, feature = "test-support"))]
            faults: None,
        })
    }

    /// The same store with planned failures of writes.
    #[cfg(any(test, feature = "test-support"))]
    pub fn with_faults(mut self, plan: Arc<FaultPlan>) -> Self {
        self.faults = Some(plan);
        self
    }

    /// Directory, or endpoint and bucket: for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Creates an object of at most [`MAX_OBJECT_BYTES`] bytes, durably.
    ///
    /// Passing failures are retried for about two seconds plus the time of the requests. Safe to repeat after any
    /// error: whether the object was stored shows then.
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Put, ObjectsError> {
        name::check(name)?;
        check_size(name, bytes.len() as u64, MAX_OBJECT_BYTES)?;
        let mut last: Cause = "no attempt was made".into();
        for attempt in 0..PUT_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FIRST_BACKOFF * 2_u32.pow(attempt - 1)).await;
                tracing::warn!(object.name = name, attempt, error = %last, "retrying to store an object");
            }
            match self.create(name, &bytes).await? {
                Attempt::Created => return Ok(Put::Created),
                Attempt::Failed(cause) => last = cause,
                Attempt::Exists => match self.holds(name, &bytes).await? {
                    Some(true) => {
                        self.confirm(name).await?;
                        return Ok(Put::SameBytes);
                    }
                    // INVARIANT (create-only): other bytes under a taken name are never written and never hidden.
                    Some(false) => {
                        return Err(ObjectsError::Conflict {
                            name: name.to_owned(),
                            place: self.place_owned(),
                        });
                    }
                    // 409 while another write is under way: nothing is decided yet.
                    None => last = "the store reports a concurrent write of this object".into(),
                },
            }
        }
        Err(ObjectsError::Unavailable {
            operation: "store",
            name: name.to_owned(),
            place: self.place_owned(),
            attempts: PUT_ATTEMPTS,
            source: last,
        })
    }

    /// Reads a whole object of at most [`MAX_OBJECT_BYTES`] bytes.
    pub async fn get(&self, name: &str) -> Result<Bytes, ObjectsError> {
        self.get_at_most(name, MAX_OBJECT_BYTES).await
    }

    /// Reads a whole object; a larger one than `limit` bytes is refused before its bytes are read.
    pub async fn get_at_most(&self, name: &str, limit: u64) -> Result<Bytes, ObjectsError> {
        name::check(name)?;
        let failed = |error| self.read_failure("read", name, error);
        let found =
            self.store.get_opts(&ObjectPath::from(name), GetOptions::default()).await.map_err(failed)?;
        check_size(name, found.meta.size, limit.min(MAX_OBJECT_BYTES))?;
        found.bytes().await.map_err(failed)
    }

    /// Reads the bytes `range` of an object, all of which must exist.
    pub async fn get_range(&self, name: &str, range: Range<u64>) -> Result<Bytes, ObjectsError> {
        name::check(name)?;
        let outside = || ObjectsError::Range { name: name.to_owned(), from: range.start, to: range.end };
        let length = range.end.checked_sub(range.start).ok_or_else(outside)?;
        check_size(name, length, MAX_OBJECT_BYTES)?;
        // Back ends differ on empty and overlong ranges, so both are decided here.
        if range.end > self.head(name).await?.bytes {
            return Err(outside());
        }
        if length == 0 {
            return Ok(Bytes::new());
        }
        let path = ObjectPath::from(name);
        self.store.get_range(&path, range).await.map_err(|error| self.read_failure("read", name, error))
    }

    /// Name and size of an object.
    pub async fn head(&self, name: &str) -> Result<ObjectInfo, ObjectsError> {
        name::check(name)?;
        let found = self.store.head(&ObjectPath::from(name)).await;
        let meta = found.map_err(|error| self.read_failure("look up", name, error))?;
        Ok(ObjectInfo { name: name.to_owned(), bytes: meta.size })
    }

    /// All objects below a folder (`""` for all), in no particular order.
    pub fn list(
        &self,
        folder: &str,
    ) -> Result<impl Stream<Item = Result<ObjectInfo, ObjectsError>> + Send + use<>, ObjectsError> {
        let prefix = if folder.is_empty() {
            None
        } else {
            name::check(folder)?;
            Some(ObjectPath::from(folder))
        };
        let (this, folder) = (self.clone(), folder.to_owned());
        let found = self.store.list(prefix.as_ref());
        Ok(found.filter_map(move |item| {
            let item = match item {
                Ok(meta) => {
                    let name = String::from(meta.location);
                    // Only what `put_new` could have written: not the staging directory, nor a stranger's files.
                    name::check(&name).is_ok().then_some(Ok(ObjectInfo { name, bytes: meta.size }))
                }
                Err(error) => Some(Err(this.read_failure("list", &folder, error))),
            };
            std::future::ready(item)
        }))
    }

    /// Deletes an object; true if it existed.
    ///
    /// Only for parts of abandoned uploads. Tiles, and artifacts that a version names, are never deleted. S3 does not
    /// tell whether an object existed: there the answer is true.
    pub async fn delete(&self, name: &str) -> Result<bool, ObjectsError> {
        name::check(name)?;
        if let Some(local) = &self.local {
            let (local, owned) = (Arc::clone(local), name.to_owned());
            return self.blocking("delete", name, move || local.delete(&owned)).await;
        }
        match self.store.delete(&ObjectPath::from(name)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.read_failure("delete", name, error)),
        }
    }

    /// One attempt to create an object, with the planned failure if there is one.
    async fn create(&self, name: &str, bytes: &Bytes) -> Result<Attempt, ObjectsError> {
        #[cfg(any(test, feature = "test-support"))]
        if let Some(fault) = self.faults.as_ref().and_then(|plan| plan.next()) {
            if fault == Fault::AfterStoring {
                self.create_once(name, bytes).await?;
            }
            return Ok(Attempt::Failed(format!("planned failure {fault:?}").into()));
        }
        self.create_once(name, bytes).await
    }

    async fn create_once(&self, name: &str, bytes: &Bytes) -> Result<Attempt, ObjectsError> {
        if let Some(local) = &self.local {
            let (local, owned, bytes) = (Arc::clone(local), name.to_owned(), bytes.clone());
            let created = self.blocking("store", name, move || local.create(&owned, &bytes)).await?;
            return Ok(if created { Attempt::Created } else { Attempt::Exists });
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&ObjectPath::from(name), bytes.clone().into(), options).await {
            Ok(_) => Ok(Attempt::Created),
            Err(error) => match s3::sort_write_failure(error) {
                WriteFailure::Exists => Ok(Attempt::Exists),
                WriteFailure::Passing(cause) => Ok(Attempt::Failed(cause)),
                WriteFailure::Final(source) => Err(self.refused("store", name, source)),
            },
        }
    }

    /// Whether the stored object has these bytes; `None` if it is not there (yet).
    async fn holds(&self, name: &str, bytes: &Bytes) -> Result<Option<bool>, ObjectsError> {
        match self.get_at_most(name, bytes.len() as u64).await {
            Ok(stored) => Ok(Some(stored == bytes)),
            Err(ObjectsError::TooLarge { .. }) => Ok(Some(false)),
            Err(ObjectsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Before an object that was found is reported as stored, it must be as durable as one just written.
    async fn confirm(&self, name: &str) -> Result<(), ObjectsError> {
        match &self.local {
            Some(local) => {
                let (local, owned) = (Arc::clone(local), name.to_owned());
                self.blocking("sync", name, move || local.confirm(&owned)).await
            }
            None => Ok(()),
        }
    }

    /// Runs a blocking file operation off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce() -> Result<T, ObjectsError> + Send + 'static,
    ) -> Result<T, ObjectsError> {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            // The task panicked, or the runtime is shutting down.
            Err(error) => Err(self.refused(operation, name, error.into())),
        }
    }

    fn read_failure(&self, operation: &'static str, name: &str, error: object_store::Error) -> ObjectsError {
        let (name, place) = (name.to_owned(), self.place_owned());
        match error {
            object_store::Error::NotFound { .. } => ObjectsError::NotFound { name, place },
            object_store::Error::Generic { .. } => {
                ObjectsError::Unavailable { operation, name, place, attempts: 1, source: error.into() }
            }
            other => self.refused(operation, &name, other.into()),
        }
    }

    fn refused(&self, operation: &'static str, name: &str, source: Cause) -> ObjectsError {
        ObjectsError::Refused { operation, name: name.to_owned(), place: self.place_owned(), source }
    }

    fn place_owned(&self) -> String {
        self.place.to_string()
    }
}

fn check_size(name: &str, bytes: u64, limit: u64) -> Result<(), ObjectsError> {
    if bytes > limit {
        return Err(ObjectsError::TooLarge { name: name.to_owned(), bytes, limit });
    }
    Ok(())
}
