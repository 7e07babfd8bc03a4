//! The Python verifiers: a tlog-tiles verifier, a tlog-witness and an RFC 3161 client.

use std::path::Path;

use anyhow::Result;

use crate::tools::python_environment;

/// `aics-tlog` needs this one.
const OLDEST_PYTHON: (u32, u32) = (3, 12);
const PACKAGES: &[&str] = &["aics-tlog==0.2.1", "aics-witness==0.1.0", "rfc3161-client==1.0.9"];

/// Returns the path of a Python that has the packages.
pub(crate) fn install(cache: &Path) -> Result<String> {
    let environment = python_environment(cache, "foreign-python", OLDEST_PYTHON, PACKAGES)?;
    Ok(environment.join("bin/python").to_string_lossy().into_owned())
}
