//! Opening a bucket, and sorting its failures into passing and final ones.
//!
//! Sends no request by itself. Requests have a time limit; reads are retried by the object_store crate, writes by
//! [`super::Objects::put_new`], because a conditional write is not idempotent.

use super::{Cause, ObjectsConfig, ObjectsError};
use object_store::aws::{AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One object of 16 MiB at 300 kB/s.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const READ_RETRIES: usize = 3;

/// Opens the bucket of an S3 configuration that was checked.
pub(super) fn open(config: &ObjectsConfig) -> Result<(Arc<dyn ObjectStore>, String), ObjectsError> {
    let ObjectsConfig::S3 { endpoint, bucket, region, access_key, secret_key, prefix, allow_http } = config
    else {
        return Err(ObjectsError::Config { field: "kind", what: "is not s3" });
    };
    let place = format!("{}/{bucket}/{prefix}", endpoint.as_deref().unwrap_or("s3:/"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(access_key)
        .with_secret_access_key(secret_key.expose())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // Also what a bucket with Object Lock asks for.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_allow_http(*allow_http)
        .with_client_options(
            ClientOptions::new()
                .with_connect_timeout(CONNECT_TIMEOUT)
                .with_timeout(REQUEST_TIMEOUT)
                .with_allow_http(*allow_http),
        )
        .with_retry(RetryConfig {
            max_retries: READ_RETRIES,
            retry_timeout: 2 * REQUEST_TIMEOUT,
            ..RetryConfig::default()
        });
    if let Some(address) = endpoint {
        builder = builder.with_endpoint(address.trim_end_matches('/'));
    }
    let store =
        builder.build().map_err(|error| ObjectsError::Open { place: place.clone(), source: error.into() })?;
    let store: Arc<dyn ObjectStore> =
        if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix.as_str())) };
    Ok((store, place))
}

/// What the failure of a conditional write means.
pub(super) enum WriteFailure {
    /// The name is taken, or S3 answered 409 because another write of this name is under way.
    Exists,
    /// May pass.
    Passing(Cause),
    /// Will not pass.
    Final(Cause),
}

/// Sorts the failure of a conditional write.
pub(super) fn sort_write_failure(error: object_store::Error) -> WriteFailure {
    use object_store::Error;
    match error {
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            WriteFailure::Exists
        }
        // 5xx, time-outs, broken connections.
        Error::Generic { .. } | Error::JoinError { .. } => WriteFailure::Passing(error.into()),
        other => WriteFailure::Final(other.into()),
    }
}
