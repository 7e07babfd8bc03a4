//! What sign-in of people and the exchange of workload tokens share: an issuer's configuration and keys, and which
//! signatures count.

use crate::AppError;
use crate::outbound::{self, OutboundError};
use openidconnect::core::{CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata};
use openidconnect::{HttpRequest, HttpResponse, IssuerUrl};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Largest answer of an issuer that is read, in bytes.
const MAX_ANSWER: u64 = 256 << 10;
/// Signatures that are accepted: public-key ones only. `none` and those with a shared secret are not.
pub(crate) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// An issuer, with what it last published.
#[derive(Debug)]
pub(crate) struct Discovery {
    issuer: IssuerUrl,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    read_at: Instant,
    metadata: Arc<CoreProviderMetadata>,
}

impl Discovery {
    /// # Errors
    /// Something that is no address.
    pub(crate) fn new(issuer: String) -> Result<Self, openidconnect::url::ParseError> {
        Ok(Self { issuer: IssuerUrl::new(issuer)?, known: Mutex::default() })
    }

    /// Its address, as it stands in its tokens.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Its configuration and keys, read again if they are older than `fresh`. One request at a time.
    pub(crate) async fn metadata(&self, fresh: Duration) -> Result<Arc<CoreProviderMetadata>, AppError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref()
            && known.read_at.elapsed() < fresh
        {
            return Ok(Arc::clone(&known.metadata));
        }
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &ask)
            .await
            .map_err(|error| outside("did not tell its configuration", &error))?;
        let metadata = Arc::new(metadata);
        *known = Some(Known { read_at: Instant::now(), metadata: Arc::clone(&metadata) });
        Ok(metadata)
    }
}

/// Sends a request of the protocol.
pub(crate) async fn ask(request: HttpRequest) -> Result<HttpResponse, OutboundError> {
    outbound::send(request, MAX_ANSWER).await
}

/// The error and its causes; for the log, and short enough for the person.
pub(crate) fn outside(what: &str, error: &dyn std::error::Error) -> AppError {
    let mut text = format!("the identity provider {what}: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    tracing::warn!(error = text, "an identity provider");
    AppError::Outside(text)
}
