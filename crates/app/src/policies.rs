//! Policies in force, and how they change: proposed, compared by proof, approved by others, activated, gone back from.

use crate::AppError;
use comptroller_core::Digest;
use comptroller_core::vocab::Vote;
use comptroller_policy::{Bundle, BundleError, Package};
use comptroller_store::areas::policies;
use comptroller_store::keys::OrgKey;
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

mod analysis;
pub mod change;
pub mod replay;
pub mod shadow;
mod succession;

/// Most bundles that are kept parsed.
const MAX_CACHED: usize = 16;

/// Votes on a proposal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteOnPolicies {
    /// Approve or deny; a denial ends the proposal.
    pub vote: Vote,
    /// Why.
    pub comment: String,
}

/// The private part of the event that made a bundle known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Files {
    /// Canonical JSON of the package, if the event made it known.
    #[serde(default)]
    pub(crate) package: Option<String>,
    /// Why it was proposed.
    #[serde(default)]
    pub(crate) reason: String,
}

/// The bundles that this process has parsed.
#[derive(Debug)]
pub(crate) struct Policies {
    builtin: Arc<Bundle>,
    parsed: Mutex<HashMap<Digest, Arc<Bundle>>>,
}

impl Policies {
    pub(crate) fn new() -> Result<Self, AppError> {
        let builtin =
            Bundle::builtin().map_err(|error| AppError::Internal(format!("policy bundle: {error}")))?;
        Ok(Self { builtin: Arc::new(builtin), parsed: Mutex::default() })
    }

    /// The base policies of this version of the product.
    pub(crate) fn builtin(&self) -> &Arc<Bundle> {
        &self.builtin
    }

    /// The bundle that decides now. Ask inside the transaction of the act that it decides about.
    pub(crate) async fn in_force(&self, conn: &mut Conn, key: &OrgKey) -> Result<Arc<Bundle>, AppError> {
        match policies::active(conn).await? {
            None => Ok(Arc::clone(&self.builtin)),
            Some(row) => self.bundle(conn, key, &row.bundle.0).await,
        }
    }

    /// A known bundle by its digest.
    ///
    /// # Errors
    /// [`AppError::NotFound`] if nobody has proposed it here, and an internal error if this version of the product
    /// cannot read it any more; nothing is decided then.
    pub(crate) async fn bundle(
        &self,
        conn: &mut Conn,
        key: &OrgKey,
        digest: &Digest,
    ) -> Result<Arc<Bundle>, AppError> {
        if digest == self.builtin.digest() {
            return Ok(Arc::clone(&self.builtin));
        }
        let parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
        if let Some(bundle) = parsed {
            return Ok(bundle);
        }
        let package = self.package(conn, key, digest).await?;
        // INVARIANT (as-of): what is read is what was approved, byte for byte.
        if package.digest() != *digest {
            return Err(AppError::Internal(format!(
                "the files of policy bundle {digest} have another digest"
            )));
        }
        let bundle = match Bundle::of(&package) {
            Err(BundleError::MissingDefinition { missing }) => {
                tracing::warn!(bundle = %digest, missing, "these policies do not know an act of this version: nobody is permitted it");
                Bundle::adapted(&package)
            }
            other => other,
        };
        let bundle = bundle
            .map_err(|error| AppError::Internal(format!("policy bundle {digest} cannot be used: {error}")))?;
        let bundle = Arc::new(bundle);
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() >= MAX_CACHED {
            parsed.clear();
        }
        parsed.insert(digest.clone(), Arc::clone(&bundle));
        Ok(bundle)
    }

    /// The files of a known bundle.
    pub(crate) async fn package(
        &self,
        conn: &mut Conn,
        key: &OrgKey,
        digest: &Digest,
    ) -> Result<Package, AppError> {
        if digest == self.builtin.digest() {
            return Package::builtin().map_err(|error| AppError::Internal(error.to_string()));
        }
        let row = policies::bundle(conn, digest).await?;
        let row = row.ok_or_else(|| AppError::not_found("policy bundle", digest))?;
        let files: Option<Files> = journal::private(conn, key, Some(row.private_at)).await?;
        let text = files.and_then(|files| files.package);
        let text =
            text.ok_or_else(|| AppError::Internal(format!("the files of policy bundle {digest} are gone")))?;
        Package::from_json(text.as_bytes())
            .map_err(|error| AppError::Internal(format!("policy bundle {digest}: {error}")))
    }
}
