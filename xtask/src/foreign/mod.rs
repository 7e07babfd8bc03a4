//! Verifiers that we did not write, for the tests that check our log with them.
//!
//! Go's `golang.org/x/mod/sumdb` packages, two Python packages for C2SP logs, and OpenSSL with an RFC 3161 client.
//! They are checks and never dependencies of the product.

mod go;
mod python;

use anyhow::{Context, Result, bail};

use crate::process::find_program;
use crate::tools::apt_install;
use crate::workspace::Workspace;

/// Installs what is missing and returns the variables that the tests read, as (name, value).
///
/// `COMPTROLLER_TEST_GO` is the `go` program and `COMPTROLLER_TEST_GO_VERIFY` the built `tests/foreign/verify.go`;
/// `COMPTROLLER_TEST_PYTHON` is a Python with the packages; `COMPTROLLER_TEST_OPENSSL` is the `openssl` program.
pub(crate) fn install(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut variables = go::install(workspace).context("cannot install the Go verifier")?;
    let python = python::install(&workspace.cache).context("cannot install the Python verifiers")?;
    variables.push(("COMPTROLLER_TEST_PYTHON".to_owned(), python));
    variables.push(("COMPTROLLER_TEST_OPENSSL".to_owned(), openssl()?));
    Ok(variables)
}

/// The built Go verifier, if Go and its packages are on this machine already. Installs nothing.
pub(crate) fn go_verifier_if_present(workspace: &Workspace) -> Result<Option<std::path::PathBuf>> {
    go::build_if_present(workspace)
}

fn openssl() -> Result<String> {
    if find_program("openssl").is_none() {
        apt_install(&["openssl"])?;
    }
    match find_program("openssl") {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => bail!("the Debian package openssl is installed, but `openssl` is not on PATH"),
    }
}
