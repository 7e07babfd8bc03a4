//! Where a baseline comes from: a profile that somebody names, one among the files of the version or of its data, or the
//! first rows that production sent.
//!
//! Each is confirmed by the very command that sets it. What is computed here is stored as a profile, so that the numbers
//! can be made again from the same bytes.

use super::first::FirstRows;
use super::{MAX_PROFILE, SetBaseline};
use crate::artifacts::Made;
use crate::drift::Profile;
use crate::models::{facts, find_version};
use crate::{App, AppError};
use comptroller_core::event::DatasetFile;
use comptroller_core::ids::BlockId;
use comptroller_core::vocab::{BaselineSource, DatasetUse};
use comptroller_core::{Digest, Slug};
use comptroller_store::areas::datasets;
use std::collections::BTreeMap;
use std::path::Path;

/// A baseline that is to be set.
pub(super) struct Found {
    pub(super) profile: Profile,
    pub(super) digest: Digest,
    pub(super) source: BaselineSource,
    pub(super) blocks: Vec<BlockId>,
    pub(super) seasons: BTreeMap<Slug, Digest>,
    /// Files that were stored for it and are not on record yet.
    pub(super) made: Vec<Made>,
}

impl Found {
    fn stored(profile: Profile, digest: Digest, source: BaselineSource) -> Self {
        Self { profile, digest, source, blocks: Vec::new(), seasons: BTreeMap::new(), made: Vec::new() }
    }
}

impl App {
    /// The baseline that a command asks for.
    pub(super) async fn find_baseline(&self, command: &SetBaseline) -> Result<Found, AppError> {
        match (&command.profile, command.from_training, &command.first) {
            (Some(digest), false, None) => {
                let profile = self.read_profile(digest).await?;
                Ok(Found::stored(profile, digest.clone(), BaselineSource::Stated))
            }
            (None, true, None) => self.training_profile(&command.version).await,
            (None, false, Some(first)) => self.first_profile(&command.version, first).await,
            _ => Err(AppError::invalid(
                "profile",
                "name exactly one of a profile, `from_training` and `first`: a baseline has one origin",
            )),
        }
    }

    /// The profile among the files of a version, or of the data that it was validated or trained on, in this order.
    async fn training_profile(&self, version: &str) -> Result<Found, AppError> {
        let mut conn = self.store.read().await?;
        let (_, row) = find_version(&mut conn, version).await?;
        let facts = facts(&row)?;
        let mut files: Vec<(String, Digest, u64)> = facts
            .artifacts
            .iter()
            .map(|file| (file.name.to_string(), file.digest.clone(), file.bytes))
            .collect();
        for purpose in [DatasetUse::Validation, DatasetUse::Training, DatasetUse::FineTuning] {
            for used in facts.datasets.iter().filter(|used| used.purpose == purpose) {
                let Some(data) = datasets::version(&mut conn, used.dataset_version).await? else { continue };
                let of_data: Vec<DatasetFile> = serde_json::from_str(&data.files)?;
                files
                    .extend(of_data.into_iter().map(|file| (file.name.to_string(), file.digest, file.bytes)));
            }
        }
        drop(conn);
        for (name, digest, bytes) in files {
            // Only what may be one is read: a model can have gigabytes.
            let is_json = Path::new(&name).extension().is_some_and(|extension| extension == "json");
            if !is_json || bytes > MAX_PROFILE {
                continue;
            }
            match self.read_profile(&digest).await {
                Ok(profile) => return Ok(Found::stored(profile, digest, BaselineSource::Training)),
                Err(AppError::Invalid { .. } | AppError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AppError::Conflict(
            "no file of the version, nor of the data that it was validated or trained on, is a stored profile; make one \
             with `comptroller profile DATA --out FILE.json` and name it with --profile, or register it with the version"
                .into(),
        ))
    }

    async fn first_profile(&self, version: &str, first: &FirstRows) -> Result<Found, AppError> {
        let mut conn = self.store.read().await?;
        let (_, row) = find_version(&mut conn, version).await?;
        drop(conn);
        let counted = self.count_first(row.id.0, first).await?;
        let bytes =
            |profile: &Profile| profile.to_bytes().map_err(|error| AppError::Internal(error.to_string()));
        let whole = self.store_made(bytes(&counted.profile)?).await?;
        let digest = whole.digest.clone();
        let (mut made, mut seasons) = (vec![whole], BTreeMap::new());
        for (name, profile) in &counted.seasons {
            let file = self.store_made(bytes(profile)?).await?;
            seasons.insert(name.parse()?, file.digest.clone());
            made.push(file);
        }
        for (name, hours) in &counted.hours {
            let bytes = hours.to_bytes()?;
            // Without it a part of a day is compared with the whole season.
            if bytes.len() as u64 <= MAX_PROFILE {
                let file = self.store_made(bytes).await?;
                seasons.insert(name.parse()?, file.digest.clone());
                made.push(file);
            }
        }
        Ok(Found {
            profile: counted.profile,
            digest,
            source: BaselineSource::Production,
            blocks: counted.blocks,
            seasons,
            made,
        })
    }
}
