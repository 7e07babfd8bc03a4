//! Where objects live: a local directory or an S3-compatible bucket.
//!
//! The secret of a bucket never appears in `Debug` or in serialised form.

use super::{ObjectsError, name};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Place and credentials of the object store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ObjectsConfig {
    /// A directory of this machine, used by one process.
    Local {
        /// The directory; created if it is missing.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible store that honours `If-None-Match: *` on PUT.
    S3 {
        /// Base address such as `https://s3.example.org`; AWS's own for the region if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// Name of the bucket; it must exist.
        bucket: String,
        /// Region that requests are signed for.
        #[serde(default = "default_region")]
        region: String,
        /// Access key id.
        access_key: String,
        /// Secret access key.
        secret_key: Secret,
        /// Put before every object name, so that one bucket can serve several installations; may be empty.
        #[serde(default)]
        prefix: String,
        /// Permits an `http://` endpoint. Only for a store on the same machine or a trusted network.
        #[serde(default)]
        allow_http: bool,
    },
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

impl ObjectsConfig {
    /// Refuses what can be seen to be wrong without a request.
    pub(super) fn check(&self) -> Result<(), ObjectsError> {
        let Self::S3 { endpoint, bucket, region, access_key, secret_key, prefix, allow_http } = self else {
            return Ok(());
        };
        let required = [
            ("bucket", bucket.as_str()),
            ("region", region),
            ("access_key", access_key),
            ("secret_key", secret_key.expose()),
        ];
        for (field, text) in required {
            if text.is_empty() {
                return Err(ObjectsError::Config { field, what: "is empty; give a value" });
            }
        }
        if !prefix.is_empty() && name::check(prefix).is_err() {
            return Err(ObjectsError::Config {
                field: "prefix",
                what: "is not a relative path of A-Z a-z 0-9 . _ - separated by single slashes; correct it",
            });
        }
        match endpoint {
            Some(address) if address.starts_with("http://") && !allow_http => Err(ObjectsError::Config {
                field: "endpoint",
                what: "is plain http; use https, or set allow_http for a store on a trusted network",
            }),
            Some(address) if !address.starts_with("http://") && !address.starts_with("https://") => {
                Err(ObjectsError::Config { field: "endpoint", what: "must start with https:// or http://" })
            }
            Some(address) if address.contains('@') => Err(ObjectsError::Config {
                field: "endpoint",
                what: "must not contain a user name or password; use access_key and secret_key",
            }),
            _ => Ok(()),
        }
    }
}

/// A text that is read from configuration and never shown again; its memory is cleared when dropped.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    /// Writes `[redacted]`, so that a printed configuration is safe to paste.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(change: &str) -> Result<ObjectsConfig, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"kind":"s3","bucket":"b","access_key":"id","secret_key":"hunter2"{change}}}"#
        ))
    }

    #[test]
    fn unknown_fields_are_refused_and_defaults_hold() {
        assert!(s3("").unwrap().check().is_ok());
        let error = s3(r#","buckett":"x""#).unwrap_err().to_string();
        assert!(error.contains("buckett"), "{error}");
        assert!(serde_json::from_str::<ObjectsConfig>(r#"{"kind":"local","path":"d","x":1}"#).is_err());
    }

    #[test]
    fn the_secret_is_never_shown() {
        let config = s3("").unwrap();
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("hunter2") && shown.contains("[redacted]"), "{shown}");
    }

    #[test]
    fn what_is_visibly_wrong_is_refused_by_field() {
        for (change, field) in [
            (r#","endpoint":"http://h""#, "endpoint"),
            (r#","endpoint":"h:80""#, "endpoint"),
            (r#","endpoint":"https://u:p@h""#, "endpoint"),
            (r#","prefix":"../up""#, "prefix"),
            (r#","region":"""#, "region"),
        ] {
            let error = s3(change).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
        assert!(s3(r#","endpoint":"http://h","allow_http":true"#).unwrap().check().is_ok());
    }
}
